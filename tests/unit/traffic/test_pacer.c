/* When queries are due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traffic/pacer.h"

#define SECOND 1000000000ULL

static struct pacer_plan make_plan(const char *arrival, const char *schedule)
{
    struct pacer_plan plan = {.seed = 53};

    assert_int_equal(pacer_parse_arrival(&plan, arrival), ERR_OK);
    assert_int_equal(pacer_parse_schedule(&plan, schedule), ERR_OK);
    return plan;
}

static uint64_t count_all(const struct pacer_plan *plan, uint32_t threads)
{
    uint64_t count = 0;

    for (uint32_t thread = 0; thread < threads; thread++) {
        struct pacer pacer;
        pacer_init(&pacer, plan, thread, threads);
        while (pacer_next(&pacer) != PACER_END)
            count++;
    }
    return count;
}

static void an_arrival_is_read_by_its_name(void **state)
{
    struct pacer_plan plan = {0};

    (void)state;
    assert_int_equal(pacer_parse_arrival(&plan, "poisson"), ERR_OK);
    assert_int_equal(plan.arrival, ARRIVAL_POISSON);
    assert_int_equal(pacer_parse_arrival(&plan, "constant"), ERR_OK);
    assert_int_equal(plan.arrival, ARRIVAL_CONSTANT);
    assert_int_equal(pacer_parse_arrival(&plan, "burst:65536"), ERR_OK);
    assert_int_equal(plan.arrival, ARRIVAL_BURST);
    assert_int_equal(plan.burst, 65536);
    static const char *const bad[] = {"",        "poison",   "constant ",  "burst",
                                      "burst:0", "burst:-1", "burst:65537"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(pacer_parse_arrival(&plan, bad[i]), ERR_INVALID);
}

static void a_schedule_is_read_stage_by_stage(void **state)
{
    struct pacer_plan plan = make_plan("constant", "10s@1k,500ms@20k/s");

    (void)state;
    assert_int_equal(plan.stage_count, 2);
    assert_int_equal(plan.stages[0].length_ns, 10 * SECOND);
    assert_int_equal(plan.stages[1].length_ns, SECOND / 2);
    assert_int_equal((int)plan.stages[1].rate, 20000);
    assert_int_equal(pacer_length(&plan), 10 * SECOND + SECOND / 2);
    assert_int_equal((int)(pacer_mean_rate(&plan) * 10.5 + 0.5), 20000);
    assert_int_equal((int)pacer_peak_rate(&plan), 20000);
}

static void a_bad_schedule_changes_nothing(void **state)
{
    struct pacer_plan plan = make_plan("constant", "3s@7");
    static const char *const bad[] = {"",       ",",       "10s",     "@1k",       "10s@",
                                      "0s@1k",  "10s@0",   "10s@1k,", "10s@1k,,",  "10@1k",
                                      "1s@1@2", "1s@1 2s", "1s@-5",   "101h@1000", NULL};

    (void)state;
    for (size_t i = 0; bad[i] != NULL; i++)
        assert_int_equal(pacer_parse_schedule(&plan, bad[i]), ERR_INVALID);
    assert_int_equal(plan.stage_count, 1);
    assert_int_equal(plan.stages[0].length_ns, 3 * SECOND);
}

static void a_schedule_has_as_many_stages_as_told_and_no_more(void **state)
{
    struct pacer_plan plan = {0};
    char text[8 * (PACER_STAGES_MAX + 1)] = "1s@1";

    (void)state;
    for (size_t i = 1; i < PACER_STAGES_MAX; i++)
        strcat(text, ",1s@1");
    assert_int_equal(pacer_parse_schedule(&plan, text), ERR_OK);
    assert_int_equal(plan.stage_count, PACER_STAGES_MAX);
    strcat(text, ",1s@1");
    assert_int_equal(pacer_parse_schedule(&plan, text), ERR_TOO_LONG);
}

/* 150,000/s: a step is no whole number of nanoseconds, so a sum of rounded steps would be 10 ms off
 * after four hours. */
static void a_constant_rate_holds_exactly_after_hours(void **state)
{
    struct pacer_plan plan = make_plan("constant", "5h@150k");
    struct pacer pacer;

    (void)state;
    pacer_init(&pacer, &plan, 0, 1);
    pacer.index = 150000ULL * 4 * 3600;
    for (uint64_t second = 0; second < 3; second++) {
        assert_int_equal(pacer_next(&pacer), (4ULL * 3600 + second) * SECOND);
        for (int i = 1; i < 150000; i++)
            pacer_next(&pacer);
    }
    pacer.index = 150000ULL * 5 * 3600 - 1;
    assert_int_equal(pacer_next(&pacer), 5ULL * 3600 * SECOND - 6667);
    assert_int_equal(pacer_next(&pacer), PACER_END);
}

static void each_window_of_a_constant_rate_gets_its_exact_share(void **state)
{
    struct pacer_plan plan = make_plan("constant", "2s@150k");
    uint32_t windows[20] = {0};
    struct pacer pacer;

    (void)state;
    pacer_init(&pacer, &plan, 0, 1);
    for (uint64_t at = pacer_next(&pacer); at != PACER_END; at = pacer_next(&pacer))
        windows[at / (SECOND / 10)]++;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(windows[i], 15000);
}

static void each_stage_begins_with_an_arrival_at_its_start(void **state)
{
    struct pacer_plan plan = make_plan("constant", "1s@3,1s@2");
    static const uint64_t expected[] = {0,      333333333,           666666666,
                                        SECOND, SECOND + SECOND / 2, PACER_END};
    struct pacer pacer;

    (void)state;
    pacer_init(&pacer, &plan, 0, 1);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_int_equal(pacer_next(&pacer), expected[i]);
    assert_int_equal(pacer_next(&pacer), PACER_END);
}

static void a_stage_shorter_than_one_gap_ends(void **state)
{
    struct pacer_plan plan = {
        .arrival = ARRIVAL_CONSTANT, .stage_count = 2, .stages = {{SECOND, 1e-300}, {SECOND, 1}}};
    struct pacer pacer;

    (void)state;
    pacer_init(&pacer, &plan, 0, 1);
    assert_int_equal(pacer_next(&pacer), 0);
    assert_int_equal(pacer_next(&pacer), SECOND);
    assert_int_equal(pacer_next(&pacer), PACER_END);
}

static void a_burst_comes_at_one_instant_and_instants_are_even(void **state)
{
    struct pacer_plan plan = make_plan("burst:4", "1s@16");
    struct pacer pacer;

    (void)state;
    pacer_init(&pacer, &plan, 0, 1);
    for (uint64_t i = 0; i < 16; i++)
        assert_int_equal(pacer_next(&pacer), i / 4 * (SECOND / 4));
    assert_int_equal(pacer_next(&pacer), PACER_END);
}

/* Merges the streams of all threads in order, beside that of one thread. */
static void assert_threads_give_what_one_gives(const struct pacer_plan *plan, uint32_t threads)
{
    struct pacer one;
    struct pacer many[8];
    uint64_t next[8];
    uint64_t due;

    pacer_init(&one, plan, 0, 1);
    for (uint32_t i = 0; i < threads; i++) {
        pacer_init(&many[i], plan, i, threads);
        next[i] = pacer_next(&many[i]);
    }
    do {
        uint32_t first = 0;
        for (uint32_t i = 1; i < threads; i++)
            first = next[i] < next[first] ? i : first;
        due = pacer_next(&one);
        assert_int_equal(next[first], due);
        next[first] = pacer_next(&many[first]);
    } while (due != PACER_END);
}

static void threads_together_give_exactly_what_one_gives(void **state)
{
    struct pacer_plan constant = make_plan("constant", "1s@1001,2s@333");
    struct pacer_plan burst = make_plan("burst:7", "1s@1001,2s@333");

    (void)state;
    assert_threads_give_what_one_gives(&constant, 2);
    assert_threads_give_what_one_gives(&constant, 8);
    assert_threads_give_what_one_gives(&burst, 2);
    assert_threads_give_what_one_gives(&burst, 8);
}

/* Counts of 100 ms windows; threads together. */
static void count_windows(const struct pacer_plan *plan, uint32_t threads, double *counts)
{
    for (uint32_t thread = 0; thread < threads; thread++) {
        struct pacer pacer;
        uint64_t before = 0;
        pacer_init(&pacer, plan, thread, threads);
        for (uint64_t at = pacer_next(&pacer); at != PACER_END; at = pacer_next(&pacer)) {
            assert_true(at >= before);
            before = at;
            counts[at / (SECOND / 10)]++;
        }
    }
}

/* A Poisson process has as many arrivals in a window on average as their variance: 3 sigma of the
 * mean of all windows, and a ratio as wide as 600 windows make it. */
static void assert_poisson(const double *counts, size_t windows, double expected)
{
    double mean = 0;
    double variance = 0;

    for (size_t i = 0; i < windows; i++)
        mean += counts[i] / (double)windows;
    for (size_t i = 0; i < windows; i++)
        variance += (counts[i] - mean) * (counts[i] - mean) / (double)(windows - 1);
    assert_true((mean - expected) * (mean - expected) * (double)windows < 9 * expected);
    assert_true(variance / mean > 0.8 && variance / mean < 1.5);
}

static void poisson_counts_vary_as_much_as_their_mean(void **state)
{
    struct pacer_plan plan = make_plan("poisson", "60s@20k");

    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        double counts[600] = {0};
        count_windows(&plan, threads, counts);
        assert_poisson(counts, 600, 2000);
    }
}

static void poisson_stages_have_their_own_rates(void **state)
{
    struct pacer_plan plan = make_plan("poisson", "30s@1k,30s@5k");
    double counts[600] = {0};

    (void)state;
    count_windows(&plan, 2, counts);
    assert_poisson(counts, 300, 100);
    assert_poisson(counts + 300, 300, 500);
}

static void the_same_seed_gives_the_same_arrivals_and_threads_differ(void **state)
{
    struct pacer_plan plan = make_plan("poisson", "1s@1k");
    struct pacer_plan other = plan;
    struct pacer a, again, second, reseeded;
    size_t same_second = 0;
    size_t same_reseeded = 0;

    (void)state;
    other.seed++;
    pacer_init(&a, &plan, 0, 2);
    pacer_init(&again, &plan, 0, 2);
    pacer_init(&second, &plan, 1, 2);
    pacer_init(&reseeded, &other, 0, 2);
    for (int i = 0; i < 300; i++) {
        uint64_t at = pacer_next(&a);
        assert_int_equal(pacer_next(&again), at);
        same_second += pacer_next(&second) == at ? 1 : 0;
        same_reseeded += pacer_next(&reseeded) == at ? 1 : 0;
    }
    assert_true(same_second < 3 && same_reseeded < 3);
}

static void all_arrivals_are_those_of_rate_and_length(void **state)
{
    struct pacer_plan plan = make_plan("constant", "10s@1k,5s@20k");

    (void)state;
    assert_int_equal(count_all(&plan, 1), 110000);
    assert_int_equal(count_all(&plan, 3), 110000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arrival_is_read_by_its_name),
        cmocka_unit_test(a_schedule_is_read_stage_by_stage),
        cmocka_unit_test(a_bad_schedule_changes_nothing),
        cmocka_unit_test(a_schedule_has_as_many_stages_as_told_and_no_more),
        cmocka_unit_test(a_constant_rate_holds_exactly_after_hours),
        cmocka_unit_test(each_window_of_a_constant_rate_gets_its_exact_share),
        cmocka_unit_test(each_stage_begins_with_an_arrival_at_its_start),
        cmocka_unit_test(a_stage_shorter_than_one_gap_ends),
        cmocka_unit_test(a_burst_comes_at_one_instant_and_instants_are_even),
        cmocka_unit_test(threads_together_give_exactly_what_one_gives),
        cmocka_unit_test(poisson_counts_vary_as_much_as_their_mean),
        cmocka_unit_test(poisson_stages_have_their_own_rates),
        cmocka_unit_test(the_same_seed_gives_the_same_arrivals_and_threads_differ),
        cmocka_unit_test(all_arrivals_are_those_of_rate_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
