/* zones_read: the records and aliases of one zone, and which of them belong to it.
 * Owns: nothing; what it makes lives in the zones' arena. Thread: the one that loads; blocks on files.
 * Bounds: those of master files, and of the configuration.
 * Fails: errors go to the report, so that one run tells all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expand.h"
#include "local53/base/check.h"
#include "local53/dns/master.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"
#include "zones_build.h"

/* TTL of records before the file tells any. */
#define DEFAULT_TTL_S 300

/* Longest path of a master file. */
#define PATH_OCTETS_MAX 4096

/* Records of one kind, told together. */
struct noted {
    size_t count;     /* records */
    const char *file; /* in the arena; where the first stands */
    unsigned line;    /* as above */
    uint32_t cut;     /* whose the first is */
};

struct zone_reading {
    const struct zones_source *source; /* borrowed */
    const struct config_zone *zone;    /* borrowed */
    struct zones *zones;               /* borrowed */
    struct drafts *drafts;             /* borrowed */
    uint32_t index;                    /* of the zone */
    const char *file;                  /* in the arena; the file of the last record */
    struct noted foreign;              /* left out: records of other classes */
    struct noted inner;                /* left out: records of zones inside */
    struct noted doubled;              /* names that end in the zone's name twice */
};

/* Whose a name is: a zone, or the pool of a forward zone inside one. */
static bool is_of_zone(const struct zone_reading *reading, const struct name *name, uint32_t *cut)
{
    struct names_match match;

    CHECK(names_find(reading->source->cuts, name, &match));
    *cut = match.value;
    return match.value == reading->index;
}

/* "zones[1]" or "forward[0]". */
static const char *write_cut(const struct zone_reading *reading, uint32_t cut, char *out,
                             size_t cap)
{
    size_t zones = reading->source->config->zone_count;

    if (cut < zones)
        snprintf(out, cap, "zones[%u]", cut);
    else
        snprintf(out, cap, "forward[%zu]", cut - zones);
    return out;
}

/* --- the file --- */

static const char *keep_file(struct zone_reading *reading, const char *file)
{
    if (reading->file == NULL || strcmp(reading->file, file) != 0)
        reading->file = arena_copy_text(&reading->zones->arena, file);
    return reading->file;
}

static void note(struct zone_reading *reading, struct noted *noted,
                 const struct master_place *place, uint32_t cut)
{
    if (noted->count++ > 0)
        return;
    noted->file = keep_file(reading, place->file);
    noted->line = place->line;
    noted->cut = cut;
}

static void on_error(void *owner, const struct master_place *place, const char *text)
{
    const struct zone_reading *reading = owner;
    struct report *report = reading->source->report;

    if (place->line == 0)
        report_add(report, REPORT_ERROR, reading->zone->file_mark, "zones[%u].file: %s",
                   reading->index, text);
    else
        report_add(report, REPORT_ERROR, reading->zone->file_mark, "zones[%u].file: %s:%u: %s",
                   reading->index, place->file, place->line, text);
}

static void on_file(void *owner, const char *path)
{
    struct zones *zones = ((struct zone_reading *)owner)->zones;

    for (size_t i = 0; i < zones->file_count; i++) {
        if (strcmp(zones->files[i], path) == 0)
            return;
    }
    zones->files = realloc(zones->files, (zones->file_count + 1) * sizeof(*zones->files));
    CHECK(zones->files != NULL);
    zones->files[zones->file_count++] = arena_copy_text(&zones->arena, path);
}

/* True for "www.corp.example.corp.example" in a zone of two labels or more: what becomes of a name whose last dot was
 * forgotten. */
static bool has_zone_twice(const struct name *name, const struct name *zone)
{
    struct name front;

    if (zone->labels < 2 || name->labels < 2 * zone->labels || !name_is_at_or_below(name, zone))
        return false;
    name_parent(&front, name, name->labels - 2U * zone->labels);
    return memcmp(front.wire, zone->wire, (size_t)zone->len - 1) == 0;
}

/* Octets in front of the name that the data of a type ends in; false: there is none to look at. */
static bool find_target(uint16_t type, size_t *before)
{
    switch (type) {
    case TYPE_NS:
    case TYPE_CNAME:
    case TYPE_PTR: *before = 0; return true;
    case TYPE_MX: *before = 2; return true;
    case TYPE_SRV: *before = 6; return true;
    default: return false;
    }
}

static void look_for_forgotten_dot(struct zone_reading *reading, const struct master_record *record)
{
    const struct name *zone = &reading->zone->name;
    struct name target;
    size_t before;
    bool doubled = has_zone_twice(record->owner, zone);

    if (!doubled && find_target(record->type, &before))
        doubled = name_from_wire(&target, record->rdata.data + before,
                                 record->rdata.len - before) == ERR_OK &&
                  has_zone_twice(&target, zone);
    if (doubled)
        note(reading, &reading->doubled, &record->place, 0);
}

static void keep_record(struct zone_reading *reading, const struct master_record *record)
{
    struct arena *arena = &reading->zones->arena;
    uint8_t *rdata = arena_take(arena, record->rdata.len);
    struct draft draft = {.key = zones_key(arena, record->owner),
                          .type = record->type,
                          .ttl_s = rr_ttl_cap(record->ttl_s),
                          .rdata = {rdata, record->rdata.len},
                          .alias = ZONES_NO_ALIAS,
                          .file = keep_file(reading, record->place.file),
                          .line = record->place.line,
                          .mark = reading->zone->file_mark};

    if (record->rdata.len > 0)
        memcpy(rdata, record->rdata.data, record->rdata.len);
    drafts_add(reading->drafts, &draft);
}

static bool on_record(void *owner, const struct master_record *record)
{
    struct zone_reading *reading = owner;
    char text[TEXT_NAME_MAX + 64];
    char name[TEXT_NAME_MAX];
    uint32_t cut;

    if (record->class != CLASS_IN) {
        note(reading, &reading->foreign, &record->place, 0);
    } else if (!name_is_at_or_below(record->owner, &reading->zone->name)) {
        snprintf(text, sizeof(text), "%s is outside the zone; a last dot is missing or too much",
                 text_write_name(record->owner, name));
        on_error(reading, &record->place, text);
    } else if (!is_of_zone(reading, record->owner, &cut)) {
        note(reading, &reading->inner, &record->place, cut);
    } else {
        keep_record(reading, record);
        look_for_forgotten_dot(reading, record);
    }
    return true;
}

static void tell_noted(const struct zone_reading *reading)
{
    const struct noted *foreign = &reading->foreign;
    const struct noted *inner = &reading->inner;
    const struct noted *doubled = &reading->doubled;
    struct report *report = reading->source->report;
    char text[32];

    if (foreign->count > 0)
        report_add(report, REPORT_WARNING, reading->zone->file_mark,
                   "zones[%u].file: %s:%u: not of class IN, and left out (%zu in all)",
                   reading->index, foreign->file, foreign->line, foreign->count);
    if (inner->count > 0)
        report_add(report, REPORT_WARNING, reading->zone->file_mark,
                   "zones[%u].file: %s:%u: belongs to %s, which is more specific, and is left out "
                   "(%zu in all)",
                   reading->index, inner->file, inner->line,
                   write_cut(reading, inner->cut, text, sizeof(text)), inner->count);
    if (doubled->count > 0)
        report_add(report, REPORT_WARNING, reading->zone->file_mark,
                   "zones[%u].file: %s:%u: a name ends in the zone's name twice; is its last dot "
                   "missing? (%zu records in all)",
                   reading->index, doubled->file, doubled->line, doubled->count);
}

/* Where the file is: from the folder of the configuration, unless its path is absolute. */
static bool write_path(const struct zone_reading *reading, char *out)
{
    const char *config = reading->source->config->file;
    const char *slash = strrchr(config, '/');
    int folder = slash == NULL || reading->zone->file[0] == '/' ? 0 : (int)(slash - config) + 1;
    int len = snprintf(out, PATH_OCTETS_MAX, "%.*s%s", folder, config, reading->zone->file);

    return len > 0 && len < PATH_OCTETS_MAX;
}

/* What becomes of a download that failed, or of a file that was about to be written. */
static void tell_empty(const struct zone_reading *reading)
{
    report_add(reading->source->report, REPORT_WARNING, reading->zone->file_mark,
               "zones[%u].file: %.120s has no records, so that no name of the zone exists; was it "
               "cut off?",
               reading->index, reading->zone->file);
}

static void read_file(struct zone_reading *reading)
{
    struct master_setup setup = {.origin = &reading->zone->name,
                                 .default_ttl_s = DEFAULT_TTL_S,
                                 .on_record = on_record,
                                 .on_error = on_error,
                                 .on_file = on_file,
                                 .owner = reading};
    size_t before = reading->drafts->count;
    char path[PATH_OCTETS_MAX];

    if (!write_path(reading, path))
        on_error(reading, &(struct master_place){NULL, 0}, "the path is too long");
    else if (master_read_file(&setup, path, reading->zone->file) == ERR_OK &&
             reading->drafts->count == before && reading->zone->alias_count == 0 &&
             reading->foreign.count + reading->inner.count == 0)
        tell_empty(reading);
    tell_noted(reading);
}

/* --- aliases --- */

bool zones_alias_owner(struct name *out, const struct config_name *alias)
{
    uint8_t wire[NAME_MAX_OCTETS + 2] = {1, '*'};

    *out = alias->name;
    if (!alias->below)
        return true;
    memcpy(wire + 2, alias->name.wire, alias->name.len);
    return name_from_wire(out, wire, (size_t)alias->name.len + 2) == ERR_OK;
}

/* Why an alias cannot be in the zone; NULL: it can. */
static const char *alias_fault(const struct zone_reading *reading, const struct config_name *alias,
                               struct name *owner, char *text, size_t cap)
{
    char cut_text[32];
    uint32_t cut;

    if (!zones_alias_owner(owner, alias))
        return "is longer than a name can be";
    if (!name_is_at_or_below(owner, &reading->zone->name))
        return "is outside the zone";
    if (is_of_zone(reading, owner, &cut))
        return NULL;
    snprintf(text, cap, "belongs to %s, which is more specific",
             write_cut(reading, cut, cut_text, sizeof(cut_text)));
    return text;
}

static void take_alias(struct zone_reading *reading, const struct config_alias *alias,
                       uint32_t number)
{
    char text[96];
    char name[EXPAND_TEXT_MAX];
    struct name owner;
    const char *fault = alias_fault(reading, &alias->name, &owner, text, sizeof(text));

    if (fault != NULL) {
        report_add(reading->source->report, REPORT_ERROR, alias->name.mark,
                   "zones[%u].aliases: %s %s", reading->index,
                   expand_write_name(&alias->name, name), fault);
        return;
    }
    drafts_add(reading->drafts, &(struct draft){.key = zones_key(&reading->zones->arena, &owner),
                                                .alias = number,
                                                .mark = alias->name.mark});
}

void zones_read(const struct zones_source *source, struct zones *zones, uint32_t zone,
                struct drafts *drafts)
{
    struct zone_reading reading = {.source = source,
                                   .zone = &source->config->zones[zone],
                                   .zones = zones,
                                   .drafts = drafts,
                                   .index = zone};

    if (reading.zone->file != NULL)
        read_file(&reading);
    for (size_t i = 0; i < reading.zone->alias_count; i++)
        take_alias(&reading, &reading.zone->aliases[i], source->first_alias + (uint32_t)i);
}
