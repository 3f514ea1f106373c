/* cache: shards that share one heap and one set of readers. Looking goes from the hash to the shard's table
 * to the node, by words that never change but in one piece; changing goes under the shard's mutex.
 * Owns: shards, heap, readers. Thread: any; one mutex of a shard at a time.
 * Bounds: budget octets over all shards, ENTRY_CACHE_MAX an entry, CACHE_READERS_MAX readers.
 * Fails: what does not fit is refused; no memory at the start is fatal. */
#include "local53/cache/cache.h"

#include <stdlib.h>

#include "heap.h"
#include "local53/base/check.h"
#include "readers.h"
#include "shard.h"

/* Shards: as many as the budget gives this much each, a power of two. A shard must hold many entries
 * of ENTRY_CACHE_MAX, and 64 are enough for the loops there can be. */
#define SHARD_OCTETS_MIN ((size_t)256 * 1024)
#define SHARDS_MAX 64

/* The shard is chosen by bits of the hash that the table does not know. */
#define SHARD_SHIFT 58

/* What the heap may have over the budget: the holes that entries of different sizes leave, and a start. */
#define HOLES_PART 8
#define HEAP_START ((size_t)1 << 20)

struct cache {
    struct readers readers;               /* who looks */
    struct heap heap;                     /* where entries and tables stand */
    _Atomic table_view views[SHARDS_MAX]; /* the shards' tables, together: readers need no more */
    struct shard *shards;                 /* owned; shard_count of them */
    size_t shard_count;                   /* a power of two, at most SHARDS_MAX */
    struct hash_key secret;               /* keys are hashed with it */
};

static size_t fixed_octets(const struct cache *cache)
{
    return sizeof(*cache) + cache->shard_count * sizeof(struct shard);
}

/* What each shard has. */
static size_t shard_budget(const struct cache *cache, size_t budget)
{
    size_t fixed = fixed_octets(cache);

    return budget > fixed ? (budget - fixed) / cache->shard_count : 0;
}

static size_t heap_limit(size_t budget)
{
    return budget + budget / HOLES_PART + HEAP_START;
}

struct cache *cache_new(size_t budget, const struct hash_key *secret)
{
    struct cache *cache = aligned_alloc(_Alignof(struct cache), sizeof(*cache));
    struct shard_setup common = {&cache->heap, &cache->readers};

    CHECK(cache != NULL);
    cache->secret = *secret;
    cache->shard_count = 1;
    while (cache->shard_count < SHARDS_MAX && budget / (cache->shard_count * 2) >= SHARD_OCTETS_MIN)
        cache->shard_count *= 2;
    readers_init(&cache->readers);
    heap_init(&cache->heap, heap_limit(budget));
    cache->shards =
        aligned_alloc(_Alignof(struct shard), cache->shard_count * sizeof(struct shard));
    CHECK(cache->shards != NULL);
    for (size_t i = 0; i < cache->shard_count; i++)
        shard_init(&cache->shards[i], shard_budget(cache, budget), &common, &cache->views[i]);
    return cache;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    CHECK(readers_are_gone(&cache->readers));
    for (size_t i = 0; i < cache->shard_count; i++)
        shard_deinit(&cache->shards[i]);
    heap_deinit(&cache->heap);
    free(cache->shards);
    free(cache);
}

const struct hash_key *cache_secret(const struct cache *cache)
{
    return &cache->secret;
}

/* --- looking --- */

struct cache_reader *cache_reader_new(struct cache *cache)
{
    struct cache_reader *reader = readers_add(&cache->readers, cache);

    CHECK(reader != NULL);
    return reader;
}

void cache_reader_free(struct cache_reader *reader)
{
    if (reader != NULL)
        readers_remove(reader);
}

void cache_enter(struct cache_reader *reader)
{
    readers_enter(&reader->cache->readers, reader);
}

void cache_leave(struct cache_reader *reader)
{
    readers_leave(reader);
}

static size_t shard_index(const struct cache *cache, uint64_t hash)
{
    return hash >> SHARD_SHIFT & (cache->shard_count - 1);
}

static table_view view_of(const struct cache_reader *reader, uint64_t hash)
{
    const struct cache *cache = reader->cache;

    ASSERT(readers_is_inside(reader));
    return atomic_load_explicit(&cache->views[shard_index(cache, hash)], memory_order_acquire);
}

/* A place is a bucket of the table that was there; it stays until the reader leaves. */
const struct cache_place *cache_prefetch(const struct cache_reader *reader,
                                         const struct cache_key *key)
{
    const struct bucket *home = table_home(view_of(reader, key->hash), key->hash);

    __builtin_prefetch(home);
    return (const struct cache_place *)home;
}

const struct entry *cache_likely(const struct cache_reader *reader, const struct cache_key *key,
                                 const struct cache_place *place)
{
    const struct bucket *home = (const struct bucket *)place;
    struct node *node = bucket_likely(home, &reader->cache->heap, key->hash);

    ASSERT(readers_is_inside(reader));
    if (node == NULL)
        return NULL;
    node_prefetch(node);
    return node_entry(node);
}

const struct entry *cache_find(struct cache_reader *reader, const struct cache_key *key,
                               const struct entry *likely, uint64_t now_ms)
{
    struct node *node = likely != NULL ? node_of_entry(likely) : NULL;

    if (node == NULL || !node_matches(node, key))
        node = table_find(view_of(reader, key->hash), &reader->cache->heap, key);
    if (node == NULL || !entry_is_fresh(node_entry(node), now_ms))
        return NULL;
    if (!atomic_load_explicit(&node->visited, memory_order_relaxed))
        atomic_store_explicit(&node->visited, true, memory_order_relaxed);
    return node_entry(node);
}

void cache_confirm(const struct entry *entry, uint64_t epoch)
{
    CHECK(epoch <= UINT32_MAX);
    atomic_store_explicit(&node_entry(node_of_entry(entry))->epoch, (uint32_t)epoch,
                          memory_order_relaxed);
}

/* --- changing --- */

static void lock(struct shard *shard)
{
    CHECK(pthread_mutex_lock(&shard->lock) == 0);
}

static void unlock(struct shard *shard)
{
    CHECK(pthread_mutex_unlock(&shard->lock) == 0);
}

static struct shard *shard_of(const struct cache *cache, uint64_t hash)
{
    return &cache->shards[shard_index(cache, hash)];
}

void cache_void(struct cache *cache, const struct cache_key *key, const struct entry *entry)
{
    struct shard *shard = shard_of(cache, key->hash);
    struct node *node;

    lock(shard);
    node = shard_find(shard, key);
    if (node != NULL && node_entry(node) == entry)
        shard_remove(shard, node);
    unlock(shard);
}

static void key_of_entry(struct cache_key *key, struct name *name, const struct entry *entry)
{
    entry_name(name, entry);
    *key = (struct cache_key){.name = name,
                              .type = entry->type,
                              .class = entry->class,
                              .dnssec_ok = entry->dnssec_ok,
                              .checking_disabled = entry->checking_disabled};
}

/* Takes out the NXDOMAIN of a name that an answer shows to be there, unless newer rules stored it. */
static void drop_nxdomain(struct cache *cache, struct cache_key key, uint32_t epoch)
{
    struct shard *shard;
    struct node *node;

    key.type = CACHE_TYPE_NXDOMAIN;
    cache_key_hash(&key, &cache->secret);
    shard = shard_of(cache, key.hash);
    lock(shard);
    node = shard_find(shard, &key);
    if (node != NULL && node_entry(node)->epoch <= epoch)
        shard_remove(shard, node);
    unlock(shard);
}

bool cache_insert(struct cache *cache, const struct entry *entry)
{
    struct cache_key key;
    struct shard *shard;
    struct name name;
    bool stored;

    if (entry->ttl_s == 0 || entry->size > ENTRY_CACHE_MAX)
        return false;
    key_of_entry(&key, &name, entry);
    cache_key_hash(&key, &cache->secret);
    shard = shard_of(cache, key.hash);
    lock(shard);
    stored = shard_insert(shard, &key, entry);
    unlock(shard);
    if (stored && entry->kind == ENTRY_POSITIVE)
        drop_nxdomain(cache, key, entry->epoch);
    return stored;
}

unsigned cache_failures(struct cache *cache, const struct cache_key *key)
{
    struct shard *shard = shard_of(cache, key->hash);
    unsigned failures = 0;
    struct node *node;

    lock(shard);
    node = shard_find(shard, key);
    if (node != NULL && node_entry(node)->kind == ENTRY_FAILURE)
        failures = node_entry(node)->failures;
    unlock(shard);
    return failures;
}

/* Removes from one ring what is of a name, or below it. */
static size_t flush_ring(struct shard *shard, struct link *ring, const struct name *name,
                         bool below)
{
    size_t flushed = 0;

    LIST_EACH(item, after, ring) {
        struct node *node = LIST_ITEM(item, struct node, ring);
        struct name owner;

        entry_name(&owner, node_entry(node));
        if (below ? name_is_at_or_below(&owner, name) : name_equal(&owner, name)) {
            shard_remove(shard, node);
            flushed++;
        }
    }
    shard_reclaim(shard);
    return flushed;
}

size_t cache_flush(struct cache *cache, const struct name *name, bool below)
{
    size_t flushed = 0;

    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];

        lock(shard);
        flushed += flush_ring(shard, &shard->good, name, below);
        flushed += flush_ring(shard, &shard->failed, name, below);
        unlock(shard);
    }
    return flushed;
}

static void visit_ring(struct link *ring, void (*visit)(void *owner, const struct entry *entry),
                       void *owner)
{
    LIST_EACH(item, after, ring)
        visit(owner, node_entry(LIST_ITEM(item, struct node, ring)));
}

void cache_visit(struct cache *cache, void (*visit)(void *owner, const struct entry *entry),
                 void *owner)
{
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];

        lock(shard);
        visit_ring(&shard->good, visit, owner);
        visit_ring(&shard->failed, visit, owner);
        unlock(shard);
    }
}

void cache_resize(struct cache *cache, size_t budget)
{
    for (size_t i = 0; i < cache->shard_count; i++) {
        lock(&cache->shards[i]);
        shard_resize(&cache->shards[i], shard_budget(cache, budget));
        unlock(&cache->shards[i]);
    }
    heap_resize(&cache->heap, heap_limit(budget));
}

void cache_prepare(struct cache *cache)
{
    heap_prepare(&cache->heap);
}

struct cache_stats cache_stats(const struct cache *cache)
{
    struct cache_stats stats = {.octets = fixed_octets(cache)};

    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];

        lock(shard);
        stats.entries += shard->entries;
        stats.octets += shard->octets + shard->limbo_octets;
        stats.evictions += shard->evictions;
        stats.inserts += shard->inserts;
        stats.refused += shard->refused;
        unlock(shard);
    }
    return stats;
}
