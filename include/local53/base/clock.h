/* clock: the two clocks the programs read. Only the net layer's loop, the log's time stamps
 * and the application call these; everyone else is handed now_ms. */
#ifndef LOCAL53_BASE_CLOCK_H
#define LOCAL53_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

/* Microseconds of a clock that never jumps (CLOCK_MONOTONIC), for latencies. */
uint64_t clock_monotonic_us(void);

/* The same clock in nanoseconds, for load testing. */
uint64_t clock_monotonic_ns(void);

/* Wall clock in milliseconds since 1970, for logs and reports. */
uint64_t clock_wall_ms(void);

/* Microseconds of processor time a thread has taken; 0 when it has ended. */
uint64_t clock_thread_us(pthread_t thread);

#endif
