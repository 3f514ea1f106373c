/* Over how many loops queries are spread, on a made-up clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/app/spread.h"

#define START_MS 5000

/* A process whose loops work as the test says. */
struct life {
    struct spread spread;
    struct spread_work work;
    uint64_t now_ms;
    unsigned changes;
};

static struct life life_of(size_t loops)
{
    struct life life = {.now_ms = START_MS};
    spread_init(&life.spread, loops, START_MS);
    return life;
}

/* Seconds in which all loops together take so many hundredths of one loop's time. */
static void pass(struct life *life, unsigned seconds, unsigned busy)
{
    for (unsigned i = 0; i < seconds; i++) {
        life->now_ms += 1000;
        life->work.busy_us += busy * 10000;
        life->changes += spread_look(&life->spread, life->now_ms, &life->work);
    }
}

static void a_start_has_all_loops_active(void **state)
{
    struct life life = life_of(4);
    (void)state;
    assert_int_equal(life.spread.active, 4);
}

static void a_quiet_node_ends_with_one_loop_step_by_step(void **state)
{
    struct life life = life_of(4);
    (void)state;
    pass(&life, SPREAD_CALM_LOOKS - 1, 5);
    assert_int_equal(life.spread.active, 4);
    pass(&life, 1, 5);
    assert_int_equal(life.spread.active, 3);
    pass(&life, 2 * SPREAD_CALM_LOOKS, 5);
    assert_int_equal(life.spread.active, 1);
    pass(&life, 10 * SPREAD_CALM_LOOKS, 5);
    assert_int_equal(life.spread.active, 1);
    assert_int_equal(life.changes, 3);
}

static void a_busy_loop_is_helped_at_the_next_look(void **state)
{
    struct life life = life_of(4);
    (void)state;
    pass(&life, 3 * SPREAD_CALM_LOOKS, 0);
    assert_int_equal(life.spread.active, 1);
    pass(&life, 1, SPREAD_BUSY);
    assert_int_equal(life.spread.active, 1);
    pass(&life, 1, SPREAD_BUSY + 1);
    assert_int_equal(life.spread.active, 2);
    pass(&life, 1, 2 * SPREAD_BUSY + 1);
    assert_int_equal(life.spread.active, 4);
    pass(&life, 1, 400);
    assert_int_equal(life.spread.active, 4);
}

static void three_loops_are_not_left_behind_by_doubling(void **state)
{
    struct life life = life_of(3);
    (void)state;
    pass(&life, 2 * SPREAD_CALM_LOOKS, 0);
    assert_int_equal(life.spread.active, 1);
    pass(&life, 1, 100);
    assert_int_equal(life.spread.active, 2);
    pass(&life, 1, 200);
    assert_int_equal(life.spread.active, 3);
}

static void a_lost_datagram_brings_all_loops_at_once(void **state)
{
    struct life life = life_of(4);
    (void)state;
    pass(&life, 3 * SPREAD_CALM_LOOKS, 0);
    life.work.drops = 1;
    pass(&life, 1, 0);
    assert_int_equal(life.spread.active, 4);
    pass(&life, 1, 0); /* it is not counted twice */
    assert_int_equal(life.spread.calm_looks, 1);
}

static void one_look_that_needs_the_loop_begins_the_wait_anew(void **state)
{
    struct life life = life_of(2);
    (void)state;
    pass(&life, SPREAD_CALM_LOOKS - 1, SPREAD_IDLE - 1);
    pass(&life, 1, SPREAD_IDLE);
    pass(&life, SPREAD_CALM_LOOKS - 1, SPREAD_IDLE - 1);
    assert_int_equal(life.spread.active, 2);
    pass(&life, 1, SPREAD_IDLE - 1);
    assert_int_equal(life.spread.active, 1);
}

static void no_steady_load_makes_the_number_swing(void **state)
{
    (void)state;
    for (size_t loops = 2; loops <= 4; loops++) {
        for (unsigned busy = 0; busy <= 400; busy++) {
            struct life life = life_of(loops);
            pass(&life, 4 * SPREAD_CALM_LOOKS, busy);
            life.changes = 0;
            pass(&life, 10 * SPREAD_CALM_LOOKS, busy);
            assert_int_equal(life.changes, 0);
        }
    }
}

static void looks_that_come_too_early_decide_nothing(void **state)
{
    struct life life = life_of(2);
    (void)state;
    for (unsigned i = 1; i < SPREAD_LOOK_MS; i++) {
        life.work.drops++;
        assert_false(spread_look(&life.spread, START_MS + i, &life.work));
    }
    assert_int_equal(life.spread.looked_ms, START_MS);
}

static void a_late_look_counts_the_time_that_passed(void **state)
{
    struct life life = life_of(2);
    (void)state;
    pass(&life, SPREAD_CALM_LOOKS, 0);
    assert_int_equal(life.spread.active, 1);
    life.now_ms += 4000; /* five seconds in all, with the one that pass adds */
    pass(&life, 1, 5 * SPREAD_BUSY);
    assert_int_equal(life.spread.active, 1);
    life.now_ms += 4000;
    pass(&life, 1, 5 * (SPREAD_BUSY + 1));
    assert_int_equal(life.spread.active, 2);
}

static void one_loop_stays_one(void **state)
{
    struct life life = life_of(1);
    (void)state;
    life.work.drops = 9;
    pass(&life, 100, 100);
    pass(&life, 100, 0);
    assert_int_equal(life.spread.active, 1);
    assert_int_equal(life.changes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_has_all_loops_active),
        cmocka_unit_test(a_quiet_node_ends_with_one_loop_step_by_step),
        cmocka_unit_test(a_busy_loop_is_helped_at_the_next_look),
        cmocka_unit_test(three_loops_are_not_left_behind_by_doubling),
        cmocka_unit_test(a_lost_datagram_brings_all_loops_at_once),
        cmocka_unit_test(one_look_that_needs_the_loop_begins_the_wait_anew),
        cmocka_unit_test(no_steady_load_makes_the_number_swing),
        cmocka_unit_test(looks_that_come_too_early_decide_nothing),
        cmocka_unit_test(a_late_look_counts_the_time_that_passed),
        cmocka_unit_test(one_loop_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
