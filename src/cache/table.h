/* table: finds nodes by their keys: buckets of one cache line, probed one after another from the hash's
 * own. One thread changes a table, any number read it meanwhile. A slot is one word, a node's place
 * and 32 bits of its hash, so that a reader sees all of it or nothing, and a larger table is filled
 * without a look at the nodes. */
#ifndef LOCAL53_CACHE_TABLE_H
#define LOCAL53_CACHE_TABLE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "local53/cache/key.h"
#include "node.h"

/* Slots of a bucket, which fills one cache line. */
#define BUCKET_SLOTS 7
#define BUCKET_OCTETS 64

struct bucket {
    _Alignas(BUCKET_OCTETS) _Atomic uint64_t slot[BUCKET_SLOTS]; /* place << 32 | hash; 0: empty */
    _Atomic uint64_t spilled; /* nodes that looked here and stand further on */
};

/* What a writer knows a table by: a block of the heap, the buckets behind it. */
struct table {
    void *retired[2];       /* the shard's own once readers are only waited for; not read by them */
    struct bucket *buckets; /* in the same block */
    unsigned power;         /* there are 2^power buckets */
};

/* What a reader needs of a table in one word: where the buckets are, and in the six bits that their
 * alignment leaves, their power. */
typedef uintptr_t table_view;

/* Octets of a table's block. */
size_t table_octets(unsigned power);

/* An empty table; NULL when the heap has no room. */
struct table *table_new(struct heap *heap, unsigned power);

static inline size_t table_count(const struct table *table)
{
    return (size_t)1 << table->power;
}

static inline table_view table_view_of(const struct table *table)
{
    return (uintptr_t)table->buckets | table->power;
}

/* The node under a key, or NULL. Any thread that keeps what it finds from being freed. */
struct node *table_find(table_view view, const struct heap *heap, const struct cache_key *key);

/* The bucket where the search for a hash begins; a node in it that has the hash, unread, or NULL: it has
 * nearly all that are searched from there. */
const struct bucket *table_home(table_view view, uint64_t hash);
struct node *bucket_likely(const struct bucket *bucket, const struct heap *heap, uint64_t hash);

/* Puts a node in; there must be an empty slot. Takes one out. Puts one in another's place. */
void table_put(struct table *table, const struct heap *heap, const struct node *node);
void table_take(struct table *table, const struct heap *heap, const struct node *node);
void table_replace(struct table *table, const struct heap *heap, const struct node *there,
                   const struct node *node);

/* Puts in all that another table has. */
void table_copy(struct table *table, const struct table *from);

#endif
