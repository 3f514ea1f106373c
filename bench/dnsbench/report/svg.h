/* svg: a study as one self-contained SVG without scripts: p50, p99 and max over time; rate and
 * losses over time; the curve of latency over log percentiles; for compare, A over B. Readable
 * on light and dark grounds. */
#ifndef DNSBENCH_REPORT_SVG_H
#define DNSBENCH_REPORT_SVG_H

#include "measure/result.h"

/* malloc'd text, owned by the caller; the same study gives the same octets. */
char *svg_write(const struct study *study);

#endif
