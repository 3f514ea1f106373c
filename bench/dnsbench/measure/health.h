/* health: whether the tester itself was the limit. Every report has these figures; a breach makes
 * the whole measurement INVALID (exit 3), for then nothing is known of the server. Pure. */
#ifndef DNSBENCH_MEASURE_HEALTH_H
#define DNSBENCH_MEASURE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is judged: X(code, name, what a breach means). */
#define HEALTH_LIST(X)                                                                             \
    X(SEND_LAG, "send lag", "queries left later than the schedule said")                           \
    X(RATE, "achieved rate", "fewer or more queries left than the schedule said")                  \
    X(WINDOWS, "100 ms windows", "the rate was uneven")                                            \
    X(DROPS, "own drops", "answers were lost in the tester's socket buffers")                      \
    X(RUN_DELAY, "run delay", "the tester waited for a CPU")                                       \
    X(CPU, "own CPU", "the tester's threads were busy all the time")                               \
    X(SEND_ERRORS, "send errors", "the kernel did not take queries")                               \
    X(IDS, "query ids", "no id was free: more sockets are needed (--clients)")

enum health_kind {
#define HEALTH_ENUM(code, name, meaning) HEALTH_##code,
    HEALTH_LIST(HEALTH_ENUM)
#undef HEALTH_ENUM
        HEALTH_COUNT
};

/* Limits of open-loop runs. */
#define HEALTH_SEND_LAG_P99_NS 1000000ULL /* 1 ms */
#define HEALTH_RATE_SHARE 0.01            /* of planned, either way */
#define HEALTH_WINDOW_SHARE 0.10          /* a window this far off is uneven */
#define HEALTH_UNEVEN_SHARE 0.02          /* of all windows may be uneven */
#define HEALTH_RUN_DELAY_SHARE 0.05       /* of the threads' measured time */
#define HEALTH_CPU_SHARE 0.97             /* of the threads' measured time; closed loops */

/* Figures of one run, over its measured time; sums over threads where it says so. */
struct health {
    bool open_loop;           /* a schedule was followed: lag, rate and windows are judged */
    uint64_t planned;         /* arrivals of the schedule (open loop) */
    uint64_t begun;           /* of these, sent */
    uint64_t send_lag_p50_ns; /* sent - intended */
    uint64_t send_lag_p99_ns; /* the same */
    uint64_t send_lag_max_ns; /* the same */
    /* read - kernel's receive stamp; told, never judged: latency does not contain it */
    uint64_t read_lag_p99_ns;
    uint64_t windows;        /* whole 100 ms windows */
    uint64_t uneven;         /* of these, off by more than HEALTH_WINDOW_SHARE */
    uint64_t own_drops;      /* datagrams dropped by own sockets (SO_RXQ_OVFL, SO_MEMINFO) */
    uint64_t send_errors;    /* queries the kernel did not take */
    uint64_t id_waits;       /* times no query id was free on any socket */
    uint64_t run_delay_ns;   /* waiting for a CPU, sum over threads (/proc/thread-self/schedstat) */
    uint64_t cpu_ns;         /* user and system time, sum over threads */
    uint64_t thread_time_ns; /* measured time times threads */
};

/* Which kinds are breached: bit 1 << kind. Open loop: all but CPU, which a high rate takes whole without being late (told,
 * not judged). Closed loop: own drops, run delay, CPU, send errors, ids. */
unsigned health_breaches(const struct health *health);

/* Name and meaning of a kind; static storage. */
const char *health_name(enum health_kind kind);
const char *health_meaning(enum health_kind kind);

/* Writes the figure of a kind beside its limit, "p99 3.20 ms, limit 1.00 ms"; out has size octets;
 * gives out. */
const char *health_write(const struct health *health, enum health_kind kind, char *out,
                         size_t size);

#endif
