/* Zones against a slow and plain reading of RFC 4592: many small configurations, every name of a few labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zoned.h"

#define CONFIGURATIONS 400
#define OWNERS_MAX 6
#define ZONES_MAX 3
#define DEPTH_MAX 4

/* Names are over these labels, below "z"; those of zones have no asterisk. */
static const char *const LABELS[] = {"a", "b", "*"};
#define LABEL_COUNT 3

/* One zone of the model: texts are written from the left, "a.b.z". */
struct model_zone {
    char apex[32];               /* "z" or below */
    bool fallthrough;            /* names it does not have are elsewhere */
    char owners[OWNERS_MAX][32]; /* names with a record, "" where there is none */
};

struct model {
    struct model_zone zones[ZONES_MAX];
    size_t count;
};

/* --- texts as names --- */

static bool is_below(const char *name, const char *parent)
{
    size_t len = strlen(name);
    size_t parent_len = strlen(parent);

    return len > parent_len && name[len - parent_len - 1] == '.' &&
           strcmp(name + len - parent_len, parent) == 0;
}

static bool is_in(const char *name, const char *zone)
{
    return strcmp(name, zone) == 0 || is_below(name, zone);
}

static const char *parent_of(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot == NULL ? "" : dot + 1;
}

/* --- the model --- */

/* The zone a name belongs to: of those it is in the one with the longest apex; NULL when it is in none. */
static const struct model_zone *zone_of(const struct model *model, const char *name)
{
    const struct model_zone *best = NULL;

    for (size_t i = 0; i < model->count; i++) {
        if (is_in(name, model->zones[i].apex) &&
            (best == NULL || strlen(model->zones[i].apex) > strlen(best->apex)))
            best = &model->zones[i];
    }
    return best;
}

static bool has_record(const struct model *model, const struct model_zone *zone, const char *name)
{
    for (size_t i = 0; i < OWNERS_MAX; i++) {
        if (strcmp(zone->owners[i], name) == 0 && zone_of(model, name) == zone)
            return true;
    }
    return false;
}

/* A name exists that has a record, or stands above one or above another zone, in its zone. */
static bool exists(const struct model *model, const struct model_zone *zone, const char *name)
{
    bool found = strcmp(name, zone->apex) == 0;

    for (size_t i = 0; i < OWNERS_MAX; i++)
        found = found || (zone->owners[i][0] != '\0' && is_in(zone->owners[i], name) &&
                          zone_of(model, zone->owners[i]) == zone);
    for (size_t i = 0; i < model->count; i++)
        found = found || (is_below(model->zones[i].apex, name) &&
                          zone_of(model, parent_of(model->zones[i].apex)) == zone);
    return found;
}

/* What stands for a name: the name of a node, "" for no such name, NULL for elsewhere. */
static const char *model_find(const struct model *model, const char *name, char out[64])
{
    const struct model_zone *zone = zone_of(model, name);
    const char *encloser = name;

    if (zone == NULL)
        return NULL;
    while (!exists(model, zone, encloser))
        encloser = parent_of(encloser);
    snprintf(out, 64, "%s%s", encloser == name ? "" : "*.", encloser);
    if (!exists(model, zone, out))
        return zone->fallthrough ? NULL : "";
    return zone->fallthrough && !has_record(model, zone, out) ? NULL : out;
}

/* --- configurations by chance --- */

/* A plain sequence of numbers, the same in each run (Knuth's MMIX). */
static uint32_t next_number(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33) % below;
}

/* A name of up to `depth` of the first `count` labels in front of "z". */
static void make_name(uint64_t *random, uint32_t depth, uint32_t count, char out[32])
{
    uint32_t labels = next_number(random, depth + 1);
    size_t len = 0;

    for (uint32_t i = 0; i < labels; i++)
        len += (size_t)sprintf(out + len, "%s.", LABELS[next_number(random, count)]);
    strcpy(out + len, "z");
}

static bool is_taken(const struct model *model, const char *apex)
{
    for (size_t i = 0; i < model->count; i++) {
        if (strcmp(model->zones[i].apex, apex) == 0)
            return true;
    }
    return false;
}

/* A zone more, "z" first; others stand inside it or inside one another. */
static void add_zone(uint64_t *random, struct model *model)
{
    struct model_zone zone = {.fallthrough = next_number(random, 3) == 0};
    uint32_t owners = next_number(random, OWNERS_MAX + 1);

    do {
        make_name(random, model->count == 0 ? 0 : 2, LABEL_COUNT - 1, zone.apex);
    } while (is_taken(model, zone.apex));
    for (uint32_t i = 0; i < owners; i++) {
        do {
            make_name(random, 3, LABEL_COUNT, zone.owners[i]);
        } while (!is_in(zone.owners[i], zone.apex));
    }
    model->zones[model->count++] = zone;
}

/* The model as files and configuration. */
static struct zones *load(struct zoned *zoned, const struct model *model)
{
    char yaml[512] = "zones:\n";

    for (size_t i = 0; i < model->count; i++) {
        const struct model_zone *zone = &model->zones[i];
        char file[32];
        char text[512] = "";

        for (size_t j = 0; j < OWNERS_MAX && zone->owners[j][0] != '\0'; j++)
            sprintf(text + strlen(text), "%s. TXT x\n", zone->owners[j]);
        sprintf(file, "%zu", i);
        zoned_write(zoned, file, text);
        sprintf(yaml + strlen(yaml), "- {name: \"%s\", file: \"%zu\", fallthrough: %s}\n",
                zone->apex, i, zone->fallthrough ? "true" : "false");
    }
    return zoned_zones(zoned, yaml);
}

/* What stands for a name, in the model's words. */
static const char *real_find(const struct zones *zones, const char *text, char out[64])
{
    struct config_name rule;
    struct name name;
    uint32_t number;
    char rest[TEXT_NAME_MAX];

    CHECK(text_read_name(&name, text) == ERR_OK);
    if (zones_find(zones, &name, &number) == NULL)
        return NULL;
    if (!zones_node_name(zones, number, &rule.name, &rule.below))
        return "";
    snprintf(out, 64, "%s%s", rule.below ? "*." : "", text_write_name(&rule.name, rest));
    return out;
}

static void check_name(const struct zones *zones, const struct model *model, const char *name)
{
    char real_text[64];
    char model_text[64];
    const char *real = real_find(zones, name, real_text);
    const char *wanted = model_find(model, name, model_text);

    if (real == NULL || wanted == NULL)
        assert_ptr_equal(real, wanted);
    else
        assert_string_equal(real, wanted);
}

/* All names of up to DEPTH_MAX labels in front of `name`. */
static void check_below(const struct zones *zones, const struct model *model, const char *name,
                        size_t depth)
{
    check_name(zones, model, name);
    for (size_t i = 0; i < LABEL_COUNT && depth < DEPTH_MAX; i++) {
        char longer[32];

        snprintf(longer, sizeof(longer), "%s.%s", LABELS[i], name);
        check_below(zones, model, longer, depth + 1);
    }
}

static void every_name_has_what_a_plain_reading_of_rfc_4592_gives(void **state)
{
    uint64_t random = 53;

    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        struct model model = {.count = 0};
        size_t count = 1 + next_number(&random, ZONES_MAX);
        struct zones *zones;

        while (model.count < count)
            add_zone(&random, &model);
        zones = load(*state, &model);
        assert_non_null(zones);
        check_below(zones, &model, "z", 0);
        check_name(zones, &model, "y");
        zones_free(zones);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_name_has_what_a_plain_reading_of_rfc_4592_gives,
                                        zoned_setup, zoned_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
