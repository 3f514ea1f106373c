/* json: jansson behind a reader that remembers where it is.
 * Owns: the document. Thread: any; no state.
 * Bounds: IMPORT_OCTETS_MAX, and jansson's JSON_PARSER_MAX_DEPTH.
 * Fails: the first problem is kept, told in the caller's struct import_problem. */
#include "json.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"

struct json_doc {
    json_t *root;                   /* owned */
    const char *file;               /* borrowed; as messages call it */
    struct import_problem *problem; /* borrowed; filled once */
    bool failed;                    /* problem is filled */
};

/* Longest piece of a text that a message shows. */
#define SHOWN_MAX 40

/* What jansson complains of, and what most likely happened. */
static const struct {
    enum json_error_code code;
    const char *advice;
} ADVICE[] = {
    {json_error_premature_end_of_input, "the file ends too early: it was cut off"},
    {json_error_end_of_input_expected, "one JSON document is expected, and something follows it"},
    {json_error_invalid_utf8, "the file must be UTF-8 text (PowerShell's > writes UTF-16)"},
    {json_error_duplicate_key, "a key stands twice in one object"},
    {json_error_stack_overflow, "nested too deep"},
    {json_error_null_byte_in_key, "a key has a NUL character in it"},
    {json_error_null_character, "text has a NUL character in it"},
};

static const char *advice_for(enum json_error_code code)
{
    for (size_t i = 0; i < sizeof(ADVICE) / sizeof(ADVICE[0]); i++) {
        if (ADVICE[i].code == code)
            return ADVICE[i].advice;
    }
    return "not JSON (aws prints it with --output json)";
}

/* A message is one line of printable characters, whatever of the file it quotes. */
static void make_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

__attribute__((format(printf, 2, 3))) static enum err tell(struct import_problem *problem,
                                                           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
    make_line(problem->text);
    return ERR_INVALID;
}

static const char *name_of(const struct import_file *file)
{
    return strcmp(file->name, "-") == 0 ? "stdin" : file->name;
}

/* A byte order mark says nothing in UTF-8 and is left out (RFC 8259 section 8.1 allows that). */
static struct bytes without_mark(const struct import_file *file)
{
    bool has = file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0;
    size_t skip = has ? 3 : 0;

    return (struct bytes){(const uint8_t *)file->text + skip, file->len - skip};
}

enum err json_open(struct json_doc **out, const struct import_file *file,
                   struct import_problem *problem)
{
    const char *name = name_of(file);
    struct bytes text;
    json_error_t why;
    json_t *root;

    *out = NULL;
    if (file->len > IMPORT_OCTETS_MAX)
        return tell(problem, "%s: longer than %zu octets (100 MB)", name, IMPORT_OCTETS_MAX);
    text = without_mark(file);
    if (text.len == 0)
        return tell(problem, "%s: empty; expected the JSON that aws prints", name);
    root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        CHECK(json_error_code(&why) != json_error_out_of_memory);
        return tell(problem, "%s:%d:%d: %s: %s", name, why.line, why.column,
                    advice_for(json_error_code(&why)), why.text);
    }
    *out = calloc(1, sizeof(**out));
    CHECK(*out != NULL);
    **out = (struct json_doc){.root = root, .file = name, .problem = problem};
    return ERR_OK;
}

void json_close(struct json_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    free(doc);
}

struct json_at json_whole(struct json_doc *doc)
{
    return (struct json_at){.doc = doc, .value = json_is_null(doc->root) ? NULL : doc->root};
}

static const char *kind_of(const json_t *value)
{
    static const char *const kinds[] = {[JSON_OBJECT] = "an object",
                                        [JSON_ARRAY] = "a list",
                                        [JSON_STRING] = "text",
                                        [JSON_INTEGER] = "a number",
                                        [JSON_REAL] = "a number with a fraction",
                                        [JSON_TRUE] = "true",
                                        [JSON_FALSE] = "false",
                                        [JSON_NULL] = "null"};

    return value == NULL ? "nothing" : kinds[json_typeof(value)];
}

void json_refuse(const struct json_at *at, const char *format, ...)
{
    struct json_doc *doc = at->doc;
    char what[256];
    va_list args;

    if (doc->failed)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    doc->failed = true;
    tell(doc->problem, "%s: %s%s%s", doc->file, at->path, at->path[0] != '\0' ? ": " : "", what);
}

bool json_failed(const struct json_doc *doc)
{
    return doc->failed;
}

/* Nobody reads on behind the first problem. */
static const json_t *value_of(const struct json_at *at)
{
    return at->doc->failed ? NULL : at->value;
}

static void refuse_kind(const struct json_at *at, const char *expected)
{
    const json_t *value = at->value;
    const char *text = json_string_value(value);

    if (text != NULL)
        json_refuse(at, "found \"%.*s\", expected %s", SHOWN_MAX, text, expected);
    else
        json_refuse(at, "found %s, expected %s", kind_of(value), expected);
}

/* The place of a child; a path without room for it ends in "...". */
__attribute__((format(printf, 3, 4))) static struct json_at
child_of(const struct json_at *of, const json_t *value, const char *format, ...)
{
    struct json_at child = {.doc = of->doc, .value = json_is_null(value) ? NULL : value};
    size_t used = strlen(of->path);
    va_list args;
    int len;

    memcpy(child.path, of->path, used);
    va_start(args, format);
    len = vsnprintf(child.path + used, sizeof(child.path) - used, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(child.path) - used)
        memcpy(child.path + sizeof(child.path) - sizeof("..."), "...", sizeof("..."));
    return child;
}

struct json_at json_member(const struct json_at *of, const char *name)
{
    const json_t *object = value_of(of);

    if (object != NULL && !json_is_object(object)) {
        refuse_kind(of, of->path[0] == '\0' ? "an object: what aws prints without --query"
                                            : "an object");
        object = NULL;
    }
    return child_of(of, object != NULL ? json_object_get(object, name) : NULL, "%s%s",
                    of->path[0] != '\0' ? "." : "", name);
}

size_t json_count(const struct json_at *list)
{
    const json_t *value = value_of(list);

    if (value != NULL && !json_is_array(value))
        refuse_kind(list, "a list");
    return json_array_size(value);
}

struct json_at json_item(const struct json_at *list, size_t i)
{
    return child_of(list, json_array_get(value_of(list), i), "[%zu]", i);
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

const char *json_text(const struct json_at *at)
{
    const json_t *value = value_of(at);
    const char *text = json_string_value(value);

    if (value == NULL)
        return NULL;
    if (text == NULL)
        refuse_kind(at, "text");
    else if (has_control(text))
        refuse_kind(at, "text without control characters");
    return at->doc->failed ? NULL : text;
}

const char *json_text_needed(const struct json_at *at)
{
    const char *text = json_text(at);

    if (text == NULL && at->value == NULL)
        json_refuse(at, "found nothing, expected text");
    return text != NULL ? text : "";
}

bool json_bool(const struct json_at *at, bool fallback)
{
    const json_t *value = value_of(at);

    if (value != NULL && !json_is_boolean(value))
        refuse_kind(at, "true or false");
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

long long json_number(const struct json_at *at, long long fallback)
{
    const json_t *value = value_of(at);

    if (value != NULL && !json_is_integer(value))
        refuse_kind(at, "a whole number");
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}
