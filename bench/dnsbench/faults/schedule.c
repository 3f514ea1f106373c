/* schedule: service in working time, which stands still in stalls.
 * Owns: nothing. Thread: one; pure. On the path of every query.
 * Bounds: FAULTS_STALLS_MAX. Fails: a full queue. */
#include "faults/schedule.h"

void schedule_init(struct schedule *schedule, const struct fault_plan *plan)
{
    *schedule = (struct schedule){.plan = plan};
}

void schedule_arrival(struct schedule *schedule, uint64_t arrival_ns)
{
    if (schedule->first_ns == 0)
        schedule->first_ns = arrival_ns;
}

/* A time without the stalls before it. */
static uint64_t working_time(const struct schedule *schedule, uint64_t at_ns)
{
    const struct fault_plan *plan = schedule->plan;
    uint64_t stalled = 0;

    for (size_t i = 0; i < plan->stall_count; i++) {
        uint64_t start = schedule->first_ns + plan->stalls[i].at_ns;
        uint64_t past = at_ns > start ? at_ns - start : 0;

        stalled += past < plan->stalls[i].length_ns ? past : plan->stalls[i].length_ns;
    }
    return at_ns - stalled;
}

/* The other way round; work that is done just when a stall begins is done before it. */
static uint64_t real_time(const struct schedule *schedule, uint64_t working_ns)
{
    const struct fault_plan *plan = schedule->plan;
    uint64_t at_ns = working_ns;

    for (size_t i = 0; i < plan->stall_count; i++) {
        if (at_ns > schedule->first_ns + plan->stalls[i].at_ns)
            at_ns += plan->stalls[i].length_ns;
    }
    return at_ns;
}

/* Serves one query; when it is done. False when too many wait. */
static bool serve(struct schedule *schedule, uint64_t arrival_ns, uint64_t *done_ns)
{
    const uint64_t service = schedule->plan->service_ns;
    uint64_t start = working_time(schedule, arrival_ns);

    if (schedule->free_ns > start) {
        /* All but one of those before it wait, and it would be the next. */
        uint64_t before = (schedule->free_ns - start + service - 1) / service;

        if (before > schedule->plan->queue)
            return false;
        start = schedule->free_ns;
    }
    schedule->free_ns = start + service;
    schedule->busy_ns += service;
    *done_ns = real_time(schedule, schedule->free_ns);
    return true;
}

bool schedule_take(struct schedule *schedule, uint64_t arrival_ns, uint64_t jitter_ns,
                   uint64_t *due_ns)
{
    uint64_t done_ns = arrival_ns;

    if (schedule->plan->service_ns > 0 && !serve(schedule, arrival_ns, &done_ns))
        return false;
    *due_ns = done_ns + schedule->plan->delay_ns + jitter_ns;
    return true;
}

uint64_t schedule_stall_end(const struct schedule *schedule, uint64_t now_ns)
{
    const struct fault_plan *plan = schedule->plan;

    for (size_t i = 0; schedule->first_ns != 0 && i < plan->stall_count; i++) {
        uint64_t start = schedule->first_ns + plan->stalls[i].at_ns;

        if (now_ns >= start && now_ns < start + plan->stalls[i].length_ns)
            return start + plan->stalls[i].length_ns;
    }
    return 0;
}
