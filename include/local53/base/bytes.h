/* bytes: a view of memory, a bounded reader and a bounded writer, both with a sticky error.
 * Every octet from the network is read through the reader and every octet of an answer is
 * written through the writer: after the first overrun all further calls do nothing, reads give
 * zero, and the caller checks once at the end. Nothing here owns or allocates memory.
 * Numbers are big-endian, network order (RFC 1035 section 2.3.2). */
#ifndef LOCAL53_BASE_BYTES_H
#define LOCAL53_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A read-only view; passed by value, borrowed memory. */
struct bytes {
    const uint8_t *data; /* borrowed; may be NULL when len is 0 */
    size_t len;          /* octets */
};

/* Reads from a view, front to back. */
struct reader {
    const uint8_t *data; /* borrowed; start of the whole view (compression offsets count from it) */
    size_t len;          /* octets in the view */
    size_t pos;          /* next octet to read, 0..len */
    bool failed;         /* a read went past the end; sticky */
};

/* Writes into caller's memory, front to back. */
struct writer {
    uint8_t *data; /* borrowed */
    size_t cap;    /* octets available at data */
    size_t len;    /* octets written so far, 0..cap */
    bool failed;   /* a write did not fit; sticky, nothing of that write was stored */
};

static inline uint16_t bytes_get_u16(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t bytes_get_u32(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline void bytes_put_u16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void bytes_put_u32(uint8_t *p, uint32_t value)
{
    bytes_put_u16(p, (uint16_t)(value >> 16));
    bytes_put_u16(p + 2, (uint16_t)value);
}

/* A reader over len octets at data. */
static inline struct reader reader_init(const uint8_t *data, size_t len)
{
    return (struct reader){data, len, 0, false};
}

/* Octets not yet read; 0 after a failure. */
static inline size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : r->len - r->pos;
}

/* Moves on by len octets and tells whether they are all there. Comparing with what is left,
 * rather than adding to pos, cannot overflow. */
static inline bool reader_advance(struct reader *r, size_t len)
{
    if (r->failed || len > r->len - r->pos) {
        r->failed = true;
        return false;
    }
    r->pos += len;
    return true;
}

/* Next number; 0 and the sticky failure when it is not all there. */
static inline uint8_t reader_u8(struct reader *r)
{
    return reader_advance(r, 1) ? r->data[r->pos - 1] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    return reader_advance(r, 2) ? bytes_get_u16(r->data + r->pos - 2) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    return reader_advance(r, 4) ? bytes_get_u32(r->data + r->pos - 4) : 0;
}

/* Next len octets as a view into the reader's memory; an empty view on failure. */
struct bytes reader_take(struct reader *r, size_t len);

/* As reader_take for the path of every packet: where the next len octets (1 or more) stand, or NULL and
 * the sticky failure. */
static inline const uint8_t *reader_octets(struct reader *r, size_t len)
{
    if (reader_left(r) < len) {
        r->failed = true;
        return NULL;
    }
    r->pos += len;
    return r->data + r->pos - len;
}

/* Moves on by len octets. */
void reader_skip(struct reader *r, size_t len);

/* Moves to an absolute offset, 0..len; past the end is a failure. */
void reader_seek(struct reader *r, size_t pos);

/* A writer over cap octets at data. */
static inline struct writer writer_init(uint8_t *data, size_t cap)
{
    return (struct writer){data, cap, 0, false};
}

/* As reader_advance, for octets about to be stored. */
static inline bool writer_advance(struct writer *w, size_t len)
{
    if (w->failed || len > w->cap - w->len) {
        w->failed = true;
        return false;
    }
    w->len += len;
    return true;
}

/* Appends a number in network order; all or nothing. */
static inline void writer_u8(struct writer *w, uint8_t value)
{
    if (writer_advance(w, 1))
        w->data[w->len - 1] = value;
}

static inline void writer_u16(struct writer *w, uint16_t value)
{
    if (writer_advance(w, 2))
        bytes_put_u16(w->data + w->len - 2, value);
}

static inline void writer_u32(struct writer *w, uint32_t value)
{
    if (writer_advance(w, 4))
        bytes_put_u32(w->data + w->len - 4, value);
}

/* Appends octets; all or nothing. */
void writer_put(struct writer *w, const void *data, size_t len);

/* Overwrites two octets written earlier at offset at (a length or a count known only later);
 * nothing after a failure. Octets that were never written: CHECK. */
void writer_patch_u16(struct writer *w, size_t at, uint16_t value);

#endif
