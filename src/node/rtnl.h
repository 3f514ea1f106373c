/* rtnl: links and addresses of this network namespace (rtnetlink(7)): what addresses.c asks of the kernel, message by
 * message. Results are 0 or a value of errno, as netlink.h. Main thread. */
#ifndef LOCAL53_NODE_RTNL_H
#define LOCAL53_NODE_RTNL_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "netlink.h"

/* Who put an address there (IFA_PROTO, Linux 5.18): us. The number is of the range the kernel leaves to users. */
#define RTNL_MARK 53

/* One address as it stands on a link. */
struct rtnl_address {
    struct addr address; /* port 0 */
    unsigned link;       /* index of the link */
    bool is_marked;      /* has RTNL_MARK; never on kernels that know no marks */
};

/* Makes a dummy link of the name: EOPNOTSUPP where the kernel has none, EEXIST. */
int rtnl_make_dummy(struct netlink *netlink, const char *name);

/* True when the link of the name is up. */
bool rtnl_is_up(const char *name);

/* Sets a link up. */
int rtnl_set_up(struct netlink *netlink, unsigned link);

/* Deletes a link. */
int rtnl_delete_link(struct netlink *netlink, unsigned link);

/* Puts an address on a link, marked, as a host of its own (/32, /128), so that nobody sends from it unasked: IPv4 of
 * scope link (169.254/16, RFC 3927) or host, IPv6 deprecated (RFC 4862 section 5.5.4) and without duplicate detection. */
int rtnl_add(struct netlink *netlink, const struct addr *address, unsigned link);

/* Removes an address from a link. */
int rtnl_delete(struct netlink *netlink, const struct addr *address, unsigned link);

/* Calls on_address for each address of the namespace; do not ask for changes from within. */
int rtnl_each(struct netlink *netlink,
              void (*on_address)(void *context, const struct rtnl_address *address), void *context);

#endif
