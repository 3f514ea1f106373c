/* outcome: what an upstream's answer, or the lack of one, is worth under rules: an entry to reply with and to
 * keep, cut where its chain enters a rule; and what an entry is worth under other rules than it was made by. Pure but
 * for the cache it asks and stores in; one loop's. */
#ifndef LOCAL53_SERVER_OUTCOME_H
#define LOCAL53_SERVER_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/cache/cache.h"
#include "local53/rules/ruleset.h"
#include "local53/server/inflight.h"
#include "local53/upstream/exchange.h"

/* A question in flight and how it ended; all borrowed. */
struct outcome {
    const struct pending *pending;        /* what was asked, under which snapshot */
    const struct exchange_result *result; /* what came of it */
    struct cache *cache;                  /* where failures in a row are counted */
    struct entry *scratch;                /* ENTRY_SCRATCH octets: where the entry is built */
    uint64_t now_ms;                      /* when it ended */
};

/* The entry a result is worth under rules that have the asked pool at this index; in the scratch. An answer
 * that cannot be read, or not be cut, is a failure. */
struct entry *outcome_entry(const struct outcome *outcome, const struct ruleset *rules,
                            uint32_t pool);

/* Decides again under the rules that have become current meanwhile, and stores what that gives, if the name
 * still belongs to the pool that was asked. Overwrites the scratch. */
void outcome_store_under(const struct outcome *outcome, const struct ruleset *rules);

/* What a stored entry of another epoch is worth under rules. */
enum outcome_hit {
    OUTCOME_HIT_VALID,  /* they would have stored it too; decided once an epoch */
    OUTCOME_HIT_VOIDED, /* they would not: it is taken out */
    OUTCOME_HIT_NEWER   /* they would not, but are not the newest: it stays for the others */
};

/* Judges an entry found under a key, by a loop that is inside the cache. */
enum outcome_hit outcome_judge_hit(struct cache *cache, const struct ruleset *rules,
                                   const struct cache_key *key, const struct entry *entry);

#endif
