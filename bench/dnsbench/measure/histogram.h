/* histogram: counts of durations in log-linear buckets, the layout of HdrHistogram with 3
 * significant digits (G. Tene). The relative error is at most 2^-10, below 0.1 %. Unit:
 * nanoseconds. One thread writes. */
#ifndef DNSBENCH_MEASURE_HISTOGRAM_H
#define DNSBENCH_MEASURE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 11               /* 2048 sub-buckets, of which the upper half is used */
#define HISTOGRAM_MAX_NS ((1ULL << 37) - 1) /* about 137 s; longer ones are counted there */
#define HISTOGRAM_BUCKETS ((37 - 10 + 1) * 1024ULL) /* counters of one histogram, 8 octets each */

struct histogram {
    uint64_t *counts;         /* owned; HISTOGRAM_BUCKETS of them, of the measured values only */
    uint64_t total;           /* values recorded, censored ones included */
    uint64_t censored;        /* of these, known only to be at least what was recorded (timeouts) */
    uint64_t censored_min_ns; /* smallest of the censored; UINT64_MAX when there is none */
    uint64_t min_ns;          /* smallest value recorded; UINT64_MAX when there is none */
    uint64_t max_ns;          /* largest value recorded */
    double sum_ns;            /* of all values, for the mean */
};

/* A quantile: its value, and whether the truth is only known to be at least that. */
struct quantile {
    uint64_t
        ns; /* the highest value of the bucket it falls in, at most max_ns; 0 when empty. Among the
                    * censored: the smallest of these, or the largest measured if that is more */
    bool at_least; /* it falls among the censored values */
};

/* Allocates the counters, zeroed; out of memory is fatal. histogram_deinit accepts a zeroed one. */
void histogram_init(struct histogram *h);
void histogram_deinit(struct histogram *h);

/* The bucket of a value, and the lowest and highest value of a bucket. */
size_t histogram_bucket(uint64_t ns);
uint64_t histogram_lowest(size_t bucket);
uint64_t histogram_highest(size_t bucket);

/* Counts one value. On the path of every answer: no branch but the bounds. */
void histogram_record(struct histogram *h, uint64_t ns);

/* Counts one value known only to be at least ns (a timeout): it stands above all measured values,
 * whatever they are. */
void histogram_record_at_least(struct histogram *h, uint64_t ns);

/* Adds all of from to into; both initialised. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Copies, and forgets all values. */
void histogram_copy(struct histogram *to, const struct histogram *from);
void histogram_clear(struct histogram *h);

/* Which of total values in rising order is the quantile of a share (0..1): 1..total, the first that
 * at least that share does not exceed (nearest rank); 0 when total is. */
uint64_t histogram_rank(uint64_t total, double share);

/* The smallest recorded value that at least share (0..1) of all values do not exceed (nearest
 * rank). */
struct quantile histogram_quantile(const struct histogram *h, double share);

/* Arithmetic mean in nanoseconds, censored values at what was recorded; 0 when empty. */
double histogram_mean(const struct histogram *h);

/* How many values are above ns (their bucket is above that of ns); censored ones always are. */
uint64_t histogram_above(const struct histogram *h, uint64_t ns);

#endif
