/* Where a chain enters a rule: answers built link by link, judged under one small configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "local53/server/cut.h"
#include "parse_config.h"
#include "wire.h"

#define RULED "a.s3.test.example"

/* An answer for n0.example whose alias i leads from n<i>.example to n<i+1>.example or, for the i that is
 * `ruled`, to a name under the rule. */
struct chain_answer {
    uint8_t data[2048];
    struct writer w;
    struct name qname;
    struct entry_source source;
};

static void link_name(char out[32], unsigned i, unsigned ruled)
{
    snprintf(out, 32, i > 0 && i - 1 == ruled ? RULED : "n%u.example", i);
}

static void build(struct chain_answer *answer, uint16_t links, unsigned ruled)
{
    const uint16_t counts[4] = {1, links, 0, 0};
    char dotted[32];
    answer->w = writer_init(answer->data, sizeof(answer->data));
    wire_header(&answer->w, FLAG_QR, counts);
    wire_question(&answer->w, "n0.example", TYPE_A);
    for (unsigned i = 0; i < links; i++) {
        uint8_t rdata[64];
        struct writer target = writer_init(rdata, sizeof(rdata));
        link_name(dotted, i + 1, ruled);
        wire_name(&target, dotted);
        link_name(dotted, i, ruled);
        wire_name(&answer->w, dotted);
        wire_record(&answer->w, TYPE_CNAME, 60, (struct bytes){rdata, target.len});
    }
    struct reader r = reader_init(answer->data + MESSAGE_HEADER_OCTETS, answer->w.len);
    assert_int_equal(name_read_plain(&answer->qname, &r), ERR_OK);
    answer->source = (struct entry_source){.message = answer->data,
                                           .len = answer->w.len,
                                           .qname = &answer->qname,
                                           .qtype = TYPE_A,
                                           .qclass = CLASS_IN,
                                           .max_ttl_s = 3600,
                                           .max_negative_ttl_s = 60};
}

static struct ruleset *rules_of(const char *text)
{
    struct report report = {.file = "t"};
    struct ruleset *rules = ruleset_new(config_of(text), 1, &report);
    report_deinit(&report);
    return rules;
}

static int open_rules(void **state)
{
    *state = rules_of("listen: [127.0.0.1:53]\nendpoints:\n"
                      "- {names: [\"*.s3.test.example\"], addresses: [10.0.0.1]}\n");
    return *state == NULL;
}

static int close_rules(void **state)
{
    ruleset_free(*state);
    return 0;
}

static bool cut_of(uint8_t *cut, const struct ruleset *rules, struct chain_answer *answer)
{
    struct entry_chain chain;
    assert_int_equal(entry_scan_chain(&chain, &answer->source), ERR_OK);
    return cut_of_answer(cut, rules, &chain, &answer->source);
}

static void the_first_link_that_enters_a_rule_is_the_last_kept(void **state)
{
    struct chain_answer answer;
    uint8_t cut;
    for (unsigned ruled = 0; ruled < 4; ruled++) {
        build(&answer, 4, ruled);
        assert_true(cut_of(&cut, *state, &answer));
        assert_int_equal(cut, ruled + 1);
    }
    build(&answer, 4, 99);
    assert_true(cut_of(&cut, *state, &answer));
    assert_int_equal(cut, 0);
}

/* Whether the zone has the name or denies it: the public answer is not told. */
static void a_private_zone_is_entered_like_an_endpoint(void **state)
{
    struct ruleset *rules = rules_of("listen: [127.0.0.1:53]\nzones:\n- {name: test.example, "
                                     "aliases: {b.test.example: vpce-0a.x.vpce.amazonaws.com}}\n");
    struct chain_answer answer;
    uint8_t cut;
    (void)state;
    build(&answer, 4, 2);
    assert_true(cut_of(&cut, rules, &answer));
    assert_int_equal(cut, 3);
    ruleset_free(rules);
}

static void another_class_has_no_rules(void **state)
{
    struct chain_answer answer;
    uint8_t cut;
    build(&answer, 2, 1);
    answer.source.qclass = CLASS_CH;
    assert_true(cut_of(&cut, *state, &answer));
    assert_int_equal(cut, 0);
}

static void a_chain_too_long_is_refused_only_when_it_enters_a_rule(void **state)
{
    struct chain_answer answer;
    uint8_t cut;
    build(&answer, ENTRY_CHAIN_MAX + 2, ENTRY_CHAIN_MAX + 1);
    assert_false(cut_of(&cut, *state, &answer));
    build(&answer, ENTRY_CHAIN_MAX + 2, 99);
    assert_true(cut_of(&cut, *state, &answer));
    assert_int_equal(cut, 0);
}

static void a_stored_entry_is_cut_where_its_answer_was(void **state)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    struct entry *entry = (struct entry *)(void *)room;
    struct chain_answer answer;
    for (unsigned ruled = 0; ruled < 4; ruled++) {
        build(&answer, 4, ruled);
        assert_true(cut_of(&answer.source.decision.cut, *state, &answer));
        assert_int_equal(entry_build(entry, sizeof(room), &answer.source), ERR_OK);
        assert_int_equal(cut_of_entry(*state, entry), ruled + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_link_that_enters_a_rule_is_the_last_kept),
        cmocka_unit_test(a_private_zone_is_entered_like_an_endpoint),
        cmocka_unit_test(another_class_has_no_rules),
        cmocka_unit_test(a_chain_too_long_is_refused_only_when_it_enters_a_rule),
        cmocka_unit_test(a_stored_entry_is_cut_where_its_answer_was),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
