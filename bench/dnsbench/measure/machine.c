/* machine: figures of the kernel about threads, processes and the host. Owns nothing; any thread;
 * descriptors are closed before it returns. Reads /proc; no use on the path of a query. Bounds:
 * lines of MACHINE_LINE_MAX octets. Fails: what cannot be read is 0, "" or ERR_NOT_FOUND. */
#include "measure/machine.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "local53/base/clock.h"
#include "measure/units.h"

#define MACHINE_LINE_MAX 1024
#define MACHINE_PATH_MAX 320 /* "/proc/PID/task/" and the longest name of a directory entry */

/* In proc(5)'s stat, between the command's name and user and system time: fields 3 to 13. */
#define WORDS_BEFORE_TIMES 11

/* The shortest slice the kernel gives. */
#define SLICE_NS 100000

/* Timers may be as late as this; the kernel's default is 50 us (prctl(2)). */
#define TIMER_SLACK_NS 1000UL

/* The first line of a file, without its end. */
static bool read_line(const char *path, char line[MACHINE_LINE_MAX])
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return false;
    bool is_read = fgets(line, MACHINE_LINE_MAX, file) != NULL;
    (void)fclose(file);
    return is_read;
}

/* Decimal numbers behind so many words, all divided by blanks; false when there are fewer. */
static bool read_numbers(const char *text, size_t words, uint64_t *numbers, size_t count)
{
    for (; words > 0; words--) {
        text += strspn(text, " ");
        text += strcspn(text, " ");
    }
    for (size_t i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtoull(text, &end, 10);
        if (end == text)
            return false;
        text = end;
    }
    return true;
}

/* A schedstat file: time on a CPU and time waiting for one, both nanoseconds
 * (Documentation/scheduler/sched-stats). */
static bool read_schedstat(const char *path, uint64_t *cpu_ns, uint64_t *delay_ns)
{
    char line[MACHINE_LINE_MAX];

    uint64_t numbers[2];

    if (!read_line(path, line) || !read_numbers(line, 0, numbers, 2))
        return false;
    *cpu_ns = numbers[0];
    *delay_ns = numbers[1];
    return true;
}

struct thread_usage machine_thread_usage(void)
{
    struct thread_usage usage = {0};
    struct timespec cpu;
    uint64_t ignored;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0)
        usage.cpu_ns = (uint64_t)cpu.tv_sec * NS_PER_S + (uint64_t)cpu.tv_nsec;
    if (!read_schedstat("/proc/thread-self/schedstat", &ignored, &usage.run_delay_ns))
        usage.run_delay_ns = 0;
    return usage;
}

/* Sum over the threads of a process; a thread that ends meanwhile is left out. 0 where the kernel
 * does not keep it. */
static uint64_t sum_tasks(int pid)
{
    char path[MACHINE_PATH_MAX];
    uint64_t sum_ns = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return 0;
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        uint64_t cpu_ns, ignored;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, task->d_name);
        if (isdigit((unsigned char)task->d_name[0]) && read_schedstat(path, &cpu_ns, &ignored))
            sum_ns += cpu_ns;
    }
    (void)closedir(tasks);
    return sum_ns;
}

/* Fields 14 and 15 of proc(5)'s stat, user and system time in ticks, are counted from behind the
 * command's name, which may hold spaces and parentheses. */
static bool read_ticks(int pid, uint64_t *ticks)
{
    char path[MACHINE_PATH_MAX];
    char line[MACHINE_LINE_MAX];
    uint64_t times[2];

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    const char *name_end = read_line(path, line) ? strrchr(line, ')') : NULL;
    if (name_end == NULL || !read_numbers(name_end + 1, WORDS_BEFORE_TIMES, times, 2))
        return false;
    *ticks = times[0] + times[1];
    return true;
}

enum err machine_process_cpu(uint64_t *cpu_ns, int pid)
{
    uint64_t ticks;
    uint64_t exact_ns = sum_tasks(pid);
    long per_second = sysconf(_SC_CLK_TCK);

    if (!read_ticks(pid, &ticks) || per_second <= 0)
        return ERR_NOT_FOUND;
    /* Ticks are rounded down, but know the threads that have ended: without any such, the sum is
     * never less. */
    uint64_t coarse_ns = ticks * (NS_PER_S / (uint64_t)per_second);
    *cpu_ns = exact_ns > coarse_ns ? exact_ns : coarse_ns;
    return ERR_OK;
}

enum err machine_process_rss(uint64_t *octets, int pid)
{
    char path[MACHINE_PATH_MAX];
    char line[MACHINE_LINE_MAX];
    uint64_t pages;

    (void)snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    if (!read_line(path, line) || !read_numbers(line, 1, &pages, 1))
        return ERR_NOT_FOUND;
    *octets = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return ERR_OK;
}

/* The "model name" of the first CPU, as x86 has it; false on machines whose /proc/cpuinfo has
 * none. */
static bool read_model(char *out, size_t size)
{
    static const char key[] = "model name";
    char line[MACHINE_LINE_MAX];
    const char *value = NULL;
    FILE *file = fopen("/proc/cpuinfo", "re");

    if (file == NULL)
        return false;
    while (value == NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, key, sizeof(key) - 1) == 0)
            value = strchr(line, ':');
    }
    (void)fclose(file);
    if (value == NULL)
        return false;
    value += 1 + strspn(value + 1, " \t");
    (void)snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
    return out[0] != '\0';
}

static uint32_t count_cpus(void)
{
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    /* More CPUs than the set has room for: the kernel says EINVAL. */
    if (sched_getaffinity(getpid(), sizeof(set), &set) == 0)
        return (uint32_t)CPU_COUNT(&set);
    return online > 0 ? (uint32_t)online : 1;
}

void machine_describe(struct host *host)
{
    struct utsname name = {0};

    (void)uname(&name);
    (void)snprintf(host->kernel, sizeof(host->kernel), "%.63s %.63s", name.release, name.machine);
    if (!read_model(host->cpu, sizeof(host->cpu)))
        (void)snprintf(host->cpu, sizeof(host->cpu), "%s", name.machine);
    host->cpus = count_cpus();
    host->started_wall_ms = clock_wall_ms();
}

enum err machine_pin(unsigned cpu)
{
    cpu_set_t set;

    if (cpu >= CPU_SETSIZE)
        return ERR_INVALID;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) == 0)
        return ERR_OK;
    return errno == EINVAL ? ERR_INVALID : err_from_errno(errno);
}

/* What sched_setattr(2) takes in its first version; libc names it only since 2.41. */
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns; /* of a normal thread: its slice, since Linux 6.12 */
    uint64_t deadline_ns;
    uint64_t period_ns;
};

/* A thread with a short slice is due sooner when it wakes beside others. What was chosen for it from outside stays. */
static void ask_for_a_short_slice(void)
{
    struct scheduling wanted = {.size = sizeof(wanted),
                                .policy = SCHED_OTHER,
                                .nice = getpriority(PRIO_PROCESS, 0),
                                .runtime_ns = SLICE_NS};

    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)syscall(SYS_sched_setattr, 0, &wanted, 0U);
}

void machine_sharpen_timers(void)
{
    ask_for_a_short_slice();
    /* Only late timers come of a failure, and send lag tells those. */
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
}
