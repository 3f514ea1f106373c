/* zipf: draws ranks 0..n-1 with probability proportional to 1 / (rank + 1)^s, in constant time
 * (alias method, Walker 1977; Vose 1991). Immutable once made; shared by the threads. */
#ifndef DNSBENCH_WORKLOAD_ZIPF_H
#define DNSBENCH_WORKLOAD_ZIPF_H

#include <stdint.h>

#include "local53/base/rng.h"

struct zipf; /* opaque: 8 octets a rank */

/* n 1..QUERYSET_ITEMS_MAX, s 0 (uniform) to 5. Out of memory is fatal. */
struct zipf *zipf_new(uint32_t n, double s);
void zipf_free(struct zipf *zipf); /* accepts NULL */

/* One rank. */
uint32_t zipf_draw(const struct zipf *zipf, struct rng *rng);

#endif
