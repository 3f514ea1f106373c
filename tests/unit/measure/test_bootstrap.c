/* Intervals for ratios of paired measurements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "dies.h"
#include "local53/base/rng.h"
#include "measure/bootstrap.h"

static void assert_near(double value, double expected, double error)
{
    if (fabs(value - expected) > error)
        fail_msg("%.9g is not %.9g", value, expected);
}

/* About normal: the sum of twelve uniform numbers has a variance of 1. */
static double draw_normal(struct rng *rng)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += (double)rng_u32(rng) / 4294967296.0;
    return sum;
}

/* Ratios of slices with so much noise each, one slice in twenty slowed by ten times that. */
static void draw_ratios(struct rng *rng, double *ratios, size_t count, double noise)
{
    for (size_t i = 0; i < count; i++) {
        double slices[2];
        for (int j = 0; j < 2; j++) {
            double slowed = rng_below(rng, 20) == 0 ? 10 * noise : 0;
            slices[j] = exp(noise * draw_normal(rng) - slowed);
        }
        ratios[i] = slices[0] / slices[1];
    }
}

static void equal_pairs_leave_no_doubt(void **state)
{
    double ratios[10];

    (void)state;
    for (size_t i = 0; i < 10; i++)
        ratios[i] = 0.95;
    struct bootstrap b = bootstrap_ratio(ratios, 10, 0.05, 1);
    assert_near(b.ratio, 0.95, 1e-12);
    assert_near(b.low, 0.95, 1e-12);
    assert_near(b.high, 0.95, 1e-12);
}

static void the_ratio_lies_within_its_interval(void **state)
{
    struct rng rng;
    double ratios[12];

    (void)state;
    rng_init_seeded(&rng, 3);
    for (uint64_t seed = 0; seed < 50; seed++) {
        draw_ratios(&rng, ratios, 12, 0.05);
        struct bootstrap b = bootstrap_ratio(ratios, 12, 0.9, seed);
        assert_true(b.low <= b.ratio && b.ratio <= b.high);
    }
}

/* Few pairs and much confidence: the lowest centre that counts is the lowest value itself, so that
 * the interval's length is all widening: sqrt(n / (n - 1)) times Student's t of n - 1 degrees over
 * the normal quantile, both from tables. */
static void assert_widened(size_t pairs, double alpha, double t, double z)
{
    double ratios[5] = {exp(-0.01), 1, 1, 1, 1};

    ratios[pairs - 1] = exp(0.01);
    double expected = 0.01 * sqrt((double)pairs / (double)(pairs - 1)) * t / z;
    struct bootstrap b = bootstrap_ratio(ratios, pairs, alpha, 1);
    assert_near(b.ratio, 1, 1e-12);
    assert_near(log(b.low), -expected, 1e-7);
    assert_near(log(b.high), expected, 1e-7);
}

static void small_samples_are_widened_by_students_t(void **state)
{
    (void)state;
    assert_widened(2, 0.05, 12.706205, 1.959964);
    assert_widened(3, 0.05, 4.302653, 1.959964);
    assert_widened(4, 0.005, 7.453319, 2.807034);
    assert_widened(5, 0.01, 4.604095, 2.575829);
}

static void the_same_seed_gives_the_same_interval_in_any_order_of_pairs(void **state)
{
    static const double ratios[] = {0.9, 1.0, 1.1, 1.3, 0.95, 1.02};
    static const double turned[] = {1.02, 0.95, 1.3, 1.1, 1.0, 0.9};

    (void)state;
    struct bootstrap a = bootstrap_ratio(ratios, 6, 0.05, 7);
    struct bootstrap b = bootstrap_ratio(turned, 6, 0.05, 7);
    assert_true(a.ratio == b.ratio && a.low == b.low && a.high == b.high);
    struct bootstrap other = bootstrap_ratio(ratios, 6, 0.05, 8);
    assert_true(other.ratio == a.ratio);
    assert_true(other.low != a.low || other.high != a.high);
}

static void more_confidence_needs_a_wider_interval(void **state)
{
    static const double ratios[] = {0.9, 1.0, 1.1, 1.3, 0.95, 1.02, 0.99, 1.05};

    (void)state;
    struct bootstrap loose = bootstrap_ratio(ratios, 8, 0.2, 7);
    struct bootstrap usual = bootstrap_ratio(ratios, 8, 0.05, 7);
    struct bootstrap strict = bootstrap_ratio(ratios, 8, 0.001, 7);
    assert_true(strict.low < usual.low && usual.low < loose.low);
    assert_true(strict.high > usual.high && usual.high > loose.high);
}

static void a_slice_that_went_wrong_moves_little(void **state)
{
    double ratios[20];

    (void)state;
    for (size_t i = 0; i < 20; i++)
        ratios[i] = 1 + (i % 2 == 0 ? 0.01 : -0.01);
    ratios[4] = 100;
    ratios[5] = 0.2;
    struct bootstrap b = bootstrap_ratio(ratios, 20, 0.05, 1);
    assert_true(b.low > 0.97 && b.high < 1.03);
}

/* How often, in 200 comparisons, the interval of B over A (which is effect times A) holds 1. */
static int count_intervals_with_1(double effect, double noise, size_t pairs)
{
    double ratios[64];
    struct rng rng;
    int count = 0;

    rng_init_seeded(&rng, 53);
    for (uint64_t seed = 0; seed < 200; seed++) {
        draw_ratios(&rng, ratios, pairs, noise);
        for (size_t i = 0; i < pairs; i++)
            ratios[i] *= effect;
        struct bootstrap b = bootstrap_ratio(ratios, pairs, 0.05, seed);
        count += b.low <= 1 && 1 <= b.high ? 1 : 0;
    }
    return count;
}

/* 95 % promised; of 200 such, fewer than 182 come in less than one try of a hundred. */
static void an_identical_server_is_nearly_always_found_equal(void **state)
{
    (void)state;
    assert_in_range(count_intervals_with_1(1, 0.03, 10), 182, 199);
    assert_in_range(count_intervals_with_1(1, 0.03, 20), 182, 199);
    assert_in_range(count_intervals_with_1(1, 0.03, 40), 182, 199);
}

/* Eighteen of twenty are asked for; slices that are slowed by ten times the noise are many here. */
static void a_server_five_percent_slower_is_found(void **state)
{
    (void)state;
    assert_in_range(count_intervals_with_1(0.95, 0.02, 20), 0, 10);
    assert_in_range(count_intervals_with_1(0.95, 0.035, 40), 0, 10);
    assert_in_range(count_intervals_with_1(1 / 0.95, 0.035, 40), 0, 10);
}

static void the_most_pairs_are_taken(void **state)
{
    static double ratios[BOOTSTRAP_PAIRS_MAX];
    struct rng rng;

    (void)state;
    rng_init_seeded(&rng, 9);
    draw_ratios(&rng, ratios, BOOTSTRAP_PAIRS_MAX, 0.05);
    struct bootstrap b = bootstrap_ratio(ratios, BOOTSTRAP_PAIRS_MAX, 0.05, 1);
    assert_true(b.low > 0.99 && b.low < b.ratio && b.ratio < b.high && b.high < 1.01);
}

static void take_nothing(void *arg)
{
    const double *ratios = arg;

    (void)bootstrap_ratio(ratios, 2, 0.05, 1);
}

static void a_ratio_of_nothing_is_our_own_error(void **state)
{
    double ratios[] = {1, 0};

    (void)state;
    assert_int_not_equal(dies_by(take_nothing, ratios, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_pairs_leave_no_doubt),
        cmocka_unit_test(the_ratio_lies_within_its_interval),
        cmocka_unit_test(small_samples_are_widened_by_students_t),
        cmocka_unit_test(the_same_seed_gives_the_same_interval_in_any_order_of_pairs),
        cmocka_unit_test(more_confidence_needs_a_wider_interval),
        cmocka_unit_test(a_slice_that_went_wrong_moves_little),
        cmocka_unit_test(an_identical_server_is_nearly_always_found_equal),
        cmocka_unit_test(a_server_five_percent_slower_is_found),
        cmocka_unit_test(the_most_pairs_are_taken),
        cmocka_unit_test(a_ratio_of_nothing_is_our_own_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
