/* conflicts: checks across endpoints, rules and pools.
 * Owns: nothing; reads a ruleset that is being built. Thread: main.
 * Bounds: names are sorted, so n log n of them.
 * Fails: what is wrong goes to the report. */
#include "conflicts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expand.h"
#include "local53/base/check.h"
#include "local53/rules/names.h"
#include "zones_build.h"

/* ---- Names --------------------------------------------------------------------------------------- */

/* A name and whose it is. */
struct claim {
    const struct config_name *name; /* borrowed */
    size_t endpoint;                /* index */
};

/* Same names side by side, the first of the file in front. */
static int compare_claims(const void *left, const void *right)
{
    const struct claim *a = left;
    const struct claim *b = right;
    int order = (int)a->name->name.len - (int)b->name->name.len;

    if (order == 0)
        order = memcmp(a->name->name.wire, b->name->name.wire, a->name->name.len);
    if (order == 0)
        order = (int)a->name->below - (int)b->name->below;
    if (order == 0 && a->endpoint != b->endpoint)
        order = a->endpoint < b->endpoint ? -1 : 1;
    if (order == 0 && a->name != b->name)
        order = a->name < b->name ? -1 : 1;
    return order;
}

static struct claim *claims_new(const struct ruleset *ruleset, size_t *count)
{
    struct claim *claims;
    size_t at = 0;

    *count = 0;
    for (size_t i = 0; i < ruleset->endpoint_count; i++)
        *count += ruleset->endpoints[i].name_count;
    claims = calloc(*count + 1, sizeof(*claims));
    CHECK(claims != NULL);
    for (size_t i = 0; i < ruleset->endpoint_count; i++) {
        for (size_t j = 0; j < ruleset->endpoints[i].name_count; j++)
            claims[at++] = (struct claim){&ruleset->endpoints[i].names[j], i};
    }
    qsort(claims, *count, sizeof(*claims), compare_claims);
    return claims;
}

/* Tells that `second` loses to `first`; told remembers the endpoints whose service was told of. */
static void report_claims(const struct ruleset *ruleset, struct report *report,
                          const struct claim *first, const struct claim *second, bool *told)
{
    const char *key = expand_key_of(&ruleset->endpoints[second->endpoint], second->name);
    char text[EXPAND_TEXT_MAX];

    expand_write_name(second->name, text);
    if (first->endpoint == second->endpoint) {
        report_add(report, REPORT_WARNING, second->name->mark,
                   "endpoints[%zu].%s: %s is among its names already (line %u)", second->endpoint,
                   key, text, first->name->mark.line);
        return;
    }
    if (strcmp(key, "service") == 0 && told[second->endpoint])
        return;
    told[second->endpoint] = told[second->endpoint] || strcmp(key, "service") == 0;
    report_add(report, REPORT_ERROR, second->name->mark,
               "endpoints[%zu].%s: %s is already taken by endpoints[%zu] (line %u)",
               second->endpoint, key, text, first->endpoint, first->name->mark.line);
}

void conflicts_check_names(const struct ruleset *ruleset, struct report *report)
{
    size_t count;
    struct claim *claims = claims_new(ruleset, &count);
    bool *told = calloc(ruleset->endpoint_count + 1, sizeof(*told));
    size_t first = 0;

    CHECK(told != NULL);
    for (size_t i = 1; i < count; i++) {
        const struct config_name *a = claims[first].name;
        const struct config_name *b = claims[i].name;

        if (a->below != b->below || !name_equal(&a->name, &b->name)) {
            first = i;
            continue;
        }
        report_claims(ruleset, report, &claims[first], &claims[i], told);
    }
    free(told);
    free(claims);
}

/* ---- Targets ------------------------------------------------------------------------------------- */

/* Longest text that names a target's key. */
#define KEY_TEXT_MAX (EXPAND_TEXT_MAX + 32)

/* The alias behind an endpoint that is not the configuration's, and its zone. */
static const struct config_alias *alias_at(const struct ruleset *ruleset, size_t index,
                                           size_t *zone)
{
    const struct config *config = ruleset->config;
    size_t left = index - config->endpoint_count;

    for (*zone = 0; left >= config->zones[*zone].alias_count; (*zone)++)
        left -= config->zones[*zone].alias_count;
    return &config->zones[*zone].aliases[left];
}

/* "endpoints[1].target" or "zones[0].aliases.www.example". */
static const char *write_key(const struct ruleset *ruleset, size_t index, char out[KEY_TEXT_MAX])
{
    char text[EXPAND_TEXT_MAX];
    size_t zone;

    if (index < ruleset->config->endpoint_count) {
        snprintf(out, KEY_TEXT_MAX, "endpoints[%zu].target", index);
    } else {
        const struct config_alias *alias = alias_at(ruleset, index, &zone);

        snprintf(out, KEY_TEXT_MAX, "zones[%zu].aliases.%s", zone,
                 expand_write_name(&alias->name, text));
    }
    return out;
}

/* The zone whose records a target is among, or its own name: an alias is followed upstream. */
static void check_target_in_zone(const struct ruleset *ruleset, struct report *report, size_t index,
                                 const struct config_name *target, uint32_t node_number)
{
    const struct zone_node *node = zones_node(ruleset->private_zones, node_number);
    char key[KEY_TEXT_MAX];
    char text[EXPAND_TEXT_MAX];

    write_key(ruleset, index, key);
    expand_write_name(target, text);
    if (node->alias == index)
        report_add(report, REPORT_ERROR, target->mark,
                   "%s: %s is the alias itself: a loop; write the name whose addresses it has", key,
                   text);
    else
        report_add(report, REPORT_WARNING, target->mark,
                   "%s: %s is a name of zones[%u], but targets are resolved upstream, past all "
                   "zones; in the zone's file a CNAME would lead there",
                   key, text, node->zone);
}

static void check_target(const struct ruleset *ruleset, struct report *report, size_t index,
                         const struct config_name *target)
{
    struct decision rule;
    char key[KEY_TEXT_MAX];
    char text[EXPAND_TEXT_MAX];

    if (!ruleset_find_rule(ruleset, &target->name, &rule))
        return;
    write_key(ruleset, index, key);
    expand_write_name(target, text);
    if (rule.kind == DECISION_ZONE)
        check_target_in_zone(ruleset, report, index, target, rule.index);
    else if (rule.kind == DECISION_SPECIAL)
        report_add(report, REPORT_WARNING, target->mark,
                   "%s: %s is a special name, which resolvers do not know", key, text);
    else if (rule.index == index)
        report_add(report, REPORT_ERROR, target->mark,
                   "%s: %s is one of the endpoint's own names: a loop; write the name of the VPC "
                   "endpoint (vpce-...)",
                   key, text);
    else
        report_add(report, REPORT_WARNING, target->mark,
                   "%s: %s is a name of endpoints[%u], but targets are resolved upstream, past all "
                   "rules",
                   key, text, rule.index);
}

void conflicts_check_targets(const struct ruleset *ruleset, struct report *report)
{
    for (size_t i = 0; i < ruleset->endpoint_count; i++) {
        const struct config_endpoint *endpoint = ruleset->endpoints[i].config;

        for (size_t j = 0; j < endpoint->target_count; j++)
            check_target(ruleset, report, i, &endpoint->targets[j]);
    }
}

/* ---- Private zones ------------------------------------------------------------------------------- */

/* An endpoint's name, or wildcard, takes the alias's before the zone is asked. */
static void check_alias(const struct ruleset *ruleset, struct report *report, size_t zone,
                        const struct config_alias *alias)
{
    struct names_match match;
    struct name owner;
    char text[EXPAND_TEXT_MAX];
    bool found = zones_alias_owner(&owner, &alias->name) &&
                 names_find(ruleset->rules, &owner, &match) &&
                 match.value < ruleset->endpoint_count;

    if (found)
        report_add(report, REPORT_WARNING, alias->name.mark,
                   "zones[%zu].aliases: %s is a name of endpoints[%u], which comes first", zone,
                   expand_write_name(&alias->name, text), match.value);
}

/* A forward zone of a private zone's name gets what falls through, if anything does. */
static void check_same_zone(const struct ruleset *ruleset, struct report *report, size_t zone)
{
    const struct config *config = ruleset->config;

    for (size_t i = 0; i < config->forward_count; i++) {
        if (!config->zones[zone].fallthrough &&
            name_equal(&config->forward[i].zone, &config->zones[zone].name))
            report_add(report, REPORT_WARNING, config->forward[i].mark,
                       "forward[%zu].zone: is also zones[%zu], which answers all its names: the "
                       "servers are never asked; fallthrough: true would ask them",
                       i, zone);
    }
}

void conflicts_check_zones(const struct ruleset *ruleset, struct report *report)
{
    const struct config *config = ruleset->config;

    for (size_t i = 0; i < config->zone_count; i++) {
        check_same_zone(ruleset, report, i);
        for (size_t j = 0; j < config->zones[i].alias_count; j++)
            check_alias(ruleset, report, i, &config->zones[i].aliases[j]);
    }
}

/* ---- Servers ------------------------------------------------------------------------------------- */

/* True when what is sent to the server comes back to us. Listening on all addresses of the node is
 * refused by the configuration, so the addresses listed are all there are. */
static bool is_ours(const struct config *config, const struct addr *server)
{
    for (size_t i = 0; i < config->answered_count; i++) {
        if (addr_port(&config->answered[i]) == addr_port(server) &&
            addr_same_host(&config->answered[i], server))
            return true;
    }
    return false;
}

static void check_pool(const struct ruleset *ruleset, struct report *report,
                       const struct rule_pool *pool, const char *key)
{
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct config_server *server = &pool->servers[i];
        char text[ADDR_TEXT_MAX];

        if (server->kind == CONFIG_SERVER_ADDRESS && is_ours(ruleset->config, &server->addr))
            report_add(report, REPORT_ERROR, server->mark,
                       "%s: %s is an address we listen on: a loop", key,
                       addr_format(&server->addr, text));
    }
}

void conflicts_check_servers(const struct ruleset *ruleset, struct report *report)
{
    char key[64];

    for (size_t i = 0; i < ruleset->config->forward_count; i++) {
        snprintf(key, sizeof(key), "forward[%zu].servers", i);
        check_pool(ruleset, report, &ruleset->pools[i], key);
    }
    if (ruleset->config->resolver != NULL)
        check_pool(ruleset, report, &ruleset->pools[ruleset->resolver], "aws.resolver");
}
