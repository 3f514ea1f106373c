/* zones: private zones, and the nodes that stand for names.
 * Owns: everything of a struct zones. Thread: built by the one that loads, then read by any; nothing changes.
 * Bounds: MASTER_RECORDS_MAX records a zone, and the configuration's own limits.
 * Fails: a zone that cannot be used gives NULL for all, with the reasons in the report. */
#include "local53/rules/zones.h"

#include <stdlib.h>

#include "local53/base/check.h"
#include "zones_build.h"

/* Negative TTL of a zone without an SOA in its file. */
#define NEGATIVE_TTL_S 60

/* --- zones and what cuts them --- */

static void check_zone(const struct config *config, size_t i, struct report *report)
{
    const struct config_zone *zone = &config->zones[i];

    for (size_t j = 0; j < i; j++) {
        if (!name_equal(&config->zones[j].name, &zone->name))
            continue;
        report_add(report, REPORT_ERROR, zone->mark,
                   "zones[%zu].name: the zone stands in the list a second time, first in line %u; "
                   "write its records and aliases there",
                   i, config->zones[j].mark.line);
        return;
    }
    if (zone->file == NULL && zone->alias_count == 0)
        report_add(report, REPORT_ERROR, zone->mark,
                   "zones[%zu]: has no names; write \"file\" (a master file) or \"aliases\"", i);
}

/* Whose each name is: zones by index, behind them forward zones; of two of one name the private one. The root
 * of forward zones is no cut. */
static struct names *cuts_new(const struct config *config)
{
    size_t total = config->zone_count + config->forward_count;
    struct names_entry *entries = calloc(2 * total, sizeof(*entries));
    struct names *cuts;
    size_t count = 0;

    CHECK(entries != NULL);
    for (size_t i = 0; i < total; i++) {
        const struct name *name = i < config->zone_count
                                      ? &config->zones[i].name
                                      : &config->forward[i - config->zone_count].zone;

        if (i >= config->zone_count && name->labels == 0)
            continue;
        entries[count++] = (struct names_entry){name, false, (uint32_t)i};
        entries[count++] = (struct names_entry){name, true, (uint32_t)i};
    }
    cuts = names_new(entries, count, NULL);
    free(entries);
    return cuts;
}

/* The name right above a zone exists in the zone around it, as it would with a delegation: else "no such name"
 * of it would deny what is below (RFC 8020). */
static void add_way_to(struct zones *zones, const struct names *cuts, const struct name *inner,
                       struct drafts *drafts)
{
    struct names_match match;
    struct name parent;

    if (inner->labels == 0)
        return;
    name_parent(&parent, inner, 1);
    if (names_find(cuts, &parent, &match) && match.value < zones->count)
        drafts_add(&drafts[match.value], &(struct draft){.key = zones_key(&zones->arena, &parent),
                                                         .alias = ZONES_NO_ALIAS});
}

static void add_ways(struct zones *zones, const struct config *config, const struct names *cuts,
                     struct drafts *drafts)
{
    for (size_t i = 0; i < config->zone_count; i++)
        add_way_to(zones, cuts, &config->zones[i].name, drafts);
    for (size_t i = 0; i < config->forward_count; i++)
        add_way_to(zones, cuts, &config->forward[i].zone, drafts);
}

/* --- building --- */

static void build_all(struct zones *zones, const struct zones_source *source)
{
    struct drafts *drafts = calloc(zones->count, sizeof(*drafts));
    struct zones_source own = *source;

    CHECK(drafts != NULL);
    add_ways(zones, source->config, source->cuts, drafts);
    for (uint32_t i = 0; i < zones->count; i++) {
        zones_read(&own, zones, i, &drafts[i]);
        own.first_alias += (uint32_t)source->config->zones[i].alias_count;
        zones_build(zones, i, &drafts[i], source->report);
        free(drafts[i].items);
    }
    free(drafts);
}

/* Forward zones inside private ones; those of the same name are not asked. */
static void index_all(struct zones *zones, const struct config *config, const struct names *cuts)
{
    const struct name **forward = calloc(config->forward_count + 1, sizeof(*forward));
    struct names_match match;
    size_t count = 0;

    CHECK(forward != NULL);
    for (size_t i = 0; i < config->forward_count; i++) {
        const struct name *zone = &config->forward[i].zone;

        if (zone->labels > 0 && names_find(cuts, zone, &match) && match.value >= zones->count)
            forward[count++] = zone;
    }
    zones_index(zones, forward, count);
    free(forward);
}

static struct zones *zones_make(const struct config *config)
{
    struct zones *zones = calloc(1, sizeof(*zones));

    CHECK(zones != NULL);
    zones->count = config->zone_count;
    zones->apexes = ARENA_NEW(&zones->arena, struct zone_apex, zones->count);
    zones->none = ARENA_NEW(&zones->arena, uint32_t, zones->count);
    for (size_t i = 0; i < zones->count; i++)
        zones->apexes[i] = (struct zone_apex){.name = config->zones[i].name,
                                              .soa_ttl_s = NEGATIVE_TTL_S,
                                              .negative_ttl_s = NEGATIVE_TTL_S,
                                              .fallthrough = config->zones[i].fallthrough};
    return zones;
}

struct zones *zones_new(const struct config *config, uint32_t first_alias, struct report *report)
{
    size_t errors = report->errors;
    struct zones_source source = {.config = config, .first_alias = first_alias, .report = report};
    struct names *cuts;
    struct zones *zones;

    for (size_t i = 0; i < config->zone_count; i++)
        check_zone(config, i, report);
    if (config->zone_count == 0 || report->errors > errors)
        return NULL;
    zones = zones_make(config);
    cuts = cuts_new(config);
    source.cuts = cuts;
    build_all(zones, &source);
    if (report->errors == errors)
        index_all(zones, config, cuts);
    names_free(cuts);
    if (report->errors == errors)
        return zones;
    zones_free(zones);
    return NULL;
}

void zones_free(struct zones *zones)
{
    if (zones == NULL)
        return;
    names_free(zones->index);
    free(zones->nodes);
    free(zones->places);
    free(zones->files);
    arena_deinit(&zones->arena);
    free(zones);
}

/* --- finding --- */

const struct zone_node *zones_find(const struct zones *zones, const struct name *name,
                                   uint32_t *number)
{
    struct names_match match;

    /* Every existing name is an entry, so the longest wildcard is the closest encloser's. */
    if (!names_find(zones->index, name, &match) || match.value == ZONES_ELSEWHERE)
        return NULL;
    if (number != NULL)
        *number = match.value;
    return &zones->nodes[match.value];
}

const struct zone_node *zones_node(const struct zones *zones, uint32_t number)
{
    CHECK(number < zones->node_count);
    return &zones->nodes[number];
}

size_t zones_node_count(const struct zones *zones)
{
    return zones->node_count;
}

bool zones_node_name(const struct zones *zones, uint32_t number, struct name *name, bool *below)
{
    struct bytes first;
    struct name whole;

    CHECK(number < zones->node_count);
    if (!zones->places[number].named)
        return false;
    zones_name_of_key(&whole, zones->places[number].key);
    *below = false;
    if (whole.labels > 0) {
        first = name_label(&whole, 0);
        *below = first.len == 1 && first.data[0] == '*';
    }
    name_parent(name, &whole, *below ? 1 : 0);
    return true;
}

const struct zone_rrset *zones_rrset(const struct zone_node *node, uint16_t type)
{
    for (size_t i = 0; i < node->rrset_count; i++) {
        if (node->rrsets[i].type == type)
            return &node->rrsets[i];
    }
    return NULL;
}

const struct zone_apex *zones_apex(const struct zones *zones, uint32_t zone)
{
    CHECK(zone < zones->count);
    return &zones->apexes[zone];
}

size_t zones_count(const struct zones *zones)
{
    return zones->count;
}

const char *zones_file(const struct zones *zones, size_t i)
{
    CHECK(i < zones->file_count);
    return zones->files[i];
}

size_t zones_file_count(const struct zones *zones)
{
    return zones->file_count;
}
