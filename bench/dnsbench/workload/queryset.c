/* queryset: names in one growing block of memory, messages put together from ready pieces.
 * Owns: the block, the tables of items and suffixes. Thread: made by one; then read by all.
 * Bounds: QUERYSET_ITEMS_MAX, QUERYSET_SUFFIXES_MAX; 8 octets an item beside its wire form.
 * Fails: errors for names of others; out of memory is fatal. */
#include "workload/queryset.h"

#include <endian.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/base/hot.h"
#include "local53/dns/edns.h"
#include "local53/dns/message.h"
#include "local53/dns/name.h"
#include "local53/dns/text.h"
#include "workload/queryset_private.h"

/* Octets copied at a time. A name's last step reads and writes past its end: the block has so many
 * octets of slack behind the last name, the message QUERY_MAX_OCTETS in all. */
#define STEP 32

/* RFC 7873 section 4: option 10, here with the client's part alone. */
#define OPTION_COOKIE 10
#define COOKIE_OCTETS 8

/* Where a name stands. */
struct piece {
    uint32_t offset; /* in the block */
    uint16_t type;   /* an item's own; 0 for a suffix */
    uint8_t len;     /* octets with the root label, 1..255 */
};

struct queryset {
    uint64_t label_key;   /* of serial labels */
    uint8_t header[STEP]; /* 12 octets of it, ID 0 */
    uint8_t tail[STEP];   /* what stands behind QTYPE: class IN and the OPT */
    size_t tail_len;      /* octets of it */
    uint8_t *block;       /* owned; all names, and STEP octets of slack */
    size_t block_len;     /* octets of names in it */
    size_t block_cap;     /* octets of it, slack included */
    struct piece *items;  /* owned */
    size_t items_len;     /* in use */
    size_t items_cap;     /* allocated */
    size_t suffixes_len;  /* in use */
    struct piece suffixes[QUERYSET_SUFFIXES_MAX]; /* by number - 1 */
};

/* ---- Making it ---- */

/* Mixes all bits of z, one to one (the finish of SplitMix64: Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void write_cookie(struct writer *w, uint64_t seed)
{
    uint64_t cookie = mix(seed ^ 0x636f6f6b69650000ULL);

    writer_u16(w, OPTION_COOKIE);
    writer_u16(w, COOKIE_OCTETS);
    writer_u32(w, (uint32_t)(cookie >> 32));
    writer_u32(w, (uint32_t)cookie);
}

/* RFC 6891 section 6.1.2. */
static void write_opt(struct writer *w, const struct query_form *form)
{
    writer_u8(w, 0);
    writer_u16(w, TYPE_OPT);
    writer_u16(w, form->edns_size != 0 ? form->edns_size : EDNS_UDP_SIZE);
    writer_u32(w, form->dnssec_ok ? EDNS_FLAG_DO : 0);
    writer_u16(w, form->cookie ? 4 + COOKIE_OCTETS : 0);
    if (form->cookie)
        write_cookie(w, form->seed);
}

struct queryset *queryset_new(const struct query_form *form)
{
    bool has_opt = form->edns_size != 0 || form->dnssec_ok || form->cookie;
    struct queryset *set = calloc(1, sizeof(*set));

    CHECK(set != NULL);
    set->label_key = mix(form->seed + 1);
    bytes_put_u16(set->header + FLAGS_OFFSET, form->recursion_desired ? FLAG_RD : 0);
    bytes_put_u16(set->header + QDCOUNT_OFFSET, 1);
    bytes_put_u16(set->header + ARCOUNT_OFFSET, has_opt ? 1 : 0);

    struct writer w = writer_init(set->tail, sizeof(set->tail));
    writer_u16(&w, CLASS_IN);
    if (has_opt)
        write_opt(&w, form);
    CHECK(!w.failed);
    set->tail_len = w.len;
    return set;
}

void queryset_free(struct queryset *set)
{
    if (set == NULL)
        return;
    free(set->block);
    free(set->items);
    free(set);
}

static enum err check_wire(struct bytes wire)
{
    size_t at = 0;

    if (wire.len > NAME_MAX_OCTETS)
        return ERR_TOO_LONG;
    while (at < wire.len && wire.data[at] != 0) {
        if (wire.data[at] > LABEL_MAX_OCTETS)
            return ERR_INVALID;
        at += 1 + (size_t)wire.data[at];
    }
    return at + 1 == wire.len ? ERR_OK : ERR_INVALID;
}

/* Appends the name to the block. */
static struct piece keep(struct queryset *set, struct bytes wire, uint16_t type)
{
    struct piece piece = {(uint32_t)set->block_len, type, (uint8_t)wire.len};

    if (set->block_len + wire.len + STEP > set->block_cap) {
        set->block_cap = 2 * set->block_cap + 4096;
        set->block = realloc(set->block, set->block_cap);
        CHECK(set->block != NULL);
    }
    memcpy(set->block + set->block_len, wire.data, wire.len);
    memset(set->block + set->block_len + wire.len, 0, STEP);
    set->block_len += wire.len;
    return piece;
}

enum err queryset_add(struct queryset *set, struct bytes wire, uint16_t type, uint32_t *item)
{
    enum err err = check_wire(wire);

    if (err != ERR_OK)
        return err;
    if (set->items_len == QUERYSET_ITEMS_MAX)
        return ERR_NO_SPACE;
    if (set->items_len == set->items_cap) {
        set->items_cap = 2 * set->items_cap + 256;
        set->items = realloc(set->items, set->items_cap * sizeof(set->items[0]));
        CHECK(set->items != NULL);
    }
    *item = (uint32_t)set->items_len;
    set->items[set->items_len++] = keep(set, wire, type);
    return ERR_OK;
}

enum err queryset_add_text(struct queryset *set, const char *name, uint16_t type, uint32_t *item)
{
    uint8_t wire[NAME_MAX_OCTETS];
    const char *reason;
    size_t len;
    enum err err = queryset_read_name(wire, &len, name, &reason);

    return err == ERR_OK ? queryset_add(set, (struct bytes){wire, len}, type, item) : err;
}

enum err queryset_add_suffix(struct queryset *set, const char *name, uint16_t *number)
{
    uint8_t wire[NAME_MAX_OCTETS];
    const char *reason;
    size_t len;
    enum err err = queryset_read_name(wire, &len, name, &reason);

    if (err != ERR_OK)
        return err;
    if (set->suffixes_len == QUERYSET_SUFFIXES_MAX)
        return ERR_NO_SPACE;
    set->suffixes[set->suffixes_len++] = keep(set, (struct bytes){wire, len}, 0);
    *number = (uint16_t)set->suffixes_len;
    return ERR_OK;
}

/* ---- Names in text ---- */

static enum err refuse(const char **reason, const char *text, enum err err)
{
    *reason = text;
    return err;
}

/* A name without escapes; the loop over labels is all that a file of a million lines costs. */
static enum err read_plain(uint8_t *wire, size_t *len, const char *text, const char **reason)
{
    size_t at = 0;

    while (*text != '\0') {
        size_t label = strcspn(text, ".");

        if (label == 0)
            return refuse(reason, "an empty label (a dot too many)", ERR_INVALID);
        if (label > LABEL_MAX_OCTETS)
            return refuse(reason, "a label of more than 63 octets", ERR_INVALID);
        if (at + 1 + label + 1 > NAME_MAX_OCTETS)
            return refuse(reason, "more than 255 octets", ERR_TOO_LONG);
        wire[at++] = (uint8_t)label;
        memcpy(wire + at, text, label);
        at += label;
        text += text[label] == '.' ? label + 1 : label;
    }
    wire[at++] = 0;
    *len = at;
    return ERR_OK;
}

static enum err read_escaped(uint8_t *wire, size_t *len, const char *text, const char **reason)
{
    enum err err = text_read_wire(wire, len, text);

    if (err == ERR_TOO_LONG)
        return refuse(reason, "more than 255 octets", err);
    if (err != ERR_OK)
        return refuse(reason, "a bad escape, an empty label or one of more than 63 octets", err);
    return ERR_OK;
}

enum err queryset_read_name(uint8_t *wire, size_t *len, const char *text, const char **reason)
{
    bool escaped = false;

    if (text[0] == '\0')
        return refuse(reason, "no octets", ERR_INVALID);
    for (const char *c = text; *c != '\0'; c++) {
        if ((uint8_t)*c <= ' ' || *c == 0x7f)
            return refuse(reason, "a blank or control character (write \\032 for a blank)",
                          ERR_INVALID);
        escaped = escaped || *c == '\\';
    }
    if (strcmp(text, ".") == 0)
        text = "";
    return escaped ? read_escaped(wire, len, text, reason) : read_plain(wire, len, text, reason);
}

const char *queryset_quote(const char *word, char *out)
{
    size_t len = strnlen(word, QUOTE_SHOWN + 1);
    size_t shown = len > QUOTE_SHOWN ? QUOTE_SHOWN : len;

    for (size_t i = 0; i < shown; i++)
        out[i] = word[i] >= ' ' && word[i] < 0x7f ? word[i] : '?';
    memcpy(out + shown, len > shown ? "..." : "", len > shown ? sizeof("...") : 1);
    return out;
}

/* ---- What is in it ---- */

size_t queryset_count(const struct queryset *set)
{
    return set->items_len;
}

struct question_ref queryset_ref(const struct queryset *set, uint32_t item)
{
    ASSERT(item < set->items_len);
    return (struct question_ref){.item = item, .type = set->items[item].type};
}

size_t queryset_octets(const struct queryset *set)
{
    return sizeof(*set) + set->block_cap + set->items_cap * sizeof(set->items[0]);
}

struct bytes queryset_name(const struct queryset *set, uint32_t item)
{
    ASSERT(item < set->items_len);
    return (struct bytes){set->block + set->items[item].offset, set->items[item].len};
}

/* Octets of the whole name: the root label of the item gives way to a suffix. */
static inline size_t name_octets(const struct queryset *set, struct question_ref ref)
{
    size_t len = set->items[ref.item].len;

    if (ref.serial != 0)
        len += QUERYSET_SERIAL_OCTETS;
    if (ref.suffix != 0)
        len += (size_t)set->suffixes[ref.suffix - 1].len - 1;
    return len;
}

bool queryset_fits(const struct queryset *set, struct question_ref ref)
{
    ASSERT(ref.item < set->items_len && ref.suffix <= set->suffixes_len);
    return name_octets(set, ref) <= NAME_MAX_OCTETS;
}

/* ---- The path of every query and answer ---- */

/* Eight hex digits of a number, the lowest first. The halves are drawn apart until each octet
 * holds four bits; then ten and above are moved on to the letters: adding six to those carries
 * into the fifth bit. */
static inline void write_digits(uint8_t *out, uint32_t number)
{
    const uint64_t ones = 0x0101010101010101ULL;
    uint64_t x = number;

    x = (x | x << 16) & 0x0000ffff0000ffffULL;
    x = (x | x << 8) & 0x00ff00ff00ff00ffULL;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fULL;
    x += '0' * ones + ((x + 6 * ones) >> 4 & ones) * ('a' - '9' - 1);
    x = htole64(x);
    memcpy(out, &x, sizeof(x));
}

/* The label of QUERYSET_SERIAL_OCTETS; mix() is one to one, so no two references have the same. */
static inline void write_label(const struct queryset *set, struct question_ref ref, uint8_t *out)
{
    uint64_t number = mix(((uint64_t)ref.item << 32 | ref.serial) ^ set->label_key);

    out[0] = QUERYSET_SERIAL_OCTETS - 1;
    write_digits(out + 1, (uint32_t)number);
    write_digits(out + 9, (uint32_t)(number >> 32));
}

/* Copies in steps of a fixed size, which needs no call; see STEP. */
static inline void copy(uint8_t *out, const uint8_t *from, size_t len)
{
    for (size_t at = 0; at < len; at += STEP)
        memcpy(out + at, from + at, STEP);
}

/* Writes the name to out and gives where it ends. */
static inline uint8_t *put_name(const struct queryset *set, struct question_ref ref, uint8_t *out)
{
    const struct piece *item = &set->items[ref.item];

    if (ref.serial != 0) {
        write_label(set, ref, out);
        out += QUERYSET_SERIAL_OCTETS;
    }
    copy(out, set->block + item->offset, item->len);
    if (ref.suffix == 0)
        return out + item->len;
    const struct piece *suffix = &set->suffixes[ref.suffix - 1];
    out += item->len - 1;
    copy(out, set->block + suffix->offset, suffix->len);
    return out + suffix->len;
}

HOT size_t queryset_render(const struct queryset *set, struct question_ref ref, uint8_t *out)
{
    ASSERT(queryset_fits(set, ref));
    memcpy(out, set->header, STEP);
    uint8_t *end = put_name(set, ref, out + MESSAGE_HEADER_OCTETS);
    bytes_put_u16(end, ref.type);
    memcpy(end + sizeof(ref.type), set->tail, STEP);
    return (size_t)(end - out) + sizeof(ref.type) + set->tail_len;
}

/* The pieces of the name, one after the other, stand at `at`, which has octets enough. */
static inline bool name_is(const struct queryset *set, struct question_ref ref, const uint8_t *at)
{
    const struct piece *item = &set->items[ref.item];
    uint8_t label[QUERYSET_SERIAL_OCTETS];

    if (ref.serial != 0) {
        write_label(set, ref, label);
        if (memcmp(at, label, sizeof(label)) != 0)
            return false;
        at += sizeof(label);
    }
    if (ref.suffix == 0)
        return memcmp(at, set->block + item->offset, item->len) == 0;
    const struct piece *suffix = &set->suffixes[ref.suffix - 1];
    return memcmp(at, set->block + item->offset, item->len - 1U) == 0 &&
           memcmp(at + item->len - 1, set->block + suffix->offset, suffix->len) == 0;
}

HOT bool queryset_question_is(const struct queryset *set, struct question_ref ref,
                              struct bytes message, size_t *end)
{
    ASSERT(queryset_fits(set, ref));
    size_t tail = MESSAGE_HEADER_OCTETS + name_octets(set, ref);
    if (message.len < tail + QUESTION_TAIL_OCTETS ||
        bytes_get_u32(message.data + tail) != ((uint32_t)ref.type << 16 | CLASS_IN) ||
        !name_is(set, ref, message.data + MESSAGE_HEADER_OCTETS))
        return false;
    *end = tail + QUESTION_TAIL_OCTETS;
    return true;
}

const char *queryset_write(const struct queryset *set, struct question_ref ref, char *out)
{
    uint8_t wire[QUERY_MAX_OCTETS];
    size_t len;

    CHECK(queryset_fits(set, ref));
    len = (size_t)(put_name(set, ref, wire) - wire);
    text_write_wire((struct bytes){wire, len}, out);
    len = strlen(out);
    out[len++] = ' ';
    text_write_type(ref.type, out + len);
    return out;
}
