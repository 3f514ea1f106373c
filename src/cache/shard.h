/* shard: one part of the cache under one mutex: a table of buckets that finds entries, a ring in SIEVE
 * order that evicts them, a ring of failures that go first, and the octets of it all. The caller
 * holds the mutex. */
#ifndef LOCAL53_CACHE_SHARD_H
#define LOCAL53_CACHE_SHARD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/hash.h"
#include "local53/base/list.h"
#include "local53/cache/entry.h"
#include "local53/cache/key.h"

/* Slots of a bucket, which fills one cache line. */
#define BUCKET_SLOTS 7

/* An entry held: links in front, the entry's value behind. */
struct node {
    struct link ring; /* in shard->good or shard->failed, oldest first */
};

struct bucket {
    uint8_t tag[BUCKET_SLOTS];       /* 8 bits of the hash */
    uint8_t spilled;                 /* entries that looked here and stand further on; 255: many */
    struct node *node[BUCKET_SLOTS]; /* owned; NULL for an empty slot */
};

struct shard {
    _Alignas(64) pthread_mutex_t lock; /* over all that follows */
    struct bucket *buckets;            /* owned; bucket_count of them */
    size_t bucket_count;               /* a power of two */
    size_t entries;                    /* entries held */
    size_t octets;                     /* accounted: nodes and buckets */
    size_t failed_octets;              /* nodes of failures alone */
    size_t budget;                     /* most octets */
    struct link good;                  /* ring of answers */
    struct link failed;                /* ring of failures, evicted first */
    struct link *hand;                 /* SIEVE's hand in good; NULL: at the oldest */
    struct hash_key secret;            /* keys are hashed with it */
    uint64_t evictions;                /* entries evicted to make room */
    uint64_t inserts;                  /* entries stored */
};

/* An empty shard; a budget below one bucket holds nothing. */
void shard_init(struct shard *shard, size_t budget, const struct hash_key *secret);
void shard_deinit(struct shard *shard);

/* The entry of a node. */
struct entry *node_entry(struct node *node);

/* The node under a key, fresh or not; NULL when there is none. */
struct node *shard_find(const struct shard *shard, const struct cache_key *key);

/* Takes a node out and frees it. */
void shard_remove(struct shard *shard, struct node *node);

/* Stores a copy of an entry under its key; false when it is refused (see cache_insert). */
bool shard_insert(struct shard *shard, const struct cache_key *key, const struct entry *entry);

/* Changes the budget and evicts what is over it. */
void shard_resize(struct shard *shard, size_t budget);

#endif
