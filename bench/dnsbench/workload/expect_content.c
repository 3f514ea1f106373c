/* expect_content: reads what an answer must hold, and holds answers against it.
 * Owns: nothing; addresses and names stand in the caller's arena.
 * Thread: any; no state. Comparing allocates nothing: it is on the path of answers.
 * Bounds: EXPECT_ADDRESSES_MAX addresses; one walk over the message.
 * Fails: with a reason for people; a malformed message is never as expected. */
#include "workload/expect_content.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "local53/base/check.h"
#include "local53/base/nearest.h"
#include "local53/dns/edns.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"
#include "local53/dns/text.h"
#include "workload/queryset_private.h"

#define V4_OCTETS 4
#define V6_OCTETS 16
#define MX_PREFERENCE_OCTETS 2 /* in front of the exchange (RFC 1035 section 3.3.9) */
#define PREFIX_DIGITS_MAX 3    /* "128" */
#define RCODES_KNOWN 24        /* those below have a mnemonic (IANA "DNS RCODEs") */

/* ---- Reading ---- */

bool expect_fail(struct text_fault *fault, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    for (char *at = fault->reason; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    return false;
}

char *expect_next_word(char **rest)
{
    char *word = *rest + strspn(*rest, EXPECT_SPACE);

    if (*word == '\0')
        return NULL;
    *rest = word + strcspn(word, EXPECT_SPACE);
    if (**rest != '\0')
        *(*rest)++ = '\0';
    return word;
}

bool expect_read_name(struct name *out, const char *text, struct text_fault *fault)
{
    uint8_t wire[NAME_MAX_OCTETS];
    const char *reason;
    size_t len;

    if (queryset_read_name(wire, &len, text, &reason) != ERR_OK)
        return expect_fail(fault, "'%.40s' is no domain name: it has %s", text, reason);
    CHECK(name_from_wire(out, wire, len) == ERR_OK);
    return true;
}

/* An address without anything behind it; false when it is none, without a fault. */
static bool parse_octets(struct expect_address *out, const char *text)
{
    if (inet_pton(AF_INET, text, out->octets) == 1)
        out->len = V4_OCTETS;
    else if (inet_pton(AF_INET6, text, out->octets) == 1)
        out->len = V6_OCTETS;
    else
        return false;
    out->bits = (uint8_t)(out->len * 8);
    return true;
}

/* Behind the slash: digits, at most the address's bits. */
static bool parse_bits(struct expect_address *out, const char *digits)
{
    size_t len = strlen(digits);
    unsigned long bits;

    if (len == 0 || len > PREFIX_DIGITS_MAX || strspn(digits, "0123456789") != len)
        return false;
    bits = strtoul(digits, NULL, 10);
    if (bits > out->bits)
        return false;
    out->bits = (uint8_t)bits;
    return true;
}

static bool has_bits_beyond(const struct expect_address *prefix)
{
    unsigned kept = prefix->bits % 8;
    size_t whole = prefix->bits / 8;

    if (kept != 0 && (prefix->octets[whole] & (0xff >> kept)) != 0)
        return true;
    for (size_t i = whole + (kept != 0); i < prefix->len; i++) {
        if (prefix->octets[i] != 0)
            return true;
    }
    return false;
}

static bool read_prefix(struct text_fault *fault, struct expect_address *out, const char *word)
{
    char text[INET6_ADDRSTRLEN];
    const char *slash = strchr(word, '/');
    size_t len = (size_t)(slash - word);

    if (len >= sizeof(text))
        return expect_fail(fault, "'%.60s' is no prefix", word);
    memcpy(text, word, len);
    text[len] = '\0';
    if (!parse_octets(out, text) || !parse_bits(out, slash + 1))
        return expect_fail(fault, "'%.60s' is no prefix", word);
    if (has_bits_beyond(out))
        return expect_fail(fault, "'%.60s' has bits beyond its length set", word);
    return true;
}

static bool read_address(struct text_fault *fault, struct expect_address *out, const char *word)
{
    return parse_octets(out, word) || expect_fail(fault, "'%.60s' is no address", word);
}

/* Whether answers of this type can hold such an address. */
static bool address_fits_type(struct text_fault *fault, const struct expect_address *address,
                              const char *word, uint16_t type)
{
    char text[TEXT_TYPE_MAX];

    if (type == EXPECT_TYPE_EVERY || type == TYPE_ANY ||
        type == (address->len == V4_OCTETS ? TYPE_A : TYPE_AAAA))
        return true;
    return expect_fail(fault, "'%.60s' is no content of type %s", word,
                       text_write_type(type, text));
}

static bool is_among(const struct expect_address *address, const struct expect_address *list,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(address, &list[i], sizeof(*address)) == 0)
            return true;
    }
    return false;
}

/* One word more of a list of addresses or prefixes. */
static bool read_one(struct expect_content *out, struct expect_address *list, const char *word,
                     uint16_t type, struct text_fault *fault)
{
    struct expect_address *address = &list[out->count];
    bool is_prefix = strchr(word, '/') != NULL;

    if (out->count == EXPECT_ADDRESSES_MAX)
        return expect_fail(fault, "more than %d addresses", EXPECT_ADDRESSES_MAX);
    if (is_prefix != (out->kind == EXPECT_PREFIXES))
        return expect_fail(fault, "addresses and prefixes on one line; write '10.0.0.1/32'");
    memset(address, 0, sizeof(*address));
    if (!(is_prefix ? read_prefix : read_address)(fault, address, word) ||
        !address_fits_type(fault, address, word, type))
        return false;
    if (is_among(address, list, out->count))
        return expect_fail(fault, "'%.60s' is there twice", word);
    *(address->len == V4_OCTETS ? &out->v4 : &out->v6) |= 1ULL << out->count;
    out->count++;
    return true;
}

/* The words of a list, of which the first was taken. */
struct words {
    char *first;   /* borrowed */
    char *rest;    /* borrowed */
    uint16_t type; /* of the line */
};

static bool read_addresses(struct expect_content *out, struct words words, struct arena *arena,
                           struct text_fault *fault)
{
    struct expect_address list[EXPECT_ADDRESSES_MAX];
    struct expect_address *kept;

    out->kind = strchr(words.first, '/') != NULL ? EXPECT_PREFIXES : EXPECT_ADDRESSES;
    for (const char *word = words.first; word != NULL; word = expect_next_word(&words.rest)) {
        if (!read_one(out, list, word, words.type, fault))
            return false;
    }
    kept = ARENA_NEW(arena, struct expect_address, out->count);
    memcpy(kept, list, sizeof(list[0]) * out->count);
    out->addresses = kept;
    return true;
}

static bool read_target(struct expect_content *out, struct words words, struct arena *arena,
                        struct text_fault *fault)
{
    char text[TEXT_TYPE_MAX];
    struct name name = {0};
    uint8_t *wire;

    if (words.type == EXPECT_TYPE_EVERY)
        return expect_fail(fault, "a target wants a type: CNAME, PTR, NS or MX");
    if (words.type != TYPE_CNAME && words.type != TYPE_PTR && words.type != TYPE_NS &&
        words.type != TYPE_MX)
        return expect_fail(fault, "a target fits CNAME, PTR, NS and MX, not %s",
                           text_write_type(words.type, text));
    if (!expect_read_name(&name, words.first, fault))
        return false;
    wire = arena_take(arena, name.len);
    memcpy(wire, name.wire, name.len);
    out->kind = EXPECT_TARGET;
    out->target = wire;
    out->target_len = name.len;
    return true;
}

/* "any", "empty" and rcodes. */
static bool parse_keyword(struct expect_content *out, const char *word)
{
    if (strcasecmp(word, "any") == 0 || strcasecmp(word, "empty") == 0) {
        out->kind = strcasecmp(word, "any") == 0 ? EXPECT_ANY : EXPECT_EMPTY;
        return true;
    }
    for (unsigned rcode = 0; rcode < RCODES_KNOWN; rcode++) {
        if (strcasecmp(word, text_rcode(rcode)) != 0)
            continue;
        out->kind = EXPECT_RCODE;
        out->rcode = (uint16_t)rcode;
        return true;
    }
    return false;
}

static bool fail_unknown(struct text_fault *fault, const char *word)
{
    const char *keywords[RCODES_KNOWN + 2];
    const char *nearest;

    keywords[0] = "any";
    keywords[1] = "empty";
    for (unsigned rcode = 0; rcode < RCODES_KNOWN; rcode++)
        keywords[rcode + 2] = text_rcode(rcode);
    nearest = nearest_word(word, keywords, sizeof(keywords) / sizeof(keywords[0]));
    if (nearest != NULL)
        return expect_fail(fault, "unknown answer '%.40s'; did you mean '%s'?", word, nearest);
    if (word[strspn(word, "0123456789.")] == '\0' || strchr(word, ':') != NULL)
        return expect_fail(fault, "'%.60s' is no address", word);
    return expect_fail(
        fault,
        "unknown answer '%.40s'; want addresses, prefixes, any, empty, an rcode or a "
        "name with its last dot",
        word);
}

/* All kinds but lists: one word. */
static bool read_single(struct expect_content *out, struct words words, struct arena *arena,
                        struct text_fault *fault)
{
    const char *word = words.first;

    if (word[strlen(word) - 1] == '.') {
        if (!read_target(out, words, arena, fault))
            return false;
    } else if (!parse_keyword(out, word)) {
        return fail_unknown(fault, word);
    }
    word = expect_next_word(&words.rest);
    return word == NULL || expect_fail(fault, "'%.60s' is one word too many", word);
}

bool expect_content_read(struct expect_content *out, char *text, uint16_t type, struct arena *arena,
                         struct text_fault *fault)
{
    struct words words = {.type = type};
    struct expect_address address;

    memset(out, 0, sizeof(*out));
    words.rest = text;
    words.first = expect_next_word(&words.rest);
    if (words.first == NULL)
        return expect_fail(fault, "it does not say what the answer must be");
    /* A name may have a slash in it (RFC 2317): its last dot tells it from a prefix. */
    if (words.first[strlen(words.first) - 1] != '.' &&
        (strchr(words.first, '/') != NULL || parse_octets(&address, words.first)))
        return read_addresses(out, words, arena, fault);
    return read_single(out, words, arena, fault);
}

/* ---- Holding an answer against it --------------------------------------------------------- */

/* What the records of a message have shown so far. */
struct reading {
    const struct expect_content *content; /* borrowed */
    struct bytes message;                 /* borrowed */
    uint64_t seen;                        /* addresses of the line that were in the answer */
    unsigned records;                     /* of the type asked */
    uint16_t type;                        /* asked */
    uint16_t rcode;                       /* with the upper bits of an OPT */
    uint16_t owner; /* where the name stands that records must have: asked, or a CNAME's target */
    bool edns;      /* an OPT was there */
    bool target;    /* a record leads to the line's target */
    bool foreign;   /* a record of the type has another owner, or an address not in the line */
};

/* A name at `at` that ends where the RDATA does. */
static bool rdata_name(const struct reading *reading, const struct rr *rr, size_t at,
                       struct name *out)
{
    size_t end = (size_t)rr->rdata_offset + rr->rdata_len;
    struct reader r = reader_init(reading->message.data, end);

    reader_seek(&r, at);
    return !r.failed && name_read(out, &r) == ERR_OK && reader_left(&r) == 0;
}

/* Whether the record is owned by the name looked for; false as well when its owner cannot be
 * read, which *sound tells. Owners are mostly a pointer to that very place. */
static bool owner_fits(const struct reading *reading, const struct rr *rr, bool *sound)
{
    const uint8_t *message = reading->message.data;
    struct name owner;
    struct name wanted;

    *sound = true;
    if (reading->owner <= POINTER_MAX &&
        bytes_get_u16(message + rr->owner_offset) == (POINTER_BITS | reading->owner))
        return true;
    *sound = rr_name_at(&owner, message, reading->message.len, rr->owner_offset) == ERR_OK;
    return *sound && rr_name_at(&wanted, message, reading->message.len, reading->owner) == ERR_OK &&
           name_equal(&owner, &wanted);
}

static bool prefix_holds(const struct expect_address *prefix, const uint8_t *octets)
{
    size_t whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;

    return memcmp(prefix->octets, octets, whole) == 0 &&
           (rest == 0 || (prefix->octets[whole] ^ octets[whole]) >> (8 - rest) == 0);
}

/* The line's address that this is, or the prefix it is in, as a bit; 0 for none. */
static uint64_t find_address(const struct expect_content *content, const uint8_t *octets,
                             size_t len)
{
    for (size_t i = 0; i < content->count; i++) {
        const struct expect_address *address = &content->addresses[i];

        if (address->len == len && prefix_holds(address, octets))
            return 1ULL << i;
    }
    return 0;
}

/* A record of the type asked; false when it is malformed. */
static bool take_content(struct reading *reading, const struct rr *rr)
{
    const uint8_t *rdata = reading->message.data + rr->rdata_offset;
    const struct expect_content *content = reading->content;

    if (rr->type == TYPE_A || rr->type == TYPE_AAAA) {
        if (rr->rdata_len != (rr->type == TYPE_A ? V4_OCTETS : V6_OCTETS))
            return false;
        uint64_t bit = find_address(content, rdata, rr->rdata_len);
        reading->seen |= bit;
        reading->foreign = reading->foreign || (content->count > 0 && bit == 0);
    }
    if (content->kind == EXPECT_TARGET) {
        size_t skip = rr->type == TYPE_MX ? MX_PREFERENCE_OCTETS : 0;
        struct name target;

        if (!rdata_name(reading, rr, rr->rdata_offset + skip, &target))
            return false;
        reading->target =
            reading->target || (target.len == content->target_len &&
                                memcmp(target.wire, content->target, target.len) == 0);
    }
    reading->records++;
    return true;
}

/* A record of the answer section; false when it is malformed. CNAMEs are followed in the order they
 * stand in, as stub resolvers do (RFC 1034 section 5.2.2, RFC 6672 section 3.3 for DNAME's). */
static bool take_answer(struct reading *reading, const struct rr *rr)
{
    bool wanted = rr->type == reading->type || reading->type == TYPE_ANY;
    bool sound;
    bool fits = owner_fits(reading, rr, &sound) && rr->class == CLASS_IN;

    if (!sound)
        return false;
    if (wanted && fits)
        return take_content(reading, rr);
    if (fits && rr->type == TYPE_CNAME) {
        struct name target;

        reading->owner = rr->rdata_offset;
        return rdata_name(reading, rr, rr->rdata_offset, &target);
    }
    reading->foreign = reading->foreign || wanted;
    return true;
}

/* The OPT: one, the root's, in the additional section (RFC 6891 section 6.1.1). */
static bool take_opt(struct reading *reading, const struct rr *rr)
{
    size_t end = (size_t)rr->rdata_offset + rr->rdata_len;
    struct reader r = reader_init(reading->message.data, end);
    struct edns edns = {0};

    if (reading->edns || rr->section != SECTION_ADDITIONAL ||
        reading->message.data[rr->owner_offset] != 0)
        return false;
    reader_seek(&r, (size_t)rr->ttl_offset - sizeof(uint16_t));
    if (edns_read(&edns, &r) != ERR_OK)
        return false;
    reading->edns = true;
    reading->rcode = (uint16_t)(reading->rcode | edns.rcode_high << 4);
    return true;
}

/* False when the record is malformed. */
static bool take_record(struct reading *reading, const struct rr *rr)
{
    struct name owner;

    if (rr->type == TYPE_OPT)
        return take_opt(reading, rr);
    if (rr->section == SECTION_ANSWER)
        return take_answer(reading, rr);
    return rr_name_at(&owner, reading->message.data, reading->message.len, rr->owner_offset) ==
           ERR_OK;
}

/* The line's addresses that an answer must have: those of the family asked, or all where the
 * type cannot hold any, and none of them is ever seen. */
static uint64_t addresses_wanted(const struct expect_content *content, uint16_t type)
{
    return (type != TYPE_AAAA ? content->v4 : 0) | (type != TYPE_A ? content->v6 : 0);
}

static bool reading_is_met(const struct reading *reading)
{
    const struct expect_content *content = reading->content;
    uint64_t wanted = addresses_wanted(content, reading->type);

    if (content->kind == EXPECT_RCODE)
        return reading->rcode == content->rcode;
    if (reading->rcode != RCODE_NOERROR || reading->foreign)
        return false;
    switch ((enum expect_kind)content->kind) {
    case EXPECT_ADDRESSES: return reading->seen == wanted;
    case EXPECT_PREFIXES: return reading->seen != 0 || wanted == 0;
    case EXPECT_ANY: return reading->records > 0;
    case EXPECT_EMPTY: return reading->records == 0;
    case EXPECT_TARGET: return reading->target;
    case EXPECT_RCODE: break;
    }
    return false;
}

bool expect_content_met(const struct expect_content *content, struct bytes message, uint16_t type)
{
    struct reading reading = {.content = content,
                              .message = message,
                              .type = type,
                              .rcode = (uint16_t)message_rcode(message.data),
                              .owner = MESSAGE_HEADER_OCTETS};
    struct rr_walk walk;
    struct rr rr;

    rr_walk_init(&walk, message.data, message.len);
    while (rr_next(&walk, &rr)) {
        if (!take_record(&reading, &rr))
            return false;
    }
    return walk.err == ERR_OK && reading_is_met(&reading);
}
