/* processors: reads the affinity mask and the cgroup's quota once, at start. A container sees its own
 * group at the mount's root; a service of the host is somewhere below, and any group above it may be the
 * tightest. Bounds: paths of PATH_OCTETS, longer ones count as no quota. */
#include "local53/node/processors.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest path of a group and of a file in it. */
#define PATH_OCTETS 1024

unsigned processors_quota_percent(const char *cpu_max)
{
    char *behind;
    unsigned long quota = strtoul(cpu_max, &behind, 10);
    unsigned long period = strtoul(behind, NULL, 10);
    if (period == 0)
        return PROCESSORS_NO_QUOTA; /* "max 100000" too: neither is a number there */
    unsigned long percent = quota * 100 / period;
    if (percent < 1)
        return 1; /* a quota, however small */
    return percent > 1000000 ? PROCESSORS_NO_QUOTA : (unsigned)percent;
}

/* First line of a group's file without its end; false when there is none. */
static bool read_line(const char *root, const char *group, const char *name, char out[64])
{
    char path[2 * PATH_OCTETS];
    snprintf(path, sizeof(path), "%s%s/%s", root, group, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool found = fgets(out, 64, file) != NULL;
    fclose(file);
    if (found)
        out[strcspn(out, "\n")] = '\0';
    return found;
}

/* cgroup v2: "max 100000" or "50000 100000" in one file. */
static unsigned quota_v2(const char *root, const char *group)
{
    char line[64];
    return read_line(root, group, "cpu.max", line) ? processors_quota_percent(line)
                                                   : PROCESSORS_NO_QUOTA;
}

/* cgroup v1: two files in the hierarchy of the controller; -1 for no quota. */
static unsigned quota_v1(const char *root, const char *group)
{
    char controller[PATH_OCTETS];
    char quota[64];
    char period[64];
    char both[130];
    snprintf(controller, sizeof(controller), "%s/cpu", root);
    if (!read_line(controller, group, "cpu.cfs_quota_us", quota) || quota[0] == '-' ||
        !read_line(controller, group, "cpu.cfs_period_us", period))
        return PROCESSORS_NO_QUOTA;
    snprintf(both, sizeof(both), "%s %s", quota, period);
    return processors_quota_percent(both);
}

static unsigned tighter(unsigned a, unsigned b)
{
    if (a == PROCESSORS_NO_QUOTA || b == PROCESSORS_NO_QUOTA)
        return a > b ? a : b;
    return a < b ? a : b;
}

/* The tightest quota of group and all above it; group is cut to "" on the way. */
static unsigned quota_upwards(const char *root, char *group,
                              unsigned (*quota)(const char *root, const char *group))
{
    unsigned percent = PROCESSORS_NO_QUOTA;
    for (;;) {
        percent = tighter(percent, quota(root, group));
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return percent;
        *slash = '\0';
    }
}

/* True when the comma-separated controllers of a line of /proc/self/cgroup hold "cpu". */
static bool has_cpu(const char *controllers)
{
    for (const char *word = controllers; word != NULL; word = strchr(word, ',')) {
        word += *word == ',';
        if (strcspn(word, ",") == 3 && strncmp(word, "cpu", 3) == 0)
            return true;
    }
    return false;
}

/* One line "4:cpu,cpuacct:/group" (v1) or "0::/group" (v2); its text is used up. */
static unsigned quota_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return PROCESSORS_NO_QUOTA;
    *controllers++ = '\0';
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[0] == '\0')
        return quota_upwards(root, group, quota_v2);
    return has_cpu(controllers) ? quota_upwards(root, group, quota_v1) : PROCESSORS_NO_QUOTA;
}

unsigned processors_quota(const char *root, const char *own)
{
    char line[PATH_OCTETS];
    unsigned percent = tighter(quota_v2(root, ""), quota_v1(root, ""));
    FILE *file = fopen(own, "re");
    if (file == NULL)
        return percent;
    while (fgets(line, sizeof(line), file) != NULL)
        percent = tighter(percent, quota_of_line(root, line));
    fclose(file);
    return percent;
}

size_t processors_clamp(size_t affinity, unsigned quota_percent)
{
    size_t count = affinity;
    if (quota_percent != PROCESSORS_NO_QUOTA && quota_percent / 100 < count)
        count = quota_percent / 100;
    if (count > PROCESSORS_LOOPS_MAX)
        count = PROCESSORS_LOOPS_MAX;
    return count < 1 ? 1 : count;
}

size_t processors_loops(void)
{
    cpu_set_t mask;
    size_t affinity = 1;
    if (sched_getaffinity(0, sizeof(mask), &mask) == 0)
        affinity = (size_t)CPU_COUNT(&mask);
    return processors_clamp(affinity, processors_quota("/sys/fs/cgroup", "/proc/self/cgroup"));
}
