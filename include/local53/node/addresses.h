/* addresses: puts addresses of ours on this node, so that listeners can be bound to them: on a dummy link named
 * local53, made where it is missing, or on lo where the kernel has no dummy links. Several instances may have the same
 * ones at a time (a surge): each is removed by the last that has it. They survive a crash. Put them there before
 * listeners are bound and before interception stands; remove them after both are closed. What changes something needs
 * CAP_NET_ADMIN in effect; addresses that stand already need none. Main thread; a call takes about a millisecond. */
#ifndef LOCAL53_NODE_ADDRESSES_H
#define LOCAL53_NODE_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"

#define ADDRESSES_MAX 32
/* A sentence for people: what is wrong and what to do. */
#define ADDRESSES_WHY_MAX 384
/* The link belongs to local53: it and all addresses on it go with the last instance. */
#define ADDRESSES_LINK "local53"

struct addresses;

/* Puts all of them there (ports do not count; at most ADDRESSES_MAX), or none: then why is filled and the result is
 * ERR_EXISTS (one stands on a link of somebody else, as a service address does on kube-ipvs0: it is never claimed),
 * ERR_DENIED (CAP_NET_ADMIN is not in effect), ERR_UNSUPPORTED (IPv6 is switched off), ERR_INVALID (loopback, any,
 * too many, or one of AWS's own, see reserved.h), ERR_NO_SPACE (8 processes have one of them already) or ERR_SYSTEM.
 * Standing already on local53 or lo is well. Listeners can be bound at once; packets reach a new IPv6 address a moment
 * later, when the kernel has made its route: interception waits for a query to ourselves that was answered. */
enum err addresses_put(struct addresses **out, const struct addr *list, size_t count,
                       char why[ADDRESSES_WHY_MAX]);

/* The link address `index` of the list is on: ADDRESSES_LINK or "lo". */
const char *addresses_link(const struct addresses *addresses, size_t index);

/* True when address `index` stood there before: of another instance, of one that crashed, or put there by people. */
bool addresses_was_there(const struct addresses *addresses, size_t index);

/* Looks whether all still stand: ERR_NOT_FOUND (one is gone: a repair is due), ERR_EXISTS (one came to stand on a link
 * of somebody else too: IPVS would answer in our place), ERR_SYSTEM (cannot be read); why tells which. */
enum err addresses_check(struct addresses *addresses, char why[ADDRESSES_WHY_MAX]);

/* Puts there what is gone. Errors as of addresses_put; what stands is left alone then. */
enum err addresses_repair(struct addresses *addresses, char why[ADDRESSES_WHY_MAX]);

/* Removes those no other live instance has, but not what people put on lo; the link, when nothing is left on it; and
 * frees. Without the capability they stay. Accepts NULL. */
void addresses_remove(struct addresses *addresses);

/* Removes what instances left that are gone, and the link when nothing is left on it. *removed gets how many
 * addresses. On lo only those of kernels that know who put an address there (Linux 5.18) are found. */
enum err addresses_clean(size_t *removed, char why[ADDRESSES_WHY_MAX]);

#endif
