/* frame: unit tests of cutting a stream into messages. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dies.h"
#include "local53/dns/frame.h"
#include "wire.h"

static void feed(struct frame *frame, struct bytes input)
{
    struct writer space = frame_space(frame);

    writer_put(&space, input.data, input.len);
    assert_false(space.failed);
    frame_filled(frame, input.len);
}

static void assert_next(const struct frame *frame, size_t *pos, const char *expected)
{
    struct bytes message;
    bool too_long;

    assert_true(frame_next(frame, pos, &message, &too_long));
    assert_false(too_long);
    assert_int_equal(message.len, strlen(expected));
    assert_memory_equal(message.data, expected, message.len);
}

static void assert_no_more(const struct frame *frame, size_t pos)
{
    struct bytes message;
    bool too_long;

    assert_false(frame_next(frame, &pos, &message, &too_long));
    assert_false(too_long);
}

/* RFC 7766 section 6.2.1.1: pipelined queries may come in one segment. */
static void several_messages_in_one_piece_come_out_in_order(void **state)
{
    uint8_t data[64];
    struct frame frame;
    size_t pos = 0;

    (void)state;
    frame_init(&frame, data, sizeof(data));
    feed(&frame, WIRE_BYTES("\0\3one\0\0\0\5three\0\4pa"));
    assert_next(&frame, &pos, "one");
    assert_next(&frame, &pos, "");
    assert_next(&frame, &pos, "three");
    assert_no_more(&frame, pos);
    frame_consume(&frame, pos);
    assert_int_equal(frame.len, 4);
    feed(&frame, WIRE_BYTES("rt"));
    pos = 0;
    assert_next(&frame, &pos, "part");
    frame_consume(&frame, pos);
    assert_int_equal(frame.len, 0);
}

/* RFC 7766 section 8 */
static void a_message_that_comes_octet_by_octet_comes_out_once(void **state)
{
    struct bytes input = WIRE_BYTES("\0\5hello");
    uint8_t data[16];
    struct frame frame;
    size_t pos = 0;

    (void)state;
    frame_init(&frame, data, sizeof(data));
    for (size_t i = 0; i < input.len; i++) {
        assert_no_more(&frame, pos);
        feed(&frame, (struct bytes){input.data + i, 1});
    }
    assert_next(&frame, &pos, "hello");
    assert_no_more(&frame, pos);
}

static void the_longest_message_fits_and_one_more_octet_is_too_long(void **state)
{
    uint8_t data[7];
    struct frame frame;
    struct bytes message;
    bool too_long = false;
    size_t pos = 0;

    (void)state;
    frame_init(&frame, data, sizeof(data));
    feed(&frame, WIRE_BYTES("\0\5hello"));
    assert_int_equal(frame_space(&frame).cap, 0);
    assert_next(&frame, &pos, "hello");
    frame_consume(&frame, pos);
    feed(&frame, WIRE_BYTES("\0\6"));
    pos = 0;
    assert_false(frame_next(&frame, &pos, &message, &too_long));
    assert_true(too_long);
    assert_int_equal(pos, 0);
}

static void fill_past_the_end(void *data)
{
    struct frame *frame = data;

    frame_filled(frame, frame->cap + 1);
}

static void filling_past_the_end_is_fatal(void **state)
{
    uint8_t data[8];
    struct frame frame;

    (void)state;
    frame_init(&frame, data, sizeof(data));
    assert_int_equal(dies_by(fill_past_the_end, &frame, NULL, 0), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_messages_in_one_piece_come_out_in_order),
        cmocka_unit_test(a_message_that_comes_octet_by_octet_comes_out_once),
        cmocka_unit_test(the_longest_message_fits_and_one_more_octet_is_too_long),
        cmocka_unit_test(filling_past_the_end_is_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
