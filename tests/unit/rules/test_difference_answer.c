/* What a name gets under two configurations, compared and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/rules/difference_answer.h"
#include "configured.h"
#include "local53/dns/text.h"

static struct ruleset *load(const char *yaml)
{
    char *told;
    struct ruleset *ruleset = configured(yaml, &told);

    assert_non_null(ruleset);
    free(told);
    return ruleset;
}

static struct difference_side side_of(const struct ruleset *ruleset, const char *text)
{
    struct difference_side side = {.ruleset = ruleset};
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    ruleset_decide(ruleset, &name, &side.decision);
    return side;
}

/* Whether a.example gets the same under two endpoints of it; "" is none. */
static bool same_under(const char *old_endpoint, const char *new_endpoint)
{
    const char *endpoints[] = {old_endpoint, new_endpoint};
    struct ruleset *rulesets[2];
    struct difference_side sides[2];
    char yaml[512];
    bool same;

    for (size_t i = 0; i < 2; i++) {
        snprintf(yaml, sizeof(yaml), "endpoints: [{names: [%s.example], %s}]\n",
                 endpoints[i][0] != '\0' ? "a" : "b",
                 endpoints[i][0] != '\0' ? endpoints[i] : "addresses: 10.9.9.9");
        rulesets[i] = load(yaml);
        sides[i] = side_of(rulesets[i], "a.example");
    }
    same = difference_same(&sides[0], &sides[1]);
    assert_int_equal(difference_same(&sides[1], &sides[0]), same);
    ruleset_free(rulesets[0]);
    ruleset_free(rulesets[1]);
    return same;
}

static void endpoints_are_the_same_when_they_lead_to_the_same(void **state)
{
    (void)state;
    assert_true(same_under("addresses: [10.0.0.1, 10.0.0.2]", "addresses: [10.0.0.2, 10.0.0.1]"));
    assert_true(same_under("target: [x.example, y.example]", "target: [Y.example, x.example]"));
    assert_true(same_under("addresses: 10.0.0.1", "addresses: 10.0.0.1, optional: true"));
    assert_true(same_under("target: \"*.vpce-1.x.example\"", "target: vpce-1.x.example"));
    assert_false(same_under("addresses: 10.0.0.1", "addresses: [10.0.0.1, 10.0.0.2]"));
    assert_false(same_under("addresses: 10.0.0.1", "addresses: 10.0.0.2"));
    assert_false(same_under("target: x.example", "target: y.example"));
    assert_false(same_under("target: x.example", "target: x.example, addresses: 10.0.0.1"));
    assert_false(same_under("target: x.example", ""));
    assert_true(same_under("", ""));
}

static void assert_words(const struct ruleset *ruleset, const char *name, const char *expected)
{
    struct difference_side side = side_of(ruleset, name);
    struct arena arena = {0};
    struct difference_answer answer = difference_words(&side, &arena);
    char got[512];
    size_t len = (size_t)snprintf(got, sizeof(got), "%s|%s", answer.source, answer.label);

    for (size_t i = 0; i < answer.value_count; i++)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "|%s", answer.values[i]);
    assert_string_equal(got, expected);
    arena_deinit(&arena);
}

static void every_source_has_words(void **state)
{
    struct ruleset *ruleset =
        load("aws: {resolver: 169.254.169.253}\n"
             "endpoints:\n"
             "- {service: sqs, region: eu-west-1, target: x.example, addresses: 10.0.0.1}\n"
             "forward:\n"
             "- {zone: \".\", servers: [10.1.0.1, \"resolv.conf:/etc/resolv.conf\"]}\n"
             "- {zone: corp.internal, servers: \"env:CORP\"}\n");

    (void)state;
    assert_words(ruleset, "sqs.eu-west-1.amazonaws.com",
                 "endpoint|sqs.eu-west-1|x.example|10.0.0.1");
    assert_words(ruleset, "a.localhost", "special name|localhost");
    assert_words(ruleset, "a.example", "forwarded|.|10.1.0.1:53|resolv.conf:/etc/resolv.conf");
    assert_words(ruleset, "a.corp.internal", "forwarded|corp.internal|env:CORP");
    assert_words(ruleset, "a.amazonaws.com", "forwarded|aws.resolver|169.254.169.253:53");
    ruleset_free(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_the_same_when_they_lead_to_the_same),
        cmocka_unit_test(every_source_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
