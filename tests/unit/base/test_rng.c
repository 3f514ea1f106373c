/* rng: repeatable when seeded, not when not; wiped; within its bound and even. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "local53/base/rng.h"

static void the_same_seed_gives_the_same_numbers(void **state)
{
    struct rng a;
    struct rng b;

    (void)state;
    rng_init_seeded(&a, 53);
    rng_init_seeded(&b, 53);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rng_u32(&a), rng_u32(&b));
    rng_init_seeded(&b, 54);
    assert_int_not_equal(rng_u64(&a), rng_u64(&b));
}

/* Two of the kernel's being equal has a chance of 2^-64. */
static void the_kernels_numbers_differ(void **state)
{
    struct rng a;
    struct rng b;

    (void)state;
    rng_init(&a);
    rng_init(&b);
    assert_int_not_equal(rng_u64(&a), rng_u64(&b));
    assert_int_not_equal(rng_u64(&a), rng_u64(&a));
}

static void octets_given_out_are_wiped_from_the_pool(void **state)
{
    static const uint8_t zeros[sizeof(((struct rng *)0)->pool)];
    struct rng rng;

    (void)state;
    rng_init_seeded(&rng, 1);
    rng_u64(&rng);
    rng_u32(&rng);
    rng_u16(&rng);
    assert_int_equal(rng.pos, 14);
    assert_memory_equal(rng.pool, zeros, rng.pos);
    assert_memory_not_equal(rng.pool + rng.pos, zeros, sizeof(rng.pool) - rng.pos);
}

static void a_number_never_straddles_two_pools(void **state)
{
    struct rng rng;

    (void)state;
    rng_init_seeded(&rng, 1);
    rng_u16(&rng);
    for (int i = 0; i < 100; i++) {
        rng_u64(&rng);
        assert_true(rng.pos <= sizeof(rng.pool));
    }
}

static void numbers_below_a_bound_are_even(void **state)
{
    enum { BOUND = 7, ROUNDS = 70000 };
    unsigned seen[BOUND] = {0};
    struct rng rng;

    (void)state;
    rng_init_seeded(&rng, 53);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t number = rng_below(&rng, BOUND);

        assert_true(number < BOUND);
        seen[number]++;
    }
    /* Expected 10000 each, standard deviation 93: six of them either way. */
    for (int i = 0; i < BOUND; i++)
        assert_in_range(seen[i], ROUNDS / BOUND - 558, ROUNDS / BOUND + 558);
}

static void the_widest_and_the_narrowest_bound_work(void **state)
{
    struct rng rng;
    uint32_t most = 0;

    (void)state;
    rng_init_seeded(&rng, 53);
    for (int i = 0; i < 1000; i++) {
        uint32_t number = rng_below(&rng, UINT32_MAX);

        assert_int_equal(rng_below(&rng, 1), 0);
        most = number > most ? number : most;
    }
    assert_true(most > UINT32_MAX / 100 * 98 && most < UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(the_kernels_numbers_differ),
        cmocka_unit_test(octets_given_out_are_wiped_from_the_pool),
        cmocka_unit_test(a_number_never_straddles_two_pools),
        cmocka_unit_test(numbers_below_a_bound_are_even),
        cmocka_unit_test(the_widest_and_the_narrowest_bound_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
