/* coverage_private: what the parts of coverage share. */
#ifndef LOCAL53_RULES_COVERAGE_PRIVATE_H
#define LOCAL53_RULES_COVERAGE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "known.h"
#include "local53/config/report.h"
#include "local53/rules/names.h"
#include "local53/rules/ruleset.h"

/* A name and whose it is. */
struct coverage_claim {
    const struct config_name *name; /* borrowed from the ruleset */
    size_t endpoint;                /* index */
};

/* One run of the checks. */
struct coverage {
    const struct ruleset *ruleset; /* what is checked; whole, without errors */
    struct report *report;         /* where warnings go */
    struct known *known;           /* owned */
    struct coverage_claim *claims; /* owned; the wildcards of all endpoints */
    struct names *wildcards;       /* owned; of the claims, values are their numbers */
    struct names *excepts;         /* owned; of all endpoints; values mean nothing */
};

/* Endpoints of the file; behind them in the ruleset stand aliases, which have no names of their own. */
static inline size_t coverage_endpoint_count(const struct coverage *c)
{
    return c->ruleset->config->endpoint_count;
}

/* True when one of the endpoint's excepts is the name or takes it in. */
bool coverage_is_excepted(const struct rule_endpoint *endpoint, const struct name *name,
                          bool below);

/* The narrowest wildcard that takes the name (or all below it) when no rule of its own does; NULL for none. */
const struct coverage_claim *coverage_wildcard_above(const struct coverage *c,
                                                     const struct name *name);

/* Reports what AWS's books tell: services half covered, targets that do not fit, public names taken. */
void coverage_check_services(struct coverage *c);
void coverage_check_targets(struct coverage *c);
void coverage_check_publics(struct coverage *c);

/* Reports zones, and names of private zones, that lose to an endpoint; and private zones that deny AWS names. */
void coverage_check_zones(struct coverage *c);

/* Reports CNAMEs of private zones that lead to a name its zone does not have, or never end. */
void coverage_check_links(struct coverage *c);

#endif
