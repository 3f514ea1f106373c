/* zipf: how often each rank is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "workload/zipf.h"

#define DRAWS 1000000

/* Draws of each rank; the caller frees them. */
static uint32_t *histogram(uint32_t n, double s)
{
    struct zipf *zipf = zipf_new(n, s);
    uint32_t *counts = calloc(n, sizeof(*counts));
    struct rng rng;

    assert_non_null(counts);
    rng_init_seeded(&rng, 53);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint32_t rank = zipf_draw(zipf, &rng);
        assert_true(rank < n);
        counts[rank]++;
    }
    zipf_free(zipf);
    return counts;
}

/* Five standard deviations: the seed is fixed, so this holds always or never. */
static void assert_share(uint32_t count, double share)
{
    double expected = share * DRAWS;
    double slack = 5 * sqrt(expected * (1 - share)) + 1;

    assert_true(fabs(count - expected) <= slack);
}

static void ranks_come_in_proportion_to_their_weight(void **state)
{
    static const double exponents[] = {0.5, 1.0, 2.0, 5.0};

    (void)state;
    for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++) {
        uint32_t *counts = histogram(1000, exponents[i]);
        double sum = 0;

        for (uint32_t rank = 0; rank < 1000; rank++)
            sum += pow(rank + 1.0, -exponents[i]);
        for (uint32_t rank = 0; rank < 1000; rank++)
            assert_share(counts[rank], pow(rank + 1.0, -exponents[i]) / sum);
        free(counts);
    }
}

static void an_exponent_of_zero_is_uniform(void **state)
{
    uint32_t *counts = histogram(7, 0);

    (void)state;
    for (uint32_t rank = 0; rank < 7; rank++)
        assert_share(counts[rank], 1.0 / 7);
    free(counts);
}

static void one_rank_is_always_drawn(void **state)
{
    uint32_t *counts = histogram(1, 1.0);

    (void)state;
    assert_int_equal(counts[0], DRAWS);
    free(counts);
}

static void four_million_ranks_are_all_reached_from_first_to_last(void **state)
{
    const uint32_t n = 4000000;
    struct zipf *zipf = zipf_new(n, 0);
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    struct rng rng;

    (void)state;
    rng_init_seeded(&rng, 1);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint32_t rank = zipf_draw(zipf, &rng);
        least = rank < least ? rank : least;
        most = rank > most ? rank : most;
    }
    assert_true(least < 40);
    assert_true(most < n && most > n - 40);
    zipf_free(zipf);
}

static void the_same_seed_draws_the_same(void **state)
{
    struct zipf *zipf = zipf_new(100, 1.0);
    struct rng a;
    struct rng b;

    (void)state;
    rng_init_seeded(&a, 9);
    rng_init_seeded(&b, 9);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zipf_draw(zipf, &a), zipf_draw(zipf, &b));
    zipf_free(zipf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_come_in_proportion_to_their_weight),
        cmocka_unit_test(an_exponent_of_zero_is_uniform),
        cmocka_unit_test(one_rank_is_always_drawn),
        cmocka_unit_test(four_million_ranks_are_all_reached_from_first_to_last),
        cmocka_unit_test(the_same_seed_draws_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
