/* fuzz_frame: a stream in any pieces. The first octet sets the buffer's size, the next eight the sizes
 * of the pieces. Property: the messages are those that a plain walk over the whole stream finds, up to
 * the first that is too long for the buffer. */
#include <stdint.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/dns/frame.h"

#define PIECES 8

/* The stream as one piece, and how far its messages were seen to come out. */
struct expected {
    struct reader stream; /* at the next message to come out */
    size_t longest;       /* octets the buffer can hold as one message */
};

static void check_message(struct expected *expected, struct bytes message)
{
    size_t len = reader_u16(&expected->stream);
    struct bytes same = reader_take(&expected->stream, len);

    CHECK(!expected->stream.failed);
    CHECK(len <= expected->longest);
    CHECK(same.len == message.len);
    CHECK(same.len == 0 || memcmp(same.data, message.data, same.len) == 0);
}

/* Takes out what is whole; false when the next message is too long. */
static bool drain(struct frame *frame, struct expected *expected)
{
    struct bytes message;
    bool too_long = false;
    size_t pos = 0;

    while (frame_next(frame, &pos, &message, &too_long)) {
        CHECK(!too_long);
        check_message(expected, message);
    }
    frame_consume(frame, pos);
    if (too_long) {
        CHECK(reader_u16(&expected->stream) > expected->longest);
        CHECK(!expected->stream.failed);
    }
    return !too_long;
}

/* Every octet went in: what is left is less than a message. */
static void check_rest(const struct frame *frame, const struct expected *expected)
{
    struct reader rest = expected->stream;

    CHECK(reader_left(&rest) == frame->len);
    CHECK(frame->len < 2 || reader_u16(&rest) > frame->len - 2);
}

static void run(struct frame *frame, const uint8_t *pieces, struct bytes stream)
{
    struct expected expected = {reader_init(stream.data, stream.len), frame->cap - 2};
    size_t fed = 0;

    for (size_t i = 0; fed < stream.len; i++) {
        struct writer space = frame_space(frame);
        size_t len = pieces[i % PIECES] + (size_t)1;

        CHECK(space.cap > 0);
        len = len < space.cap ? len : space.cap;
        len = len < stream.len - fed ? len : stream.len - fed;
        writer_put(&space, stream.data + fed, len);
        CHECK(!space.failed);
        frame_filled(frame, len);
        fed += len;
        if (!drain(frame, &expected))
            return;
    }
    check_rest(frame, &expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame frame;
    size_t cap;
    uint8_t *buffer;

    if (size < 1 + PIECES)
        return 0;
    cap = 3 + (size_t)data[0] * 4;
    buffer = malloc(cap);
    CHECK(buffer != NULL);
    frame_init(&frame, buffer, cap);
    run(&frame, data + 1, (struct bytes){data + 1 + PIECES, size - 1 - PIECES});
    free(buffer);
    return 0;
}
