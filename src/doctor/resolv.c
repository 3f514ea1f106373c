/* resolv: resolv.conf(5) files, what the node asks by them, and whether they lead back to us. Pure. Thread:
 * any. Bounds: DOCTOR_NAMESERVERS_MAX nameservers, lines of LINE_OCTETS; what is beyond is passed over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"

#define LINE_OCTETS 512
#define DNS_PORT 53
#define RESOLVER_NAMESERVERS 3 /* resolv.conf(5), MAXNS */
#define MANY_NDOTS 3
#define STUB "127.0.0.53"
#define STUB_FILE "/run/systemd/resolve/stub-resolv.conf"
#define UPLINK_FILE "/run/systemd/resolve/resolv.conf"

/* --- reading --- */

static void read_options(struct doctor_resolv *resolv, char *rest)
{
    char *state = NULL;
    for (char *word = strtok_r(rest, " \t", &state); word != NULL;
         word = strtok_r(NULL, " \t", &state)) {
        if (strncmp(word, "ndots:", 6) == 0)
            resolv->ndots = (unsigned)strtoul(word + 6, NULL, 10);
    }
}

static void read_search(struct doctor_resolv *resolv, char *rest)
{
    char *state = NULL;
    resolv->search_count = 0;
    for (char *word = strtok_r(rest, " \t", &state); word != NULL;
         word = strtok_r(NULL, " \t", &state))
        resolv->search_count++;
}

static void read_nameserver(struct doctor_resolv *resolv, const char *rest)
{
    char text[ADDR_TEXT_MAX];
    size_t len = strcspn(rest, " \t");
    if (len >= sizeof(text) || resolv->nameserver_count == DOCTOR_NAMESERVERS_MAX)
        return;
    memcpy(text, rest, len);
    text[len] = '\0';
    struct addr *addr = &resolv->nameservers[resolv->nameserver_count];
    resolv->nameserver_count += addr_parse(addr, text, DNS_PORT) == ERR_OK;
}

static void read_line(struct doctor_resolv *resolv, char *line)
{
    size_t word = strcspn(line, " \t");
    char *rest = line + word + strspn(line + word, " \t");
    line[word] = '\0';
    if (strcmp(line, "nameserver") == 0)
        read_nameserver(resolv, rest);
    else if (strcmp(line, "search") == 0 || strcmp(line, "domain") == 0)
        read_search(resolv, rest);
    else if (strcmp(line, "options") == 0)
        read_options(resolv, rest);
}

void doctor_parse_resolv(struct doctor_resolv *resolv, const char *text)
{
    *resolv = (struct doctor_resolv){.file = resolv->file, .real = resolv->real, .ndots = 1};
    while (*text != '\0') {
        char line[LINE_OCTETS];
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line) - 1),
                 text);
        read_line(resolv, line);
        text += len;
        text += *text == '\n';
    }
}

bool doctor_asks_stub(const struct doctor_resolv *resolv)
{
    struct addr stub;
    if (addr_parse(&stub, STUB, DNS_PORT) != ERR_OK)
        return false;
    for (size_t i = 0; i < resolv->nameserver_count; i++) {
        if (addr_equal(&resolv->nameservers[i], &stub))
            return true;
    }
    return false;
}

/* --- the node's own --- */

static const char *write_nameservers(const struct doctor_resolv *resolv, char *out, size_t cap)
{
    size_t len = 0;
    char text[ADDR_TEXT_MAX];
    out[0] = '\0';
    for (size_t i = 0; i < resolv->nameserver_count && len + 1 < cap; i++) {
        struct addr addr = resolv->nameservers[i];
        if (addr_port(&addr) == DNS_PORT)
            addr = addr_with_port(addr, 0);
        int added =
            snprintf(out + len, cap - len, "%s%s", i > 0 ? ", " : "", addr_format(&addr, text));
        len += added > 0 ? (size_t)added : 0;
    }
    return out;
}

static void check_mode(struct findings *findings, const struct doctor_resolv *resolv)
{
    char list[200];
    write_nameservers(resolv, list, sizeof(list));
    if (resolv->nameserver_count == 0) {
        findings_add(findings, FINDING_NOTE, FINDING_RESOLV_CONF, "%s names no nameserver",
                     resolv->file);
        findings_remedy(findings, "write the servers into the configuration (aws.resolver, "
                                  "forward), and name one for the node itself");
    } else if (strcmp(resolv->real, STUB_FILE) == 0 || doctor_asks_stub(resolv)) {
        findings_add(findings, FINDING_NOTE, FINDING_RESOLV_CONF,
                     "%s asks systemd-resolved's stub (" STUB "), which caches and chooses servers "
                     "by itself",
                     resolv->file);
        findings_remedy(findings,
                        "let forward read resolv.conf:" UPLINK_FILE ": the servers behind it");
    } else {
        findings_add(findings, FINDING_OK, FINDING_RESOLV_CONF, "%s (%s) asks %s", resolv->file,
                     strcmp(resolv->real, UPLINK_FILE) == 0 ? "systemd-resolved's uplink list"
                                                            : "static",
                     list);
    }
}

static void check_number(struct findings *findings, const struct doctor_resolv *resolv)
{
    if (resolv->nameserver_count <= RESOLVER_NAMESERVERS)
        return;
    findings_add(findings, FINDING_NOTE, FINDING_RESOLV_CONF,
                 "%s names %zu nameservers; glibc and musl use the first three", resolv->file,
                 resolv->nameserver_count);
    findings_remedy(findings, "leave three, the ones you mean first");
}

static void check_search(struct findings *findings, const struct doctor_resolv *resolv)
{
    if (resolv->ndots < MANY_NDOTS || resolv->search_count == 0)
        return;
    findings_add(
        findings, FINDING_NOTE, FINDING_SEARCH,
        "ndots:%u and %zu search domains make up to %zu queries of one for an outside name",
        resolv->ndots, resolv->search_count, 2 * (resolv->search_count + 1));
    findings_remedy(findings, "ndots:2 in the pod's dnsConfig, or names with a dot at their end; "
                              "forward[].nxdomain_cut for cluster.local saves packets");
}

void doctor_check_resolv(struct findings *findings, const struct doctor_resolv *resolv)
{
    check_mode(findings, resolv);
    check_number(findings, resolv);
    check_search(findings, resolv);
}

/* --- our own addresses in it --- */

static bool is_own(const struct addr *addr, const struct addr *own, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool any = addr_is_any(&own[i]) && addr_is_loopback(addr);
        if (addr_equal(addr, &own[i]) || (any && addr_port(addr) == addr_port(&own[i])))
            return true;
    }
    return false;
}

void doctor_check_asked(struct findings *findings, const struct doctor_resolv *resolv,
                        const struct addr *silent, size_t silent_count)
{
    const struct addr *first = NULL;
    size_t dead = 0;
    char text[ADDR_TEXT_MAX];
    for (size_t i = 0; i < resolv->nameserver_count; i++) {
        if (!is_own(&resolv->nameservers[i], silent, silent_count))
            continue;
        first = first != NULL ? first : &resolv->nameservers[i];
        dead++;
    }
    if (first == NULL)
        return;
    bool alone = dead == resolv->nameserver_count;
    findings_add(findings, alone ? FINDING_PROBLEM : FINDING_NOTE, FINDING_RESOLV_CONF,
                 "%s asks %s, where no local53 runs%s", resolv->file, addr_format(first, text),
                 alone ? ", and nobody else: this node finds no name, for image pulls either"
                       : "; the next server answers, which has no endpoint's addresses");
    findings_remedy(findings, "see why local53 does not run (its log); until then 'resolver.sh "
                              "restore', on Bottlerocket bottlerocket-restore.toml");
}

/* --- loops --- */

/* A nameserver of a file that is a listen address of ours; NULL for none. */
static const struct addr *own_in(const struct doctor_resolv *resolv, const struct doctor_loop *loop)
{
    for (size_t i = 0; i < resolv->nameserver_count; i++) {
        if (is_own(&resolv->nameservers[i], loop->own, loop->own_count))
            return &resolv->nameservers[i];
    }
    return NULL;
}

static void tell_loop(struct findings *findings, const struct doctor_loop *loop,
                      const struct addr *own)
{
    char text[ADDR_TEXT_MAX];
    addr_format(own, text);
    if (loop->servers_left > 0) {
        findings_add(findings, FINDING_NOTE, FINDING_LOOP,
                     "%s names %s, which is local53; the pool of \"%s\" reads it and leaves that "
                     "one out",
                     loop->resolv->file, text, loop->zone);
        findings_remedy(findings, "nothing, while the file names another server too");
        return;
    }
    findings_add(
        findings, FINDING_PROBLEM, FINDING_LOOP,
        "%s names %s, which is local53, and nobody else; the pool of \"%s\" reads it: there "
        "is no server to ask",
        loop->resolv->file, text, loop->zone);
    findings_remedy(findings,
                    "write the VPC resolver under forward (169.254.169.253), or a file that "
                    "names the servers behind: resolv.conf:" UPLINK_FILE);
}

static void tell_loop_by_stub(struct findings *findings, const struct doctor_loop *loop,
                              const struct addr *own)
{
    char text[ADDR_TEXT_MAX];
    findings_add(findings, FINDING_PROBLEM, FINDING_LOOP,
                 "the pool of \"%s\" asks systemd-resolved (" STUB
                 "), which asks %s: local53 itself",
                 loop->zone, addr_format(own, text));
    findings_remedy(findings,
                    "write the VPC resolver under forward (169.254.169.253) in place of "
                    "resolv.conf:%s",
                    loop->resolv->file);
}

void doctor_check_loop(struct findings *findings, const struct doctor_loop *loop)
{
    const struct addr *own = own_in(loop->resolv, loop);
    const struct addr *behind = loop->uplink != NULL ? own_in(loop->uplink, loop) : NULL;
    if (own != NULL)
        tell_loop(findings, loop, own);
    else if (behind != NULL && doctor_asks_stub(loop->resolv))
        tell_loop_by_stub(findings, loop, behind);
}
