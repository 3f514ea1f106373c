/* known: for each region asked about an index from names to rows of the catalogue.
 * Owns: the indexes, made when first asked for. Thread: the caller's.
 * Bounds: KNOWN_REGIONS_MAX regions, some milliseconds and 100 KiB each. Fails: out of memory stops the process. */
#include "known.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/rules/names.h"
#include "sample.h"

/* What is known of a region. */
struct region {
    char name[PARTITION_REGION_MAX]; /* "" for what has none */
    struct names *index;             /* owned; values are rows */
    uint32_t *askers;                /* owned; by row: the last asker, counted from 1 */
    struct known_public publics[PUBLIC_ROWS_MAX]; /* of the region */
    size_t public_count;                          /* items of publics */
};

struct known {
    struct region *regions[KNOWN_REGIONS_MAX]; /* owned */
    size_t count;                              /* regions in use */
};

struct known *known_new(void)
{
    struct known *known = calloc(1, sizeof(*known));

    CHECK(known != NULL);
    return known;
}

void known_free(struct known *known)
{
    for (size_t i = 0; known != NULL && i < known->count; i++) {
        names_free(known->regions[i]->index);
        free(known->regions[i]->askers);
        free(known->regions[i]);
    }
    free(known);
}

/* ---- Regions -------------------------------------------------------------------------------------- */

/* The names of a row that the region has; a global row's are without a region. */
static size_t expand(const struct catalogue_row *row, const char *region,
                     enum catalogue_spellings spellings,
                     struct catalogue_name out[CATALOGUE_NAMES_MAX])
{
    struct catalogue_request request = {region[0] != '\0' ? region : NULL, spellings, spellings};
    size_t count = 0;

    if (catalogue_is_global(row) != (region[0] == '\0') ||
        catalogue_expand(row, &request, out, CATALOGUE_NAMES_MAX, &count) != ERR_OK)
        return 0;
    return count;
}

static struct names *index_new(const char *region)
{
    size_t row_count;
    const struct catalogue_row *rows = catalogue_rows(&row_count);
    struct catalogue_name *all = calloc(row_count * CATALOGUE_NAMES_MAX, sizeof(*all));
    struct names_entry *entries = calloc(row_count * CATALOGUE_NAMES_MAX, sizeof(*entries));
    struct names *index;
    size_t used = 0;

    CHECK(all != NULL && entries != NULL);
    for (size_t i = 0; i < row_count; i++) {
        size_t count = expand(&rows[i], region, CATALOGUE_SPELLINGS_KNOWN, all + used);

        for (size_t j = used; j < used + count; j++)
            entries[j] = (struct names_entry){&all[j].name, all[j].below, (uint32_t)i};
        used += count;
    }
    index = names_new(entries, used, NULL);
    free(entries);
    free(all);
    return index;
}

static void add_publics(struct region *region)
{
    size_t count;
    const struct public_row *rows = public_rows(&count);

    for (size_t i = 0; i < count; i++) {
        struct known_public *item = &region->publics[region->public_count];

        item->row = &rows[i];
        if (public_expand(&rows[i], region->name, &item->name) == ERR_OK)
            region->public_count++;
    }
}

static struct region *region_new(const char *name)
{
    struct region *region = calloc(1, sizeof(*region));
    size_t row_count;

    CHECK(region != NULL);
    catalogue_rows(&row_count);
    snprintf(region->name, sizeof(region->name), "%s", name);
    region->index = index_new(name);
    region->askers = calloc(row_count, sizeof(*region->askers));
    CHECK(region->askers != NULL);
    add_publics(region);
    return region;
}

/* The region of this name, made when it is new; NULL when there are too many. */
static struct region *find_region(struct known *known, const char *name)
{
    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->regions[i]->name, name) == 0)
            return known->regions[i];
    }
    if (known->count == KNOWN_REGIONS_MAX)
        return NULL;
    return known->regions[known->count++] = region_new(name);
}

/* ---- Questions ------------------------------------------------------------------------------------ */

const struct catalogue_row *known_service(struct known *known, const char *region,
                                          const struct name *name, bool below)
{
    const struct region *found = find_region(known, region);
    struct names_match match;
    struct name sample;
    size_t count;

    if (found == NULL || !sample_name(&sample, name, below) ||
        !names_find(found->index, &sample, &match) || match.rule_labels != name->labels)
        return NULL;
    return &catalogue_rows(&count)[match.value];
}

bool known_is_first(struct known *known, const char *region, const struct catalogue_row *row,
                    size_t asker)
{
    struct region *found = find_region(known, region);
    size_t count;
    uint32_t *last;

    if (found == NULL)
        return false;
    last = &found->askers[row - catalogue_rows(&count)];
    if (*last == asker + 1)
        return false;
    *last = (uint32_t)asker + 1;
    return true;
}

const struct known_public *known_publics(struct known *known, const char *region, size_t *count)
{
    const struct region *found = find_region(known, region);

    *count = found != NULL ? found->public_count : 0;
    return found != NULL ? found->publics : NULL;
}

size_t known_plain_names(const struct catalogue_row *row, const char *region,
                         struct catalogue_name out[CATALOGUE_NAMES_MAX])
{
    return expand(row, region, CATALOGUE_SPELLINGS_NONE, out);
}
