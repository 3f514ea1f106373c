/* rr: unit tests of walking, copying and writing records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/dns/rr.h"
#include "wire.h"

#define NO_BYTES ((struct bytes){NULL, 0})

/* Question "Www.example" of type A stands at offset 12: its "example" at 16, 29 octets in all. */
#define QUESTION_END 29

/* A response under construction, and a second message that records are copied to. */
struct fixture {
    uint8_t octets[2048]; /* the response */
    struct writer w;      /* over octets */
    uint8_t copied[2048]; /* header and question as well, then copies */
    struct writer copy;   /* over copied */
    struct name qname;    /* the question's name */
    uint16_t ttl_offset;  /* of the last copy */
};

static void start(struct fixture *f, uint16_t ancount, uint16_t nscount, uint16_t arcount)
{
    const uint16_t counts[4] = {1, ancount, nscount, arcount};
    struct reader r;

    f->w = writer_init(f->octets, sizeof(f->octets));
    wire_header(&f->w, FLAG_QR | FLAG_RA, counts);
    wire_question(&f->w, "Www.example", TYPE_A);
    assert_int_equal(f->w.len, QUESTION_END);
    f->copy = writer_init(f->copied, sizeof(f->copied));
    writer_put(&f->copy, f->octets, QUESTION_END);
    r = reader_init(f->octets, f->w.len);
    reader_seek(&r, MESSAGE_HEADER_OCTETS);
    assert_int_equal(name_read_plain(&f->qname, &r), ERR_OK);
}

/* Copies the first record. */
static enum err copy_first(struct fixture *f)
{
    struct rr_walk walk;
    struct rr rr;

    rr_walk_init(&walk, f->octets, f->w.len);
    assert_true(rr_next(&walk, &rr));
    return rr_copy(&f->copy, (struct bytes){f->octets, f->w.len}, &rr, &f->qname, &f->ttl_offset);
}

static void assert_copied(const struct fixture *f, struct bytes expected)
{
    assert_int_equal(f->copy.len - QUESTION_END, expected.len);
    assert_memory_equal(f->copied + QUESTION_END, expected.data, expected.len);
}

/* A response with one record, owned by the question's name; its copy must be as expected. */
static void assert_rdata_copy(uint16_t type, struct bytes rdata, struct bytes expected)
{
    struct fixture f;

    start(&f, 1, 0, 0);
    wire_pointer(&f.w, MESSAGE_HEADER_OCTETS);
    wire_record(&f.w, type, 60, rdata);
    assert_int_equal(copy_first(&f), ERR_OK);
    assert_int_equal(bytes_get_u16(f.copied + QUESTION_END + 2), type);
    assert_int_equal(bytes_get_u16(f.copied + QUESTION_END + 10), expected.len);
    assert_int_equal(f.copy.len - QUESTION_END - 12, expected.len);
    if (expected.len > 0)
        assert_memory_equal(f.copied + QUESTION_END + 12, expected.data, expected.len);
}

static enum err copy_of_rdata(uint16_t type, struct bytes rdata)
{
    struct fixture f;
    enum err err;

    start(&f, 1, 0, 0);
    wire_pointer(&f.w, MESSAGE_HEADER_OCTETS);
    wire_record(&f.w, type, 60, rdata);
    err = copy_first(&f);
    assert_int_equal(f.copy.len, err == ERR_OK ? f.copy.len : QUESTION_END);
    return err;
}

static void records_come_in_order_with_their_sections_and_offsets(void **state)
{
    struct fixture f;
    struct rr_walk walk;
    struct rr rr;

    (void)state;
    start(&f, 1, 1, 1);
    wire_pointer(&f.w, MESSAGE_HEADER_OCTETS);
    wire_record(&f.w, TYPE_A, 300, WIRE_BYTES("\12\0\0\1"));
    wire_name(&f.w, "ns");
    wire_record(&f.w, TYPE_NS, 5, WIRE_BYTES("\0"));
    wire_opt(&f.w, 1232, 0, NO_BYTES);
    rr_walk_init(&walk, f.octets, f.w.len);
    assert_true(rr_next(&walk, &rr));
    assert_int_equal(rr.section, SECTION_ANSWER);
    assert_int_equal(rr.owner_offset, QUESTION_END);
    assert_int_equal(rr.type, TYPE_A);
    assert_int_equal(rr.class, CLASS_IN);
    assert_int_equal(rr.ttl, 300);
    assert_int_equal(bytes_get_u32(f.octets + rr.ttl_offset), 300);
    assert_int_equal(rr.rdata_len, 4);
    assert_memory_equal(f.octets + rr.rdata_offset, "\12\0\0\1", 4);
    assert_true(rr_next(&walk, &rr));
    assert_int_equal(rr.section, SECTION_AUTHORITY);
    assert_true(rr_next(&walk, &rr));
    assert_int_equal(rr.section, SECTION_ADDITIONAL);
    assert_int_equal(rr.type, TYPE_OPT);
    assert_int_equal(rr.class, 1232);
    assert_false(rr_next(&walk, &rr));
    assert_int_equal(walk.err, ERR_OK);
    assert_int_equal(walk.reader.pos, f.w.len);
}

static void a_message_cut_anywhere_ends_the_walk_with_an_error(void **state)
{
    struct fixture f;
    struct rr_walk walk;
    struct rr rr;

    (void)state;
    start(&f, 1, 0, 0);
    wire_pointer(&f.w, MESSAGE_HEADER_OCTETS);
    wire_record(&f.w, TYPE_A, 300, WIRE_BYTES("\12\0\0\1"));
    for (size_t len = 0; len < f.w.len; len++) {
        rr_walk_init(&walk, f.octets, len);
        assert_false(rr_next(&walk, &rr));
        assert_int_equal(walk.err, ERR_TRUNCATED);
    }
}

/* RFC 3597 section 4: types that may come compressed are written out, and only those. */
static void names_in_rdata_of_the_old_types_are_written_out(void **state)
{
    const struct bytes target = WIRE_BYTES("\1T\7example\0");
    const struct bytes packed = WIRE_BYTES("\1T\xc0\20");
    static const uint16_t plain[] = {TYPE_NS, TYPE_MD, TYPE_MF,  TYPE_CNAME, TYPE_MB,
                                     TYPE_MG, TYPE_MR, TYPE_PTR, TYPE_DNAME};

    (void)state;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        assert_rdata_copy(plain[i], packed, target);
    assert_rdata_copy(TYPE_MX, WIRE_BYTES("\0\12\xc0\20"), WIRE_BYTES("\0\12\7example\0"));
    assert_rdata_copy(TYPE_AFSDB, WIRE_BYTES("\0\12\xc0\20"), WIRE_BYTES("\0\12\7example\0"));
    assert_rdata_copy(TYPE_RT, WIRE_BYTES("\0\12\xc0\20"), WIRE_BYTES("\0\12\7example\0"));
    assert_rdata_copy(TYPE_SRV, WIRE_BYTES("\0\1\0\2\0\65\xc0\20"),
                      WIRE_BYTES("\0\1\0\2\0\65\7example\0"));
    assert_rdata_copy(TYPE_RP, WIRE_BYTES("\xc0\20\1a\0"), WIRE_BYTES("\7example\0\1a\0"));
    assert_rdata_copy(TYPE_MINFO, WIRE_BYTES("\xc0\20\xc0\20"),
                      WIRE_BYTES("\7example\0\7example\0"));
    assert_rdata_copy(26, WIRE_BYTES("\0\1\xc0\20\0"), WIRE_BYTES("\0\1\7example\0\0"));
    assert_rdata_copy(30, WIRE_BYTES("\xc0\20bits"), WIRE_BYTES("\7example\0bits"));
    assert_rdata_copy(TYPE_SIG, WIRE_BYTES("123456789012345678\xc0\20sig"),
                      WIRE_BYTES("123456789012345678\7example\0sig"));
    assert_rdata_copy(TYPE_NAPTR, WIRE_BYTES("\0\1\0\2\1s\3abc\0\xc0\20"),
                      WIRE_BYTES("\0\1\0\2\1s\3abc\0\7example\0"));
    assert_rdata_copy(TYPE_SOA,
                      WIRE_BYTES("\2ns\xc0\20\xc0\35\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"),
                      WIRE_BYTES("\2ns\7example\0\3Www\7example\0"
                                 "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"));
}

/* RFC 5625 section 4.3, RFC 3597 section 3: RDATA of other types is opaque. */
static void rdata_of_other_types_is_copied_bit_by_bit(void **state)
{
    static const uint16_t types[] = {TYPE_A,  TYPE_TXT,  TYPE_HTTPS, TYPE_SVCB, TYPE_RRSIG,
                                     TYPE_DS, TYPE_NSEC, 65280,      TYPE_HINFO};
    const struct bytes rdata = WIRE_BYTES("\xc0\20\xff\0\xc0\14");

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_rdata_copy(types[i], rdata, rdata);
    assert_rdata_copy(TYPE_TXT, NO_BYTES, NO_BYTES);
    assert_rdata_copy(TYPE_CNAME, NO_BYTES, NO_BYTES);
}

/* RFC 4343 section 4.1: the question's own case goes to the client. */
static void an_owner_equal_to_the_question_becomes_a_pointer_to_it(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1, 0, 0);
    wire_name(&f.w, "wWW.EXAMPLE");
    wire_record(&f.w, TYPE_A, 9, WIRE_BYTES("\12\0\0\1"));
    assert_int_equal(copy_first(&f), ERR_OK);
    assert_copied(&f, WIRE_BYTES("\xc0\14\0\1\0\1\0\0\0\11\0\4\12\0\0\1"));
    assert_int_equal(f.ttl_offset, QUESTION_END + 6);
}

static void another_owner_is_written_out_in_its_case(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1, 0, 0);
    writer_put(&f.w, "\1B\xc0\20", 4);
    wire_record(&f.w, TYPE_A, 9, WIRE_BYTES("\12\0\0\1"));
    assert_int_equal(copy_first(&f), ERR_OK);
    assert_copied(&f, WIRE_BYTES("\1B\7example\0\0\1\0\1\0\0\0\11\0\4\12\0\0\1"));
    assert_int_equal(f.ttl_offset, QUESTION_END + 15);
}

/* RFC 8767 section 4 */
static void a_ttl_above_seven_days_or_with_its_top_bit_set_is_cut(void **state)
{
    struct fixture f;

    (void)state;
    assert_int_equal(rr_ttl_cap(604800), 604800);
    assert_int_equal(rr_ttl_cap(604801), 604800);
    start(&f, 1, 0, 0);
    wire_pointer(&f.w, MESSAGE_HEADER_OCTETS);
    wire_record(&f.w, TYPE_A, 0x80000001, WIRE_BYTES("\12\0\0\1"));
    assert_int_equal(copy_first(&f), ERR_OK);
    assert_int_equal(bytes_get_u32(f.copied + f.ttl_offset), RR_TTL_MAX);
}

static void unsound_rdata_is_not_copied(void **state)
{
    (void)state;
    assert_int_equal(copy_of_rdata(TYPE_CNAME, WIRE_BYTES("\xc0\20x")), ERR_MALFORMED);
    assert_int_equal(copy_of_rdata(TYPE_CNAME, WIRE_BYTES("\3ab")), ERR_TRUNCATED);
    assert_int_equal(copy_of_rdata(TYPE_CNAME, WIRE_BYTES("\xc0\51")), ERR_MALFORMED);
    assert_int_equal(copy_of_rdata(TYPE_CNAME, WIRE_BYTES("\xc0")), ERR_TRUNCATED);
    assert_int_equal(copy_of_rdata(TYPE_MX, WIRE_BYTES("\0")), ERR_MALFORMED);
    assert_int_equal(copy_of_rdata(TYPE_NAPTR, WIRE_BYTES("\0\1\0\2\2a")), ERR_MALFORMED);
    assert_int_equal(copy_of_rdata(TYPE_SOA, WIRE_BYTES("\0\0\0\0\0\1")), ERR_MALFORMED);
}

static void a_record_that_does_not_fit_leaves_nothing_behind(void **state)
{
    struct fixture f;

    (void)state;
    start(&f, 1, 0, 0);
    wire_pointer(&f.w, MESSAGE_HEADER_OCTETS);
    wire_record(&f.w, TYPE_A, 9, WIRE_BYTES("\12\0\0\1"));
    for (size_t room = 0; room < 16; room++) {
        f.copy = writer_init(f.copied, QUESTION_END + room);
        f.copy.len = QUESTION_END;
        assert_int_equal(copy_first(&f), ERR_NO_SPACE);
        assert_int_equal(f.copy.len, QUESTION_END);
        assert_true(f.copy.failed);
    }
    f.copy = writer_init(f.copied, QUESTION_END + 16);
    f.copy.len = QUESTION_END;
    assert_int_equal(copy_first(&f), ERR_OK);
}

/* RFC 2308 section 5 */
static void a_negative_ttl_is_the_least_of_ttl_and_minimum(void **state)
{
    static const uint32_t cases[][3] = {
        {900, 60, 60}, {60, 900, 60}, {0xffffffff, 0x80000000, RR_TTL_MAX}, {0, 5, 0}};
    struct fixture f;
    struct rr_walk walk;
    struct rr rr;
    uint32_t ttl;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t rdata[24] = {0xc0, 16, 0xc0, 16};

        bytes_put_u32(rdata + 20, cases[i][1]);
        start(&f, 0, 1, 0);
        wire_name(&f.w, "example");
        wire_record(&f.w, TYPE_SOA, cases[i][0], (struct bytes){rdata, sizeof(rdata)});
        rr_walk_init(&walk, f.octets, f.w.len);
        assert_true(rr_next(&walk, &rr));
        assert_int_equal(rr_soa_negative_ttl(&ttl, f.octets, f.w.len, &rr), ERR_OK);
        assert_int_equal(ttl, cases[i][2]);
        rr.rdata_len--;
        assert_int_equal(rr_soa_negative_ttl(&ttl, f.octets, f.w.len, &rr), ERR_MALFORMED);
        rr.rdata_len++;
        rr.type = TYPE_NS;
        assert_int_equal(rr_soa_negative_ttl(&ttl, f.octets, f.w.len, &rr), ERR_MALFORMED);
    }
}

static void a_name_is_read_at_any_offset_within_the_message(void **state)
{
    struct fixture f;
    struct name name;

    (void)state;
    start(&f, 0, 0, 0);
    assert_int_equal(rr_name_at(&name, f.octets, f.w.len, 12), ERR_OK);
    assert_true(name_equal(&name, &f.qname));
    assert_int_equal(rr_name_at(&name, f.octets, f.w.len, f.w.len), ERR_TRUNCATED);
    assert_int_equal(rr_name_at(&name, f.octets, f.w.len, f.w.len + 1), ERR_TRUNCATED);
}

/* RFC 4035 section 3.2.1 */
static void only_signatures_and_denials_are_dnssec_records(void **state)
{
    (void)state;
    assert_true(rr_is_dnssec(TYPE_RRSIG));
    assert_true(rr_is_dnssec(TYPE_NSEC));
    assert_true(rr_is_dnssec(TYPE_NSEC3));
    assert_false(rr_is_dnssec(TYPE_DS));
    assert_false(rr_is_dnssec(TYPE_DNSKEY));
    assert_false(rr_is_dnssec(TYPE_A));
}

static void a_record_is_written_with_a_pointer_owner(void **state)
{
    uint8_t octets[128];
    struct writer w = writer_init(octets, sizeof(octets));

    (void)state;
    rr_write(&w, 12, TYPE_A, 60, WIRE_BYTES("\12\50\1\17"));
    assert_int_equal(w.len, 16);
    assert_memory_equal(octets, "\xc0\14\0\1\0\1\0\0\0\74\0\4\12\50\1\17", 16);
    w.len = 0;
    rr_write(&w, 0x3fff, TYPE_CNAME, 5, WIRE_BYTES("\1a\0"));
    assert_int_equal(w.len, 15);
    assert_memory_equal(octets, "\xff\xff\0\5\0\1\0\0\0\5\0\3\1a\0", 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_in_order_with_their_sections_and_offsets),
        cmocka_unit_test(a_message_cut_anywhere_ends_the_walk_with_an_error),
        cmocka_unit_test(names_in_rdata_of_the_old_types_are_written_out),
        cmocka_unit_test(rdata_of_other_types_is_copied_bit_by_bit),
        cmocka_unit_test(an_owner_equal_to_the_question_becomes_a_pointer_to_it),
        cmocka_unit_test(another_owner_is_written_out_in_its_case),
        cmocka_unit_test(a_ttl_above_seven_days_or_with_its_top_bit_set_is_cut),
        cmocka_unit_test(unsound_rdata_is_not_copied),
        cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(a_negative_ttl_is_the_least_of_ttl_and_minimum),
        cmocka_unit_test(a_name_is_read_at_any_offset_within_the_message),
        cmocka_unit_test(only_signatures_and_denials_are_dnssec_records),
        cmocka_unit_test(a_record_is_written_with_a_pointer_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
