/* receivers: the UDP sockets that receive at one address, in whatever process of this network namespace. Main thread. */
#ifndef LOCAL53_NODE_RECEIVERS_H
#define LOCAL53_NODE_RECEIVERS_H

#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

#define RECEIVERS_MAX 256

struct receivers {
    size_t count;                        /* of the sockets */
    unsigned long inodes[RECEIVERS_MAX]; /* by which the kernel tells one from another */
};

/* The sockets of this user at exactly that address; those that are connected to somebody do not receive there.
 * ERR_DENIED when one of another user does; ERR_NO_SPACE when there are more than fit; others when it cannot be told.
 * One walk of the kernel over its UDP sockets (sock_diag(7)). */
enum err receivers_find(const struct addr *addr, struct receivers *out);

#endif
