/* entry: unit tests of how an entry is said again. */
#include "cache_test.h"

static struct answer a;

/* The usual answer: two addresses, 60 seconds. */
static void begin_usual(unsigned flags)
{
    answer_begin(&a, "www.example", TYPE_A, flags);
    answer_a(&a, "www.example", 60, ADDRESS);
    answer_a(&a, "www.example", 60, ADDRESS_TWO);
    answer_build(&a);
}

static void the_header_has_48_octets(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct entry), 48);
}

/* RFC 1035 section 4.1.1, RFC 4343. */
static void the_reply_has_the_clients_id_flags_and_case(void **state)
{
    (void)state;
    begin_usual(FLAG_AA);
    answer_ask(&a, "wWw.eXample", TYPE_A, false, FLAG_CD);
    a.request.header.id = 0xbeef;
    assert_int_equal(answer_render(&a, 0, 512), FLAG_QR | FLAG_RD | FLAG_RA | FLAG_CD);
    assert_int_equal(bytes_get_u16(a.reply), 0xbeef);
    assert_memory_equal(a.reply + 12, "\3wWw\7eXample", 13);
    assert_memory_equal(entry_wire(answer_entry(&a)) + 12, "\3www\7example", 13);
    assert_int_equal(a.out.len, answer_entry(&a)->wire_len);
}

/* RFC 6840 section 5.8. */
static void ad_is_for_those_who_understand_it(void **state)
{
    (void)state;
    begin_usual(FLAG_AD);
    answer_ask(&a, "www.example", TYPE_A, false, 0);
    assert_int_equal(answer_render(&a, 0, 512) & FLAG_AD, 0);
    answer_ask(&a, "www.example", TYPE_A, false, FLAG_AD);
    assert_int_equal(answer_render(&a, 0, 512) & FLAG_AD, FLAG_AD);
    answer_ask(&a, "www.example", TYPE_A, true, 0);
    assert_int_equal(answer_render(&a, 0, 512) & FLAG_AD, 0);
    a.request.edns.dnssec_ok = true;
    assert_int_equal(answer_render(&a, 0, 512) & FLAG_AD, FLAG_AD);
}

static void ttls_count_down_by_whole_seconds(void **state)
{
    (void)state;
    begin_usual(0);
    answer_ask(&a, "www.example", TYPE_A, false, 0);
    answer_render(&a, 999, 512);
    assert_int_equal(reply_record(&a, 1).ttl, 60);
    answer_render(&a, 1000, 512);
    assert_int_equal(reply_record(&a, 0).ttl, 59);
    assert_int_equal(reply_record(&a, 1).ttl, 59);
    answer_render(&a, 59999, 512);
    assert_int_equal(reply_record(&a, 0).ttl, 1);
    answer_render(&a, (uint64_t)1 << 50, 512);
    assert_int_equal(reply_record(&a, 0).ttl, 0);
    assert_int_equal(entry_record(&a, 0).ttl, 60);
}

static void what_is_left_counts_the_begun_second(void **state)
{
    const struct entry *entry = answer_entry(&a);

    (void)state;
    begin_usual(0);
    assert_int_equal(entry_ttl_left(entry, NOW_MS - 5), 60);
    assert_int_equal(entry_ttl_left(entry, NOW_MS), 60);
    assert_int_equal(entry_ttl_left(entry, NOW_MS + 1), 60);
    assert_int_equal(entry_ttl_left(entry, NOW_MS + 1000), 59);
    assert_int_equal(entry_ttl_left(entry, NOW_MS + 59999), 1);
    assert_int_equal(entry_ttl_left(entry, NOW_MS + 60000), 0);
    assert_true(entry_is_fresh(entry, NOW_MS - 5));
    assert_true(entry_is_fresh(entry, NOW_MS + 59999));
    assert_false(entry_is_fresh(entry, NOW_MS + 60000));
}

/* RFC 6891 section 6.1.1. */
static void there_is_an_opt_only_for_those_who_sent_one(void **state)
{
    (void)state;
    begin_usual(0);
    answer_ask(&a, "www.example", TYPE_A, true, 0);
    answer_render(&a, 0, 512);
    assert_int_equal(a.out.len, answer_entry(&a)->wire_len + EDNS_OPT_OCTETS);
    assert_int_equal(reply_record(&a, 2).type, TYPE_OPT);
    assert_int_equal(reply_record(&a, 2).class, EDNS_UDP_SIZE);
    assert_int_equal(reply_record(&a, 2).ttl, 0);
    a.request.edns.dnssec_ok = true;
    answer_render(&a, 0, 512);
    assert_int_equal(reply_record(&a, 2).ttl, EDNS_FLAG_DO);
}

static void what_does_not_fit_is_truncated(void **state)
{
    size_t whole;

    (void)state;
    begin_usual(RCODE_NXDOMAIN);
    answer_ask(&a, "www.example", TYPE_A, true, 0);
    answer_render(&a, 0, 512);
    whole = a.out.len;
    assert_int_equal(answer_render(&a, 0, whole) & FLAG_TC, 0);
    assert_int_equal(answer_render(&a, 0, whole - 1) & (FLAG_TC | 15), FLAG_TC | RCODE_NXDOMAIN);
    assert_int_equal(a.out.len, 12 + 17 + EDNS_OPT_OCTETS);
    assert_int_equal(reply_record(&a, 0).type, TYPE_OPT);
}

static void an_nxdomain_answers_every_type_of_its_name(void **state)
{
    (void)state;
    answer_begin(&a, "www.example", TYPE_A, RCODE_NXDOMAIN);
    answer_soa(&a, "example", 60, 60);
    answer_build(&a);
    answer_ask(&a, "www.EXAMPLE", TYPE_TXT, false, 0);
    assert_int_equal(answer_render(&a, 10000, 512) & 15, RCODE_NXDOMAIN);
    assert_memory_equal(a.reply + 12, "\3www\7EXAMPLE\0\0\20\0\1", 17);
    assert_int_equal(reply_record(&a, 0).type, TYPE_SOA);
    assert_int_equal(reply_record(&a, 0).ttl, 50);
}

/* RFC 8914 section 4.14. */
static void a_failure_told_again_is_a_cached_error(void **state)
{
    struct rr opt;

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    entry_build_failure(answer_entry(&a), sizeof(a.room), &a.source, EDE_NETWORK_ERROR, 1);
    answer_ask(&a, "www.example", TYPE_A, true, 0);
    assert_int_equal(answer_render(&a, 0, 512) & 15, RCODE_SERVFAIL);
    opt = reply_record(&a, 0);
    assert_memory_equal(a.reply + opt.rdata_offset, "\0\17\0\2\0\27", 6);
    answer_render(&a, 500, 512);
    opt = reply_record(&a, 0);
    assert_memory_equal(a.reply + opt.rdata_offset, "\0\17\0\2\0\15", 6);
    answer_ask(&a, "www.example", TYPE_A, false, 0);
    answer_render(&a, 500, 512);
    assert_int_equal(a.out.len, 12 + 17);
}

static void a_cut_chain_ends_where_the_endpoint_begins(void **state)
{
    struct reply_status status = {RCODE_NOERROR, EDE_NONE, NULL};
    const uint16_t counts[3] = {2, 0, 0};
    uint16_t last = 0;

    (void)state;
    answer_begin(&a, "www.example", TYPE_A, 0);
    answer_cname(&a, "www.example", 60, "a.www.example");
    answer_cname(&a, "a.www.example", 50, "X.Example");
    answer_a(&a, "x.example", 60, ADDRESS);
    a.source.decision.cut = 2;
    answer_build(&a);
    answer_ask(&a, "WWW.example", TYPE_A, true, 0);
    a.out = writer_init(a.reply, sizeof(a.reply));
    entry_render_chain(&a.out, answer_entry(&a), &a.request, 7, &last);
    assert_memory_equal(a.reply + last, "\1X\7Example", 11);
    assert_int_equal(last + 11, a.out.len);
    reply_end(&a.out, &a.request, &status, counts);
    assert_memory_equal(a.reply + 12, "\3WWW\7example", 13);
    assert_int_equal(reply_record(&a, 0).ttl, 7);
    assert_int_equal(reply_record(&a, 1).ttl, 7);
    assert_int_equal(reply_record(&a, 1).rdata_offset, last);
    assert_int_equal(reply_record(&a, 2).type, TYPE_OPT);
}

static void an_entry_knows_its_names(void **state)
{
    struct name name;

    (void)state;
    answer_begin(&a, "wWw.example", TYPE_A, 0);
    answer_cname(&a, "www.example", 60, "X.example");
    answer_a(&a, "x.example", 60, ADDRESS);
    answer_build(&a);
    entry_name(&name, answer_entry(&a));
    assert_true(name_equal(&name, &a.qname));
    assert_int_equal(entry_chain_name(&name, answer_entry(&a), 0), ERR_OK);
    assert_memory_equal(name.wire, "\1x\7example", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_has_48_octets),
        cmocka_unit_test(the_reply_has_the_clients_id_flags_and_case),
        cmocka_unit_test(ad_is_for_those_who_understand_it),
        cmocka_unit_test(ttls_count_down_by_whole_seconds),
        cmocka_unit_test(what_is_left_counts_the_begun_second),
        cmocka_unit_test(there_is_an_opt_only_for_those_who_sent_one),
        cmocka_unit_test(what_does_not_fit_is_truncated),
        cmocka_unit_test(an_nxdomain_answers_every_type_of_its_name),
        cmocka_unit_test(a_failure_told_again_is_a_cached_error),
        cmocka_unit_test(a_cut_chain_ends_where_the_endpoint_begins),
        cmocka_unit_test(an_entry_knows_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
