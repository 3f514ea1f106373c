/* harness: times small functions and prints one row each. A benchmark of a module is a list of
 * bench_run calls; ratios are to a baseline measured in the same run, since nanoseconds of one
 * machine say little about another's. */
#ifndef LOCAL53_BENCH_HARNESS_H
#define LOCAL53_BENCH_HARNESS_H

#include <stdint.h>

/* What is measured: does the operation `count` times. The result is kept, so that the compiler
 * cannot leave the work out. */
typedef uint64_t (*bench_fn)(void *arg, uint64_t count);

/* Nanoseconds an operation, over the rounds of one run. */
struct bench_result {
    double median; /* what is compared */
    double least;  /* fastest round */
    double most;   /* slowest round */
};

/* Prints the heading of the table, once, before the rows. */
void bench_title(const char *title);

/* Warms up, finds the count at which a round takes some milliseconds, runs the rounds and prints
 * the row: name, median, least..most. */
struct bench_result bench_run(const char *name, bench_fn fn, void *arg);

/* As bench_run, with the ratio of the medians to a result of the same run at the end of the row. */
struct bench_result bench_run_against(const char *name, bench_fn fn, void *arg,
                                      struct bench_result baseline);

/* Makes a value count as used, and as unknown to the compiler from here on. */
static inline uint64_t bench_hide(uint64_t value)
{
    __asm__ volatile("" : "+r"(value) : : "memory");
    return value;
}

#endif
