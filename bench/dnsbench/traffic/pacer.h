/* pacer: when each query is due: absolute offsets from the start, made from the plan alone and
 * never from what happened, so that a slow server or a late tester moves nothing (open loop). Pure;
 * one a thread; the thread's share of all arrivals. */
#ifndef DNSBENCH_TRAFFIC_PACER_H
#define DNSBENCH_TRAFFIC_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/err.h"
#include "local53/base/rng.h"

#define PACER_STAGES_MAX 64
#define PACER_END UINT64_MAX
#define PACER_BURST_MAX 65536

enum arrival { ARRIVAL_CONSTANT, ARRIVAL_POISSON, ARRIVAL_BURST };

/* One part of the schedule. */
struct pacer_stage {
    uint64_t length_ns; /* above 0 */
    double rate;        /* arrivals a second over all threads, above 0 */
};

struct pacer_plan {
    enum arrival arrival; /* how arrivals lie in time */
    uint32_t burst;       /* ARRIVAL_BURST: so many at one instant, evenly spaced instants */
    size_t stage_count;   /* at least 1 */
    struct pacer_stage stages[PACER_STAGES_MAX]; /* one after the other */
    uint64_t seed;                               /* of Poisson arrivals */
};

/* Reads "poisson", "constant" or "burst:N" into plan. ERR_INVALID otherwise. */
enum err pacer_parse_arrival(struct pacer_plan *plan, const char *text);

/* Reads "10s@1k,5s@20k" into the stages. ERR_INVALID, ERR_TOO_LONG (stages). */
enum err pacer_parse_schedule(struct pacer_plan *plan, const char *text);

/* Length of all stages, mean and highest rate. */
uint64_t pacer_length(const struct pacer_plan *plan);
double pacer_mean_rate(const struct pacer_plan *plan);
double pacer_peak_rate(const struct pacer_plan *plan);

struct pacer {
    const struct pacer_plan *plan; /* borrowed */
    struct rng rng;                /* seeded by plan and thread */
    uint32_t thread;               /* 0..threads-1 */
    uint32_t threads; /* arrivals are dealt out in turn (constant, burst) or thinned (Poisson) */
    size_t stage;     /* present one */
    uint64_t stage_start_ns; /* its offset */
    uint64_t index;          /* arrivals given in this stage */
    double at_ns;            /* Poisson: offset of the last arrival within the stage */
};

/* Starts one thread's share of the plan (borrowed) at offset 0. */
void pacer_init(struct pacer *pacer, const struct pacer_plan *plan, uint32_t thread,
                uint32_t threads);

/* Offset of the next arrival in nanoseconds from the start, not decreasing; PACER_END after the
 * last. Constant arrivals are computed from their index (no sum of rounded steps), so a rate holds
 * over any time. */
uint64_t pacer_next(struct pacer *pacer);

#endif
