/* What names get under a whole configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "configured.h"
#include "local53/dns/text.h"
#include "zoned.h"

#define VPCE "vpce-0a1-b2c3.s3.eu-west-1.vpce.amazonaws.com"

/* The ruleset of a configuration about which nothing is to be said. */
static struct ruleset *load(const char *yaml)
{
    char *told;
    struct ruleset *ruleset = configured(yaml, &told);

    assert_string_equal(told, "");
    free(told);
    assert_non_null(ruleset);
    return ruleset;
}

/* "special 3", "endpoint 0 labels 4 below", ...; compared as text to see at once what differs. */
static void assert_decision(const struct ruleset *ruleset, const char *text, const char *expected)
{
    static const char *const kinds[] = {"special", "endpoint", "zone", "forward"};
    struct decision decision;
    struct decision rule;
    struct name name;
    char got[64];

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    ruleset_decide(ruleset, &name, &decision);
    snprintf(got, sizeof(got), "%s %u labels %u%s", kinds[decision.kind],

             decision.kind == DECISION_SPECIAL || decision.kind == DECISION_ZONE ? 0
                                                                                 : decision.index,
             decision.rule_labels, decision.below ? " below" : "");
    assert_string_equal(got, expected);
    assert_int_equal(ruleset_find_rule(ruleset, &name, &rule), decision.kind != DECISION_FORWARD);
}

static void assert_description(const struct ruleset *ruleset, const char *text,
                               const char *expected)
{
    struct decision decision;
    struct name name;
    char got[256];

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    ruleset_decide(ruleset, &name, &decision);
    ruleset_describe(ruleset, &name, &decision, got, sizeof(got));
    assert_string_equal(got, expected);
}

static void service_takes_the_names_of_its_row(void **state)
{
    struct ruleset *r = load("aws: {region: eu-central-1}\n"
                             "endpoints:\n"
                             "- {service: s3, region: eu-west-1, target: \"*." VPCE "\"}\n"
                             "- {service: sqs, addresses: [10.0.0.2]}\n"
                             "- {service: iam, addresses: [10.0.0.1]}\n");

    (void)state;
    assert_decision(r, "s3.eu-west-1.amazonaws.com", "endpoint 0 labels 4");
    assert_decision(r, "a.b.s3.eu-west-1.amazonaws.com", "endpoint 0 labels 4 below");
    assert_decision(r, "s3.eu-central-1.amazonaws.com", "forward 0 labels 0 below");
    assert_decision(r, "sqs.eu-central-1.amazonaws.com", "endpoint 1 labels 4");
    assert_decision(r, "x.sqs.eu-central-1.amazonaws.com", "forward 0 labels 0 below");
    assert_decision(r, "iam.amazonaws.com", "endpoint 2 labels 3");
    assert_string_equal(r->endpoints[0].label, "s3.eu-west-1");
    assert_string_equal(r->endpoints[0].region, "eu-west-1");
    assert_string_equal(r->endpoints[1].label, "sqs.eu-central-1");
    assert_string_equal(r->endpoints[2].label, "iam");
    assert_null(r->endpoints[2].region);
    assert_int_equal(r->epoch, 7);
    ruleset_free(r);
}

/* With the private DNS of the EKS endpoint, oidc.eks.<region> becomes NXDOMAIN; not here. */
static void names_below_an_exact_service_name_are_forwarded(void **state)
{
    struct ruleset *r =
        load("endpoints: [{service: eks, region: eu-west-1, addresses: 10.0.0.1}]\n");

    (void)state;
    assert_decision(r, "eks.eu-west-1.amazonaws.com", "endpoint 0 labels 4");
    assert_decision(r, "oidc.eks.eu-west-1.amazonaws.com", "forward 0 labels 0 below");
    ruleset_free(r);
}

static void star_of_a_target_is_taken_off(void **state)
{
    struct ruleset *r =
        load("endpoints: [{service: s3, region: eu-west-1, target: \"*." VPCE "\"}]\n");
    char text[TEXT_NAME_MAX];

    (void)state;
    assert_int_equal(r->endpoints[0].target_count, 1);
    assert_string_equal(text_write_name(&r->endpoints[0].targets[0], text), VPCE);
    ruleset_free(r);
}

static void except_takes_names_out_of_a_wildcard(void **state)
{
    struct ruleset *r = load("endpoints:\n"
                             "- names: [\"*.s3.example\"]\n"
                             "  except: [logs.s3.example, \"*.pub.s3.example\"]\n"
                             "  addresses: [10.0.0.1]\n");

    (void)state;
    assert_decision(r, "a.s3.example", "endpoint 0 labels 2 below");
    assert_decision(r, "logs.s3.example", "forward 0 labels 0 below");
    assert_decision(r, "x.logs.s3.example", "endpoint 0 labels 2 below");
    assert_decision(r, "pub.s3.example", "endpoint 0 labels 2 below");
    assert_decision(r, "a.b.pub.s3.example", "forward 0 labels 0 below");
    assert_description(r, "logs.s3.example", "forward[0] ., taken out by except");
    ruleset_free(r);
}

static void what_one_endpoint_takes_out_another_may_have(void **state)
{
    struct ruleset *r = load("endpoints:\n"
                             "- {service: s3, region: eu-west-1, addresses: 10.0.0.1,\n"
                             "   except: [\"*.s3-control.eu-west-1.amazonaws.com\",\n"
                             "            s3-control.eu-west-1.amazonaws.com,\n"
                             "            logs.s3.eu-west-1.amazonaws.com]}\n"
                             "- {names: [\"*.s3-control.eu-west-1.amazonaws.com\",\n"
                             "           logs.s3.eu-west-1.amazonaws.com], addresses: 10.0.0.2}\n");

    (void)state;
    assert_decision(r, "logs.s3.eu-west-1.amazonaws.com", "endpoint 1 labels 5");
    assert_decision(r, "a.s3-control.eu-west-1.amazonaws.com", "endpoint 1 labels 4 below");
    assert_decision(r, "s3-control.eu-west-1.amazonaws.com", "forward 0 labels 0 below");
    assert_decision(r, "a.s3.eu-west-1.amazonaws.com", "endpoint 0 labels 4 below");
    ruleset_free(r);
}

static void exact_name_may_shadow_another_endpoints_wildcard(void **state)
{
    struct ruleset *r = load("endpoints:\n"
                             "- {names: \"*.example\", except: [a.example, \"*.b.example\"],\n"
                             "   addresses: 10.0.0.1}\n"
                             "- {names: [a.example, \"*.b.example\"], addresses: 10.0.0.2}\n");

    (void)state;
    assert_decision(r, "x.example", "endpoint 0 labels 1 below");
    assert_decision(r, "a.example", "endpoint 1 labels 2");
    assert_decision(r, "x.a.example", "endpoint 0 labels 1 below");
    assert_decision(r, "x.b.example", "endpoint 1 labels 2 below");
    ruleset_free(r);
}

static void names_of_vpc_endpoints_are_always_forwarded(void **state)
{
    struct ruleset *r = load("endpoints: [{names: \"*.vpc.example\", addresses: 10.0.0.1}]\n");

    (void)state;
    assert_decision(r, "a.b.vpc.example", "endpoint 0 labels 2 below");
    assert_decision(r, "xvpce-1.b.vpc.example", "endpoint 0 labels 2 below");
    assert_decision(r, "vpce-0a1-b2c3.s3.vpc.example", "forward 0 labels 0 below");
    assert_decision(r, "bucket.vpce-1.s3.vpc.example", "forward 0 labels 0 below");
    assert_decision(r, "VPCE-1.vpc.example", "forward 0 labels 0 below");
    assert_description(r, "vpce-1.vpc.example",
                       "forward[0] ., not rewritten because of its vpce- label");
    ruleset_free(r);
}

static void longest_forward_zone_wins(void **state)
{
    struct ruleset *r = load("forward:\n"
                             "- {zone: corp.internal, servers: [10.1.0.1]}\n"
                             "- {zone: \".\", servers: [10.1.0.2]}\n"
                             "- {zone: a.corp.internal, servers: [10.1.0.3]}\n");

    (void)state;
    assert_decision(r, "corp.internal", "forward 0 labels 2");
    assert_decision(r, "b.corp.internal", "forward 0 labels 2 below");
    assert_decision(r, "a.corp.internal", "forward 2 labels 3");
    assert_decision(r, "x.a.corp.internal", "forward 2 labels 3 below");
    assert_decision(r, "xcorp.internal", "forward 1 labels 0 below");
    assert_decision(r, ".", "forward 1 labels 0");
    assert_description(r, "x.a.corp.internal", "forward[2] a.corp.internal");
    ruleset_free(r);
}

static void endpoint_wins_over_the_zone_it_stands_in(void **state)
{
    struct ruleset *r = load("endpoints: [{names: api.corp.internal, addresses: 10.0.0.1}]\n"
                             "forward:\n"
                             "- {zone: \".\", servers: [10.1.0.2]}\n"
                             "- {zone: corp.internal, servers: [10.1.0.1]}\n");

    (void)state;
    assert_decision(r, "api.corp.internal", "endpoint 0 labels 3");
    assert_decision(r, "x.api.corp.internal", "forward 1 labels 2 below");
    ruleset_free(r);
}

static void zone_below_a_special_name_wins_over_it(void **state)
{
    struct ruleset *r = load("forward:\n"
                             "- {zone: \".\", servers: [10.1.0.2]}\n"
                             "- {zone: cluster.local, servers: [10.1.0.1]}\n"
                             "- {zone: test, servers: [10.1.0.1]}\n"
                             "- {zone: in-addr.arpa, servers: [10.1.0.1]}\n");

    (void)state;
    assert_decision(r, "cluster.local", "forward 1 labels 2");
    assert_decision(r, "kubernetes.default.svc.cluster.local", "forward 1 labels 2 below");
    assert_decision(r, "printer.local", "special 0 labels 1 below");
    assert_decision(r, "local", "special 0 labels 1");
    assert_decision(r, "test", "forward 2 labels 1");
    assert_decision(r, "a.test", "forward 2 labels 1 below");
    assert_decision(r, "1.0.0.10.in-addr.arpa", "forward 3 labels 2 below");
    assert_decision(r, "1.0.0.127.in-addr.arpa", "special 0 labels 3 below");
    assert_description(r, "printer.local", "special local (RFC 6762 section 22.1)");
    ruleset_free(r);
}

static void special_names_need_no_configuration(void **state)
{
    struct ruleset *r = load("");

    (void)state;
    assert_decision(r, "localhost", "special 0 labels 1");
    assert_decision(r, "vpce-1.localhost", "special 0 labels 1 below");
    assert_decision(r, "x.invalid", "special 0 labels 1 below");
    assert_decision(r, "_dns.resolver.arpa", "special 0 labels 2 below");
    assert_decision(r, "example", "forward 0 labels 0 below");
    assert_null(r->zones);
    ruleset_free(r);
}

static void description_names_the_rule(void **state)
{
    struct ruleset *r = load("endpoints: [{service: s3, region: eu-west-1, target: " VPCE "}]\n");
    struct decision decision;
    struct name name;
    char small[8];

    (void)state;
    assert_description(r, "b.s3.eu-west-1.amazonaws.com",
                       "endpoints[0] *.s3.eu-west-1.amazonaws.com");
    assert_description(r, "S3.eu-west-1.amazonaws.com", "endpoints[0] s3.eu-west-1.amazonaws.com");
    assert_description(r, "example", "forward[0] .");
    assert_int_equal(text_read_name(&name, "example"), ERR_OK);
    ruleset_decide(r, &name, &decision);
    ruleset_describe(r, &name, &decision, small, sizeof(small));
    assert_string_equal(small, "forward");
    ruleset_free(r);
}

static uint64_t fingerprint_of(const char *forward)
{
    char yaml[256];
    struct ruleset *r;
    uint64_t fingerprint;

    snprintf(yaml, sizeof(yaml), "forward: [{zone: \".\", servers: 10.9.9.9}, {%s}]\n", forward);
    r = load(yaml);
    fingerprint = r->pools[1].fingerprint;
    ruleset_free(r);
    return fingerprint;
}

static void fingerprint_is_the_same_for_the_same_pool_alone(void **state)
{
    static const char *const others[] = {
        "zone: b.example, servers: [10.1.0.1, 10.1.0.2]",
        "zone: a.example, servers: [10.1.0.1]",
        "zone: a.example, servers: [10.1.0.2, 10.1.0.1]",
        "zone: a.example, servers: [10.1.0.1, \"10.1.0.2:5353\"]",
        "zone: a.example, servers: [10.1.0.1, \"env:DNS\"]",
        "zone: a.example, servers: [10.1.0.1, 10.1.0.2], max_negative_ttl: 7s",
        "zone: a.example, servers: [10.1.0.1, 10.1.0.2], nxdomain_cut: true"};
    uint64_t first = fingerprint_of("zone: a.example, servers: [10.1.0.1, 10.1.0.2]");

    (void)state;
    assert_true(first == fingerprint_of("servers: [10.1.0.1, \"10.1.0.2:53\"], zone: A.example"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(first == fingerprint_of(others[i]));
    assert_false(fingerprint_of("zone: a.example, servers: dns") ==
                 fingerprint_of("zone: a.example, servers: \"env:dns\""));
}

static void targets_are_resolved_by_aws_resolver_or_the_root_pool(void **state)
{
    struct ruleset *r = load("aws: {resolver: 169.254.169.253}\n"
                             "forward: [{zone: \".\", servers: [10.1.0.1, 10.1.0.2]}]\n");

    (void)state;
    assert_int_equal(r->resolver, 1);
    assert_int_equal(r->pools[r->resolver].server_count, 1);
    ruleset_free(r);
    r = load("forward: [{zone: a.example, servers: 10.1.0.3},\n"
             "          {zone: \".\", servers: [10.1.0.1, 10.1.0.2]}]\n");
    assert_int_equal(r->root_pool, 1);
    assert_int_equal(r->resolver, 1);
    ruleset_free(r);
    ruleset_free(NULL);
}

/* The public side of an AWS name may not be what the VPC resolver says of it, and some names (an EKS
 * cluster's own) only the VPC resolver knows. */
static void aws_names_without_a_rule_go_to_aws_resolver_unless_a_zone_has_them(void **state)
{
    struct ruleset *r = load("aws: {resolver: 169.254.169.253}\n"
                             "forward: [{zone: \".\", servers: 10.1.0.1},\n"
                             "          {zone: eks.amazonaws.com, servers: 10.1.0.2}]\n");

    (void)state;
    assert_decision(r, "oidc.eks.eu-west-1.amazonaws.com", "forward 2 labels 0 below");
    assert_decision(r, "vpce-0a-b.sts.eu-west-1.vpce.amazonaws.com", "forward 2 labels 0 below");
    assert_decision(r, "x.dkr-ecr.eu-west-1.on.aws", "forward 2 labels 0 below");
    assert_decision(r, "a.gr7.eu-west-1.eks.amazonaws.com", "forward 1 labels 3 below");
    assert_decision(r, "amazonaws.com.example", "forward 0 labels 0 below");
    assert_description(r, "oidc.eks.eu-west-1.amazonaws.com", "aws.resolver, for AWS names");
    ruleset_free(r);
}

static void zones_come_behind_endpoints_and_before_forward_zones(void **state)
{
    struct ruleset *r;

    zoned_write(*state, "zone", "@ A 10.0.0.1\n*.dev A 10.0.0.2\nvpce-1.ep A 10.0.0.3\n");
    r = zoned_ruleset(*state, "endpoints:\n"
                              "- {names: [\"*.ep.corp.example\"], except: x.ep.corp.example,\n"
                              "   addresses: 10.0.0.9}\n"
                              "zones:\n"
                              "- {name: corp.example, file: zone,\n"
                              "   aliases: {api.corp.example: t.other}}\n"
                              "forward:\n"
                              "- {zone: example, servers: 10.0.0.8}\n"
                              "- {zone: sub.corp.example, servers: 10.0.0.7}\n"
                              "- {zone: ., servers: 10.0.0.6}\n");
    assert_report((struct zoned *)*state, "");
    assert_decision(r, "corp.example", "zone 0 labels 2");
    assert_decision(r, "api.corp.example", "zone 0 labels 2 below");
    assert_decision(r, "a.ep.corp.example", "endpoint 0 labels 3 below");
    assert_decision(r, "x.ep.corp.example", "zone 0 labels 2 below");
    assert_decision(r, "vpce-1.ep.corp.example", "zone 0 labels 2 below");
    assert_decision(r, "a.sub.corp.example", "forward 1 labels 3 below");
    assert_decision(r, "example", "forward 0 labels 1");
    assert_decision(r, "localhost", "special 0 labels 1");
    assert_description(r, "corp.example", "zones[0] corp.example, record corp.example");
    assert_description(r, "a.dev.corp.example", "zones[0] corp.example, record *.dev.corp.example");
    assert_description(r, "api.corp.example", "zones[0] corp.example, alias api.corp.example");
    assert_description(r, "x.corp.example", "zones[0] corp.example, no such name");
    ruleset_free(r);
}

static void zone_at_a_special_name_wins_over_it(void **state)
{
    struct ruleset *r =
        load("zones:\n"
             "- {name: home.arpa, aliases: {nas.home.arpa: t.example}}\n"
             "- {name: x.local, fallthrough: true, aliases: {a.x.local: t.example}}\n");

    (void)state;
    assert_decision(r, "nas.home.arpa", "zone 0 labels 2 below");
    assert_decision(r, "other.home.arpa", "zone 0 labels 2 below");
    assert_decision(r, "a.x.local", "zone 0 labels 2 below");
    assert_decision(r, "b.x.local", "forward 0 labels 0 below");
    assert_decision(r, "b.local", "special 0 labels 1 below");
    ruleset_free(r);
}

static void aliases_are_optional_endpoints_behind_the_others(void **state)
{
    struct ruleset *r = load("endpoints: [{names: e.example, addresses: 10.0.0.9}]\n"
                             "zones:\n"
                             "- {name: corp.example, aliases: {a.corp.example: t.example,\n"
                             "   \"*.b.corp.example\": [t.example, u.example]}}\n");
    struct name name;
    char text[TEXT_NAME_MAX];

    (void)state;
    assert_int_equal(r->endpoint_count, 3);
    assert_string_equal(r->endpoints[1].label, "a.corp.example");
    assert_string_equal(r->endpoints[2].label, "*.b.corp.example");
    assert_true(r->endpoints[2].config->optional);
    assert_int_equal(r->endpoints[2].config->address_count, 0);
    assert_int_equal(r->endpoints[2].name_count, 0);
    assert_int_equal(r->endpoints[2].target_count, 2);
    assert_string_equal(text_write_name(&r->endpoints[2].targets[1], text), "u.example");
    assert_int_equal(text_read_name(&name, "x.b.corp.example"), ERR_OK);
    assert_int_equal(zones_find(r->private_zones, &name, NULL)->alias, 2);
    ruleset_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service_takes_the_names_of_its_row),
        cmocka_unit_test(names_below_an_exact_service_name_are_forwarded),
        cmocka_unit_test(star_of_a_target_is_taken_off),
        cmocka_unit_test(except_takes_names_out_of_a_wildcard),
        cmocka_unit_test(what_one_endpoint_takes_out_another_may_have),
        cmocka_unit_test(exact_name_may_shadow_another_endpoints_wildcard),
        cmocka_unit_test(names_of_vpc_endpoints_are_always_forwarded),
        cmocka_unit_test(longest_forward_zone_wins),
        cmocka_unit_test(endpoint_wins_over_the_zone_it_stands_in),
        cmocka_unit_test(zone_below_a_special_name_wins_over_it),
        cmocka_unit_test(special_names_need_no_configuration),
        cmocka_unit_test(description_names_the_rule),
        cmocka_unit_test(fingerprint_is_the_same_for_the_same_pool_alone),
        cmocka_unit_test(targets_are_resolved_by_aws_resolver_or_the_root_pool),
        cmocka_unit_test(aws_names_without_a_rule_go_to_aws_resolver_unless_a_zone_has_them),
        cmocka_unit_test_setup_teardown(zones_come_behind_endpoints_and_before_forward_zones,
                                        zoned_setup, zoned_teardown),
        cmocka_unit_test(zone_at_a_special_name_wins_over_it),
        cmocka_unit_test(aliases_are_optional_endpoints_behind_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
