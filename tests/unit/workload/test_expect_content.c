/* expect_content: what an answer must hold, read from words and compared with messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "wire.h"
#include "workload/expect_content.h"

#define TEN_1 WIRE_BYTES("\12\0\0\1")
#define TEN_2 WIRE_BYTES("\12\0\0\2")
#define V6_1 WIRE_BYTES("\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1")
#define LB_NAME WIRE_BYTES("\2lb\7example\0")

/* Offset of the name in the question: what a record's owner usually points to. */
#define QUESTION MESSAGE_HEADER_OCTETS

/* A response to www.example, and what it is compared with. */
struct answer {
    uint8_t octets[4096]; /* the response */
    struct writer w;      /* over octets */
    uint16_t type;        /* asked */
    uint16_t counts[4];   /* of the sections; patched by met() */
};

static void start(struct answer *answer, uint16_t type, uint16_t rcode)
{
    const uint16_t counts[4] = {1, 0, 0, 0};

    answer->w = writer_init(answer->octets, sizeof(answer->octets));
    answer->type = type;
    memcpy(answer->counts, counts, sizeof(counts));
    wire_header(&answer->w, (uint16_t)(FLAG_QR | FLAG_RA | rcode), counts);
    wire_question(&answer->w, "www.example", type);
}

/* A record owned by the name at this offset; gives the offset of its RDATA. */
static uint16_t add(struct answer *answer, uint16_t owner, uint16_t type, struct bytes rdata)
{
    wire_pointer(&answer->w, owner);
    wire_record(&answer->w, type, 60, rdata);
    answer->counts[1]++;
    return (uint16_t)(answer->w.len - rdata.len);
}

/* Whether the words, of a line of this type, are met by the answer. */
static bool met_by_line(struct answer *answer, const char *words, uint16_t line_type)
{
    struct arena arena = {0};
    struct text_fault fault = {0};
    struct expect_content content;
    char text[1024];
    bool is_met;

    for (size_t i = 0; i < 4; i++)
        writer_patch_u16(&answer->w, QDCOUNT_OFFSET + 2 * i, answer->counts[i]);
    assert_false(answer->w.failed);
    snprintf(text, sizeof(text), "%s", words);
    assert_true(expect_content_read(&content, text, line_type, &arena, &fault));
    is_met =
        expect_content_met(&content, (struct bytes){answer->octets, answer->w.len}, answer->type);
    arena_deinit(&arena);
    return is_met;
}

static bool met(struct answer *answer, const char *words)
{
    return met_by_line(answer, words, answer->type);
}

/* www.example A 10.0.0.1, 10.0.0.2 */
static void start_two_addresses(struct answer *answer)
{
    start(answer, TYPE_A, RCODE_NOERROR);
    add(answer, QUESTION, TYPE_A, TEN_1);
    add(answer, QUESTION, TYPE_A, TEN_2);
}

/* ---- Addresses ---- */

static void addresses_are_a_set_in_any_order(void **state)
{
    struct answer answer;

    (void)state;
    start_two_addresses(&answer);
    assert_true(met(&answer, "10.0.0.1 10.0.0.2"));
    assert_true(met(&answer, "10.0.0.2 10.0.0.1"));
}

static void an_address_too_many_or_too_few_is_wrong(void **state)
{
    struct answer answer;

    (void)state;
    start_two_addresses(&answer);
    assert_false(met(&answer, "10.0.0.1"));
    assert_false(met(&answer, "10.0.0.1 10.0.0.2 10.0.0.3"));
    assert_false(met(&answer, "10.0.0.1 10.0.0.3"));
}

static void an_address_said_twice_counts_once(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_A, TEN_1);
    add(&answer, QUESTION, TYPE_A, TEN_1);
    assert_true(met(&answer, "10.0.0.1"));
    assert_false(met(&answer, "10.0.0.1 10.0.0.2"));
}

static void addresses_are_compared_to_the_last_octet_of_both_families(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_AAAA, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_AAAA, V6_1);
    assert_true(met(&answer, "fd00::1"));
    assert_false(met(&answer, "fd00::2"));
    assert_false(met(&answer, "fd01::1"));
}

static void an_ipv4_address_is_not_the_beginning_of_an_ipv6_address(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_AAAA, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_AAAA, WIRE_BYTES("\12\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"));
    assert_false(met_by_line(&answer, "10.0.0.0/8", EXPECT_TYPE_EVERY));
    assert_true(met(&answer, "a00::/8"));
}

static void the_right_addresses_under_an_error_are_wrong(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_SERVFAIL);
    add(&answer, QUESTION, TYPE_A, TEN_1);
    assert_false(met(&answer, "10.0.0.1"));
    assert_false(met(&answer, "10.0.0.0/8"));
    assert_false(met(&answer, "any"));
}

static void an_empty_answer_has_no_addresses(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    assert_false(met(&answer, "10.0.0.1"));
    assert_false(met(&answer, "10.0.0.0/8"));
}

static void a_line_of_every_type_is_held_against_the_family_asked(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_AAAA, RCODE_NOERROR);
    assert_true(met_by_line(&answer, "10.0.0.1", EXPECT_TYPE_EVERY));
    assert_true(met_by_line(&answer, "10.0.0.0/8", EXPECT_TYPE_EVERY));
    assert_false(met_by_line(&answer, "10.0.0.1 fd00::1", EXPECT_TYPE_EVERY));
    assert_false(met_by_line(&answer, "10.0.0.0/8 fd00::/8", EXPECT_TYPE_EVERY));
    add(&answer, QUESTION, TYPE_AAAA, V6_1);
    assert_false(met_by_line(&answer, "10.0.0.1", EXPECT_TYPE_EVERY));
    assert_false(met_by_line(&answer, "10.0.0.0/8", EXPECT_TYPE_EVERY));
    assert_true(met_by_line(&answer, "10.0.0.1 fd00::1", EXPECT_TYPE_EVERY));
}

static void an_answer_that_can_hold_no_address_meets_no_line_of_addresses(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_TXT, RCODE_NOERROR);
    assert_false(met_by_line(&answer, "10.0.0.1", EXPECT_TYPE_EVERY));
    assert_false(met_by_line(&answer, "10.0.0.0/8", EXPECT_TYPE_EVERY));
}

static void all_of_sixty_four_addresses_are_wanted(void **state)
{
    struct answer answer;
    char words[1024] = "";
    size_t len = 0;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    for (uint8_t i = 0; i < 64; i++) {
        len += (size_t)snprintf(words + len, sizeof(words) - len, "10.0.0.%u ", i);
        if (i < 63)
            add(&answer, QUESTION, TYPE_A, (struct bytes){(const uint8_t[]){10, 0, 0, i}, 4});
    }
    assert_false(met(&answer, words));
    add(&answer, QUESTION, TYPE_A, WIRE_BYTES("\12\0\0\77"));
    assert_true(met(&answer, words));
}

/* ---- Prefixes ---- */

static void each_address_is_in_one_of_the_prefixes(void **state)
{
    struct answer answer;

    (void)state;
    start_two_addresses(&answer);
    assert_true(met(&answer, "10.0.0.0/8"));
    assert_true(met(&answer, "10.0.0.1/32 10.0.0.2/32"));
    assert_true(met(&answer, "192.0.2.0/24 10.0.0.0/30"));
    assert_true(met(&answer, "0.0.0.0/0"));
    assert_false(met(&answer, "10.0.0.2/31"));
    assert_false(met(&answer, "10.0.0.0/31"));
    assert_false(met(&answer, "11.0.0.0/8"));
}

static void a_prefix_need_not_end_at_an_octet(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_AAAA, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_AAAA, V6_1);
    assert_true(met(&answer, "fc00::/7"));
    assert_true(met(&answer, "fd00::/127"));
    assert_false(met(&answer, "fd80::/9"));
    assert_false(met(&answer, "fd00::2/127"));
}

/* ---- Owners and aliases ---- */

static void addresses_behind_aliases_count(void **state)
{
    struct answer answer;
    uint16_t target;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    target = add(&answer, QUESTION, TYPE_CNAME, LB_NAME);
    add(&answer, target, TYPE_A, TEN_1);
    assert_true(met(&answer, "10.0.0.1"));
    assert_true(met(&answer, "any"));
    assert_false(met(&answer, "empty"));
}

static void an_owner_written_out_in_other_letters_is_the_same(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    wire_name(&answer.w, "WWW.eXample");
    wire_record(&answer.w, TYPE_A, 60, TEN_1);
    answer.counts[1]++;
    assert_true(met(&answer, "10.0.0.1"));
}

static void an_address_of_another_owner_is_wrong(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    wire_name(&answer.w, "evil.example");
    wire_record(&answer.w, TYPE_A, 60, TEN_1);
    answer.counts[1]++;
    assert_false(met(&answer, "10.0.0.1"));
    assert_false(met(&answer, "10.0.0.0/8"));
    assert_false(met(&answer, "any"));
    assert_false(met(&answer, "empty"));
    assert_true(met(&answer, "NOERROR"));
}

/* Behind an alias the name asked has no address of its own (RFC 1034 section 3.6.2). */
static void an_address_that_is_not_where_the_alias_leads_is_wrong(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_CNAME, LB_NAME);
    add(&answer, QUESTION, TYPE_A, TEN_1);
    assert_false(met(&answer, "10.0.0.1"));
}

static void records_of_other_types_and_sections_do_not_count(void **state)
{
    struct answer answer;

    (void)state;
    start_two_addresses(&answer);
    add(&answer, QUESTION, TYPE_TXT, WIRE_BYTES("\1x"));
    add(&answer, QUESTION, TYPE_A, WIRE_BYTES("\12\0\0\3"));
    answer.counts[1]--;
    answer.counts[3]++;
    assert_true(met(&answer, "10.0.0.1 10.0.0.2"));
}

/* ---- Any, empty, rcodes, targets ---- */

static void any_wants_a_record_of_the_type_and_empty_wants_none(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_TXT, RCODE_NOERROR);
    assert_false(met(&answer, "any"));
    assert_true(met(&answer, "empty"));
    add(&answer, QUESTION, TYPE_CNAME, WIRE_BYTES("\300\14"));
    assert_false(met(&answer, "any"));
    assert_true(met(&answer, "empty"));
    add(&answer, QUESTION, TYPE_TXT, WIRE_BYTES("\1x"));
    assert_true(met(&answer, "any"));
    assert_false(met(&answer, "empty"));
}

static void an_rcode_is_exactly_that_one(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NXDOMAIN);
    assert_true(met(&answer, "NXDOMAIN"));
    assert_true(met(&answer, "nxdomain"));
    assert_false(met(&answer, "SERVFAIL"));
    assert_false(met(&answer, "NOERROR"));
    assert_false(met(&answer, "empty"));
}

/* RFC 6891 section 6.1.3: the OPT has the upper eight bits. */
static void an_rcode_has_its_upper_bits_in_the_opt(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, 0);
    wire_opt(&answer.w, 1232, 0x01000000, (struct bytes){NULL, 0});
    answer.counts[3]++;
    assert_true(met(&answer, "BADVERS"));
    assert_false(met(&answer, "NOERROR"));
    assert_false(met(&answer, "empty"));
}

static void one_record_of_the_type_must_lead_to_the_target(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_NS, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_NS, WIRE_BYTES("\2nx\300\20"));
    assert_false(met(&answer, "lb.example."));
    add(&answer, QUESTION, TYPE_NS, WIRE_BYTES("\2LB\300\20"));
    assert_true(met(&answer, "lb.example."));
    assert_true(met(&answer, "Lb.Example."));
    assert_false(met(&answer, "example."));
}

static void an_alias_asked_for_is_the_record_itself(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_CNAME, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_CNAME, LB_NAME);
    assert_true(met(&answer, "lb.example."));
    assert_true(met(&answer, "any"));
}

static void the_target_of_an_mx_is_behind_its_preference(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_MX, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_MX, WIRE_BYTES("\0\12\2lb\7example\0"));
    assert_true(met(&answer, "lb.example."));
    assert_false(met(&answer, "mx.example."));
}

/* ---- Malformed ---- */

static void an_address_of_another_length_is_malformed(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_A, WIRE_BYTES("\12\0\0"));
    assert_false(met(&answer, "any"));
    assert_false(met(&answer, "NOERROR"));
}

static void a_record_cut_short_is_malformed(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NXDOMAIN);
    assert_true(met(&answer, "NXDOMAIN"));
    answer.counts[2]++;
    assert_false(met(&answer, "NXDOMAIN"));
}

static void an_owner_that_cannot_be_read_is_malformed(void **state)
{
    static const uint16_t wrong[] = {MESSAGE_HEADER_OCTETS + 100, 0x3fff};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct answer answer;

        start(&answer, TYPE_A, RCODE_NOERROR);
        add(&answer, wrong[i], TYPE_TXT, WIRE_BYTES("\1x"));
        assert_false(met(&answer, "empty"));
        answer.counts[1]--;
        answer.counts[2]++;
        assert_false(met(&answer, "empty"));
    }
}

static void a_target_that_does_not_end_with_its_record_is_malformed(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_CNAME, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_CNAME, WIRE_BYTES("\2lb\7example\0\0"));
    assert_false(met(&answer, "lb.example."));
    start(&answer, TYPE_A, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_CNAME, WIRE_BYTES("\2lb"));
    assert_false(met(&answer, "empty"));
}

static void an_opt_is_the_only_one_the_roots_and_additional(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_A, RCODE_NOERROR);
    wire_opt(&answer.w, 1232, 0, (struct bytes){NULL, 0});
    answer.counts[3]++;
    assert_true(met(&answer, "empty"));
    wire_opt(&answer.w, 1232, 0, (struct bytes){NULL, 0});
    answer.counts[3]++;
    assert_false(met(&answer, "empty"));
    answer.counts[3] = 0;
    answer.counts[1] = 1;
    assert_false(met(&answer, "empty"));
    start(&answer, TYPE_A, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_OPT, (struct bytes){NULL, 0});
    answer.counts[1] = 0;
    answer.counts[3] = 1;
    assert_false(met(&answer, "empty"));
}

/* ---- Words ---- */

static void assert_fault(const char *words, uint16_t type, const char *reason)
{
    struct arena arena = {0};
    struct text_fault fault = {0};
    struct expect_content content;
    char text[2048];

    snprintf(text, sizeof(text), "%s", words);
    assert_false(expect_content_read(&content, text, type, &arena, &fault));
    assert_string_equal(fault.reason, reason);
    arena_deinit(&arena);
}

static void a_mistyped_answer_is_told_with_the_nearest(void **state)
{
    (void)state;
    assert_fault("NXDOMAN", TYPE_A, "unknown answer 'NXDOMAN'; did you mean 'NXDOMAIN'?");
    assert_fault("emtpy", TYPE_A, "unknown answer 'emtpy'; did you mean 'empty'?");
    assert_fault(
        "lb.example.com", TYPE_CNAME,
        "unknown answer 'lb.example.com'; want addresses, prefixes, any, empty, an rcode or "
        "a name with its last dot");
    assert_fault("", TYPE_A, "it does not say what the answer must be");
}

static void what_is_no_address_or_prefix_is_told(void **state)
{
    (void)state;
    assert_fault("10.0.0.256", TYPE_A, "'10.0.0.256' is no address");
    assert_fault("fd00:::1", TYPE_AAAA, "'fd00:::1' is no address");
    assert_fault("10.0.0.1 any", TYPE_A, "'any' is no address");
    assert_fault("10.0.0.0/33", TYPE_A, "'10.0.0.0/33' is no prefix");
    assert_fault("10.0.0.0/", TYPE_A, "'10.0.0.0/' is no prefix");
    assert_fault("10.0.0.0/+8", TYPE_A, "'10.0.0.0/+8' is no prefix");
    assert_fault("fd00::/129", TYPE_AAAA, "'fd00::/129' is no prefix");
}

static void bits_beyond_a_prefixs_length_are_a_fault(void **state)
{
    (void)state;
    assert_fault("10.0.0.1/24", TYPE_A, "'10.0.0.1/24' has bits beyond its length set");
    assert_fault("10.0.3.0/23", TYPE_A, "'10.0.3.0/23' has bits beyond its length set");
    assert_fault("fd00::1/127", TYPE_AAAA, "'fd00::1/127' has bits beyond its length set");
    assert_fault("1.0.0.0/0", TYPE_A, "'1.0.0.0/0' has bits beyond its length set");
}

static void what_an_answer_of_the_type_cannot_hold_is_a_fault(void **state)
{
    (void)state;
    assert_fault("fd00::1", TYPE_A, "'fd00::1' is no content of type A");
    assert_fault("10.0.0.0/8", TYPE_AAAA, "'10.0.0.0/8' is no content of type AAAA");
    assert_fault("10.0.0.1", TYPE_MX, "'10.0.0.1' is no content of type MX");
    assert_fault("lb.example.", TYPE_A, "a target fits CNAME, PTR, NS and MX, not A");
    assert_fault("lb.example.", EXPECT_TYPE_EVERY, "a target wants a type: CNAME, PTR, NS or MX");
}

static void lists_are_of_one_kind_without_repetition_and_bounded(void **state)
{
    char words[2048] = "";
    size_t len = 0;

    (void)state;
    assert_fault("10.0.0.1 10.0.0.0/8", TYPE_A,
                 "addresses and prefixes on one line; write '10.0.0.1/32'");
    assert_fault("10.0.0.1 10.0.0.2 10.0.0.1", TYPE_A, "'10.0.0.1' is there twice");
    for (unsigned i = 0; i < 65; i++)
        len += (size_t)snprintf(words + len, sizeof(words) - len, "10.0.0.%u ", i);
    assert_fault(words, TYPE_A, "more than 64 addresses");
}

static void one_word_is_enough_for_all_but_lists(void **state)
{
    (void)state;
    assert_fault("NXDOMAIN 10.0.0.1", TYPE_A, "'10.0.0.1' is one word too many");
    assert_fault("a.example. b.example.", TYPE_NS, "'b.example.' is one word too many");
}

static void what_a_terminal_would_obey_is_not_repeated(void **state)
{
    (void)state;
    assert_fault("x\033[2Jx:", TYPE_A, "'x?[2Jx:' is no address");
}

/* RFC 2317 delegates parts of reverse zones under names with a slash. */
static void a_target_may_have_a_slash(void **state)
{
    struct answer answer;

    (void)state;
    start(&answer, TYPE_CNAME, RCODE_NOERROR);
    add(&answer, QUESTION, TYPE_CNAME, WIRE_BYTES("\0010\0040/25\7example\0"));
    assert_true(met(&answer, "0.0/25.example."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_a_set_in_any_order),
        cmocka_unit_test(an_address_too_many_or_too_few_is_wrong),
        cmocka_unit_test(an_address_said_twice_counts_once),
        cmocka_unit_test(addresses_are_compared_to_the_last_octet_of_both_families),
        cmocka_unit_test(an_ipv4_address_is_not_the_beginning_of_an_ipv6_address),
        cmocka_unit_test(the_right_addresses_under_an_error_are_wrong),
        cmocka_unit_test(an_empty_answer_has_no_addresses),
        cmocka_unit_test(a_line_of_every_type_is_held_against_the_family_asked),
        cmocka_unit_test(an_answer_that_can_hold_no_address_meets_no_line_of_addresses),
        cmocka_unit_test(all_of_sixty_four_addresses_are_wanted),
        cmocka_unit_test(each_address_is_in_one_of_the_prefixes),
        cmocka_unit_test(a_prefix_need_not_end_at_an_octet),
        cmocka_unit_test(addresses_behind_aliases_count),
        cmocka_unit_test(an_owner_written_out_in_other_letters_is_the_same),
        cmocka_unit_test(an_address_of_another_owner_is_wrong),
        cmocka_unit_test(an_address_that_is_not_where_the_alias_leads_is_wrong),
        cmocka_unit_test(records_of_other_types_and_sections_do_not_count),
        cmocka_unit_test(any_wants_a_record_of_the_type_and_empty_wants_none),
        cmocka_unit_test(an_rcode_is_exactly_that_one),
        cmocka_unit_test(an_rcode_has_its_upper_bits_in_the_opt),
        cmocka_unit_test(one_record_of_the_type_must_lead_to_the_target),
        cmocka_unit_test(an_alias_asked_for_is_the_record_itself),
        cmocka_unit_test(the_target_of_an_mx_is_behind_its_preference),
        cmocka_unit_test(an_address_of_another_length_is_malformed),
        cmocka_unit_test(a_record_cut_short_is_malformed),
        cmocka_unit_test(an_owner_that_cannot_be_read_is_malformed),
        cmocka_unit_test(a_target_that_does_not_end_with_its_record_is_malformed),
        cmocka_unit_test(an_opt_is_the_only_one_the_roots_and_additional),
        cmocka_unit_test(a_mistyped_answer_is_told_with_the_nearest),
        cmocka_unit_test(what_is_no_address_or_prefix_is_told),
        cmocka_unit_test(bits_beyond_a_prefixs_length_are_a_fault),
        cmocka_unit_test(what_an_answer_of_the_type_cannot_hold_is_a_fault),
        cmocka_unit_test(lists_are_of_one_kind_without_repetition_and_bounded),
        cmocka_unit_test(one_word_is_enough_for_all_but_lists),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_repeated),
        cmocka_unit_test(a_target_may_have_a_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
