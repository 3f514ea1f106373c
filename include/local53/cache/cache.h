/* cache: answers of upstreams, shared by all loops, bounded in octets. Readers take no lock and write
 * nothing that others read: between cache_enter and cache_leave a thread holds whatever it finds, and
 * what was taken out meanwhile is freed when all who were inside have left. Writers take the mutex of
 * one shard. SIEVE eviction in each shard (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024). */
#ifndef LOCAL53_CACHE_CACHE_H
#define LOCAL53_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/hash.h"
#include "local53/cache/entry.h"
#include "local53/cache/key.h"

/* Threads that may look at once: as many as there can be workers, and the main thread. */
#define CACHE_READERS_MAX 65

struct cache;
struct cache_reader; /* one thread's place among those who look; owned by the cache */
struct cache_place;  /* where a key is looked up; the cache's own */

/* What the cache holds, for metrics and reports. */
struct cache_stats {
    uint64_t entries;   /* entries held */
    uint64_t octets;    /* accounted memory, with what waits for readers to leave */
    uint64_t evictions; /* entries evicted to make room, since start */
    uint64_t inserts;   /* entries stored, since start */
    uint64_t refused;   /* entries not stored because too much waits for readers, since start */
};

/* An empty cache that accounts for at most budget octets (entries, tables and all); secret keys the
 * hash and is the one cache_key_hash is called with. A budget below 256 KiB for each shard makes fewer
 * shards; one too small for anything holds nothing. */
struct cache *cache_new(size_t budget, const struct hash_key *secret);

/* All readers must be freed. Accepts NULL. */
void cache_free(struct cache *cache);

/* The secret keys are hashed with. */
const struct hash_key *cache_secret(const struct cache *cache);

/* --- looking: a reader is used by one thread at a time --- */

/* Makes a place for one more thread; any thread. CHECKs that there are at most CACHE_READERS_MAX. */
struct cache_reader *cache_reader_new(struct cache *cache);

/* Gives the place back; the reader must be outside. Accepts NULL. */
void cache_reader_free(struct cache_reader *reader);

/* Begins to look. Once for many questions, and not for long: what others take out waits for the leave.
 * Costs one store that is waited for; HOT PATH. */
void cache_enter(struct cache_reader *reader);

/* Ends it: no entry found since cache_enter may be touched any more. HOT PATH. */
void cache_leave(struct cache_reader *reader);

/* For whoever has many questions, a step at a time for all of them: the first fetches where a key is looked
 * up; the second looks there and fetches what probably stands under the key, NULL for nothing; given that,
 * cache_find waits for neither. Both are good until cache_leave. The hash of the key must be set; the reader
 * must be inside. HOT PATH. */
const struct cache_place *cache_prefetch(const struct cache_reader *reader,
                                         const struct cache_key *key);
const struct entry *cache_likely(const struct cache_reader *reader, const struct cache_key *key,
                                 const struct cache_place *place);

/* The fresh entry under a key, borrowed until cache_leave; NULL when there is none or its time is over.
 * likely: what cache_likely gave since cache_enter, or NULL. The reader must be inside. No lock, and no
 * write once the entry is marked as used. HOT PATH. */
const struct entry *cache_find(struct cache_reader *reader, const struct cache_key *key,
                               const struct entry *likely, uint64_t now_ms);

/* The decision was taken again under a newer epoch and is the same: remember that. */
void cache_confirm(const struct entry *entry, uint64_t epoch);

/* --- changing: any thread, inside or outside --- */

/* The decision is another one now: take out the entry found under a key. It stands until cache_leave for
 * those inside; an entry stored meanwhile stays. */
void cache_void(struct cache *cache, const struct cache_key *key, const struct entry *entry);

/* Stores a copy of an entry under its own key (its question; type as entry->type). Refused quietly
 * (false) when ttl_s is 0, it is longer than ENTRY_CACHE_MAX, or it is a failure and a fresh good
 * entry stands there; refused and counted when a sixteenth of a shard's budget waits for readers to
 * leave. Failures hold an eighth of the budget at most (RFC 9520 section 3.2). A positive answer also
 * takes out the name's NXDOMAIN: a name cannot both be there and not. An entry decided under an older
 * epoch never replaces one of a newer epoch. Replacing is one step: a reader finds the one or the other. */
bool cache_insert(struct cache *cache, const struct entry *entry);

/* How often in a row a question failed, fresh or not: 0 when nothing is remembered. */
unsigned cache_failures(struct cache *cache, const struct cache_key *key);

/* Takes out everything of a name, all types; with below also all names below it. Gives how many. Walks
 * the whole cache shard by shard. */
size_t cache_flush(struct cache *cache, const struct name *name, bool below);

/* Calls visit for every entry, shard by shard, which stays as it is during the call; visit must not call
 * the cache. */
void cache_visit(struct cache *cache, void (*visit)(void *owner, const struct entry *entry),
                 void *owner);

/* Changes the budget (reload), evicting what is over it. */
void cache_resize(struct cache *cache, size_t budget);

/* Makes memory ready for what is probably stored next, so that a loop need not wait for it; nothing depends on
 * it. Now and then, by a thread that nobody waits for. */
void cache_prepare(struct cache *cache);

/* Sums over the shards, each read for itself. */
struct cache_stats cache_stats(const struct cache *cache);

#endif
