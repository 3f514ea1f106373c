/* limits: what this process may do, and the limits of the kernel and of its group that bite. Pure. Thread:
 * any. What cannot be read is not told. */
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "local53/net/udp.h"
#include "local53/node/processors.h"

#define PRIVILEGED_PORTS 1024 /* where the kernel does not tell another number */
#define CONNTRACK_FULL 90     /* percent: new connections are about to be dropped */
#define CONNTRACK_FILLING 75  /* percent */
#define PROCESS_MIB 24        /* what local53 uses beside its cache */
#define MIB (UINT64_C(1) << 20)
#define FULL_CPU 100                 /* hundredths of a processor */
#define LEAST_S UINT64_C(1767225600) /* 2026-01-01: local53 is younger */

/* --- rights --- */

static bool has_in_set(const char *status, const char *set, unsigned capability)
{
    const char *line = strstr(status, set);
    return line != NULL && (strtoull(line + strlen(set), NULL, 16) >> capability & 1) != 0;
}

bool doctor_has_capability(const char *status, unsigned capability)
{
    return has_in_set(status, "CapEff:", capability) || has_in_set(status, "CapPrm:", capability);
}

void doctor_check_bind(struct findings *findings, const struct doctor_rights *rights, unsigned port)
{
    unsigned long start =
        rights->port_start[0] != '\0' ? strtoul(rights->port_start, NULL, 10) : PRIVILEGED_PORTS;
    if (port >= start) {
        findings_add(findings, FINDING_OK, FINDING_CAPABILITY, "port %u needs no privilege here",
                     port);
    } else if (doctor_has_capability(rights->status, CAP_NET_BIND_SERVICE)) {
        findings_add(findings, FINDING_OK, FINDING_CAPABILITY,
                     "CAP_NET_BIND_SERVICE is there for port %u", port);
    } else {
        findings_add(findings, FINDING_PROBLEM, FINDING_CAPABILITY,
                     "this user may not listen on port %u: CAP_NET_BIND_SERVICE is missing", port);
        findings_remedy(findings,
                        "grant it (securityContext.capabilities.add, or systemd's "
                        "AmbientCapabilities), or sysctl -w "
                        "net.ipv4.ip_unprivileged_port_start=%u",
                        port);
    }
}

/* What it means that interception, where it is wanted, cannot be had. */
static enum finding_level level_of(const struct doctor_rights *rights)
{
    return rights->wanted && !rights->degrade ? FINDING_PROBLEM : FINDING_NOTE;
}

/* Linux 5.12 brought tables that go with the process that owns them. */
static bool has_owned_tables(const char *release)
{
    char *behind;
    unsigned long major = strtoul(release, &behind, 10);
    unsigned long minor = *behind == '.' ? strtoul(behind + 1, NULL, 10) : 0;
    return major > 5 || (major == 5 && minor >= 12);
}

static void check_nftables(struct findings *findings, const struct doctor_rights *rights)
{
    if (!rights->nfnetlink) {
        findings_add(findings, level_of(rights), FINDING_NFTABLES,
                     "no netfilter netlink socket can be opened: service addresses cannot be taken "
                     "over");
        findings_remedy(findings, "modprobe nf_tables; in a sandbox (gVisor, Fargate) write "
                                  "node.intercept: off and point pods at the address");
    } else if (!has_owned_tables(rights->release)) {
        findings_add(findings, FINDING_NOTE, FINDING_NFTABLES,
                     "Linux %s has no nft tables that go with their owner: the rules of a local53 "
                     "that was killed stay",
                     rights->release);
        findings_remedy(findings, "Linux 5.12 or later; else 'local53 node clean' where it was "
                                  "killed and does not come back");
    } else {
        findings_add(findings, FINDING_OK, FINDING_NFTABLES,
                     "netfilter's netlink can be opened; Linux %s has tables that go with their "
                     "owner",
                     rights->release);
    }
}

static void tell_no_admin(struct findings *findings, const struct doctor_rights *rights)
{
    findings_add(findings, level_of(rights), FINDING_CAPABILITY,
                 "CAP_NET_ADMIN is missing: neither addresses nor NOTRACK rules can be put on the "
                 "node");
    findings_remedy(findings, rights->wanted
                                  ? "grant it (securityContext.capabilities.add, or systemd's "
                                    "AmbientCapabilities), or write node.intercept: off"
                                  : "nothing, while node.intercept is off and the addresses stand "
                                    "already");
}

void doctor_check_admin(struct findings *findings, const struct doctor_rights *rights)
{
    if (!doctor_has_capability(rights->status, CAP_NET_ADMIN)) {
        tell_no_admin(findings, rights);
        return;
    }
    findings_add(findings, FINDING_OK, FINDING_CAPABILITY,
                 "CAP_NET_ADMIN is there for addresses and NOTRACK rules");
    check_nftables(findings, rights);
    findings_add(findings, FINDING_OK, FINDING_LINK,
                 rights->dummy ? "the kernel has dummy links ready for addresses"
                               : "the dummy module is not loaded; without it addresses go on lo");
}

/* --- limits --- */

static void check_buffer(struct findings *findings, const struct doctor_limits *limits)
{
    if (limits->rmem_max == DOCTOR_NO_LIMIT)
        return;
    if (limits->rmem_max >= UDP_BUFFER_BYTES || limits->admin) {
        findings_add(findings, FINDING_OK, FINDING_BUFFER, "sockets can have %d KiB of buffer%s",
                     UDP_BUFFER_BYTES / 1024,
                     limits->rmem_max < UDP_BUFFER_BYTES ? ", by CAP_NET_ADMIN" : "");
        return;
    }
    findings_add(findings, FINDING_NOTE, FINDING_BUFFER,
                 "net.core.rmem_max is %" PRIu64
                 " KiB: bursts of queries are dropped by the kernel",
                 limits->rmem_max / 1024);
    findings_remedy(findings, "sysctl -w net.core.rmem_max=%d (on the host, and in /etc/sysctl.d)",
                    UDP_BUFFER_BYTES);
}

static void check_conntrack(struct findings *findings, const struct doctor_limits *limits)
{
    if (limits->conntrack_max == DOCTOR_NO_LIMIT || limits->conntrack_max == 0 ||
        limits->conntrack_count == DOCTOR_NO_LIMIT)
        return;
    uint64_t percent = limits->conntrack_count * 100 / limits->conntrack_max;
    enum finding_level level = percent >= CONNTRACK_FULL      ? FINDING_PROBLEM
                               : percent >= CONNTRACK_FILLING ? FINDING_NOTE
                                                              : FINDING_OK;
    findings_add(findings, level, FINDING_CONNTRACK,
                 "connection tracking holds %" PRIu64 " of %" PRIu64 " entries (%" PRIu64 "%%)",
                 limits->conntrack_count, limits->conntrack_max, percent);
    if (level != FINDING_OK)
        findings_remedy(findings,
                        "sysctl -w net.netfilter.nf_conntrack_max=%" PRIu64
                        "; beyond it new packets of the whole node are dropped, DNS among them",
                        limits->conntrack_max * 2);
}

static void check_files(struct findings *findings, const struct doctor_limits *limits)
{
    if (limits->files == DOCTOR_NO_LIMIT || limits->files >= limits->files_wanted) {
        findings_add(findings, FINDING_OK, FINDING_FILES, "enough files may be open");
        return;
    }
    findings_add(findings, FINDING_PROBLEM, FINDING_FILES,
                 "%" PRIu64 " files may be open, %" PRIu64 " may be needed", limits->files,
                 limits->files_wanted);
    findings_remedy(findings,
                    "LimitNOFILE= (systemd) or ulimit -Hn %" PRIu64
                    ", or lower limits.tcp_connections",
                    limits->files_wanted);
}

static void check_memory(struct findings *findings, const struct doctor_limits *limits)
{
    uint64_t needed = limits->cache + PROCESS_MIB * MIB;
    if (limits->memory == DOCTOR_NO_LIMIT)
        return;
    if (limits->memory >= needed) {
        findings_add(findings, FINDING_OK, FINDING_MEMORY,
                     "%" PRIu64 " MiB may be used here, about %" PRIu64 " MiB are needed",
                     limits->memory / MIB, needed / MIB);
        return;
    }
    findings_add(findings, FINDING_PROBLEM, FINDING_MEMORY,
                 "%" PRIu64 " MiB may be used here; a cache of %" PRIu64 " MiB needs about %" PRIu64
                 ": the kernel would kill local53 when it is full",
                 limits->memory / MIB, limits->cache / MIB, needed / MIB);
    findings_remedy(findings,
                    "raise the memory limit of the container or unit to %" PRIu64
                    " MiB, or lower cache.memory",
                    needed / MIB);
}

static void check_cpu(struct findings *findings, const struct doctor_limits *limits)
{
    if (limits->cpu_percent == PROCESSORS_NO_QUOTA || limits->cpu_percent >= FULL_CPU)
        return;
    findings_add(
        findings, FINDING_NOTE, FINDING_CPU,
        "0.%02u processors are allowed here: when they are used up, every answer waits up to "
        "100 ms",
        limits->cpu_percent);
    findings_remedy(findings, "take the CPU limit away and keep the request");
}

static void check_clock(struct findings *findings, const struct doctor_limits *limits)
{
    if (limits->now_s >= LEAST_S)
        return;
    findings_add(findings, FINDING_PROBLEM, FINDING_CLOCK,
                 "the clock of this node is years behind: no certificate is valid yet");
    findings_remedy(findings, "chronyc makestep; the time service is 169.254.169.123");
}

void doctor_check_limits(struct findings *findings, const struct doctor_limits *limits)
{
    check_buffer(findings, limits);
    check_conntrack(findings, limits);
    check_files(findings, limits);
    check_memory(findings, limits);
    check_cpu(findings, limits);
    check_clock(findings, limits);
}
