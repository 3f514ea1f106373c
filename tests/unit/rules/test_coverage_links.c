/* What is told of CNAMEs behind which there is no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zoned.h"

#define REST "forward: [{zone: \".\", servers: 10.0.0.53}]\n"
#define ONE_ZONE "zones: [{name: corp.test, file: zone}]\n" REST

/* The report of a configuration whose zone this is. */
static void assert_told(struct zoned *zoned, const char *yaml, const char *zone,
                        const char *expected)
{
    struct ruleset *ruleset;

    zoned_write(zoned, "zone", zone);
    ruleset = zoned_ruleset(zoned, yaml);
    assert_report(zoned, expected);
    assert_non_null(ruleset);
    ruleset_free(ruleset);
}

static void a_link_to_a_name_that_the_zone_has_not_is_told(void **state)
{
    assert_told(*state, ONE_ZONE,
                "a CNAME www.other.test\n*.b CNAME c\nd CNAME *.b\nwww A 10.0.0.1\n",
                "f:2:33: warning: zones[0].file: the CNAME of a.corp.test leads to "
                "www.other.test.corp.test, which its zone does not have; is a last dot missing? "
                "(3 in all)\n");
}

static void links_to_names_that_are_there_or_elsewhere_are_fine(void **state)
{
    assert_told(*state, ONE_ZONE,
                "a CNAME b\nb CNAME x.wild\n*.wild TXT x\nc CNAME www.other.test.\n"
                "d CNAME way\nx.way A 10.0.0.1\n",
                "");
    assert_told(*state, "zones: [{name: corp.test, file: zone, fallthrough: true}]\n" REST,
                "a CNAME b\n", "");
    assert_told(
        *state,
        "zones: [{name: corp.test, file: zone, aliases: {b.corp.test: x.other.net}}]\n" REST,
        "a CNAME b\n", "");
}

static void a_circle_of_links_is_told(void **state)
{
    assert_told(
        *state, ONE_ZONE, "a CNAME b\nb CNAME a\n*.c CNAME x.c\n",
        "f:2:33: warning: zones[0].file: the CNAME of a.corp.test leads to a.corp.test, and "
        "on over more than 8 CNAMEs, or round in a circle: nobody gets an answer (3 in "
        "all)\n");
}

static void eight_links_are_followed_and_nine_are_not(void **state)
{
    assert_told(*state, ONE_ZONE,
                "a1 CNAME a2\na2 CNAME a3\na3 CNAME a4\na4 CNAME a5\na5 CNAME a6\n"
                "a6 CNAME a7\na7 CNAME a8\na8 CNAME a9\na9 A 10.0.0.1\n",
                "");
    assert_told(*state, ONE_ZONE,
                "a1 CNAME a2\na2 CNAME a3\na3 CNAME a4\na4 CNAME a5\na5 CNAME a6\n"
                "a6 CNAME a7\na7 CNAME a8\na8 CNAME a9\na9 CNAME b\nb A 10.0.0.1\n",
                "f:2:33: warning: zones[0].file: the CNAME of a1.corp.test leads to a9.corp.test, "
                "and on over more than 8 CNAMEs, or round in a circle: nobody gets an answer (1 in "
                "all)\n");
}

static void links_of_each_zone_are_told(void **state)
{
    assert_told(
        *state, "zones:\n- {name: corp.test, file: zone}\n- {name: lab.test, file: zone}\n" REST,
        "a CNAME a\n",
        "f:3:27: warning: zones[0].file: the CNAME of a.corp.test leads to a.corp.test, and "
        "on over more than 8 CNAMEs, or round in a circle: nobody gets an answer (1 in "
        "all)\n"
        "f:4:26: warning: zones[1].file: the CNAME of a.lab.test leads to a.lab.test, and "
        "on over more than 8 CNAMEs, or round in a circle: nobody gets an answer (1 in "
        "all)\n");
}

#define ZONED(test) cmocka_unit_test_setup_teardown(test, zoned_setup, zoned_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ZONED(a_link_to_a_name_that_the_zone_has_not_is_told),
        ZONED(links_to_names_that_are_there_or_elsewhere_are_fine),
        ZONED(a_circle_of_links_is_told),
        ZONED(eight_links_are_followed_and_nine_are_not),
        ZONED(links_of_each_zone_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
