/* shard: one part of the cache: table, eviction order, accounting.
 * Owns: its nodes (one allocation each) and its buckets. Thread: whoever holds its mutex.
 * Bounds: budget octets; failures an eighth of them; buckets filled to 5/7, to 6/7 at the budget.
 * Fails: an entry that does not fit is refused; out of memory is fatal. */
#include "shard.h"

#include <stdlib.h>

#include "local53/base/check.h"

/* Entries a bucket on average before the table grows, and when the budget allows no growth. */
#define LOAD_GROW 5
#define LOAD_MAX 6

/* A full count of spilled entries is never lowered: how many there are is not known any more. */
#define SPILLED_MANY UINT8_MAX

/* Failures hold at most this part of the budget (RFC 9520 section 3.2). */
#define FAILED_PART 8

/* What malloc adds: a word in front, the sum rounded to 16 (glibc). */
#define MALLOC_HEAD sizeof(size_t)
#define MALLOC_ROUND 16

struct entry *node_entry(struct node *node)
{
    return (struct entry *)(void *)(node + 1);
}

static struct node *node_of(struct link *ring)
{
    return LIST_ITEM(ring, struct node, ring);
}

static size_t node_octets(const struct entry *entry)
{
    size_t octets = sizeof(struct node) + entry->size + MALLOC_HEAD;

    return (octets + MALLOC_ROUND - 1) / MALLOC_ROUND * MALLOC_ROUND;
}

static size_t table_octets(size_t bucket_count)
{
    return bucket_count * sizeof(struct bucket);
}

static struct bucket *buckets_new(size_t count)
{
    struct bucket *buckets = aligned_alloc(sizeof(struct bucket), table_octets(count));

    CHECK(buckets != NULL);
    memset(buckets, 0, table_octets(count));
    return buckets;
}

void shard_init(struct shard *shard, size_t budget, const struct hash_key *secret)
{
    *shard = (struct shard){.budget = budget, .bucket_count = 1, .secret = *secret};
    CHECK(pthread_mutex_init(&shard->lock, NULL) == 0);
    shard->buckets = buckets_new(shard->bucket_count);
    shard->octets = table_octets(shard->bucket_count);
    list_init(&shard->good);
    list_init(&shard->failed);
}

static void ring_free(struct link *ring)
{
    LIST_EACH(item, after, ring)
        free(node_of(item));
    list_init(ring);
}

void shard_deinit(struct shard *shard)
{
    ring_free(&shard->good);
    ring_free(&shard->failed);
    free(shard->buckets);
    CHECK(pthread_mutex_destroy(&shard->lock) == 0);
}

/* --- the table: buckets probed one after another from the hash's own --- */

static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 48);
}

static size_t home_of(const struct shard *shard, uint64_t hash)
{
    return (size_t)hash & (shard->bucket_count - 1);
}

static uint64_t node_hash(const struct shard *shard, struct node *node)
{
    const struct entry *entry = node_entry(node);
    struct name name;
    struct cache_key key = {.name = &name,
                            .type = entry->type,
                            .class = entry->class,
                            .dnssec_ok = entry->dnssec_ok,
                            .checking_disabled = entry->checking_disabled};

    entry_name(&name, entry);
    cache_key_hash(&key, &shard->secret);
    return key.hash;
}

static bool node_matches(struct node *node, const struct cache_key *key)
{
    const struct entry *entry = node_entry(node);

    return entry->qname_len == key->name->len && entry->type == key->type &&
           entry->class == key->class && entry->dnssec_ok == key->dnssec_ok &&
           entry->checking_disabled == key->checking_disabled &&
           memcmp(entry_wire(entry) + MESSAGE_HEADER_OCTETS, key->name->wire, key->name->len) == 0;
}

static struct node *bucket_find(const struct bucket *bucket, const struct cache_key *key)
{
    uint8_t tag = tag_of(key->hash);

    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        if (bucket->tag[i] == tag && bucket->node[i] != NULL && node_matches(bucket->node[i], key))
            return bucket->node[i];
    }
    return NULL;
}

struct node *shard_find(const struct shard *shard, const struct cache_key *key)
{
    size_t at = home_of(shard, key->hash);

    for (size_t probes = 0; probes < shard->bucket_count; probes++) {
        const struct bucket *bucket = &shard->buckets[at];
        struct node *node = bucket_find(bucket, key);

        if (node != NULL || bucket->spilled == 0)
            return node;
        at = (at + 1) & (shard->bucket_count - 1);
    }
    return NULL;
}

static bool bucket_put(struct bucket *bucket, struct node *node, uint8_t tag)
{
    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        if (bucket->node[i] == NULL) {
            bucket->node[i] = node;
            bucket->tag[i] = tag;
            return true;
        }
    }
    if (bucket->spilled < SPILLED_MANY)
        bucket->spilled++;
    return false;
}

/* Puts a node into the first bucket with room; there is one, since the load is bounded. */
static void table_put(struct shard *shard, struct node *node, uint64_t hash)
{
    size_t at = home_of(shard, hash);

    while (!bucket_put(&shard->buckets[at], node, tag_of(hash)))
        at = (at + 1) & (shard->bucket_count - 1);
}

static bool bucket_take(struct bucket *bucket, const struct node *node)
{
    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        if (bucket->node[i] == node) {
            bucket->node[i] = NULL;
            return true;
        }
    }
    if (bucket->spilled < SPILLED_MANY)
        bucket->spilled--;
    return false;
}

static void table_take(struct shard *shard, struct node *node)
{
    size_t at = home_of(shard, node_hash(shard, node));

    for (size_t probes = 0; !bucket_take(&shard->buckets[at], node); probes++) {
        CHECK(probes < shard->bucket_count);
        at = (at + 1) & (shard->bucket_count - 1);
    }
}

static void table_put_ring(struct shard *shard, struct link *ring)
{
    LIST_EACH(item, after, ring) {
        struct node *node = node_of(item);

        table_put(shard, node, node_hash(shard, node));
    }
}

static void table_rebuild(struct shard *shard, size_t bucket_count)
{
    shard->octets -= table_octets(shard->bucket_count);
    free(shard->buckets);
    shard->buckets = buckets_new(bucket_count);
    shard->bucket_count = bucket_count;
    shard->octets += table_octets(bucket_count);
    table_put_ring(shard, &shard->good);
    table_put_ring(shard, &shard->failed);
}

/* --- eviction --- */

/* Takes a node that is in no ring any more out of the table, and frees it. */
static void shard_forget(struct shard *shard, struct node *node)
{
    size_t octets = node_octets(node_entry(node));

    table_take(shard, node);
    shard->entries--;
    shard->octets -= octets;
    shard->failed_octets -= node_entry(node)->kind == ENTRY_FAILURE ? octets : 0;
    free(node);
}

void shard_remove(struct shard *shard, struct node *node)
{
    if (shard->hand == &node->ring)
        shard->hand = node->ring.next == &shard->good ? NULL : node->ring.next;
    list_remove(&node->ring);
    shard_forget(shard, node);
}

static void evict_failure(struct shard *shard)
{
    struct link *oldest = list_take_first(&shard->failed);

    CHECK(oldest != NULL);
    shard_forget(shard, node_of(oldest));
    shard->evictions++;
}

/* SIEVE: the hand goes from the oldest towards the newest, spares once what was visited and is fresh,
 * and stays where it evicted. After one round nothing is marked any more, so it ends. */
static void evict_good(struct shard *shard, uint64_t now_ms)
{
    struct link *at = shard->hand != NULL ? shard->hand : list_first(&shard->good);
    struct entry *entry = node_entry(node_of(at));

    while (entry->visited && entry_ttl_left(entry, now_ms) > 0) {
        entry->visited = false;
        at = at->next == &shard->good ? list_first(&shard->good) : at->next;
        entry = node_entry(node_of(at));
    }
    shard->hand = at;
    shard_remove(shard, node_of(at));
    shard->evictions++;
}

/* Failures whose time is over go first. Fresh ones stay: each has to be remembered for a second at
 * least (RFC 9520 section 3.2), and what they may take from answers is bounded by FAILED_PART. */
static void evict_one(struct shard *shard, uint64_t now_ms)
{
    struct link *failed = list_first(&shard->failed);

    if (failed != NULL &&
        (list_is_empty(&shard->good) || entry_ttl_left(node_entry(node_of(failed)), now_ms) == 0))
        evict_failure(shard);
    else
        evict_good(shard, now_ms);
}

/* Makes room for one more entry of so many octets, and a place for it in the table. The table grows
 * only while that evicts nothing; then buckets are filled further. */
static void make_room(struct shard *shard, size_t octets, uint64_t now_ms)
{
    size_t after = shard->entries + 1;

    if (after > shard->bucket_count * LOAD_GROW &&
        shard->octets + octets + table_octets(shard->bucket_count) <= shard->budget)
        table_rebuild(shard, shard->bucket_count * 2);
    while (shard->octets + octets > shard->budget ||
           shard->entries + 1 > shard->bucket_count * LOAD_MAX)
        evict_one(shard, now_ms);
}

/* --- storing --- */

/* A failure never replaces a fresh answer, and nothing replaces what was decided under newer rules. */
static bool may_replace(struct node *node, const struct entry *entry)
{
    const struct entry *there = node_entry(node);

    if (there->epoch > entry->epoch)
        return false;
    return entry->kind != ENTRY_FAILURE || there->kind == ENTRY_FAILURE ||
           entry_ttl_left(there, entry->stored_ms) == 0;
}

static bool failure_fits(struct shard *shard, size_t octets)
{
    size_t most = shard->budget / FAILED_PART;

    if (octets > most)
        return false;
    while (shard->failed_octets + octets > most)
        evict_failure(shard);
    return true;
}

/* A newly stored name begins unvisited; a hot one that is stored again stays hot. */
static void node_add(struct shard *shard, const struct cache_key *key, const struct entry *entry,
                     bool visited)
{
    struct node *node = malloc(sizeof(*node) + entry->size);
    bool failed = entry->kind == ENTRY_FAILURE;
    size_t octets = node_octets(entry);

    CHECK(node != NULL);
    *node = (struct node){{NULL, NULL}};
    memcpy(node_entry(node), entry, entry->size);
    node_entry(node)->visited = visited;
    list_append(failed ? &shard->failed : &shard->good, &node->ring);
    table_put(shard, node, key->hash);
    shard->entries++;
    shard->octets += octets;
    shard->failed_octets += failed ? octets : 0;
    shard->inserts++;
}

bool shard_insert(struct shard *shard, const struct cache_key *key, const struct entry *entry)
{
    size_t octets = node_octets(entry);
    struct node *there = shard_find(shard, key);
    bool visited = false;

    if ((there != NULL && !may_replace(there, entry)) ||
        table_octets(shard->bucket_count) + octets > shard->budget)
        return false;
    if (there != NULL) {
        visited = node_entry(there)->visited;
        shard_remove(shard, there);
    }
    if (entry->kind == ENTRY_FAILURE && !failure_fits(shard, octets))
        return false;
    make_room(shard, octets, entry->stored_ms);
    node_add(shard, key, entry, visited);
    return true;
}

/* Buckets for so many entries. */
static size_t buckets_for(size_t entries)
{
    size_t count = 1;

    while (count * LOAD_GROW < entries)
        count *= 2;
    return count;
}

/* The table shrinks with what it holds; so what is counted here is the table as it will be. */
void shard_resize(struct shard *shard, size_t budget)
{
    size_t nodes;

    shard->budget = budget;
    while (shard->failed_octets > budget / FAILED_PART)
        evict_failure(shard);
    nodes = shard->octets - table_octets(shard->bucket_count);
    while (shard->entries > 0 && nodes + table_octets(buckets_for(shard->entries)) > budget) {
        evict_one(shard, 0);
        nodes = shard->octets - table_octets(shard->bucket_count);
    }
    if (buckets_for(shard->entries) < shard->bucket_count)
        table_rebuild(shard, buckets_for(shard->entries));
}
