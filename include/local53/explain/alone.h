/* alone: what one server says of a name by itself, without rules and cache: what a client would get if local53 were
 * not there. */
#ifndef LOCAL53_EXPLAIN_ALONE_H
#define LOCAL53_EXPLAIN_ALONE_H

#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/cli/tell.h"
#include "local53/dns/name.h"

/* Asks and tells: the rcode, then a row a record of the answer, addresses with whether they are public; or that
 * nobody answered. Over UDP, and TCP where the answer is too long; waits at most EXCHANGE_BUDGET_MS. */
void alone_tell(struct tell *tell, const struct addr *server, const struct name *name,
                uint16_t type);

#endif
