/* max: closed loops with three windows; the highest clean throughput. */
#include <stdio.h>

#include "command/command.h"
#include "command/options.h"
#include "command/session.h"
#include "measure/units.h"

#define DURATION_NS (5 * NS_PER_S)
#define WARMUP_NS NS_PER_S
#define WINDOW 256
#define WINDOWS 3
#define WINDOW_STEP 4 /* each window is about so many times the one before */

/* A window loses to the others when it lost this much more than the best of them: too many
 * queries in flight for the server. */
#define CLEAN_SHARE 0.001

static int run(int argc, char **argv);

const struct command command_max = {
    .word = "max",
    .summary = "closed loop: highest clean throughput",
    .help =
        "Usage: dnsbench max --server ADDR[:PORT] [OPTIONS]\n"
        "Keeps a window of queries in flight, with three windows in turn, and tells the highest "
        "throughput\n"
        "without loss beyond what every window lost. Latency here is only the window's size: use "
        "'run' for it.\n"
        "A query presumed lost frees its place at once; its answer, if it comes, still counts.\n\n"
        "  --window N              the middle window (256); the others are a quarter and four "
        "times\n"
        "  --duration T --warmup T --timeout T   each window 5s, before it 1s, given up after "
        "1s\n" OPTIONS_HELP_LOAD "  --server-pid PID                      whose CPU to tell\n"
        "  --fail-if 'rate<100k'   exit 1 if so for any window; also loss, servfail, "
        "mismatch\n" OPTIONS_HELP_OUTPUT "Example:\n"
        "  dnsbench max --server 127.0.0.1:5353 --profile hit --cpus 1\n\n"
        "Exit codes: 0 pass, 1 threshold, 2 usage, 3 invalid (the tester was the limit), 4 "
        "unreachable, 5 wrong\n",
    .run = run,
};

static double answered_a_second(const struct result *result)
{
    uint64_t ok = result->measured.outcome[OUTCOME_OK];

    return result->elapsed_ns > 0 ? (double)ok * (double)NS_PER_S / (double)result->elapsed_ns : 0;
}

static double least_loss(const struct study *study)
{
    double least = 1;

    for (size_t i = 0; i < study->count; i++) {
        double loss = tally_loss(&study->runs[i].measured);

        least = loss < least ? loss : least;
    }
    return least;
}

/* The highest throughput among windows that lost no more than the best one. */
static void conclude(struct study *study)
{
    double allowed = least_loss(study) + CLEAN_SHARE;

    for (size_t i = 0; i < study->count; i++) {
        double rate = answered_a_second(&study->runs[i]);

        if (tally_loss(&study->runs[i].measured) <= allowed && rate > study->answer)
            study->answer = rate;
    }
    study_conclude(study);
}

/* The window of a turn: a quarter of the middle one, that one, four times that. */
static uint32_t window_of(uint32_t middle, unsigned turn)
{
    uint32_t most = middle * WINDOW_STEP;

    if (turn == 0)
        return middle > WINDOW_STEP ? middle / WINDOW_STEP : 1;
    if (turn == 1)
        return middle;
    return most < CREW_WINDOW_MAX ? most : CREW_WINDOW_MAX;
}

static int measure(struct session *session)
{
    const struct options *options = session->options;
    struct run_plan plan = session_plan(session, &options->server, 0);
    uint32_t window = options->window > 0 ? options->window : WINDOW;
    int code = VERDICT_PASS;

    plan.duration_ns = plan.duration_ns > 0 ? plan.duration_ns : DURATION_NS;
    plan.warmup_ns = options->warmup_said ? plan.warmup_ns : WARMUP_NS;
    session_announce(session, &plan, "as fast as answers come", ", three windows,");
    for (unsigned i = 0; i < WINDOWS && !session_interrupted(session); i++) {
        char name[32];
        const struct result *result;

        plan.window = window_of(window, i);
        snprintf(name, sizeof(name), "window %u", plan.window);
        result = session_run(session, &plan, name, &code);
        if (result == NULL || result->verdict == VERDICT_UNREACHABLE)
            break;
    }
    if (session->study.count == 0)
        return code;
    session_apply_thresholds(session);
    conclude(&session->study);
    return session_finish(session);
}

static int run(int argc, char **argv)
{
    return session_main(&command_max, OPTION_MAX, argc, argv, measure);
}
