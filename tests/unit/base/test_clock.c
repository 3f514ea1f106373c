/* clock: the units are right and nothing runs backwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "local53/base/clock.h"

static void monotonic_time_never_goes_back(void **state)
{
    uint64_t us = clock_monotonic_us();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t next_us = clock_monotonic_us();

        assert_true(next_us >= us);
        us = next_us;
    }
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
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(wall_time_is_in_milliseconds_since_1970),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
