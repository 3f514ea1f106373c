/* import_route53_text: names and values of Route 53's API as master files and configurations have them.
 * Owns: nothing; notes go to the import's arena. Thread: any; no state.
 * Bounds: TEXT_NAME_MAX and R53_VALUE_MAX octets, NOTE_MAX a note.
 * Fails: an error code, or a problem that names the record. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "import_route53.h"
#include "import_text.h"
#include "local53/base/bytes.h"
#include "local53/base/check.h"

/* Longest note, terminator included; longer ones are cut. */
#define NOTE_MAX 400

/* What stands for itself in every name, and in a configuration. */
static const char HOST_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- Messages ------------------------------------------------------------------------------------ */

void r53_refuse(struct r53 *r, const struct r53_set *set, const char *format, ...)
{
    struct json_at at = json_item(&r->list, set->index);
    char owner[TEXT_NAME_MAX];
    char type[TEXT_TYPE_MAX];
    char what[NOTE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    json_refuse(&at, "%.100s. %s: %s", r53_write_name(&set->owner, owner),
                text_write_type(set->type, type), what);
}

const char *r53_printable(struct r53 *r, const char *text)
{
    char *copy = arena_copy_text(&r->arena, text);

    import_make_printable(copy);
    return copy;
}

void r53_note(struct r53 *r, struct r53_notes *notes, const char *format, ...)
{
    struct r53_note *note = ARENA_NEW(&r->arena, struct r53_note, 1);
    char text[NOTE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    note->text = r53_printable(r, text);
    if (notes->last == NULL)
        notes->first = note;
    else
        notes->last->next = note;
    notes->last = note;
}

/* ---- Escapes ------------------------------------------------------------------------------------- */

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Reads what follows a backslash, "052" or one other character; gives how many octets that are, 0 when it
 * is no escape. */
static size_t read_escape(const char *text, uint8_t *octet)
{
    *octet = (uint8_t)text[0];
    if (text[0] < '0' || text[0] > '9')
        return text[0] != '\0' ? 1 : 0;
    if (text[0] > '3' || !is_octal(text[1]) || !is_octal(text[2]))
        return 0;
    *octet = (uint8_t)((text[0] - '0') * 64 + (text[1] - '0') * 8 + (text[2] - '0'));
    return 3;
}

/* An octet as it stands, or as "\DDD". */
static void put_octet(struct writer *w, uint8_t octet, bool plain)
{
    char escaped[8];

    if (plain) {
        writer_u8(w, octet);
        return;
    }
    snprintf(escaped, sizeof(escaped), "\\%03u", octet);
    writer_put(w, escaped, 4);
}

/* True when an octet means itself in a master file. Characters that some readers mistake are escaped too: a
 * quote behind a backslash, "@" and "$" in front. */
static bool is_plain(uint8_t octet, bool quoted)
{
    if (octet < 0x20 || octet >= 0x7f || octet == '"' || octet == '\\')
        return false;
    return quoted || (octet != ' ' && strchr(";()@$", octet) == NULL);
}

/* Puts what stands at text, an escape or one octet; gives how many octets that were, 0 for a bad escape. */
static size_t put_next(struct writer *w, const char *text, bool quoted)
{
    uint8_t octet = (uint8_t)text[0];
    size_t len;

    if (octet != '\\') {
        put_octet(w, octet, is_plain(octet, quoted));
        return 1;
    }
    len = read_escape(text + 1, &octet);
    put_octet(w, octet, false);
    return len > 0 ? len + 1 : 0;
}

enum err r53_write_value(char *out, size_t cap, const char *text)
{
    struct writer w = writer_init((uint8_t *)out, cap);
    bool quoted = false;

    for (size_t len = 1; *text != '\0'; text += len) {
        len = 1;
        if (*text == '"')
            quoted = !quoted;
        if (*text == '"' || (*text == ' ' && !quoted))
            writer_u8(&w, (uint8_t)*text);
        else
            len = put_next(&w, text, quoted);
        if (len == 0)
            return ERR_INVALID;
    }
    writer_u8(&w, 0);
    if (w.failed)
        return ERR_TOO_LONG;
    return quoted ? ERR_INVALID : ERR_OK;
}

enum err r53_read_name(struct name *out, const char *text)
{
    char decimal[TEXT_NAME_MAX];
    struct writer w = writer_init((uint8_t *)decimal, sizeof(decimal));

    for (size_t len; *text != '\0'; text += len) {
        len = put_next(&w, text, false);
        if (len == 0)
            return ERR_INVALID;
    }
    writer_u8(&w, 0);
    return w.failed ? ERR_TOO_LONG : text_read_name(out, decimal);
}

/* ---- Names --------------------------------------------------------------------------------------- */

bool r53_is_wildcard(const struct name *name)
{
    struct bytes first = name->labels > 0 ? name_label(name, 0) : (struct bytes){NULL, 0};

    return first.len == 1 && first.data[0] == '*';
}

const char *r53_write_name(const struct name *name, char *out)
{
    struct writer w = writer_init((uint8_t *)out, TEXT_NAME_MAX);

    for (size_t i = 0; i < name->labels; i++) {
        struct bytes label = name_label(name, i);

        if (i > 0)
            writer_u8(&w, '.');
        for (size_t j = 0; j < label.len; j++)
            put_octet(
                &w, label.data[j],
                (i == 0 && r53_is_wildcard(name)) ||
                    (label.data[j] != '\0' && strchr(HOST_CHARACTERS, label.data[j]) != NULL));
    }
    writer_u8(&w, 0);
    CHECK(!w.failed);
    return out;
}

bool r53_is_host(const struct name *name)
{
    size_t first = r53_is_wildcard(name) ? 1 : 0;
    bool digits = true;

    for (size_t i = first; i < name->labels; i++) {
        struct bytes label = name_label(name, i);

        for (size_t j = 0; j < label.len; j++) {
            if (label.data[j] == '\0' || strchr(HOST_CHARACTERS, label.data[j]) == NULL)
                return false;
            digits = digits && label.data[j] >= '0' && label.data[j] <= '9';
        }
    }
    return !digits;
}

int r53_compare(const struct name *owner_a, uint16_t type_a, const struct name *owner_b,
                uint16_t type_b)
{
    int order = (int)owner_a->len - (int)owner_b->len;

    if (order == 0)
        order = memcmp(owner_a->wire, owner_b->wire, owner_a->len);
    return order != 0 ? order : (int)type_a - (int)type_b;
}
