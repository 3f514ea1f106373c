/* sketch: quantiles are within 1/64 of a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "local53/base/rng.h"
#include "measure/sketch.h"

#define VALUES 20000
#define LONGEST_NS ((1ULL << 37) - 1)

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds over all magnitudes from 1024 ns to 137 s. */
static uint64_t any_magnitude(struct rng *rng)
{
    unsigned bits = 10 + rng_below(rng, 27);
    return (1ULL << bits) + (rng_u64(rng) & ((1ULL << bits) - 1));
}

static void quantiles_are_within_a_64th_of_a_sorted_array(void **state)
{
    static uint64_t values[VALUES];
    struct sketch sketch = {0};
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 53);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = any_magnitude(&rng);
        sketch_record(&sketch, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), by_value);
    for (size_t i = 1; i <= 1000; i++) {
        uint64_t truth = values[(i * VALUES + 999) / 1000 - 1];
        uint64_t read = sketch_quantile(&sketch, (double)i / 1000);
        uint64_t off = read > truth ? read - truth : truth - read;
        assert_true(off * 64 <= truth);
    }
    assert_int_equal(sketch.max_ns, values[VALUES - 1]);
}

static void the_edges_of_every_octave_are_told_apart(void **state)
{
    (void)state;
    for (unsigned bits = 10; bits < 37; bits++) {
        struct sketch sketch = {0};
        sketch_record(&sketch, (1ULL << bits) - 1);
        sketch_record(&sketch, 1ULL << bits);
        sketch_record(&sketch, LONGEST_NS);
        assert_true(sketch_quantile(&sketch, 0.3) < 1ULL << bits);
        assert_true(sketch_quantile(&sketch, 0.6) >= 1ULL << bits);
    }
}

static void below_a_microsecond_the_steps_are_32_ns(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < 1024; ns++) {
        struct sketch sketch = {0};
        sketch_record(&sketch, ns);
        sketch_record(&sketch, LONGEST_NS);
        assert_int_equal(sketch_quantile(&sketch, 0.5), ns / 32 * 32 + 16);
    }
}

static void no_quantile_is_above_the_largest_value(void **state)
{
    struct sketch sketch = {0};
    (void)state;
    sketch_record(&sketch, 1000000);
    assert_int_equal(sketch_quantile(&sketch, 0.5), 1000000);
    assert_int_equal(sketch_quantile(&sketch, 1), 1000000);
}

static void a_value_past_the_longest_counts_in_the_last_bucket(void **state)
{
    struct sketch sketch = {0};
    (void)state;
    sketch_record(&sketch, UINT64_MAX);
    assert_int_equal(sketch.counts[SKETCH_BUCKETS - 1], 1);
    assert_int_equal(sketch.max_ns, UINT64_MAX);
    sketch_record(&sketch, LONGEST_NS);
    assert_int_equal(sketch.counts[SKETCH_BUCKETS - 1], 2);
}

static void an_empty_one_gives_zero(void **state)
{
    struct sketch sketch = {0};
    (void)state;
    assert_int_equal(sketch_quantile(&sketch, 0.99), 0);
}

static void two_merged_are_what_one_would_have_counted(void **state)
{
    struct sketch one = {0};
    struct sketch parts[2] = {{{0}, 0, 0}, {{0}, 0, 0}};
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 7);
    for (size_t i = 0; i < 1000; i++) {
        uint64_t ns = any_magnitude(&rng);
        sketch_record(&one, ns);
        sketch_record(&parts[i % 3 == 0], ns);
    }
    sketch_merge(&parts[0], &parts[1]);
    assert_memory_equal(one.counts, parts[0].counts, sizeof(one.counts));
    assert_int_equal(one.total, parts[0].total);
    assert_int_equal(one.max_ns, parts[0].max_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_within_a_64th_of_a_sorted_array),
        cmocka_unit_test(the_edges_of_every_octave_are_told_apart),
        cmocka_unit_test(below_a_microsecond_the_steps_are_32_ns),
        cmocka_unit_test(no_quantile_is_above_the_largest_value),
        cmocka_unit_test(a_value_past_the_longest_counts_in_the_last_bucket),
        cmocka_unit_test(an_empty_one_gives_zero),
        cmocka_unit_test(two_merged_are_what_one_would_have_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
