/* expect: reads an expectations file and finds the line that speaks of a name.
 * Owns: the lines and a hash table over their folded names; names, texts and contents stand in one
 * arena.
 * Thread: made by one, then immutable and read by all. Finding allocates nothing.
 * Bounds: EXPECT_LINES_MAX lines of LINE_OCTETS_MAX octets; a find probes once a label at most.
 * Fails: the first fault ends reading, with its line and reason; out of memory is fatal. */
#include "workload/expect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/arena.h"
#include "local53/base/check.h"
#include "local53/base/hash.h"
#include "local53/base/nearest.h"
#include "local53/dns/text.h"
#include "workload/expect_content.h"

#define LINE_OCTETS_MAX 8191 /* without the end of the line */
#define LINES_START 256      /* room at first, doubled when full */

/* The names are the user's own, in the file as in the questions: nobody floods this table. */
static const struct hash_key TABLE_KEY = {0x646e7362656e6368ULL, 0x6578706563746564ULL};

struct expectation {
    struct expect_content content; /* what the answer must hold */
    const char *text;              /* in the arena; without comment and outer space */
    const uint8_t *wire;           /* in the arena; the folded name, without "*." */
    uint32_t line;                 /* in the file, from 1 */
    uint32_t next;                 /* number + 1 of the next line of this name; 0: none */
    uint16_t type;                 /* or EXPECT_TYPE_EVERY */
    uint8_t wire_len;              /* octets of wire */
    uint8_t labels;                /* of the name, without the root */
    bool below;                    /* of all names below, not of the name itself */
};

/* A place in the hash table. */
struct slot {
    uint32_t tag;   /* upper half of the hash */
    uint32_t first; /* number + 1 of the name's first line; 0: free */
};

struct expectations {
    struct expectation *lines;              /* owned; in the file's order */
    size_t count;                           /* lines in use */
    size_t room;                            /* lines allocated */
    struct slot *slots;                     /* owned; mask + 1 of them, at most half in use */
    size_t mask;                            /* a power of two less one */
    bool below_labels[NAME_MAX_LABELS + 1]; /* a wildcard with so many labels is there */
    struct arena arena;                     /* what the lines point to */
};

/* ---- Finding --------------------------------------------------------------------------------- */

/* Octets of a name that is looked for. */
struct key {
    struct bytes wire; /* folded */
    bool below;        /* lines for names below it */
    uint64_t hash;     /* of both */
};

static struct key key_make(const uint8_t *wire, size_t len, bool below)
{
    return (struct key){{wire, len}, below, hash_bytes(&TABLE_KEY, below, wire, len)};
}

/* The slot of this name, or the free one where it would stand. */
static struct slot *slot_find(const struct expectations *list, const struct key *key)
{
    uint32_t tag = (uint32_t)(key->hash >> 32);

    for (size_t at = key->hash & list->mask;; at = (at + 1) & list->mask) {
        struct slot *slot = &list->slots[at];

        if (slot->first == 0)
            return slot;
        if (slot->tag != tag)
            continue;
        const struct expectation *line = &list->lines[slot->first - 1];
        if (line->below == key->below && line->wire_len == key->wire.len &&
            memcmp(line->wire, key->wire.data, key->wire.len) == 0)
            return slot;
    }
}

/* Among the lines of one name, the one of this type before the one of every type. */
static const struct expectation *find_type(const struct expectations *list, uint32_t first,
                                           uint16_t type)
{
    const struct expectation *every = NULL;

    for (uint32_t at = first; at != 0; at = list->lines[at - 1].next) {
        const struct expectation *line = &list->lines[at - 1];

        if (line->type == type)
            return line;
        if (line->type == EXPECT_TYPE_EVERY)
            every = line;
    }
    return every;
}

static const struct expectation *find_at(const struct expectations *list, struct key key,
                                         uint16_t type)
{
    return find_type(list, slot_find(list, &key)->first, type);
}

const struct expectation *expectations_find(const struct expectations *list,
                                            const struct name *name, uint16_t type)
{
    const struct expectation *found = find_at(list, key_make(name->wire, name->len, false), type);

    /* "*" speaks of the root too, "*.zone" not of zone. */
    for (size_t cut = name->labels > 0 ? 1 : 0; found == NULL && cut <= name->labels; cut++) {
        size_t at = name_label_offset(name, cut);

        if (list->below_labels[name->labels - cut])
            found = find_at(list, key_make(name->wire + at, name->len - at, true), type);
    }
    return found;
}

const struct expectation **expectations_bind(const struct expectations *list,
                                             const struct queryset *set)
{
    size_t count = queryset_count(set);
    const struct expectation **table = calloc(count + 1, sizeof(const struct expectation *));

    CHECK(table != NULL);
    for (size_t i = 0; i < count; i++) {
        struct bytes wire = queryset_name(set, (uint32_t)i);
        struct name name;

        CHECK(name_from_wire(&name, wire.data, wire.len) == ERR_OK);
        table[i] = expectations_find(list, &name, queryset_ref(set, (uint32_t)i).type);
    }
    return table;
}

size_t expectations_count(const struct expectations *list)
{
    return list->count;
}

bool expectations_question(const struct expectations *list, size_t i, struct bytes *wire,
                           uint16_t *type)
{
    const struct expectation *line = &list->lines[i];

    CHECK(i < list->count);
    *wire = (struct bytes){line->wire, line->wire_len};
    *type = line->type;
    return !line->below && line->type != EXPECT_TYPE_EVERY;
}

const char *expectation_text(const struct expectation *expectation)
{
    return expectation->text;
}

unsigned expectation_line(const struct expectation *expectation)
{
    return expectation->line;
}

bool expectation_met(const struct expectation *expectation, struct bytes message, uint16_t type)
{
    return expect_content_met(&expectation->content, message, type);
}

/* ---- Reading a line ---- */

/* Where reading stands. */
struct loader {
    struct expectations *list;      /* filled */
    struct text_fault *fault;       /* borrowed; the caller's */
    unsigned line;                  /* now read, from 1 */
    size_t len;                     /* octets of text */
    char text[LINE_OCTETS_MAX + 1]; /* the line, without its end */
};

/* NAME: "*", "*.zone" or a name. */
static bool read_name(struct loader *loader, struct expectation *out, const char *word)
{
    const char *zone = word;
    struct name name;
    uint8_t *wire;

    out->below = word[0] == '*' && (word[1] == '\0' || word[1] == '.');
    if (out->below)
        zone = word[1] == '\0' ? "." : word + 2;
    /* A star behind a backslash is an octet of its label. */
    for (const char *star = strchr(zone, '*'); star != NULL; star = strchr(star + 1, '*')) {
        if (star == zone || star[-1] != '\\')
            return expect_fail(loader->fault, "'%.60s': '*' stands alone or in front, as '*.zone'",
                               word);
    }
    if (!expect_read_name(&name, zone, loader->fault))
        return false;
    wire = arena_take(&loader->list->arena, name.len);
    memcpy(wire, name.wire, name.len);
    out->wire = wire;
    out->wire_len = name.len;
    out->labels = name.labels;
    return true;
}

static bool read_type(struct loader *loader, struct expectation *out, const char *word)
{
    static const char *const TYPES[] = {"A",   "AAAA",   "CNAME", "MX",  "NS",    "PTR",
                                        "SRV", "TXT",    "SOA",   "CAA", "HTTPS", "SVCB",
                                        "DS",  "DNSKEY", "NAPTR", "ANY"};
    const char *nearest;

    out->type = EXPECT_TYPE_EVERY;
    if (strcmp(word, "*") == 0 || text_read_type(&out->type, word) == ERR_OK)
        return true;
    nearest = nearest_word(word, TYPES, sizeof(TYPES) / sizeof(TYPES[0]));
    if (nearest == NULL)
        return expect_fail(loader->fault, "unknown type '%.40s'", word);
    return expect_fail(loader->fault, "unknown type '%.40s'; did you mean '%s'?", word, nearest);
}

/* Room for one more, zeroed; the list's until the next call. */
static struct expectation *lines_take(struct expectations *list)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? LINES_START : list->room * 2;
        list->lines = realloc(list->lines, list->room * sizeof(*list->lines));
        CHECK(list->lines != NULL);
    }
    struct expectation *line = &list->lines[list->count];
    memset(line, 0, sizeof(*line));
    return line;
}

/* The line in loader->text, which has no comment and no space around. */
static bool read_expectation(struct loader *loader)
{
    struct expectations *list = loader->list;
    struct expectation *out = lines_take(list);
    char *rest = loader->text;
    const char *name;
    const char *type;

    if (list->count == EXPECT_LINES_MAX)
        return expect_fail(loader->fault, "more than %d expectations", EXPECT_LINES_MAX);
    out->text = arena_copy_text(&list->arena, loader->text);
    out->line = loader->line;
    name = expect_next_word(&rest);
    type = expect_next_word(&rest);
    if (type == NULL)
        return expect_fail(loader->fault, "a name alone; want NAME TYPE WHAT");
    if (!read_name(loader, out, name) || !read_type(loader, out, type) ||
        !expect_content_read(&out->content, rest, out->type, &list->arena, loader->fault))
        return false;
    list->count++;
    return true;
}

/* Cuts a comment, which begins a word, and space around. */
static void line_trim(struct loader *loader)
{
    char *text = loader->text;
    size_t start = strspn(text, EXPECT_SPACE);
    size_t end = start;

    for (size_t at = start; text[at] != '\0'; at++) {
        bool is_space = strchr(EXPECT_SPACE, text[at]) != NULL;

        if (text[at] == '#' && (at == start || strchr(EXPECT_SPACE, text[at - 1]) != NULL))
            break;
        end = is_space ? end : at + 1;
    }
    memmove(text, text + start, end - start);
    text[end - start] = '\0';
}

/* ---- Reading a file ---- */

/* The next line into loader->text; false at the end of the file, or where a line is too long, which
 * makes loader->len larger than LINE_OCTETS_MAX. */
static bool next_line(struct loader *loader, FILE *file)
{
    int octet = getc_unlocked(file);

    loader->len = 0;
    if (octet == EOF)
        return false;
    loader->line++;
    for (; octet != EOF && octet != '\n'; octet = getc_unlocked(file)) {
        if (loader->len == LINE_OCTETS_MAX) {
            loader->len++;
            return false;
        }
        loader->text[loader->len++] = (char)octet;
    }
    loader->text[loader->len] = '\0';
    return true;
}

static bool read_lines(struct loader *loader, FILE *file)
{
    while (next_line(loader, file)) {
        if (strlen(loader->text) != loader->len)
            return expect_fail(loader->fault, "an octet of zero in the text");
        line_trim(loader);
        if (loader->text[0] != '\0' && !read_expectation(loader))
            return false;
    }
    if (loader->len > LINE_OCTETS_MAX)
        return expect_fail(loader->fault, "longer than %d octets", LINE_OCTETS_MAX);
    loader->line = 0;
    if (ferror(file) != 0)
        return expect_fail(loader->fault, "%s", strerror(errno));
    return loader->list->count > 0 || expect_fail(loader->fault, "there is no expectation in it");
}

/* Puts line `number` in front of those of its name. */
static bool table_add(struct loader *loader, size_t number)
{
    struct expectations *list = loader->list;
    struct expectation *line = &list->lines[number];
    struct key key = key_make(line->wire, line->wire_len, line->below);
    struct slot *slot = slot_find(list, &key);

    for (uint32_t at = slot->first; at != 0; at = list->lines[at - 1].next) {
        if (list->lines[at - 1].type != line->type)
            continue;
        loader->line = line->line;
        return expect_fail(loader->fault, "the same name and type as in line %u",
                           list->lines[at - 1].line);
    }
    line->next = slot->first;
    slot->tag = (uint32_t)(key.hash >> 32);
    slot->first = (uint32_t)number + 1;
    if (line->below)
        list->below_labels[line->labels] = true;
    return true;
}

static bool table_build(struct loader *loader)
{
    struct expectations *list = loader->list;
    size_t slots = LINES_START;

    while (slots < list->count * 2)
        slots *= 2;
    list->mask = slots - 1;
    list->slots = calloc(slots, sizeof(*list->slots));
    CHECK(list->slots != NULL);
    for (size_t i = 0; i < list->count; i++) {
        if (!table_add(loader, i))
            return false;
    }
    return true;
}

struct expectations *expectations_load(const char *path, struct text_fault *fault)
{
    struct loader loader = {.fault = fault};
    FILE *file = fopen(path, "re");
    bool is_good;

    *fault = (struct text_fault){0};
    if (file == NULL) {
        expect_fail(fault, "%s", strerror(errno));
        return NULL;
    }
    loader.list = calloc(1, sizeof(*loader.list));
    CHECK(loader.list != NULL);
    is_good = read_lines(&loader, file) && table_build(&loader);
    fclose(file);
    if (is_good)
        return loader.list;
    fault->line = loader.line;
    expectations_free(loader.list);
    return NULL;
}

void expectations_free(struct expectations *list)
{
    if (list == NULL)
        return;
    arena_deinit(&list->arena);
    free(list->slots);
    free(list->lines);
    free(list);
}
