/* Which names change between two configurations, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "configured.h"
#include "local53/dns/text.h"
#include "local53/rules/difference.h"
#include "local53/rules/special.h"

#define VPCE "vpce-1-x.vpc.example"

/* Differences as lines of text. */
struct lines {
    char text[4096]; /* "name [times] - source label: values + ...\n" */
    size_t len;      /* octets of text */
};

static void put(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct lines *lines, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    lines->len += (size_t)vsnprintf(lines->text + lines->len, sizeof(lines->text) - lines->len,
                                    format, arguments);
    va_end(arguments);
    assert_true(lines->len < sizeof(lines->text));
}

static void put_answer(struct lines *lines, const char *sign,
                       const struct difference_answer *answer)
{
    put(lines, " %s %s %s", sign, answer->source, answer->label);
    for (size_t i = 0; i < answer->value_count; i++)
        put(lines, "%s%s", i == 0 ? ": " : ", ", answer->values[i]);
}

static void on_difference(const struct difference *difference, void *context)
{
    struct lines *lines = context;
    char text[TEXT_NAME_MAX];

    put(lines, "%s%s", difference->below ? "*." : "", text_write_name(difference->name, text));
    if (difference->times > 0)
        put(lines, " %u", (unsigned)difference->times);
    put_answer(lines, "-", &difference->old);
    put_answer(lines, "+", &difference->new);
    put(lines, "\n");
}

/* The lines told of the rules of two configurations and of names separated by spaces. */
static struct difference_counts differences(const char *old_yaml, const char *new_yaml,
                                            const char *asked, struct lines *lines)
{
    struct ruleset *old = configured_well(old_yaml);
    struct ruleset *new = configured_well(new_yaml);
    struct difference_names *names = difference_names_new();
    struct difference_counts counts;
    char copy[256];

    *lines = (struct lines){.len = 0};
    snprintf(copy, sizeof(copy), "%s", asked);
    for (char *rest = copy, *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        struct name name;

        assert_int_equal(text_read_name(&name, word), ERR_OK);
        assert_true(difference_add_name(names, &name));
    }
    assert_true(difference_add_rules(names, old));
    assert_true(difference_add_rules(names, new));
    counts = difference_find(names, old, new, on_difference, lines);
    difference_names_free(names);
    ruleset_free(old);
    ruleset_free(new);
    return counts;
}

static void assert_differences(const char *old_yaml, const char *new_yaml, const char *expected)
{
    struct lines lines;
    struct difference_counts counts = differences(old_yaml, new_yaml, "", &lines);

    assert_string_equal(lines.text, expected);
    assert_int_equal(counts.changed > 0, expected[0] != '\0');
    assert_true(counts.same > 0);
}

#define FORWARD "forward: [{zone: \".\", servers: 10.1.0.1}]\n"

static void a_configuration_does_not_differ_from_itself(void **state)
{
    static const char yaml[] =
        "aws: {region: eu-west-1, resolver: 169.254.169.253}\n"
        "endpoints:\n"
        "- {service: s3, addresses: 10.0.0.1, except: logs.s3.eu-west-1.amazonaws.com}\n"
        "- {names: [a.example, \"*.b.example\"], target: " VPCE "}\n"
        "forward: [{zone: corp.internal, servers: 10.1.0.2}]\n";

    (void)state;
    assert_differences(yaml, yaml, "");
}

static void a_new_endpoint_takes_its_names(void **state)
{
    (void)state;
    assert_differences(
        FORWARD, "endpoints: [{names: [b.example, \"*.b.example\"], target: " VPCE "}]\n" FORWARD,
        "b.example - forwarded .: 10.1.0.1:53 + endpoint b.example: " VPCE "\n"
        "*.b.example - forwarded .: 10.1.0.1:53 + endpoint b.example: " VPCE "\n");
}

static void an_endpoint_that_went_leaves_its_names(void **state)
{
    (void)state;
    assert_differences("endpoints: [{service: sqs, region: eu-west-1, addresses: 10.0.0.1,\n"
                       "             dualstack: false}]\n" FORWARD,
                       FORWARD,
                       "sqs.eu-west-1.amazonaws.com - endpoint sqs.eu-west-1: 10.0.0.1 + forwarded "
                       ".: 10.1.0.1:53\n");
}

static void other_numbers_labels_and_orders_are_no_change(void **state)
{
    (void)state;
    assert_differences("endpoints:\n"
                       "- {names: [a.example, c.example], addresses: [10.0.0.1, 10.0.0.2]}\n"
                       "- {names: b.example, target: [" VPCE ", vpce-2-y.vpc.example]}\n",
                       "endpoints:\n"
                       "- {names: b.example, target: [vpce-2-y.vpc.example, " VPCE "]}\n"
                       "- {names: c.example, addresses: [10.0.0.2, 10.0.0.1], optional: true}\n"
                       "- {names: a.example, addresses: [10.0.0.2, 10.0.0.1]}\n",
                       "");
}

static void literals_that_become_a_target_are_a_change(void **state)
{
    (void)state;
    assert_differences("endpoints: [{names: a.example, addresses: 10.0.0.1}]\n",
                       "endpoints: [{names: a.example, target: " VPCE ", addresses: 10.0.0.1}]\n",
                       "a.example - endpoint a.example: 10.0.0.1 + endpoint a.example: " VPCE
                       ", 10.0.0.1\n");
    assert_differences("endpoints: [{names: a.example, addresses: [10.0.0.1, 10.0.0.2]}]\n",
                       "endpoints: [{names: a.example, addresses: 10.0.0.1}]\n",
                       "a.example - endpoint a.example: 10.0.0.1, 10.0.0.2 + endpoint a.example: "
                       "10.0.0.1\n");
}

static void an_except_is_tried_under_both(void **state)
{
    (void)state;
    assert_differences("endpoints: [{names: \"*.a.example\", addresses: 10.0.0.1}]\n" FORWARD,
                       "endpoints: [{names: \"*.a.example\", addresses: 10.0.0.1,\n"
                       "             except: x.a.example}]\n" FORWARD,
                       "x.a.example - endpoint *.a.example: 10.0.0.1 + forwarded .: 10.1.0.1:53\n");
}

static void another_forward_zone_is_a_change_of_all_below_it(void **state)
{
    (void)state;
    assert_differences(
        FORWARD,
        "forward: [{zone: \".\", servers: 10.1.0.1},\n"
        "          {zone: corp.internal, servers: \"env:CORP\"}]\n",
        "corp.internal - forwarded .: 10.1.0.1:53 + forwarded corp.internal: env:CORP\n"
        "*.corp.internal - forwarded .: 10.1.0.1:53 + forwarded corp.internal: "
        "env:CORP\n");
}

static void a_resolver_of_its_own_changes_aws_names(void **state)
{
    struct lines lines;
    struct difference_counts counts = differences(
        FORWARD, "aws: {resolver: 169.254.169.253}\n" FORWARD, "x.eu-west-1.amazonaws.com", &lines);

    (void)state;
    assert_true(counts.changed > 2);
    assert_non_null(strstr(lines.text, "*.amazonaws.com - forwarded .: 10.1.0.1:53 + forwarded "
                                       "aws.resolver: 169.254.169.253:53\n"));
    assert_non_null(strstr(lines.text, "\nx.eu-west-1.amazonaws.com 1 - forwarded .: 10.1.0.1:53 + "
                                       "forwarded aws.resolver: 169.254.169.253:53\n"));
}

static void a_zone_at_a_special_name_is_a_change(void **state)
{
    (void)state;
    assert_differences(FORWARD,
                       "forward: [{zone: \".\", servers: 10.1.0.1},\n"
                       "          {zone: x.local, servers: 10.1.0.2}]\n",
                       "x.local - special name local + forwarded x.local: 10.1.0.2:53\n"
                       "*.x.local - special name local + forwarded x.local: 10.1.0.2:53\n");
}

/* The root and all below it; each special name and all below it; below the two suffixes of AWS's names. */
static void what_every_configuration_has_rules_for_is_tried(void **state)
{
    struct lines lines;
    struct difference_counts counts = differences(FORWARD, FORWARD, "", &lines);
    size_t specials;

    (void)state;
    special_rows(&specials);
    assert_int_equal(counts.same, 2 + 2 * specials + 2);
}

static void names_asked_are_tried_once_and_counted(void **state)
{
    struct lines lines;
    struct difference_counts counts =
        differences(FORWARD, "endpoints: [{names: \"*.a.example\", addresses: 10.0.0.1}]\n" FORWARD,
                    "b.a.example z.example B.a.example b.a.example z.example", &lines);
    struct difference_counts without =
        differences(FORWARD, "endpoints: [{names: \"*.a.example\", addresses: 10.0.0.1}]\n" FORWARD,
                    "", &lines);

    (void)state;
    assert_int_equal(counts.changed, 2);
    assert_int_equal(counts.same, without.same + 1);
    counts =
        differences(FORWARD, "endpoints: [{names: \"*.a.example\", addresses: 10.0.0.1}]\n" FORWARD,
                    "b.a.example z.example B.a.example b.a.example z.example", &lines);
    assert_string_equal(
        lines.text, "*.a.example - forwarded .: 10.1.0.1:53 + endpoint *.a.example: 10.0.0.1\n"
                    "b.a.example 3 - forwarded .: 10.1.0.1:53 + endpoint *.a.example: 10.0.0.1\n");
}

/* RFC 4034 section 6.1 has this order as its example. */
static void names_are_told_in_canonical_order(void **state)
{
    static const char *const sorted[] = {
        "example",         "a.example",      "m.a.example",        "mm.a.example",
        "mmm.a.example",   "mmmm.a.example", "yljkjljk.a.example", "z.a.example",
        "za.a.example",    "zab.a.example",  "zabc.a.example",     "z.example",
        "\\001.z.example", "*.z.example",    "\\200.z.example"};
    struct lines lines;
    const char *at = lines.text;

    (void)state;
    differences("endpoints: [{names: [\"*.example\", example], addresses: 10.0.0.1}]\n",
                "endpoints: [{names: [\"*.example\", example], addresses: 10.0.0.2}]\n",
                "\\200.z.example zab.a.example z.example a.example za.a.example zABC.a.EXAMPLE "
                "yljkjljk.a.example mmm.a.example m.a.example mmmm.a.example mm.a.example "
                "\\001.z.example Z.a.example *.z.example",
                &lines);
    for (size_t i = 0; i < sizeof(sorted) / sizeof(sorted[0]); i++) {
        assert_int_equal(strncmp(at, sorted[i], strlen(sorted[i])), 0);
        at = strchr(at, '\n') + 1;
        if (strncmp(at, "*.example", 9) == 0)
            at = strchr(at, '\n') + 1;
    }
    assert_string_equal(at, "");
}

static void many_names_are_all_kept(void **state)
{
    struct ruleset *old =
        configured_well("endpoints: [{names: \"*.a.example\", addresses: 10.0.0.1}]\n");
    struct ruleset *new =
        configured_well("endpoints: [{names: \"*.a.example\", addresses: 10.0.0.2}]\n");
    struct difference_names *names = difference_names_new();
    struct lines lines = {.len = 0};
    struct difference_counts counts;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct name name;
        char text[64];

        snprintf(text, sizeof(text), "n%u.%c.example", i / 2, 'b' + (int)(i % 2));
        assert_int_equal(text_read_name(&name, text), ERR_OK);
        assert_true(difference_add_name(names, &name));
    }
    counts = difference_find(names, old, new, on_difference, &lines);
    assert_int_equal(counts.changed, 0);
    assert_int_equal(counts.same, 20000);
    difference_names_free(names);
    difference_names_free(NULL);
    ruleset_free(old);
    ruleset_free(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_does_not_differ_from_itself),
        cmocka_unit_test(a_new_endpoint_takes_its_names),
        cmocka_unit_test(an_endpoint_that_went_leaves_its_names),
        cmocka_unit_test(other_numbers_labels_and_orders_are_no_change),
        cmocka_unit_test(literals_that_become_a_target_are_a_change),
        cmocka_unit_test(an_except_is_tried_under_both),
        cmocka_unit_test(another_forward_zone_is_a_change_of_all_below_it),
        cmocka_unit_test(a_resolver_of_its_own_changes_aws_names),
        cmocka_unit_test(a_zone_at_a_special_name_is_a_change),
        cmocka_unit_test(what_every_configuration_has_rules_for_is_tried),
        cmocka_unit_test(names_asked_are_tried_once_and_counted),
        cmocka_unit_test(names_are_told_in_canonical_order),
        cmocka_unit_test(many_names_are_all_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
