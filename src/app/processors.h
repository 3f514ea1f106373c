/* processors: how many loops this process should run. */
#ifndef LOCAL53_APP_PROCESSORS_H
#define LOCAL53_APP_PROCESSORS_H

#include <stddef.h>

#define PROCESSORS_LOOPS_MAX 4

/* clamp(floor(min(cgroup quota, affinity)), 1, 4): at the rates a node sees wake-ups cost, not work, so
 * more loops than processors allowed only burn them. cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us). */
size_t processors_loops(void);

/* The quota in hundredths of a processor told by the text of a cgroup v2 cpu.max file ("50000 100000"
 * gives 50); 0 for none ("max 100000") or text that is not understood. */
unsigned processors_quota_percent(const char *cpu_max);

#endif
