/* What is told of zones that lose to an endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "configured.h"
#include "zoned.h"

static void assert_silent(const char *yaml)
{
    assert_warned(yaml, "");
}

static void zone_below_a_wildcard_is_never_asked(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {names: \"*.corp.internal\", addresses: 10.0.0.1}\n"
                  "forward:\n"
                  "- {zone: \".\", servers: 10.1.0.1}\n"
                  "- {zone: dev.corp.internal, servers: 10.1.0.2}\n",
                  "f:3:11: warning: endpoints[0].names: *.corp.internal takes the names of "
                  "forward[1] dev.corp.internal, which is then never asked; write "
                  "\"*.dev.corp.internal\" and \"dev.corp.internal\" under except\n");
    assert_silent("endpoints:\n"
                  "- {names: \"*.corp.internal\", addresses: 10.0.0.1,\n"
                  "   except: [\"*.dev.corp.internal\", dev.corp.internal]}\n"
                  "forward:\n"
                  "- {zone: \".\", servers: 10.1.0.1}\n"
                  "- {zone: dev.corp.internal, servers: 10.1.0.2}\n");
}

static void zone_above_a_wildcard_is_fine(void **state)
{
    (void)state;
    assert_silent("endpoints:\n"
                  "- {names: \"*.a.dev.corp.internal\", addresses: 10.0.0.1}\n"
                  "forward:\n"
                  "- {zone: \".\", servers: 10.1.0.1}\n"
                  "- {zone: dev.corp.internal, servers: 10.1.0.2}\n");
    assert_silent(
        "endpoints: [{names: [\"*.a.corp.internal\", corp.internal], addresses: 10.0.0.1}]\n"
        "forward:\n"
        "- {zone: \".\", servers: 10.1.0.1}\n"
        "- {zone: corp.internal, servers: 10.1.0.2}\n");
}

#define GATEWAY                                                                                    \
    "forward:\n"                                                                                   \
    "- {zone: \".\", servers: 10.1.0.1}\n"                                                         \
    "- {zone: s3.eu-west-1.amazonaws.com, servers: 10.1.0.1}\n"

static void zone_of_a_wildcards_own_name_is_asked_for_nothing(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {service: s3, region: eu-west-1, addresses: 10.0.0.1}\n" GATEWAY,
                  "f:3:13: warning: endpoints[0].service: *.s3.eu-west-1.amazonaws.com takes all "
                  "names below forward[1] s3.eu-west-1.amazonaws.com, whose servers are then asked "
                  "for none of them; keep one of the two: the zone where a gateway endpoint leads "
                  "to S3\n");
    assert_warned("endpoints:\n"
                  "- {names: [\"*.corp.internal\", \"*.dev.corp.internal\"], addresses: 10.0.0.1}\n"
                  "forward:\n"
                  "- {zone: \".\", servers: 10.1.0.1}\n"
                  "- {zone: dev.corp.internal, servers: 10.1.0.2}\n",
                  "f:3:31: warning: endpoints[0].names: *.dev.corp.internal takes all names below "
                  "forward[1] dev.corp.internal, whose servers are then asked for none of them; "
                  "keep one of the two\n");
    assert_silent("endpoints:\n"
                  "- {service: s3, region: eu-west-1, addresses: 10.0.0.1,\n"
                  "   except: logs.s3.eu-west-1.amazonaws.com}\n" GATEWAY);
    assert_silent("endpoints:\n"
                  "- {service: s3, region: eu-central-1, addresses: 10.0.0.1}\n" GATEWAY);
}

/* The report of a configuration, beside whose files "z" stands. */
static void assert_zoned(struct zoned *zoned, const char *yaml, const char *expected)
{
    struct ruleset *ruleset = zoned_ruleset(zoned, yaml);

    assert_report(zoned, expected);
    assert_non_null(ruleset);
    ruleset_free(ruleset);
}

#define RECORDS "@ 60 SOA ns h 1 60 60 60 60\nwww 60 A 10.0.0.9\n*.apps 60 A 10.0.0.9\n"

static void records_that_an_endpoint_takes_are_told_once(void **state)
{
    struct zoned *zoned = *state;

    zoned_write(zoned, "z", RECORDS);
    assert_zoned(
        zoned,
        "endpoints: [{names: www.corp.example, addresses: 10.0.0.1}]\n"
        "zones: [{name: corp.example, file: z}]\n",
        "f:3:36: warning: zones[0].file: www.corp.example has records, but endpoints[0] takes "
        "the name first; take it out of one of them\n");
    assert_zoned(
        zoned,
        "endpoints: [{names: \"*.apps.corp.example\", addresses: 10.0.0.1}]\n"
        "zones: [{name: corp.example, file: z}]\n",
        "f:3:36: warning: zones[0].file: *.apps.corp.example has records, but endpoints[0] takes "
        "the name first; write it under except there, or take it out of the file\n");
    assert_zoned(
        zoned,
        "endpoints: [{names: [x.corp.example, \"*.b.corp.example\"], addresses: 10.0.0.1}]\n"
        "zones: [{name: corp.example, file: z}]\n",
        "");
    assert_zoned(zoned,
                 "endpoints: [{names: [www.corp.example, \"*.apps.corp.example\"],\n"
                 "             addresses: 10.0.0.1}]\n"
                 "zones: [{name: corp.example, file: z}]\n",
                 "f:4:36: warning: zones[0].file: www.corp.example has records, but endpoints[0] "
                 "takes the name first; take it out of one of them\n");
}

static void a_private_zone_below_a_wildcard_is_told_once(void **state)
{
    struct zoned *zoned = *state;

    zoned_write(zoned, "z", RECORDS);
    assert_zoned(zoned,
                 "endpoints: [{names: \"*.example\", addresses: 10.0.0.1}]\n"
                 "zones: [{name: corp.example, file: z}]\n",
                 "f:2:21: warning: endpoints[0].names: *.example takes the names of zones[0] "
                 "corp.example, which is then never asked; write \"*.corp.example\" and "
                 "\"corp.example\" under except\n");
    assert_zoned(zoned,
                 "endpoints: [{names: \"*.example\", addresses: 10.0.0.1,\n"
                 "             except: [\"*.corp.example\", corp.example]}]\n"
                 "zones: [{name: corp.example, file: z}]\n",
                 "");
}

static void a_private_zone_that_denies_public_names_is_told(void **state)
{
    (void)state;
    assert_warned(
        "zones:\n- {name: eks.eu-west-1.amazonaws.com,\n"
        "   aliases: {eks.eu-west-1.amazonaws.com: t.other.net}}\n",
        "f:3:3: warning: zones[0]: says that oidc.eks.eu-west-1.amazonaws.com does not "
        "exist, the issuer of clusters' tokens (IAM roles for service accounts), which no "
        "endpoint serves; write \"fallthrough: true\" to have names forwarded that the zone "
        "does not list\n");
    assert_warned(
        "zones:\n- {name: eu-west-1.api.aws, aliases: {sts.eu-west-1.api.aws: t.other.net}}\n",
        "f:3:3: warning: zones[0]: says that oidc-eks.eu-west-1.api.aws does not exist, "
        "the issuer of clusters' tokens (IAM roles for service accounts), which no "
        "endpoint serves; write \"fallthrough: true\" to have names forwarded that the zone "
        "does not list\n");
    assert_silent("zones:\n- {name: eks.eu-west-1.amazonaws.com, fallthrough: true,\n"
                  "   aliases: {eks.eu-west-1.amazonaws.com: t.other.net}}\n");
    assert_silent("zones: [{name: corp.net, aliases: {a.corp.net: t.other.net}}]\n");
}

static void names_that_an_endpoint_has_are_not_denied_by_their_zone(void **state)
{
    (void)state;
    assert_silent("endpoints:\n"
                  "- {names: oidc.eks.eu-west-1.amazonaws.com, addresses: 10.0.0.1}\n"
                  "zones:\n- {name: eks.eu-west-1.amazonaws.com,\n"
                  "   aliases: {eks.eu-west-1.amazonaws.com: t.other.net}}\n");
    assert_silent("endpoints:\n- {names: a.other.net, addresses: 10.0.0.1}\n"
                  "- {names: oidc.eks.eu-west-1.amazonaws.com, addresses: 10.0.0.1}\n"
                  "zones:\n- {name: eks.eu-west-1.amazonaws.com,\n"
                  "   aliases: {eks.eu-west-1.amazonaws.com: t.other.net}}\n");
}

static void a_private_zone_that_denies_names_of_its_service_is_told(void **state)
{
    (void)state;
    assert_warned("zones:\n- {name: dkr.ecr.eu-west-1.amazonaws.com,\n"
                  "   aliases: {1.dkr.ecr.eu-west-1.amazonaws.com: t.other.net}}\n",
                  "f:3:3: warning: zones[0]: says that *.dkr.ecr.eu-west-1.amazonaws.com does not "
                  "exist, a name of service ecr.dkr; write \"fallthrough: true\" to have names "
                  "forwarded that the zone does not list\n");
    assert_silent("zones:\n- {name: dkr.ecr.eu-west-1.amazonaws.com,\n"
                  "   aliases: {\"*.dkr.ecr.eu-west-1.amazonaws.com\": t.other.net}}\n");
    assert_silent("zones:\n- {name: sts.eu-west-1.amazonaws.com,\n"
                  "   aliases: {sts.eu-west-1.amazonaws.com: t.other.net}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zone_below_a_wildcard_is_never_asked),
        cmocka_unit_test(zone_above_a_wildcard_is_fine),
        cmocka_unit_test(zone_of_a_wildcards_own_name_is_asked_for_nothing),
        cmocka_unit_test(a_private_zone_that_denies_public_names_is_told),
        cmocka_unit_test(names_that_an_endpoint_has_are_not_denied_by_their_zone),
        cmocka_unit_test(a_private_zone_that_denies_names_of_its_service_is_told),
        cmocka_unit_test_setup_teardown(records_that_an_endpoint_takes_are_told_once, zoned_setup,
                                        zoned_teardown),
        cmocka_unit_test_setup_teardown(a_private_zone_below_a_wildcard_is_told_once, zoned_setup,
                                        zoned_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
