/* entry_build: unit tests of what kind an answer is, which records are kept, and for how long. */
#include "cache_test.h"

static struct answer a;

static void an_answer_lives_as_long_as_its_shortest_record(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_cname(&a, "www.example", 60, "x.example");
    answer_a(&a, "x.example", 20, ADDRESS);
    answer_soa(&a, "example", 5, 5);
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    assert_int_equal(answer_entry(&a)->ttl_s, 20);
    assert_int_equal(answer_entry(&a)->type, TYPE_A);
    assert_int_equal(answer_entry(&a)->stored_ms, NOW_MS);
}

/* RFC 2181 section 5.2. */
static void all_records_of_an_rrset_get_its_least_ttl(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 60, ADDRESS);
    answer_a(&a, "WWW.example", 20, ADDRESS_TWO);
    answer_add(&a, SECTION_ADDITIONAL, "www.example", TYPE_TXT, WIRE_BYTES("\1x"));
    answer_build(&a);
    assert_int_equal(entry_record(&a, 0).ttl, 20);
    assert_int_equal(entry_record(&a, 1).ttl, 20);
    assert_int_equal(entry_record(&a, 2).ttl, 300);
}

static void more_rrsets_than_are_told_apart_still_have_equal_ttls(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_ANY, 0);
    for (unsigned round = 0; round < 2; round++) {
        for (char c = 'a'; c <= 'z'; c++) {
            for (char d = 'a'; d <= 'd'; d++) {
                const char owner[] = {c, d, 0};

                answer_a(&a, owner, round == 0 ? 1000 : 100 + (uint32_t)c, ADDRESS);
            }
        }
    }
    answer_build(&a);
    assert_int_equal(answer_entry(&a)->ttl_s, 100 + 'a');
    for (size_t i = 0; i < 104; i++)
        assert_int_equal(entry_record(&a, i).ttl, entry_record(&a, i + 104).ttl);
}

/* RFC 2181 section 8 and RFC 8767 section 4. */
static void a_ttl_with_its_top_bit_set_is_a_long_one(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 0x80000000, ADDRESS);
    a.source.max_ttl_s = UINT32_MAX;
    assert_int_equal(answer_build(&a)->ttl_s, RR_TTL_MAX);
    assert_int_equal(entry_record(&a, 0).ttl, RR_TTL_MAX);
    a.source.max_ttl_s = 3600;
    assert_int_equal(answer_build(&a)->ttl_s, 3600);
    assert_int_equal(entry_record(&a, 0).ttl, 3600);
}

static void a_ttl_of_zero_is_not_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 0, ADDRESS);
    assert_int_equal(answer_build(&a)->ttl_s, 0);
    assert_int_equal(answer_entry(&a)->kind, ENTRY_POSITIVE);
}

/* RFC 2308 sections 5 and 6. */
static void a_negative_answer_lives_as_its_soa_says(void **state)
{
    static const struct {
        uint32_t ttl, minimum, expected;
    } rows[] = {{600, 30, 30}, {30, 600, 30}, {3600, 7200, 900}, {0, 60, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        answer_begin(&a, "www.example", TYPE_A, RCODE_NXDOMAIN);
        answer_soa(&a, "example", rows[i].ttl, rows[i].minimum);
        assert_int_equal(answer_build(&a)->kind, ENTRY_NXDOMAIN);
        assert_int_equal(answer_entry(&a)->ttl_s, rows[i].expected);
        assert_int_equal(entry_record(&a, 0).ttl, rows[i].expected);
    }
}

static void negative_answers_without_an_soa_are_not_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, RCODE_NXDOMAIN);
    assert_int_equal(answer_build(&a)->ttl_s, 0);
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_add(&a, SECTION_AUTHORITY, "example", TYPE_NS, WIRE_BYTES("\2ns\0"));
    assert_int_equal(answer_build(&a)->ttl_s, 0);
    assert_int_equal(answer_entry(&a)->kind, ENTRY_NODATA);
}

static void a_plain_nxdomain_stands_under_no_type(void **state)
{
    static const uint16_t types[] = {TYPE_A, TYPE_TXT, TYPE_HTTPS};
    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        answer_begin(&a, "www.example", types[i], RCODE_NXDOMAIN);
        answer_soa(&a, "example", 60, 60);
        assert_int_equal(answer_build(&a)->type, CACHE_TYPE_NXDOMAIN);
    }
}

/* RFC 4074 section 4.2. */
static void an_nxdomain_said_to_aaaa_denies_that_type_alone(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_AAAA, RCODE_NXDOMAIN);
    answer_soa(&a, "example", 60, 60);
    assert_int_equal(answer_build(&a)->type, TYPE_AAAA);
    assert_int_equal(answer_entry(&a)->kind, ENTRY_NXDOMAIN);
}

/* RFC 2308 section 2.1: it is the name at the chain's end that is not there. */
static void an_nxdomain_behind_a_cname_stands_under_the_asked_type(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_AAAA, RCODE_NXDOMAIN);
    answer_cname(&a, "www.example", 40, "gone.example");
    answer_soa(&a, "example", 60, 60);
    assert_int_equal(answer_build(&a)->type, TYPE_AAAA);
    assert_int_equal(answer_entry(&a)->kind, ENTRY_NXDOMAIN);
    assert_int_equal(answer_entry(&a)->ttl_s, 40);
    assert_int_equal(answer_entry(&a)->ttl_count, 2);
}

/* RFC 2308 section 2.2. */
static void a_chain_that_ends_without_the_type_is_nodata(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_AAAA, 0);
    answer_cname(&a, "www.example", 40, "x.example");
    answer_add(&a, SECTION_ANSWER, "other.example", TYPE_AAAA, WIRE_BYTES("0123456789abcdef"));
    answer_soa(&a, "example", 60, 60);
    assert_int_equal(answer_build(&a)->kind, ENTRY_NODATA);
    assert_int_equal(answer_entry(&a)->type, TYPE_AAAA);
    assert_int_equal(answer_entry(&a)->ttl_s, 40);
}

static void the_cname_itself_can_be_asked(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_CNAME, 0);
    answer_cname(&a, "www.example", 40, "x.example");
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    assert_int_equal(answer_entry(&a)->chain_count, 0);
}

/* RFC 9520 section 3.2. */
static void other_rcodes_are_failures_with_the_upstreams_rcode(void **state)
{
    static const uint16_t rcodes[] = {1, 2, 4, 5, 6, 9};

    (void)state;
    for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
        answer_begin(&a, "www.example", TYPE_A, rcodes[i]);
        answer_soa(&a, "example", 60, 60);
        assert_int_equal(answer_build(&a)->kind, ENTRY_FAILURE);
        assert_int_equal(answer_entry(&a)->ttl_s, ENTRY_FAILURE_MIN_S);
        assert_int_equal(answer_entry(&a)->failures, 1);
        assert_int_equal(answer_entry(&a)->ttl_count, 0);
        assert_int_equal(entry_wire(answer_entry(&a))[3] & 15, rcodes[i]);
        assert_int_equal(answer_entry(&a)->wire_len, 12 + 13 + 4);
    }
}

static void an_extended_rcode_is_a_servfail(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_opt(&a, 1U << 24);
    assert_int_equal(answer_build(&a)->kind, ENTRY_FAILURE);
    assert_int_equal(entry_wire(answer_entry(&a))[3] & 15, RCODE_SERVFAIL);
}

static void what_is_truncated_is_not_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, FLAG_TC);
    answer_a(&a, "www.example", 60, ADDRESS);
    assert_int_equal(answer_build(&a)->ttl_s, 0);
}

static void a_chain_of_nine_links_is_not_kept(void **state)
{
    (void)state;
    for (char links = 8; links <= 9; links++) {
        answer_begin(&a, "a.example", TYPE_A, 0);
        for (char i = 0; i < links; i++) {
            const char owner[] = {(char)('a' + i), '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
            const char target[] = {(char)('b' + i), '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

            answer_cname(&a, owner, 60, target);
        }
        answer_a(&a, links == 8 ? "i.example" : "j.example", 60, ADDRESS);
        assert_int_equal(answer_build(&a)->ttl_s, links == 8 ? 60 : 0);
        assert_int_equal(answer_entry(&a)->ttl_count, links + 1);
    }
}

static void another_question_is_malformed(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 60, ADDRESS);
    a.source.qtype = TYPE_AAAA;
    assert_int_equal(answer_try(&a), ERR_MALFORMED);
    a.source.qtype = TYPE_A;
    name_of(&a.qname, "wwx.example");
    assert_int_equal(answer_try(&a), ERR_MALFORMED);
}

static void every_shortened_message_is_malformed(void **state)
{
    size_t whole;

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_cname(&a, "www.example", 60, "x.example");
    answer_a(&a, "x.example", 60, ADDRESS);
    whole = a.w.len;
    for (a.w.len = 0; a.w.len < whole; a.w.len++)
        assert_int_equal(answer_try(&a), ERR_MALFORMED);
    assert_int_equal(answer_try(&a), ERR_OK);
}

static void too_little_room_is_told(void **state)
{
    size_t needed;

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_a(&a, "www.example", 60, ADDRESS);
    needed = answer_build(&a)->size;
    assert_int_equal(entry_build(answer_entry(&a), needed, &a.source), ERR_OK);
    for (size_t cap = 0; cap < needed; cap++)
        assert_int_equal(entry_build(answer_entry(&a), cap, &a.source), ERR_NO_SPACE);
}

static void a_cut_keeps_the_chain_alone(void **state)
{
    struct name target;

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, FLAG_AD | RCODE_SERVFAIL);
    answer_cname(&a, "www.example", 60, "x.example");
    answer_cname(&a, "x.example", 50, "y.example");
    answer_cname(&a, "y.example", 10, "z.example");
    a.source.decision.cut = 2;
    assert_int_equal(answer_build(&a)->kind, ENTRY_POSITIVE);
    assert_int_equal(answer_entry(&a)->ttl_s, 50);
    assert_int_equal(answer_entry(&a)->ttl_count, 2);
    assert_int_equal(answer_entry(&a)->chain_count, 2);
    assert_int_equal(bytes_get_u16(entry_wire(answer_entry(&a)) + 2), FLAG_QR | FLAG_RA);
    assert_int_equal(entry_chain_name(&target, answer_entry(&a), 1), ERR_OK);
    assert_memory_equal(target.wire, "\1y\7example", 11);
}

static void a_cut_chain_with_a_ttl_of_zero_is_not_kept(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_cname(&a, "www.example", 0, "x.example");
    a.source.decision.cut = 1;
    assert_int_equal(answer_build(&a)->ttl_s, 0);
}

/* RFC 9520 section 3.2: at least one second, backing off, and never for long. */
static void failures_back_off_to_five_seconds(void **state)
{
    static const uint32_t expected[] = {1, 2, 4, 5, 5, 5};

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    for (unsigned i = 0; i < 6; i++) {
        entry_build_failure(answer_entry(&a), sizeof(a.room), &a.source, EDE_NO_REACHABLE_AUTHORITY,
                            i + 1);
        assert_int_equal(answer_entry(&a)->ttl_s, expected[i]);
        assert_int_equal(answer_entry(&a)->failures, i + 1);
        assert_int_equal(answer_entry(&a)->ede, EDE_NO_REACHABLE_AUTHORITY);
    }
    entry_back_off(answer_entry(&a), 1000);
    assert_int_equal(answer_entry(&a)->failures, 127);
    assert_int_equal(answer_entry(&a)->ttl_s, ENTRY_FAILURE_MAX_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_lives_as_long_as_its_shortest_record),
        cmocka_unit_test(all_records_of_an_rrset_get_its_least_ttl),
        cmocka_unit_test(more_rrsets_than_are_told_apart_still_have_equal_ttls),
        cmocka_unit_test(a_ttl_with_its_top_bit_set_is_a_long_one),
        cmocka_unit_test(a_ttl_of_zero_is_not_kept),
        cmocka_unit_test(a_negative_answer_lives_as_its_soa_says),
        cmocka_unit_test(negative_answers_without_an_soa_are_not_kept),
        cmocka_unit_test(a_plain_nxdomain_stands_under_no_type),
        cmocka_unit_test(an_nxdomain_said_to_aaaa_denies_that_type_alone),
        cmocka_unit_test(an_nxdomain_behind_a_cname_stands_under_the_asked_type),
        cmocka_unit_test(a_chain_that_ends_without_the_type_is_nodata),
        cmocka_unit_test(the_cname_itself_can_be_asked),
        cmocka_unit_test(other_rcodes_are_failures_with_the_upstreams_rcode),
        cmocka_unit_test(an_extended_rcode_is_a_servfail),
        cmocka_unit_test(what_is_truncated_is_not_kept),
        cmocka_unit_test(a_chain_of_nine_links_is_not_kept),
        cmocka_unit_test(another_question_is_malformed),
        cmocka_unit_test(every_shortened_message_is_malformed),
        cmocka_unit_test(too_little_room_is_told),
        cmocka_unit_test(a_cut_keeps_the_chain_alone),
        cmocka_unit_test(a_cut_chain_with_a_ttl_of_zero_is_not_kept),
        cmocka_unit_test(failures_back_off_to_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
