/* heap: unit tests, with a plain list of the blocks in use as oracle. */
#include "cache_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../src/cache/heap.h"
#include "local53/base/rng.h"
#include "skip.h"

#define LIMIT ((size_t)1 << 20)
#define BLOCKS 400
#define STEPS 40000

static struct heap heap;

static void a_block_takes_whole_units_and_its_head(void **state)
{
    (void)state;
    assert_int_equal(heap_octets(1), 32);
    assert_int_equal(heap_octets(24), 32);
    assert_int_equal(heap_octets(25), 48);
    assert_int_equal(heap_octets(4096), 4112);
}

static void what_is_given_back_is_taken_again(void **state)
{
    void *first;
    void *second;
    void *third;

    (void)state;
    heap_init(&heap, LIMIT);
    first = heap_take(&heap, 100);
    second = heap_take(&heap, 200);
    third = heap_take(&heap, 100);
    assert_true(first != NULL && second != NULL && third != NULL);
    assert_ptr_equal(heap_at(&heap, heap_place(&heap, second)), second);
    heap_give(&heap, second);
    assert_ptr_equal(heap_take(&heap, 200), second);
    heap_deinit(&heap);
}

static void neighbours_that_are_free_become_one(void **state)
{
    void *blocks[4];

    (void)state;
    heap_init(&heap, LIMIT);
    for (size_t i = 0; i < 4; i++)
        blocks[i] = heap_take(&heap, 1000);
    heap_give(&heap, blocks[0]);
    heap_give(&heap, blocks[2]);
    heap_give(&heap, blocks[1]);
    assert_ptr_equal(heap_take(&heap, 3 * heap_octets(1000) - HEAP_HEAD), blocks[0]);
    heap_deinit(&heap);
}

static void the_end_falls_back_when_the_last_block_goes(void **state)
{
    size_t before;
    void *first;
    void *last;

    (void)state;
    heap_init(&heap, LIMIT);
    before = heap_extent(&heap);
    first = heap_take(&heap, 5000);
    last = heap_take(&heap, 5000);
    heap_give(&heap, first);
    assert_int_equal(heap_extent(&heap), before + 2 * heap_octets(5000));
    heap_give(&heap, last);
    assert_int_equal(heap_extent(&heap), before);
    heap_deinit(&heap);
}

static void at_the_limit_there_is_none(void **state)
{
    size_t taken = 0;

    (void)state;
    heap_init(&heap, LIMIT);
    while (heap_take(&heap, 1000) != NULL)
        taken += heap_octets(1000);
    assert_true(taken <= LIMIT && taken + 2 * heap_octets(1000) > LIMIT);
    heap_resize(&heap, 2 * LIMIT);
    assert_non_null(heap_take(&heap, 1000));
    heap_resize(&heap, LIMIT);
    assert_null(heap_take(&heap, 1000));
    heap_deinit(&heap);
    heap_init(&heap, 0);
    assert_null(heap_take(&heap, 1));
    heap_deinit(&heap);
    heap_deinit(&heap);
}

/* True when the page at an offset of the heap is there without being touched. */
static bool is_ready(size_t offset)
{
    unsigned char resident = 0;

    assert_int_equal(mincore(heap.base + offset, 1, &resident), 0);
    return (resident & 1) != 0;
}

static void what_is_taken_next_is_made_ready(void **state)
{
    size_t half = HEAP_AHEAD_MIN / 2;
    size_t before;

    /* Kernels before 5.14 cannot: there nothing may be touched, and taking goes on. */
    bool able = madvise(NULL, 0, MADV_POPULATE_WRITE) == 0;

    (void)state;
    heap_init(&heap, 64 * LIMIT);
    before = heap_extent(&heap);
    heap_prepare(&heap);
    assert_int_equal(is_ready(half), able);
    assert_int_equal(heap_extent(&heap), before);
    assert_false(is_ready(20 * LIMIT));
    assert_non_null(heap_take(&heap, 8 * LIMIT));
    heap_prepare(&heap);
    assert_int_equal(is_ready(20 * LIMIT), able);
    assert_false(is_ready(40 * LIMIT));
    heap_prepare(&heap);
    assert_false(is_ready(40 * LIMIT));
    heap_deinit(&heap);
}

static void what_a_lower_limit_leaves_free_goes_back(void **state)
{
    void *block;

    (void)state;
    heap_init(&heap, 64 * LIMIT);
    block = heap_take(&heap, 40 * LIMIT);
    assert_non_null(block);
    memset(block, 1, 40 * LIMIT);
    heap_give(&heap, block);
    assert_true(is_ready(20 * LIMIT));
    heap_resize(&heap, 8 * LIMIT);
    assert_false(is_ready(20 * LIMIT));
    heap_deinit(&heap);
}

/* True when the kernel was asked for huge pages where the heap begins (VmFlags of /proc/self/smaps, proc(5)). */
static bool is_advised_huge(void)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool here = false;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long begin;
        unsigned long end;

        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
            here = begin <= (uintptr_t)heap.base && (uintptr_t)heap.base < end;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            break;
    }
    assert_int_equal(fclose(maps), 0);
    return here && strstr(line, " hg") != NULL;
}

static void huge_pages_are_asked_for(void **state)
{
    (void)state;
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
        SKIP_BECAUSE("this kernel has no huge pages");
    heap_init(&heap, 8 * LIMIT);
    assert_int_equal((uintptr_t)heap.base % (2 * LIMIT), 0);
    assert_true(is_advised_huge());
    heap_deinit(&heap);
}

/* A block in use, filled with its own number from end to end. */
struct used {
    uint8_t *block; /* NULL for none */
    size_t octets;  /* asked for */
};

static void used_check(const struct used *used, uint8_t mark)
{
    for (size_t i = 0; i < used->octets; i++)
        assert_int_equal(used->block[i], mark);
}

static void used_change(struct used *used, uint8_t mark, struct rng *rng)
{
    if (used->block != NULL) {
        used_check(used, mark);
        heap_give(&heap, used->block);
        used->block = NULL;
        return;
    }
    used->octets = 1 + rng_below(rng, rng_below(rng, 8) == 0 ? 20000 : 300);
    used->block = heap_take(&heap, used->octets);
    if (used->block != NULL)
        memset(used->block, mark, used->octets);
}

static void blocks_never_overlap_and_all_comes_back(void **state)
{
    static struct used blocks[BLOCKS];
    size_t empty;
    struct rng rng;

    (void)state;
    heap_init(&heap, LIMIT);
    empty = heap_extent(&heap);
    rng_init_seeded(&rng, 11);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t i = rng_below(&rng, BLOCKS);

        used_change(&blocks[i], (uint8_t)i, &rng);
        assert_true(heap_extent(&heap) <= LIMIT);
    }
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].block != NULL)
            used_change(&blocks[i], (uint8_t)i, &rng);
    }
    assert_int_equal(heap_extent(&heap), empty);
    heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_takes_whole_units_and_its_head),
        cmocka_unit_test(what_is_given_back_is_taken_again),
        cmocka_unit_test(neighbours_that_are_free_become_one),
        cmocka_unit_test(the_end_falls_back_when_the_last_block_goes),
        cmocka_unit_test(what_is_taken_next_is_made_ready),
        cmocka_unit_test(what_a_lower_limit_leaves_free_goes_back),
        cmocka_unit_test(huge_pages_are_asked_for),
        cmocka_unit_test(at_the_limit_there_is_none),
        cmocka_unit_test(blocks_never_overlap_and_all_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
