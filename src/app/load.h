/* load: from a file's name to rules ready for questions, for run, reload, check and explain alike. */
#ifndef LOCAL53_APP_LOAD_H
#define LOCAL53_APP_LOAD_H

#include <stdint.h>

#include "local53/config/report.h"
#include "local53/rules/ruleset.h"

/* The configuration's file: the value of -c (NULL when not given), else LOCAL53_CONFIG, else
 * /etc/local53/local53.yaml; borrowed. */
const char *load_file_name(const char *option);

/* Reads and builds; aws.region auto is asked of the instance metadata when the environment has none and
 * a service needs it. NULL with errors in the report. epoch as ruleset_new. */
struct ruleset *load_ruleset(const char *file, uint64_t epoch, struct report *report);

/* The same for who serves by it: a zone whose servers are all in variables that are not set is an error too, since
 * none of them comes later, and its names would get SERVFAIL where somebody else had answered them. */
struct ruleset *load_to_serve(const char *file, uint64_t epoch, struct report *report);

/* As load_ruleset, for a command that has no use for the report: it is written to stderr. NULL: the configuration has
 * errors. */
struct ruleset *load_for_command(const char *file);

/* A report's lines, without the end of the last: as a value in a log or in JSON. The caller frees it. */
char *load_report_text(const struct report *report);

/* Writes a report's lines to stderr, when it has any. */
void load_print_report(const struct report *report);

#endif
