/* schedule: when each answer is due (delay, jitter, one server at a time) and when the server
 * pauses. Pure: times are arguments, in nanoseconds of one clock. */
#ifndef DNSBENCH_FAULTS_SCHEDULE_H
#define DNSBENCH_FAULTS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "faults/plan.h"

/* The plan's times, counted from the first query. The server that serves one query after the
 * other is a figure, not a loop: its capacity is 1 / service_ns exactly, whatever answering
 * costs. It rests in stalls. */
struct schedule {
    const struct fault_plan *plan; /* borrowed */
    uint64_t first_ns;             /* the first query's stamp; 0 before it */
    uint64_t free_ns; /* working time (that without stalls) when all that was taken is served */
    uint64_t busy_ns; /* service time spent */
};

/* Before the first query. */
void schedule_init(struct schedule *schedule, const struct fault_plan *plan);

/* Tells that a query arrived, lost or not: stalls are counted from the first one. */
void schedule_arrival(struct schedule *schedule, uint64_t arrival_ns);

/* Takes a query that arrived then into service and gives when its answer is due. False when it
 * would be more than the plan's queue that wait for service; it is not taken then. */
bool schedule_take(struct schedule *schedule, uint64_t arrival_ns, uint64_t jitter_ns,
                   uint64_t *due_ns);

/* When the stall ends that now_ns is in; 0 when it is in none. */
uint64_t schedule_stall_end(const struct schedule *schedule, uint64_t now_ns);

#endif
