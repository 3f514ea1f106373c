/* processors: how many loops this process should run. */
#ifndef LOCAL53_NODE_PROCESSORS_H
#define LOCAL53_NODE_PROCESSORS_H

#include <stddef.h>

#define PROCESSORS_LOOPS_MAX 4

/* No quota: see processors_quota. */
#define PROCESSORS_NO_QUOTA 0

/* The loops for this process: processors_clamp of its affinity mask and its cgroup's quota. */
size_t processors_loops(void);

/* clamp(floor(min(quota, affinity)), 1, 4): at the rates a node sees wake-ups cost, not work, so more
 * loops than processors allowed only burn them. quota in hundredths of a processor. */
size_t processors_clamp(size_t affinity, unsigned quota_percent);

/* The smallest quota in hundredths of a processor among the group told in the file `own` (as
 * /proc/self/cgroup has it), those above it, and the mount's root, or PROCESSORS_NO_QUOTA. `root` is where
 * cgroups are mounted; both versions: v2 cpu.max, v1 cpu/cpu.cfs_quota_us. */
unsigned processors_quota(const char *root, const char *own);

/* The quota told by the text of a cgroup v2 cpu.max file ("50000 100000" gives 50);
 * PROCESSORS_NO_QUOTA for none ("max 100000") or text that is not understood. */
unsigned processors_quota_percent(const char *cpu_max);

#endif
