/* netlink: one netlink socket (netlink(7)) and questions to the kernel through it. The kernel answers within send(),
 * so nothing here waits. Results are 0 or a value of errno. Main thread. */
#ifndef LOCAL53_NODE_NETLINK_H
#define LOCAL53_NODE_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct netlink;

/* A close-on-exec socket on a bus (NETLINK_ROUTE, NETLINK_NETFILTER) of this network namespace. */
int netlink_new(struct netlink **out, int bus);

/* Accepts NULL. The kernel then removes what the socket owns. */
void netlink_free(struct netlink *netlink);

/* Sequence number for the next message. */
uint32_t netlink_next(struct netlink *netlink);

/* Sends messages (size octets) and gives the first error of their answers; one of them has NLM_F_ACK, since no answer
 * at all is EPROTO. */
int netlink_ask(struct netlink *netlink, const void *messages, size_t size);

/* Sends a request with NLM_F_DUMP and calls on_message for each answer; EINTR when the kernel's data changed
 * meanwhile, so that the answers may not belong together. */
int netlink_dump(struct netlink *netlink, const struct nlmsghdr *request, mnl_cb_t on_message,
                 void *context);

#endif
