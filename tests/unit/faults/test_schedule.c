/* When answers are due and when the server pauses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "faults/schedule.h"

/* The first query's time: anything but 0. */
#define START 1000000ULL

static struct schedule schedule_of(struct fault_plan *plan)
{
    struct schedule schedule;

    schedule_init(&schedule, plan);
    schedule_arrival(&schedule, START);
    return schedule;
}

/* The query that arrives then is taken, and due then, both after the start. */
static void assert_due(struct schedule *schedule, uint64_t arrival, uint64_t due)
{
    uint64_t due_ns = 0;

    assert_true(schedule_take(schedule, START + arrival, 0, &due_ns));
    assert_int_equal(due_ns - START, due);
}

static void assert_overflow(struct schedule *schedule, uint64_t arrival)
{
    uint64_t due_ns;

    assert_false(schedule_take(schedule, START + arrival, 0, &due_ns));
}

static void an_answer_is_due_its_delay_and_jitter_after_its_query(void **state)
{
    struct fault_plan plan = {.delay_ns = 500};
    struct schedule schedule = schedule_of(&plan);
    uint64_t due_ns;
    (void)state;

    assert_due(&schedule, 0, 500);
    assert_due(&schedule, 100, 600);
    assert_true(schedule_take(&schedule, START + 200, 7, &due_ns));
    assert_int_equal(due_ns, START + 707);
    assert_int_equal(schedule.busy_ns, 0);
}

static void one_query_is_served_after_the_other(void **state)
{
    struct fault_plan plan = {.service_ns = 100, .queue = 10};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    assert_due(&schedule, 0, 100);
    assert_due(&schedule, 10, 200);
    assert_due(&schedule, 20, 300);
    /* An idle server begins when the query arrives. */
    assert_due(&schedule, 1000, 1100);
    assert_int_equal(schedule.busy_ns, 400);
}

static void the_delay_comes_after_the_service_and_keeps_nobody_waiting(void **state)
{
    struct fault_plan plan = {.service_ns = 100, .delay_ns = 5000, .queue = 10};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    assert_due(&schedule, 0, 5100);
    assert_due(&schedule, 0, 5200);
}

static void a_query_that_finds_the_queue_full_is_not_taken(void **state)
{
    struct fault_plan plan = {.service_ns = 100, .queue = 2};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    /* One is served and two wait. */
    assert_due(&schedule, 0, 100);
    assert_due(&schedule, 0, 200);
    assert_due(&schedule, 0, 300);
    assert_overflow(&schedule, 0);
    assert_overflow(&schedule, 99);
    /* The first is done at 100: there is room for one. */
    assert_due(&schedule, 100, 400);
    assert_overflow(&schedule, 101);
    assert_int_equal(schedule.busy_ns, 400);
}

static void without_a_queue_only_an_idle_server_takes_a_query(void **state)
{
    struct fault_plan plan = {.service_ns = 100, .queue = 0};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    assert_due(&schedule, 0, 100);
    assert_overflow(&schedule, 50);
    assert_due(&schedule, 100, 200);
}

/* Ten times the capacity is offered; what is taken is the capacity and what the queue holds. */
static void capacity_is_one_query_a_service_time(void **state)
{
    struct fault_plan plan = {.service_ns = 20000, .queue = 64};
    struct schedule schedule = schedule_of(&plan);
    uint64_t taken = 0;
    uint64_t due_ns;
    (void)state;

    for (uint64_t at = 0; at < 1000000000; at += 2000)
        taken += schedule_take(&schedule, START + at, 0, &due_ns);
    assert_in_range(taken, 50000 + 64, 50000 + 65);
}

static void stalls_are_counted_from_the_first_query(void **state)
{
    struct fault_plan plan = {.stall_count = 2, .stalls = {{100, 50}, {200, 10}}};
    struct schedule schedule;
    (void)state;

    schedule_init(&schedule, &plan);
    assert_int_equal(schedule_stall_end(&schedule, 120), 0);
    schedule_arrival(&schedule, START);
    schedule_arrival(&schedule, START + 70);
    assert_int_equal(schedule_stall_end(&schedule, START + 99), 0);
    assert_int_equal(schedule_stall_end(&schedule, START + 100), START + 150);
    assert_int_equal(schedule_stall_end(&schedule, START + 149), START + 150);
    assert_int_equal(schedule_stall_end(&schedule, START + 150), 0);
    assert_int_equal(schedule_stall_end(&schedule, START + 205), START + 210);
}

static void service_stands_still_in_a_stall(void **state)
{
    struct fault_plan plan = {
        .service_ns = 100, .queue = 10, .stall_count = 1, .stalls = {{250, 1000}}};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    assert_due(&schedule, 0, 100);
    assert_due(&schedule, 0, 200);
    /* Half of it is done when the stall begins. */
    assert_due(&schedule, 0, 1300);
    /* One that arrives in the stall is served behind it. */
    assert_due(&schedule, 700, 1400);
    assert_due(&schedule, 2000, 2100);
}

static void what_is_done_when_a_stall_begins_is_done_before_it(void **state)
{
    struct fault_plan plan = {
        .service_ns = 100, .queue = 10, .stall_count = 1, .stalls = {{200, 1000}}};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    assert_due(&schedule, 0, 100);
    assert_due(&schedule, 0, 200);
    assert_due(&schedule, 0, 1300);
}

static void a_stall_does_not_make_more_queries_wait_than_there_are(void **state)
{
    struct fault_plan plan = {
        .service_ns = 100, .queue = 2, .stall_count = 1, .stalls = {{50, 100000}}};
    struct schedule schedule = schedule_of(&plan);
    (void)state;

    assert_due(&schedule, 0, 100100);
    assert_due(&schedule, 60, 100200);
    assert_due(&schedule, 5000, 100300);
    assert_overflow(&schedule, 90000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_due_its_delay_and_jitter_after_its_query),
        cmocka_unit_test(one_query_is_served_after_the_other),
        cmocka_unit_test(the_delay_comes_after_the_service_and_keeps_nobody_waiting),
        cmocka_unit_test(a_query_that_finds_the_queue_full_is_not_taken),
        cmocka_unit_test(without_a_queue_only_an_idle_server_takes_a_query),
        cmocka_unit_test(capacity_is_one_query_a_service_time),
        cmocka_unit_test(stalls_are_counted_from_the_first_query),
        cmocka_unit_test(service_stands_still_in_a_stall),
        cmocka_unit_test(what_is_done_when_a_stall_begins_is_done_before_it),
        cmocka_unit_test(a_stall_does_not_make_more_queries_wait_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
