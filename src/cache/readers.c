/* readers: quiescence by a clock of removals.
 * Owns: nothing but its own words. Thread: any; each place is written by one thread.
 * Why it holds. A writer first takes a thing out of reach, then ticks, then looks at the places. A reader
 * first writes down the clock, then reads it again, then looks for things; writing, reading again, tick and
 * looking at places are in one order for all (seq_cst). If the writer did not see the reader inside, its
 * tick came before the reader's second look at the clock, so the reader sees the thing out of reach. And
 * one who wrote down a later clock than the thing's has seen the tick that follows it, so the same.
 * Bounds: CACHE_READERS_MAX. Fails: readers_add gives NULL. */
#include "readers.h"

#include "local53/base/check.h"

void readers_init(struct readers *readers)
{
    atomic_init(&readers->clock, 1);
    atomic_init(&readers->count, 0);
    for (size_t i = 0; i < CACHE_READERS_MAX; i++) {
        atomic_init(&readers->places[i].since, 0);
        atomic_init(&readers->places[i].taken, false);
        readers->places[i].cache = NULL;
    }
}

struct cache_reader *readers_add(struct readers *readers, struct cache *cache)
{
    for (uint64_t i = 0; i < CACHE_READERS_MAX; i++) {
        struct cache_reader *reader = &readers->places[i];
        uint64_t count = atomic_load(&readers->count);

        if (atomic_exchange(&reader->taken, true))
            continue;
        reader->cache = cache;
        while (count < i + 1 && !atomic_compare_exchange_weak(&readers->count, &count, i + 1)) {}
        return reader;
    }
    return NULL;
}

void readers_remove(struct cache_reader *reader)
{
    CHECK(!readers_is_inside(reader));
    atomic_store(&reader->taken, false);
}

bool readers_are_gone(const struct readers *readers)
{
    for (size_t i = 0; i < CACHE_READERS_MAX; i++) {
        if (atomic_load(&readers->places[i].taken))
            return false;
    }
    return true;
}

void readers_enter(struct readers *readers, struct cache_reader *reader)
{
    uint64_t now = atomic_load_explicit(&readers->clock, memory_order_acquire);

    ASSERT(!readers_is_inside(reader));
    atomic_store_explicit(&reader->since, now, memory_order_seq_cst);
    (void)atomic_load_explicit(&readers->clock, memory_order_seq_cst);
}

void readers_leave(struct cache_reader *reader)
{
    ASSERT(readers_is_inside(reader));
    atomic_store_explicit(&reader->since, 0, memory_order_release);
}

bool readers_is_inside(const struct cache_reader *reader)
{
    return atomic_load_explicit(&reader->since, memory_order_relaxed) != 0;
}

uint64_t readers_tick(struct readers *readers)
{
    return atomic_fetch_add_explicit(&readers->clock, 1, memory_order_seq_cst);
}

uint64_t readers_passed(const struct readers *readers)
{
    uint64_t count = atomic_load_explicit(&readers->count, memory_order_seq_cst);
    uint64_t first = UINT64_MAX;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t since = atomic_load_explicit(&readers->places[i].since, memory_order_seq_cst);

        if (since != 0 && since < first)
            first = since;
    }
    return first;
}
