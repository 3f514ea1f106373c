/* bytes: the rarer calls of the bounded reader and writer; numbers are read and written inline, in
 * the door. Owns no memory; pure, any thread.
 * Bounds: the view given at init. Fails by the sticky flag, never by reading or writing outside. */
#include "local53/base/bytes.h"

#include "local53/base/check.h"

struct bytes reader_take(struct reader *r, size_t len)
{
    /* An empty view has no pointer: data may be NULL, and NULL + 0 is not defined in C. */
    if (!reader_advance(r, len) || len == 0)
        return (struct bytes){NULL, 0};
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

void writer_put(struct writer *w, const void *data, size_t len)
{
    if (writer_advance(w, len) && len > 0)
        memcpy(w->data + w->len - len, data, len);
}

void writer_patch_u16(struct writer *w, size_t at, uint16_t value)
{
    if (w->failed)
        return;
    CHECK(at <= w->len && w->len - at >= 2);
    bytes_put_u16(w->data + at, value);
}
