/* series: windows, intervals and silences, with all their edges; threads merged are what one would have seen. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dies.h"
#include "local53/base/rng.h"
#include "measure/series.h"

#define MS 1000000ULL
#define S 1000000000ULL
#define NO_SLO UINT64_MAX

/* A run of 1.05 s: ten whole windows and a half one; answers may come for half a second more. */
static const struct series_shape shape = {
    .length_ns = 1050 * MS, .interval_ns = S, .tail_ns = 500 * MS, .slo_ns = 10 * MS};

/* A query a millisecond from from_ms on, each answered 1 ms later, sent and heard. */
static void chatter(struct series *series, uint64_t from_ms, uint64_t until_ms)
{
    for (uint64_t ms = from_ms; ms < until_ms; ms++) {
        series_sent(series, ms * MS);
        series_heard(series, (ms + 1) * MS);
    }
}

static void assert_about(uint64_t ns, uint64_t truth_ns)
{
    uint64_t off = ns > truth_ns ? ns - truth_ns : truth_ns - ns;
    assert_true(off <= 2 * MS);
}

static void the_last_window_and_the_last_interval_may_be_partial(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    assert_int_equal(series.window_count, 11);
    assert_int_equal(series.interval_count, 2);
    assert_int_equal(series.heard_words, 25);
    series_plan(&series, shape.length_ns - 1);
    series_sent(&series, shape.length_ns - 1);
    series_ok(&series, shape.length_ns - 1, 3);
    series_lost(&series, shape.length_ns - 1);
    assert_int_equal(series.windows[10].planned, 1);
    assert_int_equal(series.windows[10].sent, 1);
    assert_int_equal(series.windows[10].ok, 1);
    assert_int_equal(series.windows[10].lost, 1);
    assert_int_equal(series.intervals[1].sent, 1);
    assert_int_equal(series.intervals[1].ok, 1);
    assert_int_equal(series.intervals[1].lost, 1);
    assert_int_equal(series.intervals[1].latency.total, 1);
    series_deinit(&series);
    series_deinit(&(struct series){0});
}

static void offsets_outside_the_measured_time_are_left_out(void **state)
{
    static const uint64_t outside[] = {1050 * MS, 2 * S, (uint64_t)-1, (uint64_t)-5000000};
    struct series series;
    (void)state;
    series_init(&series, &shape);
    for (size_t i = 0; i < 4; i++) {
        series_plan(&series, outside[i]);
        series_sent(&series, outside[i]);
        series_ok(&series, outside[i], 1);
        series_lost(&series, outside[i]);
    }
    series_heard(&series, 1600 * MS);
    series_heard(&series, (uint64_t)-1);
    for (size_t i = 0; i < series.window_count; i++)
        assert_int_equal(series.windows[i].planned + series.windows[i].sent + series.windows[i].ok +
                             series.windows[i].lost,
                         0);
    for (size_t i = 0; i < series.heard_words; i++)
        assert_int_equal(series.heard[i], 0);
    assert_int_equal(series.first_sent_ns, SERIES_NOTHING_SENT);
    series_deinit(&series);
}

static void windows_meet_at_their_first_nanosecond(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    series_plan(&series, 0);
    series_plan(&series, 100 * MS - 1);
    series_plan(&series, 100 * MS);
    series_sent(&series, S - 1);
    series_sent(&series, S);
    assert_int_equal(series.windows[0].planned, 2);
    assert_int_equal(series.windows[1].planned, 1);
    assert_int_equal(series.intervals[0].sent, 1);
    assert_int_equal(series.intervals[1].sent, 1);
    assert_int_equal(series.first_sent_ns, S - 1);
    series_deinit(&series);
}

static void the_interval_is_fitted_into_its_bounds(void **state)
{
    struct series series;
    struct series_shape day = {.length_ns = SERIES_MAX_NS, .interval_ns = S, .slo_ns = NO_SLO};
    (void)state;
    series_init(&series, &day);
    assert_int_equal(series.interval_ns, 24 * S);
    assert_int_equal(series.interval_count, SERIES_MAX_INTERVALS);
    series_deinit(&series);
    day.interval_ns = 3600 * S;
    series_init(&series, &day);
    assert_int_equal(series.interval_ns, SERIES_MAX_INTERVAL_NS);
    assert_int_equal(series.interval_count, 144);
    series_deinit(&series);
    day = (struct series_shape){.length_ns = 3601 * MS, .interval_ns = MS, .slo_ns = NO_SLO};
    series_init(&series, &day);
    assert_int_equal(series.interval_ns, 2 * MS);
    assert_int_equal(series.interval_count, 1801);
    series_deinit(&series);
}

static void the_octets_told_are_those_of_the_arrays(void **state)
{
    (void)state;
    assert_int_equal(series_octets(&shape), 11 * sizeof(struct series_window) +
                                                2 * sizeof(struct series_interval) + 25 * 8);
    assert_int_equal(series_octets(&(struct series_shape){.interval_ns = S}), 0);
}

static void a_stall_in_the_middle_is_the_longest_silence(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    chatter(&series, 0, 300);
    for (uint64_t ms = 300; ms < 800; ms++)
        series_sent(&series, ms * MS);
    chatter(&series, 800, 1050);
    assert_about(series_longest_silence(&series), 501 * MS);
    series_deinit(&series);
}

static void silence_begins_with_the_first_query_and_not_before(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    /* An answer to a query of the warm-up. */
    series_heard(&series, 100 * MS);
    series_sent(&series, 600 * MS);
    series_sent(&series, 601 * MS);
    series_heard(&series, 900 * MS);
    assert_int_equal(series.first_sent_ns, 600 * MS);
    assert_about(series_longest_silence(&series), 300 * MS);
    series_deinit(&series);
}

static void silence_lasts_to_the_end_of_the_measured_time(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    chatter(&series, 0, 200);
    assert_about(series_longest_silence(&series), 850 * MS);
    series_deinit(&series);
}

static void silence_goes_on_until_an_answer_after_the_end(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    chatter(&series, 0, 1000);
    series_heard(&series, 1500 * MS);
    assert_about(series_longest_silence(&series), 500 * MS);
    series_deinit(&series);
}

static void without_any_answer_all_is_silence_and_without_a_query_none(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    assert_int_equal(series_longest_silence(&series), 0);
    series_sent(&series, 50 * MS);
    assert_int_equal(series_longest_silence(&series), S);
    series_deinit(&series);
}

static void silences_are_exact_to_two_milliseconds(void **state)
{
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 53);
    for (int i = 0; i < 300; i++) {
        struct series series;
        uint64_t since = rng_below(&rng, 20000000);
        uint64_t longest = 0;
        series_init(&series, &shape);
        series_sent(&series, since);
        while (since < shape.length_ns) {
            uint64_t next = since + 1 + rng_below(&rng, 150000000);
            series_heard(&series, next);
            longest = next - since > longest ? next - since : longest;
            since = next;
        }
        assert_about(series_longest_silence(&series), longest);
        series_deinit(&series);
    }
}

static void a_window_that_lost_queries_is_worse_than_a_slow_one(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    assert_int_equal(series_worst_window(&series), 0);
    series_ok(&series, 350 * MS, 7 * MS);
    series_ok(&series, 450 * MS, 9 * MS);
    series_ok(&series, 550 * MS, 9 * MS);
    series_ok(&series, 550 * MS, 1 * MS);
    assert_int_equal(series.windows[5].max_ns, 9 * MS);
    assert_int_equal(series_worst_window(&series), 4);
    series_lost(&series, 750 * MS);
    assert_int_equal(series_worst_window(&series), 7);
    series_lost(&series, 1049 * MS);
    series_lost(&series, 1049 * MS);
    assert_int_equal(series_worst_window(&series), 10);
    series_deinit(&series);
}

/* Plans count queries in the window of that number, of which some are too slow and some lost. */
static void fill(struct series *series, uint64_t window, unsigned slow, unsigned lost)
{
    uint64_t at = window * SERIES_WINDOW_NS;
    for (unsigned i = 0; i < 200; i++) {
        series_plan(series, at);
        if (i < lost)
            series_lost(series, at);
        else
            series_ok(series, at, i < slow + lost ? 10 * MS + 1 : 10 * MS);
    }
}

static void a_window_is_above_the_slo_when_more_than_one_percent_are(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    fill(&series, 0, 0, 0);
    fill(&series, 1, 2, 0);
    fill(&series, 2, 1, 1);
    assert_int_equal(series_above_slo(&series), 0);
    fill(&series, 3, 3, 0);
    assert_int_equal(series_above_slo(&series), 100 * MS);
    fill(&series, 4, 2, 1);
    fill(&series, 5, 0, 3);
    assert_int_equal(series_above_slo(&series), 300 * MS);
    /* The last window is half a one. */
    fill(&series, 10, 3, 0);
    assert_int_equal(series_above_slo(&series), 350 * MS);
    series_deinit(&series);
}

static void without_a_schedule_the_share_is_of_those_ended(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    for (unsigned i = 0; i < 99; i++)
        series_ok(&series, 0, 1);
    series_lost(&series, 0);
    assert_int_equal(series_above_slo(&series), 0);
    series_lost(&series, 0);
    assert_int_equal(series_above_slo(&series), 100 * MS);
    series_deinit(&series);
}

static void without_an_slo_nothing_is_above_it(void **state)
{
    struct series series;
    struct series_shape without = shape;
    (void)state;
    without.slo_ns = NO_SLO;
    series_init(&series, &without);
    fill(&series, 3, 100, 100);
    assert_int_equal(series.windows[3].over, 0);
    assert_int_equal(series_above_slo(&series), 0);
    series_deinit(&series);
}

/* A window's worth of queries, planned and sent. */
static void send(struct series *series, uint64_t window, unsigned planned, unsigned sent)
{
    for (unsigned i = 0; i < planned; i++)
        series_plan(series, window * SERIES_WINDOW_NS);
    for (unsigned i = 0; i < sent; i++)
        series_sent(series, window * SERIES_WINDOW_NS);
}

static void a_window_is_uneven_when_far_off_and_by_more_than_two_queries(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    send(&series, 0, 100, 110);
    send(&series, 1, 100, 90);
    send(&series, 2, 4, 6);
    send(&series, 3, 0, 2);
    assert_int_equal(series_uneven_windows(&series, 0.1), 0);
    send(&series, 4, 100, 111);
    send(&series, 5, 100, 89);
    send(&series, 6, 4, 7);
    send(&series, 7, 0, 3);
    assert_int_equal(series_uneven_windows(&series, 0.1), 4);
    /* Not a whole window. */
    send(&series, 10, 100, 0);
    assert_int_equal(series_uneven_windows(&series, 0.1), 4);
    series_deinit(&series);
}

static void assert_same(const struct series *a, const struct series *b)
{
    assert_true(series_same_shape(a, b));
    assert_int_equal(a->first_sent_ns, b->first_sent_ns);
    assert_memory_equal(a->windows, b->windows, a->window_count * sizeof(*a->windows));
    assert_memory_equal(a->intervals, b->intervals, a->interval_count * sizeof(*a->intervals));
    assert_memory_equal(a->heard, b->heard, a->heard_words * sizeof(*a->heard));
}

static void two_threads_merged_are_what_one_would_have_seen(void **state)
{
    struct series one;
    struct series parts[2];
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 53);
    series_init(&one, &shape);
    series_init(&parts[0], &shape);
    series_init(&parts[1], &shape);
    for (int i = 0; i < 5000; i++) {
        struct series *part = &parts[rng_below(&rng, 2)];
        uint64_t at = rng_below(&rng, 1100000000);
        uint64_t response = rng_below(&rng, 30000000);
        for (int both = 0; both < 2; both++) {
            struct series *to = both ? part : &one;
            series_plan(to, at);
            series_sent(to, at + 1000);
            series_heard(to, at + response);
            if (i % 7 == 0)
                series_lost(to, at);
            else
                series_ok(to, at, response);
        }
    }
    series_merge(&parts[0], &parts[1]);
    assert_same(&parts[0], &one);
    series_deinit(&one);
    series_deinit(&parts[0]);
    series_deinit(&parts[1]);
}

static void merged_the_first_query_is_the_earlier_of_both(void **state)
{
    (void)state;
    for (uint64_t first = 0; first < 2; first++) {
        struct series parts[2];
        series_init(&parts[0], &shape);
        series_init(&parts[1], &shape);
        series_merge(&parts[0], &parts[1]);
        assert_int_equal(parts[0].first_sent_ns, SERIES_NOTHING_SENT);
        series_sent(&parts[first], 3 * MS);
        series_sent(&parts[1 - first], 5 * MS);
        series_merge(&parts[0], &parts[1]);
        assert_int_equal(parts[0].first_sent_ns, 3 * MS);
        series_deinit(&parts[0]);
        series_deinit(&parts[1]);
    }
}

static void merge_of_another_length(void *arg)
{
    struct series_shape other = shape;
    struct series a;
    struct series b;
    (void)arg;
    other.length_ns += SERIES_WINDOW_NS;
    series_init(&a, &shape);
    series_init(&b, &other);
    series_merge(&a, &b);
}

static void only_equal_shapes_are_merged(void **state)
{
    (void)state;
    assert_int_equal(dies_by(merge_of_another_length, NULL, NULL, 0), SIGABRT);
}

static void a_silence_of_one_time_is_not_ended_by_what_was_heard_at_another(void **state)
{
    const struct series_shape plain = {
        .length_ns = 1000 * MS, .interval_ns = 1000 * MS, .slo_ns = UINT64_MAX};
    struct series whole, other;
    (void)state;
    series_init(&whole, &plain);
    series_init(&other, &plain);
    series_sent(&whole, 0);
    series_sent(&other, 0);
    for (uint64_t ms = 0; ms < 1000; ms++) {
        series_heard(&whole, ms * MS);
        if (ms < 300 || ms >= 700)
            series_heard(&other, ms * MS);
    }
    series_overlay(&whole, &other);
    assert_in_range(series_longest_silence(&whole), 399 * MS, 402 * MS);
    series_overlay(&whole, &whole);
    assert_in_range(series_longest_silence(&whole), 399 * MS, 402 * MS);
    assert_int_equal(whole.windows[0].sent, 4);
    series_deinit(&whole);
    series_deinit(&other);
}

static void an_interrupted_run_is_not_silent_after_its_end(void **state)
{
    struct series series;
    (void)state;
    series_init(&series, &shape);
    chatter(&series, 0, 430);
    fill(&series, 4, 200, 0);
    series_cut(&series, 430 * MS);
    assert_int_equal(series.window_count, 5);
    assert_int_equal(series.interval_count, 1);
    assert_int_equal(series.heard_words, 16);
    assert_true(series_longest_silence(&series) <= 4 * MS);
    assert_int_equal(series_above_slo(&series), 30 * MS);
    series_cut(&series, 2 * S);
    assert_int_equal(series.length_ns, 430 * MS);
    series_cut(&series, 0);
    assert_int_equal(series.window_count, 0);
    assert_int_equal(series_longest_silence(&series), 0);
    assert_int_equal(series_worst_window(&series), 0);
    series_deinit(&series);
}

static void the_shape_of_a_series_gives_an_equal_one(void **state)
{
    static const uint64_t cuts[] = {2 * S, 999 * MS + 1, 430 * MS, 1};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct series series;
        struct series copy;
        series_init(&series, &shape);
        series_cut(&series, cuts[i]);
        struct series_shape its = series_shape_of(&series);
        series_init(&copy, &its);
        assert_same(&series, &copy);
        assert_int_equal(series.window_count, copy.window_count);
        assert_int_equal(series.interval_count, copy.interval_count);
        series_deinit(&series);
        series_deinit(&copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_window_and_the_last_interval_may_be_partial),
        cmocka_unit_test(offsets_outside_the_measured_time_are_left_out),
        cmocka_unit_test(windows_meet_at_their_first_nanosecond),
        cmocka_unit_test(the_interval_is_fitted_into_its_bounds),
        cmocka_unit_test(the_octets_told_are_those_of_the_arrays),
        cmocka_unit_test(a_stall_in_the_middle_is_the_longest_silence),
        cmocka_unit_test(silence_begins_with_the_first_query_and_not_before),
        cmocka_unit_test(silence_lasts_to_the_end_of_the_measured_time),
        cmocka_unit_test(silence_goes_on_until_an_answer_after_the_end),
        cmocka_unit_test(without_any_answer_all_is_silence_and_without_a_query_none),
        cmocka_unit_test(silences_are_exact_to_two_milliseconds),
        cmocka_unit_test(a_window_that_lost_queries_is_worse_than_a_slow_one),
        cmocka_unit_test(a_window_is_above_the_slo_when_more_than_one_percent_are),
        cmocka_unit_test(without_a_schedule_the_share_is_of_those_ended),
        cmocka_unit_test(without_an_slo_nothing_is_above_it),
        cmocka_unit_test(a_window_is_uneven_when_far_off_and_by_more_than_two_queries),
        cmocka_unit_test(two_threads_merged_are_what_one_would_have_seen),
        cmocka_unit_test(merged_the_first_query_is_the_earlier_of_both),
        cmocka_unit_test(only_equal_shapes_are_merged),
        cmocka_unit_test(a_silence_of_one_time_is_not_ended_by_what_was_heard_at_another),
        cmocka_unit_test(an_interrupted_run_is_not_silent_after_its_end),
        cmocka_unit_test(the_shape_of_a_series_gives_an_equal_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
