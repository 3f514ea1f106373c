/* hold: a binary heap of keys over slots that do not move.
 * Owns: keys, slots and octets, taken at start, touched as they are needed.
 * Thread: one; pure. On the path of every query that is held.
 * Bounds: the capacity; when full hold_room says so. Fails: only at start, fatally. */
#include "faults/hold.h"

#include <stdlib.h>

#include "local53/base/check.h"

struct hold_key {
    uint64_t due_ns;   /* when */
    uint32_t sequence; /* which came first, modulo 2^32; far more than are ever held */
    uint32_t slot;     /* which answer */
};

static void *room_for(size_t count, size_t size)
{
    void *room = calloc(count, size);

    CHECK(room != NULL);
    return room;
}

void hold_init(struct hold *hold, uint32_t capacity, size_t octets_each)
{
    CHECK(capacity > 0);
    *hold = (struct hold){.capacity = capacity, .octets_each = octets_each};
    hold->keys = room_for(capacity, sizeof(*hold->keys));
    hold->answers = room_for(capacity, sizeof(*hold->answers));
    hold->octets = room_for(capacity, octets_each);
    hold->unused = room_for(capacity, sizeof(*hold->unused));
}

void hold_deinit(struct hold *hold)
{
    free(hold->keys);
    free(hold->answers);
    free(hold->octets);
    free(hold->unused);
    *hold = (struct hold){0};
}

/* The slot that the next answer gets: one given back last, for it is still in the CPU's caches. */
static uint32_t next_slot(const struct hold *hold)
{
    return hold->unused_count > 0 ? hold->unused[hold->unused_count - 1] : hold->touched;
}

uint8_t *hold_room(struct hold *hold)
{
    if (hold->count == hold->capacity)
        return NULL;
    return hold->octets + next_slot(hold) * hold->octets_each;
}

static bool is_before(const struct hold_key *a, const struct hold_key *b)
{
    if (a->due_ns != b->due_ns)
        return a->due_ns < b->due_ns;
    return (int32_t)(a->sequence - b->sequence) < 0;
}

/* Moves a key from the end up to where it belongs; none at all when the dues only grow. */
static void sift_up(struct hold_key *keys, size_t at, struct hold_key key)
{
    while (at > 0 && is_before(&key, &keys[(at - 1) / 2])) {
        keys[at] = keys[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    keys[at] = key;
}

/* Moves a key from the root down to where it belongs among count keys. */
static void sift_down(struct hold_key *keys, size_t count, struct hold_key key)
{
    size_t at = 0;

    for (size_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_before(&keys[child + 1], &keys[child]))
            child++;
        if (!is_before(&keys[child], &key))
            break;
        keys[at] = keys[child];
        at = child;
    }
    keys[at] = key;
}

void hold_put(struct hold *hold, uint64_t due_ns, const struct answer *answer)
{
    uint32_t slot = next_slot(hold);

    CHECK(hold->count < hold->capacity && answer->told.len <= hold->octets_each);
    if (hold->unused_count > 0)
        hold->unused_count--;
    else
        hold->touched++;
    hold->answers[slot] = *answer;
    sift_up(hold->keys, hold->count++, (struct hold_key){due_ns, hold->sequence++, slot});
}

uint64_t hold_due(const struct hold *hold)
{
    return hold->count == 0 ? UINT64_MAX : hold->keys[0].due_ns;
}

const uint8_t *hold_take(struct hold *hold, struct answer *answer)
{
    CHECK(hold->count > 0);
    uint32_t slot = hold->keys[0].slot;

    *answer = hold->answers[slot];
    hold->unused[hold->unused_count++] = slot;
    hold->count--;
    if (hold->count > 0)
        sift_down(hold->keys, hold->count, hold->keys[hold->count]);
    return hold->octets + slot * hold->octets_each;
}
