/* search: open-loop steps, doubling and then halving the distance, for the highest rate that
 * meets an objective. */
#include <stdio.h>
#include <time.h>

#include "command/bisection.h"
#include "command/command.h"
#include "command/options.h"
#include "command/session.h"
#include "measure/threshold.h"
#include "measure/units.h"

#define DURATION_NS (3 * NS_PER_S)
#define WARMUP_NS (250 * NS_PER_MS)
#define START_RATE 1000.0
#define START_LOOKUP_RATE 200.0

/* Between steps the server works off what the last one left in its queues. */
#define PAUSE_NS (300 * NS_PER_MS)

/* Of one rate. */
#define TRIES_MAX 3

static int run(int argc, char **argv);

const struct command command_search = {
    .word = "search",
    .summary = "the highest rate that meets an objective (--slo)",
    .help =
        "Usage: dnsbench search --server ADDR[:PORT] --slo 'p99<5ms,loss<0.1%' [OPTIONS]\n"
        "Open-loop steps: the rate doubles until the objective is missed, then bisection to 2 %. A "
        "step that\n"
        "missed is repeated once, one that the tester spoiled twice; the rate that is told was met "
        "by one.\n\n"
        "  --slo LIST              conditions that must all hold (default p99<5ms,loss<0.1%)\n"
        "  --rate N                first step: queries (1000) or lookups (200) a second\n"
        "  --duration T --warmup T --timeout T   each step 3s, before it 250ms, an answer is late "
        "after 2s\n"
        "  --arrival HOW           poisson (default), constant, burst:N\n" OPTIONS_HELP_LOAD
        "  --server-pid PID                      whose CPU to tell\n"
        "  --fail-if 'rate<40k'    exit 1 if so of the step that is told\n" OPTIONS_HELP_OUTPUT
        "Example:\n"
        "  dnsbench search --server 127.0.0.1:5353 --profile hit --slo 'p99<2ms,loss<0.1%'\n\n"
        "Exit codes: 0 pass, 1 threshold or objective never met, 2 usage, 3 invalid (the tester "
        "was the limit),\n"
        "            4 unreachable, 5 wrong answers\n",
    .run = run,
};

/* A search as a whole. */
struct search {
    struct session *session;    /* borrowed */
    struct run_plan plan;       /* of each step */
    struct bisection bisection; /* of rates */
    size_t told;                /* which run of the study met the objective at the highest rate */
    bool limited;               /* the lowest rate that missed it did for the tester's sake */
    bool failed;                /* it cannot go on; the study was told why */
    int code;                   /* why a step could not begin */
};

enum step { STEP_MET, STEP_MISSED, STEP_LIMITED, STEP_FAILED };

static void pause_between(void)
{
    struct timespec pause = {.tv_nsec = (long)PAUSE_NS};

    nanosleep(&pause, NULL);
}

/* The first condition that does not hold, NULL when all do. */
static const struct threshold *missed_condition(const struct options *options,
                                                const struct result *result)
{
    for (size_t i = 0; i < options->slo_count; i++) {
        if (!threshold_holds(&options->slo[i], result))
            return &options->slo[i];
    }
    return NULL;
}

/* What a step that ran to its end says of its rate; the result is told. */
static enum step judge_step(const struct options *options, struct result *result)
{
    const struct threshold *missed = missed_condition(options, result);
    char text[SESSION_BLAME_OCTETS];

    if (result->verdict == VERDICT_INVALID)
        return STEP_LIMITED;
    if (missed == NULL)
        return STEP_MET;
    enum verdict verdict = session_blame(missed, result, text);
    result_judge(result, verdict, "%s", text);
    return verdict == VERDICT_INVALID ? STEP_LIMITED : STEP_MISSED;
}

/* One run at a rate. */
static enum step try_once(struct search *search, double rate)
{
    struct session *session = search->session;
    char name[UNITS_TEXT_MAX];

    session_pace(&search->plan, rate);
    struct result *result =
        session_run(session, &search->plan, units_write_rate(rate, name), &search->code);
    if (result == NULL)
        return STEP_FAILED;
    /* First: a run that nobody answers is cut short, too. */
    if (result->verdict == VERDICT_UNREACHABLE || result->verdict == VERDICT_WRONG)
        study_judge(&session->study, result->verdict, "%s", result->reasons);
    if (result->interrupted || session->study.verdict != VERDICT_PASS)
        return STEP_FAILED;
    return judge_step(session->options, result);
}

/* One disturbance must not halve the answer: a step that missed the objective is repeated once, and one that the
 * tester spoiled, which says nothing of the server, until one says something, TRIES_MAX in all. */
static enum step try_rate(struct search *search, double rate)
{
    unsigned missed = 0;

    for (unsigned tries = 0; tries < TRIES_MAX && missed < 2; tries++) {
        enum step step = try_once(search, rate);

        pause_between();
        if (step == STEP_MET || step == STEP_FAILED)
            return step;
        missed += step == STEP_MISSED;
    }
    return missed > 0 ? STEP_MISSED : STEP_LIMITED;
}

static void look(struct search *search)
{
    double rate;

    while (!session_interrupted(search->session) &&
           (rate = bisection_next(&search->bisection)) > 0) {
        enum step step = try_rate(search, rate);

        search->failed = step == STEP_FAILED;
        if (search->failed)
            return;
        bisection_note(&search->bisection, rate, step == STEP_MET);
        if (step == STEP_MET)
            search->told = search->session->study.count - 1;
        else
            search->limited = step == STEP_LIMITED;
    }
}

/* A step that missed is no failure of the whole: only how the search ended is. */
static void conclude(const struct search *search)
{
    struct study *study = &search->session->study;
    const struct bisection *found = &search->bisection;
    char rate[UNITS_TEXT_MAX];

    study->answer = found->met;
    if (session_interrupted(search->session))
        study_judge(study, VERDICT_INVALID, "interrupted before the search came to its end");
    else if (search->failed)
        return;
    else if (search->limited && found->met == 0)
        study_judge(study, VERDICT_INVALID, "the tester was the limit at every rate");
    else if (search->limited || found->missed == 0)
        study_judge(study, VERDICT_INVALID,
                    "above %s the tester was the limit: the server can do at least that",
                    units_write_rate(found->met, rate));
    else if (found->met == 0)
        study_judge(study, VERDICT_FAILED, "no rate met the objective");
}

/* --fail-if speaks of the step whose rate is told. */
static void apply_thresholds(const struct search *search)
{
    const struct options *options = search->session->options;
    struct study *study = &search->session->study;
    const struct result *told = &study->runs[search->told];
    char text[SESSION_BLAME_OCTETS];

    for (size_t i = 0; search->bisection.met > 0 && i < options->fail_if_count; i++) {
        if (threshold_holds(&options->fail_if[i], told))
            study_judge(study, session_blame(&options->fail_if[i], told, text), "%s", text);
    }
}

static int measure(struct session *session)
{
    const struct options *options = session->options;
    double first = workload_has_lookups(session->workload) ? START_LOOKUP_RATE : START_RATE;
    char what[64];
    char how[THRESHOLD_MAX * 16];

    first = options->rate > 0 ? options->rate : first;
    if (first < BISECTION_RATE_MIN || first > BISECTION_RATE_MAX)
        return command_usage(&command_search, "--rate of the first step is from 1/s to 20M/s");
    struct search search = {.session = session,
                            .plan = session_plan(session, &options->server, first),
                            .bisection.first = first};
    search.plan.duration_ns = options->duration_ns > 0 ? options->duration_ns : DURATION_NS;
    search.plan.warmup_ns = options->warmup_said ? options->warmup_ns : WARMUP_NS;
    session_pace(&search.plan, first);
    snprintf(what, sizeof(what), "rising rates from %.0f/s", first);
    snprintf(how, sizeof(how), " until %s is missed,", options->slo_text);
    session_announce(session, &search.plan, what, how);
    look(&search);
    if (session->study.count == 0)
        return search.code;
    conclude(&search);
    apply_thresholds(&search);
    return session_finish(session);
}

static int run(int argc, char **argv)
{
    return session_main(&command_search, OPTION_SEARCH, argc, argv, measure);
}
