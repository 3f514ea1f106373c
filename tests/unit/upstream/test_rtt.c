/* Round trips and time-outs (RFC 6298). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/upstream/rtt.h"

static void before_any_answer_the_time_out_is_the_start_value(void **state)
{
    struct rtt rtt = {0};
    (void)state;
    assert_int_equal(rtt_timeout_ms(&rtt), RTT_TIMEOUT_START_MS);
}

/* RFC 6298 section 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR. */
static void the_first_answer_sets_mean_and_half_of_it_as_variation(void **state)
{
    struct rtt rtt = {0};
    (void)state;
    rtt_observe(&rtt, 200000);
    assert_int_equal(rtt.srtt_us, 200000);
    assert_int_equal(rtt.rttvar_us, 100000);
    assert_int_equal(rtt_timeout_ms(&rtt), 600);
}

/* RFC 6298 section 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT = 7/8 SRTT + 1/8 R. */
static void later_answers_are_smoothed_by_eighths_and_quarters(void **state)
{
    struct rtt rtt = {.srtt_us = 80000, .rttvar_us = 40000};
    (void)state;
    rtt_observe(&rtt, 160000);
    assert_int_equal(rtt.rttvar_us, (3 * 40000 + 80000) / 4);
    assert_int_equal(rtt.srtt_us, (7 * 80000 + 160000) / 8);
    rtt_observe(&rtt, 10000);
    assert_int_equal(rtt.rttvar_us, (3 * 50000 + 80000) / 4);
    assert_int_equal(rtt.srtt_us, (7 * 90000 + 10000) / 8);
}

static void a_fast_server_gets_the_least_time_out_and_a_slow_one_the_longest(void **state)
{
    struct rtt fast = {0};
    struct rtt slow = {0};
    (void)state;
    for (int i = 0; i < 50; i++) {
        rtt_observe(&fast, 0);
        rtt_observe(&slow, UINT32_MAX);
    }
    assert_true(fast.srtt_us > 0);
    assert_int_equal(rtt_timeout_ms(&fast), RTT_TIMEOUT_MIN_MS);
    assert_int_equal(rtt_timeout_ms(&slow), RTT_TIMEOUT_MAX_MS);
}

/* RFC 6298 section 5.5. */
static void each_time_out_doubles_the_next_up_to_the_longest(void **state)
{
    struct rtt rtt = {.srtt_us = 1000, .rttvar_us = 100};
    static const uint32_t expected_ms[] = {200, 400, 800, 1500, 1500};
    (void)state;
    for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
        assert_int_equal(rtt_timeout_ms(&rtt), expected_ms[i]);
        rtt_timed_out(&rtt);
    }
    for (int i = 0; i < 1000; i++)
        rtt_timed_out(&rtt);
    assert_int_equal(rtt_timeout_ms(&rtt), RTT_TIMEOUT_MAX_MS);
}

static void an_answer_ends_the_doubling(void **state)
{
    struct rtt rtt = {0};
    (void)state;
    rtt_timed_out(&rtt);
    rtt_timed_out(&rtt);
    rtt_observe(&rtt, 10000);
    assert_int_equal(rtt_timeout_ms(&rtt), RTT_TIMEOUT_MIN_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_answer_the_time_out_is_the_start_value),
        cmocka_unit_test(the_first_answer_sets_mean_and_half_of_it_as_variation),
        cmocka_unit_test(later_answers_are_smoothed_by_eighths_and_quarters),
        cmocka_unit_test(a_fast_server_gets_the_least_time_out_and_a_slow_one_the_longest),
        cmocka_unit_test(each_time_out_doubles_the_next_up_to_the_longest),
        cmocka_unit_test(an_answer_ends_the_doubling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
