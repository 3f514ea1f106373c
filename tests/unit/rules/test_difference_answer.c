/* What a name gets under two configurations, compared and in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/rules/difference_answer.h"
#include "configured.h"
#include "local53/dns/text.h"
#include "zoned.h"

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
        rulesets[i] = configured_well(yaml);
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
    assert_false(same_under("target: [x.example, y.example]", "target: [x.example, z.example]"));
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
    struct ruleset *ruleset = configured_well(
        "aws: {resolver: 169.254.169.253}\n"
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

/* A configuration, and what the file "z" beside it has. */
struct zone_version {
    const char *yaml;    /* configuration */
    const char *records; /* of the file */
};

/* Whether a.corp.example gets the same under both. */
static bool same_under_zones(struct zoned *zoned, const struct zone_version *old,
                             const struct zone_version *new)
{
    const struct zone_version *versions[] = {old, new};
    struct ruleset *rulesets[2];
    struct difference_side sides[2];
    bool same;

    for (size_t i = 0; i < 2; i++) {
        zoned_write(zoned, "z", versions[i]->records);
        rulesets[i] = zoned_ruleset(zoned, versions[i]->yaml);
        assert_non_null(rulesets[i]);
        sides[i] = side_of(rulesets[i], "a.corp.example");
    }
    same = difference_same(&sides[0], &sides[1]);
    assert_int_equal(difference_same(&sides[1], &sides[0]), same);
    ruleset_free(rulesets[0]);
    ruleset_free(rulesets[1]);
    return same;
}

#define ZONE "zones: [{name: corp.example, file: z}]\n"
#define SOA "@ 60 SOA ns h 1 60 60 60 60\n"

/* The same with other records alone. */
static bool same_records(void **state, const char *old_records, const char *new_records)
{
    return same_under_zones(*state, &(struct zone_version){ZONE, old_records},
                            &(struct zone_version){ZONE, new_records});
}

static void records_are_the_same_in_any_order(void **state)
{
    assert_true(same_records(state, SOA "a 60 A 10.0.0.1\na 60 A 10.0.0.2\na 60 TXT x\n",
                             SOA
                             "a 60 TXT x\na 60 A 10.0.0.2\na 60 A 10.0.0.1\nb 60 A 10.0.0.3\n"));
    assert_false(same_records(state, SOA "a 60 A 10.0.0.1\n", SOA "a 60 A 10.0.0.2\n"));
    assert_false(same_records(state, SOA "a 60 A 10.0.0.1\n", SOA "a 61 A 10.0.0.1\n"));
    assert_false(same_records(state, SOA "a 60 A 10.0.0.1\n", SOA "a 60 AAAA ::1\n"));
    assert_false(
        same_records(state, SOA "a 60 A 10.0.0.1\n", SOA "a 60 A 10.0.0.1\na 60 A 10.0.0.2\n"));
    assert_false(same_records(state, SOA "a 60 A 10.0.0.1\n", SOA "x.a 60 A 10.0.0.1\n"));
    assert_false(same_records(state, SOA "b 60 A 10.0.0.1\n", SOA "x.a 60 A 10.0.0.1\n"));
}

static void the_serial_of_a_zone_is_no_answer(void **state)
{
    assert_true(same_records(state, "@ 60 SOA ns h 1 60 60 60 60\na 60 A 10.0.0.1\n",
                             "@ 60 SOA ns h 2 60 60 60 60\na 60 A 10.0.0.1\n"));
}

static void aliases_are_the_same_when_they_lead_to_the_same(void **state)
{
    static const char one[] =
        "zones: [{name: corp.example, file: z, aliases: {a.corp.example: x.example}}]\n";
    static const char other[] =
        "zones: [{name: b.example, aliases: {a.b.example: z.example}},\n"
        "        {name: corp.example, file: z, aliases: {a.corp.example: y.example}}]\n";
    static const char moved[] =
        "zones: [{name: b.example, aliases: {a.b.example: z.example}},\n"
        "        {name: corp.example, file: z, aliases: {a.corp.example: X.example}}]\n";
    const struct zone_version old = {one, SOA};
    struct zoned *zoned = *state;

    assert_true(same_under_zones(zoned, &old, &(struct zone_version){moved, SOA}));
    assert_false(same_under_zones(zoned, &old, &(struct zone_version){other, SOA}));
    assert_false(
        same_under_zones(zoned, &old, &(struct zone_version){ZONE, SOA "a 60 A 10.0.0.1\n"}));
}

static void names_of_zones_have_words(void **state)
{
    struct zoned *zoned = *state;
    struct ruleset *ruleset;

    zoned_write(zoned, "z",
                SOA "a 60 A 10.0.0.1\na 60 A 10.0.0.2\na 300 MX 10 m\nx.b 60 A 10.0.0.3\n");
    ruleset =
        zoned_ruleset(zoned, "zones: [{name: corp.example, file: z,\n"
                             "         aliases: {c.corp.example: [x.example, y.example]}}]\n");
    assert_non_null(ruleset);
    assert_words(ruleset, "a.corp.example",
                 "zone|corp.example|60 A 10.0.0.1|60 A 10.0.0.2|300 MX 10 m.corp.example.");
    assert_words(ruleset, "b.corp.example", "zone|corp.example|no data");
    assert_words(ruleset, "n.corp.example", "zone|corp.example|NXDOMAIN");
    assert_words(ruleset, "c.corp.example", "alias of zone|corp.example|x.example|y.example");
    ruleset_free(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_the_same_when_they_lead_to_the_same),
        cmocka_unit_test(every_source_has_words),
        cmocka_unit_test_setup_teardown(records_are_the_same_in_any_order, zoned_setup,
                                        zoned_teardown),
        cmocka_unit_test_setup_teardown(the_serial_of_a_zone_is_no_answer, zoned_setup,
                                        zoned_teardown),
        cmocka_unit_test_setup_teardown(aliases_are_the_same_when_they_lead_to_the_same,
                                        zoned_setup, zoned_teardown),
        cmocka_unit_test_setup_teardown(names_of_zones_have_words, zoned_setup, zoned_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
