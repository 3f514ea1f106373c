/* outcome: judges the end of an exchange by rules. Owns nothing, builds in the caller's scratch; any loop.
 * Bounds: ENTRY_SCRATCH octets. Fails: never; what cannot be used is a failure to tell. */
#include "local53/server/outcome.h"

#include "local53/server/cut.h"

static struct entry_source source_of(const struct outcome *outcome, const struct ruleset *rules,
                                     uint32_t pool)
{
    const struct pending *pending = outcome->pending;
    return (struct entry_source){.message = outcome->result->message,
                                 .len = outcome->result->len,
                                 .qname = &pending->qname,
                                 .qtype = pending->key.type,
                                 .qclass = pending->key.class,
                                 .dnssec_ok = pending->key.dnssec_ok,
                                 .checking_disabled = pending->key.checking_disabled,
                                 .max_ttl_s = rules->config->cache_max_ttl_s,
                                 .max_negative_ttl_s =
                                     rules->pools[pool].config->max_negative_ttl_s,
                                 .now_ms = outcome->now_ms,
                                 .decision = {.pool = rules->pools[pool].fingerprint, .cut = 0},
                                 .epoch = rules->epoch,
                                 .is_ours = cut_is_ours,
                                 .rules = rules};
}

struct entry *outcome_entry(const struct outcome *outcome, const struct ruleset *rules,
                            uint32_t pool)
{
    struct entry *entry = outcome->scratch;
    struct entry_source source = source_of(outcome, rules, pool);
    unsigned failures = cache_failures(outcome->cache, &outcome->pending->key) + 1;
    struct entry_chain chain;
    enum ede_code ede = outcome->result->ede;
    if (outcome->result->err == ERR_OK) {
        ede = EDE_INVALID_DATA;
        if (entry_scan_chain(&chain, &source) == ERR_OK &&
            cut_of_answer(&source.decision.cut, rules, &chain, &source) &&
            entry_build(entry, ENTRY_SCRATCH, &source) == ERR_OK) {
            if (entry->kind == ENTRY_FAILURE)
                entry_back_off(entry, failures);
            return entry;
        }
    }
    source.decision.cut = 0;
    entry_build_failure(entry, ENTRY_SCRATCH, &source, ede, failures);
    return entry;
}

void outcome_store_under(const struct outcome *outcome, const struct ruleset *rules)
{
    const struct pending *pending = outcome->pending;
    uint64_t asked = pending->snapshot->rules->pools[pending->pool].fingerprint;
    struct decision decision;
    if (pending->key.class == CLASS_IN && ruleset_find_rule(rules, &pending->qname, &decision))
        return;
    uint32_t pool = ruleset_find_pool(rules, &pending->qname);
    if (rules->pools[pool].fingerprint == asked)
        cache_insert(outcome->cache, outcome_entry(outcome, rules, pool));
}

enum outcome_hit outcome_judge_hit(struct cache *cache, const struct ruleset *rules,
                                   const struct cache_key *key, const struct entry *entry)
{
    bool is_newer = entry->epoch > rules->epoch;
    if (cut_is_as_stored(rules, entry, key->name)) {
        if (!is_newer)
            cache_confirm(entry, rules->epoch);
        return OUTCOME_HIT_VALID;
    }
    if (is_newer)
        return OUTCOME_HIT_NEWER;
    cache_void(cache, key, entry);
    return OUTCOME_HIT_VOIDED;
}
