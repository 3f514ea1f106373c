/* doctor: one run of `local53 doctor`: looks at the node, asks the servers, prints. Changes nothing. */
#ifndef LOCAL53_DOCTOR_DOCTOR_H
#define LOCAL53_DOCTOR_DOCTOR_H

#include <stdbool.h>

#include "local53/base/program.h"
#include "local53/rules/ruleset.h"

struct doctor_options {
    const struct command *command; /* borrowed; whose errors are told */
    const char *file;              /* borrowed; the configuration; NULL without one */
    bool json;                     /* print JSON */
};

/* Looks and prints; takes the rules over, NULL without a configuration. At most 10 s, whatever is silent. Gives an
 * enum exit_code: EXIT_FOUND for a problem, EXIT_ENVIRONMENT when it cannot look. */
int doctor_run(struct ruleset *rules, const struct doctor_options *options);

#endif
