/* explain_private: what the files of explain have of each other. */
#ifndef LOCAL53_EXPLAIN_EXPLAIN_PRIVATE_H
#define LOCAL53_EXPLAIN_EXPLAIN_PRIVATE_H

#include "local53/explain/explain.h"

/* A zone's name: the node's rule and answer, in words. For DECISION_ZONE alone. */
void explain_zone_rule(const struct explain *explain);
void explain_zone_answer(const struct explain *explain);

/* The private zones of explain_lost: those that have the name and lost, or fell through. Rows of the list. */
void explain_lost_zones(const struct explain *explain);

/* One row of what lost. */
void explain_lost_row(const struct explain *explain, const char *rule, const char *why);

/* What is answered before an address of the endpoint is known. */
void explain_not_ready(const struct explain *explain);

/* What a pool is called: "forward[0] corp.internal", or aws.resolver. */
const char *explain_pool(const struct ruleset *rules, uint32_t pool, char out[EXPLAIN_WORDS_MAX]);

#endif
