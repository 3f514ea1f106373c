/* bench_slab: taking and giving items, against the C library's allocator doing the same. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/slab.h"

/* An item about as large as a query in flight, and as many of them as a burst holds. */
#define ITEM_SIZE 256
#define BURST 64

static uint64_t calloc_and_free(void *arg, uint64_t count)
{
    void *items[BURST];

    (void)arg;
    for (uint64_t i = 0; i < count; i += BURST) {
        for (size_t j = 0; j < BURST; j++) {
            items[j] = calloc(1, ITEM_SIZE);
            bench_hide((uintptr_t)items[j]);
        }
        for (size_t j = 0; j < BURST; j++)
            free(items[j]);
    }
    return count;
}

static uint64_t take_and_give(void *arg, uint64_t count)
{
    void *items[BURST];

    for (uint64_t i = 0; i < count; i += BURST) {
        for (size_t j = 0; j < BURST; j++) {
            items[j] = slab_take(arg);
            bench_hide((uintptr_t)items[j]);
        }
        for (size_t j = 0; j < BURST; j++)
            slab_give(arg, items[j]);
    }
    return count;
}

/* The slab and the id of one item taken from it. */
struct found {
    struct slab slab; /* owned */
    slab_id id;       /* names a taken item */
};

static uint64_t find_by_id(void *arg, uint64_t count)
{
    struct found *found = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += (uintptr_t)slab_find(&found->slab, bench_hide(found->id));
    return sum;
}

int main(void)
{
    struct found found;
    struct bench_result baseline;

    slab_init(&found.slab, ITEM_SIZE, 4096);
    bench_title("slab: items of 256 octets, bursts of 64");
    baseline = bench_run("calloc, free", calloc_and_free, NULL);
    bench_run_against("slab_take, slab_give", take_and_give, &found.slab, baseline);
    found.id = slab_id_of(&found.slab, slab_take(&found.slab));
    bench_run("slab_find", find_by_id, &found);
    slab_deinit(&found.slab);
    return 0;
}
