/* receivers: the two ways to look, for its own files and its test. Results as of receivers_find. */
#ifndef LOCAL53_NODE_RECEIVERS_PRIVATE_H
#define LOCAL53_NODE_RECEIVERS_PRIVATE_H

#include "local53/node/receivers.h"

/* Asks the kernel, which tells the sockets of a port as they are at one moment, up to some seventy of them. */
enum err receivers_by_diag(const struct addr *addr, struct receivers *out);

/* Reads /proc/net/udp or udp6, which is no picture of one moment: sockets that come and go beside the address's may
 * hide one of them, or show it twice. So it is read until it has said the same twice, or 8 times at most. */
enum err receivers_by_table(const struct addr *addr, struct receivers *out);

#endif
