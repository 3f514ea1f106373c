/* threshold: "p99>2ms" and its like: what --fail-if and --slo say of a result. Pure.
 *   latency  of responses: p50 p99 p99.9 (any pN, 0 < N < 100), mean, max; and with one of
 *            class.CLASS. (found nodata nx fail), lookup. lookup.KIND. service. before it
 *   shares   of what was sent: loss servfail nxdomain truncated, and each outcome (timeout late
 *            refused mismatch wrong ...); with "0.1%" or 0.001
 *   others   gap (longest silence, a duration), rate (answers in time a second) */
#ifndef DNSBENCH_MEASURE_THRESHOLD_H
#define DNSBENCH_MEASURE_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/err.h"
#include "measure/result.h"

#define THRESHOLD_MAX 16 /* conditions of one command */
#define THRESHOLD_METRIC_MAX 48

enum threshold_unit { THRESHOLD_DURATION, THRESHOLD_SHARE, THRESHOLD_RATE };

struct threshold {
    char metric[THRESHOLD_METRIC_MAX]; /* as written */
    enum threshold_unit unit;          /* of the metric */
    bool above;                        /* '>' or '>=', else '<' or '<=' */
    bool or_equal;                     /* with '=' */
    double value;                      /* nanoseconds, share or events a second */
};

/* Reads one condition; spaces may stand around its parts. ERR_INVALID: error, of size octets, gets
 * a sentence for the user such as "unknown metric 'p9x'; did you mean 'p99'?", and out is
 * unchanged. */
enum err threshold_parse(struct threshold *out, const char *text, char *error, size_t size);

/* Reads conditions separated by commas into out, which has room for THRESHOLD_MAX; *count gets how
 * many. ERR_INVALID as threshold_parse, and for more. */
enum err threshold_parse_list(struct threshold *out, size_t *count, const char *text, char *error,
                              size_t size);

/* The metric's value in this result; false when the result has no such figure (no lookups of that
 * kind, nothing answered); *at_least as in struct quantile. */
bool threshold_value(const struct threshold *t, const struct result *result, double *value,
                     bool *at_least);

/* The condition holds. A value that is missing, or known only to be at least something, makes "<"
 * conditions false and ">" conditions true: what is not known to be good is not good. */
bool threshold_holds(const struct threshold *t, const struct result *result);

/* What threshold_holds says is owed to the tester: without its own send lag (at the same quantile;
 * the largest for max and gap) the condition would be the other way round. Service times, shares
 * and rates have no send lag in them. */
bool threshold_is_own(const struct threshold *t, const struct result *result);

/* Writes what was measured and what that says of the condition: "p99 is 3.21 ms (> 2.00 ms)" when
 * it holds, "p99 is 7.10 ms (not < 5.00 ms)" when it does not; "at least" where no more is known,
 * "was not measured" where nothing is. out has size octets; gives out. */
const char *threshold_write(const struct threshold *t, const struct result *result, char *out,
                            size_t size);

/* The latency of the first condition on a response quantile, for "time above SLO"; UINT64_MAX for
 * none. */
unsigned long long threshold_slo_ns(const struct threshold *list, size_t count);

#endif
