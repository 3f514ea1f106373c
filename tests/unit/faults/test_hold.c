/* Answers that wait for their time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "faults/hold.h"
#include "local53/base/rng.h"

#define OCTETS 16

/* Holds an answer that is known again by its number. */
static void put(struct hold *hold, uint64_t due_ns, uint64_t number)
{
    struct answer answer = {.received_ns = number, .told = {.len = sizeof(number)}};
    uint8_t *room = hold_room(hold);

    assert_non_null(room);
    memcpy(room, &number, sizeof(number));
    hold_put(hold, due_ns, &answer);
}

/* Takes the earliest out; its octets are those that were put in. */
static uint64_t take(struct hold *hold)
{
    struct answer answer;
    const uint8_t *octets = hold_take(hold, &answer);

    assert_int_equal(answer.told.len, sizeof(answer.received_ns));
    assert_memory_equal(octets, &answer.received_ns, sizeof(answer.received_ns));
    return answer.received_ns;
}

static void nothing_is_due_when_nothing_is_held(void **state)
{
    struct hold hold;
    (void)state;

    hold_init(&hold, 4, OCTETS);
    assert_true(hold_due(&hold) == UINT64_MAX);
    put(&hold, 50, 1);
    assert_int_equal(hold_due(&hold), 50);
    assert_int_equal(take(&hold), 1);
    assert_true(hold_due(&hold) == UINT64_MAX);
    hold_deinit(&hold);
}

static void the_earliest_comes_first_whatever_the_order(void **state)
{
    static const uint64_t dues[] = {70, 10, 40, 20, 60, 30, 50};
    struct hold hold;
    (void)state;

    hold_init(&hold, 7, OCTETS);
    for (size_t i = 0; i < 7; i++)
        put(&hold, dues[i], dues[i]);
    for (uint64_t due = 10; due <= 70; due += 10) {
        assert_int_equal(hold_due(&hold), due);
        assert_int_equal(take(&hold), due);
    }
    hold_deinit(&hold);
}

static void answers_due_at_one_time_leave_in_the_order_they_came(void **state)
{
    struct hold hold;
    (void)state;

    hold_init(&hold, 100, OCTETS);
    /* Far enough for the numbers of the order to wrap. */
    hold.sequence = UINT32_MAX - 50;
    for (uint64_t i = 0; i < 100; i++)
        put(&hold, 5, i);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(take(&hold), i);
    hold_deinit(&hold);
}

static void when_it_is_full_there_is_no_room_until_one_leaves(void **state)
{
    struct hold hold;
    (void)state;

    hold_init(&hold, 2, OCTETS);
    put(&hold, 1, 1);
    put(&hold, 2, 2);
    assert_null(hold_room(&hold));
    assert_int_equal(take(&hold), 1);
    put(&hold, 3, 3);
    assert_null(hold_room(&hold));
    assert_int_equal(take(&hold), 2);
    assert_int_equal(take(&hold), 3);
    hold_deinit(&hold);
}

static void memory_is_touched_only_for_what_is_held_at_once(void **state)
{
    struct hold hold;
    (void)state;

    hold_init(&hold, 1000, OCTETS);
    for (uint64_t i = 0; i < 5000; i++) {
        put(&hold, i, i);
        if (i >= 3)
            (void)take(&hold);
    }
    assert_int_equal(hold.touched, 4);
    hold_deinit(&hold);
}

/* Random dues, taken and put in turn: what comes out is never earlier than what came before
 * among those held. */
static void no_answer_is_lost_or_early_among_many(void **state)
{
    struct hold hold;
    struct rng rng;
    uint64_t sum_in = 0;
    uint64_t sum_out = 0;
    uint64_t last = 0;
    (void)state;

    hold_init(&hold, 300, OCTETS);
    rng_init_seeded(&rng, 3);
    for (int i = 0; i < 20000; i++) {
        /* Dues lie behind the last that left, as those of a clock. */
        uint64_t due = last + rng_below(&rng, 1000);

        if (hold_room(&hold) != NULL && (rng_u16(&rng) & 1) != 0) {
            put(&hold, due, due);
            sum_in += due;
        } else if (hold.count > 0) {
            uint64_t out = take(&hold);

            assert_true(out >= last);
            last = out;
            sum_out += out;
        }
    }
    while (hold.count > 0)
        sum_out += take(&hold);
    assert_true(sum_in == sum_out);
    hold_deinit(&hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_when_nothing_is_held),
        cmocka_unit_test(the_earliest_comes_first_whatever_the_order),
        cmocka_unit_test(answers_due_at_one_time_leave_in_the_order_they_came),
        cmocka_unit_test(when_it_is_full_there_is_no_room_until_one_leaves),
        cmocka_unit_test(memory_is_touched_only_for_what_is_held_at_once),
        cmocka_unit_test(no_answer_is_lost_or_early_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
