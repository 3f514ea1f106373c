/* hgrm: the percentile distribution of a histogram in HdrHistogram's text format (.hgrm: Value,
 * Percentile, TotalCount, 1/(1-Percentile)), which its plotters read. */
#ifndef DNSBENCH_REPORT_HGRM_H
#define DNSBENCH_REPORT_HGRM_H

#include "measure/histogram.h"

/* Values in milliseconds with 6 decimals, 5 ticks a half distance. malloc'd text, owned by the
 * caller. */
char *hgrm_write(const struct histogram *h);

#endif
