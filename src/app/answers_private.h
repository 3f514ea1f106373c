/* answers_private: the answers of the control socket, one file a kind, and what several of them tell. Main
 * thread; the supervisor is the one whose loop it is. */
#ifndef LOCAL53_APP_ANSWERS_PRIVATE_H
#define LOCAL53_APP_ANSWERS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "local53/dns/text.h"
#include "supervisor.h"

/* Each writes an answer and gives its enum exit_code. */
int answers_status(struct supervisor *supervisor, bool json, FILE *out);
int answers_leaks(struct supervisor *supervisor, bool json, FILE *out);
int answers_top(struct supervisor *supervisor, bool json, FILE *out);

/* explain NAME [TYPE] [--json]. */
int answers_explain(struct supervisor *supervisor, const char *const *words, size_t count,
                    FILE *out);

/* Seconds since the targets of endpoint i last gave an address, or since the start when they never did; 0
 * for literal addresses alone, which do not age. */
uint64_t answers_age_s(const struct supervisor *supervisor, size_t i);

/* Why endpoint i has no addresses of its targets now, or NULL; not known while other rules are about to be
 * published. */
const char *answers_problem(const struct supervisor *supervisor, size_t i);

/* Loops, main's own included, that have found the server of a slot silent. */
uint64_t answers_loops_down(const struct supervisor *supervisor, size_t slot);

/* What a pool is for: its zone, or the AWS names of aws.resolver. */
const char *answers_pool_text(const struct ruleset *rules, size_t pool, char out[TEXT_NAME_MAX]);

/* "fresh", "last-good", ... */
const char *answers_state_word(enum addresses_state state);

#endif
