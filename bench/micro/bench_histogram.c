/* bench_histogram: what an answer's latency costs to count, over adding to one counter, and what a
 * quantile costs to read. */
#include "harness.h"

#include "measure/histogram.h"

/* Latencies of all magnitudes of a run, taken in turn: a power of two. */
#define VALUES 4096

struct counting {
    struct histogram histogram; /* of what is recorded */
    uint64_t values[VALUES];    /* nanoseconds, 16 us to 2 ms */
    uint64_t plain[VALUES];     /* the counters of the baseline */
};

static uint64_t count_plain(void *arg, uint64_t count)
{
    struct counting *c = arg;

    for (uint64_t i = 0; i < count; i++)
        c->plain[bench_hide(c->values[i % VALUES]) % VALUES]++;
    return c->plain[0];
}

static uint64_t record(void *arg, uint64_t count)
{
    struct counting *c = arg;

    for (uint64_t i = 0; i < count; i++)
        histogram_record(&c->histogram, bench_hide(c->values[i % VALUES]));
    return c->histogram.total;
}

static uint64_t quantile(void *arg, uint64_t count)
{
    struct counting *c = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++)
        sum += histogram_quantile(&c->histogram, 0.99).ns;
    return sum;
}

int main(void)
{
    static struct counting c;
    struct bench_result baseline;
    uint64_t seed = 53;

    histogram_init(&c.histogram);
    for (uint64_t i = 0; i < VALUES; i++) {
        /* Knuth's MMIX generator; the upper bits choose the octave and the place in it. */
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        c.values[i] = (1ULL << (14 + (seed >> 40) % 7)) + (seed >> 33) % 16384;
    }
    bench_title("histogram: counting a latency, reading a quantile");
    baseline = bench_run("plain counter", count_plain, &c);
    bench_run_against("histogram_record", record, &c, baseline);
    bench_run("histogram_quantile", quantile, &c);
    histogram_deinit(&c.histogram);
    return 0;
}
