/* readers: unit tests of what may be freed when. */
#include "cache_test.h"

#include "../../../src/cache/readers.h"

static struct readers readers;

static void what_nobody_can_hold_has_passed(void **state)
{
    (void)state;
    readers_init(&readers);
    assert_true(readers_tick(&readers) < readers_passed(&readers));
}

static void one_inside_holds_what_goes_while_it_is_there(void **state)
{
    struct cache_reader *reader;
    uint64_t before;
    uint64_t during;

    (void)state;
    readers_init(&readers);
    reader = readers_add(&readers, NULL);
    before = readers_tick(&readers);
    readers_enter(&readers, reader);
    assert_true(readers_is_inside(reader));
    during = readers_tick(&readers);
    assert_true(before < readers_passed(&readers));
    assert_false(during < readers_passed(&readers));
    readers_leave(reader);
    assert_true(during < readers_passed(&readers));
    readers_enter(&readers, reader);
    assert_true(during < readers_passed(&readers));
    readers_leave(reader);
}

static void assert_longest_counts(struct cache_reader *early, struct cache_reader *late)
{
    uint64_t between;
    uint64_t after;

    readers_enter(&readers, early);
    between = readers_tick(&readers);
    readers_enter(&readers, late);
    after = readers_tick(&readers);
    assert_false(between < readers_passed(&readers));
    readers_leave(early);
    assert_true(between < readers_passed(&readers));
    assert_false(after < readers_passed(&readers));
    readers_leave(late);
    assert_true(after < readers_passed(&readers));
}

static void the_one_inside_longest_counts_whatever_its_place(void **state)
{
    struct cache_reader *first;
    struct cache_reader *second;

    (void)state;
    readers_init(&readers);
    first = readers_add(&readers, NULL);
    second = readers_add(&readers, NULL);
    assert_longest_counts(first, second);
    assert_longest_counts(second, first);
    assert_longest_counts(readers_add(&readers, NULL), first);
}

static void places_are_bounded_and_taken_again(void **state)
{
    struct cache_reader *places[CACHE_READERS_MAX];

    (void)state;
    readers_init(&readers);
    assert_true(readers_are_gone(&readers));
    for (size_t i = 0; i < CACHE_READERS_MAX; i++) {
        places[i] = readers_add(&readers, NULL);
        assert_non_null(places[i]);
        assert_true(i == 0 || places[i] != places[i - 1]);
    }
    assert_null(readers_add(&readers, NULL));
    readers_remove(places[7]);
    assert_ptr_equal(readers_add(&readers, NULL), places[7]);
    assert_false(readers_are_gone(&readers));
    for (size_t i = 0; i < CACHE_READERS_MAX; i++)
        readers_remove(places[i]);
    assert_true(readers_are_gone(&readers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_can_hold_has_passed),
        cmocka_unit_test(one_inside_holds_what_goes_while_it_is_there),
        cmocka_unit_test(the_one_inside_longest_counts_whatever_its_place),
        cmocka_unit_test(places_are_bounded_and_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
