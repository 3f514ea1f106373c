/* shard: one part of the cache: what is in it, what goes first, and what it takes.
 * Owns: its nodes and its table, blocks of the heap. Thread: whoever holds its mutex.
 * Bounds: budget octets, a sixteenth of them for what readers still hold; failures an eighth; buckets
 * filled to 5/7, to 6/7 at the budget. Fails: an entry that does not fit is refused. */
#include "shard.h"

#include "local53/base/check.h"

/* Entries a bucket on average before the table grows, and when the budget allows no growth. */
#define LOAD_GROW 5
#define LOAD_MAX 6

/* Failures hold at most this part of the budget (RFC 9520 section 3.2). */
#define FAILED_PART 8

/* Entries evicted for one new entry because the heap, though not full, has no hole large enough. */
#define HOLES_TRIED_MAX 16

_Static_assert(sizeof(struct retired) <= sizeof(struct link), "no reader looks at a node's ring");
_Static_assert(sizeof(struct retired) <= offsetof(struct table, buckets), "nor there");

static struct node *node_of(struct link *ring)
{
    return LIST_ITEM(ring, struct node, ring);
}

static size_t node_octets(const struct entry *entry)
{
    return heap_octets(sizeof(struct node) + entry->size);
}

static size_t table_block_octets(unsigned power)
{
    return heap_octets(table_octets(power));
}

size_t shard_usable(size_t budget)
{
    return budget - budget / LIMBO_PART;
}

/* Readers come to the table here from now on. */
static void publish(struct shard *shard)
{
    atomic_store_explicit(shard->view, table_view_of(shard->table), memory_order_release);
}

void shard_init(struct shard *shard, size_t budget, const struct shard_setup *common,
                _Atomic table_view *view)
{
    *shard = (struct shard){.budget = budget, .common = *common, .view = view};
    CHECK(pthread_mutex_init(&shard->lock, NULL) == 0);
    shard->table = table_new(common->heap, 0);
    CHECK(shard->table != NULL);
    shard->octets = heap_block_octets(shard->table);
    publish(shard);
    list_init(&shard->good);
    list_init(&shard->failed);
}

void shard_deinit(struct shard *shard)
{
    CHECK(pthread_mutex_destroy(&shard->lock) == 0);
}

struct node *shard_find(const struct shard *shard, const struct cache_key *key)
{
    return table_find(table_view_of(shard->table), shard->common.heap, key);
}

/* --- limbo: what cannot be found any more, but may still be held --- */

static bool limbo_takes(const struct shard *shard, size_t octets)
{
    return shard->limbo_octets == 0 || shard->limbo_octets + octets <= shard->budget / LIMBO_PART;
}

/* A node or table that no reader can come to any more; counted in limbo already. */
static void retire(struct shard *shard, void *block)
{
    struct retired *retired = block;

    *retired = (struct retired){.next = NULL, .time = readers_tick(shard->common.readers)};
    if (shard->limbo_first == NULL)
        shard->limbo_first = retired;
    else
        shard->limbo_last->next = retired;
    shard->limbo_last = retired;
}

void shard_reclaim(struct shard *shard)
{
    uint64_t passed;

    if (shard->limbo_first == NULL)
        return;
    passed = readers_passed(shard->common.readers);
    while (shard->limbo_first != NULL && shard->limbo_first->time < passed) {
        struct retired *retired = shard->limbo_first;

        shard->limbo_first = retired->next;
        shard->limbo_octets -= heap_block_octets(retired);
        heap_give(shard->common.heap, retired);
    }
}

/* Puts a table in the place of the present one; nobody waits: who reads the old one reads on. */
static void table_change_to(struct shard *shard, struct table *table)
{
    struct table *before = shard->table;

    table_copy(table, before);
    shard->table = table;
    publish(shard);
    shard->octets += heap_block_octets(table);
    shard->octets -= heap_block_octets(before);
    shard->limbo_octets += heap_block_octets(before);
    retire(shard, before);
}

/* --- eviction --- */

/* Takes a node out of ring and account; in the table it stays. It counts in limbo from now on, so that one
 * that is to be replaced leaves room for the other beside it. */
static void node_detach(struct shard *shard, struct node *node)
{
    size_t octets = heap_block_octets(node);

    CHECK(list_is_linked(&node->ring));
    if (shard->hand == &node->ring)
        shard->hand = node->ring.next == &shard->good ? NULL : node->ring.next;
    list_remove(&node->ring);
    shard->entries--;
    shard->octets -= octets;
    shard->limbo_octets += octets;
    shard->failed_octets -= node_entry(node)->kind == ENTRY_FAILURE ? octets : 0;
}

void shard_remove(struct shard *shard, struct node *node)
{
    node_detach(shard, node);
    table_take(shard->table, shard->common.heap, node);
    retire(shard, node);
}

/* False when it would have to wait for readers. */
static bool evict(struct shard *shard, struct node *node)
{
    if (!limbo_takes(shard, heap_block_octets(node)))
        shard_reclaim(shard);
    if (!limbo_takes(shard, heap_block_octets(node)))
        return false;
    shard_remove(shard, node);
    shard->evictions++;
    return true;
}

/* SIEVE: the hand goes from the oldest towards the newest, spares once what was visited and is fresh,
 * and stays where it evicted. After one round nothing is marked any more, so it ends. */
static struct node *sieve_choose(struct shard *shard, uint64_t now_ms)
{
    struct link *at = shard->hand != NULL ? shard->hand : list_first(&shard->good);
    struct node *node = node_of(at);

    while (atomic_load_explicit(&node->visited, memory_order_relaxed) &&
           entry_ttl_left(node_entry(node), now_ms) > 0) {
        atomic_store_explicit(&node->visited, false, memory_order_relaxed);
        at = at->next == &shard->good ? list_first(&shard->good) : at->next;
        node = node_of(at);
    }
    shard->hand = at;
    return node;
}

/* Failures whose time is over go first. Fresh ones stay: each has to be remembered for a second at
 * least (RFC 9520 section 3.2), and what they may take from answers is bounded by FAILED_PART. */
static bool evict_one(struct shard *shard, uint64_t now_ms)
{
    struct link *failed = list_first(&shard->failed);

    if (failed != NULL &&
        (list_is_empty(&shard->good) || entry_ttl_left(node_entry(node_of(failed)), now_ms) == 0))
        return evict(shard, node_of(failed));
    return evict(shard, sieve_choose(shard, now_ms));
}

static bool is_empty(const struct shard *shard)
{
    return list_is_empty(&shard->good) && list_is_empty(&shard->failed);
}

/* The table grows only while that evicts nothing; until readers have left the old one both count. */
static void grow(struct shard *shard, size_t octets)
{
    unsigned power = shard->table->power + 1;
    size_t after = shard->octets + octets + table_block_octets(power);
    struct table *table;

    if (after > shard_usable(shard->budget) || after + shard->limbo_octets > shard->budget)
        return;
    table = table_new(shard->common.heap, power);
    if (table != NULL)
        table_change_to(shard, table);
}

/* Makes room for one more entry of so many octets, and a place for it in the table; where that does not
 * grow, buckets are filled further. False when readers hold too much of what was evicted. */
static bool make_room(struct shard *shard, size_t octets, uint64_t now_ms)
{
    if (shard->entries + 1 > table_count(shard->table) * LOAD_GROW)
        grow(shard, octets);
    while (shard->octets + octets > shard_usable(shard->budget) ||
           shard->entries + 1 > table_count(shard->table) * LOAD_MAX) {
        if (!evict_one(shard, now_ms))
            return false;
    }
    shard_reclaim(shard);
    return shard->octets + shard->limbo_octets + octets <= shard->budget;
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

/* Makes room among the failures; false when that would have to wait for readers. */
static bool failures_make_room(struct shard *shard, size_t octets)
{
    while (shard->failed_octets + octets > shard->budget / FAILED_PART) {
        if (!evict(shard, node_of(list_first(&shard->failed))))
            return false;
    }
    return true;
}

/* A block for a node; the heap may be in pieces too small. NULL when it stays so. */
static struct node *node_take(struct shard *shard, const struct entry *entry)
{
    size_t octets = sizeof(struct node) + entry->size;
    struct node *node = heap_take(shard->common.heap, octets);

    for (int tried = 0; node == NULL && tried < HOLES_TRIED_MAX && !is_empty(shard); tried++) {
        if (!evict_one(shard, entry->stored_ms))
            return NULL;
        shard_reclaim(shard);
        node = heap_take(shard->common.heap, octets);
    }
    return node;
}

/* A node that is a copy of an entry, with all the room it needs made; NULL when it is refused. */
static struct node *node_new(struct shard *shard, const struct cache_key *key,
                             const struct entry *entry)
{
    bool failed = entry->kind == ENTRY_FAILURE;
    size_t octets = node_octets(entry);
    struct node *node = NULL;

    if ((!failed || failures_make_room(shard, octets)) &&
        make_room(shard, octets, entry->stored_ms))
        node = node_take(shard, entry);
    if (node == NULL)
        return NULL;
    *node = (struct node){.hash = (uint32_t)key->hash};
    memcpy(node_entry(node), entry, entry->size);
    return node;
}

/* A node in the table comes into ring and account. */
static void node_attach(struct shard *shard, struct node *node)
{
    bool failed = node_entry(node)->kind == ENTRY_FAILURE;
    size_t octets = heap_block_octets(node);

    list_append(failed ? &shard->failed : &shard->good, &node->ring);
    shard->entries++;
    shard->octets += octets;
    shard->failed_octets += failed ? octets : 0;
    shard->inserts++;
}

/* Puts an entry in the place of another, which readers find until they find the new one. A hot name
 * that is stored again stays hot. What cannot be replaced, because readers hold too much, goes. */
static bool replace(struct shard *shard, const struct cache_key *key, struct node *there,
                    const struct entry *entry)
{
    struct node *node;

    node_detach(shard, there);
    node = node_new(shard, key, entry);
    if (node == NULL) {
        table_take(shard->table, shard->common.heap, there);
    } else {
        bool visited = atomic_load_explicit(&there->visited, memory_order_relaxed);

        atomic_store_explicit(&node->visited, visited, memory_order_relaxed);
        table_replace(shard->table, shard->common.heap, there, node);
        node_attach(shard, node);
    }
    retire(shard, there);
    shard_reclaim(shard);
    return node != NULL;
}

/* A newly stored name begins unvisited. */
static bool add(struct shard *shard, const struct cache_key *key, const struct entry *entry)
{
    struct node *node = node_new(shard, key, entry);

    if (node == NULL)
        return false;
    table_put(shard->table, shard->common.heap, node);
    node_attach(shard, node);
    return true;
}

/* True when an entry could be stored if nothing else was. */
static bool fits(const struct shard *shard, const struct entry *entry)
{
    size_t octets = node_octets(entry);

    return heap_block_octets(shard->table) + octets <= shard_usable(shard->budget) &&
           (entry->kind != ENTRY_FAILURE || octets <= shard->budget / FAILED_PART);
}

bool shard_insert(struct shard *shard, const struct cache_key *key, const struct entry *entry)
{
    struct node *there = shard_find(shard, key);
    bool stored;

    if ((there != NULL && !may_replace(there, entry)) || !fits(shard, entry))
        return false;
    shard_reclaim(shard);
    if (there != NULL && !limbo_takes(shard, heap_block_octets(there)))
        stored = false;
    else
        stored = there != NULL ? replace(shard, key, there, entry) : add(shard, key, entry);
    shard->refused += stored ? 0 : 1;
    return stored;
}

/* --- another budget --- */

/* The smallest table for so many entries. */
static unsigned power_for(size_t entries)
{
    unsigned power = 0;

    while (((size_t)LOAD_GROW << power) < entries)
        power++;
    return power;
}

/* The table shrinks with what it holds; so what is counted here is the table as it will be. */
static bool is_over(const struct shard *shard, size_t budget)
{
    size_t nodes = shard->octets - heap_block_octets(shard->table);

    return nodes + table_block_octets(power_for(shard->entries)) > shard_usable(budget);
}

/* Readers are not asked here: what is over the budget goes, and is freed when they have left. */
void shard_resize(struct shard *shard, size_t budget)
{
    struct table *table;

    shard->budget = budget;
    LIST_EACH(item, after, &shard->failed) {
        if (shard->failed_octets <= budget / FAILED_PART)
            break;
        shard_remove(shard, node_of(item));
        shard->evictions++;
    }
    while (!is_empty(shard) && is_over(shard, budget)) {
        struct link *failed = list_first(&shard->failed);

        shard_remove(shard, list_is_empty(&shard->good) ? node_of(failed) : sieve_choose(shard, 0));
        shard->evictions++;
    }
    shard_reclaim(shard);
    if (power_for(shard->entries) < shard->table->power) {
        table = table_new(shard->common.heap, power_for(shard->entries));
        if (table != NULL)
            table_change_to(shard, table);
    }
    shard_reclaim(shard);
}
