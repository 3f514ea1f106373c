/* name: domain names in wire form, folded (RFC 1035 section 3.1, RFC 4343).
 * Owns: nothing; a name is a value in the caller's memory.
 * Thread: any; no state.
 * Bounds: NAME_MAX_OCTETS a name, NAME_MAX_LABELS labels, MAX_JUMPS compression pointers.
 * Fails: an error code and a failed reader; names from the network never trip a CHECK. */
#include "local53/dns/name.h"

#include "local53/base/check.h"

/* Compression pointers followed for one name; a name has no more labels than this anyway. */
#define MAX_JUMPS 127

/* The two upper bits of a length octet (RFC 1035 section 4.1.4): 00 a label, 11 a pointer. */
#define LABEL_KIND_MASK 0xc0
#define LABEL_KIND_POINTER 0xc0

/* Octets folded at a time: what one vector register of every 64-bit machine holds. */
#define BLOCK_OCTETS 16
typedef uint8_t block __attribute__((vector_size(BLOCK_OCTETS)));

static enum err fail(struct reader *r, enum err err)
{
    r->failed = true;
    return err;
}

/* One block, each octet as name_fold has it: a comparison gives all bits of an octet where it holds. */
static inline void fold_block(uint8_t *out, const uint8_t *wire)
{
    block octets;

    memcpy(&octets, wire, sizeof(octets));
    octets |= (block)(octets - 'A' < 26) & 0x20;
    memcpy(out, &octets, sizeof(octets));
}

/* Copies len octets folded. Length octets are at most 63, below 'A', so they pass unchanged. The last
 * block overlaps the one before it: folding twice is folding once. out may be wire itself. */
static inline void fold_copy(uint8_t *out, const uint8_t *wire, size_t len)
{
    size_t at = 0;

    if (len < BLOCK_OCTETS) {
        for (; at < len; at++)
            out[at] = name_fold(wire[at]);
        return;
    }
    for (; at + BLOCK_OCTETS < len; at += BLOCK_OCTETS)
        fold_block(out + at, wire + at);
    fold_block(out + len - BLOCK_OCTETS, wire + len - BLOCK_OCTETS);
}

/* Fills len, labels and offset from uncompressed labels at wire, of which left octets, 1 or more, may be
 * read. A label is taken when another may follow it, if only the root: each takes two octets or more, so
 * the bound on octets bounds the labels too. A length of 0 wraps around in the loop's condition: the root
 * and what is no label end it in one comparison. */
static inline enum err index_labels(struct name *out, const uint8_t *wire, size_t left)
{
    size_t limit = left < NAME_MAX_OCTETS ? left : NAME_MAX_OCTETS;
    size_t labels = 0;
    size_t at = 0;
    size_t length = wire[0];
    size_t next = length + 1;

    while (length - 1 < LABEL_MAX_OCTETS && next < limit) {
        out->offset[labels++] = (uint8_t)at;
        at = next;
        length = wire[at];
        next = at + length + 1;
    }
    if (length == 0) {
        out->len = (uint8_t)next;
        out->labels = (uint8_t)labels;
        return ERR_OK;
    }
    if (length > LABEL_MAX_OCTETS)
        return ERR_MALFORMED;
    return next < NAME_MAX_OCTETS ? ERR_TRUNCATED : ERR_TOO_LONG;
}

enum err name_read_plain(struct name *out, struct reader *r)
{
    const uint8_t *wire;
    enum err err;

    if (reader_left(r) == 0)
        return fail(r, ERR_TRUNCATED);
    wire = r->data + r->pos;
    err = index_labels(out, wire, reader_left(r));
    if (err != ERR_OK)
        return fail(r, err);
    fold_copy(out->wire, wire, out->len);
    r->pos += out->len;
    return ERR_OK;
}

/* Appends the label whose length octet was read; the root label is length 0. */
static enum err copy_label(uint8_t *out, size_t *len, struct reader *r, uint8_t length)
{
    struct bytes label = reader_take(r, length);

    if (r->failed)
        return ERR_TRUNCATED;
    if (*len + 1 + length > NAME_MAX_OCTETS)
        return ERR_TOO_LONG;
    out[(*len)++] = length;
    if (length > 0) {
        memcpy(out + *len, label.data, length);
        *len += length;
    }
    return ERR_OK;
}

/* Moves to where the pointer at *run_start's end leads, which must be before the run began: so every
 * run starts below the last and the walk ends. */
static enum err follow_pointer(struct reader *r, uint8_t first, size_t *run_start)
{
    size_t target = ((size_t)(first & ~LABEL_KIND_MASK) << 8) | reader_u8(r);

    if (r->failed)
        return ERR_TRUNCATED;
    if (target >= *run_start)
        return ERR_MALFORMED;
    reader_seek(r, target);
    *run_start = target;
    return ERR_OK;
}

/* Writes labels until the root; walk ends where the last of them ended, *end gets where the name as
 * it stands ended: behind the first pointer, or behind the root. */
static enum err expand(uint8_t *out, size_t *len, struct reader *walk, size_t *end)
{
    size_t run_start = walk->pos;
    size_t jumps = 0;
    enum err err = ERR_OK;

    *len = 0;
    for (;;) {
        uint8_t length = reader_u8(walk);

        if (walk->failed)
            return ERR_TRUNCATED;
        if ((length & LABEL_KIND_MASK) == LABEL_KIND_POINTER) {
            *end = jumps == 0 ? walk->pos + 1 : *end;
            err = jumps++ < MAX_JUMPS ? follow_pointer(walk, length, &run_start) : ERR_MALFORMED;
        } else {
            err = length <= LABEL_MAX_OCTETS ? copy_label(out, len, walk, length) : ERR_MALFORMED;
        }
        if (err != ERR_OK)
            return err;
        if (length == 0) {
            *end = jumps == 0 ? walk->pos : *end;
            return ERR_OK;
        }
    }
}

enum err name_copy_wire(uint8_t *out, size_t *len, struct reader *r)
{
    struct reader walk = *r;
    size_t end = r->pos;
    enum err err = expand(out, len, &walk, &end);

    if (err != ERR_OK)
        return fail(r, err);
    r->pos = end;
    return ERR_OK;
}

enum err name_read(struct name *out, struct reader *r)
{
    size_t len = 0;
    enum err err = name_copy_wire(out->wire, &len, r);

    if (err != ERR_OK)
        return err;
    err = index_labels(out, out->wire, len);
    CHECK(err == ERR_OK);
    fold_copy(out->wire, out->wire, len);
    return ERR_OK;
}

enum err name_skip(struct reader *r)
{
    size_t start = r->pos;
    uint8_t length;

    do {
        length = reader_u8(r);
        if ((length & LABEL_KIND_MASK) == LABEL_KIND_POINTER) {
            reader_skip(r, 1);
            return r->failed ? ERR_TRUNCATED : ERR_OK;
        }
        if (length > LABEL_MAX_OCTETS)
            return fail(r, ERR_MALFORMED);
        reader_skip(r, length);
        if (r->failed)
            return ERR_TRUNCATED;
        if (r->pos - start > NAME_MAX_OCTETS)
            return fail(r, ERR_TOO_LONG);
    } while (length > 0);
    return ERR_OK;
}

enum err name_from_wire(struct name *out, const uint8_t *wire, size_t len)
{
    struct reader r = reader_init(wire, len);
    enum err err = name_read_plain(out, &r);

    return err == ERR_OK && reader_left(&r) > 0 ? ERR_MALFORMED : err;
}

void name_root(struct name *out)
{
    out->len = 1;
    out->labels = 0;
    out->wire[0] = 0;
}

bool name_equal(const struct name *a, const struct name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

bool name_is_at_or_below(const struct name *name, const struct name *parent)
{
    size_t at;

    if (name->labels < parent->labels)
        return false;
    at = name_label_offset(name, (size_t)(name->labels - parent->labels));
    return name->len - at == parent->len && memcmp(name->wire + at, parent->wire, parent->len) == 0;
}

void name_parent(struct name *out, const struct name *name, size_t count)
{
    size_t cut;
    size_t labels;

    CHECK(count <= name->labels);
    cut = name_label_offset(name, count);
    labels = name->labels - count;
    for (size_t i = 0; i < labels; i++)
        out->offset[i] = (uint8_t)(name->offset[count + i] - cut);
    memmove(out->wire, name->wire + cut, name->len - cut);
    out->len = (uint8_t)(name->len - cut);
    out->labels = (uint8_t)labels;
}

size_t name_suffix_offset(const struct name *name, size_t labels)
{
    CHECK(labels <= name->labels);
    return name_label_offset(name, name->labels - labels);
}

struct bytes name_label(const struct name *name, size_t i)
{
    const uint8_t *label = name->wire + name_label_offset(name, i);

    ASSERT(i < name->labels);
    return (struct bytes){label + 1, label[0]};
}

bool name_has_vpce_label(const struct name *name)
{
    static const char prefix[] = "vpce-";
    const size_t prefix_len = sizeof(prefix) - 1;

    for (size_t i = 0; i < name->labels; i++) {
        struct bytes label = name_label(name, i);

        if (label.len >= prefix_len && memcmp(label.data, prefix, prefix_len) == 0)
            return true;
    }
    return false;
}

bool name_equals_wire(const struct name *name, const uint8_t *wire, size_t len)
{
    uint8_t folded[NAME_MAX_OCTETS];

    if (len != name->len)
        return false;
    fold_copy(folded, wire, len);
    return memcmp(folded, name->wire, len) == 0;
}
