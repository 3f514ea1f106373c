/* nft_table: one table of NOTRACK rules in the kernel, put there, replaced and removed in one transaction each, and
 * read back as text. Results are 0 or a value of errno, as netlink.h. Main thread. */
#ifndef LOCAL53_NODE_NFT_TABLE_H
#define LOCAL53_NODE_NFT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "netlink.h"

/* What stands in a table, or is to. */
struct nft_table {
    const char *name; /* borrowed */
    bool owned;       /* has the owner flag: the kernel removes it with the netlink socket */
    const struct addr *addresses; /* borrowed; whose DNS is not tracked, with port */
    size_t count;                 /* of the addresses */
};

/* Puts the table there: EEXIST when there is one of the name. */
int nft_table_put(struct netlink *netlink, const struct nft_table *table);

/* Puts the table in place of the one that is there, or is not. */
int nft_table_replace(struct netlink *netlink, const struct nft_table *table);

/* ENOENT when there is none; EPERM when it is another socket's own. */
int nft_table_delete(struct netlink *netlink, const char *name);

/* The table as text, a line for itself and for each chain and rule: as it should be, and as it is ("" when it is not
 * there). The caller's to free. */
char *nft_table_expected(const struct nft_table *table);
int nft_table_read(struct netlink *netlink, const char *name, char **text);

/* Calls on_table for each table of family inet. */
int nft_table_each(struct netlink *netlink, void (*on_table)(void *, const char *name, bool owned),
                   void *context);

#endif
