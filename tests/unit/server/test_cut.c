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

#define ENDPOINTS                                                                                  \
    "listen: [127.0.0.1:53]\nendpoints:\n"                                                         \
    "- {names: [\"*.s3.test.example\"], addresses: [10.0.0.1]}\n"

static struct ruleset *rules_at(const char *text, uint64_t epoch)
{
    struct report report = {.file = "t"};
    struct ruleset *rules = ruleset_new(config_of(text), epoch, &report);
    report_deinit(&report);
    return rules;
}

static struct ruleset *rules_of(const char *text)
{
    return rules_at(text, 1);
}

static int open_rules(void **state)
{
    *state = rules_of(ENDPOINTS);
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

/* Rules have nothing in it to put behind the chain; class ANY would tell the public address. */
static void a_chain_of_another_class_is_refused_when_it_enters_a_rule(void **state)
{
    struct chain_answer answer;
    uint8_t cut;
    for (unsigned ruled = 0; ruled < 3; ruled++) {
        build(&answer, 2, ruled);
        answer.source.qclass = CLASS_ANY;
        assert_int_equal(cut_of(&cut, *state, &answer), ruled == 2);
        assert_int_equal(cut, 0);
    }
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

#define N1_RULED                                                                                   \
    "listen: [127.0.0.1:53]\nendpoints:\n- {names: n1.example, addresses: [10.0.0.1]}\n"

/* An entry of that answer, as the rules would make it now. */
static struct entry *entry_of(struct chain_answer *answer, const struct ruleset *rules)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    struct entry *entry = (struct entry *)(void *)room;
    answer->source.epoch = rules->epoch;
    answer->source.decision.pool = rules->pools[rules->root_pool].fingerprint;
    assert_true(cut_of(&answer->source.decision.cut, rules, answer));
    assert_int_equal(entry_build(entry, sizeof(room), &answer->source), ERR_OK);
    return entry;
}

static bool holds_under(const char *text, const struct chain_answer *answer,
                        const struct entry *entry)
{
    struct ruleset *rules = rules_at(text, 2);
    bool holds = cut_is_as_stored(rules, entry, &answer->qname);
    ruleset_free(rules);
    return holds;
}

static void an_entry_holds_while_the_rules_would_make_it_again(void **state)
{
    struct chain_answer answer;
    build(&answer, 4, 2);
    const struct entry *entry = entry_of(&answer, *state);
    assert_true(holds_under(ENDPOINTS, &answer, entry));
    assert_true(holds_under(ENDPOINTS "cache: {max_ttl: 60s}\n", &answer, entry));
    assert_false(holds_under(ENDPOINTS "cache: {max_ttl: 59s}\n", &answer, entry));
    assert_false(holds_under("listen: [127.0.0.1:53]\n", &answer, entry));
    assert_false(
        holds_under(ENDPOINTS "forward: [{zone: example, servers: 10.0.0.2}]\n", &answer, entry));
}

static void an_entry_with_a_record_of_our_name_does_not_hold_in_any_class(void **state)
{
    struct chain_answer answer;
    build(&answer, 2, 99);
    struct entry *entry = entry_of(&answer, *state);
    assert_false(holds_under(N1_RULED, &answer, entry));
    entry->class = CLASS_ANY;
    assert_false(holds_under(N1_RULED, &answer, entry));
    assert_true(holds_under(ENDPOINTS, &answer, entry));
}

/* What failed may have rules of its own by now. */
static void a_failure_holds_under_its_own_rules_alone(void **state)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    struct entry *entry = (struct entry *)(void *)room;
    struct chain_answer answer;
    build(&answer, 1, 99);
    (void)entry_of(&answer, *state);
    entry_build_failure(entry, sizeof(room), &answer.source, EDE_NONE, 1);
    assert_true(cut_is_as_stored(*state, entry, &answer.qname));
    assert_false(holds_under(ENDPOINTS, &answer, entry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_link_that_enters_a_rule_is_the_last_kept),
        cmocka_unit_test(a_private_zone_is_entered_like_an_endpoint),
        cmocka_unit_test(a_chain_of_another_class_is_refused_when_it_enters_a_rule),
        cmocka_unit_test(a_chain_too_long_is_refused_only_when_it_enters_a_rule),
        cmocka_unit_test(a_stored_entry_is_cut_where_its_answer_was),
        cmocka_unit_test(an_entry_holds_while_the_rules_would_make_it_again),
        cmocka_unit_test(an_entry_with_a_record_of_our_name_does_not_hold_in_any_class),
        cmocka_unit_test(a_failure_holds_under_its_own_rules_alone),
    };
    return cmocka_run_group_tests(tests, open_rules, close_rules);
}
