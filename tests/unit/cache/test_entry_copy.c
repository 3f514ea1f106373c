/* entry_copy: unit tests of what of an upstream's wire is kept, in which order and form. */
#include "cache_test.h"

static struct answer a;

/* An RRSIG that covers A, in the shape of RFC 4034 section 3.1. */
#define SIGNATURE WIRE_BYTES("\0\1\10\2\0\0\1\54\0\0\0\0\0\0\0\0\0\1\0sig")

static size_t records(void)
{
    const uint8_t *wire = entry_wire(answer_entry(&a));

    return (size_t)bytes_get_u16(wire + 6) + bytes_get_u16(wire + 8) + bytes_get_u16(wire + 10);
}

static void an_ordinary_answer_stays_as_it_is_up_to_the_opt(void **state)
{
    size_t whole;

    (void)state;
    answer_begin(&a, "WWW.example", TYPE_A, 0);
    answer_count(&a, SECTION_ANSWER);
    wire_pointer(&a.w, 12);
    wire_record(&a.w, TYPE_CNAME, 60, WIRE_BYTES("\1x\300\20"));
    answer_count(&a, SECTION_ANSWER);
    wire_pointer(&a.w, 41);
    wire_record(&a.w, TYPE_A, 60, ADDRESS);
    whole = a.w.len;
    answer_opt(&a, 0);
    answer_build(&a);
    assert_int_equal(answer_entry(&a)->wire_len, whole);
    assert_memory_equal(entry_wire(answer_entry(&a)) + 12, "\3www", 4);
    assert_memory_equal(entry_wire(answer_entry(&a)) + 29, a.octets + 29, whole - 29);
    assert_int_equal(records(), 2);
    assert_owner(&a, 1, "x.example");
}

static void records_behind_the_opt_are_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 60, ADDRESS);
    answer_opt(&a, 0);
    answer_add(&a, SECTION_ADDITIONAL, "ns.example", TYPE_A, ADDRESS);
    answer_build(&a);
    assert_int_equal(records(), 2);
    assert_int_equal(entry_record(&a, 1).type, TYPE_A);
    assert_owner(&a, 1, "ns.example");
}

/* RFC 4035 section 3.2.1. */
static void dnssec_records_are_for_those_who_set_do(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_add(&a, SECTION_ANSWER, "www.example", TYPE_RRSIG, SIGNATURE);
    answer_a(&a, "www.example", 60, ADDRESS);
    answer_add(&a, SECTION_AUTHORITY, "www.example", TYPE_NSEC, WIRE_BYTES("\0\0\1\100"));
    answer_build(&a);
    assert_int_equal(records(), 1);
    assert_int_equal(entry_record(&a, 0).type, TYPE_A);
    a.source.dnssec_ok = true;
    answer_build(&a);
    assert_int_equal(records(), 3);
    assert_true(answer_entry(&a)->dnssec_ok);
}

static void a_dnssec_record_that_was_asked_is_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_RRSIG, 0);
    answer_add(&a, SECTION_ANSWER, "www.example", TYPE_RRSIG, SIGNATURE);
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    assert_int_equal(records(), 1);
}

static void a_tsig_is_not_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 60, ADDRESS);
    answer_add(&a, SECTION_ADDITIONAL, "key", TYPE_TSIG, WIRE_BYTES("\0"));
    answer_build(&a);
    assert_int_equal(records(), 1);
}

static void cnames_stand_before_what_they_lead_to(void **state)
{
    struct name target;

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "y.example", 60, ADDRESS);
    answer_cname(&a, "x.example", 60, "y.example");
    answer_cname(&a, "www.example", 60, "x.example");
    answer_a(&a, "y.example", 60, ADDRESS_TWO);
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    assert_int_equal(records(), 4);
    assert_owner(&a, 0, "www.example");
    assert_owner(&a, 1, "x.example");
    assert_owner(&a, 2, "y.example");
    assert_owner(&a, 3, "y.example");
    assert_int_equal(entry_record(&a, 1).type, TYPE_CNAME);
    assert_int_equal(entry_chain_name(&target, answer_entry(&a), 1), ERR_OK);
    assert_memory_equal(target.wire, "\1y\7example", 11);
}

static void an_address_in_front_of_the_only_cname_is_put_behind_it(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "x.example", 60, ADDRESS);
    answer_cname(&a, "www.example", 60, "x.example");
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    assert_owner(&a, 0, "www.example");
    assert_owner(&a, 1, "x.example");
}

static void what_is_written_anew_points_to_names_written_before(void **state)
{
    (void)state;
    cnames_stand_before_what_they_lead_to(state);
    for (size_t i = 0; i < 4; i++) {
        uint16_t owner = entry_record(&a, i).owner_offset;

        assert_int_equal(entry_wire(answer_entry(&a))[owner] & 0xc0, 0xc0);
    }
}

/* A pointer into the header or a TTL leads elsewhere in each reply. */
static void a_name_within_changing_octets_is_written_out(void **state)
{
    static const uint16_t targets[] = {4, 6, 25, 28};

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        answer_begin(&a, "www.example", TYPE_A, 0);
        answer_a(&a, "www.example", 0, ADDRESS);
        answer_count(&a, SECTION_ADDITIONAL);
        wire_pointer(&a.w, targets[i]);
        wire_record(&a.w, TYPE_A, 60, ADDRESS);
        if (answer_try(&a) == ERR_OK)
            assert_true(entry_wire(answer_entry(&a))[entry_record(&a, 1).owner_offset] < 64);
    }
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 60, ADDRESS);
    answer_count(&a, SECTION_ADDITIONAL);
    wire_pointer(&a.w, 29 + 13 + 4);
    wire_record(&a.w, TYPE_A, 60, ADDRESS);
    answer_build(&a);
    assert_owner(&a, 1, "");
    assert_int_equal(entry_wire(answer_entry(&a))[entry_record(&a, 1).owner_offset], 0);
}

/* RFC 3597 section 4: RDATA of unknown types passes bit by bit. */
static void unknown_types_pass_unchanged(void **state)
{
    struct rr rr;

    (void)state;
    answer_begin(&a, "www.example", 65280, 0);
    answer_add(&a, SECTION_ANSWER, "www.example", 65280, WIRE_BYTES("\300\14\377\0\1"));
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    rr = entry_record(&a, 0);
    assert_int_equal(rr.rdata_len, 5);
    assert_memory_equal(entry_wire(answer_entry(&a)) + rr.rdata_offset, "\300\14\377\0\1", 5);
}

static void a_name_that_is_not_sound_is_malformed(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_MX, 0);
    answer_add(&a, SECTION_ANSWER, "www.example", TYPE_MX, WIRE_BYTES("\0\1\300\377"));
    assert_int_equal(answer_try(&a), ERR_MALFORMED);
    answer_begin(&a, "www.example", TYPE_MX, 0);
    answer_add(&a, SECTION_ANSWER, "www.example", TYPE_MX, WIRE_BYTES("\0\1\1x"));
    assert_int_equal(answer_try(&a), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_answer_stays_as_it_is_up_to_the_opt),
        cmocka_unit_test(records_behind_the_opt_are_kept),
        cmocka_unit_test(dnssec_records_are_for_those_who_set_do),
        cmocka_unit_test(a_dnssec_record_that_was_asked_is_kept),
        cmocka_unit_test(a_tsig_is_not_kept),
        cmocka_unit_test(cnames_stand_before_what_they_lead_to),
        cmocka_unit_test(an_address_in_front_of_the_only_cname_is_put_behind_it),
        cmocka_unit_test(what_is_written_anew_points_to_names_written_before),
        cmocka_unit_test(a_name_within_changing_octets_is_written_out),
        cmocka_unit_test(unknown_types_pass_unchanged),
        cmocka_unit_test(a_name_that_is_not_sound_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
