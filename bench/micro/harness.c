/* harness: rounds of equal work under CLOCK_MONOTONIC. Owns nothing; one thread.
 * Bounds: ROUNDS rounds of about ROUND_NS each and as much again to warm up, 0.2 s a row. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Rounds that count; odd, so that the median is one of them. */
#define ROUNDS 31

/* Least time of a round: far above the clock's own cost and resolution. */
#define ROUND_NS 3000000U

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static uint64_t time_round(bench_fn fn, void *arg, uint64_t count)
{
    uint64_t before = now_ns();

    bench_hide(fn(arg, count));
    return now_ns() - before;
}

/* Doubles the work until a round is long enough; the caches and the clock speed settle meanwhile. */
static uint64_t warm_up(bench_fn fn, void *arg)
{
    uint64_t count = 1;

    while (time_round(fn, arg, count) < ROUND_NS)
        count *= 2;
    return count;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static struct bench_result measure(bench_fn fn, void *arg)
{
    uint64_t count = warm_up(fn, arg);
    double rounds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++)
        rounds[i] = (double)time_round(fn, arg, count) / (double)count;
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    return (struct bench_result){rounds[ROUNDS / 2], rounds[0], rounds[ROUNDS - 1]};
}

static void print_row(const char *name, struct bench_result result)
{
    printf("%-44s %9.2f   %9.2f .. %-9.2f", name, result.median, result.least, result.most);
}

void bench_title(const char *title)
{
    printf("%-44s %9s   %9s .. %-9s %8s\n", title, "ns/op", "least", "most", "ratio");
}

struct bench_result bench_run(const char *name, bench_fn fn, void *arg)
{
    struct bench_result result = measure(fn, arg);

    print_row(name, result);
    putchar('\n');
    return result;
}

struct bench_result bench_run_against(const char *name, bench_fn fn, void *arg,
                                      struct bench_result baseline)
{
    struct bench_result result = measure(fn, arg);

    print_row(name, result);
    printf(" %7.2fx\n", result.median / baseline.median);
    return result;
}
