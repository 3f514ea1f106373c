/* zone: names of private zones, in words: a record, an alias, a wildcard, no such name, or falling through.
 * Thread: any. */
#include <stdio.h>
#include <string.h>

#include "explain_private.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"

static const struct zone_node *node_of(const struct explain *explain)
{
    return zones_node(explain->rules->private_zones, explain->decision.index);
}

/* "record of the file", "wildcard *.x", ... */
static void describe_node(const struct explain *explain, char out[EXPLAIN_WORDS_MAX])
{
    const struct zone_node *node = node_of(explain);
    char text[TEXT_NAME_MAX];
    struct name name;
    bool below;
    if (!node->exists ||
        !zones_node_name(explain->rules->private_zones, explain->decision.index, &name, &below))
        snprintf(out, EXPLAIN_WORDS_MAX, "no such name");
    else if (node->alias != ZONES_NO_ALIAS)
        snprintf(out, EXPLAIN_WORDS_MAX, "alias %s%s", below ? "*." : "",
                 text_write_name(&name, text));
    else
        snprintf(out, EXPLAIN_WORDS_MAX, "%s %s%s", below ? "wildcard" : "name", below ? "*." : "",
                 text_write_name(&name, text));
}

void explain_zone_rule(const struct explain *explain)
{
    const struct zones *zones = explain->rules->private_zones;
    char text[EXPLAIN_WORDS_MAX];
    tell_text(explain->tell, "source", "zone %s",
              text_write_name(&zones_apex(zones, node_of(explain)->zone)->name, text));
    describe_node(explain, text);
    tell_text(explain->tell, "rule", "zones[%u] %s", node_of(explain)->zone, text);
}

static void answer_cname(const struct explain *explain, const struct zone_rrset *rrset)
{
    static const char *const behind[RULESET_LINKS_ENDS] = {
        [RULESET_LINKS_FINE] = "and what that name gets",
        [RULESET_LINKS_NOWHERE] = "and NXDOMAIN: it leads to a name that its zone does not have",
    };
    char text[TEXT_NAME_MAX];
    const struct name *last;
    enum ruleset_links links = ruleset_follow(explain->rules, rrset, &last);
    text_write_name(rrset->target, text);
    if (links == RULESET_LINKS_TOO_MANY)
        tell_text(explain->tell, "answer",
                  "SERVFAIL: its CNAME leads to %s, and on over more than %d, or round in a circle",
                  text, RULESET_LINKS_MAX);
    else
        tell_text(explain->tell, "answer", "a CNAME to %s, %s; TTL %u s at most", text,
                  behind[links], (unsigned)rrset->ttl_s);
}

static void answer_records(const struct explain *explain, const struct zone_rrset *rrset)
{
    char type[TEXT_TYPE_MAX];
    tell_text(explain->tell, "answer", "%u %s record%s of the zone's file, TTL %u s",
              (unsigned)rrset->count, text_write_type(rrset->type, type),
              rrset->count == 1 ? "" : "s", (unsigned)rrset->ttl_s);
}

void explain_zone_answer(const struct explain *explain)
{
    const struct zone_node *node = node_of(explain);
    const struct zone_rrset *cname = zones_rrset(node, TYPE_CNAME);
    const struct zone_rrset *rrset = zones_rrset(node, explain->type);
    const struct zone_apex *apex = zones_apex(explain->rules->private_zones, node->zone);
    unsigned negative_s = apex->negative_ttl_s;
    bool is_address = explain->type == TYPE_A || explain->type == TYPE_AAAA;
    if (!node->exists)
        tell_text(explain->tell, "answer", "NXDOMAIN with the zone's SOA, TTL %u s", negative_s);
    else if (node->alias != ZONES_NO_ALIAS && is_address && explain->is_not_ready)
        explain_not_ready(explain);
    else if (node->alias != ZONES_NO_ALIAS && is_address)
        tell_text(explain->tell, "answer",
                  "the addresses of the alias's target, or NOERROR "
                  "without data");
    else if (cname != NULL && explain->type != TYPE_CNAME && explain->type != TYPE_ANY)
        answer_cname(explain, cname);
    else if (rrset != NULL)
        answer_records(explain, rrset);
    else if (explain->type == TYPE_SOA && name_equal(explain->name, &apex->name))
        tell_text(explain->tell, "answer", "the zone's SOA");
    else if (explain->type == TYPE_ANY && node->rrset_count > 0)
        tell_text(explain->tell, "answer", "one of its record sets (RFC 8482)");
    else
        tell_text(explain->tell, "answer", "NOERROR without data, with the zone's SOA, TTL %u s",
                  negative_s);
}

/* Why a zone that has the name in it does not answer. */
static const char *why_lost(const struct explain *explain, const struct zone_apex *zone)
{
    if (explain->decision.kind == DECISION_SPECIAL)
        return "special names come first";
    if (explain->decision.kind == DECISION_ENDPOINT)
        return "endpoints come before zones";
    if (explain->decision.kind == DECISION_FORWARD && zone->fallthrough)
        return "has no such name, and falls through";
    return "a more specific zone has the name";
}

void explain_lost_zones(const struct explain *explain)
{
    const struct zones *zones = explain->rules->private_zones;
    size_t count = zones != NULL ? zones_count(zones) : 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct zone_apex *zone = zones_apex(zones, i);
        char words[EXPLAIN_WORDS_MAX];
        char text[TEXT_NAME_MAX];
        bool won = explain->decision.kind == DECISION_ZONE && node_of(explain)->zone == i;
        if (won || !name_is_at_or_below(explain->name, &zone->name))
            continue;
        snprintf(words, sizeof(words), "zones[%u] %s", i, text_write_name(&zone->name, text));
        explain_lost_row(explain, words, why_lost(explain, zone));
    }
}
