/* ports: who stands on the ports local53 wants. Pure. Thread: any.
 * Bounds: DOCTOR_SOCKETS_MAX sockets. A line that is not understood is passed over. */
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "local53/net/ports.h"

/* --- texts of /proc/net --- */

static bool is_known(const struct doctor_sockets *sockets, unsigned long inode)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->items[i].inode == inode)
            return true;
    }
    return false;
}

void doctor_find_sockets(struct doctor_sockets *sockets, const char *text, bool tcp,
                         const struct addr *wanted)
{
    for (const char *line = text; line != NULL && sockets->count < DOCTOR_SOCKETS_MAX;) {
        struct ports_line found;
        line += *line == '\n';
        if (ports_read_line(line, &found) && (!tcp || found.state == PORTS_LISTENS) &&
            ports_is_in_way(&found.bound, wanted) && !is_known(sockets, found.inode))
            sockets->items[sockets->count++] = (struct doctor_socket){
                .bound = found.bound, .tcp = tcp, .uid = found.uid, .inode = found.inode};
        line = strchr(line, '\n');
    }
}

/* --- the finding --- */

/* Who it is, as well as it can be told. */
static const char *write_holder(const struct doctor_socket *socket, char out[128])
{
    if (socket->process[0] != '\0')
        snprintf(out, 128, "%s", socket->process);
    else
        snprintf(out, 128, "a process of user %u that cannot be seen from here", socket->uid);
    return out;
}

static bool is_of(const struct doctor_socket *socket, const char *name)
{
    return strncmp(socket->process, name, strlen(name)) == 0;
}

static void tell_remedy(struct findings *findings, const struct doctor_wish *wish,
                        const struct doctor_socket *holder)
{
    if (!wish->dns)
        findings_remedy(findings, "write another address or port under metrics:, or stop it");
    else if (is_of(holder, "systemd-resolve"))
        findings_remedy(findings, "listen on another address (169.254.20.10): systemd-resolved "
                                  "keeps 127.0.0.53; take DNSStubListenerExtra= away if it has it");
    else if (is_of(holder, "node-cache") || is_of(holder, "coredns"))
        findings_remedy(findings, "NodeLocal DNSCache or a CoreDNS on the host network: remove its "
                                  "DaemonSet, or give local53 another address while both run");
    else if (addr_is_any(&holder->bound))
        findings_remedy(findings,
                        "make it listen on its own addresses alone (dnsmasq: "
                        "bind-interfaces; CoreDNS: bind; unbound: interface), or stop it");
    else
        findings_remedy(findings,
                        "stop it, or write another address under listen:; ss -lnp "
                        "'sport = :%u' as root shows who it is",
                        (unsigned)addr_port(&wish->addr));
}

static void tell_foreign(struct findings *findings, const struct doctor_wish *wish,
                         const struct doctor_socket *holder, bool both)
{
    char wanted[ADDR_TEXT_MAX];
    char bound[ADDR_TEXT_MAX];
    char who[128];
    const char *transport = holder->tcp ? "TCP" : "UDP";
    findings_add(findings, FINDING_PROBLEM, FINDING_PORT, "%s %s is in use by %s%s%s",
                 addr_format(&wish->addr, wanted), both ? "UDP and TCP" : transport,
                 write_holder(holder, who),
                 addr_is_any(&holder->bound) ? ", which listens on " : "",
                 addr_is_any(&holder->bound) ? addr_format(&holder->bound, bound) : "");
    tell_remedy(findings, wish, holder);
}

/* The socket in the way of a wish over a transport: one of a local53 before others, since what it shares its port
 * with is not in its way. */
static const struct doctor_socket *find_holder(const struct doctor_sockets *sockets,
                                               const struct doctor_wish *wish, bool tcp)
{
    const struct doctor_socket *holder = NULL;
    for (size_t i = 0; i < sockets->count; i++) {
        const struct doctor_socket *socket = &sockets->items[i];
        if (socket->tcp != tcp || !ports_is_in_way(&socket->bound, &wish->addr))
            continue;
        if (holder == NULL || (socket->ours && !holder->ours))
            holder = socket;
    }
    return holder;
}

bool doctor_is_served(const struct doctor_wish *wish, const struct doctor_sockets *sockets)
{
    const struct doctor_socket *udp = find_holder(sockets, wish, false);
    const struct doctor_socket *tcp = find_holder(sockets, wish, true);
    return tcp != NULL && tcp->ours && (!wish->dns || (udp != NULL && udp->ours));
}

bool doctor_is_silent(const struct doctor_wish *wish, const struct doctor_sockets *sockets)
{
    return wish->dns && find_holder(sockets, wish, false) == NULL;
}

static bool is_same_holder(const struct doctor_socket *a, const struct doctor_socket *b)
{
    return strcmp(a->process, b->process) == 0 && a->uid == b->uid &&
           addr_same_host(&a->bound, &b->bound);
}

void doctor_check_port(struct findings *findings, const struct doctor_wish *wish,
                       const struct doctor_sockets *sockets)
{
    const struct doctor_socket *udp = wish->dns ? find_holder(sockets, wish, false) : NULL;
    const struct doctor_socket *tcp = find_holder(sockets, wish, true);
    bool udp_foreign = udp != NULL && !udp->ours;
    bool tcp_foreign = tcp != NULL && !tcp->ours;
    bool both = udp_foreign && tcp_foreign && is_same_holder(udp, tcp);
    char text[ADDR_TEXT_MAX];
    addr_format(&wish->addr, text);
    if (udp_foreign)
        tell_foreign(findings, wish, udp, both);
    if (tcp_foreign && !both)
        tell_foreign(findings, wish, tcp, false);
    if (udp_foreign || tcp_foreign)
        return;
    if (udp != NULL || tcp != NULL)
        findings_add(findings, FINDING_OK, FINDING_PORT, "%s is served by %s", text,
                     udp != NULL ? udp->process : tcp->process);
    else
        findings_add(findings, FINDING_OK, FINDING_PORT, "%s %s is free", text,
                     wish->dns ? "UDP and TCP" : "TCP");
}
