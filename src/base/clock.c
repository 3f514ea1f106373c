/* clock: reads the kernel's clocks through the vDSO. Owns nothing; any thread. */
#include "local53/base/clock.h"

#include <time.h>

#include "local53/base/check.h"

/* A clock in units of 1/per_second seconds. */
static uint64_t clock_read(clockid_t clock, uint64_t per_second)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * per_second + (uint64_t)now.tv_nsec / (1000000000U / per_second);
}

uint64_t clock_monotonic_us(void)
{
    return clock_read(CLOCK_MONOTONIC, 1000000);
}

uint64_t clock_monotonic_ns(void)
{
    return clock_read(CLOCK_MONOTONIC, 1000000000U);
}

uint64_t clock_wall_ms(void)
{
    return clock_read(CLOCK_REALTIME, 1000);
}

uint64_t clock_thread_us(pthread_t thread)
{
    clockid_t clock;

    if (pthread_getcpuclockid(thread, &clock) != 0)
        return 0;
    return clock_read(clock, 1000000);
}
