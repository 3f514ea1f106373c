/* frame: cuts a byte stream into messages by their two-octet lengths (RFC 1035 section 4.2.2).
 * Owns: nothing; the buffer is the caller's.
 * Thread: any; no state but the caller's frame.
 * Bounds: cap octets are held; a longer message is told, never waited for.
 * Fails: frame_next with *too_long; filling past the end is our own mistake and trips a CHECK. */
#include "local53/dns/frame.h"

#include "local53/base/check.h"

#define LENGTH_OCTETS 2

void frame_init(struct frame *frame, uint8_t *data, size_t cap)
{
    CHECK(cap > LENGTH_OCTETS);
    frame->data = data;
    frame->cap = cap;
    frame->len = 0;
}

struct writer frame_space(struct frame *frame)
{
    return writer_init(frame->data + frame->len, frame->cap - frame->len);
}

void frame_filled(struct frame *frame, size_t len)
{
    CHECK(len <= frame->cap - frame->len);
    frame->len += len;
}

bool frame_next(const struct frame *frame, size_t *pos, struct bytes *message, bool *too_long)
{
    struct reader r = reader_init(frame->data, frame->len);
    size_t len;

    *too_long = false;
    reader_seek(&r, *pos);
    if (reader_left(&r) < LENGTH_OCTETS)
        return false;
    len = reader_u16(&r);
    *too_long = len > frame->cap - LENGTH_OCTETS;
    if (reader_left(&r) < len)
        return false;
    *message = reader_take(&r, len);
    *pos = r.pos;
    return true;
}

void frame_consume(struct frame *frame, size_t pos)
{
    CHECK(pos <= frame->len);
    frame->len -= pos;
    if (pos > 0 && frame->len > 0)
        memmove(frame->data, frame->data + pos, frame->len);
}
