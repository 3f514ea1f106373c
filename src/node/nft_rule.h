/* nft_rule: the rules of a table, each by its number, and any rule or chain of the kernel's as text, so that what
 * stands there is compared with what was put there word by word. Pure. */
#ifndef LOCAL53_NODE_NFT_RULE_H
#define LOCAL53_NODE_NFT_RULE_H

#include <stddef.h>
#include <stdio.h>

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>

#include "local53/base/addr.h"

#define NFT_CHAINS 2
/* An address has three in UDP and three in TCP. */
#define NFT_RULES_AN_ADDRESS 6

/* Chain 0 (prerouting) or 1 (output) of the table, type filter, priority raw: before connection tracking. The
 * caller's to free with nftnl_chain_free. */
struct nftnl_chain *nft_chain_new(const char *table, size_t number);

/* Rule 0..NFT_RULES_AN_ADDRESS-1 of an address, in the order of chains. The caller's to free with nftnl_rule_free. */
struct nftnl_rule *nft_rule_new(const char *table, const struct addr *address, size_t number);

/* The chain of an address's rule: a number of nft_chain_new. */
size_t nft_rule_chain(size_t number);

/* One line a chain: its name, type, hook, priority and policy. */
void nft_chain_write(const struct nftnl_chain *chain, FILE *out);

/* One line a rule: its chain and its expressions. */
void nft_rule_write(const struct nftnl_rule *rule, FILE *out);

#endif
