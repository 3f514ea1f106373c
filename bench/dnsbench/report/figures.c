/* figures: figures derived from a result, and how they are written.
 * Owns: nothing. Thread: any; no state.
 * Bounds: texts are cut to fit. Fails: never; what is unknown is told as "-" or 0. */
#include "figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double figures_share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

double figures_per_second(const struct result *run, uint64_t events)
{
    return figures_share((double)events * 1e9, (double)run->elapsed_ns);
}

double figures_tester_cpu_ns(const struct result *run)
{
    return figures_share((double)run->health.cpu_ns, (double)run->measured.sent);
}

double figures_server_cpu_ns(const struct result *run)
{
    return figures_share((double)run->server_cpu_ns, (double)run->measured.outcome[OUTCOME_OK]);
}

const char *figures_write_quantile(const struct histogram *h, double share, char *out)
{
    char text[UNITS_TEXT_MAX];
    struct quantile q = histogram_quantile(h, share);

    if (h->total == 0)
        snprintf(out, FIGURES_TEXT_MAX, "-");
    else
        snprintf(out, FIGURES_TEXT_MAX, "%s%s", q.at_least ? "≥ " : "",
                 units_write_duration(q.ns, text));
    return out;
}

const char *figures_write_ns(double ns, char *out)
{
    char text[UNITS_TEXT_MAX];

    if (!isfinite(ns) || ns < 0 || ns > (double)UNITS_DURATION_MAX_NS)
        snprintf(out, FIGURES_TEXT_MAX, "-");
    else
        snprintf(out, FIGURES_TEXT_MAX, "%s", units_write_duration((uint64_t)(ns + 0.5), text));
    return out;
}

const struct result *figures_run(const struct study *study, const char *name)
{
    for (size_t i = 0; i < study->count; i++) {
        if (strcmp(study->runs[i].name, name) == 0)
            return &study->runs[i];
    }
    return NULL;
}

/* Names of quantiles that may be compared. */
static bool quantile_share(const char *metric, double *share)
{
    static const struct {
        const char *name; /* of the metric */
        double share;     /* of the values at or below it */
    } known[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(metric, known[i].name) == 0) {
            *share = known[i].share;
            return true;
        }
    }
    return false;
}

bool figures_metric(const struct result *run, const char *metric, double *value)
{
    double share = 0;

    *value = 0;
    if (strcmp(metric, "throughput") == 0)
        *value = figures_per_second(run, run->measured.outcome[OUTCOME_OK]);
    else if (strcmp(metric, "cpu") == 0)
        *value = figures_server_cpu_ns(run);
    else if (quantile_share(metric, &share))
        *value = (double)histogram_quantile(&run->response, share).ns;
    return *value > 0;
}

size_t figures_columns(const char *text)
{
    size_t columns = 0;

    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* What B is when its figure is that of A times more or less than 1. */
static const char *comparison_word(const struct comparison *c)
{
    if (strcmp(c->metric, "cpu") == 0)
        return c->ratio > 1 ? "costs more" : "costs less";
    return (c->ratio > 1) == c->higher_is_better ? "faster" : "slower";
}

const char *figures_write_comparison(const struct comparison *c, char *out, size_t size)
{
    double confidence = 100 * (1 - c->alpha);
    bool less = c->ratio < 1;
    const char *word = comparison_word(c);
    const char *verb = strncmp(word, "costs", 5) == 0 ? "" : "is ";

    if (!isfinite(c->ratio) || !isfinite(c->low) || !isfinite(c->high) || c->pairs == 0)
        snprintf(out, size, "nothing could be compared");
    else if (c->low <= 1 && c->high >= 1)
        snprintf(out, size, "no difference found; differences above %.1f %% would have been",
                 50 * (c->high - c->low));
    else if (*verb == '\0')
        snprintf(out, size, "B costs %.1f %% %s (%.4g %% interval %.1f..%.1f %%)",
                 100 * fabs(c->ratio - 1), less ? "less" : "more", confidence,
                 100 * (less ? 1 - c->high : c->low - 1), 100 * (less ? 1 - c->low : c->high - 1));
    else
        snprintf(out, size, "B is %.1f %% %s (%.4g %% interval %.1f..%.1f %%)",
                 100 * fabs(c->ratio - 1), word, confidence,
                 100 * (less ? 1 - c->high : c->low - 1), 100 * (less ? 1 - c->low : c->high - 1));
    return out;
}

const char *figures_verdict(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_PASS: return "PASS";
    case VERDICT_FAILED: return "FAILED";
    case VERDICT_USAGE: return "USAGE";
    case VERDICT_INVALID: return "INVALID";
    case VERDICT_UNREACHABLE: return "UNREACHABLE";
    case VERDICT_WRONG: return "WRONG";
    }
    return "UNKNOWN";
}
