/* print: walks the schema over a struct and writes each value in its one normalised form.
 * Owns: the growing text, until it is handed over. Thread: any; no state.
 * Bounds: the configuration's own. Fails: never; out of memory is fatal. */
#include "local53/config/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/config/host.h"
#include "local53/config/value.h"

/* Blanks one level is indented by; "- " of a list is as wide. */
#define INDENT 2

/* A place in the walk: a row, and the struct its slot counts from. */
struct spot {
    const struct schema_row *row; /* NULL for the file itself */
    const char *base;             /* what the row's slot counts from */
};

static const void *pointer_at(const struct spot *spot)
{
    const void *pointer;

    memcpy(&pointer, spot->base + spot->row->slot.value, sizeof(pointer));
    return pointer;
}

static size_t count_at(const struct spot *spot)
{
    size_t count;

    memcpy(&count, spot->base + spot->row->slot.also, sizeof(count));
    return count;
}

static bool flag_at(const char *at)
{
    bool flag;

    memcpy(&flag, at, sizeof(flag));
    return flag;
}

static uint64_t number_at(const struct spot *spot)
{
    const char *at = spot->base + spot->row->slot.value;
    uint16_t two = 0;
    uint32_t four = 0;
    uint64_t eight = 0;

    memcpy(spot->row->slot.size == sizeof(two)    ? (void *)&two
           : spot->row->slot.size == sizeof(four) ? (void *)&four
                                                  : &eight,
           at, spot->row->slot.size);
    return two + four + eight;
}

/* ---- Which keys are written -------------------------------------------------------------------- */

static bool is_set(const struct spot *spot);

static bool has_set_key(const struct spot *map)
{
    size_t total = 0;
    const struct schema_row *rows = schema_rows(&total);

    for (size_t i = 0; i < total; i++) {
        if (schema_is_inside(&rows[i], map->row) && is_set(&(struct spot){&rows[i], map->base}))
            return true;
    }
    return false;
}

static bool is_set(const struct spot *spot)
{
    switch (spot->row->type) {
    case SCHEMA_MAP: return has_set_key(spot);
    case SCHEMA_TEXT:
    case SCHEMA_PATH: return pointer_at(spot) != NULL;
    case SCHEMA_REGION:
        return pointer_at(spot) != NULL || (spot->row->slot.also != SCHEMA_NOWHERE &&
                                            flag_at(spot->base + spot->row->slot.also));
    case SCHEMA_ALIAS_MAP: return count_at(spot) > 0;
    case SCHEMA_MAP_LIST:
    case SCHEMA_LISTEN_LIST:
    case SCHEMA_HTTP_LIST:
    case SCHEMA_HOST_LIST:
    case SCHEMA_NAME_LIST:
    case SCHEMA_SERVER_LIST: return count_at(spot) > 0 || spot->row->min == 0;
    default: return true;
    }
}

/* ---- Scalars ----------------------------------------------------------------------------------- */

/* In quotes unless it is surely plain text everywhere in YAML. */
static void print_text(FILE *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
    bool bare = strspn(text, plain) == strlen(text) && text[0] != '-' && text[0] != '.' &&
                strcmp(text, "null") != 0 && strcmp(text, "Null") != 0 && strcmp(text, "NULL") != 0;

    if (bare) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void print_region(FILE *out, const struct spot *spot)
{
    const struct schema_slot *slot = &spot->row->slot;
    bool is_word = slot->also != SCHEMA_NOWHERE && flag_at(spot->base + slot->also);

    print_text(out, is_word ? spot->row->words : pointer_at(spot));
}

static void print_integer(FILE *out, const struct spot *spot)
{
    uint64_t number = number_at(spot);

    if (number == 0 && spot->row->words != NULL)
        fputs(spot->row->words, out);
    else
        fprintf(out, "%llu", (unsigned long long)number);
}

static void print_zone(FILE *out, const char *at)
{
    struct config_name name = {.below = false};
    char text[VALUE_TEXT_MAX];

    memcpy(&name.name, at, sizeof(name.name));
    print_text(out, host_write_name(&name, text));
}

static void print_scalar(FILE *out, const struct spot *spot)
{
    char text[VALUE_TEXT_MAX];
    const char *at = spot->base + spot->row->slot.value;

    switch (spot->row->type) {
    case SCHEMA_BOOL: fputs(flag_at(at) ? "true" : "false", out); break;
    case SCHEMA_INTEGER: print_integer(out, spot); break;
    case SCHEMA_DURATION: print_text(out, value_write_duration(number_at(spot), text)); break;
    case SCHEMA_SIZE: print_text(out, value_write_size(number_at(spot), text)); break;
    case SCHEMA_WORD: print_text(out, value_write_word(number_at(spot), spot->row, text)); break;
    case SCHEMA_NAME: print_zone(out, at); break;
    case SCHEMA_REGION: print_region(out, spot); break;
    default: print_text(out, pointer_at(spot)); break;
    }
}

/* ---- Lists and maps ---------------------------------------------------------------------------- */

static void print_item(FILE *out, const struct spot *spot, size_t i)
{
    char text[VALUE_TEXT_MAX];
    const void *items = pointer_at(spot);

    switch (spot->row->type) {
    case SCHEMA_NAME_LIST: host_write_name((const struct config_name *)items + i, text); break;
    case SCHEMA_SERVER_LIST:
        host_write_server((const struct config_server *)items + i, text);
        break;
    default: addr_format((const struct addr *)items + i, text); break;
    }
    print_text(out, text);
}

static void print_list(FILE *out, const struct spot *spot, int indent)
{
    size_t count = count_at(spot);

    fputs(count == 0 ? " []\n" : "\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%*s- ", indent + INDENT, "");
        print_item(out, spot, i);
        fputc('\n', out);
    }
}

static void print_aliases(FILE *out, const struct spot *spot, int indent)
{
    const struct config_alias *aliases = pointer_at(spot);
    char text[VALUE_TEXT_MAX];

    fputc('\n', out);
    for (size_t i = 0; i < count_at(spot); i++) {
        fprintf(out, "%*s", indent + INDENT, "");
        print_text(out, host_write_name(&aliases[i].name, text));
        fputs(": [", out);
        for (size_t j = 0; j < aliases[i].target_count; j++) {
            fputs(j > 0 ? ", " : "", out);
            print_text(out, host_write_name(&aliases[i].targets[j], text));
        }
        fputs("]\n", out);
    }
}

static void print_map(FILE *out, const struct spot *map, int indent, bool after_dash);

static void print_map_list(FILE *out, const struct spot *spot, int indent)
{
    size_t count = count_at(spot);
    const char *items = pointer_at(spot);

    fputs(count == 0 ? " []\n" : "\n", out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%*s- ", indent + INDENT, "");
        print_map(out, &(struct spot){spot->row, items + i * spot->row->slot.size},
                  indent + 2 * INDENT, true);
    }
}

/* Where the key stands the line is already indented; what is below it is indented from there. */
static void print_key(FILE *out, const struct spot *spot, int indent)
{
    fprintf(out, "%s:", schema_key(spot->row));
    if (spot->row->type == SCHEMA_MAP) {
        fputc('\n', out);
        print_map(out, spot, indent + INDENT, false);
    } else if (spot->row->type == SCHEMA_MAP_LIST) {
        print_map_list(out, spot, indent);
    } else if (spot->row->type == SCHEMA_ALIAS_MAP) {
        print_aliases(out, spot, indent);
    } else if (spot->row->type >= SCHEMA_LISTEN_LIST) {
        print_list(out, spot, indent);
    } else {
        fputc(' ', out);
        print_scalar(out, spot);
        fputc('\n', out);
    }
}

/* The keys of a map that are set; behind the dash of a list the first one is already indented. */
static void print_map(FILE *out, const struct spot *map, int indent, bool after_dash)
{
    size_t total = 0;
    const struct schema_row *rows = schema_rows(&total);

    for (size_t i = 0; i < total; i++) {
        struct spot spot = {&rows[i], map->base};

        if (schema_is_inside(&rows[i], map->row) && is_set(&spot)) {
            fprintf(out, "%*s", after_dash ? 0 : indent, "");
            after_dash = false;
            print_key(out, &spot, indent);
        }
    }
}

/* ---- Whole texts ------------------------------------------------------------------------------- */

static char *print_spot(const struct spot *spot)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    CHECK(out != NULL);
    if (spot->row == NULL)
        print_map(out, spot, 0, false);
    else if (is_set(spot))
        print_key(out, spot, 0);
    CHECK(fclose(out) == 0);
    return text;
}

char *print_config(const struct config *config)
{
    return print_spot(&(struct spot){NULL, (const char *)config});
}

char *print_row(const struct config *config, const struct schema_row *row)
{
    return print_spot(&(struct spot){row, (const char *)config});
}
