/* cache: the shards, each under its own mutex; a hit keeps its shard's mutex until it is released.
 * Owns: the shards. Thread: any; one mutex at a time.
 * Bounds: budget octets over all shards, ENTRY_CACHE_MAX an entry.
 * Fails: what does not fit is refused; out of memory is fatal. */
#include "local53/cache/cache.h"

#include <stdlib.h>

#include "local53/base/check.h"
#include "shard.h"

/* Shards: as many as the budget gives this much each, a power of two. A shard must hold many entries
 * of ENTRY_CACHE_MAX, and 64 are enough for the loops there can be. */
#define SHARD_OCTETS_MIN ((size_t)256 * 1024)
#define SHARDS_MAX 64

/* The shard is chosen by bits of the hash that neither bucket nor tag uses. */
#define SHARD_SHIFT 58

struct cache {
    struct shard *shards;   /* owned; shard_count of them */
    size_t shard_count;     /* a power of two, at most SHARDS_MAX */
    struct hash_key secret; /* keys are hashed with it */
};

/* What all shards have to share. */
static size_t shard_budget(const struct cache *cache, size_t budget)
{
    size_t fixed = sizeof(*cache) + cache->shard_count * sizeof(struct shard);

    return budget > fixed ? (budget - fixed) / cache->shard_count : 0;
}

struct cache *cache_new(size_t budget, const struct hash_key *secret)
{
    struct cache *cache = malloc(sizeof(*cache));

    CHECK(cache != NULL);
    *cache = (struct cache){.shard_count = 1, .secret = *secret};
    while (cache->shard_count < SHARDS_MAX && budget / (cache->shard_count * 2) >= SHARD_OCTETS_MIN)
        cache->shard_count *= 2;
    cache->shards =
        aligned_alloc(_Alignof(struct shard), cache->shard_count * sizeof(struct shard));
    CHECK(cache->shards != NULL);
    for (size_t i = 0; i < cache->shard_count; i++)
        shard_init(&cache->shards[i], shard_budget(cache, budget), secret);
    return cache;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->shard_count; i++)
        shard_deinit(&cache->shards[i]);
    free(cache->shards);
    free(cache);
}

const struct hash_key *cache_secret(const struct cache *cache)
{
    return &cache->secret;
}

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
    return &cache->shards[hash >> SHARD_SHIFT & (cache->shard_count - 1)];
}

bool cache_find(struct cache *cache, const struct cache_key *key, uint64_t now_ms,
                struct cache_hit *hit)
{
    struct shard *shard = shard_of(cache, key->hash);
    struct node *node;

    lock(shard);
    node = shard_find(shard, key);
    if (node == NULL || !entry_is_fresh(node_entry(node), now_ms)) {
        unlock(shard);
        return false;
    }
    if (!node_entry(node)->visited)
        node_entry(node)->visited = true;
    *hit = (struct cache_hit){.entry = node_entry(node), .pin = shard, .place = node};
    return true;
}

void cache_release(struct cache *cache, struct cache_hit *hit)
{
    (void)cache;
    unlock(hit->pin);
    *hit = (struct cache_hit){NULL, NULL, NULL};
}

void cache_confirm(struct cache *cache, struct cache_hit *hit, uint64_t epoch)
{
    (void)cache;
    CHECK(epoch <= UINT32_MAX);
    node_entry(hit->place)->epoch = (uint32_t)epoch;
}

void cache_void(struct cache *cache, struct cache_hit *hit)
{
    shard_remove(hit->pin, hit->place);
    cache_release(cache, hit);
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
}

struct cache_stats cache_stats(const struct cache *cache)
{
    struct cache_stats stats = {
        .octets = sizeof(*cache) + cache->shard_count * sizeof(struct shard),
    };

    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];

        lock(shard);
        stats.entries += shard->entries;
        stats.octets += shard->octets;
        stats.evictions += shard->evictions;
        stats.inserts += shard->inserts;
        unlock(shard);
    }
    return stats;
}
