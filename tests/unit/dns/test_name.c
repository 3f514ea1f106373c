/* name: unit tests. Each test's name is the sentence it proves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/dns/name.h"
#include "wire.h"

/* A name from dotted text; the test fails when it is not one. */
static struct name name_of(const char *dotted)
{
    uint8_t octets[NAME_MAX_OCTETS];
    struct writer w = writer_init(octets, sizeof(octets));
    struct name name;

    wire_name(&w, dotted);
    assert_false(w.failed);
    assert_int_equal(name_from_wire(&name, octets, w.len), ERR_OK);
    return name;
}

static enum err read_at(struct name *out, struct bytes message, size_t pos, size_t *end)
{
    struct reader r = reader_init(message.data, message.len);
    enum err err;

    reader_seek(&r, pos);
    err = name_read(out, &r);
    assert_int_equal(r.failed, err != ERR_OK);
    *end = r.pos;
    return err;
}

/* RFC 4343 section 3 */
static void names_that_differ_in_case_are_equal(void **state)
{
    struct name upper = name_of("API.Ecr.EU-WEST-1.amazonAWS.com");
    struct name lower = name_of("api.ecr.eu-west-1.amazonaws.com");

    (void)state;
    assert_true(name_equal(&upper, &lower));
    assert_memory_equal(upper.wire, lower.wire, lower.len);
}

/* RFC 4343 section 3: only A to Z have another case; their neighbours, digits and upper octets keep
 * theirs. Every octet stands once at every place of a block. */
static void only_ascii_letters_are_folded(void **state)
{
    uint8_t wire[40] = {38};

    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        for (size_t place = 1; place < 39; place++) {
            struct name name;
            int expected = octet >= 'A' && octet <= 'Z' ? (int)octet + 32 : (int)octet;

            memset(wire + 1, '-', 38);
            wire[place] = (uint8_t)octet;
            assert_int_equal(name_from_wire(&name, wire, sizeof(wire)), ERR_OK);
            assert_int_equal(name.wire[place], expected);
            assert_int_equal(name_fold((uint8_t)octet), expected);
        }
    }
}

static void names_of_every_length_fold_the_same_in_blocks_and_octets(void **state)
{
    uint8_t wire[LABEL_MAX_OCTETS + 2];

    (void)state;
    for (size_t length = 1; length <= LABEL_MAX_OCTETS; length++) {
        struct name name;

        memset(wire, 'Q', sizeof(wire));
        wire[0] = (uint8_t)length;
        wire[length + 1] = 0;
        assert_int_equal(name_from_wire(&name, wire, length + 2), ERR_OK);
        assert_int_equal(name.wire[0], length);
        for (size_t i = 1; i <= length; i++)
            assert_int_equal(name.wire[i], 'q');
        assert_int_equal(name.wire[length + 1], 0);
    }
}

static void offsets_say_where_each_label_stands(void **state)
{
    struct name name = name_of("www.example.com");

    (void)state;
    assert_int_equal(name.len, 17);
    assert_int_equal(name.labels, 3);
    assert_int_equal(name.offset[0], 0);
    assert_int_equal(name.offset[1], 4);
    assert_int_equal(name.offset[2], 12);
    assert_int_equal(name_label(&name, 1).len, 7);
    assert_memory_equal(name_label(&name, 1).data, "example", 7);
}

static void the_root_has_one_octet_and_no_label(void **state)
{
    struct name root = name_of("");
    struct name made;

    (void)state;
    name_root(&made);
    assert_int_equal(root.len, 1);
    assert_int_equal(root.labels, 0);
    assert_true(name_equal(&root, &made));
}

/* RFC 1035 section 2.3.4 */
static void a_name_of_255_octets_is_read_and_one_of_256_is_too_long(void **state)
{
    uint8_t wire[256];
    struct name name;

    (void)state;
    for (size_t i = 0; i < sizeof(wire); i += 2) {
        wire[i] = 1;
        wire[i + 1] = 'a';
    }
    wire[254] = 0;
    assert_int_equal(name_from_wire(&name, wire, 255), ERR_OK);
    assert_int_equal(name.labels, NAME_MAX_LABELS);
    assert_int_equal(name.offset[126], 252);
    wire[252] = 2;
    wire[254] = 'a';
    wire[255] = 0;
    assert_int_equal(name_from_wire(&name, wire, 256), ERR_TOO_LONG);
}

/* RFC 1035 section 2.3.4: the 128th label stands at octet 254, where only the root may. */
static void a_name_of_128_labels_is_too_long(void **state)
{
    uint8_t wire[2 * 128 + 1] = {0};
    struct reader r = reader_init(wire, sizeof(wire));
    struct name name;

    (void)state;
    for (size_t i = 0; i < 128; i++)
        wire[2 * i] = 1;
    assert_int_equal(name_from_wire(&name, wire, sizeof(wire)), ERR_TOO_LONG);
    assert_int_equal(name_read(&name, &r), ERR_TOO_LONG);
}

static void a_name_cut_anywhere_is_truncated(void **state)
{
    struct bytes whole = WIRE_BYTES("\3www\7example\3com\0");
    struct name name;

    (void)state;
    assert_int_equal(name_from_wire(&name, whole.data, whole.len), ERR_OK);
    for (size_t len = 0; len < whole.len; len++) {
        struct reader r = reader_init(whole.data, len);

        assert_int_equal(name_read_plain(&name, &r), ERR_TRUNCATED);
        assert_true(r.failed);
        r = reader_init(whole.data, len);
        assert_int_equal(name_read(&name, &r), ERR_TRUNCATED);
        assert_true(r.failed);
        r = reader_init(whole.data, len);
        assert_int_equal(name_skip(&r), ERR_TRUNCATED);
        assert_true(r.failed);
    }
}

/* RFC 1035 section 4.1.4: kinds 01 and 10 are reserved. */
static void reserved_label_kinds_are_malformed(void **state)
{
    static const uint8_t firsts[] = {0x40, 0x7f, 0x80, 0xbf};

    (void)state;
    for (size_t i = 0; i < sizeof(firsts); i++) {
        uint8_t wire[256] = {firsts[i]};
        struct reader r = reader_init(wire, sizeof(wire));
        struct name name;

        assert_int_equal(name_read_plain(&name, &r), ERR_MALFORMED);
        r = reader_init(wire, sizeof(wire));
        assert_int_equal(name_read(&name, &r), ERR_MALFORMED);
        r = reader_init(wire, sizeof(wire));
        assert_int_equal(name_skip(&r), ERR_MALFORMED);
    }
}

static void a_plain_name_has_no_compression(void **state)
{
    struct bytes message = WIRE_BYTES("\3com\0\3www\xc0\0");
    struct reader r = reader_init(message.data, message.len);
    struct name name;

    (void)state;
    reader_seek(&r, 5);
    assert_int_equal(name_read_plain(&name, &r), ERR_MALFORMED);
}

/* RFC 1035 section 4.1.4 */
static void pointers_are_followed_and_the_reader_stands_behind_the_first(void **state)
{
    struct bytes message = WIRE_BYTES("\3com\0\7EXAMPLE\xc0\0\3www\xc0\5rest");
    struct name expected = name_of("www.example.com");
    struct name name;
    size_t end;

    (void)state;
    assert_int_equal(read_at(&name, message, 15, &end), ERR_OK);
    assert_true(name_equal(&name, &expected));
    assert_int_equal(end, 21);
}

static void pointers_forwards_or_to_themselves_are_malformed(void **state)
{
    struct name name;
    size_t end;

    (void)state;
    assert_int_equal(read_at(&name, WIRE_BYTES("\xc0\0\0"), 0, &end), ERR_MALFORMED);
    assert_int_equal(read_at(&name, WIRE_BYTES("\xc0\2\0"), 0, &end), ERR_MALFORMED);
    assert_int_equal(read_at(&name, WIRE_BYTES("\0\1a\xc0\1"), 1, &end), ERR_MALFORMED);
    assert_int_equal(read_at(&name, WIRE_BYTES("\xc0\2\xc0\0"), 2, &end), ERR_MALFORMED);
}

/* 130 pointers in a row, each to the one before it. */
static void a_chain_of_more_than_127_pointers_is_malformed(void **state)
{
    uint8_t message[1 + 2 * 130] = {0};
    struct bytes view = {message, sizeof(message)};
    struct name name;
    size_t end;

    (void)state;
    for (size_t i = 0; i < 130; i++)
        bytes_put_u16(message + 1 + 2 * i, (uint16_t)(0xc000 | (i == 0 ? 0 : 2 * i - 1)));
    assert_int_equal(read_at(&name, view, 1 + 2 * 126, &end), ERR_OK);
    assert_int_equal(read_at(&name, view, 1 + 2 * 127, &end), ERR_MALFORMED);
}

static void a_name_made_too_long_by_pointers_is_too_long(void **state)
{
    uint8_t message[300];
    struct writer w = writer_init(message, sizeof(message));
    char label[LABEL_MAX_OCTETS + 1] = {0};
    struct name name;
    size_t end;

    (void)state;
    memset(label, 'x', LABEL_MAX_OCTETS);
    for (int i = 0; i < 3; i++) {
        writer_u8(&w, LABEL_MAX_OCTETS);
        writer_put(&w, label, LABEL_MAX_OCTETS);
    }
    writer_u8(&w, 0);
    writer_u8(&w, LABEL_MAX_OCTETS);
    writer_put(&w, label, LABEL_MAX_OCTETS);
    wire_pointer(&w, 0);
    assert_int_equal(read_at(&name, (struct bytes){message, w.len}, 193, &end), ERR_TOO_LONG);
    message[193] = 61;
    bytes_put_u16(message + 193 + 62, 0xc000);
    assert_int_equal(read_at(&name, (struct bytes){message, w.len}, 193, &end), ERR_OK);
    assert_int_equal(name.len, NAME_MAX_OCTETS);
}

static void a_copied_name_keeps_its_case(void **state)
{
    struct bytes message = WIRE_BYTES("\3Com\0\3WwW\xc0\0");
    struct reader r = reader_init(message.data, message.len);
    uint8_t wire[NAME_MAX_OCTETS];
    size_t len;

    (void)state;
    reader_seek(&r, 5);
    assert_int_equal(name_copy_wire(wire, &len, &r), ERR_OK);
    assert_int_equal(len, 9);
    assert_memory_equal(wire, "\3WwW\3Com", 9);
    assert_int_equal(r.pos, message.len);
}

static void skipping_ends_where_reading_ends(void **state)
{
    struct bytes message = WIRE_BYTES("\3com\0\3www\xc0\0rest");
    struct reader r = reader_init(message.data, message.len);

    (void)state;
    assert_int_equal(name_skip(&r), ERR_OK);
    assert_int_equal(r.pos, 5);
    assert_int_equal(name_skip(&r), ERR_OK);
    assert_int_equal(r.pos, 11);
}

static void octets_behind_the_root_make_a_wire_name_malformed(void **state)
{
    struct name name;

    (void)state;
    assert_int_equal(name_from_wire(&name, (const uint8_t *)"\1a\0x", 4), ERR_MALFORMED);
}

static void a_name_is_below_its_parents_at_label_boundaries_only(void **state)
{
    struct name name = name_of("a.s3.amazonaws.com");
    struct name self = name_of("A.S3.amazonaws.com");
    struct name parent = name_of("amazonaws.com");
    struct name lookalike = name_of("zonaws.com");
    struct name other = name_of("amazonaws.org");
    struct name root = name_of("");

    (void)state;
    assert_true(name_is_at_or_below(&name, &self));
    assert_true(name_is_at_or_below(&name, &parent));
    assert_true(name_is_at_or_below(&name, &root));
    assert_true(name_is_at_or_below(&root, &root));
    assert_false(name_is_at_or_below(&name, &lookalike));
    assert_false(name_is_at_or_below(&name, &other));
    assert_false(name_is_at_or_below(&parent, &name));
    assert_false(name_is_at_or_below(&root, &name));
}

static void a_parent_lacks_the_first_labels_and_may_replace_its_child(void **state)
{
    struct name name = name_of("a.bc.example.com");
    struct name expected = name_of("example.com");
    struct name root = name_of("");
    struct name parent;

    (void)state;
    name_parent(&parent, &name, 2);
    assert_true(name_equal(&parent, &expected));
    assert_int_equal(parent.labels, expected.labels);
    assert_memory_equal(parent.offset, expected.offset, expected.labels);
    name_parent(&name, &name, 2);
    assert_true(name_equal(&name, &expected));
    name_parent(&parent, &name, name.labels);
    assert_true(name_equal(&parent, &root));
}

/* AWS PrivateLink guide, "Interface endpoint DNS hostnames" */
static void a_vpce_label_is_found_anywhere_in_a_name(void **state)
{
    struct name first = name_of("VPCE-0d1a2b3c-k3v9q1zx.api.ecr.eu-west-1.vpce.amazonaws.com");
    struct name inner = name_of("bucket.vpce-0d1a2b3c-pq7r2s1t.s3.eu-west-1.vpce.amazonaws.com");
    struct name none = name_of("my-vpce-0.vpce.vpce.amazonaws.com");

    (void)state;
    assert_true(name_has_vpce_label(&first));
    assert_true(name_has_vpce_label(&inner));
    assert_false(name_has_vpce_label(&none));
}

static void a_wire_name_of_any_case_is_compared_whole(void **state)
{
    struct name name = name_of("www.example.com");
    struct bytes same = WIRE_BYTES("\3WWW\7Example\3com\0");
    struct bytes other = WIRE_BYTES("\3WWW\7Exomple\3com\0");

    (void)state;
    assert_true(name_equals_wire(&name, same.data, same.len));
    assert_false(name_equals_wire(&name, same.data, same.len - 1));
    assert_false(name_equals_wire(&name, other.data, other.len));
}

static void the_last_labels_begin_where_those_before_them_end(void **state)
{
    struct name name;

    (void)state;
    assert_int_equal(name_from_wire(&name, (const uint8_t *)"\3www\7example\0", 13), ERR_OK);
    assert_int_equal(name_suffix_offset(&name, 2), 0);
    assert_int_equal(name_suffix_offset(&name, 1), 4);
    assert_int_equal(name_suffix_offset(&name, 0), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_differ_in_case_are_equal),
        cmocka_unit_test(only_ascii_letters_are_folded),
        cmocka_unit_test(names_of_every_length_fold_the_same_in_blocks_and_octets),
        cmocka_unit_test(offsets_say_where_each_label_stands),
        cmocka_unit_test(the_root_has_one_octet_and_no_label),
        cmocka_unit_test(a_name_of_255_octets_is_read_and_one_of_256_is_too_long),
        cmocka_unit_test(a_name_of_128_labels_is_too_long),
        cmocka_unit_test(a_name_cut_anywhere_is_truncated),
        cmocka_unit_test(reserved_label_kinds_are_malformed),
        cmocka_unit_test(a_plain_name_has_no_compression),
        cmocka_unit_test(pointers_are_followed_and_the_reader_stands_behind_the_first),
        cmocka_unit_test(pointers_forwards_or_to_themselves_are_malformed),
        cmocka_unit_test(a_chain_of_more_than_127_pointers_is_malformed),
        cmocka_unit_test(a_name_made_too_long_by_pointers_is_too_long),
        cmocka_unit_test(a_copied_name_keeps_its_case),
        cmocka_unit_test(skipping_ends_where_reading_ends),
        cmocka_unit_test(octets_behind_the_root_make_a_wire_name_malformed),
        cmocka_unit_test(a_name_is_below_its_parents_at_label_boundaries_only),
        cmocka_unit_test(a_parent_lacks_the_first_labels_and_may_replace_its_child),
        cmocka_unit_test(a_vpce_label_is_found_anywhere_in_a_name),
        cmocka_unit_test(a_wire_name_of_any_case_is_compared_whole),
        cmocka_unit_test(the_last_labels_begin_where_those_before_them_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
