/* fill: one walk over the YAML tree and the schema together; every check of a single value is here.
 * Owns: the path of the key it is at. Thread: the one that loads; no state between calls.
 * Bounds: those of the rows and of the tree; PATH_MAX_OCTETS of path in a message.
 * Fails: errors in the report, each with the key's path and what would be right. */
#include "local53/config/fill.h"

#include <stdio.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/nearest.h"
#include "local53/config/host.h"
#include "local53/config/value.h"

/* Longest path shown in a message; longer ones are cut. */
#define PATH_MAX_OCTETS 160

/* Keys a map of the schema has at most, and room to list them. */
#define KEYS_MAX 16
#define KEYS_TEXT_MAX 256

#define DNS_PORT 53
#define METRICS_PORT 9453

struct filler {
    struct arena *arena;        /* borrowed; values */
    struct report *report;      /* borrowed; NULL while a default is read: it is right */
    char path[PATH_MAX_OCTETS]; /* of the key being read: "endpoints[2].service" */
};

/* A place in the walk: a row, where its values go, and the node to read. */
struct spot {
    const struct schema_row *row; /* NULL for the file itself */
    const struct yaml_node *node; /* NULL when the key is not written */
    char *base;                   /* the struct that the row's slot counts from */
};

/* What a value of each type must be, in the order of enum schema_type. */
static const char *const WANTED[] = {
    "a mapping of keys",
    "a list of mappings (\"- key: value\")",
    "true or false",
    "a number",
    "a duration such as 30s",
    "a size such as 32MiB",
    "a word",
    "text",
    "a path",
    "a region such as eu-west-1",
    "a domain name",
    "a mapping of names (\"name: target\")",
    "an address or a list of addresses",
    "an address or a list of addresses",
    "an address or a list of addresses",
    "a domain name or a list of names",
    "a server or a list of servers",
};

static void refuse(struct filler *f, struct config_mark mark, const char *text)
{
    CHECK(f->report != NULL);
    report_add(f->report, REPORT_ERROR, mark, "%s: %s", f->path, text);
}

/* Adds a key to the path and gives the length to cut it back to. */
static size_t enter_key(struct filler *f, const char *key)
{
    size_t len = strlen(f->path);

    snprintf(f->path + len, sizeof(f->path) - len, "%s%.64s", len > 0 ? "." : "", key);
    return len;
}

static size_t enter_item(struct filler *f, size_t i)
{
    size_t len = strlen(f->path);

    snprintf(f->path + len, sizeof(f->path) - len, "[%zu]", i);
    return len;
}

static void leave(struct filler *f, size_t len)
{
    f->path[len] = '\0';
}

/* Places in a default are nowhere in the file. */
static struct config_mark place_of(const struct filler *f, const struct yaml_node *node)
{
    return f->report != NULL ? node->mark : (struct config_mark){0, 0};
}

/* ---- Types ------------------------------------------------------------------------------------- */

/* A plain scalar that YAML takes for null. */
static bool is_nothing(const struct yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

    for (size_t i = 0; node->kind == YAML_SCALAR && !node->quoted && i < 5; i++) {
        if (strcmp(node->text, nulls[i]) == 0)
            return true;
    }
    return false;
}

static void refuse_type(struct filler *f, const struct schema_row *row,
                        const struct yaml_node *node)
{
    char text[256];
    const char *found = node->kind == YAML_MAP    ? "a mapping"
                        : node->kind == YAML_LIST ? "a list"
                                                  : "a single value";

    if (is_nothing(node))
        snprintf(text, sizeof(text), "wants %s, found nothing; write a value or take the key out",
                 WANTED[row->type]);
    else if (node->kind == YAML_SCALAR)
        snprintf(text, sizeof(text), "wants %s, found \"%.80s\"%s", WANTED[row->type], node->text,
                 node->quoted ? " in quotes; write it without" : "");
    else
        snprintf(text, sizeof(text), "wants %s, found %s", WANTED[row->type], found);
    refuse(f, node->mark, text);
}

static bool check_scalar(struct filler *f, const struct schema_row *row,
                         const struct yaml_node *node)
{
    bool bare = row->type == SCHEMA_BOOL || row->type == SCHEMA_INTEGER;

    if (node->kind == YAML_SCALAR && !is_nothing(node) && !(bare && node->quoted))
        return true;
    refuse_type(f, row, node);
    return false;
}

/* ---- One value --------------------------------------------------------------------------------- */

static void store_number(char *at, uint16_t size, uint64_t number)
{
    uint16_t two = (uint16_t)number;
    uint32_t four = (uint32_t)number;

    CHECK(size == sizeof(two) || size == sizeof(four) || size == sizeof(number));
    memcpy(at,
           size == sizeof(two)    ? (void *)&two
           : size == sizeof(four) ? (void *)&four
                                  : &number,
           size);
}

/* A region stays NULL for "auto": its flag tells. */
static void store_text(struct filler *f, const struct schema_row *row, const char *text, char *base)
{
    bool is_word =
        row->type == SCHEMA_REGION && row->words != NULL && strcmp(text, row->words) == 0;
    const char *copy = is_word ? NULL : arena_copy_text(f->arena, text);

    memcpy(base + row->slot.value, &copy, sizeof(copy));
    if (is_word)
        memcpy(base + row->slot.also, &is_word, sizeof(is_word));
}

static bool read_number(const struct schema_row *row, const char *text, char *at,
                        struct value_fault *fault)
{
    uint64_t number = 0;
    bool good;

    switch (row->type) {
    case SCHEMA_INTEGER: good = value_read_integer(&number, text, row, fault); break;
    case SCHEMA_DURATION: good = value_read_duration(&number, text, row, fault); break;
    case SCHEMA_SIZE: good = value_read_size(&number, text, row, fault); break;
    default: good = value_read_word(&number, text, row, fault); break;
    }
    if (good)
        store_number(at, row->slot.size, number);
    return good;
}

static bool read_scalar(struct filler *f, const struct spot *spot, struct value_fault *fault)
{
    const struct schema_row *row = spot->row;
    const char *text = spot->node->text;
    char *at = spot->base + row->slot.value;

    switch (row->type) {
    case SCHEMA_BOOL: return value_read_bool((bool *)(void *)at, text, fault);
    case SCHEMA_NAME: return host_read_zone((struct name *)(void *)at, text, fault);
    case SCHEMA_TEXT:
    case SCHEMA_PATH:
    case SCHEMA_REGION:
        if (!value_check_text(text, row, fault))
            return false;
        store_text(f, row, text, spot->base);
        return true;
    default: return read_number(row, text, at, fault);
    }
}

static void refuse_value(struct filler *f, const struct yaml_node *node,
                         const struct value_fault *fault)
{
    refuse(f, node->mark, fault->text);
}

static void fill_scalar(struct filler *f, const struct spot *spot)
{
    struct value_fault fault;

    if (check_scalar(f, spot->row, spot->node) && !read_scalar(f, spot, &fault))
        refuse_value(f, spot->node, &fault);
}

/* ---- Lists of values --------------------------------------------------------------------------- */

static size_t item_size(enum schema_type type)
{
    return type == SCHEMA_NAME_LIST     ? sizeof(struct config_name)
           : type == SCHEMA_SERVER_LIST ? sizeof(struct config_server)
                                        : sizeof(struct addr);
}

static bool read_listen(struct addr *out, const char *text, struct value_fault *fault)
{
    if (!host_read_address(out, text, DNS_PORT, fault))
        return false;
    return !addr_is_any(out) ||
           value_refuse(fault,
                        "\"%.80s\" is every address of the node, systemd-resolved's included; list "
                        "the addresses to answer on",
                        text);
}

static bool read_item(struct filler *f, const struct schema_row *row, const struct yaml_node *node,
                      void *item, struct value_fault *fault)
{
    switch (row->type) {
    case SCHEMA_LISTEN_LIST: return read_listen(item, node->text, fault);
    case SCHEMA_HTTP_LIST: return host_read_address(item, node->text, METRICS_PORT, fault);
    case SCHEMA_HOST_LIST: return host_read_bare_address(item, node->text, fault);
    case SCHEMA_NAME_LIST:
        ((struct config_name *)item)->mark = place_of(f, node);
        return host_read_name(item, node->text, fault);
    default:
        ((struct config_server *)item)->mark = place_of(f, node);
        return host_read_server(item, node->text, f->arena, fault);
    }
}

static bool same_server(const struct config_server *a, const struct config_server *b)
{
    if (a->kind != b->kind || a->port != b->port)
        return false;
    return a->kind == CONFIG_SERVER_ADDRESS ? addr_equal(&a->addr, &b->addr)
                                            : strcmp(a->text, b->text) == 0;
}

static bool same_item(enum schema_type type, const void *a, const void *b)
{
    const struct config_name *name = a;
    const struct config_name *other = b;

    if (type == SCHEMA_SERVER_LIST)
        return same_server(a, b);
    return type == SCHEMA_NAME_LIST
               ? name->below == other->below && name_equal(&name->name, &other->name)
               : addr_equal(a, b);
}

/* Reads item number count of the list; true when it is good and not there already. */
static bool fill_item(struct filler *f, const struct schema_row *row, const struct yaml_node *node,
                      char *items, size_t count)
{
    size_t size = item_size(row->type);
    struct value_fault fault;

    if (!check_scalar(f, row, node))
        return false;
    if (!read_item(f, row, node, items + count * size, &fault)) {
        refuse_value(f, node, &fault);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (same_item(row->type, items + i * size, items + count * size)) {
            value_refuse(&fault, "\"%.80s\" stands in the list a second time", node->text);
            refuse_value(f, node, &fault);
            return false;
        }
    }
    return true;
}

static size_t count_items(const struct yaml_node *first)
{
    size_t count = 0;

    for (; first != NULL; first = first->next)
        count++;
    return count;
}

/* A list's length against the row's range; the error is told. */
static bool check_count(struct filler *f, const struct spot *spot, size_t count)
{
    struct value_fault fault;

    if (count > spot->row->max)
        value_refuse(&fault, "has %zu items; at most %llu are allowed", count,
                     (unsigned long long)spot->row->max);
    else if (count < spot->row->min)
        value_refuse(&fault, "is an empty list; write at least one item%s",
                     spot->row->fallback != NULL ? " or take the key out" : "");
    else
        return true;
    refuse_value(f, spot->node, &fault);
    return false;
}

static void store_list(const struct spot *spot, const void *items, size_t count)
{
    memcpy(spot->base + spot->row->slot.value, &items, sizeof(items));
    memcpy(spot->base + spot->row->slot.also, &count, sizeof(count));
}

static void fill_list(struct filler *f, const struct spot *spot)
{
    const struct yaml_node *node = spot->node;
    bool alone = node->kind == YAML_SCALAR;
    size_t total = alone ? 1 : count_items(node->first);
    size_t count = 0;
    char *items;

    if (node->kind == YAML_MAP || is_nothing(node)) {
        refuse_type(f, spot->row, node);
        return;
    }
    if (!check_count(f, spot, total))
        return;
    items = arena_take(f->arena, total * item_size(spot->row->type));
    for (const struct yaml_node *item = alone ? node : node->first; item != NULL;
         item = alone ? NULL : item->next)
        count += fill_item(f, spot->row, item, items, count) ? 1 : 0;
    store_list(spot, items, count);
}

/* ---- Aliases ----------------------------------------------------------------------------------- */

static bool has_alias(const struct config_alias *aliases, size_t count,
                      const struct config_name *name)
{
    for (size_t i = 0; i < count; i++) {
        if (same_item(SCHEMA_NAME_LIST, &aliases[i].name, name))
            return true;
    }
    return false;
}

/* The name of an alias, which is the key. */
static bool read_alias_name(struct filler *f, const struct yaml_node *node,
                            struct config_alias *aliases, size_t count)
{
    struct config_name *name = &aliases[count].name;
    struct value_fault fault;
    bool good = host_read_name(name, node->key, &fault);

    name->mark = f->report != NULL ? node->key_mark : (struct config_mark){0, 0};
    if (good && has_alias(aliases, count, name))
        good = value_refuse(&fault, "\"%.80s\" stands among the aliases a second time", node->key);
    if (!good)
        refuse(f, node->key_mark, fault.text);
    return good;
}

static void fill_aliases(struct filler *f, const struct spot *spot)
{
    static const struct schema_row targets = {
        .path = "target",
        .type = SCHEMA_NAME_LIST,
        .min = 1,
        .max = 16,
        .slot = {offsetof(struct config_alias, targets), sizeof(struct config_name *),
                 offsetof(struct config_alias, target_count), SCHEMA_NOWHERE}};
    size_t total = count_items(spot->node->first);
    struct config_alias *aliases;
    size_t count = 0;

    if (spot->node->kind != YAML_MAP) {
        refuse_type(f, spot->row, spot->node);
        return;
    }
    if (!check_count(f, spot, total))
        return;
    aliases = arena_take(f->arena, total * sizeof(*aliases));
    for (const struct yaml_node *node = spot->node->first; node != NULL; node = node->next) {
        size_t len = enter_key(f, node->key);

        if (read_alias_name(f, node, aliases, count)) {
            fill_list(f, &(struct spot){&targets, node, (char *)&aliases[count]});
            count++;
        }
        leave(f, len);
    }
    store_list(spot, aliases, count);
}

/* ---- Maps -------------------------------------------------------------------------------------- */

static void fill_map(struct filler *f, const struct spot *spot);

static void fill_map_list(struct filler *f, const struct spot *spot)
{
    const struct schema_row *row = spot->row;
    size_t total = count_items(spot->node->first);
    size_t i = 0;
    char *items;

    if (spot->node->kind != YAML_LIST) {
        refuse_type(f, row, spot->node);
        return;
    }
    if (!check_count(f, spot, total))
        return;
    items = arena_take(f->arena, total * row->slot.size);
    for (const struct yaml_node *item = spot->node->first; item != NULL; item = item->next, i++) {
        char *base = items + i * row->slot.size;
        struct config_mark mark = place_of(f, item);
        size_t len = enter_item(f, i);

        memcpy(base + row->slot.mark, &mark, sizeof(mark));
        fill_map(f, &(struct spot){row, item, base});
        leave(f, len);
    }
    store_list(spot, items, total);
}

static void refuse_key(struct filler *f, const struct schema_row *parent,
                       const struct yaml_node *node)
{
    const char *keys[KEYS_MAX];
    size_t count = schema_keys(parent, keys, KEYS_MAX);
    const char *elsewhere = schema_path_of_key(node->key);
    const char *nearest = nearest_word(node->key, keys, count);
    char list[KEYS_TEXT_MAX] = "";
    char text[KEYS_TEXT_MAX + 64];
    size_t len = enter_key(f, node->key);

    if (elsewhere != NULL) {
        snprintf(text, sizeof(text), "unknown key here; did you mean %s?", elsewhere);
    } else if (nearest != NULL) {
        snprintf(text, sizeof(text), "unknown key; did you mean \"%s\"?", nearest);
    } else {
        for (size_t i = 0, used = 0; i < count; i++, used = strlen(list))
            snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", keys[i]);
        snprintf(text, sizeof(text), "unknown key; keys here: %s", list);
    }
    refuse(f, node->key_mark, text);
    leave(f, len);
}

static const struct yaml_node *child_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = map != NULL ? map->first : NULL;

    while (node != NULL && strcmp(node->key, key) != 0)
        node = node->next;
    return node;
}

static void check_keys(struct filler *f, const struct schema_row *parent,
                       const struct yaml_node *map)
{
    const char *keys[KEYS_MAX];
    size_t count = schema_keys(parent, keys, KEYS_MAX);

    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        size_t i = 0;

        while (i < count && strcmp(keys[i], node->key) != 0)
            i++;
        if (i == count)
            refuse_key(f, parent, node);
    }
}

static void fill_written(struct filler *f, const struct spot *spot)
{
    if (spot->row->slot.mark != SCHEMA_NOWHERE && spot->row->type != SCHEMA_MAP_LIST) {
        struct config_mark mark = place_of(f, spot->node);

        memcpy(spot->base + spot->row->slot.mark, &mark, sizeof(mark));
    }
    if (spot->row->type == SCHEMA_MAP)
        fill_map(f, spot);
    else if (spot->row->type == SCHEMA_MAP_LIST)
        fill_map_list(f, spot);
    else if (spot->row->type == SCHEMA_ALIAS_MAP)
        fill_aliases(f, spot);
    else if (spot->row->type >= SCHEMA_LISTEN_LIST)
        fill_list(f, spot);
    else
        fill_scalar(f, spot);
}

/* One key of a map: what is written, or its default. */
static void fill_key(struct filler *f, const struct spot *spot, struct config_mark map_mark)
{
    const struct schema_row *row = spot->row;
    size_t len = enter_key(f, schema_key(row));

    if (spot->node != NULL) {
        fill_written(f, spot);
    } else if (row->type == SCHEMA_MAP) {
        fill_map(f, spot);
    } else if (row->fallback == NULL) {
        char text[KEYS_TEXT_MAX];

        snprintf(text, sizeof(text), "the key is missing. %s", row->help);
        refuse(f, map_mark, text);
    } else if (row->fallback[0] != '\0') {
        fill_default(spot->base, row, f->arena);
    }
    leave(f, len);
}

/* The keys of a map; node may be NULL for a map that is not written: its defaults. */
static void fill_map(struct filler *f, const struct spot *spot)
{
    const struct yaml_node *map = spot->node;
    size_t total = 0;
    const struct schema_row *rows = schema_rows(&total);

    if (map != NULL && map->kind != YAML_MAP) {
        refuse_type(f, spot->row != NULL ? spot->row : rows, map);
        return;
    }
    if (map != NULL)
        check_keys(f, spot->row, map);
    for (size_t i = 0; i < total; i++) {
        if (schema_is_inside(&rows[i], spot->row)) {
            const struct yaml_node *node = child_of(map, schema_key(&rows[i]));

            fill_key(f, &(struct spot){&rows[i], node, spot->base},
                     map != NULL ? map->mark : (struct config_mark){0, 0});
        }
    }
}

void fill_default(void *base, const struct schema_row *row, struct arena *arena)
{
    struct filler f = {.arena = arena};
    struct yaml_node scalar = {.kind = YAML_SCALAR, .text = row->fallback};
    const struct yaml_node *node = &scalar;
    struct report report = {0};

    if (row->type == SCHEMA_MAP_LIST || row->type >= SCHEMA_LISTEN_LIST)
        node = yaml_parse(arena, row->fallback, strlen(row->fallback), &report);
    CHECK(node != NULL);
    enter_key(&f, row->path);
    fill_written(&f, &(struct spot){row, node, base});
    report_deinit(&report);
}

void fill_config(struct config *config, const struct yaml_node *root, struct report *report)
{
    struct filler f = {.arena = &config->arena, .report = report};
    static const struct schema_row whole = {.path = "the file", .type = SCHEMA_MAP};

    if (root->kind != YAML_MAP) {
        snprintf(f.path, sizeof(f.path), "%s", whole.path);
        refuse_type(&f, &whole, root);
        return;
    }
    fill_map(&f, &(struct spot){NULL, root, (char *)config});
}
