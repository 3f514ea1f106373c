/* Figures that several outputs derive from a result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "report/figures.h"

static void a_share_of_nothing_is_nothing(void **state)
{
    struct result run = {0};
    (void)state;

    assert_true(figures_share(1, 0) == 0);
    assert_true(figures_per_second(&run, 1000) == 0);
    run.elapsed_ns = NS_PER_S / 2;
    assert_true(figures_per_second(&run, 1000) == 2000);
    assert_true(figures_tester_cpu_ns(&run) == 0);
    assert_true(figures_server_cpu_ns(&run) == 0);
}

static void a_quantile_among_timeouts_is_told_as_at_least(void **state)
{
    char text[FIGURES_TEXT_MAX];
    struct histogram h;
    (void)state;

    histogram_init(&h);
    assert_string_equal(figures_write_quantile(&h, 0.5, text), "-");
    histogram_record(&h, 1500);
    histogram_record_at_least(&h, 5 * NS_PER_S);
    assert_string_equal(figures_write_quantile(&h, 0.5, text), "1.50 us");
    assert_string_equal(figures_write_quantile(&h, 0.99, text), "≥ 5.00 s");
    histogram_deinit(&h);
}

static void what_is_unknown_is_a_dash(void **state)
{
    char text[FIGURES_TEXT_MAX];
    (void)state;

    assert_string_equal(figures_write_ns(-1, text), "-");
    assert_string_equal(figures_write_ns(0.0 / 0.0, text), "-");
    assert_string_equal(figures_write_ns(1e300, text), "-");
    assert_string_equal(figures_write_ns(1499.6, text), "1.50 us");
}

static void columns_are_characters_not_octets(void **state)
{
    (void)state;
    assert_int_equal(figures_columns(""), 0);
    assert_int_equal(figures_columns("5.00 s"), 6);
    assert_int_equal(figures_columns("≥ 5.00 s"), 8);
}

/* One comparison's sentence. */
static const char *sentence(const char *metric, bool higher_is_better, const double values[3])
{
    static char text[128];
    struct comparison c = {.higher_is_better = higher_is_better,
                           .ratio = values[0],
                           .low = values[1],
                           .high = values[2],
                           .alpha = 0.05,
                           .pairs = 20};

    snprintf(c.metric, sizeof(c.metric), "%s", metric);
    return figures_write_comparison(&c, text, sizeof(text));
}

static void a_comparison_says_who_is_slower_and_how_sure_that_is(void **state)
{
    (void)state;
    assert_string_equal(sentence("throughput", true, (double[]){0.951, 0.942, 0.959}),
                        "B is 4.9 % slower (95 % interval 4.1..5.8 %)");
    assert_string_equal(sentence("throughput", true, (double[]){1.2, 1.1, 1.3}),
                        "B is 20.0 % faster (95 % interval 10.0..30.0 %)");
    assert_string_equal(sentence("p99", false, (double[]){1.2, 1.1, 1.3}),
                        "B is 20.0 % slower (95 % interval 10.0..30.0 %)");
    assert_string_equal(sentence("p99", false, (double[]){0.8, 0.7, 0.9}),
                        "B is 20.0 % faster (95 % interval 10.0..30.0 %)");
    assert_string_equal(sentence("cpu", false, (double[]){0.8, 0.7, 0.9}),
                        "B costs 20.0 % less (95 % interval 10.0..30.0 %)");
    assert_string_equal(sentence("cpu", false, (double[]){1.2, 1.1, 1.3}),
                        "B costs 20.0 % more (95 % interval 10.0..30.0 %)");
}

static void an_interval_that_holds_1_is_no_difference(void **state)
{
    (void)state;
    assert_string_equal(sentence("p99", false, (double[]){1.01, 0.98, 1.02}),
                        "no difference found; differences above 2.0 % would have been");
    assert_string_equal(sentence("p99", false, (double[]){0.0 / 0.0, 1, 1}),
                        "nothing could be compared");
}

static void a_metric_is_found_by_its_name_or_missing(void **state)
{
    struct result run = {.elapsed_ns = NS_PER_S, .server_cpu_ns = 4000};
    double value = 0;
    (void)state;

    histogram_init(&run.response);
    assert_false(figures_metric(&run, "throughput", &value));
    run.measured.outcome[OUTCOME_OK] = 2;
    histogram_record(&run.response, 1000);
    histogram_record(&run.response, 2000);
    assert_true(figures_metric(&run, "throughput", &value) && value == 2);
    assert_true(figures_metric(&run, "cpu", &value) && value == 2000);
    assert_true(figures_metric(&run, "p50", &value) && value == 1000);
    assert_true(figures_metric(&run, "p99", &value) && value == 2000);
    assert_false(figures_metric(&run, "p98", &value));
    histogram_deinit(&run.response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_nothing_is_nothing),
        cmocka_unit_test(a_quantile_among_timeouts_is_told_as_at_least),
        cmocka_unit_test(what_is_unknown_is_a_dash),
        cmocka_unit_test(columns_are_characters_not_octets),
        cmocka_unit_test(a_comparison_says_who_is_slower_and_how_sure_that_is),
        cmocka_unit_test(an_interval_that_holds_1_is_no_difference),
        cmocka_unit_test(a_metric_is_found_by_its_name_or_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
