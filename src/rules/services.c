/* services: the names of all endpoint services in one index. A row has its names once a partition, under one
 * region that stands for all of it; a name asked is looked up with its region replaced by that one.
 * Owns: the index. Thread: any; nothing changes. Bounds: rows times partitions times CATALOGUE_NAMES_MAX.
 * Fails: never; what AWS has not published is of no service. */
#include "local53/rules/services.h"

#include <stdlib.h>
#include <string.h>

#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/dns/text.h"
#include "local53/rules/names.h"

/* A region of each partition: it stands for all of them. */
static const char *const REGIONS[] = {"us-east-1",      "us-gov-west-1",  "cn-north-1",
                                      "us-iso-east-1",  "us-isob-east-1", "eu-isoe-west-1",
                                      "eusc-de-east-1", "us-isof-south-1"};
#define REGION_COUNT (sizeof(REGIONS) / sizeof(REGIONS[0]))

/* Room for names at first. */
#define COLLECTED_FIRST 512

/* Value of what stands below a suffix and is no row's. Rows have their index, behind it the switches. */
#define VALUE_OTHER NAMES_VALUE_MAX
#define SWITCH_DUALSTACK 1U
#define SWITCH_FIPS 2U
#define SWITCH_BITS 2

struct services {
    struct names *index; /* owned; names of rows, then suffixes */
};

/* A name, and the value it is found with. */
struct collected {
    struct catalogue_name name;
    uint32_t value;
};

/* All names, in as much memory as they need. */
struct collection {
    struct collected *items; /* owned */
    size_t count;            /* items in use */
    size_t cap;              /* items there is room for */
};

static void add(struct collection *collection, const struct catalogue_name *name, uint32_t value)
{
    if (collection->count == collection->cap) {
        collection->cap = 2 * collection->cap + COLLECTED_FIRST;
        collection->items =
            realloc(collection->items, collection->cap * sizeof(*collection->items));
        CHECK(collection->items != NULL);
    }
    collection->items[collection->count++] = (struct collected){*name, value};
}

static void add_region(struct collection *collection, const struct catalogue_row *row,
                       uint32_t number, const char *region)
{
    struct catalogue_request all = {region, CATALOGUE_SPELLINGS_ALL, CATALOGUE_SPELLINGS_ALL};
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    size_t count;
    CHECK(catalogue_expand(row, &all, names, CATALOGUE_NAMES_MAX, &count) == ERR_OK);
    for (size_t i = 0; i < count; i++) {
        uint32_t value = number << SWITCH_BITS;
        if (names[i].apart && names[i].dualstack)
            value |= SWITCH_DUALSTACK;
        if (names[i].apart && names[i].fips)
            value |= SWITCH_FIPS;
        add(collection, &names[i], value);
    }
}

static void add_rows(struct collection *collection)
{
    size_t count;
    const struct catalogue_row *rows = catalogue_rows(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < REGION_COUNT; k++)
            add_region(collection, &rows[i], (uint32_t)i, REGIONS[k]);
    }
}

static void add_suffixes(struct collection *collection)
{
    struct catalogue_name suffix = {.below = true};
    for (size_t i = 0; partition_suffix(i) != NULL; i++) {
        CHECK(text_read_name(&suffix.name, partition_suffix(i)) == ERR_OK);
        add(collection, &suffix, VALUE_OTHER);
    }
}

static struct names *index_new(const struct collection *collection)
{
    CHECK(collection->count > 0); /* the catalogue is compiled in */
    struct names_entry *entries = calloc(collection->count, sizeof(*entries));
    CHECK(entries != NULL);
    for (size_t i = 0; i < collection->count; i++) {
        const struct collected *item = &collection->items[i];
        entries[i] = (struct names_entry){&item->name.name, item->name.below, item->value};
    }
    struct names *index = names_new(entries, collection->count, NULL);
    free(entries);
    return index;
}

struct services *services_new(void)
{
    struct services *services = calloc(1, sizeof(*services));
    struct collection collection = {0};
    CHECK(services != NULL);
    add_rows(&collection);
    add_suffixes(&collection);
    services->index = index_new(&collection);
    free(collection.items);
    return services;
}

void services_free(struct services *services)
{
    if (services == NULL)
        return;
    names_free(services->index);
    free(services);
}

/* The region that stands for the partition of another. */
static const char *standing_for(const char *region)
{
    for (size_t i = 0; i < REGION_COUNT; i++)
        if (partition_of_region(REGIONS[i]) == partition_of_region(region))
            return REGIONS[i];
    return REGIONS[0];
}

/* The name with another label in place of one; false when it gets too long. */
static bool replace_label(struct name *out, const struct name *name, size_t label, const char *text)
{
    uint8_t wire[NAME_MAX_OCTETS];
    struct writer w = writer_init(wire, sizeof(wire));
    size_t at = name_label_offset(name, label);
    size_t behind = name_label_offset(name, label + 1);
    writer_put(&w, name->wire, at);
    writer_u8(&w, (uint8_t)strlen(text));
    writer_put(&w, text, strlen(text));
    writer_put(&w, name->wire + behind, name->len - behind);
    return !w.failed && name_from_wire(out, wire, w.len) == ERR_OK;
}

enum services_kind services_find(const struct services *services, const struct name *name,
                                 struct services_match *out)
{
    struct names_match match;
    struct name plain;
    size_t count;
    size_t label;
    const struct catalogue_row *rows = catalogue_rows(&count);
    if (!names_find(services->index, name, &match))
        return SERVICES_NONE;
    if (partition_find_region(name, &label, out->region)[0] != '\0') {
        if (!replace_label(&plain, name, label, standing_for(out->region)) ||
            !names_find(services->index, &plain, &match))
            return SERVICES_OTHER;
    }
    if (match.value == VALUE_OTHER)
        return SERVICES_OTHER;
    out->row = &rows[match.value >> SWITCH_BITS];
    out->labels = match.rule_labels;
    out->dualstack = (match.value & SWITCH_DUALSTACK) != 0;
    out->fips = (match.value & SWITCH_FIPS) != 0;
    if (catalogue_is_global(out->row))
        out->region[0] = '\0';
    return SERVICES_KNOWN;
}
