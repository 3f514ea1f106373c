/* bytes: what fits is read and written exactly; the first overrun sticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/base/bytes.h"

static const uint8_t octets[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};

static void numbers_are_read_in_network_order(void **state)
{
    struct reader r = reader_init(octets, sizeof(octets));

    (void)state;
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x2345);
    assert_int_equal(reader_u32(&r), 0x6789abcd);
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.failed);
}

static void a_number_cut_short_reads_as_zero_and_the_failure_sticks(void **state)
{
    struct reader r = reader_init(octets, 3);

    (void)state;
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_int_equal(reader_left(&r), 0);
    reader_seek(&r, 0);
    assert_true(r.failed);
    assert_int_equal(reader_u16(&r), 0);
}

static void a_taken_view_lies_in_the_readers_memory(void **state)
{
    struct reader r = reader_init(octets, sizeof(octets));
    struct bytes view;

    (void)state;
    reader_skip(&r, 2);
    view = reader_take(&r, 3);
    assert_ptr_equal(view.data, octets + 2);
    assert_int_equal(view.len, 3);
    assert_int_equal(r.pos, 5);
    view = reader_take(&r, 3);
    assert_int_equal(view.len, 0);
    assert_true(r.failed);
}

static void octets_are_all_in_place_or_the_reader_fails(void **state)
{
    struct reader r = reader_init(octets, sizeof(octets));

    (void)state;
    assert_ptr_equal(reader_octets(&r, 2), octets);
    assert_ptr_equal(reader_octets(&r, 5), octets + 2);
    assert_int_equal(reader_left(&r), 0);
    assert_null(reader_octets(&r, 1));
    assert_true(r.failed);
    r = reader_init(octets, sizeof(octets));
    assert_null(reader_octets(&r, SIZE_MAX));
    assert_null(reader_octets(&r, 1));
    r = reader_init(NULL, 0);
    assert_null(reader_octets(&r, 1));
}

static void a_huge_length_does_not_wrap_around(void **state)
{
    struct reader r = reader_init(octets, sizeof(octets));
    struct writer w;
    uint8_t memory[4];

    (void)state;
    reader_skip(&r, 4);
    reader_skip(&r, SIZE_MAX - 2);
    assert_true(r.failed);
    assert_int_equal(r.pos, 4);

    w = writer_init(memory, sizeof(memory));
    writer_u16(&w, 1);
    writer_put(&w, octets, SIZE_MAX);
    assert_true(w.failed);
    assert_int_equal(w.len, 2);
}

static void seeking_reaches_the_end_but_not_past_it(void **state)
{
    struct reader r = reader_init(octets, sizeof(octets));

    (void)state;
    reader_seek(&r, sizeof(octets));
    assert_false(r.failed);
    assert_int_equal(reader_left(&r), 0);
    reader_seek(&r, 5);
    assert_int_equal(reader_u16(&r), 0xabcd);
    reader_seek(&r, sizeof(octets) + 1);
    assert_true(r.failed);
}

static void an_empty_view_without_memory_can_be_read_and_written(void **state)
{
    struct reader r = reader_init(NULL, 0);
    struct writer w = writer_init(NULL, 0);

    (void)state;
    assert_int_equal(reader_take(&r, 0).len, 0);
    assert_false(r.failed);
    writer_put(&w, NULL, 0);
    assert_false(w.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_true(r.failed);
    writer_u8(&w, 1);
    assert_true(w.failed);
}

static void numbers_are_written_in_network_order(void **state)
{
    uint8_t memory[sizeof(octets)];
    struct writer w = writer_init(memory, sizeof(memory));

    (void)state;
    writer_u8(&w, 0x01);
    writer_u16(&w, 0x2345);
    writer_u32(&w, 0x6789abcd);
    assert_false(w.failed);
    assert_int_equal(w.len, sizeof(octets));
    assert_memory_equal(memory, octets, sizeof(octets));
}

static void a_write_that_does_not_fit_stores_nothing_and_sticks(void **state)
{
    uint8_t memory[4] = {0xee, 0xee, 0xee, 0xee};
    struct writer w = writer_init(memory, 3);

    (void)state;
    writer_u32(&w, 0);
    assert_true(w.failed);
    writer_u8(&w, 0);
    writer_put(&w, octets, 1);
    assert_int_equal(w.len, 0);
    assert_memory_equal(memory, ((const uint8_t[]){0xee, 0xee, 0xee, 0xee}), 4);
}

static void a_patch_changes_two_octets_and_no_length(void **state)
{
    uint8_t memory[6];
    struct writer w = writer_init(memory, sizeof(memory));

    (void)state;
    writer_u16(&w, 0);
    writer_put(&w, octets, 3);
    writer_patch_u16(&w, 0, (uint16_t)(w.len - 2));
    assert_int_equal(w.len, 5);
    assert_memory_equal(memory, ((const uint8_t[]){0, 3, 0x01, 0x23, 0x45}), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_network_order),
        cmocka_unit_test(a_number_cut_short_reads_as_zero_and_the_failure_sticks),
        cmocka_unit_test(a_taken_view_lies_in_the_readers_memory),
        cmocka_unit_test(octets_are_all_in_place_or_the_reader_fails),
        cmocka_unit_test(a_huge_length_does_not_wrap_around),
        cmocka_unit_test(seeking_reaches_the_end_but_not_past_it),
        cmocka_unit_test(an_empty_view_without_memory_can_be_read_and_written),
        cmocka_unit_test(numbers_are_written_in_network_order),
        cmocka_unit_test(a_write_that_does_not_fit_stores_nothing_and_sticks),
        cmocka_unit_test(a_patch_changes_two_octets_and_no_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
