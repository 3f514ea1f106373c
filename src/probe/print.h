/* print: what a probe found, as a table for people or as JSON; and what to do about it. */
#ifndef LOCAL53_PROBE_PRINT_H
#define LOCAL53_PROBE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "local53/upstream/exchange.h"
#include "plan.h"

#define PROBE_ADVICE_MAX 1024 /* octets of advice, terminator included */

struct probe_report {
    const struct probe_plan *plan; /* borrowed; its rows have their outcomes */
    const char *file;              /* borrowed; the configuration */
    const struct pool *resolver;   /* borrowed; who was asked for the targets */
    uint16_t port;                 /* that was connected to */
    uint64_t took_ms;              /* the whole run */
    bool interrupted;              /* rows that are undone were given up */
};

/* Rows that are neither fine nor undone. */
size_t probe_failures(const struct probe_plan *plan);

/* Rows that were not tried, or not to the end. */
size_t probe_undone(const struct probe_plan *plan);

/* What was found and what to do, one line, "" for rows that need nothing; gives out. */
const char *probe_advise(const struct probe_report *report, const struct probe_row *row,
                         char out[PROBE_ADVICE_MAX]);

/* The table: a head with the number of connections, a line a row, below failed ones the advice (once where rows
 * of an endpoint in a row have the same), and the sum. */
void probe_print_table(FILE *out, const struct probe_report *report);

/* One object; "rows" holds the table's rows in its order. */
void probe_print_json(FILE *out, const struct probe_report *report);

#endif
