/* yaml: builds the tree from libyaml's events and says in plain words what is not taken.
 * Owns: the parser, during a call; nodes live in the caller's arena. Thread: any; no state.
 * Bounds: YAML_TEXT_MAX, YAML_NODES_MAX, YAML_KEYS_MAX, YAML_DEPTH_MAX.
 * Fails: NULL and one error in the report; the first one, since what follows it is guesswork. */
#include "local53/config/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"

/* A list or map whose end has not come yet. */
struct open_node {
    struct yaml_node *node;   /* the list or map */
    struct yaml_node **tail;  /* where its next child is linked */
    const char *key;          /* map: the key read last, waiting for its value; else NULL */
    struct config_mark place; /* where that key stands */
    size_t children;          /* children so far; a map's waiting key is one */
};

struct builder {
    struct arena *arena;                    /* borrowed; nodes and texts */
    struct report *report;                  /* borrowed; gets the error */
    const char *text;                       /* borrowed; the document */
    size_t len;                             /* octets of text */
    struct open_node stack[YAML_DEPTH_MAX]; /* open nodes, outermost first */
    size_t depth;                           /* how many are open */
    struct yaml_node *root;                 /* the document; NULL until its first node */
    size_t nodes;                           /* nodes and keys so far */
    unsigned documents;                     /* documents begun */
};

/* Longest path of a key shown in a message. */
#define PATH_MAX_OCTETS 160

/* Adds the error and gives false, which stops the parse. */
#define REFUSE(b, mark, ...) (report_add((b)->report, REPORT_ERROR, (mark), __VA_ARGS__), false)

static struct config_mark mark_of(const yaml_mark_t *mark)
{
    return (struct config_mark){(unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

/* The octets of a line counted from 1; empty when there is no such line. */
static struct bytes line_at(const struct builder *b, unsigned line)
{
    const char *at = b->text;
    const char *end = b->text + b->len;
    const char *stop;

    for (; line > 1 && at < end; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : end;
    }
    stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : end;
    return (struct bytes){(const uint8_t *)at, (size_t)((stop != NULL ? stop : end) - at)};
}

static bool is_indented_with_tab(const struct builder *b, unsigned line)
{
    struct bytes octets = line_at(b, line);
    size_t at = 0;

    while (at < octets.len && octets.data[at] == ' ')
        at++;
    return at < octets.len && octets.data[at] == '\t';
}

/* What libyaml complains of, and what its author most likely meant. */
static const struct {
    const char *context; /* libyaml's context, or NULL for any */
    const char *problem; /* libyaml's problem */
    const char *advice;  /* in our words */
    bool at_context;     /* the mistake is where the context began, not where libyaml gave up */
} ADVICE[] = {
    {"while scanning an alias", "did not find expected alphabetic or numeric character",
     "a name that begins with * stands in quotes: \"*.example.com\"", false},
    {NULL, "found character that cannot start any token",
     "a value that begins with @, %, ` or a tab stands in quotes", false},
    {NULL, "mapping values are not allowed in this context",
     "a key's colon where none can stand: the key is indented too far, or the value before needs "
     "quotes",
     false},
    {NULL, "did not find expected key",
     "the line is indented differently from its neighbours, or a quote or bracket is too many",
     false},
    {NULL, "did not find expected '-' indicator",
     "items of a list all begin with \"- \" in the same column", false},
    {NULL, "could not find expected ':'", "a key is followed by a colon and a blank", true},
    {NULL, "found unexpected end of stream", "a quote is opened and not closed", true},
    {NULL, "did not find expected ',' or ']'",
     "a list in brackets has commas between items and a closing ]; an address in brackets stands "
     "in quotes: \"[::1]:53\"",
     false},
    {NULL, "did not find expected ',' or '}'",
     "a mapping in braces has commas between keys and a closing }", false},
    {NULL, "did not find expected node content",
     "a comma or bracket where a value is wanted; an address that begins with a colon stands in "
     "quotes: \"::1\"",
     false},
    {NULL, "control characters are not allowed", "there is a control character in the file", false},
};
#define ADVICE_COUNT (sizeof(ADVICE) / sizeof(ADVICE[0]))

/* The index into ADVICE, or ADVICE_COUNT. */
static size_t advice_for(const yaml_parser_t *parser)
{
    size_t i = 0;

    for (; i < ADVICE_COUNT; i++) {
        bool context = ADVICE[i].context == NULL ||
                       (parser->context != NULL && strcmp(parser->context, ADVICE[i].context) == 0);

        if (context && strcmp(parser->problem, ADVICE[i].problem) == 0)
            break;
    }
    return i;
}

/* Place of an octet that is no UTF-8: the reader knows only its offset. */
static struct config_mark mark_of_offset(const struct builder *b, size_t offset)
{
    struct config_mark mark = {1, 1};

    for (size_t i = 0; i < offset && i < b->len; i++) {
        mark.column++;
        if (b->text[i] == '\n')
            mark = (struct config_mark){mark.line + 1, 1};
    }
    return mark;
}

static bool refuse_syntax(struct builder *b, const yaml_parser_t *parser)
{
    struct config_mark mark = mark_of(&parser->problem_mark);
    size_t advice;

    CHECK(parser->error != YAML_MEMORY_ERROR);
    if (parser->problem == NULL)
        return REFUSE(b, mark, "not YAML");
    if (parser->error == YAML_READER_ERROR)
        return REFUSE(b, mark_of_offset(b, parser->problem_offset),
                      "not YAML: %s; the file must be UTF-8 text", parser->problem);
    if (is_indented_with_tab(b, mark.line))
        return REFUSE(b, mark, "the line is indented with a tab; indent with blanks");
    advice = advice_for(parser);
    if (advice == ADVICE_COUNT)
        return REFUSE(b, mark, "not YAML: %s", parser->problem);
    if (ADVICE[advice].at_context)
        mark = mark_of(&parser->context_mark);
    return REFUSE(b, mark, "%s (%s)", ADVICE[advice].advice, parser->problem);
}

static bool count_node(struct builder *b, struct config_mark mark)
{
    b->nodes++;
    return b->nodes <= YAML_NODES_MAX ||
           REFUSE(b, mark, "more than %d values in the file", YAML_NODES_MAX);
}

/* Hangs a node into the open list or map, or makes it the document. */
static bool attach(struct builder *b, struct yaml_node *node)
{
    struct open_node *top = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;

    if (!count_node(b, node->mark))
        return false;
    if (top == NULL) {
        b->root = node;
        return true;
    }
    top->children += top->key == NULL ? 1 : 0;
    node->key = top->key;
    node->key_mark = top->place;
    top->key = NULL;
    *top->tail = node;
    top->tail = &node->next;
    return true;
}

static bool open_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = ARENA_NEW(b->arena, struct yaml_node, 1);

    node->kind = kind;
    node->mark = mark_of(&event->start_mark);
    if (b->depth > 0 && b->stack[b->depth - 1].node->kind == YAML_MAP &&
        b->stack[b->depth - 1].key == NULL)
        return REFUSE(
            b, node->mark,
            "a key must be a word, not a list or a mapping; an address in brackets stands in "
            "quotes: \"[::1]:53\"");
    if (b->depth == YAML_DEPTH_MAX)
        return REFUSE(b, node->mark, "nested more than %d deep", YAML_DEPTH_MAX);
    if (!attach(b, node))
        return false;
    b->stack[b->depth++] = (struct open_node){.node = node, .tail = &node->first};
    return true;
}

/* libyaml tells as many ends as beginnings. */
static bool close_node(struct builder *b)
{
    CHECK(b->depth > 0);
    b->depth--;
    return true;
}

/* The path of a key in the innermost open map: "endpoints[2].target". */
static void write_path(const struct builder *b, const char *key, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 1; i < b->depth && used < PATH_MAX_OCTETS; i++) {
        const struct yaml_node *node = b->stack[i].node;

        if (node->key != NULL)
            snprintf(out + used, PATH_MAX_OCTETS - used, "%s%.64s", used > 0 ? "." : "", node->key);
        else
            snprintf(out + used, PATH_MAX_OCTETS - used, "[%zu]", b->stack[i - 1].children - 1);
        used = strlen(out);
    }
    snprintf(out + used, PATH_MAX_OCTETS - used, "%s%.64s", used > 0 ? "." : "", key);
}

/* The next scalar of a map without a waiting key is a key. */
static bool take_key(struct builder *b, struct open_node *map, const char *key,
                     struct config_mark mark)
{
    char path[PATH_MAX_OCTETS];

    write_path(b, key, path);
    for (const struct yaml_node *other = map->node->first; other != NULL; other = other->next) {
        if (strcmp(other->key, key) == 0)
            return REFUSE(b, mark, "%s: the key stands here a second time, first in line %u", path,
                          other->key_mark.line);
    }
    map->children++;
    if (map->children > YAML_KEYS_MAX)
        return REFUSE(b, mark, "more than %d keys in one mapping", YAML_KEYS_MAX);
    map->key = key;
    map->place = mark;
    return count_node(b, mark);
}

static bool take_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    struct config_mark mark = mark_of(&event->start_mark);
    struct open_node *top = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
    struct yaml_node *node;
    const char *text;

    if (memchr(value, '\0', len) != NULL)
        return REFUSE(b, mark, "a zero octet in a value");
    text = arena_copy_text_len(b->arena, value, len);
    if (top != NULL && top->node->kind == YAML_MAP && top->key == NULL)
        return take_key(b, top, text, mark);
    node = ARENA_NEW(b->arena, struct yaml_node, 1);
    node->kind = YAML_SCALAR;
    node->mark = mark;
    node->text = text;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return attach(b, node);
}

static bool begin_document(struct builder *b, const yaml_event_t *event)
{
    struct config_mark mark = mark_of(&event->start_mark);

    b->documents++;
    if (b->documents > 1)
        return REFUSE(b, mark,
                      "a second document begins; one file holds one document (no \"---\")");
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return REFUSE(b, mark, "directives (%%YAML, %%TAG) are not taken; remove the line");
    return true;
}

static bool refuse_anchor_and_tag(struct builder *b, const yaml_event_t *event,
                                  const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct config_mark mark = mark_of(&event->start_mark);

    if (anchor != NULL)
        return REFUSE(
            b, mark,
            "anchors are not taken (&%.64s): write the value out; text that begins with & "
            "stands in quotes",
            (const char *)anchor);
    if (tag != NULL)
        return REFUSE(b, mark,
                      "tags are not taken (%.64s): leave it out; text that begins with ! stands in "
                      "quotes",
                      (const char *)tag);
    return true;
}

static bool take_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT: return begin_document(b, event);
    case YAML_ALIAS_EVENT:
        return REFUSE(
            b, mark_of(&event->start_mark),
            "aliases are not taken (*%.64s): write the value out; a name that begins with "
            "* stands in quotes",
            (const char *)event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        return refuse_anchor_and_tag(b, event, event->data.scalar.anchor, event->data.scalar.tag) &&
               take_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return refuse_anchor_and_tag(b, event, event->data.sequence_start.anchor,
                                     event->data.sequence_start.tag) &&
               open_node(b, YAML_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return refuse_anchor_and_tag(b, event, event->data.mapping_start.anchor,
                                     event->data.mapping_start.tag) &&
               open_node(b, YAML_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_node(b);
    default: return true;
    }
}

/* Takes events until the stream ends; false when something was refused. */
static bool take_events(struct builder *b, yaml_parser_t *parser)
{
    bool more = true;
    bool good = true;

    while (more && good) {
        yaml_event_t event;

        if (yaml_parser_parse(parser, &event) == 0)
            return refuse_syntax(b, parser);
        more = event.type != YAML_STREAM_END_EVENT;
        good = take_event(b, &event);
        yaml_event_delete(&event);
    }
    return good;
}

/* An empty document is an empty plain scalar, or none at all. */
static struct yaml_node *document_of(struct builder *b)
{
    if (b->root == NULL ||
        (b->root->kind == YAML_SCALAR && b->root->text[0] == '\0' && !b->root->quoted)) {
        b->root = ARENA_NEW(b->arena, struct yaml_node, 1);
        b->root->kind = YAML_MAP;
        b->root->mark = (struct config_mark){1, 1};
    }
    return b->root;
}

/* Editors on some systems put one in front; libyaml takes it for content of the first line. */
static void skip_byte_order_mark(const char **text, size_t *len)
{
    if (*len >= 3 && memcmp(*text, "\xef\xbb\xbf", 3) == 0) {
        *text += 3;
        *len -= 3;
    }
}

struct yaml_node *yaml_parse(struct arena *arena, const char *text, size_t len,
                             struct report *report)
{
    struct builder b = {.arena = arena, .report = report};
    yaml_parser_t parser;
    bool good;

    if (len > YAML_TEXT_MAX) {
        report_add(report, REPORT_ERROR, (struct config_mark){0, 0},
                   "the file has %zu octets; at most %zu are read", len, YAML_TEXT_MAX);
        return NULL;
    }
    skip_byte_order_mark(&text, &len);
    b.text = text;
    b.len = len;
    CHECK(yaml_parser_initialize(&parser) == 1);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    good = take_events(&b, &parser);
    yaml_parser_delete(&parser);
    return good ? document_of(&b) : NULL;
}
