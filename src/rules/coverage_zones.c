/* coverage_zones: forward zones and private zones that lose to an endpoint, and AWS names that lose to a private zone.
 * Owns: nothing. Thread: main. Bounds: a lookup or two for each zone, each name of the private zones, and each public
 * name of a zone's region.
 * Fails: all it finds are warnings in the report; out of memory stops the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage_private.h"
#include "expand.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/rules/zones.h"
#include "sample.h"

/* ---- Whole zones ------------------------------------------------------------------------------------ */

/* The wildcard of an endpoint that takes the names below a zone, which it is wider than; NULL for none. */
static const struct coverage_claim *taker_of_zone(const struct coverage *c, const struct name *zone)
{
    const struct coverage_claim *wide = coverage_wildcard_above(c, zone);
    struct decision rule;
    struct name sample;

    if (wide == NULL || !sample_name(&sample, zone, true) ||
        !ruleset_find_rule(c->ruleset, &sample, &rule))
        return NULL;
    return rule.kind == DECISION_ENDPOINT && rule.index == wide->endpoint &&
                   rule.rule_labels == wide->name->name.labels
               ? wide
               : NULL;
}

static void check_taker(struct coverage *c, const char *key, size_t index, const struct name *zone)
{
    const struct coverage_claim *wide = taker_of_zone(c, zone);
    char zone_text[TEXT_NAME_MAX];
    char text[EXPAND_TEXT_MAX];

    if (wide == NULL)
        return;
    text_write_name(zone, zone_text);
    report_add(c->report, REPORT_WARNING, wide->name->mark,
               "endpoints[%zu].%s: %.100s takes the names of %s[%zu] %.100s, which is then never "
               "asked; write \"*.%.100s\" and \"%.100s\" under except",
               wide->endpoint, expand_key_of(&c->ruleset->endpoints[wide->endpoint], wide->name),
               expand_write_name(wide->name, text), key, index, zone_text, zone_text, zone_text);
}

/* ---- Forward zones of a wildcard's own name ---------------------------------------------------------- */

/* True when an except is at or below the zone: that is then what the zone is for. */
static bool has_except_below(const struct coverage *c, const struct name *zone)
{
    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct rule_endpoint *endpoint = &c->ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->except_count; j++) {
            if (name_is_at_or_below(&endpoint->excepts[j].name, zone))
                return true;
        }
    }
    return false;
}

/* The wildcard of the zone's own name, when an endpoint takes all below the zone by it; NULL for none. */
static const struct coverage_claim *wildcard_of_zone(const struct coverage *c,
                                                     const struct name *zone)
{
    const struct coverage_claim *wide;
    struct name sample;

    if (zone->labels == 0 || !sample_name(&sample, zone, true))
        return NULL;
    wide = coverage_wildcard_above(c, &sample);
    return wide != NULL && name_equal(&wide->name->name, zone) && !has_except_below(c, zone) ? wide
                                                                                             : NULL;
}

/* A forward zone of S3 says that a gateway endpoint is there, which an interface endpoint's wildcard takes the buckets
 * from (Amazon S3 User Guide, "Gateway endpoints for Amazon S3"). */
static const char *use_of_zone(const struct coverage *c, const struct name *zone)
{
    char region[PARTITION_REGION_MAX];
    const struct catalogue_row *row;

    partition_find_region(zone, NULL, region);
    row = known_service(c->known, region, zone, true);
    return row != NULL && strcmp(row->service, "s3") == 0
               ? ": the zone where a gateway endpoint leads to S3"
               : "";
}

static void check_same_name(struct coverage *c, size_t index)
{
    const struct name *zone = &c->ruleset->config->forward[index].zone;
    const struct coverage_claim *wide = wildcard_of_zone(c, zone);
    char zone_text[TEXT_NAME_MAX];
    char text[EXPAND_TEXT_MAX];

    if (wide != NULL)
        report_add(c->report, REPORT_WARNING, wide->name->mark,
                   "endpoints[%zu].%s: %.100s takes all names below forward[%zu] %.100s, whose "
                   "servers are then asked for none of them; keep one of the two%s",
                   wide->endpoint,
                   expand_key_of(&c->ruleset->endpoints[wide->endpoint], wide->name),
                   expand_write_name(wide->name, text), index, text_write_name(zone, zone_text),
                   use_of_zone(c, zone));
}

/* ---- Names of private zones -------------------------------------------------------------------------- */

static void report_node(struct coverage *c, const struct config_name *name,
                        const struct zone_node *node, const struct decision *rule)
{
    const struct config_zone *zone = &c->ruleset->config->zones[node->zone];
    char text[EXPAND_TEXT_MAX];

    report_add(c->report, REPORT_WARNING, zone->file_mark,
               "zones[%u].file: %.200s has records, but endpoints[%u] takes the name first; %s",
               node->zone, expand_write_name(name, text), rule->index,
               rule->below ? "write it under except there, or take it out of the file"
                           : "take it out of one of them");
}

/* Tells when an endpoint takes a name with records (conflicts tells of aliases); of wildcards wider than the zone check_taker has told. told: by zone
 * and endpoint. */
static void check_node(struct coverage *c, uint32_t number, bool *told)
{
    const struct zones *zones = c->ruleset->private_zones;
    const struct zone_node *node = zones_node(zones, number);
    struct config_name name = {.below = false};
    struct decision rule;
    struct name sample;
    bool *told_here;

    if (node->rrset_count == 0 || !zones_node_name(zones, number, &name.name, &name.below) ||
        !sample_name(&sample, &name.name, name.below) ||
        !ruleset_find_rule(c->ruleset, &sample, &rule) || rule.kind != DECISION_ENDPOINT)
        return;
    told_here = &told[node->zone * coverage_endpoint_count(c) + rule.index];
    if (*told_here || (rule.below && rule.rule_labels < zones_apex(zones, node->zone)->name.labels))
        return;
    *told_here = true;
    report_node(c, &name, node, &rule);
}

static void check_nodes(struct coverage *c)
{
    const struct zones *zones = c->ruleset->private_zones;
    bool *told = calloc(zones_count(zones) * coverage_endpoint_count(c) + 1, sizeof(*told));

    CHECK(told != NULL);
    for (uint32_t i = 0; i < zones_node_count(zones); i++)
        check_node(c, i, told);
    free(told);
}

/* ---- AWS names that a private zone denies ------------------------------------------------------------ */

/* True when the name, or a made-up one below it, is one that the zone says does not exist. */
static bool is_denied(const struct coverage *c, size_t zone, const struct catalogue_name *name)
{
    const struct zone_node *node;
    struct decision rule;
    struct name sample;

    if (!name_is_at_or_below(&name->name, &c->ruleset->config->zones[zone].name) ||
        !sample_name(&sample, &name->name, name->below) ||
        !ruleset_find_rule(c->ruleset, &sample, &rule) || rule.kind != DECISION_ZONE)
        return false;
    node = zones_node(c->ruleset->private_zones, rule.index);
    return node->zone == zone && !node->exists;
}

static void report_denied(struct coverage *c, size_t zone, const struct catalogue_name *name,
                          const char *what)
{
    const struct config_zone *config = &c->ruleset->config->zones[zone];
    struct config_name written = {.name = name->name, .below = name->below};
    char text[EXPAND_TEXT_MAX];

    report_add(
        c->report, REPORT_WARNING, config->mark,
        "zones[%zu]: says that %.120s does not exist, %s; write \"fallthrough: true\" to have "
        "names forwarded that the zone does not list",
        zone, expand_write_name(&written, text), what);
}

/* The region of the zone's names; "" for none. */
static const char *region_of_zone(const struct coverage *c, const struct config_zone *zone,
                                  char out[PARTITION_REGION_MAX])
{
    const char *home = c->ruleset->config->region;

    if (partition_find_region(&zone->name, NULL, out)[0] == '\0' && home != NULL &&
        partition_is_region(home))
        snprintf(out, PARTITION_REGION_MAX, "%s", home);
    return out;
}

static bool check_denied_publics(struct coverage *c, size_t zone, const char *region)
{
    size_t count = 0;
    const struct known_public *publics =
        region[0] != '\0' ? known_publics(c->known, region, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        if (!is_denied(c, zone, &publics[i].name))
            continue;
        report_denied(c, zone, &publics[i].name, publics[i].row->reason);
        return true;
    }
    return false;
}

static void check_denied_service(struct coverage *c, size_t zone)
{
    const struct name *name = &c->ruleset->config->zones[zone].name;
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    const struct catalogue_row *row;
    char region[PARTITION_REGION_MAX];
    char what[64];
    size_t count;

    partition_find_region(name, NULL, region);
    row = known_service(c->known, region, name, false);
    if (row == NULL)
        row = known_service(c->known, region, name, true);
    count = row != NULL ? known_plain_names(row, region, names) : 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_denied(c, zone, &names[i]))
            continue;
        snprintf(what, sizeof(what), "a name of service %.40s", row->service);
        report_denied(c, zone, &names[i], what);
        return;
    }
}

/* What a private zone of an AWS name hides: everything that it does not list. One warning a zone. */
static void check_denied(struct coverage *c, size_t zone)
{
    const struct config_zone *config = &c->ruleset->config->zones[zone];
    char region[PARTITION_REGION_MAX];

    if (!config->fallthrough && !check_denied_publics(c, zone, region_of_zone(c, config, region)))
        check_denied_service(c, zone);
}

void coverage_check_zones(struct coverage *c)
{
    const struct config *config = c->ruleset->config;

    for (size_t i = 0; i < config->forward_count; i++) {
        check_taker(c, "forward", i, &config->forward[i].zone);
        check_same_name(c, i);
    }
    for (size_t i = 0; i < config->zone_count; i++)
        check_taker(c, "zones", i, &config->zones[i].name);
    if (c->ruleset->private_zones == NULL)
        return;
    check_nodes(c);
    for (size_t i = 0; i < config->zone_count; i++)
        check_denied(c, i);
}
