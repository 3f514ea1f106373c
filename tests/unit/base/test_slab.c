/* slab: items are zeroed, bounded and aligned; an old id never finds a new item. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "dies.h"
#include "local53/base/slab.h"

struct item {
    char text[21]; /* an odd size: the stride has to round it up */
};

static void an_item_is_zeroed_even_when_its_place_was_used_before(void **state)
{
    static const struct item zeros;
    struct slab slab;
    struct item *item;

    (void)state;
    slab_init(&slab, sizeof(*item), 1);
    item = slab_take(&slab);
    memset(item, 0xff, sizeof(*item));
    slab_give(&slab, item);
    item = slab_take(&slab);
    assert_memory_equal(item, &zeros, sizeof(zeros));
    slab_deinit(&slab);
}

static void items_are_aligned_and_apart(void **state)
{
    struct slab slab;
    struct item *items[8];

    (void)state;
    slab_init(&slab, sizeof(struct item), 8);
    for (size_t i = 0; i < 8; i++) {
        items[i] = slab_take(&slab);
        assert_int_equal((uintptr_t)items[i] % 16, 0);
        memset(items[i], (int)i, sizeof(*items[i]));
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(items[i]->text[0], i);
        assert_int_equal(items[i]->text[20], i);
    }
    slab_deinit(&slab);
}

static void a_full_slab_refuses_and_counts(void **state)
{
    struct slab slab;
    void *first;

    (void)state;
    slab_init(&slab, sizeof(struct item), 2);
    first = slab_take(&slab);
    assert_non_null(slab_take(&slab));
    assert_null(slab_take(&slab));
    assert_null(slab_take(&slab));
    assert_int_equal(slab.refused, 2);
    assert_int_equal(slab_used(&slab), 2);
    slab_give(&slab, first);
    assert_ptr_equal(slab_take(&slab), first);
    assert_int_equal(slab.refused, 2);
    slab_deinit(&slab);
}

static void an_id_finds_its_item_until_it_is_given_back(void **state)
{
    struct slab slab;
    void *item;
    slab_id id;

    (void)state;
    slab_init(&slab, sizeof(struct item), 4);
    item = slab_take(&slab);
    id = slab_id_of(&slab, item);
    assert_int_not_equal(id, 0);
    assert_ptr_equal(slab_find(&slab, id), item);
    slab_give(&slab, item);
    assert_null(slab_find(&slab, id));
    slab_deinit(&slab);
}

static void an_old_id_never_finds_the_next_item_of_its_place(void **state)
{
    struct slab slab;
    void *item;
    slab_id old;

    (void)state;
    slab_init(&slab, sizeof(struct item), 1);
    item = slab_take(&slab);
    old = slab_id_of(&slab, item);
    slab_give(&slab, item);
    assert_ptr_equal(slab_take(&slab), item);
    assert_null(slab_find(&slab, old));
    assert_int_not_equal(slab_id_of(&slab, item), old);
    slab_deinit(&slab);
}

static void an_id_that_was_never_given_finds_nothing(void **state)
{
    struct slab slab;

    (void)state;
    slab_init(&slab, sizeof(struct item), 2);
    slab_take(&slab);
    assert_null(slab_find(&slab, 0));
    assert_null(slab_find(&slab, 1));
    assert_null(slab_find(&slab, (slab_id)1 << 32 | 2));
    assert_null(slab_find(&slab, UINT64_MAX));
    slab_deinit(&slab);
}

static void give_twice(void *arg)
{
    struct slab *slab = arg;
    void *item = slab_take(slab);

    slab_give(slab, item);
    slab_give(slab, item);
}

static void give_a_stranger(void *arg)
{
    struct item stranger;

    slab_give(arg, &stranger);
}

static void give_the_middle_of_an_item(void *arg)
{
    char *item = slab_take(arg);

    slab_give(arg, item + 16);
}

static void giving_back_what_is_not_taken_stops_the_process(void **state)
{
    struct slab slab;

    (void)state;
    slab_init(&slab, sizeof(struct item), 2);
    assert_int_equal(dies_by(give_twice, &slab, NULL, 0), SIGABRT);
    assert_int_equal(dies_by(give_a_stranger, &slab, NULL, 0), SIGABRT);
    assert_int_equal(dies_by(give_the_middle_of_an_item, &slab, NULL, 0), SIGABRT);
    slab_deinit(&slab);
}

static void a_zeroed_slab_can_be_given_back(void **state)
{
    struct slab slab = {0};

    (void)state;
    slab_deinit(&slab);
    assert_int_equal(slab_used(&slab), 0);
    assert_null(slab_take(&slab));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_is_zeroed_even_when_its_place_was_used_before),
        cmocka_unit_test(items_are_aligned_and_apart),
        cmocka_unit_test(a_full_slab_refuses_and_counts),
        cmocka_unit_test(an_id_finds_its_item_until_it_is_given_back),
        cmocka_unit_test(an_old_id_never_finds_the_next_item_of_its_place),
        cmocka_unit_test(an_id_that_was_never_given_finds_nothing),
        cmocka_unit_test(giving_back_what_is_not_taken_stops_the_process),
        cmocka_unit_test(a_zeroed_slab_can_be_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
