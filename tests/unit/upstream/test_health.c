/* When a server is down and when it is probed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/upstream/health.h"

static void fail_times(struct health *health, int times, uint64_t now_ms, struct rng *rng)
{
    for (int i = 0; i < times; i++)
        health_failure(health, now_ms, rng);
}

static void three_failures_in_a_row_take_it_down(void **state)
{
    struct health health = {0};
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 1);
    fail_times(&health, 2, 1000, &rng);
    assert_false(health.down);
    fail_times(&health, 1, 1000, &rng);
    assert_true(health.down);
}

static void an_answer_between_failures_starts_the_count_anew(void **state)
{
    struct health health = {0};
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 1);
    fail_times(&health, 2, 1000, &rng);
    health_success(&health);
    fail_times(&health, 2, 1000, &rng);
    assert_false(health.down);
    fail_times(&health, 1, 1000, &rng);
    assert_true(health.down);
    health_success(&health);
    assert_false(health.down);
}

static void a_server_that_is_up_is_never_probed(void **state)
{
    struct health health = {0};
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 1);
    assert_false(health_probe_due(&health, UINT64_MAX, &rng));
    fail_times(&health, 3, 0, &rng);
    health_success(&health);
    assert_false(health_probe_due(&health, UINT64_MAX, &rng));
}

/* Goes through time in steps of 1 ms and notes the first 6 probes. */
static void note_probes(uint64_t seed, uint64_t at_ms[6])
{
    struct health health = {0};
    struct rng rng;
    size_t count = 0;
    rng_init_seeded(&rng, seed);
    fail_times(&health, 3, 0, &rng);
    for (uint64_t now_ms = 0; count < 6 && now_ms < 60000; now_ms++) {
        if (health_probe_due(&health, now_ms, &rng))
            at_ms[count++] = now_ms;
    }
    assert_int_equal(count, 6);
}

static void
probes_come_1_2_4_5_5_seconds_apart_never_later_and_a_quarter_earlier_at_most(void **state)
{
    static const uint64_t interval_ms[6] = {1000, 2000, 4000, 5000, 5000, 5000};
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        uint64_t at_ms[6];
        note_probes(seed, at_ms);
        for (size_t i = 0; i < 6; i++) {
            uint64_t waited_ms = at_ms[i] - (i == 0 ? 0 : at_ms[i - 1]);
            assert_in_range(waited_ms, interval_ms[i] * 3 / 4, interval_ms[i]);
        }
    }
}

static void probes_of_different_nodes_are_not_in_step(void **state)
{
    uint64_t one_ms[6];
    uint64_t other_ms[6];
    (void)state;
    note_probes(1, one_ms);
    note_probes(2, other_ms);
    assert_true(one_ms[0] != other_ms[0] || one_ms[1] != other_ms[1]);
}

static void failures_while_it_is_down_do_not_put_the_probe_off(void **state)
{
    struct health health = {0};
    struct rng rng;
    (void)state;
    rng_init_seeded(&rng, 1);
    fail_times(&health, 3, 0, &rng);
    for (uint64_t now_ms = 0; now_ms < HEALTH_PROBE_MIN_MS; now_ms++)
        health_failure(&health, now_ms, &rng);
    assert_true(health_probe_due(&health, HEALTH_PROBE_MIN_MS, &rng));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_failures_in_a_row_take_it_down),
        cmocka_unit_test(an_answer_between_failures_starts_the_count_anew),
        cmocka_unit_test(a_server_that_is_up_is_never_probed),
        cmocka_unit_test(
            probes_come_1_2_4_5_5_seconds_apart_never_later_and_a_quarter_earlier_at_most),
        cmocka_unit_test(probes_of_different_nodes_are_not_in_step),
        cmocka_unit_test(failures_while_it_is_down_do_not_put_the_probe_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
