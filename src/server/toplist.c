/* toplist: Space-Saving over a fixed table.
 * Owns: its slots, the buckets they are found by, and a heap of them with the least counted on top.
 * Thread: one at a time. Bounds: setup.capacity slots. Fails: never.
 * Why the bounds hold: a name that is not in a full list was counted at most as often as the least of it,
 * so that is what a newcomer may have been counted before. Halving rounds the count and its lower bound
 * down, each for itself, as it does the true number between them. */
#include "local53/server/toplist.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

#define NO_SLOT UINT32_MAX

struct slot {
    uint64_t count;                /* how often at most */
    uint64_t error;                /* of which so many may be others' */
    uint32_t next;                 /* the next slot in its bucket, or NO_SLOT */
    uint32_t bucket;               /* where it is found */
    uint32_t place;                /* in the heap */
    uint16_t type;                 /* asked type */
    uint8_t len;                   /* octets in wire */
    uint8_t wire[NAME_MAX_OCTETS]; /* folded */
};

struct toplist {
    struct toplist_setup setup; /* as told */
    uint64_t halve_at_ms;       /* when counts are halved next; 0 before the first question */
    uint32_t count;             /* slots in use: the first ones */
    uint32_t bucket_mask;       /* buckets less one; a power of two */
    struct slot *slots;         /* owned; setup.capacity */
    uint32_t *heap;    /* owned; setup.capacity: slots, none counted less than its parent */
    uint32_t *buckets; /* owned; first slot of each, or NO_SLOT */
};

/* What is counted: a view. */
struct key {
    const uint8_t *wire; /* borrowed; a folded name */
    uint8_t len;         /* octets of it */
    uint16_t type;       /* asked type */
};

static void clear(struct toplist *list)
{
    list->count = 0;
    memset(list->buckets, 0xff, (list->bucket_mask + (size_t)1) * sizeof(*list->buckets));
}

struct toplist *toplist_new(const struct toplist_setup *setup)
{
    struct toplist *list = calloc(1, sizeof(*list));
    uint32_t buckets = 2;
    CHECK(list != NULL && setup->capacity > 0);
    while (buckets < 2 * setup->capacity)
        buckets *= 2;
    list->setup = *setup;
    list->bucket_mask = buckets - 1;
    list->slots = calloc(setup->capacity, sizeof(*list->slots));
    list->heap = calloc(setup->capacity, sizeof(*list->heap));
    list->buckets = calloc(buckets, sizeof(*list->buckets));
    CHECK(list->slots != NULL && list->heap != NULL && list->buckets != NULL);
    clear(list);
    return list;
}

void toplist_free(struct toplist *list)
{
    if (list == NULL)
        return;
    free(list->slots);
    free(list->heap);
    free(list->buckets);
    free(list);
}

/* --- the heap --- */

static uint64_t heap_count(const struct toplist *list, uint32_t place)
{
    return list->slots[list->heap[place]].count;
}

static void heap_set(struct toplist *list, uint32_t place, uint32_t slot)
{
    list->heap[place] = slot;
    list->slots[slot].place = place;
}

static void heap_swap(struct toplist *list, uint32_t a, uint32_t b)
{
    uint32_t slot = list->heap[a];
    heap_set(list, a, list->heap[b]);
    heap_set(list, b, slot);
}

static void sift_up(struct toplist *list, uint32_t place)
{
    while (place > 0 && heap_count(list, place) < heap_count(list, (place - 1) / 2)) {
        heap_swap(list, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

static void sift_down(struct toplist *list, uint32_t place)
{
    for (;;) {
        uint32_t least = place;
        for (uint32_t child = 2 * place + 1; child <= 2 * place + 2 && child < list->count; child++)
            if (heap_count(list, child) < heap_count(list, least))
                least = child;
        if (least == place)
            return;
        heap_swap(list, place, least);
        place = least;
    }
}

/* How often a name that is not in the list was counted at most. */
static uint64_t least_count(const struct toplist *list)
{
    return list->count == list->setup.capacity ? heap_count(list, 0) : 0;
}

/* --- the slots --- */

static uint32_t bucket_of(const struct toplist *list, const struct key *key)
{
    return (uint32_t)hash_bytes(&list->setup.secret, key->type, key->wire, key->len) &
           list->bucket_mask;
}

static uint32_t find(const struct toplist *list, uint32_t bucket, const struct key *key)
{
    for (uint32_t i = list->buckets[bucket]; i != NO_SLOT; i = list->slots[i].next) {
        const struct slot *slot = &list->slots[i];
        if (slot->type == key->type && slot->len == key->len &&
            memcmp(slot->wire, key->wire, key->len) == 0)
            return i;
    }
    return NO_SLOT;
}

static void take_out_of_bucket(struct toplist *list, uint32_t slot)
{
    uint32_t *from = &list->buckets[list->slots[slot].bucket];
    while (*from != slot)
        from = &list->slots[*from].next;
    *from = list->slots[slot].next;
}

/* A slot for a newcomer: a new one without counts, or that of the question asked least, whose count stays. */
static uint32_t take_slot(struct toplist *list)
{
    if (list->count < list->setup.capacity) {
        uint32_t slot = list->count++;
        list->slots[slot].count = 0;
        heap_set(list, slot, slot);
        sift_up(list, slot);
        return slot;
    }
    take_out_of_bucket(list, list->heap[0]);
    return list->heap[0];
}

/* Counts a question `count` times, `error` of which may be others'. */
static void put(struct toplist *list, const struct key *key, uint64_t count, uint64_t error)
{
    uint32_t bucket = bucket_of(list, key);
    uint32_t i = find(list, bucket, key);
    if (i == NO_SLOT) {
        i = take_slot(list);
        struct slot *slot = &list->slots[i];
        slot->error = slot->count;
        slot->type = key->type;
        slot->len = key->len;
        memcpy(slot->wire, key->wire, key->len);
        slot->bucket = bucket;
        slot->next = list->buckets[bucket];
        list->buckets[bucket] = i;
    }
    list->slots[i].count += count;
    list->slots[i].error += error;
    sift_down(list, list->slots[i].place);
}

static struct key key_of(const struct slot *slot)
{
    return (struct key){slot->wire, slot->len, slot->type};
}

/* --- time --- */

/* Those of whom nothing is left give their slots back: all slots are put in anew. */
static void halve(struct toplist *list)
{
    uint32_t count = list->count;
    clear(list);
    for (uint32_t i = 0; i < count; i++) {
        struct slot slot = list->slots[i]; /* it is put at or in front of where it stood */
        struct key key = key_of(&slot);
        uint64_t lower = (slot.count - slot.error) / 2;
        if (slot.count / 2 > 0)
            put(list, &key, slot.count / 2, slot.count / 2 - lower);
    }
}

void toplist_tick(struct toplist *list, uint64_t now_ms)
{
    uint64_t period_ms = list->setup.halve_ms;
    if (period_ms == 0)
        return;
    if (list->halve_at_ms == 0)
        list->halve_at_ms = now_ms + period_ms;
    while (list->halve_at_ms <= now_ms && list->count > 0) {
        halve(list);
        list->halve_at_ms += period_ms;
    }
    if (list->halve_at_ms <= now_ms)
        list->halve_at_ms = now_ms + period_ms;
}

/* --- doors --- */

void toplist_add(struct toplist *list, const struct name *name, uint16_t type, uint64_t now_ms)
{
    struct key key = {name->wire, name->len, type};
    toplist_tick(list, now_ms);
    put(list, &key, 1, 0);
}

/* Names that only one of the lists has may have been counted by the other as well: as often as its least. */
void toplist_merge(struct toplist *into, const struct toplist *from)
{
    uint64_t least = least_count(from);
    for (uint32_t i = 0; i < into->count; i++) {
        struct slot *slot = &into->slots[i];
        struct key key = key_of(slot);
        bool counted = find(from, bucket_of(from, &key), &key) != NO_SLOT;
        slot->count += counted ? 0 : least;
        slot->error += counted ? 0 : least;
    }
    for (uint32_t place = into->count; place > 0; place--)
        sift_down(into, place - 1);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct slot *slot = &from->slots[i];
        struct key key = key_of(slot);
        put(into, &key, slot->count, slot->error);
    }
}

void toplist_copy(struct toplist *into, const struct toplist *from)
{
    CHECK(into->setup.capacity == from->setup.capacity);
    clear(into);
    for (uint32_t i = 0; i < from->count; i++) {
        struct key key = key_of(&from->slots[i]);
        put(into, &key, from->slots[i].count, from->slots[i].error);
    }
}

/* Most counted first, then by name and type. */
static int compare_items(const void *left, const void *right)
{
    const struct toplist_item *a = left;
    const struct toplist_item *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    int order = memcmp(a->name.wire, b->name.wire, a->name.len);
    return order != 0 ? order : (int)a->type - (int)b->type;
}

size_t toplist_items(const struct toplist *list, struct toplist_item *out, size_t cap)
{
    struct toplist_item *items = calloc(list->count + (size_t)1, sizeof(*items));
    size_t count = list->count < cap ? list->count : cap;
    CHECK(items != NULL);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct slot *slot = &list->slots[i];
        CHECK(name_from_wire(&items[i].name, slot->wire, slot->len) == ERR_OK);
        items[i].type = slot->type;
        items[i].count = slot->count;
        items[i].error = slot->error;
    }
    qsort(items, list->count, sizeof(*items), compare_items);
    memcpy(out, items, count * sizeof(*items));
    free(items);
    return count;
}

size_t toplist_count(const struct toplist *list)
{
    return list->count;
}
