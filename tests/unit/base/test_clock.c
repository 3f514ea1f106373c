/* clock: the units are right and nothing runs backwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "local53/base/clock.h"

static void monotonic_time_never_goes_back_and_is_never_zero(void **state)
{
    uint64_t ms = clock_monotonic_ms();
    uint64_t us = clock_monotonic_us();

    (void)state;
    assert_true(ms > 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t next_ms = clock_monotonic_ms();
        uint64_t next_us = clock_monotonic_us();

        assert_true(next_ms >= ms && next_us >= us);
        ms = next_ms;
        us = next_us;
    }
}

/* The coarse clock lags by a tick, at most 10 ms; the reads may be a while apart on a busy machine. */
static void both_monotonic_clocks_tell_the_same_time(void **state)
{
    uint64_t before_ms = clock_monotonic_ms();
    uint64_t between_us = clock_monotonic_us();
    uint64_t after_ms = clock_monotonic_ms();

    (void)state;
    assert_in_range(between_us / 1000, before_ms - 1, after_ms + 20);
}

static void wall_time_is_in_milliseconds_since_1970(void **state)
{
    uint64_t before = (uint64_t)time(NULL) - 1;
    uint64_t now = clock_wall_ms() / 1000;

    (void)state;
    assert_in_range(now, before, (uint64_t)time(NULL) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back_and_is_never_zero),
        cmocka_unit_test(both_monotonic_clocks_tell_the_same_time),
        cmocka_unit_test(wall_time_is_in_milliseconds_since_1970),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
