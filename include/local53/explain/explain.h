/* explain: what a name gets under rules, and why, in words: what the file and a running local53 say alike. Nothing is
 * sent. */
#ifndef LOCAL53_EXPLAIN_EXPLAIN_H
#define LOCAL53_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/cli/tell.h"
#include "local53/dns/text.h"
#include "local53/rules/ruleset.h"
#include "local53/rules/services.h"

/* Room for a rule's words. */
#define EXPLAIN_WORDS_MAX (TEXT_NAME_MAX + 128)

/* A question under rules. */
struct explain {
    struct tell *tell;           /* borrowed; where to */
    const struct ruleset *rules; /* borrowed */
    const struct name *name;     /* borrowed */
    uint16_t type;               /* asked type */
    struct decision decision;    /* what the name gets */
    bool is_not_ready;           /* live: the endpoint has no address yet */
};

/* Takes the decision; the caller sets is_not_ready. What is handed over outlives it. */
void explain_init(struct explain *explain, struct tell *tell, const struct ruleset *rules,
                  const struct name *name, uint16_t type);

/* The question, where its answer comes from, the rule, and what is known of the rule's service or the name's. */
void explain_head(const struct explain *explain);

/* What is answered, in words. */
void explain_answer(const struct explain *explain);

/* The rules that would have had the name, most specific first, each with the reason why it has not; then the forward
 * zones. */
void explain_lost(const struct explain *explain);

/* The endpoint whose addresses are answered (an endpoint's name, a zone's alias); false when there is none. */
bool explain_endpoint(const struct explain *explain, uint32_t *endpoint);

/* What an endpoint needs to have a name: "service: sqs, region: eu-west-1"; false when no service has it. */
bool explain_service(const struct services *services, const struct name *name,
                     char out[EXPLAIN_WORDS_MAX]);

#endif
