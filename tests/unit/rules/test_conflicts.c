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

/* Where a registry's tokens come from, of which a warning of its own would tell. */
#define TOKENS ", names: api.ecr.eu-west-1.amazonaws.com"

static void registry_without_its_layer_bucket_is_a_warning(void **state)
{
    static const char warning[] =
        "f:3:13: warning: endpoints[0].service: image layers of ecr.dkr come from "
        "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com, which has no endpoint; "
        "add service s3 of eu-west-1, unless a gateway endpoint or a route leads there\n";

    (void)state;
    assert_warned("endpoints:\n"
                  "- {service: ecr.dkr, region: eu-west-1, addresses: 10.0.0.1" TOKENS "}\n"
                  "- {service: s3, region: eu-west-2, addresses: 10.0.0.2}\n",
                  warning);
    assert_warned("endpoints:\n"
                  "- {service: ecr.dkr, region: eu-west-1, addresses: 10.0.0.1" TOKENS "}\n"
                  "- {service: s3, region: eu-west-1, addresses: 10.0.0.2}\n",
                  "");
    assert_warned("endpoints:\n"
                  "- {service: ecr.dkr, region: eu-west-1, addresses: 10.0.0.1" TOKENS "}\n"
                  "- {names: prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com,\n"
                  "   addresses: 10.0.0.2}\n",
                  "");
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
        cmocka_unit_test(registry_without_its_layer_bucket_is_a_warning),
        cmocka_unit_test(server_that_is_ourselves_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
