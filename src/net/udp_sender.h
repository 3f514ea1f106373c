/* udp_sender: the socket that only sends, beside a server's socket that receives (see udp.c).
 * Private to src/net; hands out a plain descriptor. */
#ifndef LOCAL53_NET_UDP_SENDER_H
#define LOCAL53_NET_UDP_SENDER_H

#include "local53/base/addr.h"

/* A socket whose datagrams leave from `bound`, an address that a socket with SO_REUSEADDR is bound to, and
 * that takes none of the other's; owned by the caller. -1 where that cannot be had. Between its bind and
 * its connect datagrams for the other may have gone to it: it is for the caller to receive them once. */
int udp_sender_open(const struct addr *bound);

#endif
