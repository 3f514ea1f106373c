/* name: domain names in wire form, case folded for comparison (RFC 1035 section 3.1, RFC 4343).
 * A struct name is a value: no memory elsewhere, at most 255 octets and 127 labels plus root. */
#ifndef LOCAL53_DNS_NAME_H
#define LOCAL53_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"

#define NAME_MAX_OCTETS 255 /* RFC 1035 section 2.3.4, root label included */
#define NAME_MAX_LABELS 127 /* without the root label */
#define LABEL_MAX_OCTETS 63

/* A compression pointer: its upper bits, and the furthest offset it reaches (RFC 1035 section 4.1.4). */
#define POINTER_BITS 0xc000
#define POINTER_MAX 0x3fff

struct name {
    uint8_t len;                     /* octets in wire, 1..255, root label included */
    uint8_t labels;                  /* labels without the root, 0..127 */
    uint8_t offset[NAME_MAX_LABELS]; /* where each label's length octet stands, left to right */
    uint8_t wire[NAME_MAX_OCTETS];   /* uncompressed, ASCII letters folded to lower case */
};

/* Reads a name at the reader's position, following compression pointers (RFC 1035 section 4.1.4;
 * a pointer must go backwards to below the place the label run started; at most 127 jumps), folded
 * into out; the reader moves past the name as it stands. ERR_TRUNCATED, ERR_MALFORMED (label type
 * 01 or 10, pointer forwards or to itself) or ERR_TOO_LONG (over 255 octets); out is then undefined
 * and the reader failed. */
enum err name_read(struct name *out, struct reader *r);

/* As name_read for a question: compression is not allowed (RFC 9619 queries have none), one pass.
 * This is the hot path's reader. */
enum err name_read_plain(struct name *out, struct reader *r);

/* Moves the reader past a name without looking at where pointers lead. */
enum err name_skip(struct reader *r);

/* As name_read, but keeps the case: writes the uncompressed wire form to out (255 octets of room)
 * and its length to *len. */
enum err name_copy_wire(uint8_t *out, size_t *len, struct reader *r);

/* From an uncompressed wire form of exactly len octets (config, tests). */
enum err name_from_wire(struct name *out, const uint8_t *wire, size_t len);

/* The root name. */
void name_root(struct name *out);

/* Same name; both folded already, so octets decide. */
bool name_equal(const struct name *a, const struct name *b);

/* True when `name` is `parent` or stands below it (at a label boundary). */
bool name_is_at_or_below(const struct name *name, const struct name *parent);

/* The name without its first `count` labels, 0..labels. */
void name_parent(struct name *out, const struct name *name, size_t count);

/* Where label i from the left stands in wire, its length octet; the root's for i == labels. */
static inline size_t name_label_offset(const struct name *name, size_t i)
{
    return i < name->labels ? name->offset[i] : (size_t)name->len - 1;
}

/* Octets of the wire form in front of the name's last `labels` labels, 0..labels; 0 labels are the root. */
size_t name_suffix_offset(const struct name *name, size_t labels);

/* Label i from the left (0..labels-1), without its length octet, folded. */
struct bytes name_label(const struct name *name, size_t i);

/* True when any label starts with "vpce-" (AWS endpoint-specific names; PrivateLink guide,
 * "Interface endpoint DNS hostnames"): such a name is never rewritten. */
bool name_has_vpce_label(const struct name *name);

/* True when the uncompressed wire name at `wire` (any case, len octets) equals folded `name`. */
bool name_equals_wire(const struct name *name, const uint8_t *wire, size_t len);

/* ASCII fold of one octet: A-Z to a-z, everything else as it is (RFC 4343 section 3). */
static inline uint8_t name_fold(uint8_t octet)
{
    return (uint8_t)(octet - 'A') < 26 ? (uint8_t)(octet | 0x20) : octet;
}

#endif
