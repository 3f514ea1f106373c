/* table: the buckets. What a slot says, an entry or that it is empty, is published by a release store and read by an
 * acquire load; a node that no slot tells of any more is kept by the caller until nobody holds it.
 * Owns: nothing; a table is a block of the heap. Thread: one writer, any readers.
 * Bounds: 2^power buckets; a search ends where nothing spilled over. Fails: table_new gives NULL. */
#include "table.h"

#include "local53/base/check.h"

static uint64_t word_of(const struct heap *heap, const struct node *node)
{
    return (uint64_t)heap_place(heap, node) << 32 | node->hash;
}

static uint32_t word_hash(uint64_t word)
{
    return (uint32_t)word;
}

static struct node *word_node(const struct heap *heap, uint64_t word)
{
    return heap_at(heap, (uint32_t)(word >> 32));
}

size_t table_octets(unsigned power)
{
    size_t behind = sizeof(struct table) + BUCKET_OCTETS - 1;

    return behind + ((size_t)1 << power) * sizeof(struct bucket);
}

struct table *table_new(struct heap *heap, unsigned power)
{
    struct table *table = heap_take(heap, table_octets(power));
    uintptr_t behind;

    if (table == NULL)
        return NULL;
    behind = (uintptr_t)(table + 1);
    behind += (BUCKET_OCTETS - behind % BUCKET_OCTETS) % BUCKET_OCTETS;
    *table = (struct table){.buckets = (struct bucket *)behind, .power = power};
    memset(table->buckets, 0, table_count(table) * sizeof(struct bucket));
    return table;
}

/* --- reading --- */

static size_t view_mask(table_view view)
{
    return ((size_t)1 << view % BUCKET_OCTETS) - 1;
}

static const struct bucket *view_buckets(table_view view)
{
    return (const struct bucket *)(view - view % BUCKET_OCTETS);
}

static struct node *bucket_find(const struct bucket *bucket, const struct heap *heap,
                                const struct cache_key *key)
{
    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        uint64_t word = atomic_load_explicit(&bucket->slot[i], memory_order_acquire);

        if (word_hash(word) == (uint32_t)key->hash && word != 0 &&
            node_matches(word_node(heap, word), key))
            return word_node(heap, word);
    }
    return NULL;
}

struct node *table_find(table_view view, const struct heap *heap, const struct cache_key *key)
{
    const struct bucket *buckets = view_buckets(view);
    size_t mask = view_mask(view);
    size_t at = key->hash & mask;

    for (size_t probes = 0; probes <= mask; probes++) {
        const struct bucket *bucket = &buckets[at];
        struct node *node = bucket_find(bucket, heap, key);

        if (node != NULL || atomic_load_explicit(&bucket->spilled, memory_order_relaxed) == 0)
            return node;
        at = (at + 1) & mask;
    }
    return NULL;
}

const struct bucket *table_home(table_view view, uint64_t hash)
{
    return &view_buckets(view)[hash & view_mask(view)];
}

struct node *bucket_likely(const struct bucket *bucket, const struct heap *heap, uint64_t hash)
{
    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        uint64_t word = atomic_load_explicit(&bucket->slot[i], memory_order_acquire);

        if (word_hash(word) == (uint32_t)hash && word != 0)
            return word_node(heap, word);
    }
    return NULL;
}

/* --- writing --- */

/* One slot of a bucket that holds `word` becomes `with`; false when none does. */
static bool bucket_change(struct bucket *bucket, uint64_t word, uint64_t with)
{
    for (size_t i = 0; i < BUCKET_SLOTS; i++) {
        if (atomic_load_explicit(&bucket->slot[i], memory_order_relaxed) == word) {
            atomic_store_explicit(&bucket->slot[i], with, memory_order_release);
            return true;
        }
    }
    return false;
}

static void bucket_spill(struct bucket *bucket, uint64_t more)
{
    uint64_t spilled = atomic_load_explicit(&bucket->spilled, memory_order_relaxed);

    atomic_store_explicit(&bucket->spilled, spilled + more, memory_order_relaxed);
}

/* Changes the first such slot from the word's own bucket on; those passed over count `spilled` more. */
static void table_change(struct table *table, uint64_t word, uint64_t with, uint64_t spilled)
{
    uint64_t hash = word != 0 ? word : with;
    size_t mask = table_count(table) - 1;
    size_t at = word_hash(hash) & mask;

    for (size_t probes = 0; !bucket_change(&table->buckets[at], word, with); probes++) {
        CHECK(probes <= mask);
        bucket_spill(&table->buckets[at], spilled);
        at = (at + 1) & mask;
    }
}

void table_put(struct table *table, const struct heap *heap, const struct node *node)
{
    table_change(table, 0, word_of(heap, node), 1);
}

void table_take(struct table *table, const struct heap *heap, const struct node *node)
{
    table_change(table, word_of(heap, node), 0, UINT64_MAX);
}

void table_replace(struct table *table, const struct heap *heap, const struct node *there,
                   const struct node *node)
{
    table_change(table, word_of(heap, there), word_of(heap, node), 0);
}

void table_copy(struct table *table, const struct table *from)
{
    for (size_t i = 0; i < table_count(from) * BUCKET_SLOTS; i++) {
        struct bucket *bucket = &from->buckets[i / BUCKET_SLOTS];
        uint64_t word = atomic_load_explicit(&bucket->slot[i % BUCKET_SLOTS], memory_order_relaxed);

        if (word != 0)
            table_change(table, 0, word, 1);
    }
}
