/* machine: what the kernel says of this process, its threads and a server's process. Reads
 * /proc. */
#ifndef DNSBENCH_MEASURE_MACHINE_H
#define DNSBENCH_MEASURE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/err.h"
#include "measure/result.h"

/* Of the calling thread, since it began. */
struct thread_usage {
    uint64_t cpu_ns; /* user and system time */
    /* runnable, waiting for a CPU (/proc/thread-self/schedstat); 0 where it cannot be read */
    uint64_t run_delay_ns;
};

/* Reads the figures of the calling thread. */
struct thread_usage machine_thread_usage(void);

/* CPU time of another process, all threads; ERR_NOT_FOUND when there is none. Exact to 1/100 s
 * (/proc/PID/stat), or better where /proc/PID/task/TID/schedstat can be read. */
enum err machine_process_cpu(uint64_t *cpu_ns, int pid);

/* Resident octets of another process; ERR_NOT_FOUND when there is none. */
enum err machine_process_rss(uint64_t *octets, int pid);

/* Fills kernel, cpu, cpus and the time; tool is the caller's. */
void machine_describe(struct host *host);

/* Pins the calling thread to one CPU; ERR_INVALID when this process may not use it. */
enum err machine_pin(unsigned cpu);

/* Timers of the calling thread fire within a microsecond instead of 50 (PR_SET_TIMERSLACK), and where the kernel can (Linux 6.12)
 * it gets short slices, so that it waits less for a CPU it shares. Policy and niceness stay. */
void machine_sharpen_timers(void);

#endif
