/* search: open-loop steps, doubling and then halving the distance, for the highest rate that meets an objective. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "command/command.h"
#include "command/options.h"
#include "command/session.h"
#include "measure/threshold.h"
#include "measure/units.h"

#define DURATION_NS (3 * NS_PER_S)
#define WARMUP_NS (250 * NS_PER_MS)
#define START_RATE 1000.0
#define START_LOOKUP_RATE 200.0
#define RATE_MAX 20e6
#define STEPS_MAX 40

/* The search ends when what met the objective and what did not are so close. */
#define PRECISION 1.02

/* Between steps the server works off what the last one left in its queues. */
#define PAUSE_NS (300 * NS_PER_MS)

static int run(int argc, char **argv);

const struct command command_search = {
    .word = "search",
    .summary = "the highest rate that meets an objective (--slo)",
    .help =
        "Usage: dnsbench search --server ADDR[:PORT] --slo 'p99<5ms,loss<0.1%' [OPTIONS]\n"
        "Open-loop steps: the rate doubles until the objective is missed, then bisection to 2 %. A "
        "step that\n"
        "missed is repeated once; the rate that is told was met by a step of its own.\n\n"
        "  --slo LIST              conditions that must all hold (default p99<5ms,loss<0.1%)\n"
        "  --rate N                first step: queries (1000) or lookups (200) a second\n"
        "  --duration T --warmup T --timeout T   each step 3s, before it 250ms, an answer is late "
        "after 2s\n"
        "  --arrival HOW           poisson (default), constant, burst:N\n"
        "  --transport KIND        udp (default), tcp, dot, udp+tc; --tls-name NAME verifies DoT\n"
        "  --profile NAME[:k=v]    k8s-aws (default), hit, nx, miss; --queries FILE; "
        "--random-label ZONE\n"
        "  --zipf S --names N --seed N           popularity, how many names, the same again (1)\n"
        "  --clients N --source CIDR --ports pool|per-lookup    who asks\n"
        "  --edns SIZE --do --cookie --expect FILE              what is asked, what must come\n"
        "  --threads N --cpus LIST --batch N     sending threads, where, queries a system call "
        "(16)\n"
        "  --receive-buffer N --server-pid PID   octets of socket buffer; whose CPU to tell\n"
        "  --fail-if 'rate<40k'    exit 1 if so of the step that is told\n"
        "  --json FILE --svg FILE --interval T   save ('-': JSON to stdout)\n"
        "  --quiet --allow-remote                no live line; a public address is meant\n\n"
        "Example:\n"
        "  dnsbench search --server 127.0.0.1:5353 --profile hit --slo 'p99<2ms,loss<0.1%'\n\n"
        "Exit codes: 0 pass, 1 threshold or objective never met, 2 usage, 3 invalid (the tester "
        "was the limit),\n"
        "            4 unreachable, 5 wrong answers\n",
    .run = run,
};

/* What is known so far, rates a second. */
struct search {
    struct session *session;
    const struct threshold *slo; /* borrowed; slo_count of them */
    size_t slo_count;
    struct run_plan plan; /* of each step */
    double met;           /* highest that met the objective; 0: none yet */
    double missed;        /* lowest that missed it; 0: none yet */
    bool limited;         /* it was missed because the tester was the limit */
    int code;             /* why the search cannot go on */
};

enum step { STEP_MET, STEP_MISSED, STEP_LIMITED, STEP_FAILED };

static void pause_between(void)
{
    struct timespec pause = {.tv_nsec = (long)PAUSE_NS};

    nanosleep(&pause, NULL);
}

/* The first condition that does not hold, NULL when all do. */
static const struct threshold *missed_condition(const struct search *search,
                                                const struct result *result)
{
    for (size_t i = 0; i < search->slo_count; i++) {
        if (!threshold_holds(&search->slo[i], result))
            return &search->slo[i];
    }
    return NULL;
}

/* One run at a rate. What the server did counts before what the tester did: an answer that is late because of a full queue is no fault of
 * the tester. */
static enum step try_once(struct search *search, double rate)
{
    char name[32];
    const struct threshold *missed;
    struct result *result;

    session_pace(&search->plan, rate);
    units_write_rate(rate, name);
    result = session_run(search->session, &search->plan, name, &search->code);
    if (result == NULL)
        return STEP_FAILED;
    search->code = (int)result->verdict;
    if (result->verdict == VERDICT_UNREACHABLE || result->verdict == VERDICT_WRONG ||
        result->interrupted)
        return STEP_FAILED;
    if (result->verdict == VERDICT_INVALID)
        return STEP_LIMITED;
    missed = missed_condition(search, result);
    if (missed != NULL) {
        char text[160];

        snprintf(result->reasons, sizeof(result->reasons), "%s",
                 threshold_write(missed, result, text, sizeof(text)));
    }
    return missed == NULL ? STEP_MET : STEP_MISSED;
}

/* A step that did not meet the objective is repeated once: one disturbance must not halve the answer. */
static enum step try_rate(struct search *search, double rate)
{
    enum step step = try_once(search, rate);

    pause_between();
    if (step != STEP_MISSED && step != STEP_LIMITED)
        return step;
    step = try_once(search, rate);
    pause_between();
    return step;
}

static bool note(struct search *search, double rate, enum step step)
{
    if (step == STEP_FAILED)
        return false;
    if (step == STEP_MET)
        search->met = rate;
    else
        search->missed = rate;
    if (step != STEP_MET)
        search->limited = step == STEP_LIMITED;
    return true;
}

static double next_rate(const struct search *search, double first)
{
    if (search->missed == 0)
        return search->met == 0 ? first : search->met * 2;
    if (search->met == 0)
        return search->missed / 4;
    return sqrt(search->met * search->missed);
}

static bool is_over(const struct search *search, double rate)
{
    if (search->met > 0 && search->missed > 0 && search->missed / search->met <= PRECISION)
        return true;
    return rate < 1 || rate > RATE_MAX || search->session->study.count >= STEPS_MAX ||
           session_interrupted(search->session);
}

static void look(struct search *search, double first)
{
    double rate = first;

    while (!is_over(search, rate)) {
        if (!note(search, rate, try_rate(search, rate)))
            return;
        rate = next_rate(search, first);
    }
}

/* A step that missed is no failure of the whole: only how the search ended is. */
static void conclude(struct search *search)
{
    struct study *study = &search->session->study;
    char met[UNITS_TEXT_MAX];

    study->answer = search->met;
    if (search->code == VERDICT_UNREACHABLE || search->code == VERDICT_WRONG)
        study_judge(study, (enum verdict)search->code, "%s", study->runs[study->count - 1].reasons);
    else if (search->limited)
        study_judge(study, VERDICT_INVALID,
                    "above %s the tester was the limit: the server can do at least that",
                    units_write_rate(search->met, met));
    else if (search->met == 0)
        study_judge(study, VERDICT_FAILED, "no rate met the objective");
}

/* --fail-if speaks of the step whose rate is told. */
static void apply_thresholds(const struct search *search)
{
    const struct options *options = search->session->options;
    struct study *study = &search->session->study;
    const struct result *told = NULL;

    for (size_t i = 0; i < study->count; i++) {
        if (study->runs[i].setup.rate == search->met &&
            missed_condition(search, &study->runs[i]) == NULL)
            told = &study->runs[i];
    }
    for (size_t i = 0; told != NULL && i < options->fail_if_count; i++) {
        char text[160];

        if (threshold_holds(&options->fail_if[i], told))
            study_judge(study, VERDICT_FAILED, "%s",
                        threshold_write(&options->fail_if[i], told, text, sizeof(text)));
    }
}

static int measure(struct session *session)
{
    const struct options *options = session->options;
    double first = workload_has_lookups(session->workload) ? START_LOOKUP_RATE : START_RATE;
    struct search search = {
        .session = session, .slo = options->slo, .slo_count = options->slo_count};
    char what[96];

    first = options->rate > 0 ? options->rate : first;
    search.plan = session_plan(session, &options->server, first);
    search.plan.duration_ns = options->duration_ns > 0 ? options->duration_ns : DURATION_NS;
    search.plan.warmup_ns = options->warmup_said ? options->warmup_ns : WARMUP_NS;
    session_pace(&search.plan, first);
    snprintf(what, sizeof(what), "rising rates from %.0f/s until %s is missed,", first,
             options->slo_text);
    session_announce(session, &search.plan, what);
    look(&search, first);
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
