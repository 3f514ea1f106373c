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

/* ---- Switches ------------------------------------------------------------------------------------ */

/* How many names the first endpoint of a configuration has. */
static size_t name_count_of(const char *yaml)
{
    char *told;
    struct ruleset *ruleset = configured(yaml, &told);
    size_t count;

    assert_string_equal(told, "");
    assert_non_null(ruleset);
    count = ruleset->endpoints[0].name_count;
    ruleset_free(ruleset);
    free(told);
    return count;
}

static void switches_choose_among_the_names_of_the_service(void **state)
{
    (void)state;
    assert_int_equal(
        name_count_of("endpoints: [{service: s3, region: eu-west-1, addresses: 10.0.0.1}]\n"), 6);
    assert_int_equal(name_count_of("endpoints: [{service: s3, region: eu-west-1, dualstack: true, "
                                   "addresses: 10.0.0.1}]\n"),
                     12);
    assert_int_equal(name_count_of("endpoints: [{service: monitoring, region: eu-west-1, fips: "
                                   "true, addresses: 10.0.0.1}]\n"),
                     4);
    assert_int_equal(name_count_of("endpoints: [{service: monitoring, region: eu-west-1, "
                                   "dualstack: false, fips: false, addresses: 10.0.0.1}]\n"),
                     1);
}

static void names_nobody_knows_cannot_be_switched_on(void **state)
{
    (void)state;
    assert_refused(
        "endpoints: [{service: imagebuilder, region: eu-west-1, dualstack: true, fips: true,\n"
        "             addresses: 10.0.0.1}]\n",
        "f:2:13: error: endpoints[0].dualstack: no dual-stack names of \"imagebuilder\" are known "
        "in eu-west-1; leave dualstack out, or list them under names\n"
        "f:2:13: error: endpoints[0].fips: no FIPS names of \"imagebuilder\" are known in "
        "eu-west-1; "
        "leave fips out, or list them under names\n");
}

static void fips_names_of_another_service_are_told(void **state)
{
    (void)state;
    assert_refused("endpoints: [{service: sqs, region: eu-west-1, fips: true, addresses: "
                   "10.0.0.1}]\n",
                   "f:2:13: error: endpoints[0].fips: FIPS names of sqs are an endpoint service of "
                   "their own: sqs-fips\n");
}

static void a_switch_may_not_leave_no_name(void **state)
{
    (void)state;
    assert_refused(
        "endpoints: [{service: eks-auth, region: eu-west-1, dualstack: false, "
        "addresses: 10.0.0.1}]\n",
        "f:2:13: error: endpoints[0].dualstack: false leaves no name of \"eks-auth\": it "
        "has dual-stack names only\n");
    assert_refused("endpoints: [{service: sqs-fips, region: eu-west-1, fips: false, addresses: "
                   "10.0.0.1}]\n",
                   "f:2:13: error: endpoints[0].fips: false leaves no name of \"sqs-fips\": it has "
                   "FIPS names only\n");
}

static void names_unknown_in_a_partition_are_told_with_any_switch(void **state)
{
    (void)state;
    assert_refused("endpoints: [{service: s3-global.accesspoint, region: cn-north-1, dualstack: "
                   "false, addresses: 10.0.0.1}]\n",
                   "f:2:23: error: endpoints[0].service: the names of \"s3-global.accesspoint\" in "
                   "cn-north-1 are not known; list them under names instead\n");
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
        cmocka_unit_test(switches_choose_among_the_names_of_the_service),
        cmocka_unit_test(names_nobody_knows_cannot_be_switched_on),
        cmocka_unit_test(fips_names_of_another_service_are_told),
        cmocka_unit_test(a_switch_may_not_leave_no_name),
        cmocka_unit_test(names_unknown_in_a_partition_are_told_with_any_switch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
