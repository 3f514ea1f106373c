/* shard: one part of the cache: a table that finds nodes, a ring in SIEVE order that evicts them, a ring
 * of failures that go first, those taken out that readers may still hold, and the octets of it all.
 * The caller holds the mutex, but for shard_view. */
#ifndef LOCAL53_CACHE_SHARD_H
#define LOCAL53_CACHE_SHARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "local53/base/list.h"
#include "local53/cache/entry.h"
#include "local53/cache/key.h"
#include "readers.h"
#include "table.h"

/* This part of a shard's budget is for what readers may still hold; the rest for what is found. */
#define LIMBO_PART 16

/* Taken out, not yet freed; stands at the beginning of its block, where no reader looks. */
struct retired {
    struct retired *next; /* taken out later; NULL for the last */
    uint64_t time;        /* of the readers' clock */
};

/* What the shards of a cache have in common. */
struct shard_setup {
    struct heap *heap;       /* borrowed; where nodes and tables stand */
    struct readers *readers; /* borrowed; who holds what */
};

struct shard {
    _Alignas(CACHE_LINE) pthread_mutex_t lock; /* over all that follows */
    struct shard_setup common;                 /* borrowed */
    _Atomic table_view *view;                  /* borrowed; where readers find the table */
    struct table *table;                       /* owned; a block of the heap */
    size_t entries;                            /* entries held */
    size_t octets;                             /* accounted: nodes and table */
    size_t failed_octets;                      /* nodes of failures alone */
    size_t limbo_octets;                       /* accounted besides: retired, not yet freed */
    size_t budget;                             /* most octets, limbo included; see shard_init */
    struct link good;                          /* ring of answers */
    struct link failed;                        /* ring of failures, evicted first */
    struct link *hand;                         /* SIEVE's hand in good; NULL: at the oldest */
    struct retired *limbo_first;               /* the longest retired; NULL for none */
    struct retired *limbo_last;                /* the last one retired */
    uint64_t evictions;                        /* entries evicted to make room */
    uint64_t inserts;                          /* entries stored */
    uint64_t refused;                          /* entries not stored because limbo was full */
};

/* An empty shard whose table readers find at *view; a budget below one bucket holds nothing. It may be passed by
 * HEAP_UNIT: a block can be so much longer than what was asked for. */
void shard_init(struct shard *shard, size_t budget, const struct shard_setup *common,
                _Atomic table_view *view);

/* Leaves nodes and table to the end of the heap. */
void shard_deinit(struct shard *shard);

/* Octets of a budget that what is found may take. */
size_t shard_usable(size_t budget);

/* The node under a key, fresh or not; NULL when there is none. */
struct node *shard_find(const struct shard *shard, const struct cache_key *key);

/* Takes a node out; it is freed when no reader can hold it. */
void shard_remove(struct shard *shard, struct node *node);

/* Stores a copy of an entry under its key; false when it is refused (see cache_insert). */
bool shard_insert(struct shard *shard, const struct cache_key *key, const struct entry *entry);

/* Changes the budget and evicts what is over it. */
void shard_resize(struct shard *shard, size_t budget);

/* Frees what no reader can hold any more. */
void shard_reclaim(struct shard *shard);

#endif
