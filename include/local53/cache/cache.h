/* cache: answers of upstreams, shared by all loops, bounded in octets. Sharded; SIEVE eviction in each
 * shard (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024). A hit pins its entry until
 * cache_release, so that it can be served without a copy. The door leaves room for lock-free readers:
 * nothing here tells how an entry is pinned. */
#ifndef LOCAL53_CACHE_CACHE_H
#define LOCAL53_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/hash.h"
#include "local53/cache/entry.h"
#include "local53/cache/key.h"

struct cache;

/* A pinned entry; between cache_find and cache_release no other cache call by this thread. */
struct cache_hit {
    const struct entry *entry; /* borrowed until cache_release */
    void *pin;                 /* the cache's own: what is held */
    void *place;               /* the cache's own: where the entry stands */
};

/* What the cache holds, for metrics and reports. */
struct cache_stats {
    uint64_t entries;   /* entries held */
    uint64_t octets;    /* accounted memory */
    uint64_t evictions; /* entries evicted to make room, since start */
    uint64_t inserts;   /* entries stored, since start */
};

/* An empty cache that accounts for at most budget octets (entries, tables and all); secret keys the
 * hash and is the one cache_key_hash is called with. A budget below 256 KiB for each shard makes fewer
 * shards; one too small for anything holds nothing. */
struct cache *cache_new(size_t budget, const struct hash_key *secret);
void cache_free(struct cache *cache);

/* The secret keys are hashed with. */
const struct hash_key *cache_secret(const struct cache *cache);

/* The fresh entry under a key, pinned; false when there is none or its time is over. HOT PATH. */
bool cache_find(struct cache *cache, const struct cache_key *key, uint64_t now_ms,
                struct cache_hit *hit);

/* Unpins. */
void cache_release(struct cache *cache, struct cache_hit *hit);

/* The decision was taken again under a newer epoch and is the same: remember that; stays pinned. */
void cache_confirm(struct cache *cache, struct cache_hit *hit, uint64_t epoch);

/* The decision is another one now: take the entry out; unpins. An entry stored meanwhile stays. */
void cache_void(struct cache *cache, struct cache_hit *hit);

/* Stores a copy of an entry under its own key (its question; type as entry->type). Refused quietly
 * (false) when ttl_s is 0, it is longer than ENTRY_CACHE_MAX, or it is a failure and a fresh good
 * entry stands there. Failures hold an eighth of the budget at most (RFC 9520 section 3.2). A positive
 * answer also takes out the name's NXDOMAIN: a name cannot both be there and not. An entry decided under
 * an older epoch never replaces one of a newer epoch. */
bool cache_insert(struct cache *cache, const struct entry *entry);

/* How often in a row a question failed, fresh or not: 0 when nothing is remembered. */
unsigned cache_failures(struct cache *cache, const struct cache_key *key);

/* Takes out everything of a name, all types; with below also all names below it. Gives how many. Walks
 * the whole cache shard by shard. */
size_t cache_flush(struct cache *cache, const struct name *name, bool below);

/* Calls visit for every entry, shard by shard, pinned only during the call; visit must not call the
 * cache. */
void cache_visit(struct cache *cache, void (*visit)(void *owner, const struct entry *entry),
                 void *owner);

/* Changes the budget (reload), evicting what is over it. */
void cache_resize(struct cache *cache, size_t budget);

/* Sums over the shards, each read for itself. */
struct cache_stats cache_stats(const struct cache *cache);

#endif
