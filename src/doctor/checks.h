/* checks: what each thing `local53 doctor` looks at means for local53. Pure: every check judges what it is
 * given (read.h reads it) and adds findings; texts are as the kernel's files have them. */
#ifndef LOCAL53_DOCTOR_CHECKS_H
#define LOCAL53_DOCTOR_CHECKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "findings.h"
#include "local53/base/addr.h"

/* The address NodeLocal DNSCache made usual, looked at where no configuration says another. */
#define DOCTOR_USUAL_ADDRESS "169.254.20.10"

/* --- ports --- */

#define DOCTOR_SOCKETS_MAX 128
#define DOCTOR_PROCESS_MAX 64

/* A socket that stands where local53 wants to listen. */
struct doctor_socket {
    struct addr bound;                /* its address; any for all addresses */
    bool tcp;                         /* else UDP */
    unsigned uid;                     /* of its owner */
    unsigned long inode;              /* what /proc/PID/fd names it by */
    char process[DOCTOR_PROCESS_MAX]; /* "unbound (pid 812)"; "" when it could not be seen */
    bool ours;                        /* the process is a local53 */
};

struct doctor_sockets {
    struct doctor_socket items[DOCTOR_SOCKETS_MAX]; /* those beyond are not told */
    size_t count;                                   /* items used */
};

/* An address to listen on. */
struct doctor_wish {
    struct addr addr; /* with its port */
    bool dns;         /* UDP and TCP; else the metrics port, TCP alone */
    bool usual;       /* no configuration said it */
    bool put;         /* local53 puts it on the node itself (node.intercept) */
    bool may_put;     /* it would with node.intercept: owner */
};

/* Adds the sockets of a text of /proc/net/udp, udp6, tcp or tcp6 (TCP: those that listen) that are in the way of
 * an address: bound to it, or to all addresses, with its port. */
void doctor_find_sockets(struct doctor_sockets *sockets, const char *text, bool tcp,
                         const struct addr *wanted);

/* True when a local53 has the port, over UDP too where it is for DNS. */
bool doctor_is_served(const struct doctor_wish *wish, const struct doctor_sockets *sockets);

/* True when nobody at all takes queries there. */
bool doctor_is_silent(const struct doctor_wish *wish, const struct doctor_sockets *sockets);

/* Who has the port, if anybody. */
void doctor_check_port(struct findings *findings, const struct doctor_wish *wish,
                       const struct doctor_sockets *sockets);

/* --- addresses and links --- */

/* An address of a link, or a link by itself (family AF_UNSPEC). */
struct doctor_link {
    char name[IF_NAMESIZE]; /* of the link */
    struct addr addr;       /* port 0 */
};

struct doctor_links {
    struct doctor_link *items; /* borrowed */
    size_t count;              /* items */
};

/* Is the address on this node, and on whose link. */
void doctor_check_address(struct findings *findings, const struct doctor_wish *wish,
                          const struct doctor_links *links);

/* Is it one that AWS uses itself on every instance. */
void doctor_check_clash(struct findings *findings, const struct doctor_wish *wish);

/* Who translates service addresses. mode: what kube-proxy says of itself ("ipvs"), "" when it says nothing. */
void doctor_check_kube_proxy(struct findings *findings, const struct doctor_links *links,
                             const char *mode);

/* --- resolv.conf --- */

#define DOCTOR_NAMESERVERS_MAX 16
#define DOCTOR_PATH_MAX 256

/* A resolv.conf(5) file. */
struct doctor_resolv {
    const char *file;                                /* borrowed; its name */
    const char *real;                                /* borrowed; where symbolic links lead */
    struct addr nameservers[DOCTOR_NAMESERVERS_MAX]; /* port 53 unless written */
    size_t nameserver_count;                         /* of them */
    size_t search_count; /* domains of the last search (or domain) line */
    unsigned ndots;      /* 1 unless told */
};

/* Reads a text; file and real are kept. */
void doctor_parse_resolv(struct doctor_resolv *resolv, const char *text);

/* What the node itself asks, and what kind of file that is. */
void doctor_check_resolv(struct findings *findings, const struct doctor_resolv *resolv);

/* Does the node ask an address of ours where nobody is. silent: those of our addresses. */
void doctor_check_asked(struct findings *findings, const struct doctor_resolv *resolv,
                        const struct addr *silent, size_t silent_count);

/* True when it asks systemd-resolved's stub; who that asks is in its uplink list. */
bool doctor_asks_stub(const struct doctor_resolv *resolv);

/* A pool that reads a resolv.conf. */
struct doctor_loop {
    const struct doctor_resolv *resolv; /* borrowed; the file the pool reads */
    const struct doctor_resolv *uplink; /* borrowed; what systemd-resolved asks; NULL: not known */
    const char *zone;                   /* borrowed; the pool's */
    const struct addr *own;             /* borrowed; our listen addresses */
    size_t own_count;                   /* of them */
    size_t servers_left;                /* servers the pool has without our own addresses */
};

/* Does the file lead back to us. */
void doctor_check_loop(struct findings *findings, const struct doctor_loop *loop);

/* --- rights --- */

/* What this process may do. */
struct doctor_rights {
    const char *status;     /* borrowed; text of /proc/self/status */
    const char *port_start; /* borrowed; text of ip_unprivileged_port_start, "" for none */
    const char *release;    /* borrowed; of the kernel: "6.1.0-18-cloud-amd64" */
    bool nfnetlink;         /* a socket of NETLINK_NETFILTER can be opened */
    bool dummy;             /* the kernel has dummy links ready */
    bool wanted;            /* node.intercept: owner, and no local53 serves here yet */
    bool degrade;           /* node.on_failure: degrade */
};

/* May it bind `port`. */
void doctor_check_bind(struct findings *findings, const struct doctor_rights *rights,
                       unsigned port);

/* May it put addresses and rules on the node, where that is wanted. */
void doctor_check_admin(struct findings *findings, const struct doctor_rights *rights);

/* --- limits --- */

#define DOCTOR_NO_LIMIT UINT64_MAX

/* Numbers of this node and of this process's group; DOCTOR_NO_LIMIT for what has none or cannot be read. */
struct doctor_limits {
    uint64_t rmem_max;        /* octets; net.core.rmem_max */
    uint64_t conntrack_count; /* entries in use */
    uint64_t conntrack_max;   /* entries there may be */
    uint64_t files;           /* descriptors this process may have open (hard limit) */
    uint64_t files_wanted;    /* that the configuration may need */
    uint64_t memory;          /* octets this group may use */
    uint64_t cache;           /* octets of cache.memory */
    unsigned cpu_percent;     /* hundredths of a processor; PROCESSORS_NO_QUOTA for no quota */
    uint64_t now_s;           /* wall clock, seconds since 1970 */
    bool admin;               /* CAP_NET_ADMIN is in effect: rmem_max does not count */
};

void doctor_check_limits(struct findings *findings, const struct doctor_limits *limits);

/* True when a capability (linux/capability.h) is in effect, or permitted, which local53 raises by itself. */
bool doctor_has_capability(const char *status, unsigned capability);

#endif
