/* bootstrap: a confidence interval for the typical ratio of paired measurements (Efron, percentile
 * bootstrap on the logarithms). Pure; the seed makes it repeatable. */
#ifndef DNSBENCH_MEASURE_BOOTSTRAP_H
#define DNSBENCH_MEASURE_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#define BOOTSTRAP_ROUNDS 4000
#define BOOTSTRAP_PAIRS_MAX 1024

struct bootstrap {
    double ratio; /* centre: trimmed mean of logarithms, a fifth left out at each end */
    double low;   /* interval at 1 - alpha */
    double high;  /* the same */
};

/* ratios: count (2..BOOTSTRAP_PAIRS_MAX) values above 0, B over A of one pair each; alpha in (0,
 * 1). */
struct bootstrap bootstrap_ratio(const double *ratios, size_t count, double alpha, uint64_t seed);

#endif
