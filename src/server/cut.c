/* cut: asks the rules for each name of a chain. Owns nothing; any thread. Bounds: ENTRY_CHAIN_MAX links, and
 * one pass over the records of an answer whose chain is longer. */
#include "local53/server/cut.h"

#include "local53/dns/rr.h"

bool cut_is_ours(const void *rules, const struct name *name)
{
    struct decision rule;
    return ruleset_find_rule(rules, name, &rule) &&
           (rule.kind == DECISION_ENDPOINT || rule.kind == DECISION_ZONE);
}

/* True when any alias of the answer leads to an endpoint's or a zone's name, wherever in the chain it stands. */
static bool any_alias_enters(const struct ruleset *rules, const struct entry_source *source)
{
    struct rr_walk walk;
    struct name target;
    struct rr rr;
    rr_walk_init(&walk, source->message, source->len);
    while (rr_next(&walk, &rr)) {
        if (rr.type == TYPE_CNAME &&
            rr_name_at(&target, source->message, source->len, rr.rdata_offset) == ERR_OK &&
            cut_is_ours(rules, &target))
            return true;
    }
    return false;
}

bool cut_of_answer(uint8_t *cut, const struct ruleset *rules, const struct entry_chain *chain,
                   const struct entry_source *source)
{
    struct name target;
    *cut = 0;
    if (source->qclass != CLASS_IN) /* of class ANY, it would tell the public address */
        return !any_alias_enters(rules, source);
    for (uint8_t i = 0; i < chain->count; i++) {
        if (rr_name_at(&target, source->message, source->len, chain->target_offset[i]) != ERR_OK)
            return true;
        if (cut_is_ours(rules, &target)) {
            *cut = (uint8_t)(i + 1);
            return true;
        }
    }
    return !chain->too_long || !any_alias_enters(rules, source);
}

uint8_t cut_of_entry(const struct ruleset *rules, const struct entry *entry)
{
    struct name target;
    if (entry->class != CLASS_IN)
        return 0;
    for (uint8_t i = 0; i < entry->chain_count; i++) {
        if (entry_chain_name(&target, entry, i) == ERR_OK && cut_is_ours(rules, &target))
            return (uint8_t)(i + 1);
    }
    return 0;
}

/* True when a record of the entry has an owner that was no rule's when it was stored. */
static bool has_record_of_ours(const struct ruleset *rules, const struct entry *entry)
{
    struct rr_walk walk;
    struct name owner;
    struct rr rr;
    rr_walk_init(&walk, entry_wire(entry), entry->wire_len);
    while (rr_next(&walk, &rr)) {
        if (rr.section != SECTION_AUTHORITY &&
            rr_name_at(&owner, entry_wire(entry), entry->wire_len, rr.owner_offset) == ERR_OK &&
            cut_is_ours(rules, &owner))
            return true;
    }
    return false;
}

bool cut_is_as_stored(const struct ruleset *rules, const struct entry *entry,
                      const struct name *name)
{
    if (entry->kind == ENTRY_FAILURE && entry->epoch < rules->epoch)
        return false;
    if (entry->kind == ENTRY_POSITIVE && entry->ttl_s > rules->config->cache_max_ttl_s)
        return false; /* caps of negative ones are part of the pool's fingerprint */
    uint32_t pool = ruleset_find_pool(rules, name);
    return entry->decision.pool == rules->pools[pool].fingerprint &&
           entry->decision.cut == cut_of_entry(rules, entry) && !has_record_of_ours(rules, entry);
}
