/* doctor: reads the node once, runs the checks over it, prints. Owns what was read. Thread: main.
 * Bounds: WISHES_MAX addresses; about 9 s when all servers, the instance metadata and kube-proxy are silent.
 * Fails: when /proc or the links cannot be read; all else is a finding. */
#include "local53/doctor/doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checks.h"
#include "findings.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/base/log.h"
#include "local53/cli/exit_code.h"
#include "local53/dns/text.h"
#include "local53/node/processors.h"
#include "reach.h"
#include "read.h"

#define WISHES_MAX 64
#define DNS_PORT 53
#define RESOLV_CONF "/etc/resolv.conf"
#define UPLINK "/run/systemd/resolve/resolv.conf"
#define DEFAULT_CACHE ((uint64_t)32 << 20)
#define DEFAULT_CONNECTIONS 256
#define OTHER_FILES 256 /* descriptors beside those of TCP clients: sockets to servers, loops */

/* A resolv.conf that was read. */
struct resolv_file {
    char *text;                  /* owned */
    char *real;                  /* owned; NULL when it is not there */
    struct doctor_resolv resolv; /* borrows both */
};

struct doctor {
    const struct ruleset *rules;           /* borrowed; NULL without a configuration */
    struct findings *findings;             /* owned */
    struct doctor_wish wishes[WISHES_MAX]; /* where it is, or would be, listened */
    size_t wish_count;                     /* of them */
    struct doctor_sockets *sockets;        /* owned; what stands in their way */
    struct doctor_links links;             /* owned items */
    struct doctor_pools *pools;            /* owned; of the rules */
    char *status;                          /* owned; /proc/self/status */
};

/* --- reading --- */

/* True for what local53 puts on the node, if it is allowed to: service addresses, and some it listens on. */
static bool is_put(const struct config *config, size_t index)
{
    return index >= config->listen_count || config_is_node_address(&config->answered[index]);
}

static void add_wish(struct doctor *doctor, struct doctor_wish wish)
{
    if (doctor->wish_count < WISHES_MAX)
        doctor->wishes[doctor->wish_count++] = wish;
}

static void make_wishes(struct doctor *doctor)
{
    struct doctor_wish usual = {.dns = true, .usual = true};
    const struct config *config = doctor->rules != NULL ? doctor->rules->config : NULL;
    for (size_t i = 0; config != NULL && i < config->answered_count; i++) {
        bool put = is_put(config, i);
        bool intercepts = config->intercept == CONFIG_INTERCEPT_OWNER;
        add_wish(doctor, (struct doctor_wish){.addr = config->answered[i],
                                              .dns = true,
                                              .put = put && intercepts,
                                              .may_put = put && !intercepts});
    }
    for (size_t i = 0; config != NULL && i < config->metrics_count; i++)
        add_wish(doctor, (struct doctor_wish){.addr = config->metrics[i]});
    if (config != NULL)
        return;
    CHECK(addr_parse(&usual.addr, DOCTOR_USUAL_ADDRESS, DNS_PORT) == ERR_OK);
    add_wish(doctor, usual);
}

/* False when the kernel's tables cannot be read. */
static bool find_sockets(struct doctor *doctor)
{
    static const struct {
        const char *path;
        bool tcp;
    } tables[] = {{"/proc/net/udp", false},
                  {"/proc/net/udp6", false},
                  {"/proc/net/tcp", true},
                  {"/proc/net/tcp6", true}};
    bool readable = access(tables[0].path, R_OK) == 0;
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
        char *text = doctor_read_text(tables[t].path);
        for (size_t i = 0; i < doctor->wish_count; i++)
            doctor_find_sockets(doctor->sockets, text, tables[t].tcp, &doctor->wishes[i].addr);
        free(text);
    }
    doctor_name_processes(doctor->sockets);
    if (doctor->rules != NULL)
        doctor_name_ours(doctor->sockets, doctor->rules->config->control);
    return readable;
}

static void read_resolv(struct resolv_file *file, const char *path)
{
    file->text = doctor_read_text(path);
    file->real = realpath(path, NULL);
    file->resolv =
        (struct doctor_resolv){.file = path, .real = file->real != NULL ? file->real : path};
    doctor_parse_resolv(&file->resolv, file->text);
}

static void free_resolv(struct resolv_file *file)
{
    free(file->text);
    free(file->real);
}

/* --- checks --- */

/* The address was looked at with an earlier port. */
static bool is_known_host(const struct doctor *doctor, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (addr_same_host(&doctor->wishes[i].addr, &doctor->wishes[index].addr))
            return true;
    }
    return false;
}

static void check_wishes(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->wish_count; i++) {
        const struct doctor_wish *wish = &doctor->wishes[i];
        doctor_check_port(doctor->findings, wish, doctor->sockets);
        if (is_known_host(doctor, i))
            continue;
        doctor_check_address(doctor->findings, wish, &doctor->links);
        doctor_check_clash(doctor->findings, wish);
    }
}

/* A pool that reads resolv.conf files. */
static void check_pool(struct doctor *doctor, size_t index, const struct doctor_resolv *uplink)
{
    const struct rule_pool *pool = &doctor->rules->pools[index];
    const struct config *config = doctor->rules->config;
    char zone[TEXT_NAME_MAX];
    for (size_t i = 0; i < pool->server_count; i++) {
        struct resolv_file file;
        if (pool->servers[i].kind != CONFIG_SERVER_RESOLV_CONF)
            continue;
        read_resolv(&file, pool->servers[i].text);
        struct doctor_loop loop = {.resolv = &file.resolv,
                                   .uplink = uplink,
                                   .zone = text_write_name(&pool->config->zone, zone),
                                   .own = config->answered,
                                   .own_count = config->answered_count,
                                   .servers_left = doctor->pools->items[index].count};
        doctor_check_loop(doctor->findings, &loop);
        free_resolv(&file);
    }
}

/* The addresses of ours that nobody answers on, in the node's own resolver. */
static void check_asked(struct doctor *doctor, const struct doctor_resolv *resolv)
{
    struct addr silent[WISHES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < doctor->wish_count; i++) {
        if (doctor_is_silent(&doctor->wishes[i], doctor->sockets))
            silent[count++] = doctor->wishes[i].addr;
    }
    doctor_check_asked(doctor->findings, resolv, silent, count);
}

static void check_resolv(struct doctor *doctor)
{
    struct resolv_file own;
    struct resolv_file uplink;
    read_resolv(&own, RESOLV_CONF);
    read_resolv(&uplink, UPLINK);
    doctor_check_resolv(doctor->findings, &own.resolv);
    bool behind = uplink.real != NULL && doctor_asks_stub(&own.resolv);
    check_asked(doctor, behind ? &uplink.resolv : &own.resolv);
    for (size_t i = 0; doctor->rules != NULL && i < doctor->pools->count; i++)
        check_pool(doctor, i, uplink.real != NULL ? &uplink.resolv : NULL);
    free_resolv(&uplink);
    free_resolv(&own);
}

/* The lowest port that is not served by a local53 already; 0 when all are. */
static unsigned lowest_port(const struct doctor *doctor)
{
    unsigned lowest = 0;
    for (size_t i = 0; i < doctor->wish_count; i++) {
        unsigned port = addr_port(&doctor->wishes[i].addr);
        if (!doctor_is_served(&doctor->wishes[i], doctor->sockets) &&
            (lowest == 0 || port < lowest))
            lowest = port;
    }
    return lowest;
}

static void check_rights(struct doctor *doctor)
{
    char *start = doctor_read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    const struct config *config = doctor->rules != NULL ? doctor->rules->config : NULL;
    unsigned lowest = lowest_port(doctor);
    struct utsname kernel = {.release = ""};
    struct doctor_rights rights = {.status = doctor->status,
                                   .port_start = start,
                                   .release = kernel.release,
                                   .nfnetlink = doctor_has_nfnetlink(),
                                   .dummy = access("/sys/module/dummy", F_OK) == 0};
    uname(&kernel);
    if (config != NULL) {
        rights.wanted = lowest > 0 && config->intercept == CONFIG_INTERCEPT_OWNER;
        rights.degrade = config->on_failure == CONFIG_ON_FAILURE_DEGRADE;
    }
    if (lowest > 0)
        doctor_check_bind(doctor->findings, &rights, lowest);
    doctor_check_admin(doctor->findings, &rights);
    free(start);
}

static void check_limits(struct doctor *doctor)
{
    const struct config *config = doctor->rules != NULL ? doctor->rules->config : NULL;
    uint64_t connections = config != NULL ? config->tcp_connections : DEFAULT_CONNECTIONS;
    struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(RLIMIT_NOFILE, &files);
    struct doctor_limits limits = {
        .rmem_max = doctor_read_number("/proc/sys/net/core/rmem_max"),
        .conntrack_count = doctor_read_number("/proc/sys/net/netfilter/nf_conntrack_count"),
        .conntrack_max = doctor_read_number("/proc/sys/net/netfilter/nf_conntrack_max"),
        .files = files.rlim_max == RLIM_INFINITY ? DOCTOR_NO_LIMIT : files.rlim_max,
        .files_wanted = connections + OTHER_FILES,
        .memory = doctor_read_memory_limit(),
        .cache = config != NULL ? config->cache_memory : DEFAULT_CACHE,
        .cpu_percent = processors_quota("/sys/fs/cgroup", "/proc/self/cgroup"),
        .now_s = clock_wall_ms() / 1000,
        .admin = doctor_has_capability(doctor->status, CAP_NET_ADMIN),
    };
    doctor_check_limits(doctor->findings, &limits);
}

static void check_region(struct doctor *doctor)
{
    const struct config *config = doctor->rules->config;
    if (!config->region_auto)
        return;
    if (config->region != NULL)
        findings_add(doctor->findings, FINDING_OK, FINDING_REGION, "aws.region is %s here",
                     config->region);
    else
        findings_add(doctor->findings, FINDING_OK, FINDING_REGION,
                     "aws.region: auto is not asked for: no service needs it");
}

static void check_all(struct doctor *doctor)
{
    char mode[DOCTOR_MODE_MAX];
    if (doctor->rules != NULL)
        doctor_find_servers(doctor->pools, doctor->findings, doctor->rules);
    check_wishes(doctor);
    check_resolv(doctor);
    doctor_check_kube_proxy(doctor->findings, &doctor->links, doctor_read_proxy_mode(mode));
    check_rights(doctor);
    check_limits(doctor);
    if (doctor->rules != NULL) {
        check_region(doctor);
        doctor_check_reach(doctor->findings, doctor->rules, doctor->pools);
    }
}

/* --- the run --- */

/* Prints and gives the exit code. */
static int report(const struct doctor *doctor, const struct doctor_options *options,
                  uint64_t started_us)
{
    struct findings_head head = {.file = options->file,
                                 .listen = DOCTOR_USUAL_ADDRESS,
                                 .took_ms = (clock_monotonic_us() - started_us) / 1000};
    if (options->json)
        findings_print_json(stdout, doctor->findings, &head);
    else
        findings_print_table(stdout, doctor->findings, &head);
    return findings_count(doctor->findings, FINDING_PROBLEM) > 0 ? EXIT_FOUND : EXIT_FINE;
}

static int look(struct doctor *doctor, const struct doctor_options *options)
{
    uint64_t started_us = clock_monotonic_us();
    make_wishes(doctor);
    if (!find_sockets(doctor) || !doctor_read_links(&doctor->links)) {
        command_error(options->command, "cannot look at this node: /proc/net or its links: %s",
                      strerror(errno));
        return EXIT_ENVIRONMENT;
    }
    check_all(doctor);
    return report(doctor, options, started_us);
}

int doctor_run(struct ruleset *rules, const struct doctor_options *options)
{
    struct doctor doctor = {.rules = rules,
                            .findings = calloc(1, sizeof(*doctor.findings)),
                            .sockets = calloc(1, sizeof(*doctor.sockets)),
                            .pools = calloc(1, sizeof(*doctor.pools)),
                            .status = doctor_read_text("/proc/self/status")};
    CHECK(doctor.findings != NULL && doctor.sockets != NULL && doctor.pools != NULL);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
    int code = look(&doctor, options);
    free(doctor.status);
    free(doctor.links.items);
    free(doctor.pools);
    free(doctor.sockets);
    free(doctor.findings);
    ruleset_free(rules);
    return code;
}
