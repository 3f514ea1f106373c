/* bench_metrics: what counting costs, against a locked addition to one shared number. */
#include "harness.h"

#include <stdatomic.h>

#include "local53/base/metrics.h"

static uint64_t add_locked(void *arg, uint64_t count)
{
    _Atomic uint64_t *number = arg;

    for (uint64_t i = 0; i < count; i++)
        atomic_fetch_add_explicit(number, 1, memory_order_relaxed);
    return atomic_load(number);
}

static uint64_t add(void *arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        metrics_add(arg, METRICS_QUERIES, i % 2, 1);
    return count;
}

static uint64_t observe(void *arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        metrics_observe(arg, METRICS_HISTOGRAM_LATENCY_LOCAL, 0, i % 128);
    return count;
}

int main(void)
{
    struct metrics *metrics = metrics_new();
    _Atomic uint64_t number = 0;
    struct bench_result baseline;

    bench_title("metrics: one observation");
    baseline = bench_run("locked addition", add_locked, &number);
    bench_run_against("metrics_add", add, metrics, baseline);
    bench_run_against("metrics_observe", observe, metrics, baseline);
    metrics_free(metrics);
    return 0;
}
