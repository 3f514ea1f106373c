/* interception_private: a table by a name and flags of the caller's choice, for tests of what a kernel without the
 * owner flag and a name that is taken lead to. */
#ifndef LOCAL53_NODE_INTERCEPTION_PRIVATE_H
#define LOCAL53_NODE_INTERCEPTION_PRIVATE_H

#include "local53/node/interception.h"
#include "nft_table.h"

/* As interception_open, but puts exactly this table there. */
enum err interception_open_as(struct interception **out, const struct nft_table *table,
                              char why[INTERCEPTION_WHY_MAX]);

#endif
