/* node: an entry as the cache holds it: what eviction needs, then the entry's value. */
#ifndef LOCAL53_CACHE_NODE_H
#define LOCAL53_CACHE_NODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "local53/base/list.h"
#include "local53/cache/entry.h"
#include "local53/cache/key.h"

struct node {
    struct link ring; /* in the shard's ring of answers or of failures; in neither once taken out */
    uint32_t hash;    /* the part of the key's hash that the table knows it by */
    _Atomic bool visited; /* found since eviction last passed by; set by readers */
};

/* The entry of a node, and the node of an entry that was found in the cache. */
static inline struct entry *node_entry(struct node *node)
{
    return (struct entry *)(void *)(node + 1);
}

static inline struct node *node_of_entry(const struct entry *entry)
{
    return (struct node *)(uintptr_t)entry - 1;
}

/* Octets that node_prefetch asks for: the usual answer is a hundred behind 70 of headers. */
#define NODE_FETCH_OCTETS 192
#define NODE_FETCH_STEP 64

/* Asks for the beginning of a node, to be there soon. */
static inline void node_prefetch(const struct node *node)
{
    for (size_t at = 0; at < NODE_FETCH_OCTETS; at += NODE_FETCH_STEP)
        __builtin_prefetch((const char *)node + at);
}

/* True when a node's entry is the one that is asked for. */
static inline bool node_matches(struct node *node, const struct cache_key *key)
{
    const struct entry *entry = node_entry(node);

    return entry->qname_len == key->name->len && entry->type == key->type &&
           entry->class == key->class && entry->dnssec_ok == key->dnssec_ok &&
           entry->checking_disabled == key->checking_disabled &&
           memcmp(entry_wire(entry) + MESSAGE_HEADER_OCTETS, key->name->wire, key->name->len) == 0;
}

#endif
