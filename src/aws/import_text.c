/* import_text: comments and names of imported configurations.
 * Owns: nothing that stays. Thread: any; no state.
 * Bounds: a comment is as long as its caller makes it; names are those of DNS.
 * Fails: false for a text that is no name; out of memory is fatal. */
#include "import_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/addr.h"
#include "local53/base/check.h"

#define WILDCARD "*."

static const char NAME_CHARACTERS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/* Top-level domains that no endpoint can have a name in: RFC 6761, RFC 6762, RFC 7686; arpa holds the reverse
 * zones. */
static const char *const SPECIAL[] = {"localhost", "local", "invalid", "test", "onion", "arpa"};

/* ---- Comments ------------------------------------------------------------------------------------ */

void import_make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

/* How many octets of a text fit into a line: up to the last blank in it, or the first when a word is longer. */
static size_t fold_at(const char *text, size_t room)
{
    size_t len = strlen(text);
    size_t at = room;

    if (len <= room)
        return len;
    while (at > 0 && text[at] != ' ')
        at--;
    return at > 0 ? at : strcspn(text, " ");
}

void import_comment(FILE *out, unsigned indent, const char *format, ...)
{
    size_t room = IMPORT_COLUMNS - indent - strlen("# ");
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    CHECK(len >= 0);
    import_make_printable(text);
    for (const char *at = text; *at != '\0';) {
        size_t part = fold_at(at, room);

        fprintf(out, "%*s# %.*s\n", (int)indent, "", (int)part, at);
        at += part;
        at += strspn(at, " ");
    }
    free(text);
}

void import_write_listen(FILE *out)
{
    import_comment(out, 0, "Addresses of this node that are answered on, port 53.");
    fputs("listen: [169.254.20.10]\n", out);
}

/* ---- Names --------------------------------------------------------------------------------------- */

static bool is_special(const struct name *name)
{
    struct bytes top = name_label(name, (size_t)name->labels - 1);

    for (size_t i = 0; i < sizeof(SPECIAL) / sizeof(SPECIAL[0]); i++) {
        if (top.len == strlen(SPECIAL[i]) && memcmp(top.data, SPECIAL[i], top.len) == 0)
            return true;
    }
    return false;
}

static bool looks_like_address(const char *text)
{
    struct addr addr;

    return strspn(text, "0123456789.") == strlen(text) || addr_parse(&addr, text, 0) == ERR_OK;
}

bool import_read_name(struct catalogue_name *out, const char *text)
{
    out->below = strncmp(text, WILDCARD, strlen(WILDCARD)) == 0;
    if (out->below)
        text += strlen(WILDCARD);
    if (strspn(text, NAME_CHARACTERS) != strlen(text) || looks_like_address(text))
        return false;
    return text_read_name(&out->name, text) == ERR_OK && out->name.labels > 0 &&
           !is_special(&out->name);
}

const char *import_write_name(const struct catalogue_name *name, char *out)
{
    char text[TEXT_NAME_MAX];
    bool plain;

    text_write_name(&name->name, text);
    plain = !name->below && text[0] >= 'a' && text[0] <= 'z' && strchr(text, '.') != NULL;
    snprintf(out, IMPORT_NAME_MAX, "%s%s%s%s", plain ? "" : "\"", name->below ? WILDCARD : "", text,
             plain ? "" : "\"");
    return out;
}

bool import_same_name(const struct catalogue_name *a, const struct catalogue_name *b)
{
    return a->below == b->below && name_equal(&a->name, &b->name);
}
