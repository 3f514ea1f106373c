/* coverage: names that a configuration most likely means to take and does not, or takes and most likely does not mean
 * to. Used while a ruleset is built; all of it are warnings, each with what to write to be silent. */
#ifndef LOCAL53_RULES_COVERAGE_H
#define LOCAL53_RULES_COVERAGE_H

#include "local53/config/report.h"
#include "local53/rules/ruleset.h"

/* Reports: a service of which some names have an endpoint and some have not, and the two of ECR; targets of another
 * service or region; wildcards that take what AWS needs public; rules, forward zones and private zones that lose to
 * another rule. Needs the whole ruleset; says nothing of one with errors. */
void coverage_check(const struct ruleset *ruleset, struct report *report);

#endif
