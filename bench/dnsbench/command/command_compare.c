/* compare: two servers in interleaved slices (A B, B A, ...), so that what disturbs the machine
 * disturbs both; ratios a pair, and a bootstrap interval. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/options.h"
#include "command/session.h"
#include "local53/base/check.h"
#include "measure/bootstrap.h"
#include "measure/units.h"

#define SLICE_NS NS_PER_S
#define SLICE_WARMUP_SHARE 5 /* a fifth of a slice before it is not counted */
#define PAIRS 12
#define WINDOW 256

/* So many pairs may be spoilt by the tester (and are run again) before the comparison is
 * INVALID. */
#define SPOILT_SHARE 2

static int run(int argc, char **argv);

const struct command command_compare = {
    .word = "compare",
    .summary = "two servers, interleaved slices, confidence interval",
    .help =
        "Usage: dnsbench compare --a ADDR[:PORT] --b ADDR[:PORT] [OPTIONS]\n"
        "Runs slices A B, B A, A B, ... of the same load and tells the ratio B/A with its "
        "interval: of throughput\n"
        "(closed loop), or with --rate of p50 and p99 latency (open loop). B is worse when the "
        "interval of the\n"
        "throughput, or of p50, lies wholly on the bad side of 1.\n\n"
        "  --rate N                open loop at this rate; --arrival poisson|constant|burst:N\n"
        "  --window N              closed loop: queries in flight (256)\n"
        "  --slice T --pairs N --alpha P         1s, 12 pairs, 0.05 (a 95 % interval)\n"
        "  --warmup T --timeout T                before each slice (a fifth of it), given up "
        "after\n" OPTIONS_HELP_LOAD
        "  --a-pid PID --b-pid PID               compare their CPU a query too\n"
        "  --fail-if 'loss>0.1%'                 exit 1 if so of A or B\n" OPTIONS_HELP_OUTPUT
        "Example:\n"
        "  dnsbench compare --a 127.0.0.1:5301 --b 127.0.0.1:5302 --profile hit --rate 20k\n\n"
        "Exit codes: 0 no worse, 1 B is worse (or a threshold), 2 usage, 3 invalid, 4 unreachable, "
        "5 wrong\n",
    .run = run,
};

/* What is compared: how a slice gives the figure. */
struct metric {
    const char *name;
    bool open_loop;  /* of open loops, else of closed ones */
    bool both_loops; /* of either */
    bool higher_is_better;
    double (*value)(const struct result *result); /* 0: there is none */
};

static double throughput(const struct result *result)
{
    return result->elapsed_ns == 0 ? 0
                                   : (double)result->measured.outcome[OUTCOME_OK] *
                                         (double)NS_PER_S / (double)result->elapsed_ns;
}

static double response_p50(const struct result *result)
{
    return (double)histogram_quantile(&result->response, 0.5).ns;
}

static double response_p99(const struct result *result)
{
    return (double)histogram_quantile(&result->response, 0.99).ns;
}

static double server_cpu(const struct result *result)
{
    uint64_t ok = result->measured.outcome[OUTCOME_OK];

    return ok == 0 ? 0 : (double)result->server_cpu_ns / (double)ok;
}

/* The first that applies decides whether B is worse. */
static const struct metric metrics[] = {
    {"throughput", false, false, true, throughput},
    {"p50", true, false, false, response_p50},
    {"p99", true, false, false, response_p99},
    {"cpu", false, true, false, server_cpu},
};
#define METRIC_COUNT (sizeof(metrics) / sizeof(metrics[0]))

struct duel {
    struct session *session;
    struct run_plan plans[2];     /* of A and B */
    uint32_t pairs;               /* wanted */
    uint32_t good;                /* pairs of slices that count */
    uint32_t spoilt;              /* pairs run again because the tester was the limit */
    double *ratios[METRIC_COUNT]; /* owned; pairs of each */
    uint32_t known[METRIC_COUNT]; /* of these */
    char why[sizeof(
        ((struct study *)NULL)->reasons)]; /* the tester's fault in the last spoilt pair */
    int code;                              /* why it cannot go on */
};

static bool applies(const struct metric *metric, const struct duel *duel)
{
    return metric->both_loops || metric->open_loop == duel->plans[0].open_loop;
}

static void note_ratios(struct duel *duel, const struct result *a, const struct result *b)
{
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        double of_a = metrics[m].value(a);
        double of_b = metrics[m].value(b);

        if (applies(&metrics[m], duel) && of_a > 0 && of_b > 0)
            duel->ratios[m][duel->known[m]++] = of_b / of_a;
    }
}

/* Adds a good slice to the whole of its server, runs[0] for A and runs[1] for B; the slices
 * themselves are dropped. */
static void keep(struct study *study, struct result slices[2], bool first)
{
    for (size_t i = 0; i < 2; i++) {
        if (first) {
            *study_add(study) = slices[i];
            continue;
        }
        result_append(&study->runs[i], &slices[i]);
        result_deinit(&slices[i]);
    }
}

/* Takes the run just made out of the study. */
static struct result take_last(struct study *study)
{
    struct result last = study->runs[study->count - 1];

    study->count--;
    return last;
}

static bool run_slice(struct duel *duel, struct result slices[2], size_t which)
{
    struct session *session = duel->session;

    if (session_run(session, &duel->plans[which], which == 0 ? "A" : "B", &duel->code) == NULL)
        return false;
    slices[which] = take_last(&session->study);
    duel->code = (int)slices[which].verdict;
    return !slices[which].interrupted && duel->code != VERDICT_UNREACHABLE;
}

/* One pair, A first or B first. False: it cannot go on; why and code say why. */
static bool run_pair(struct duel *duel, size_t first)
{
    struct study *study = &duel->session->study;
    struct result slices[2] = {0};
    bool good = run_slice(duel, slices, first) && run_slice(duel, slices, 1 - first);
    bool valid = slices[0].verdict != VERDICT_INVALID && slices[1].verdict != VERDICT_INVALID;

    if (good && valid) {
        note_ratios(duel, &slices[0], &slices[1]);
        keep(study, slices, duel->good == 0);
        duel->good++;
        return true;
    }
    duel->spoilt += good ? 1 : 0;
    for (size_t i = 0; i < 2; i++) {
        if (slices[i].verdict == VERDICT_INVALID || slices[i].verdict == VERDICT_UNREACHABLE)
            memcpy(duel->why, slices[i].reasons, sizeof(duel->why));
        result_deinit(&slices[i]);
    }
    return good;
}

static bool is_spoilt(const struct duel *duel)
{
    return duel->spoilt > duel->pairs / SPOILT_SHARE;
}

static void run_pairs(struct duel *duel)
{
    bool going = true;

    while (going && duel->good < duel->pairs) {
        if (is_spoilt(duel) || session_interrupted(duel->session))
            return;
        going = run_pair(duel, duel->good % 2);
    }
}

/* The interval of one metric into the study. */
static void tell_metric(struct duel *duel, size_t m)
{
    struct study *study = &duel->session->study;
    const struct options *options = duel->session->options;
    struct comparison *out;
    struct bootstrap interval;

    if (duel->known[m] < 2 || study->comparison_count == STUDY_COMPARISONS_MAX)
        return;
    interval =
        bootstrap_ratio(duel->ratios[m], duel->known[m], options->alpha, options->workload.seed);
    out = &study->comparisons[study->comparison_count++];
    *out = (struct comparison){.higher_is_better = metrics[m].higher_is_better,
                               .ratio = interval.ratio,
                               .low = interval.low,
                               .high = interval.high,
                               .alpha = options->alpha,
                               .pairs = duel->known[m]};
    snprintf(out->metric, sizeof(out->metric), "%s", metrics[m].name);
}

static void conclude(struct duel *duel)
{
    struct study *study = &duel->session->study;

    for (size_t m = 0; m < METRIC_COUNT; m++)
        tell_metric(duel, m);
    study_conclude(study);
    if (duel->code == VERDICT_UNREACHABLE)
        study_judge(study, VERDICT_UNREACHABLE, "%s", duel->why);
    else if (is_spoilt(duel))
        study_judge(study, VERDICT_INVALID, "%u of %u pairs spoilt: %s", duel->spoilt,
                    duel->spoilt + duel->good, duel->why);
    else if (study->comparison_count == 0)
        study_judge(study, VERDICT_INVALID, "%s",
                    session_interrupted(duel->session)
                        ? "interrupted before two pairs were measured"
                        : "nothing could be compared");
    else if (comparison_is_worse(&study->comparisons[0]))
        study_judge(study, VERDICT_FAILED, "B is worse: %s", study->comparisons[0].metric);
}

static struct run_plan plan_of(const struct session *session, const struct addr *server)
{
    const struct options *options = session->options;
    struct run_plan plan = session_plan(session, server, options->rate);

    plan.duration_ns = options->slice_ns > 0 ? options->slice_ns : SLICE_NS;
    plan.warmup_ns =
        options->warmup_said ? options->warmup_ns : plan.duration_ns / SLICE_WARMUP_SHARE;
    plan.window = options->window > 0 ? options->window : WINDOW;
    if (plan.open_loop)
        session_pace(&plan, options->rate);
    return plan;
}

static void announce(const struct duel *duel)
{
    char rate[UNITS_TEXT_MAX] = "as fast as answers come";
    char b[ADDR_TEXT_MAX];
    char how[192];

    if (duel->plans[0].open_loop)
        units_write_rate(pacer_peak_rate(&duel->plans[0].pacing), rate);
    snprintf(how, sizeof(how), ", %u pairs of slices, in turn to B at %s and", duel->pairs,
             addr_format(&duel->plans[1].server, b));
    session_announce(duel->session, &duel->plans[0], rate, how);
}

static int measure(struct session *session)
{
    const struct options *options = session->options;
    struct duel duel = {.session = session, .pairs = options->pairs > 0 ? options->pairs : PAIRS};

    if (options->rate > 0 && options->window > 0)
        return command_usage(&command_compare,
                             "--rate is of an open loop, --window of a closed one");
    duel.plans[0] = plan_of(session, &options->a);
    duel.plans[1] = plan_of(session, &options->b);
    duel.plans[1].server_pid = (int)options->b_pid;
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        duel.ratios[m] = calloc(duel.pairs, sizeof(double));
        CHECK(duel.ratios[m] != NULL);
    }
    announce(&duel);
    run_pairs(&duel);
    session_apply_thresholds(session);
    conclude(&duel);
    for (size_t m = 0; m < METRIC_COUNT; m++)
        free(duel.ratios[m]);
    return session->study.count == 0 && duel.why[0] == '\0' ? duel.code : session_finish(session);
}

static int run(int argc, char **argv)
{
    return session_main(&command_compare, OPTION_COMPARE, argc, argv, measure);
}
