/* histogram: every value has its bucket, quantiles are within 0.1 % of a sorted array, lost queries stand above all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "local53/base/rng.h"
#include "measure/histogram.h"
#include "same_histogram.h"

#define VALUES 20000

static void values_below_2048_have_a_bucket_each(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < 2048; ns++) {
        assert_int_equal(histogram_bucket(ns), ns);
        assert_int_equal(histogram_lowest(ns), ns);
        assert_int_equal(histogram_highest(ns), ns);
    }
}

static void the_buckets_lie_end_to_end_from_zero_to_the_longest_value(void **state)
{
    (void)state;
    assert_int_equal(histogram_lowest(0), 0);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t lowest = histogram_lowest(i);
        uint64_t highest = histogram_highest(i);
        assert_int_equal(histogram_bucket(lowest), i);
        assert_int_equal(histogram_bucket(highest), i);
        assert_true((highest - lowest) * 1024 <= lowest);
        if (i + 1 < HISTOGRAM_BUCKETS)
            assert_int_equal(histogram_lowest(i + 1), highest + 1);
    }
    assert_int_equal(histogram_highest(HISTOGRAM_BUCKETS - 1), HISTOGRAM_MAX_NS);
}

static void a_value_past_the_longest_counts_in_the_last_bucket(void **state)
{
    struct histogram h;
    (void)state;
    histogram_init(&h);
    assert_int_equal(histogram_bucket(HISTOGRAM_MAX_NS + 1), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    histogram_record(&h, HISTOGRAM_MAX_NS * 2);
    assert_int_equal(histogram_quantile(&h, 0.5).ns, HISTOGRAM_MAX_NS);
    assert_int_equal(h.max_ns, HISTOGRAM_MAX_NS * 2);
    histogram_deinit(&h);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds over all magnitudes: 1 ns to 137 s. */
static uint64_t any_magnitude(struct rng *rng)
{
    return rng_u64(rng) >> (27 + rng_below(rng, 37));
}

static void quantiles_are_within_a_thousandth_of_a_sorted_array(void **state)
{
    static uint64_t values[VALUES];
    struct histogram h;
    struct rng rng;
    (void)state;
    histogram_init(&h);
    rng_init_seeded(&rng, 53);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = any_magnitude(&rng);
        histogram_record(&h, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), by_value);
    for (size_t i = 0; i <= 10000; i++) {
        size_t rank = (i * VALUES + 9999) / 10000;
        uint64_t truth = values[rank == 0 ? 0 : rank - 1];
        struct quantile q = histogram_quantile(&h, (double)i / 10000);
        assert_false(q.at_least);
        assert_true(q.ns >= truth);
        assert_true((q.ns - truth) * 1000 <= truth);
    }
    assert_int_equal(histogram_quantile(&h, 1).ns, values[VALUES - 1]);
    assert_int_equal(h.min_ns, values[0]);
    assert_int_equal(h.max_ns, values[VALUES - 1]);
    histogram_deinit(&h);
}

static void the_rank_of_a_share_is_not_moved_by_rounding(void **state)
{
    (void)state;
    assert_int_equal(histogram_rank(100, 0.07), 7);
    assert_int_equal(histogram_rank(1000, 0.999), 999);
    assert_int_equal(histogram_rank(1001, 0.999), 1000);
    assert_int_equal(histogram_rank(3, 0.5), 2);
    assert_int_equal(histogram_rank(10, 0), 1);
    assert_int_equal(histogram_rank(10, 1), 10);
    assert_int_equal(histogram_rank(0, 0.5), 0);
    for (uint64_t total = 1; total < 400; total++) {
        for (uint64_t k = 1; k <= total; k++)
            assert_int_equal(histogram_rank(total, (double)k / (double)total), k);
    }
}

static void an_empty_one_gives_zeroes(void **state)
{
    struct histogram h;
    (void)state;
    histogram_init(&h);
    assert_int_equal(histogram_quantile(&h, 0.99).ns, 0);
    assert_false(histogram_quantile(&h, 0.99).at_least);
    assert_true(histogram_mean(&h) == 0);
    assert_int_equal(histogram_above(&h, 0), 0);
    assert_int_equal(h.min_ns, UINT64_MAX);
    histogram_deinit(&h);
    histogram_deinit(&(struct histogram){0});
}

static void lost_queries_stand_above_all_measured_values(void **state)
{
    struct histogram h;
    (void)state;
    histogram_init(&h);
    for (int i = 0; i < 98; i++)
        histogram_record(&h, 1000);
    histogram_record_at_least(&h, 1000000000);
    histogram_record_at_least(&h, 500000000);
    assert_int_equal(histogram_quantile(&h, 0.98).ns, 1000);
    assert_false(histogram_quantile(&h, 0.98).at_least);
    assert_int_equal(histogram_quantile(&h, 0.99).ns, 500000000);
    assert_true(histogram_quantile(&h, 0.99).at_least);
    assert_int_equal(histogram_quantile(&h, 1).ns, 500000000);
    histogram_deinit(&h);
}

static void a_lost_query_is_worse_than_an_answer_slower_than_the_timeout(void **state)
{
    struct histogram h;
    (void)state;
    histogram_init(&h);
    histogram_record_at_least(&h, 1000000000);
    histogram_record(&h, 1200000000);
    assert_false(histogram_quantile(&h, 0.5).at_least);
    assert_int_equal(histogram_quantile(&h, 0.5).ns, 1200000000);
    assert_true(histogram_quantile(&h, 1).at_least);
    assert_int_equal(histogram_quantile(&h, 1).ns, 1200000000);
    histogram_deinit(&h);
}

static void when_all_are_lost_every_quantile_is_at_least_the_timeout(void **state)
{
    struct histogram h;
    (void)state;
    histogram_init(&h);
    histogram_record_at_least(&h, 500000000);
    histogram_record_at_least(&h, 500000000);
    assert_true(histogram_quantile(&h, 0).at_least);
    assert_int_equal(histogram_quantile(&h, 0).ns, 500000000);
    assert_true(histogram_mean(&h) == 5e8);
    histogram_deinit(&h);
}

static void values_above_a_limit_are_counted_by_bucket_and_lost_ones_always(void **state)
{
    struct histogram h;
    (void)state;
    histogram_init(&h);
    histogram_record(&h, 100);
    histogram_record(&h, 101);
    histogram_record(&h, 5000);
    histogram_record_at_least(&h, 50);
    assert_int_equal(histogram_above(&h, 99), 4);
    assert_int_equal(histogram_above(&h, 100), 3);
    assert_int_equal(histogram_above(&h, 5000), 1);
    assert_int_equal(histogram_above(&h, UINT64_MAX), 1);
    histogram_deinit(&h);
}

static void two_merged_are_what_one_would_have_counted(void **state)
{
    struct histogram one;
    struct histogram parts[2];
    struct rng rng;
    (void)state;
    histogram_init(&one);
    histogram_init(&parts[0]);
    histogram_init(&parts[1]);
    rng_init_seeded(&rng, 7);
    for (size_t i = 0; i < 1000; i++) {
        uint64_t ns = any_magnitude(&rng) >> 10;
        if (i % 10 == 0) {
            histogram_record_at_least(&one, ns);
            histogram_record_at_least(&parts[i % 3 == 0], ns);
        } else {
            histogram_record(&one, ns);
            histogram_record(&parts[i % 3 == 0], ns);
        }
    }
    histogram_merge(&parts[0], &parts[1]);
    assert_same_histogram(&parts[0], &one);
    histogram_deinit(&one);
    histogram_deinit(&parts[0]);
    histogram_deinit(&parts[1]);
}

static void a_copy_stands_alone_and_clearing_forgets_all(void **state)
{
    struct histogram a;
    struct histogram b;
    struct histogram fresh;
    (void)state;
    histogram_init(&a);
    histogram_init(&b);
    histogram_init(&fresh);
    histogram_record(&a, 10);
    histogram_record_at_least(&a, 20);
    histogram_copy(&b, &a);
    assert_same_histogram(&a, &b);
    histogram_clear(&a);
    assert_same_histogram(&a, &fresh);
    assert_int_equal(b.total, 2);
    assert_int_equal(b.counts[10], 1);
    histogram_deinit(&a);
    histogram_deinit(&b);
    histogram_deinit(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_below_2048_have_a_bucket_each),
        cmocka_unit_test(the_buckets_lie_end_to_end_from_zero_to_the_longest_value),
        cmocka_unit_test(a_value_past_the_longest_counts_in_the_last_bucket),
        cmocka_unit_test(quantiles_are_within_a_thousandth_of_a_sorted_array),
        cmocka_unit_test(the_rank_of_a_share_is_not_moved_by_rounding),
        cmocka_unit_test(an_empty_one_gives_zeroes),
        cmocka_unit_test(lost_queries_stand_above_all_measured_values),
        cmocka_unit_test(a_lost_query_is_worse_than_an_answer_slower_than_the_timeout),
        cmocka_unit_test(when_all_are_lost_every_quantile_is_at_least_the_timeout),
        cmocka_unit_test(values_above_a_limit_are_counted_by_bucket_and_lost_ones_always),
        cmocka_unit_test(two_merged_are_what_one_would_have_counted),
        cmocka_unit_test(a_copy_stands_alone_and_clearing_forgets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
