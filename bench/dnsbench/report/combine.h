/* combine: several saved results in one view: merged into one, or two side by side. */
#ifndef DNSBENCH_REPORT_COMBINE_H
#define DNSBENCH_REPORT_COMBINE_H

#include <stddef.h>

#include "local53/base/err.h"
#include "measure/result.h"

/* Adds a study of the command run to whole (zeroed before the first, which is then moved into it: part is empty
 * afterwards). Both are of one load: the same server, transport, unit, timeout, measured time and interval. Testers that ran
 * at the same time (at least half of it) make one load: rates, clients and threads add up, the verdict is the worst. Runs at
 * several times must have the same rate; measured times add up, and the verdict is that of the sums, or the worst if that is
 * worse. ERR_INVALID: why gets what differs. */
enum err combine_merge(struct study *whole, struct study *part, char *why, size_t size);

/* The first runs of two studies as a table: figures of the old one, of the new one, and the ratio; says first what
 * differs in the load, if anything does. malloc'd, owned by the caller. */
char *combine_diff(const struct study *old, const struct study *now);

#endif
