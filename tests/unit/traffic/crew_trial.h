/* crew_trial: one measurement of a crew against an answering thread, for its tests. */
#ifndef TESTS_CREW_TRIAL_H
#define TESTS_CREW_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "echo_server.h"
#include "local53/base/clock.h"
#include "measure/units.h"
#include "traffic/crew.h"

/* One run and what it needs. */
struct trial {
    struct echo_server *server;
    struct workload *workload;
    struct run_plan plan;
    struct result result;
    char why[256];
};

static inline struct workload *make_workload(const char *profile)
{
    struct workload_options options = {
        .profile = profile, .zipf = -1, .seed = 1, .form = {.recursion_desired = true}};
    struct text_fault fault;
    struct workload *workload = workload_new(&options, &fault);
    assert_non_null(workload);
    return workload;
}

/* An open loop of 1,000 queries (lookups) a second: 50 in the warm-up, 200 measured. It ends with
 * the last answer: only what is lost is waited for as long as the timeout says, and nothing is late
 * on a machine that is away for a second. */
static inline void set_up(struct trial *trial, const char *profile, const struct echo_rules *rules)
{
    memset(trial, 0, sizeof(*trial));
    trial->server = echo_server_start(rules);
    trial->workload = make_workload(profile);
    trial->plan = (struct run_plan){.server = trial->server->addr,
                                    .transport = TRANSPORT_UDP,
                                    .workload = trial->workload,
                                    .open_loop = true,
                                    .warmup_ns = 50 * NS_PER_MS,
                                    .duration_ns = 200 * NS_PER_MS,
                                    .timeout_ns = 10 * NS_PER_S,
                                    .interval_ns = 100 * NS_PER_MS,
                                    .slo_ns = UINT64_MAX,
                                    .threads = 1,
                                    .batch = 16};
    trial->plan.pacing.arrival = ARRIVAL_CONSTANT;
    trial->plan.pacing.stage_count = 1;
    trial->plan.pacing.stages[0] = (struct pacer_stage){.length_ns = 250 * NS_PER_MS, .rate = 1000};
}

static inline void set_window(struct trial *trial, uint32_t window)
{
    trial->plan.open_loop = false;
    trial->plan.window = window;
    trial->plan.warmup_ns = 10 * NS_PER_MS;
    trial->plan.duration_ns = 100 * NS_PER_MS;
}

static inline void run(struct trial *trial)
{
    enum err err = crew_run(&trial->result, &trial->plan, NULL, trial->why);
    if (err != ERR_OK)
        fail_msg("%s: %s", err_text(err), trial->why);
    assert_true(tally_is_whole(&trial->result.measured));
    assert_true(tally_is_whole(&trial->result.warmup));
}

static inline void tear_down(struct trial *trial)
{
    echo_server_stop(trial->server);
    workload_free(trial->workload);
    result_deinit(&trial->result);
}

static inline uint64_t count_of(const struct trial *trial, enum outcome outcome)
{
    return trial->result.measured.outcome[outcome] + trial->result.warmup.outcome[outcome];
}

static inline uint64_t sent_of(const struct trial *trial)
{
    return trial->result.measured.sent + trial->result.warmup.sent;
}

static inline uint64_t unmatched_of(const struct trial *trial)
{
    const struct result *of = &trial->result;
    return of->measured.stray + of->measured.duplicate + of->warmup.stray + of->warmup.duplicate;
}

#endif
