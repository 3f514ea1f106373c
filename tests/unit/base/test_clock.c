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

static void a_thread_is_told_the_processor_time_it_took(void **state)
{
    uint64_t before_us = clock_thread_us(pthread_self());
    uint64_t begun_us = clock_monotonic_us();
    uint64_t took_us = 0;

    (void)state;
    while (took_us < 2000)
        took_us = clock_thread_us(pthread_self()) - before_us;
    assert_in_range(took_us, 2000, clock_monotonic_us() - begun_us + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(wall_time_is_in_milliseconds_since_1970),
        cmocka_unit_test(a_thread_is_told_the_processor_time_it_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
