/* What a message with the right id is taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/upstream/judge.h"
#include "local53/dns/message.h"
#include "wire.h"

#define QUESTION WIRE_BYTES("\3www\7example\3com\0\0\1\0\1")

/* A message being made: header and question first. */
struct made {
    uint8_t data[512];
    struct writer w;
};

static void make(struct made *made, uint16_t flags, uint16_t records)
{
    const uint16_t counts[4] = {1, records, 0, 0};
    made->w = writer_init(made->data, sizeof(made->data));
    wire_header(&made->w, FLAG_QR | flags, counts);
    wire_question(&made->w, "wWw.exaMPle.com", TYPE_A);
    for (uint16_t i = 0; i < records; i++) {
        wire_pointer(&made->w, MESSAGE_HEADER_OCTETS);
        wire_record(&made->w, TYPE_A, 60, WIRE_BYTES("\300\000\002\001"));
    }
}

static enum verdict judge_made(const struct made *made, bool edns, bool over_tcp)
{
    const struct judge_asked asked = {QUESTION, edns, over_tcp};
    return judge_message(&asked, made->data, made->w.len);
}

static void records_or_their_absence_are_an_answer(void **state)
{
    static const uint16_t rcodes[] = {RCODE_NOERROR, RCODE_NXDOMAIN, 6, 10};
    struct made made;
    (void)state;
    for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
        make(&made, rcodes[i], i == 0 ? 3 : 0);
        assert_int_equal(judge_made(&made, true, false), VERDICT_ANSWER);
    }
}

/* RFC 5452 section 9.1. */
static void every_bit_of_the_question_but_the_case_decides(void **state)
{
    struct made made;
    (void)state;
    make(&made, RCODE_NOERROR, 0);
    for (size_t i = MESSAGE_HEADER_OCTETS; i < made.w.len; i++) {
        for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
            bool is_letter = (made.data[i] | 0x20) >= 'a' && (made.data[i] | 0x20) <= 'z';
            made.data[i] ^= (uint8_t)bit;
            enum verdict expected = is_letter && bit == 0x20 ? VERDICT_ANSWER : VERDICT_FOREIGN;
            assert_int_equal(judge_made(&made, true, false), expected);
            made.data[i] ^= (uint8_t)bit;
        }
    }
}

/* RFC 7766 section 5. */
static void what_is_cut_is_asked_over_tcp_and_never_cut_there(void **state)
{
    struct made made;
    (void)state;
    make(&made, FLAG_TC, 1);
    made.w.len -= 3;
    assert_int_equal(judge_made(&made, true, false), VERDICT_CUT);
    assert_int_equal(judge_made(&made, true, true), VERDICT_MALFORMED);
}

static void an_answer_that_ends_early_is_malformed_at_every_length(void **state)
{
    struct made made;
    (void)state;
    make(&made, RCODE_NOERROR, 2);
    size_t question_end = MESSAGE_HEADER_OCTETS + QUESTION.len;
    for (size_t len = made.w.len - 1; len >= MESSAGE_HEADER_OCTETS; len--) {
        made.w.len = len;
        assert_int_equal(judge_made(&made, true, false),
                         len < question_end ? VERDICT_FOREIGN : VERDICT_MALFORMED);
    }
}

/* RFC 1035 section 4.1.4: a pointer leads backwards. */
static void an_owner_or_an_alias_that_leads_nowhere_is_malformed(void **state)
{
    static const uint16_t types[] = {TYPE_A, TYPE_CNAME};
    struct made made;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&made, RCODE_NOERROR, 0);
        bytes_put_u16(made.data + 6, 1);
        size_t owner = made.w.len;
        wire_pointer(&made.w, types[i] == TYPE_A ? (uint16_t)owner : MESSAGE_HEADER_OCTETS);
        wire_record(&made.w, types[i], 60, WIRE_BYTES("\377\377"));
        assert_int_equal(judge_made(&made, true, false), VERDICT_MALFORMED);
    }
}

/* Header, question and one NS record in the authority section. */
static void make_referral(struct made *made, uint16_t flags)
{
    make(made, flags, 0);
    bytes_put_u16(made->data + 8, 1);
    wire_pointer(&made->w, MESSAGE_HEADER_OCTETS + 4);
    wire_record(&made->w, TYPE_NS, 60, WIRE_BYTES("\2ns\0"));
}

/* RFC 1034 section 4.3.2: a referral is for those who iterate. */
static void a_referral_of_a_server_that_does_not_recurse_is_no_answer(void **state)
{
    struct made made;
    (void)state;
    make_referral(&made, 0);
    assert_int_equal(judge_made(&made, true, false), VERDICT_REFUSAL);
    make_referral(&made, FLAG_RA);
    assert_int_equal(judge_made(&made, true, false), VERDICT_ANSWER);
    make_referral(&made, FLAG_AA);
    assert_int_equal(judge_made(&made, true, false), VERDICT_ANSWER);
    make(&made, 0, 0);
    assert_int_equal(judge_made(&made, true, false), VERDICT_ANSWER);
}

/* RFC 6891 section 7. */
static void formerr_and_notimp_to_edns_ask_for_a_plain_query(void **state)
{
    static const uint16_t rcodes[] = {RCODE_FORMERR, RCODE_NOTIMP};
    struct made made;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&made, rcodes[i], 0);
        assert_int_equal(judge_made(&made, true, false), VERDICT_NO_EDNS);
        assert_int_equal(judge_made(&made, false, false), VERDICT_REFUSAL);
    }
}

/* RFC 8906 section 3.2. */
static void a_bare_header_counts_for_formerr_and_notimp_only(void **state)
{
    static const uint16_t none[4] = {0, 0, 0, 0};
    struct made made;
    (void)state;
    for (uint16_t rcode = 0; rcode < 16; rcode++) {
        bool counts = rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP;
        made.w = writer_init(made.data, sizeof(made.data));
        wire_header(&made.w, FLAG_QR | rcode, none);
        assert_int_equal(judge_made(&made, true, false),
                         counts ? VERDICT_NO_EDNS : VERDICT_FOREIGN);
        assert_int_equal(judge_made(&made, false, false),
                         counts ? VERDICT_MALFORMED : VERDICT_FOREIGN);
    }
}

static void servfail_and_refused_are_refusals(void **state)
{
    struct made made;
    (void)state;
    make(&made, RCODE_SERVFAIL, 0);
    assert_int_equal(judge_made(&made, true, false), VERDICT_REFUSAL);
    make(&made, RCODE_REFUSED, 0);
    assert_int_equal(judge_made(&made, false, true), VERDICT_REFUSAL);
}

/* The chain may lead to a name that the caller answers itself; without one a refusal says nothing. */
static void a_refusal_behind_an_alias_is_an_answer(void **state)
{
    static const uint16_t rcodes[] = {RCODE_SERVFAIL, RCODE_REFUSED};
    struct made made;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(&made, rcodes[i], 0);
        bytes_put_u16(made.data + 6, 1);
        wire_pointer(&made.w, MESSAGE_HEADER_OCTETS);
        wire_record(&made.w, TYPE_CNAME, 60, WIRE_BYTES("\3api\7example\3net\0"));
        assert_int_equal(judge_made(&made, true, false), VERDICT_ANSWER);
        /* The same record in the authority section leads nowhere. */
        bytes_put_u16(made.data + 6, 0);
        bytes_put_u16(made.data + 8, 1);
        assert_int_equal(judge_made(&made, true, false), VERDICT_REFUSAL);
        make(&made, rcodes[i], 1);
        assert_int_equal(judge_made(&made, true, false), VERDICT_REFUSAL);
    }
}

/* RFC 6891 section 6.1.3: upper bits of the rcode. */
static void an_rcode_told_by_an_opt_is_badvers_or_nonsense(void **state)
{
    struct made made;
    (void)state;
    make(&made, RCODE_NOERROR, 0);
    wire_opt(&made.w, 1232, 0, (struct bytes){NULL, 0});
    bytes_put_u16(made.data + 10, 1);
    assert_int_equal(judge_made(&made, true, false), VERDICT_ANSWER);
    made.data[made.w.len - 6] = 1;
    assert_int_equal(judge_made(&made, true, false), VERDICT_NO_EDNS);
    assert_int_equal(judge_made(&made, false, false), VERDICT_MALFORMED);
    bytes_put_u16(made.data + 2, FLAG_QR | 7);
    assert_int_equal(judge_made(&made, true, false), VERDICT_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_or_their_absence_are_an_answer),
        cmocka_unit_test(every_bit_of_the_question_but_the_case_decides),
        cmocka_unit_test(what_is_cut_is_asked_over_tcp_and_never_cut_there),
        cmocka_unit_test(an_answer_that_ends_early_is_malformed_at_every_length),
        cmocka_unit_test(an_owner_or_an_alias_that_leads_nowhere_is_malformed),
        cmocka_unit_test(a_referral_of_a_server_that_does_not_recurse_is_no_answer),
        cmocka_unit_test(formerr_and_notimp_to_edns_ask_for_a_plain_query),
        cmocka_unit_test(a_bare_header_counts_for_formerr_and_notimp_only),
        cmocka_unit_test(servfail_and_refused_are_refusals),
        cmocka_unit_test(a_refusal_behind_an_alias_is_an_answer),
        cmocka_unit_test(an_rcode_told_by_an_opt_is_badvers_or_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
