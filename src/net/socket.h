/* socket: opening sockets the way this layer wants them: non-blocking, close-on-exec, one family,
 * with the options of their use. Private to src/net; hands out plain descriptors. */
#ifndef LOCAL53_NET_SOCKET_H
#define LOCAL53_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

/* How an address may be shared with other sockets. */
enum socket_sharing {
    SOCKET_EXCLUSIVE, /* not at all */
    SOCKET_REUSEADDR, /* beside sockets that allow it too; no load is spread to it (UDP) */
    SOCKET_REUSEPORT  /* a member of the group the kernel spreads load over, REUSEADDR as well */
};

/* A socket of addr's family and type SOCK_DGRAM or SOCK_STREAM, not bound. Errors as err_from_errno. */
enum err socket_open(int *fd, const struct addr *addr, int type);

/* The same, bound to addr. */
enum err socket_open_bound(int *fd, const struct addr *addr, int type, enum socket_sharing sharing);

/* From now on nobody else can bind the address by SO_REUSEADDR; whoever has it keeps it. */
void socket_share_no_more(int fd);

/* What a member of a SO_REUSEPORT group is chosen by. */
enum socket_steering {
    SOCKET_BY_CONTENT, /* the first two octets of a datagram; without them it is member 0 */
    SOCKET_BY_CHANCE   /* nothing that came */
};

/* From now on what comes to the group fd is a member of goes to its members first..first + count - 1 (count 1 or
 * more). Members are counted in the order they came; the last takes the place of one that leaves. Where the one
 * chosen is not there, the kernel spreads over all by address and port. Errors as err_from_errno. */
enum err socket_steer(int fd, enum socket_steering by, size_t first, size_t count);

/* The address a socket is bound to. */
struct addr socket_local_addr(int fd);

/* Asks for a receive or send buffer (SO_RCVBUF, SO_SNDBUF) past the system's limit where that is
 * allowed, else up to it. */
void socket_set_buffer(int fd, int option, int size);

/* Datagrams are never fragmented, neither here nor by a router (RFC 9715), and a forged ICMP "too big"
 * changes nothing. False when the kernel refused. */
bool socket_forbid_fragments(int fd, sa_family_t family);

/* Closes and keeps errno. */
void socket_close(int fd);

#endif
