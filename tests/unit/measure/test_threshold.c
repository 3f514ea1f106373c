/* Conditions on figures: read, tested, written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/threshold.h"

#define MS 1000000ULL

static struct threshold parse(const char *text)
{
    struct threshold t = {0};
    char error[256] = "";

    if (threshold_parse(&t, text, error, sizeof(error)) != ERR_OK)
        fail_msg("%s: %s", text, error);
    return t;
}

static void assert_refused(const char *text, const char *expected)
{
    struct threshold t;
    char error[256] = "";

    assert_int_equal(threshold_parse(&t, text, error, sizeof(error)), ERR_INVALID);
    assert_string_equal(error, expected);
}

/* 1000 queries: 900 answered after 1 ms, 50 after 3 ms, 50 timed out at 500 ms; one interval of two
 * seconds. */
static void init_result(struct result *result)
{
    static const struct series_shape shape = {.length_ns = 2000 * MS,
                                              .interval_ns = 1000 * MS,
                                              .tail_ns = 500 * MS,
                                              .slo_ns = UINT64_MAX};

    result_init(result, &shape);
    result->elapsed_ns = 2000 * MS;
    result->measured.sent = 1000;
    result->measured.outcome[OUTCOME_OK] = 950;
    result->measured.outcome[OUTCOME_TIMEOUT] = 50;
    result->measured.rcode[2] = 20;
    result->measured.rcode[3] = 30;
    result->measured.truncated = 40;
    for (int i = 0; i < 900; i++)
        histogram_record(&result->response, 1 * MS);
    for (int i = 0; i < 50; i++)
        histogram_record(&result->response, 3 * MS);
    for (int i = 0; i < 50; i++)
        histogram_record_at_least(&result->response, 500 * MS);
    histogram_record(&result->service, 2 * MS);
    histogram_record(&result->answer[ANSWER_NX], 4 * MS);
    histogram_record(&result->lookup, 5 * MS);
    result->kind_count = 1;
    strcpy(result->kinds[0].name, "svc.ns");
    histogram_record(&result->kinds[0].latency, 6 * MS);
}

static void a_condition_is_read_part_by_part(void **state)
{
    struct threshold t = parse("p99>2ms");

    (void)state;
    assert_string_equal(t.metric, "p99");
    assert_int_equal(t.unit, THRESHOLD_DURATION);
    assert_true(t.above && !t.or_equal);
    assert_true(t.value == 2e6);
    t = parse(" loss <= 0.1% ");
    assert_string_equal(t.metric, "loss");
    assert_int_equal(t.unit, THRESHOLD_SHARE);
    assert_true(!t.above && t.or_equal);
    assert_true(t.value > 0.00099 && t.value < 0.00101);
    t = parse("rate>=20k/s");
    assert_int_equal(t.unit, THRESHOLD_RATE);
    assert_true(t.above && t.or_equal);
    assert_true(t.value == 20000);
}

static void every_metric_of_the_list_is_known(void **state)
{
    static const char *const conditions[] = {"p50<1ms",          "p99.99<1ms",
                                             "p0.5<1ms",         "mean<1ms",
                                             "max<1ms",          "class.found.p99<1ms",
                                             "class.nx.p50<1ms", "class.nodata.max<1ms",
                                             "lookup.p99<1s",    "lookup.svc.p99.9<1s",
                                             "service.p50<1ms",  "class.fail.mean<1ms",
                                             "loss<1%",          "timeout<1%",
                                             "late<1%",          "refused<1%",
                                             "mismatch<1%",      "wrong<1%",
                                             "servfail<1%",      "nxdomain<1%",
                                             "truncated<1%",     "send_error<1%",
                                             "gap<1s",           "rate>1k",
                                             "ok>99%",           "lookup.mean<1s",
                                             "service.max<1s"};

    (void)state;
    for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
        (void)parse(conditions[i]);
}

static void a_mistyped_metric_is_told_what_it_may_have_been(void **state)
{
    (void)state;
    assert_refused("p9x>2ms", "unknown metric 'p9x'; did you mean 'p99'?");
    assert_refused("los<1%", "unknown metric 'los'; did you mean 'loss'?");
    assert_refused("lokup.p99<1s", "unknown metric 'lokup.p99'; did you mean 'lookup.p99'?");
    assert_refused("class.xn.p99<1s",
                   "unknown metric 'class.xn.p99'; did you mean 'class.nx.p99'?");
    assert_refused("entirely_else<1",
                   "unknown metric 'entirely_else'; there are p50, p99.9, mean, max, loss, "
                   "servfail, gap, rate, lookup.p99, class.nx.p99 and more");
}

static void a_condition_without_comparison_or_value_is_explained(void **state)
{
    (void)state;
    assert_refused("p99", "'p99' compares nothing; write it as 'p99>2ms'");
    assert_refused("", "'' compares nothing; write it as 'p99>2ms'");
    assert_refused("p99>2", "'2' is not a duration such as 2ms, 500us or 1.5s, as p99 needs");
    assert_refused("p99>", "'' is not a duration such as 2ms, 500us or 1.5s, as p99 needs");
    assert_refused("p99>>2ms", "'>2ms' is not a duration such as 2ms, 500us or 1.5s, as p99 needs");
    assert_refused("loss>2ms", "'2ms' is not a share such as 0.1% or 0.001, as loss needs");
    assert_refused("rate<2ms", "'2ms' is not a rate such as 20k or 1.5M, as rate needs");
    assert_refused("gap<1%", "'1%' is not a duration such as 2ms, 500us or 1.5s, as gap needs");
}

static void quantiles_are_numbers_between_none_and_all(void **state)
{
    static const char *const bad[] = {"p0",      "p100",  "p",       "p.9",       "p99.",
                                      "p99.9.9", "p99,9", "p-1",     "P99",       "p1e1",
                                      "p 99",    "p99x",  "p0.0000", "p99.99999", "q99"};
    char text[32], error[256];
    struct threshold t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s<1ms", bad[i]);
        assert_int_equal(threshold_parse(&t, text, error, sizeof(error)), ERR_INVALID);
    }
}

static void half_a_name_is_no_metric(void **state)
{
    static const char *const bad[] = {"class.p99",   "class.nx",      "class..p99", "lookup.",
                                      "lookup..p99", "service.x.p99", "service.",   "nx.p99"};
    char text[32], error[256];
    struct threshold t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s<1ms", bad[i]);
        if (threshold_parse(&t, text, error, sizeof(error)) != ERR_INVALID)
            fail_msg("%s", text);
    }
}

static void overlong_texts_are_refused_and_errors_are_cut(void **state)
{
    char text[400];
    char error[16];
    struct threshold t;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 5, "<1ms", 5);
    assert_int_equal(threshold_parse(&t, text, error, sizeof(error)), ERR_INVALID);
    assert_string_equal(error, "a condition is ");
    memcpy(text, "lookup.", 7);
    memcpy(text + THRESHOLD_METRIC_MAX - 4, ".p99<1ms", 9);
    assert_int_equal(threshold_parse(&t, text, error, sizeof(error)), ERR_INVALID);
    memcpy(text + THRESHOLD_METRIC_MAX - 5, ".p99<1ms", 9);
    assert_int_equal(threshold_parse(&t, text, error, sizeof(error)), ERR_OK);
    assert_int_equal(strlen(t.metric), THRESHOLD_METRIC_MAX - 1);
}

static void a_list_is_split_at_its_commas(void **state)
{
    struct threshold list[THRESHOLD_MAX];
    char text[8 * (THRESHOLD_MAX + 1)] = "p50<1s";
    char error[128];
    size_t count = 0;

    (void)state;
    assert_int_equal(threshold_parse_list(list, &count, "p99<5ms, loss<0.1%", error, sizeof(error)),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[1].metric, "loss");
    assert_int_equal(threshold_parse_list(list, &count, "p99<5ms,", error, sizeof(error)),
                     ERR_INVALID);
    for (int i = 1; i < THRESHOLD_MAX; i++)
        strcat(text, ",p50<1s");
    assert_int_equal(threshold_parse_list(list, &count, text, error, sizeof(error)), ERR_OK);
    assert_int_equal(count, THRESHOLD_MAX);
    strcat(text, ",p50<1s");
    assert_int_equal(threshold_parse_list(list, &count, text, error, sizeof(error)), ERR_INVALID);
    assert_string_equal(error, "more than 16 conditions");
}

static double value_of(const char *text, const struct result *result)
{
    struct threshold t = parse(text);
    double value = -1;
    bool at_least;

    assert_true(threshold_value(&t, result, &value, &at_least));
    assert_false(at_least);
    return value;
}

static bool is_about(double value, double expected)
{
    return value > expected * 0.998 && value < expected * 1.002;
}

static void each_metric_is_taken_from_its_figure(void **state)
{
    struct result result;

    (void)state;
    init_result(&result);
    assert_true(is_about(value_of("p50<1s", &result), 1e6));
    assert_true(is_about(value_of("p90<1s", &result), 1e6));
    assert_true(is_about(value_of("p90.1<1s", &result), 3e6));
    assert_true(is_about(value_of("service.p99<1s", &result), 2e6));
    assert_true(is_about(value_of("service.max<1s", &result), 2e6));
    assert_true(is_about(value_of("class.nx.mean<1s", &result), 4e6));
    assert_true(is_about(value_of("lookup.p99<1s", &result), 5e6));
    assert_true(is_about(value_of("lookup.svc.ns.p99.9<1s", &result), 6e6));
    assert_true(is_about(value_of("loss<1%", &result), 0.05));
    assert_true(is_about(value_of("timeout<1%", &result), 0.05));
    assert_true(is_about(value_of("ok<1%", &result), 0.95));
    assert_true(is_about(value_of("servfail<1%", &result), 0.02));
    assert_true(is_about(value_of("nxdomain<1%", &result), 0.03));
    assert_true(is_about(value_of("truncated<1%", &result), 0.04));
    assert_true(is_about(value_of("rate<1", &result), 475));
    assert_true(value_of("wrong<1%", &result) == 0);
    result_deinit(&result);
}

static void the_gap_is_the_longest_silence(void **state)
{
    struct result result;

    (void)state;
    init_result(&result);
    for (uint64_t ms = 0; ms < 2000; ms++) {
        series_sent(&result.series, ms * MS);
        if (ms < 1000 || ms >= 1300)
            series_heard(&result.series, ms * MS);
    }
    double gap_ns = value_of("gap<1s", &result);
    assert_true(gap_ns >= 298e6 && gap_ns <= 303e6);
    result_deinit(&result);
}

static bool holds(const char *text, const struct result *result)
{
    struct threshold t = parse(text);

    return threshold_holds(&t, result);
}

static void conditions_hold_as_their_signs_say(void **state)
{
    struct result result;

    (void)state;
    init_result(&result);
    assert_true(holds("p50>0.9ms", &result));
    assert_false(holds("p50>1.1ms", &result));
    assert_true(holds("p50<1.1ms", &result));
    assert_false(holds("p50<0.9ms", &result));
    assert_true(holds("timeout>=0.05", &result));
    assert_false(holds("timeout>0.05", &result));
    assert_true(holds("timeout<=0.05", &result));
    assert_false(holds("timeout<0.05", &result));
    result_deinit(&result);
}

/* The slowest twentieth was never answered: its truth may be anything from the timeout on. */
static void what_is_only_known_to_be_at_least_something_is_not_good(void **state)
{
    struct result result;

    (void)state;
    init_result(&result);
    assert_true(holds("p95<4ms", &result));
    assert_true(holds("p95.1>1ms", &result));
    assert_true(holds("p99>10s", &result));
    assert_false(holds("p99<10s", &result));
    assert_false(holds("max<10s", &result));
    assert_true(holds("mean>10s", &result));
    result_deinit(&result);
}

static void what_was_not_measured_is_not_good(void **state)
{
    static const char *const above[] = {"lookup.other.p99>1s", "class.found.p99>1s",
                                        "class.fail.mean>=1s"};
    struct result result;
    char text[64];

    (void)state;
    init_result(&result);
    for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
        assert_true(holds(above[i], &result));
        (void)snprintf(text, sizeof(text), "%s", above[i]);
        *strchr(text, '>') = '<';
        assert_false(holds(text, &result));
    }
    result.elapsed_ns = 0;
    memset(&result.measured, 0, sizeof(result.measured));
    assert_false(holds("rate<1M", &result));
    assert_false(holds("loss<100%", &result));
    assert_false(holds("gap<100s", &result));
    result_deinit(&result);
}

static void assert_written(const char *condition, const struct result *result, const char *expected)
{
    struct threshold t = parse(condition);
    char text[128];

    assert_string_equal(threshold_write(&t, result, text, sizeof(text)), expected);
}

static void a_condition_is_written_beside_what_was_measured(void **state)
{
    struct result result;

    (void)state;
    init_result(&result);
    assert_written("p95>2ms", &result, "p95 is 3.00 ms (> 2.00 ms)");
    assert_written("p95<2ms", &result, "p95 is 3.00 ms (not < 2.00 ms)");
    assert_written("loss>=0.1%", &result, "loss is 5.00 % (>= 0.10 %)");
    assert_written("rate>20k", &result, "rate is 475/s (not > 20.0k/s)");
    assert_written("p99>2ms", &result, "p99 is at least 500 ms (> 2.00 ms)");
    assert_written("p99<10s", &result, "p99 is at least 500 ms (not < 10.0 s)");
    assert_written("class.found.p99<5ms", &result,
                   "class.found.p99 was not measured (must be < 5.00 ms)");
    assert_written("lookup.x.p99>5ms", &result,
                   "lookup.x.p99 was not measured (must not be > 5.00 ms)");
    result_deinit(&result);
}

static void the_slo_is_the_first_condition_on_a_response_quantile(void **state)
{
    struct threshold list[] = {parse("loss<1%"), parse("service.p99<1ms"), parse("lookup.p99<2ms"),
                               parse("max<3ms"), parse("p99<4ms"),         parse("p50<5ms")};

    (void)state;
    assert_true(threshold_slo_ns(list, 6) == 4 * MS);
    assert_true(threshold_slo_ns(list, 4) == UINT64_MAX);
    assert_true(threshold_slo_ns(NULL, 0) == UINT64_MAX);
}

/* A tester that paused: its worst thousandth left 70 ms late, which no limit of its health sees. */
static void what_the_testers_own_lag_explains_is_not_the_servers(void **state)
{
    static const char *const own[] = {"max>20ms", "p99.9>20ms", "p99.9<=20ms", "mean>1200us"};
    static const char *const servers[] = {"max>500us", "p99>500us",        "p99.9<80ms",
                                          "p50>2ms",   "service.max>10us", "loss<1%",
                                          "rate>1",    "p99.9>500us"};
    struct result result;

    (void)state;
    result_init(&result, &(struct series_shape){.length_ns = 1000 * MS, .interval_ns = 1000 * MS});
    result.measured.sent = result.measured.outcome[OUTCOME_OK] = 1000;
    result.elapsed_ns = 1000 * MS;
    for (unsigned i = 0; i < 1000; i++) {
        histogram_record(&result.send_lag, i < 995 ? MS / 10 : 70 * MS);
        histogram_record(&result.service, 1 * MS);
        histogram_record(&result.response, i < 995 ? 11 * MS / 10 : 71 * MS);
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        struct threshold t = parse(own[i]);
        if (!threshold_is_own(&t, &result))
            fail_msg("the server's: %s", own[i]);
    }
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
        struct threshold t = parse(servers[i]);
        if (threshold_is_own(&t, &result))
            fail_msg("the tester's: %s", servers[i]);
    }
    result_deinit(&result);
}

/* A silence as long as the tester's own pause; and one of lost answers, whose length nobody
 * knows. */
static void a_gap_no_longer_than_the_own_lag_is_the_testers(void **state)
{
    struct threshold gap = parse("gap>50ms");
    struct threshold max = parse("max>50ms");
    struct result result;

    (void)state;
    result_init(&result, &(struct series_shape){.length_ns = 90 * MS, .interval_ns = 1000 * MS});
    result.measured.sent = 1;
    series_sent(&result.series, 0);
    histogram_record(&result.send_lag, 70 * MS);
    histogram_record_at_least(&result.response, 100 * MS);
    assert_true(threshold_holds(&gap, &result) && threshold_is_own(&gap, &result));
    assert_true(threshold_holds(&max, &result) && !threshold_is_own(&max, &result));
    result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_is_read_part_by_part),
        cmocka_unit_test(every_metric_of_the_list_is_known),
        cmocka_unit_test(a_mistyped_metric_is_told_what_it_may_have_been),
        cmocka_unit_test(a_condition_without_comparison_or_value_is_explained),
        cmocka_unit_test(quantiles_are_numbers_between_none_and_all),
        cmocka_unit_test(half_a_name_is_no_metric),
        cmocka_unit_test(overlong_texts_are_refused_and_errors_are_cut),
        cmocka_unit_test(a_list_is_split_at_its_commas),
        cmocka_unit_test(each_metric_is_taken_from_its_figure),
        cmocka_unit_test(the_gap_is_the_longest_silence),
        cmocka_unit_test(conditions_hold_as_their_signs_say),
        cmocka_unit_test(what_is_only_known_to_be_at_least_something_is_not_good),
        cmocka_unit_test(what_was_not_measured_is_not_good),
        cmocka_unit_test(a_condition_is_written_beside_what_was_measured),
        cmocka_unit_test(what_the_testers_own_lag_explains_is_not_the_servers),
        cmocka_unit_test(a_gap_no_longer_than_the_own_lag_is_the_testers),
        cmocka_unit_test(the_slo_is_the_first_condition_on_a_response_quantile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
