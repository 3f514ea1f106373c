/* result: all that is known of one run, and of a command that made several (a study). Whatever is
 * printed, plotted or compared comes from here, so what was saved as JSON renders again the
 * same. */
#ifndef DNSBENCH_MEASURE_RESULT_H
#define DNSBENCH_MEASURE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/health.h"
#include "measure/histogram.h"
#include "measure/series.h"
#include "measure/tally.h"

#define RESULT_TEXT_MAX 128
#define RESULT_KINDS_MAX 8 /* kinds of lookups (svc, svc.ns, ...) */

/* Exit codes of every command (and the verdict of a result): the worse, the more it hides the
 * others, in the order usage, unreachable, wrong, invalid, failed, pass. Wrong answers and a
 * dead port are facts however slow the tester was; what a threshold says of an invalid
 * measurement is none. */
enum verdict {
    VERDICT_PASS = 0,
    VERDICT_FAILED = 1,      /* a threshold, or B is worse, or nothing was answered in time */
    VERDICT_USAGE = 2,       /* never in a result */
    VERDICT_INVALID = 3,     /* the tester was the limit */
    VERDICT_UNREACHABLE = 4, /* nobody answers there */
    VERDICT_WRONG = 5        /* wrong answers */
};

/* What was asked for, as told in every report. Texts are cut to fit. */
struct setup {
    char server[RESULT_TEXT_MAX];   /* address and port */
    char transport[8];              /* udp, tcp, dot, udp+tc */
    char arrival[24];               /* poisson, constant, burst:N; "" in a closed loop */
    char schedule[RESULT_TEXT_MAX]; /* "10s@1k,5s@20k"; "" for one rate */
    char workload[RESULT_TEXT_MAX]; /* "k8s-aws, 10000 names, zipf 1.00" or the file's name */
    /* planned mean of the measured time: lookups a second where lookups, else queries; 0 in a
     * closed loop */
    double rate;
    uint64_t duration_ns;   /* measured time asked for */
    uint64_t warmup_ns;     /* before it */
    uint64_t timeout_ns;    /* after so long an answer is late */
    uint64_t slo_ns;        /* latency of the SLO; UINT64_MAX for none */
    uint64_t seed;          /* of workload and arrivals */
    uint64_t workload_hash; /* of the queries this seed gives */
    uint64_t memory_octets; /* bound of what the run allocates */
    uint32_t clients;       /* source addresses or ports */
    uint32_t threads;       /* sending threads */
    uint32_t window;        /* queries (lookups) in flight of a closed loop; 0 in an open one */
    uint32_t batch;         /* most queries a system call */
    bool lookups;           /* the unit is the lookup */
};

/* Where and when it was measured. */
struct host {
    char tool[RESULT_TEXT_MAX];   /* "dnsbench 0.1.0 (commit)" */
    char kernel[RESULT_TEXT_MAX]; /* release and machine */
    char cpu[RESULT_TEXT_MAX];    /* model name */
    uint32_t cpus;                /* CPUs this process may use */
    uint64_t started_wall_ms;     /* since 1970 */
};

/* Latency of one kind of lookup. */
struct lookup_kind {
    char name[16];            /* "svc.ns" */
    struct histogram latency; /* whole lookups of that kind */
};

struct result {
    char name[32];         /* which run of its study it is: "", "window 128", "20.0k/s", "A", "B" */
    struct setup setup;    /* what was asked for */
    uint64_t elapsed_ns;   /* measured time that really passed (less when interrupted) */
    bool interrupted;      /* Ctrl-C, or stopped early because nobody listens */
    struct tally measured; /* queries whose intended time lies in the measured time */
    struct tally warmup;   /* the others */
    /* receive - intended: the headline; timeouts and other losses at least the timeout */
    struct histogram response;
    struct histogram service;              /* receive - sent, of those answered in time */
    struct histogram send_lag;             /* sent - intended */
    struct histogram read_lag;             /* read - receive */
    struct histogram answer[ANSWER_COUNT]; /* response of those ok, by kind of answer */
    /* whole lookups, failed ones at least the timeout; empty without lookups */
    struct histogram lookup;
    struct lookup_kind kinds[RESULT_KINDS_MAX]; /* the same by kind */
    size_t kind_count;                          /* kinds in use */
    struct series series;                       /* over time */
    struct health health;                       /* of the tester */
    /* CPU the server's process used in the measured time; 0 unless it was told (--server-pid) */
    uint64_t server_cpu_ns;
    enum verdict verdict; /* of the run */
    char reasons[512];    /* why, one a line, most important first; "" for a plain pass */
};

/* One comparison of B with A: the ratio B/A of a figure over pairs of slices. */
struct comparison {
    char metric[16];       /* "throughput", "p50", "p99", "cpu" */
    bool higher_is_better; /* throughput */
    double ratio;          /* centre of the pairs' ratios, see struct bootstrap */
    double low;            /* confidence interval of it, bootstrap */
    double high;           /* the same */
    double alpha;          /* 1 - confidence, 0.05 */
    uint32_t pairs;        /* pairs of slices that were valid */
};

/* B is worse than A: the whole interval lies on the bad side of 1. */
bool comparison_is_worse(const struct comparison *comparison);

#define STUDY_COMPARISONS_MAX 4

/* A command's whole outcome. runs are in the order they ran. */
struct study {
    char command[16];    /* run, max, search, compare */
    char options[512];   /* the command line, for people */
    struct host host;    /* of the tester */
    struct result *runs; /* owned; count of them */
    size_t count;        /* at least 1 once complete */
    /* search: highest rate that met the SLO; max: highest clean throughput; 0 otherwise */
    double answer;
    char slo[RESULT_TEXT_MAX];                            /* search: the conditions */
    struct comparison comparisons[STUDY_COMPARISONS_MAX]; /* compare */
    size_t comparison_count;                              /* in use */
    enum verdict verdict;                                 /* of the whole: the exit code */
    char reasons[512];                                    /* as in a result */
};

/* Allocates all histograms (those of all kinds too) and the series; everything else zero.
 * result_deinit accepts a zeroed one. */
void result_init(struct result *result, const struct series_shape *shape);
void result_deinit(struct result *result);

/* Adds all of from (another thread's, or another run's of the same shape) to into: tallies,
 * histograms, series, health sums (windows and uneven ones too: threads of one run leave them 0,
 * and they are taken from the merged series). The longer elapsed time counts. Texts, setup, verdict
 * and reasons stay into's; lag quantiles are taken anew from the merged histograms. Kinds are
 * matched by name and made where into has none; more than RESULT_KINDS_MAX: CHECK. */
void result_merge(struct result *into, const struct result *from);

/* Adds all of from, a run of the same plan at another time, to into: as result_merge, but elapsed
 * times add up, silences stay those of one run (series_overlay), and verdict and reasons are those
 * of the sums (result_judge_figures). */
void result_append(struct result *into, const struct result *from);

/* Adds a line to the reasons, cut to fit, and makes the verdict the worse of both: a worse
 * verdict's line goes before all others, any other behind them. An empty line only changes the
 * verdict. */
void result_judge(struct result *result, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The verdict that follows from the figures alone: breaches of health (INVALID), nobody there
 * (UNREACHABLE), wrong answers (WRONG), nothing measured or nothing in time (FAILED). Thresholds
 * come on top. */
void result_judge_figures(struct result *result);

/* Appends a zeroed run and gives it; earlier pointers into runs are void. Out of memory is
 * fatal. */
struct result *study_add(struct study *study);

/* As result_judge, of the whole; its runs are not looked at. */
void study_judge(struct study *study, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes over the worst verdict of its runs, and their reasons, each with the run's name in front
 * ("window 256: ...") where it has one. */
void study_conclude(struct study *study);

/* Frees all runs. Accepts a zeroed study. */
void study_deinit(struct study *study);

/* The worse of two verdicts, and its word ("pass", "invalid", ...); static storage. */
enum verdict verdict_worse(enum verdict a, enum verdict b);
const char *verdict_name(enum verdict verdict);

#endif
