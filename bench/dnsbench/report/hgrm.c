/* hgrm: HdrHistogram's percentile distribution (AbstractHistogram.outputPercentileDistribution):
 * steps of the percentile get half as long each time the distance to 100 % halves, so the tail has
 * as many rows as the rest.
 * Owns: nothing. Thread: any. Bounds: 5 rows a halving, about 250 for the largest count.
 * Fails: out of memory is fatal. */
#include "report/hgrm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "local53/base/check.h"

#define TICKS_PER_HALF_DISTANCE 5
#define NS_PER_UNIT 1e6
#define SUB_BUCKETS (1U << HISTOGRAM_SUB_BITS)
#define POWER_BUCKETS (HISTOGRAM_BUCKETS / (SUB_BUCKETS / 2) - 1)

/* The level after this one, in percent. */
static double next_level(double level)
{
    double halvings = floor(log2(100 / (100 - level))) + 1;

    return level + 100 / (TICKS_PER_HALF_DISTANCE * exp2(halvings));
}

/* Where the rows have come to. */
struct rows {
    FILE *out;      /* to where */
    uint64_t seen;  /* values up to here */
    uint64_t total; /* of all */
    double level;   /* of the next row, in percent */
    double value;   /* that of the last values seen, in the unit of the output */
};

/* The rows of the levels that this many more values of ns reach. */
static void write_values(struct rows *rows, uint64_t ns, uint64_t count)
{
    if (count == 0)
        return;
    rows->seen += count;
    rows->value = (double)ns / NS_PER_UNIT;
    while (100 * (double)rows->seen / (double)rows->total >= rows->level) {
        fprintf(rows->out, "%12.6f %2.12f %10llu %14.2f\n", rows->value, rows->level / 100,
                (unsigned long long)rows->seen, 1 / (1 - rows->level / 100));
        rows->level = next_level(rows->level);
        if (rows->seen == rows->total)
            return;
    }
}

/* What is only known to be at least something stands after all that was measured, at the least
 * it can be. */
static void write_rows(FILE *out, const struct histogram *h)
{
    struct rows rows = {.out = out, .total = h->total};
    uint64_t last = 0;

    if (h->total == 0)
        return;
    for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        if (h->counts[bucket] > 0)
            last = histogram_highest(bucket);
        write_values(&rows, last, h->counts[bucket]);
    }
    write_values(&rows, h->censored_min_ns > last ? h->censored_min_ns : last, h->censored);
    fprintf(out, "%12.6f %2.12f %10llu\n", rows.value, 1.0, (unsigned long long)h->total);
}

/* Of the buckets' middles, and of the censored as they were recorded. */
static double deviation(const struct histogram *h, double mean)
{
    double censored = (double)h->censored_min_ns - mean;
    double squares = h->censored == 0 ? 0 : (double)h->censored * censored * censored;

    if (h->total == 0)
        return 0;
    for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t lowest = histogram_lowest(bucket);
        uint64_t width = histogram_highest(bucket) - lowest + 1;
        uint64_t middle_ns = lowest + width / 2;
        double middle = (double)middle_ns;
        squares += (double)h->counts[bucket] * (middle - mean) * (middle - mean);
    }
    return sqrt(squares / (double)h->total);
}

char *hgrm_write(const struct histogram *h)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    double mean = histogram_mean(h);

    CHECK(out != NULL);
    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    write_rows(out, h);
    fprintf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", mean / NS_PER_UNIT,
            deviation(h, mean) / NS_PER_UNIT);
    fprintf(out, "#[Max     = %12.6f, Total count    = %12llu]\n", (double)h->max_ns / NS_PER_UNIT,
            (unsigned long long)h->total);
    fprintf(out, "#[Buckets = %12llu, SubBuckets     = %12u]\n", (unsigned long long)POWER_BUCKETS,
            SUB_BUCKETS);
    CHECK(fclose(out) == 0);
    return text;
}
