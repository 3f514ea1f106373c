/* What is said when the parts of a configuration do not go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "configured.h"

static void name_under_two_endpoints_is_refused(void **state)
{
    (void)state;
    assert_refused(
        "endpoints:\n"
        "- {names: [x.example, api.example], addresses: 10.0.0.1}\n"
        "- {names: y.example, addresses: 10.0.0.2}\n"
        "- {names: [z.example, API.example], addresses: 10.0.0.3}\n",
        "f:5:23: error: endpoints[2].names: api.example is already taken by endpoints[0] "
        "(line 3)\n");
    assert_refused("endpoints:\n"
                   "- {names: \"*.example\", addresses: 10.0.0.1}\n"
                   "- {names: \"*.example\", addresses: 10.0.0.2}\n",
                   "f:4:11: error: endpoints[1].names: *.example is already taken by endpoints[0] "
                   "(line 3)\n");
    assert_refused("endpoints:\n"
                   "- {service: ecr.api, region: eu-west-1, addresses: 10.0.0.1}\n"
                   "- {names: api.ecr.eu-west-1.amazonaws.com, addresses: 10.0.0.2}\n",
                   "f:4:11: error: endpoints[1].names: api.ecr.eu-west-1.amazonaws.com is already "
                   "taken by endpoints[0] (line 3)\n");
}

static void service_twice_is_refused_in_one_line(void **state)
{
    (void)state;
    assert_refused(
        "endpoints:\n"
        "- {service: s3, region: eu-west-1, addresses: 10.0.0.1}\n"
        "- {service: s3, region: eu-west-1, addresses: 10.0.0.2}\n",
        "f:4:13: error: endpoints[1].service: s3.eu-west-1.amazonaws.com is already taken "
        "by endpoints[0] (line 3)\n");
    assert_warned("endpoints:\n"
                  "- {service: s3, region: eu-west-1, addresses: 10.0.0.1}\n"
                  "- {service: s3, region: eu-west-2, addresses: 10.0.0.2}\n",
                  "");
}

static void name_and_wildcard_of_one_name_may_have_two_endpoints(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {names: \"*.a.example\", except: x.a.example, addresses: 10.0.0.1}\n"
                  "- {names: [a.example, x.a.example], addresses: 10.0.0.2}\n",
                  "");
}

static void name_twice_under_one_endpoint_is_a_warning(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- service: sqs\n"
                  "  region: eu-west-1\n"
                  "  names: [sqs.eu-west-1.amazonaws.com]\n"
                  "  addresses: 10.0.0.1\n",
                  "f:5:11: warning: endpoints[0].names: sqs.eu-west-1.amazonaws.com is among its "
                  "names already (line 3)\n");
}

static void target_among_its_own_names_is_refused(void **state)
{
    (void)state;
    assert_refused("endpoints: [{names: \"*.example\", target: a.example}]\n",
                   "f:2:42: error: endpoints[0].target: a.example is one of the endpoint's own "
                   "names: a loop; write the name of the VPC endpoint (vpce-...)\n");
    assert_refused("endpoints: [{names: \"*.example\", target: [vpce-1.x.net, b.example]}]\n",
                   "f:2:57: error: endpoints[0].target: b.example is one of the endpoint's own "
                   "names: a loop; write the name of the VPC endpoint (vpce-...)\n");
    assert_refused("endpoints: [{service: sqs, region: eu-west-1, target: "
                   "sqs.eu-west-1.amazonaws.com}]\n",
                   "f:2:55: error: endpoints[0].target: sqs.eu-west-1.amazonaws.com is one of the "
                   "endpoint's own names: a loop; write the name of the VPC endpoint (vpce-...)\n");
}

static void target_that_the_rules_do_not_match_is_fine(void **state)
{
    (void)state;
    assert_warned("endpoints: [{names: \"*.example\", target: example}]\n", "");
    assert_warned("endpoints: [{names: \"*.example\", target: vpce-1.example}]\n", "");
}

static void target_that_is_another_endpoints_name_is_a_warning(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {names: a.example, addresses: 10.0.0.1}\n"
                  "- {names: b.example, target: a.example}\n"
                  "- {names: c.example, target: db.local}\n",
                  "f:4:30: warning: endpoints[1].target: a.example is a name of endpoints[0], but "
                  "targets are resolved upstream, past all rules\n"
                  "f:5:30: warning: endpoints[2].target: db.local is a special name, which "
                  "resolvers do not know\n");
}

static void server_that_is_ourselves_is_refused(void **state)
{
    (void)state;
    assert_refused(
        "forward: [{zone: \".\", servers: [10.1.0.1, \"127.0.0.1:5353\"]}]\n",
        "f:2:43: error: forward[0].servers: 127.0.0.1:5353 is an address we listen on: a "
        "loop\n");
    assert_refused("aws: {resolver: \"127.0.0.1:5353\"}\n",
                   "f:2:17: error: aws.resolver: 127.0.0.1:5353 is an address we listen on: a "
                   "loop\n");
    assert_warned("forward: [{zone: \".\", servers: [127.0.0.1]}]\n", "");
    assert_warned("forward: [{zone: \".\", servers: [\"127.0.0.2:5353\"]}]\n", "");
}

static void alias_that_leads_to_itself_is_a_loop(void **state)
{
    (void)state;
    assert_refused("zones: [{name: corp.example, aliases: {a.corp.example: A.corp.example}}]\n",
                   "f:2:56: error: zones[0].aliases.a.corp.example: a.corp.example is the alias "
                   "itself: a loop; write the name whose addresses it has\n");
    assert_refused(
        "zones:\n"
        "- {name: b.example, aliases: {b.example: t.example}}\n"
        "- name: corp.example\n"
        "  aliases: {x.corp.example: x.corp.example, \"*.corp.example\": y.corp.example}\n",
        "f:5:29: error: zones[1].aliases.x.corp.example: x.corp.example is the alias "
        "itself: a loop; write the name whose addresses it has\n"
        "f:5:63: error: zones[1].aliases.*.corp.example: y.corp.example is the alias "
        "itself: a loop; write the name whose addresses it has\n");
}

static void target_in_a_private_zone_is_a_warning(void **state)
{
    (void)state;
    assert_warned("endpoints: [{names: e.example, target: x.corp.example}]\n"
                  "zones: [{name: corp.example, aliases: {a.corp.example: e.example}}]\n",
                  "f:2:40: warning: endpoints[0].target: x.corp.example is a name of zones[0], but "
                  "targets are resolved upstream, past all zones; in the zone's file a CNAME would "
                  "lead there\n"
                  "f:3:56: warning: zones[0].aliases.a.corp.example: e.example is a name of "
                  "endpoints[0], but targets are resolved upstream, past all rules\n");
}

static void alias_of_an_endpoints_name_is_a_warning(void **state)
{
    (void)state;
    assert_warned(
        "endpoints: [{names: [a.corp.example, \"*.w.corp.example\"], addresses: 10.0.0.1}]\n"
        "zones:\n"
        "- name: corp.example\n"
        "  aliases:\n"
        "    a.corp.example: t.example\n"
        "    \"*.a.corp.example\": t.example\n"
        "    \"*.w.corp.example\": t.example\n"
        "    w.corp.example: t.example\n",
        "f:6:5: warning: zones[0].aliases: a.corp.example is a name of endpoints[0], which "
        "comes first\n"
        "f:8:5: warning: zones[0].aliases: *.w.corp.example is a name of endpoints[0], "
        "which comes first\n");
}

static void forward_zone_that_a_private_zone_hides_is_a_warning(void **state)
{
    (void)state;
    assert_warned(
        "zones: [{name: corp.example, aliases: {a.corp.example: t.example}}]\n"
        "forward: [{zone: corp.example, servers: 10.0.0.1}]\n",
        "f:3:11: warning: forward[0].zone: is also zones[0], which answers all its names: "
        "the servers are never asked; fallthrough: true would ask them\n");
    assert_warned("zones: [{name: corp.example, fallthrough: true,\n"
                  "         aliases: {a.corp.example: t.example}}]\n"
                  "forward: [{zone: corp.example, servers: 10.0.0.1}]\n",
                  "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_under_two_endpoints_is_refused),
        cmocka_unit_test(service_twice_is_refused_in_one_line),
        cmocka_unit_test(name_and_wildcard_of_one_name_may_have_two_endpoints),
        cmocka_unit_test(name_twice_under_one_endpoint_is_a_warning),
        cmocka_unit_test(target_among_its_own_names_is_refused),
        cmocka_unit_test(target_that_the_rules_do_not_match_is_fine),
        cmocka_unit_test(target_that_is_another_endpoints_name_is_a_warning),
        cmocka_unit_test(server_that_is_ourselves_is_refused),
        cmocka_unit_test(alias_that_leads_to_itself_is_a_loop),
        cmocka_unit_test(target_in_a_private_zone_is_a_warning),
        cmocka_unit_test(alias_of_an_endpoints_name_is_a_warning),
        cmocka_unit_test(forward_zone_that_a_private_zone_hides_is_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
