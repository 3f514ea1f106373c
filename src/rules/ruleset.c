/* ruleset: a configuration's rules and zones as two indexes, and the decisions taken from them.
 * Owns: the configuration, in whose arena its own lists live, and the indexes.
 * Thread: built by main; then read by any, nothing changes.
 * Bounds: those of the configuration.
 * Fails: a configuration that cannot be used gives NULL, with the reasons in the report. */
#include "local53/rules/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conflicts.h"
#include "coverage.h"
#include "expand.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/base/hash.h"
#include "local53/base/hot.h"
#include "local53/dns/message.h"
#include "local53/rules/names.h"

/* Values of the rules index: endpoints by index, then special rows, and from the top what has no rule
 * although a wider one would fit. */
#define VALUE_EXCEPT NAMES_VALUE_MAX
#define VALUE_ZONE (NAMES_VALUE_MAX - 1)

/* Aliases of all zones: each is an endpoint that is followed, with an alarm and memory of its own. */
#define ALIASES_MAX 1000

/* Entries being collected for an index. */
struct entries {
    struct names_entry *items; /* owned */
    size_t count;              /* items in use */
    size_t cap;                /* items there is room for */
};

static void entries_init(struct entries *entries, size_t cap)
{
    entries->items = calloc(cap + 1, sizeof(*entries->items));
    CHECK(entries->items != NULL);
    entries->count = 0;
    entries->cap = cap;
}

static void entries_add(struct entries *entries, const struct name *name, bool below,
                        uint32_t value)
{
    CHECK(entries->count < entries->cap);
    entries->items[entries->count++] = (struct names_entry){name, below, value};
}

/* The name and all below it. */
static void entries_add_zone(struct entries *entries, const struct name *name, uint32_t value)
{
    entries_add(entries, name, false, value);
    entries_add(entries, name, true, value);
}

/* The rows' names, in the arena. */
static struct name *special_names(struct arena *arena, size_t *count)
{
    const struct special_row *rows = special_rows(count);
    struct name *names = ARENA_NEW(arena, struct name, *count);

    for (size_t i = 0; i < *count; i++)
        CHECK(text_read_name(&names[i], rows[i].name) == ERR_OK);
    return names;
}

/* ---- The rules index ----------------------------------------------------------------------------- */

static bool is_special(const struct name *names, size_t count, const struct name *name)
{
    for (size_t i = 0; i < count; i++) {
        if (name_is_at_or_below(name, &names[i]))
            return true;
    }
    return false;
}

static size_t rules_bound(const struct ruleset *ruleset, size_t special_count)
{
    size_t bound = 2 * (special_count + ruleset->pool_count + ruleset->config->zone_count);

    for (size_t i = 0; i < ruleset->endpoint_count; i++)
        bound += ruleset->endpoints[i].name_count + ruleset->endpoints[i].except_count;
    return bound;
}

static void add_endpoints(struct entries *entries, const struct ruleset *ruleset)
{
    for (size_t i = 0; i < ruleset->endpoint_count; i++) {
        const struct rule_endpoint *endpoint = &ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->name_count; j++)
            entries_add(entries, &endpoint->names[j].name, endpoint->names[j].below, (uint32_t)i);
    }
    for (size_t i = 0; i < ruleset->endpoint_count; i++) {
        const struct rule_endpoint *endpoint = &ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->except_count; j++)
            entries_add(entries, &endpoint->excepts[j].name, endpoint->excepts[j].below,
                        VALUE_EXCEPT);
    }
}

/* Zones at or below special names, private and forward: their names are looked for there. */
static void add_zones(struct entries *entries, const struct ruleset *ruleset,
                      const struct name *special, size_t special_count)
{
    const struct config *config = ruleset->config;

    for (size_t i = 0; i < config->zone_count; i++) {
        if (is_special(special, special_count, &config->zones[i].name))
            entries_add_zone(entries, &config->zones[i].name, VALUE_ZONE);
    }
    for (size_t i = 0; i < ruleset->pool_count; i++) {
        if (is_special(special, special_count, &ruleset->pools[i].config->zone))
            entries_add_zone(entries, &ruleset->pools[i].config->zone, VALUE_ZONE);
    }
}

/* The first of two entries for one name counts: a zone beats the special row of its name, and what one
 * endpoint takes out another may have. */
static void build_rules(struct ruleset *ruleset, const struct name *special, size_t special_count)
{
    struct entries entries;

    entries_init(&entries, rules_bound(ruleset, special_count));
    add_zones(&entries, ruleset, special, special_count);
    for (size_t i = 0; i < special_count; i++)
        entries_add_zone(&entries, &special[i], (uint32_t)(ruleset->endpoint_count + i));
    add_endpoints(&entries, ruleset);
    ruleset->rules = names_new(entries.items, entries.count, NULL);
    free(entries.items);
}

/* ---- Pools and their index ----------------------------------------------------------------------- */

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_fnv(hash, &number, sizeof(number));
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_fnv(hash, text, strlen(text) + 1);
}

static uint64_t hash_server(uint64_t hash, const struct config_server *server)
{
    char text[ADDR_TEXT_MAX];

    hash = hash_number(hash, server->kind);
    if (server->kind == CONFIG_SERVER_ADDRESS)
        return hash_text(hash, addr_format(&server->addr, text));
    return hash_number(hash_text(hash, server->text), server->port);
}

static uint64_t pool_fingerprint(const struct rule_pool *pool)
{
    uint64_t hash = HASH_FNV_START;

    hash = hash_fnv(hash, pool->config->zone.wire, pool->config->zone.len);
    hash = hash_number(hash, pool->config->max_negative_ttl_s);
    hash = hash_number(hash, pool->config->nxdomain_cut);
    for (size_t i = 0; i < pool->server_count; i++)
        hash = hash_server(hash, &pool->servers[i]);
    return hash;
}

static void add_pool(struct ruleset *ruleset, const struct config_forward *forward)
{
    struct rule_pool pool = {forward, forward->servers, forward->server_count, 0};

    pool.fingerprint = pool_fingerprint(&pool);
    ruleset->pools[ruleset->pool_count++] = pool;
}

/* aws.resolver as a pool of its own, with the caps of the root zone's. */
static void add_resolver(struct ruleset *ruleset)
{
    struct config *config = ruleset->config;
    struct config_forward *forward = ARENA_NEW(&config->arena, struct config_forward, 1);

    *forward = *ruleset->pools[ruleset->root_pool].config;
    forward->servers = config->resolver;
    forward->server_count = config->resolver_count;
    add_pool(ruleset, forward);
}

static void build_pools(struct ruleset *ruleset)
{
    struct config *config = ruleset->config;

    ruleset->pools = ARENA_NEW(&config->arena, struct rule_pool, config->forward_count + 1);
    ruleset->root_pool = UINT32_MAX;
    for (size_t i = 0; i < config->forward_count; i++) {
        add_pool(ruleset, &config->forward[i]);
        if (config->forward[i].zone.labels == 0 && ruleset->root_pool == UINT32_MAX)
            ruleset->root_pool = (uint32_t)i;
    }
    CHECK(ruleset->root_pool != UINT32_MAX);
    ruleset->resolver = ruleset->root_pool;
    if (config->resolver != NULL) {
        ruleset->resolver = (uint32_t)ruleset->pool_count;
        add_resolver(ruleset);
    }
}

static size_t suffix_count(void)
{
    size_t count = 0;

    while (partition_suffix(count) != NULL)
        count++;
    return count;
}

/* AWS names that no rule has go to aws.resolver, never to a public server, unless a zone of the
 * configuration says otherwise: the first of two entries for one name counts. */
static void add_aws_zones(struct entries *entries, struct ruleset *ruleset)
{
    struct name *names = ARENA_NEW(&ruleset->config->arena, struct name, suffix_count());

    for (size_t i = 0; partition_suffix(i) != NULL; i++) {
        CHECK(text_read_name(&names[i], partition_suffix(i)) == ERR_OK);
        entries_add_zone(entries, &names[i], ruleset->resolver);
    }
}

static void build_zones(struct ruleset *ruleset)
{
    size_t configured = ruleset->config->forward_count;
    struct entries entries;

    if (ruleset->pool_count < 2)
        return;
    entries_init(&entries, 2 * (configured + suffix_count()));
    for (size_t i = 0; i < configured; i++)
        entries_add_zone(&entries, &ruleset->pools[i].config->zone, (uint32_t)i);
    if (ruleset->resolver >= configured)
        add_aws_zones(&entries, ruleset);
    ruleset->zones = names_new(entries.items, entries.count, NULL);
    free(entries.items);
}

/* ---- Life ---------------------------------------------------------------------------------------- */

static size_t count_aliases(const struct config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->zone_count; i++)
        count += config->zones[i].alias_count;
    return count;
}

/* An endpoint without names, since the zones have them. Nobody waits for it to be ready: it may lead to a name
 * that only exists at times. */
static void add_alias(struct ruleset *ruleset, const struct config_alias *alias)
{
    struct arena *arena = &ruleset->config->arena;
    struct rule_endpoint *out = &ruleset->endpoints[ruleset->endpoint_count++];
    struct config_endpoint *config = ARENA_NEW(arena, struct config_endpoint, 1);
    char text[EXPAND_TEXT_MAX];

    *config = (struct config_endpoint){.targets = alias->targets,
                                       .target_count = alias->target_count,
                                       .optional = true,
                                       .mark = alias->name.mark};
    *out = (struct rule_endpoint){
        .label = arena_copy_text(arena, expand_write_name(&alias->name, text)), .config = config};
    expand_targets(out, arena);
}

static void add_aliases(struct ruleset *ruleset, size_t count, struct report *report)
{
    const struct config *config = ruleset->config;

    if (count > ALIASES_MAX)
        report_add(report, REPORT_ERROR, config->zones[0].mark,
                   "zones: have %zu aliases; at most %d are allowed in all", count, ALIASES_MAX);
    for (size_t i = 0; i < config->zone_count; i++) {
        for (size_t j = 0; j < config->zones[i].alias_count; j++)
            add_alias(ruleset, &config->zones[i].aliases[j]);
    }
}

static void build_endpoints(struct ruleset *ruleset, const struct name *special,
                            struct report *report)
{
    struct config *config = ruleset->config;
    size_t aliases = count_aliases(config);

    ruleset->endpoint_count = config->endpoint_count;
    ruleset->endpoints =
        ARENA_NEW(&config->arena, struct rule_endpoint, config->endpoint_count + aliases);
    for (size_t i = 0; i < config->endpoint_count; i++)
        expand_endpoint(&ruleset->endpoints[i], config, i, special, report);
    ruleset->private_zones = zones_new(config, (uint32_t)config->endpoint_count, report);
    add_aliases(ruleset, aliases, report);
}

struct ruleset *ruleset_new(struct config *config, uint64_t epoch, struct report *report)
{
    struct ruleset *ruleset = calloc(1, sizeof(*ruleset));
    size_t special_count;
    struct name *special = special_names(&config->arena, &special_count);
    size_t errors = report->errors;

    CHECK(ruleset != NULL);
    ruleset->config = config;
    ruleset->epoch = epoch;
    build_endpoints(ruleset, special, report);
    build_pools(ruleset);
    build_zones(ruleset);
    build_rules(ruleset, special, special_count);
    conflicts_check_names(ruleset, report);
    conflicts_check_targets(ruleset, report);
    conflicts_check_zones(ruleset, report);
    conflicts_check_servers(ruleset, report);
    coverage_check(ruleset, report);
    if (report->errors > errors) {
        ruleset_free(ruleset);
        return NULL;
    }
    return ruleset;
}

void ruleset_free(struct ruleset *ruleset)
{
    if (ruleset != NULL) {
        names_free(ruleset->rules);
        names_free(ruleset->zones);
        zones_free(ruleset->private_zones);
        config_free(ruleset->config);
        free(ruleset);
    }
}

/* ---- Decisions ----------------------------------------------------------------------------------- */

/* True when a label in front of the rule's name begins with "vpce-"; the rule's own labels do not, that
 * was checked when the ruleset was built. */
static bool has_vpce_label_before(const struct name *name, uint8_t rule_labels)
{
    for (size_t i = 0; i + rule_labels < name->labels; i++) {
        struct bytes label = name_label(name, i);

        if (label.len >= 5 && memcmp(label.data, "vpce-", 5) == 0)
            return true;
    }
    return false;
}

/* The node of the zones that stands for a name without another rule. Out of line: most configurations have no
 * zones, and are not to pay for it. */
RARE static bool find_in_zones(const struct ruleset *ruleset, const struct name *name,
                               struct decision *out)
{
    uint32_t number;
    const struct zone_node *node = zones_find(ruleset->private_zones, name, &number);
    const struct name *apex;

    if (node == NULL)
        return false;
    apex = &zones_apex(ruleset->private_zones, node->zone)->name;
    *out = (struct decision){DECISION_ZONE, number, apex->labels, name->labels > apex->labels};
    return true;
}

bool ruleset_find_rule(const struct ruleset *ruleset, const struct name *name, struct decision *out)
{
    struct names_match match;

    if (names_find(ruleset->rules, name, &match) && match.value < VALUE_ZONE) {
        *out = (struct decision){DECISION_ENDPOINT, match.value, match.rule_labels, match.below};
        if (match.value >= ruleset->endpoint_count) {
            out->kind = DECISION_SPECIAL;
            out->index = match.value - (uint32_t)ruleset->endpoint_count;
            return true;
        }
        if (!has_vpce_label_before(name, match.rule_labels))
            return true;
    }
    return ruleset->private_zones != NULL && find_in_zones(ruleset, name, out);
}

enum ruleset_links ruleset_follow(const struct ruleset *ruleset, const struct zone_rrset *cname,
                                  const struct name **last)
{
    const struct zone_node *node;
    struct decision rule;

    for (int links = 0; links < RULESET_LINKS_MAX; links++) {
        *last = cname->target;
        if (!ruleset_find_rule(ruleset, cname->target, &rule) || rule.kind != DECISION_ZONE)
            return RULESET_LINKS_FINE;
        node = zones_node(ruleset->private_zones, rule.index);
        if (!node->exists)
            return RULESET_LINKS_NOWHERE;
        cname = zones_rrset(node, TYPE_CNAME);
        if (cname == NULL)
            return RULESET_LINKS_FINE;
    }
    return RULESET_LINKS_TOO_MANY;
}

uint32_t ruleset_find_pool(const struct ruleset *ruleset, const struct name *name)
{
    struct names_match match;

    if (ruleset->zones != NULL && names_find(ruleset->zones, name, &match))
        return match.value;
    return ruleset->root_pool;
}

void ruleset_decide(const struct ruleset *ruleset, const struct name *name, struct decision *out)
{
    const struct name *zone;

    if (ruleset_find_rule(ruleset, name, out))
        return;
    out->kind = DECISION_FORWARD;
    out->index = ruleset_find_pool(ruleset, name);
    zone = &ruleset->pools[out->index].config->zone;
    out->rule_labels = zone->labels;
    out->below = name->labels > zone->labels;
}

/* ---- Words --------------------------------------------------------------------------------------- */

/* Why a name that stands under a wider rule is forwarded all the same; "" when there is none. */
static const char *forward_reason(const struct ruleset *ruleset, const struct name *name)
{
    struct names_match match;

    if (!names_find(ruleset->rules, name, &match) || match.value == VALUE_ZONE)
        return "";
    if (match.value == VALUE_EXCEPT)
        return ", taken out by except";
    return ", not rewritten because of its vpce- label";
}

/* "zones[0] corp.internal, record *.dev.corp.internal", or what else stands for the name. */
static void describe_zone(const struct ruleset *ruleset, uint32_t number, char *out, size_t cap)
{
    const struct zone_node *node = zones_node(ruleset->private_zones, number);
    struct config_name rule = {.below = false};
    char zone[TEXT_NAME_MAX];
    char text[EXPAND_TEXT_MAX];

    text_write_name(&zones_apex(ruleset->private_zones, node->zone)->name, zone);
    if (zones_node_name(ruleset->private_zones, number, &rule.name, &rule.below))
        snprintf(out, cap, "zones[%u] %s, %s %s", node->zone, zone,
                 node->alias != ZONES_NO_ALIAS ? "alias" : "record",
                 expand_write_name(&rule, text));
    else
        snprintf(out, cap, "zones[%u] %s, no such name", node->zone, zone);
}

void ruleset_describe(const struct ruleset *ruleset, const struct name *name,
                      const struct decision *decision, char *out, size_t cap)
{
    size_t count;
    const struct special_row *rows = special_rows(&count);
    struct config_name rule = {.below = decision->below};
    char text[EXPAND_TEXT_MAX];

    switch (decision->kind) {
    case DECISION_SPECIAL:
        snprintf(out, cap, "special %s (%s)", rows[decision->index].name,
                 rows[decision->index].source);
        break;
    case DECISION_ENDPOINT:
        name_parent(&rule.name, name, (size_t)(name->labels - decision->rule_labels));
        snprintf(out, cap, "endpoints[%u] %s", decision->index, expand_write_name(&rule, text));
        break;
    case DECISION_ZONE: describe_zone(ruleset, decision->index, out, cap); break;
    case DECISION_FORWARD:
        if (decision->index >= ruleset->config->forward_count) {
            snprintf(out, cap, "aws.resolver, for AWS names%s", forward_reason(ruleset, name));
            break;
        }
        text_write_name(&ruleset->pools[decision->index].config->zone, text);
        snprintf(out, cap, "forward[%u] %s%s", decision->index, text,
                 forward_reason(ruleset, name));
        break;
    }
}
