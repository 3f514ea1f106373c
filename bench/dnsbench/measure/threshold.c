/* threshold: conditions on figures of a result, from text and back. Owns nothing; any thread; pure.
 * A metric is kept as written and understood anew at each use: only a handful are, once a run.
 * Bounds: THRESHOLD_MAX conditions, names below THRESHOLD_METRIC_MAX octets. Fails: only in
 * parsing. */
#include "measure/threshold.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "local53/base/nearest.h"
#include "measure/units.h"

#define RCODE_SERVFAIL 2 /* RFC 1035 section 4.1.1 */
#define RCODE_NXDOMAIN 3 /* the same */

/* Longest condition as text: a metric, an operator, a value, spaces. */
#define CONDITION_MAX (THRESHOLD_METRIC_MAX + 2 * UNITS_TEXT_MAX)

/* ---- Metrics --------------------------------------------------------------------------------- */

enum source { /* which figure a metric is taken from */
              SOURCE_RESPONSE,
              SOURCE_SERVICE,
              SOURCE_LOOKUP,
              SOURCE_KIND,
              SOURCE_CLASS,
              SOURCE_LOSS,
              SOURCE_OUTCOME,
              SOURCE_RCODE,
              SOURCE_TRUNCATED,
              SOURCE_GAP,
              SOURCE_RATE
};

enum statistic { STATISTIC_QUANTILE, STATISTIC_MEAN, STATISTIC_MAX };

/* A metric's name, understood. */
struct metric {
    enum source source;              /* which figure */
    enum statistic statistic;        /* of a latency */
    double share;                    /* of a quantile, 0..1 */
    unsigned index;                  /* outcome, class of answers or rcode */
    char kind[THRESHOLD_METRIC_MAX]; /* of lookups; "" for none */
};

/* What a mistyped metric is compared with, the most usual first. */
static const char *const known_metrics[] = {"p99",           "p50",
                                            "p90",           "p99.9",
                                            "mean",          "max",
                                            "loss",          "timeout",
                                            "late",          "refused",
                                            "mismatch",      "wrong",
                                            "servfail",      "nxdomain",
                                            "truncated",     "gap",
                                            "rate",          "lookup.p99",
                                            "service.p99",   "class.found.p99",
                                            "class.nx.p99",  "class.nodata.p99",
                                            "class.fail.p99"};

/* "p99.9": above 0 and below 100, two digits before the point and up to four behind it. */
static bool parse_quantile(const char *text, double *share)
{
    static const char digits[] = "0123456789";

    if (text[0] != 'p')
        return false;
    size_t whole = strspn(text + 1, digits);
    const char *point = text + 1 + whole;
    size_t decimals = *point == '.' ? strspn(point + 1, digits) : 0;

    if (whole < 1 || whole > 2 || decimals > 4 || point[decimals > 0 ? decimals + 1 : 0] != '\0')
        return false;
    /* Whole numbers divided once give the same share that is written in decimals elsewhere: p99.9
     * is 0.999. */
    double number = 0;
    double scale = 100;
    for (const char *c = text + 1; *c != '\0'; c++) {
        if (*c == '.')
            continue;
        number = number * 10 + (*c - '0');
        scale *= c > point ? 10 : 1;
    }
    *share = number / scale;
    return number > 0;
}

static bool parse_statistic(const char *text, struct metric *out)
{
    if (strcmp(text, "mean") == 0)
        out->statistic = STATISTIC_MEAN;
    else if (strcmp(text, "max") == 0)
        out->statistic = STATISTIC_MAX;
    else if (parse_quantile(text, &out->share))
        out->statistic = STATISTIC_QUANTILE;
    else
        return false;
    return true;
}

/* "p99" or "svc.ns.p99.9": what stands before the first text that is a statistic is the name, and
 * both may hold dots. */
static bool parse_named_statistic(const char *text, struct metric *out)
{
    if (parse_statistic(text, out))
        return true;
    for (const char *dot = strchr(text, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        if (!parse_statistic(dot + 1, out))
            continue;
        (void)snprintf(out->kind, sizeof(out->kind), "%.*s", (int)(dot - text), text);
        return dot > text;
    }
    return false;
}

static bool parse_class(struct metric *out)
{
    for (unsigned i = 0; i < ANSWER_COUNT; i++) {
        if (strcmp(out->kind, answer_name((enum answer_class)i)) == 0) {
            out->index = i;
            return true;
        }
    }
    return false;
}

/* Where text begins with prefix, what follows it; else NULL. */
static const char *skip_prefix(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool parse_latency(const char *text, struct metric *out)
{
    const char *rest;

    if ((rest = skip_prefix(text, "class.")) != NULL) {
        out->source = SOURCE_CLASS;
        return parse_named_statistic(rest, out) && parse_class(out);
    }
    if ((rest = skip_prefix(text, "lookup.")) != NULL) {
        bool is_known = parse_named_statistic(rest, out);
        out->source = out->kind[0] == '\0' ? SOURCE_LOOKUP : SOURCE_KIND;
        return is_known;
    }
    rest = skip_prefix(text, "service.");
    out->source = rest != NULL ? SOURCE_SERVICE : SOURCE_RESPONSE;
    return parse_statistic(rest != NULL ? rest : text, out);
}

static bool parse_share_metric(const char *text, struct metric *out)
{
    static const struct {
        const char *name;
        enum source source;
        unsigned index;
    } rows[] = {{"loss", SOURCE_LOSS, 0},
                {"servfail", SOURCE_RCODE, RCODE_SERVFAIL},
                {"nxdomain", SOURCE_RCODE, RCODE_NXDOMAIN},
                {"truncated", SOURCE_TRUNCATED, 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(text, rows[i].name) == 0) {
            *out = (struct metric){.source = rows[i].source, .index = rows[i].index};
            return true;
        }
    }
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        if (strcmp(text, outcome_name((enum outcome)i)) == 0) {
            *out = (struct metric){.source = SOURCE_OUTCOME, .index = i};
            return true;
        }
    }
    return false;
}

static bool parse_metric(const char *text, struct metric *out)
{
    *out = (struct metric){0};
    if (strcmp(text, "gap") == 0)
        out->source = SOURCE_GAP;
    else if (strcmp(text, "rate") == 0)
        out->source = SOURCE_RATE;
    else
        return parse_share_metric(text, out) || parse_latency(text, out);
    return true;
}

static enum threshold_unit unit_of(const struct metric *metric)
{
    switch (metric->source) {
    case SOURCE_LOSS:
    case SOURCE_OUTCOME:
    case SOURCE_RCODE:
    case SOURCE_TRUNCATED: return THRESHOLD_SHARE;
    case SOURCE_RATE: return THRESHOLD_RATE;
    default: return THRESHOLD_DURATION;
    }
}

/* ---- Reading conditions ---------------------------------------------------------------------- */

/* Takes spaces off both ends; text is cut. */
static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t len = strlen(text); len > 0 && strchr(" \t", text[len - 1]) != NULL; len--)
        text[len - 1] = '\0';
    return text;
}

static enum err explain_metric(const char *metric, char *error, size_t size)
{
    const char *nearest =
        nearest_word(metric, known_metrics, sizeof(known_metrics) / sizeof(known_metrics[0]));

    if (nearest != NULL)
        (void)snprintf(error, size, "unknown metric '%s'; did you mean '%s'?", metric, nearest);
    else
        (void)snprintf(error, size,
                       "unknown metric '%s'; there are p50, p99.9, mean, max, loss, servfail, gap, "
                       "rate, lookup.p99, class.nx.p99 and more",
                       metric);
    return ERR_INVALID;
}

static enum err parse_value(struct threshold *out, const char *text, char *error, size_t size)
{
    static const char *const wanted[] = {
        [THRESHOLD_DURATION] = "a duration such as 2ms, 500us or 1.5s",
        [THRESHOLD_SHARE] = "a share such as 0.1% or 0.001",
        [THRESHOLD_RATE] = "a rate such as 20k or 1.5M",
    };
    uint64_t ns = 0;
    enum err err;

    if (out->unit == THRESHOLD_DURATION) {
        err = units_parse_duration(&ns, text);
        out->value = (double)ns;
    } else if (out->unit == THRESHOLD_SHARE) {
        err = units_parse_share(&out->value, text);
    } else {
        err = units_parse_rate(&out->value, text);
    }
    if (err == ERR_OK)
        return ERR_OK;
    (void)snprintf(error, size, "'%s' is not %s, as %s needs", text, wanted[out->unit],
                   out->metric);
    return ERR_INVALID;
}

/* Reads a copy of a condition, which is cut into its parts. */
static enum err parse_parts(struct threshold *out, char *text, char *error, size_t size)
{
    struct metric metric;
    char *sign = text + strcspn(text, "<>");

    if (*sign == '\0') {
        (void)snprintf(error, size, "'%s' compares nothing; write it as 'p99>2ms'", text);
        return ERR_INVALID;
    }
    out->above = *sign == '>';
    out->or_equal = sign[1] == '=';
    const char *value = trim(sign + (out->or_equal ? 2 : 1));
    *sign = '\0';
    const char *name = trim(text);
    if (strlen(name) >= sizeof(out->metric) || !parse_metric(name, &metric))
        return explain_metric(name, error, size);
    memcpy(out->metric, name, strlen(name) + 1);
    out->unit = unit_of(&metric);
    return parse_value(out, value, error, size);
}

/* As threshold_parse, of the first len octets. */
static enum err parse_condition(struct threshold *out, const char *text, size_t len, char *error,
                                size_t size)
{
    char copy[CONDITION_MAX];
    struct threshold parsed = {0};

    if (len >= sizeof(copy)) {
        (void)snprintf(error, size, "a condition is too long");
        return ERR_INVALID;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    enum err err = parse_parts(&parsed, trim(copy), error, size);
    if (err == ERR_OK)
        *out = parsed;
    return err;
}

enum err threshold_parse(struct threshold *out, const char *text, char *error, size_t size)
{
    return parse_condition(out, text, strlen(text), error, size);
}

enum err threshold_parse_list(struct threshold *out, size_t *count, const char *text, char *error,
                              size_t size)
{
    size_t parsed = 0;

    for (;;) {
        size_t len = strcspn(text, ",");
        if (parsed == THRESHOLD_MAX) {
            (void)snprintf(error, size, "more than %d conditions", THRESHOLD_MAX);
            return ERR_INVALID;
        }
        enum err err = parse_condition(&out[parsed], text, len, error, size);
        if (err != ERR_OK)
            return err;
        parsed++;
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    *count = parsed;
    return ERR_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The histogram a metric is taken from; NULL when the result has none of that name. */
static const struct histogram *find_histogram(const struct metric *metric,
                                              const struct result *result)
{
    switch (metric->source) {
    case SOURCE_RESPONSE: return &result->response;
    case SOURCE_SERVICE: return &result->service;
    case SOURCE_LOOKUP: return &result->lookup;
    case SOURCE_CLASS: return &result->answer[metric->index];
    case SOURCE_KIND: break;
    default: return NULL;
    }
    for (size_t i = 0; i < result->kind_count; i++) {
        if (strcmp(result->kinds[i].name, metric->kind) == 0)
            return &result->kinds[i].latency;
    }
    return NULL;
}

static bool take_latency(const struct metric *metric, const struct result *result, double *value,
                         bool *at_least)
{
    const struct histogram *histogram = find_histogram(metric, result);

    if (histogram == NULL || histogram->total == 0)
        return false;
    if (metric->statistic == STATISTIC_QUANTILE) {
        struct quantile quantile = histogram_quantile(histogram, metric->share);
        *value = (double)quantile.ns;
        *at_least = quantile.at_least;
        return true;
    }
    /* One lost query, and nobody knows how slow the slowest was, nor the mean of all. */
    *at_least = histogram->censored > 0;
    *value =
        metric->statistic == STATISTIC_MEAN ? histogram_mean(histogram) : (double)histogram->max_ns;
    return true;
}

static bool take_share(const struct metric *metric, const struct tally *tally, double *value)
{
    uint64_t part = 0;

    if (tally->sent == 0)
        return false;
    if (metric->source == SOURCE_OUTCOME)
        part = tally->outcome[metric->index];
    else if (metric->source == SOURCE_RCODE)
        part = tally->rcode[metric->index];
    else
        part = tally->truncated;
    *value = metric->source == SOURCE_LOSS ? tally_loss(tally) : (double)part / (double)tally->sent;
    return true;
}

bool threshold_value(const struct threshold *t, const struct result *result, double *value,
                     bool *at_least)
{
    struct metric metric;

    *at_least = false;
    if (!parse_metric(t->metric, &metric))
        return false;
    if (unit_of(&metric) == THRESHOLD_SHARE)
        return take_share(&metric, &result->measured, value);
    if (metric.source == SOURCE_GAP) {
        *value = (double)series_longest_silence(&result->series);
        return result->measured.sent > 0;
    }
    if (metric.source == SOURCE_RATE) {
        *value = (double)result->measured.outcome[OUTCOME_OK] * (double)NS_PER_S /
                 (double)(result->elapsed_ns > 0 ? result->elapsed_ns : 1);
        return result->elapsed_ns > 0;
    }
    return take_latency(&metric, result, value, at_least);
}

static bool compare(const struct threshold *t, double value)
{
    if (value == t->value)
        return t->or_equal;
    return t->above == (value > t->value);
}

bool threshold_holds(const struct threshold *t, const struct result *result)
{
    double value;
    bool at_least;

    if (!threshold_value(t, result, &value, &at_least) || at_least)
        return t->above;
    return compare(t, value);
}

/* How much of a metric's value may be the tester's own send lag. */
static double own_share(const struct metric *metric, const struct result *result)
{
    const struct histogram *lag = &result->send_lag;

    if (lag->total == 0 || metric->source == SOURCE_SERVICE)
        return 0;
    if (metric->source == SOURCE_GAP || metric->statistic == STATISTIC_MAX)
        return (double)lag->max_ns;
    if (metric->statistic == STATISTIC_MEAN)
        return histogram_mean(lag);
    return (double)histogram_quantile(lag, metric->share).ns;
}

bool threshold_is_own(const struct threshold *t, const struct result *result)
{
    struct metric metric;
    double value;
    bool at_least;

    if (t->unit != THRESHOLD_DURATION || !parse_metric(t->metric, &metric) ||
        !threshold_value(t, result, &value, &at_least) || at_least)
        return false;
    return compare(t, value) != compare(t, value - own_share(&metric, result));
}

/* ---- Writing --------------------------------------------------------------------------------- */

static const char *write_value(enum threshold_unit unit, double value, char *out)
{
    switch (unit) {
    case THRESHOLD_SHARE: return units_write_share(value, out);
    case THRESHOLD_RATE: return units_write_rate(value, out);
    default: return units_write_duration((uint64_t)(value + 0.5), out);
    }
}

const char *threshold_write(const struct threshold *t, const struct result *result, char *out,
                            size_t size)
{
    char is[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX];
    const char *sign = t->above ? ">" : "<";
    const char *equal = t->or_equal ? "=" : "";
    double value;
    bool at_least;

    write_value(t->unit, t->value, limit);
    if (!threshold_value(t, result, &value, &at_least)) {
        (void)snprintf(out, size, "%s was not measured (must%s be %s%s %s)", t->metric,
                       t->above ? " not" : "", sign, equal, limit);
        return out;
    }
    (void)snprintf(out, size, "%s is %s%s (%s%s%s %s)", t->metric, at_least ? "at least " : "",
                   write_value(t->unit, value, is), threshold_holds(t, result) ? "" : "not ", sign,
                   equal, limit);
    return out;
}

unsigned long long threshold_slo_ns(const struct threshold *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct metric metric;
        if (parse_metric(list[i].metric, &metric) && metric.source == SOURCE_RESPONSE &&
            metric.statistic == STATISTIC_QUANTILE)
            return (unsigned long long)list[i].value;
    }
    return UINT64_MAX;
}
