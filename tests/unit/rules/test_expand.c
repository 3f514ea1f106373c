/* What is said about the names of one endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "configured.h"

static void unknown_service_is_refused_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("endpoints: [{service: ecr.apo, region: eu-west-1, addresses: 10.0.0.1}]\n",
                   "f:2:23: error: endpoints[0].service: unknown service \"ecr.apo\"; did you mean "
                   "\"ecr.api\"?\n");
    assert_refused("endpoints: [{service: ecr, region: eu-west-1, addresses: 10.0.0.1}]\n",
                   "f:2:23: error: endpoints[0].service: unknown service \"ecr\"; did you mean "
                   "\"ecr.api\", \"ecr.dkr\"?\n");
    assert_refused(
        "endpoints: [{service: com.amazonaws.iam, addresses: 10.0.0.1}]\n",
        "f:2:23: error: endpoints[0].service: unknown service \"com.amazonaws.iam\"; did "
        "you mean \"iam\"?\n");
    assert_refused("endpoints: [{service: qqqqqqqqqq, region: eu-west-1, addresses: 10.0.0.1}]\n",
                   "f:2:23: error: endpoints[0].service: unknown service \"qqqqqqqqqq\"; list its "
                   "names under names instead\n");
}

static void regional_service_needs_a_region(void **state)
{
    (void)state;
    assert_refused("endpoints: [{service: sqs, addresses: 10.0.0.1}]\n",
                   "f:2:13: error: endpoints[0].region: service \"sqs\" needs a region, here or in "
                   "aws.region\n");
    assert_warned("aws: {region: eu-west-1}\nendpoints: [{service: sqs, addresses: 10.0.0.1}]\n",
                  "");
    assert_warned("endpoints: [{service: iam, addresses: 10.0.0.1}]\n", "");
}

static void what_is_no_region_is_refused(void **state)
{
    (void)state;
    assert_refused("endpoints: [{service: sqs, region: eu-west-100, addresses: 10.0.0.1}]\n",
                   "f:2:13: error: endpoints[0].region: \"eu-west-100\" is not a region\n");
    assert_refused("aws: {region: eu-west-100}\nendpoints: [{service: sqs, addresses: 10.0.0.1}]\n",
                   "f:2:15: error: endpoints[0].region: \"eu-west-100\" of aws.region is not a "
                   "region\n");
}

static void name_of_a_vpc_endpoint_is_refused_as_a_rule(void **state)
{
    (void)state;
    assert_refused("endpoints: [{names: [a.example, \"*.VPCE-1.example\"], addresses: 10.0.0.1}]\n",
                   "f:2:33: error: endpoints[0].names: *.vpce-1.example names a VPC endpoint (a "
                   "label begins with \"vpce-\"), which is never answered here; write it under "
                   "target\n");
}

static void special_name_is_refused_as_a_rule(void **state)
{
    (void)state;
    assert_refused(
        "endpoints: [{names: [api.corp.local], addresses: 10.0.0.1}]\n",
        "f:2:22: error: endpoints[0].names: api.corp.local is a special name (local, RFC "
        "6762 section 22.1), which no endpoint can have\n");
    assert_refused("endpoints: [{names: [localhost], addresses: 10.0.0.1}]\n",
                   "f:2:22: error: endpoints[0].names: localhost is a special name (localhost, RFC "
                   "6761 section 6.3), which no endpoint can have\n");
}

static void except_that_takes_out_nothing_is_a_warning(void **state)
{
    (void)state;
    assert_warned(
        "endpoints: [{names: \"*.a.example\", except: [b.example, a.example, x.a.example],\n"
        "             addresses: 10.0.0.1}]\n",
        "f:2:45: warning: endpoints[0].except: b.example is not among the endpoint's "
        "names, so this takes out nothing\n"
        "f:2:56: warning: endpoints[0].except: a.example is not among the endpoint's "
        "names, so this takes out nothing\n");
    assert_warned(
        "endpoints: [{service: sqs, region: eu-west-1, addresses: 10.0.0.1,\n"
        "             except: x.sqs.eu-west-1.amazonaws.com}]\n",
        "f:3:22: warning: endpoints[0].except: x.sqs.eu-west-1.amazonaws.com is not among "
        "the endpoint's names, so this takes out nothing\n");
}

static void except_may_not_take_out_everything(void **state)
{
    (void)state;
    assert_refused("endpoints: [{names: [a.example], except: a.example, addresses: 10.0.0.1}]\n",
                   "f:2:13: error: endpoints[0].except: takes out every name of the endpoint\n");
}

static void listed_names_are_added_to_those_of_the_service(void **state)
{
    char *told;
    struct ruleset *ruleset =
        configured("endpoints: [{service: athena, region: eu-west-1, names: [\"*.q.example\"],\n"
                   "             addresses: 10.0.0.1}]\n",
                   &told);

    (void)state;
    assert_string_equal(told, "");
    free(told);
    assert_int_equal(ruleset->endpoints[0].name_count, 2);
    assert_false(ruleset->endpoints[0].names[0].below);
    assert_true(ruleset->endpoints[0].names[1].below);
    assert_string_equal(ruleset->endpoints[0].label, "athena.eu-west-1");
    ruleset_free(ruleset);
}

static void endpoint_of_names_is_labelled_by_the_first(void **state)
{
    char *told;
    struct ruleset *ruleset = configured(
        "endpoints: [{names: [\"*.Q.example\", a.example], addresses: 10.0.0.1}]\n", &told);

    (void)state;
    free(told);
    assert_string_equal(ruleset->endpoints[0].label, "*.q.example");
    ruleset_free(ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_service_is_refused_with_the_nearest),
        cmocka_unit_test(regional_service_needs_a_region),
        cmocka_unit_test(what_is_no_region_is_refused),
        cmocka_unit_test(name_of_a_vpc_endpoint_is_refused_as_a_rule),
        cmocka_unit_test(special_name_is_refused_as_a_rule),
        cmocka_unit_test(except_that_takes_out_nothing_is_a_warning),
        cmocka_unit_test(except_may_not_take_out_everything),
        cmocka_unit_test(listed_names_are_added_to_those_of_the_service),
        cmocka_unit_test(endpoint_of_names_is_labelled_by_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
