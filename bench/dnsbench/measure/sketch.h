/* sketch: a small histogram (relative error 1/64, 1 us to 137 s) of which thousands fit in memory:
 * one an interval of the run. Unit: nanoseconds. One thread writes. */
#ifndef DNSBENCH_MEASURE_SKETCH_H
#define DNSBENCH_MEASURE_SKETCH_H

#include <stdint.h>

#define SKETCH_BUCKETS 896 /* 28 octaves of 32 */

struct sketch {
    uint32_t counts[SKETCH_BUCKETS]; /* values by bucket */
    uint32_t total;                  /* values recorded */
    uint64_t max_ns;                 /* the largest */
};

/* Counts one value. */
void sketch_record(struct sketch *sketch, uint64_t ns);

/* Adds all of from to into. */
void sketch_merge(struct sketch *into, const struct sketch *from);

/* Nearest rank (histogram_rank), the middle of its bucket, at most max_ns; 0 when empty. */
uint64_t sketch_quantile(const struct sketch *sketch, double share);

#endif
