/* processors: reads the affinity mask and the cgroup's quota once, at start. */
#include "processors.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned processors_quota_percent(const char *cpu_max)
{
    char *behind;
    unsigned long quota = strtoul(cpu_max, &behind, 10);
    unsigned long period = strtoul(behind, NULL, 10);
    if (period == 0)
        return 0; /* "max 100000" too: neither is a number there */
    unsigned long percent = quota * 100 / period;
    return percent > 1000000 ? 0 : (unsigned)percent;
}

/* First line of a file, or an empty text. */
static const char *read_line(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (file == NULL)
        return out;
    if (fgets(out, (int)cap, file) == NULL)
        out[0] = '\0';
    fclose(file);
    return out;
}

/* The quota this process lives under; 0 for none. A container sees its own group at the mount's root. */
static unsigned quota_percent(void)
{
    char quota[64];
    char period[64];
    char both[130];
    read_line("/sys/fs/cgroup/cpu.max", quota, sizeof(quota));
    if (quota[0] != '\0')
        return processors_quota_percent(quota);
    read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota));
    read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof(period));
    if (quota[0] == '\0' || quota[0] == '-' || period[0] == '\0')
        return 0;
    snprintf(both, sizeof(both), "%.*s %s", (int)strcspn(quota, "\n"), quota, period);
    return processors_quota_percent(both);
}

size_t processors_loops(void)
{
    cpu_set_t mask;
    size_t count = 1;
    if (sched_getaffinity(0, sizeof(mask), &mask) == 0)
        count = (size_t)CPU_COUNT(&mask);
    unsigned percent = quota_percent();
    if (percent != 0 && percent / 100 < count)
        count = percent / 100;
    if (count > PROCESSORS_LOOPS_MAX)
        count = PROCESSORS_LOOPS_MAX;
    return count < 1 ? 1 : count;
}
