/* bytes: the bounded reader and writer. Owns no memory; pure, any thread.
 * Bounds: the view given at init. Fails by the sticky flag, never by reading or writing outside. */
#include "local53/base/bytes.h"

#include "local53/base/check.h"

/* Moves on by len octets and tells whether they are all there. Comparing with what is left,
 * rather than adding to pos, cannot overflow. */
static bool reader_advance(struct reader *r, size_t len)
{
    if (r->failed || len > r->len - r->pos) {
        r->failed = true;
        return false;
    }
    r->pos += len;
    return true;
}

/* As reader_advance, for octets about to be stored. */
static bool writer_advance(struct writer *w, size_t len)
{
    if (w->failed || len > w->cap - w->len) {
        w->failed = true;
        return false;
    }
    w->len += len;
    return true;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

uint8_t reader_u8(struct reader *r)
{
    return reader_advance(r, 1) ? r->data[r->pos - 1] : 0;
}

uint16_t reader_u16(struct reader *r)
{
    return reader_advance(r, 2) ? bytes_get_u16(r->data + r->pos - 2) : 0;
}

uint32_t reader_u32(struct reader *r)
{
    return reader_advance(r, 4) ? bytes_get_u32(r->data + r->pos - 4) : 0;
}

struct bytes reader_take(struct reader *r, size_t len)
{
    /* An empty view has no pointer: data may be NULL, and NULL + 0 is not defined in C. */
    if (!reader_advance(r, len) || len == 0) {
        return (struct bytes){NULL, 0};
    }
    return (struct bytes){r->data + r->pos - len, len};
}

void reader_skip(struct reader *r, size_t len)
{
    reader_advance(r, len);
}

void reader_seek(struct reader *r, size_t pos)
{
    if (r->failed || pos > r->len) {
        r->failed = true;
        return;
    }
    r->pos = pos;
}

void writer_u8(struct writer *w, uint8_t value)
{
    if (writer_advance(w, 1)) {
        w->data[w->len - 1] = value;
    }
}

void writer_u16(struct writer *w, uint16_t value)
{
    if (writer_advance(w, 2)) {
        bytes_put_u16(w->data + w->len - 2, value);
    }
}

void writer_u32(struct writer *w, uint32_t value)
{
    if (writer_advance(w, 4)) {
        bytes_put_u32(w->data + w->len - 4, value);
    }
}

void writer_put(struct writer *w, const void *data, size_t len)
{
    if (writer_advance(w, len) && len > 0) {
        memcpy(w->data + w->len - len, data, len);
    }
}

void writer_patch_u16(struct writer *w, size_t at, uint16_t value)
{
    if (w->failed) {
        return;
    }
    CHECK(at <= w->len && w->len - at >= 2);
    bytes_put_u16(w->data + at, value);
}
