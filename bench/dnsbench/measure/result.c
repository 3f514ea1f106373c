/* result: one run's figures: made, merged, judged; and the study that holds several. Owns the
 * histograms, the series and a study's runs. Thread: the owner's; merged once the writers have
 * ended. Bounds: RESULT_KINDS_MAX kinds of lookups (more: CHECK), texts cut to their arrays. Fails:
 * out of memory is fatal. */
#include "measure/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "measure/units.h"

/* One line of reasons. */
#define REASON_MAX 256

/* ---- Life ------------------------------------------------------------------------------------ */

/* Calls act for each histogram of a result. */
static void for_each_histogram(struct result *result, void (*act)(struct histogram *))
{
    act(&result->response);
    act(&result->service);
    act(&result->send_lag);
    act(&result->read_lag);
    act(&result->lookup);
    for (size_t i = 0; i < ANSWER_COUNT; i++)
        act(&result->answer[i]);
    for (size_t i = 0; i < RESULT_KINDS_MAX; i++)
        act(&result->kinds[i].latency);
}

void result_init(struct result *result, const struct series_shape *shape)
{
    memset(result, 0, sizeof(*result));
    for_each_histogram(result, histogram_init);
    series_init(&result->series, shape);
}

void result_deinit(struct result *result)
{
    for_each_histogram(result, histogram_deinit);
    series_deinit(&result->series);
}

struct result *study_add(struct study *study)
{
    struct result *runs = realloc(study->runs, (study->count + 1) * sizeof(*runs));

    CHECK(runs != NULL);
    study->runs = runs;
    memset(&runs[study->count], 0, sizeof(*runs));
    return &runs[study->count++];
}

void study_deinit(struct study *study)
{
    for (size_t i = 0; i < study->count; i++)
        result_deinit(&study->runs[i]);
    free(study->runs);
    study->runs = NULL;
    study->count = 0;
}

/* ---- Merging --------------------------------------------------------------------------------- */

static void merge_health(struct health *into, const struct health *from)
{
    into->open_loop = into->open_loop || from->open_loop;
    into->planned += from->planned;
    into->begun += from->begun;
    into->windows += from->windows;
    into->uneven += from->uneven;
    into->own_drops += from->own_drops;
    into->send_errors += from->send_errors;
    into->id_waits += from->id_waits;
    into->run_delay_ns += from->run_delay_ns;
    into->cpu_ns += from->cpu_ns;
    into->thread_time_ns += from->thread_time_ns;
}

/* Quantiles cannot be added: they come from the merged histograms. */
static void take_lags(struct result *result)
{
    struct health *health = &result->health;

    health->send_lag_p50_ns = histogram_quantile(&result->send_lag, 0.5).ns;
    health->send_lag_p99_ns = histogram_quantile(&result->send_lag, 0.99).ns;
    health->send_lag_max_ns = result->send_lag.total > 0 ? result->send_lag.max_ns : 0;
    health->read_lag_p99_ns = histogram_quantile(&result->read_lag, 0.99).ns;
}

/* The kind of that name, made when there is none yet. */
static struct lookup_kind *take_kind(struct result *result, const char *name)
{
    for (size_t i = 0; i < result->kind_count; i++) {
        if (strcmp(result->kinds[i].name, name) == 0)
            return &result->kinds[i];
    }
    CHECK(result->kind_count < RESULT_KINDS_MAX);
    struct lookup_kind *kind = &result->kinds[result->kind_count++];
    snprintf(kind->name, sizeof(kind->name), "%s", name);
    return kind;
}

/* All but times. */
static void merge_figures(struct result *into, const struct result *from)
{
    into->interrupted = into->interrupted || from->interrupted;
    into->server_cpu_ns += from->server_cpu_ns;
    tally_merge(&into->measured, &from->measured);
    tally_merge(&into->warmup, &from->warmup);
    histogram_merge(&into->response, &from->response);
    histogram_merge(&into->service, &from->service);
    histogram_merge(&into->send_lag, &from->send_lag);
    histogram_merge(&into->read_lag, &from->read_lag);
    histogram_merge(&into->lookup, &from->lookup);
    for (size_t i = 0; i < ANSWER_COUNT; i++)
        histogram_merge(&into->answer[i], &from->answer[i]);
    for (size_t i = 0; i < from->kind_count; i++)
        histogram_merge(&take_kind(into, from->kinds[i].name)->latency, &from->kinds[i].latency);
    merge_health(&into->health, &from->health);
    take_lags(into);
}

void result_merge(struct result *into, const struct result *from)
{
    merge_figures(into, from);
    into->elapsed_ns = from->elapsed_ns > into->elapsed_ns ? from->elapsed_ns : into->elapsed_ns;
    series_merge(&into->series, &from->series);
}

void result_append(struct result *into, const struct result *from)
{
    merge_figures(into, from);
    into->elapsed_ns += from->elapsed_ns;
    series_overlay(&into->series, &from->series);
    into->verdict = VERDICT_PASS;
    into->reasons[0] = '\0';
    result_judge_figures(into);
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

/* How much a verdict hides others: its place in the order told in the door. */
static unsigned rank_of(enum verdict verdict)
{
    static const unsigned ranks[] = {
        [VERDICT_PASS] = 0,  [VERDICT_FAILED] = 1,      [VERDICT_INVALID] = 2,
        [VERDICT_WRONG] = 3, [VERDICT_UNREACHABLE] = 4, [VERDICT_USAGE] = 5,
    };

    CHECK((unsigned)verdict < sizeof(ranks) / sizeof(ranks[0]));
    return ranks[verdict];
}

enum verdict verdict_worse(enum verdict a, enum verdict b)
{
    return rank_of(a) >= rank_of(b) ? a : b;
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_PASS] = "pass",   [VERDICT_FAILED] = "failed",
        [VERDICT_USAGE] = "usage", [VERDICT_INVALID] = "invalid",
        [VERDICT_WRONG] = "wrong", [VERDICT_UNREACHABLE] = "unreachable",
    };

    CHECK((unsigned)verdict < sizeof(names) / sizeof(names[0]));
    return names[verdict];
}

/* The verdict and the reasons of a result or a study. */
struct judgement {
    enum verdict *verdict; /* borrowed */
    char *reasons;         /* borrowed; size octets */
    size_t size;           /* of reasons */
};

/* A worse verdict's line goes before all others, any other behind them. What does not fit is cut at
 * the end. */
static void judge(const struct judgement *judgement, enum verdict verdict, const char *format,
                  va_list args)
{
    char line[REASON_MAX];
    char old[sizeof(((struct result *)NULL)->reasons)];
    bool is_first = rank_of(verdict) > rank_of(*judgement->verdict);

    *judgement->verdict = verdict_worse(*judgement->verdict, verdict);
    vsnprintf(line, sizeof(line), format, args);
    if (line[0] == '\0')
        return;
    snprintf(old, sizeof(old), "%s", judgement->reasons);
    const char *separator = old[0] == '\0' ? "" : "\n";
    snprintf(judgement->reasons, judgement->size, "%s%s%s", is_first ? line : old, separator,
             is_first ? old : line);
}

void result_judge(struct result *result, enum verdict verdict, const char *format, ...)
{
    struct judgement judgement = {&result->verdict, result->reasons, sizeof(result->reasons)};
    va_list args;

    va_start(args, format);
    judge(&judgement, verdict, format, args);
    va_end(args);
}

void study_judge(struct study *study, enum verdict verdict, const char *format, ...)
{
    struct judgement judgement = {&study->verdict, study->reasons, sizeof(study->reasons)};
    va_list args;

    va_start(args, format);
    judge(&judgement, verdict, format, args);
    va_end(args);
}

bool comparison_is_worse(const struct comparison *comparison)
{
    return comparison->higher_is_better ? comparison->high < 1 : comparison->low > 1;
}

static void take_over(struct study *study, const struct result *run)
{
    const char *line = run->reasons;
    const char *separator = run->name[0] != '\0' ? ": " : "";

    if (*line == '\0')
        study->verdict = verdict_worse(study->verdict, run->verdict);
    while (*line != '\0') {
        int len = (int)strcspn(line, "\n");

        study_judge(study, run->verdict, "%s%s%.*s", run->name, separator, len, line);
        line += len;
        line += *line == '\n' ? 1 : 0;
    }
}

void study_conclude(struct study *study)
{
    for (size_t i = 0; i < study->count; i++)
        take_over(study, &study->runs[i]);
}

/* ---- What follows from the figures alone ----------------------------------------------------- */

static uint64_t both(const struct result *result, enum outcome outcome)
{
    return result->measured.outcome[outcome] + result->warmup.outcome[outcome];
}

/* Some query came back at all, in time or not, right or wrong; or would have, but for the
 * tester. */
static bool is_anything_answered(const struct result *result)
{
    return both(result, OUTCOME_OK) + both(result, OUTCOME_LATE) + both(result, OUTCOME_MISMATCH) +
               both(result, OUTCOME_WRONG) + both(result, OUTCOME_TESTER_DROPPED) >
           0;
}

/* Queries that the kernel took; what it refused says nothing about the server. */
static uint64_t count_taken(const struct result *result)
{
    return result->measured.sent + result->warmup.sent - both(result, OUTCOME_SEND_ERROR);
}

static bool judge_reach(struct result *result)
{
    char count[UNITS_TEXT_MAX], others[UNITS_TEXT_MAX];
    uint64_t taken = count_taken(result);
    uint64_t unmatched = result->measured.duplicate + result->measured.stray +
                         result->warmup.duplicate + result->warmup.stray;

    if (taken == 0 || is_anything_answered(result))
        return false;
    units_write_count(taken, count);
    if (both(result, OUTCOME_REFUSED) > 0)
        result_judge(result, VERDICT_UNREACHABLE,
                     "nobody listens there: the host refused %s of %s queries",
                     units_write_count(both(result, OUTCOME_REFUSED), others), count);
    else if (unmatched > 0)
        result_judge(result, VERDICT_UNREACHABLE,
                     "no answer came to any of %s queries while it was waited for; %s messages "
                     "came too late or were no answers",
                     count, units_write_count(unmatched, others));
    else
        result_judge(result, VERDICT_UNREACHABLE, "no answer came to any of %s queries", count);
    return true;
}

static void judge_health(struct result *result)
{
    unsigned breaches = health_breaches(&result->health);
    char figure[REASON_MAX / 2];
    char count[UNITS_TEXT_MAX];

    for (unsigned kind = 0; kind < HEALTH_COUNT; kind++) {
        if ((breaches & 1U << kind) == 0)
            continue;
        health_write(&result->health, (enum health_kind)kind, figure, sizeof(figure));
        result_judge(result, VERDICT_INVALID, "%s: %s (%s)", health_name((enum health_kind)kind),
                     figure, health_meaning((enum health_kind)kind));
    }
    /* Drops in the warm-up are no breach of the measured time, yet answers of measured queries may
     * be among them. */
    if ((breaches & 1U << HEALTH_DROPS) == 0 &&
        result->measured.outcome[OUTCOME_TESTER_DROPPED] > 0)
        result_judge(result, VERDICT_INVALID, "%s answers were lost in the tester's socket buffers",
                     units_write_count(result->measured.outcome[OUTCOME_TESTER_DROPPED], count));
}

/* True when there were any in this part of the run. */
static bool judge_content(struct result *result, const struct tally *tally, const char *when)
{
    char wrong[UNITS_TEXT_MAX], mismatch[UNITS_TEXT_MAX];

    if (tally->outcome[OUTCOME_WRONG] + tally->outcome[OUTCOME_MISMATCH] == 0)
        return false;
    result_judge(result, VERDICT_WRONG,
                 "wrong answers%s: %s with other content than expected, %s with another question",
                 when, units_write_count(tally->outcome[OUTCOME_WRONG], wrong),
                 units_write_count(tally->outcome[OUTCOME_MISMATCH], mismatch));
    return true;
}

/* Wrong answers were in time, as bad as they are; what the tester lost is not the server's
 * fault. */
static void judge_time(struct result *result)
{
    const uint64_t *outcome = result->measured.outcome;
    uint64_t own = outcome[OUTCOME_SEND_ERROR] + outcome[OUTCOME_TESTER_DROPPED];
    char count[UNITS_TEXT_MAX], late[UNITS_TEXT_MAX];

    if (result->measured.sent == own ||
        outcome[OUTCOME_OK] + outcome[OUTCOME_WRONG] + outcome[OUTCOME_MISMATCH] > 0)
        return;
    result_judge(result, VERDICT_FAILED, "none of %s queries was answered in time, %s were late",
                 units_write_count(result->measured.sent, count),
                 units_write_count(outcome[OUTCOME_LATE], late));
}

/* What was not measured is not taken for good. */
static void judge_extent(struct result *result)
{
    if (result->measured.sent > 0)
        return;
    result_judge(result, VERDICT_FAILED,
                 result->interrupted ? "interrupted before anything was measured"
                                     : "nothing was measured: no query was due in that time");
}

void result_judge_figures(struct result *result)
{
    CHECK(tally_is_whole(&result->measured) && tally_is_whole(&result->warmup));
    bool is_unreachable = judge_reach(result);

    judge_health(result);
    if (!judge_content(result, &result->measured, ""))
        judge_content(result, &result->warmup, " in the warm-up");
    if (is_unreachable)
        return;
    judge_extent(result);
    judge_time(result);
}
