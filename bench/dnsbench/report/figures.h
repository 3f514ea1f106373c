/* figures: what several outputs derive from a result the same way. Private to this layer. Pure. */
#ifndef DNSBENCH_REPORT_FIGURES_H
#define DNSBENCH_REPORT_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/result.h"
#include "measure/units.h"

#define FIGURES_TEXT_MAX (UNITS_TEXT_MAX + 8)

/* part / whole; 0 when the whole is not above 0. */
double figures_share(double part, double whole);

/* Events of the measured time a second; 0 when no time passed. */
double figures_per_second(const struct result *run, uint64_t events);

/* CPU nanoseconds a query sent (tester), or a query answered (server); 0 when unknown. */
double figures_tester_cpu_ns(const struct result *run);
double figures_server_cpu_ns(const struct result *run);

/* "1.23 ms", "≥ 5.00 s" for what is known only to be at least that, "-" for an empty histogram.
 * out has FIGURES_TEXT_MAX octets; gives out. */
const char *figures_write_quantile(const struct histogram *h, double share, char *out);

/* A duration that may have parts of a nanosecond, or be missing (not finite, negative): "-". As
 * above. */
const char *figures_write_ns(double ns, char *out);

/* The run of that name, or NULL. */
const struct result *figures_run(const struct study *study, const char *name);

/* What a comparison's metric is in one run: answers a second for "throughput", nanoseconds of
 * response for "p50", "p90", "p99" and "p99.9", nanoseconds of the server's CPU a query for
 * "cpu". False for other metrics, or when it is unknown. */
bool figures_metric(const struct result *run, const char *metric, double *value);

/* How many columns a UTF-8 text takes (every character is one). */
size_t figures_columns(const char *text);

/* What a study found, in one sentence ("B is 4.9 % slower (95 % interval 4.1..5.8 %)"): of one
 * comparison. out has size octets; gives out. */
const char *figures_write_comparison(const struct comparison *c, char *out, size_t size);

/* "PASS", "FAILED", "INVALID", ... as the verdict line begins; static storage. */
const char *figures_verdict(enum verdict verdict);

#endif
