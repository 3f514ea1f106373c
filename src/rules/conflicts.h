/* conflicts: what is wrong between the parts of a configuration, each of which is fine alone. Used while
 * a ruleset is built. */
#ifndef LOCAL53_RULES_CONFLICTS_H
#define LOCAL53_RULES_CONFLICTS_H

#include "local53/config/report.h"
#include "local53/rules/ruleset.h"

/* Reports a name under two endpoints (error) and twice under one (warning); of a service's names only
 * one is told. Needs the endpoints. */
void conflicts_check_names(const struct ruleset *ruleset, struct report *report);

/* Reports targets that are their own endpoint's names or their own alias (error), another's, a zone's or special
 * (warning). Needs the whole ruleset. */
void conflicts_check_targets(const struct ruleset *ruleset, struct report *report);

/* Reports aliases that are an endpoint's names, and forward zones that a private one hides (warning). Needs the whole
 * ruleset. */
void conflicts_check_zones(const struct ruleset *ruleset, struct report *report);

/* Reports servers that are our own listen addresses (error). Needs the pools. */
void conflicts_check_servers(const struct ruleset *ruleset, struct report *report);

#endif
