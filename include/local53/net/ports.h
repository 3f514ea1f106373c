/* ports: is somebody else on our port, and who? Bound once without sharing before any of our own
 * sockets is opened with SO_REUSEPORT, so that a foreign server is found instead of sharing with it. */
#ifndef LOCAL53_NET_PORTS_H
#define LOCAL53_NET_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

/* Room for "name (pid 1234)" with its terminator. */
#define PORTS_OWNER_MAX 64

/* Tries to bind UDP and TCP at addr without address sharing and closes them again. ERR_OK when both
 * are free; ERR_IN_USE, ERR_DENIED, ERR_UNREACHABLE otherwise, with *transport set to "UDP" or "TCP". */
enum err ports_probe(const struct addr *addr, const char **transport);

/* The same for TCP alone: for services that have no UDP side. */
enum err ports_probe_tcp(const struct addr *addr);

/* A socket, as a line of /proc/net/{udp,tcp}{,6} has it. */
struct ports_line {
    struct addr
        bound;      /* its address and port; IPv4 within IPv6 (RFC 4291 section 2.5.5.2) is IPv4 */
    unsigned state; /* the kernel's number: PORTS_... and others */
    unsigned uid;   /* of its owner */
    unsigned long inode; /* what /proc/PID/fd names it by */
};

#define PORTS_UNCONNECTED 0x07u /* UDP: receives from anybody */
#define PORTS_LISTENS 0x0au     /* TCP */

/* Reads one line; false for the heading, and for what is not understood. Pure. */
bool ports_read_line(const char *text, struct ports_line *out);

/* Called for each socket of a table; false ends it. The line is gone afterwards. */
typedef bool (*ports_on_line)(void *context, const struct ports_line *line);

/* Reads a table, "/proc/net/udp6"; false when it cannot be read. The kernel writes it in parts: where sockets come and
 * go meanwhile others may be left out, or told twice. */
bool ports_each_line(const char *path, ports_on_line call, void *context);

/* True when a socket bound there stands in the way of one that is wanted there: one for all IPv6 addresses takes IPv4
 * too, unless it was told not to, which cannot be seen. Pure. */
bool ports_is_in_way(const struct addr *bound, const struct addr *wanted);

/* Who holds a UDP or TCP port on that address (or on the wildcard), from /proc: "unbound (pid 812)",
 * or "another process" when it cannot be known without more privileges. out has PORTS_OWNER_MAX
 * octets; gives out. */
const char *ports_owner(const struct addr *addr, const char *transport, char *out);

#endif
