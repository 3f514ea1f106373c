/* What is told of services half covered, targets of something else, and wildcards that take public names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "configured.h"

static void assert_silent(const char *yaml)
{
    assert_warned(yaml, "");
}

/* ---- Services half covered -------------------------------------------------------------------------- */

static void names_of_a_service_that_are_left_out_are_a_warning(void **state)
{
    (void)state;
    assert_warned(
        "endpoints:\n"
        "- {names: s3.eu-west-1.amazonaws.com, addresses: 10.0.0.1}\n",
        "f:3:11: warning: endpoints[0].names: s3.eu-west-1.amazonaws.com is a name of service s3, "
        "whose others have no endpoint: *.s3.eu-west-1.amazonaws.com, "
        "s3-control.eu-west-1.amazonaws.com, *.s3-control.eu-west-1.amazonaws.com and 2 more; "
        "write \"service: s3\", with what is to stay public under except\n");
    assert_warned(
        "endpoints:\n"
        "- {names: [logs.eu-west-1.amazonaws.com, logs.eu-west-1.api.aws], addresses: 10.0.0.1}\n",
        "f:3:12: warning: endpoints[0].names: logs.eu-west-1.amazonaws.com is a name of service "
        "logs, whose others have no endpoint: streaming-logs.eu-west-1.amazonaws.com; write "
        "\"service: logs\", with what is to stay public under except\n");
}

static void names_under_another_endpoint_are_covered(void **state)
{
    (void)state;
    assert_silent("endpoints:\n"
                  "- {names: logs.eu-west-1.amazonaws.com, addresses: 10.0.0.1}\n"
                  "- {names: streaming-logs.eu-west-1.amazonaws.com, addresses: 10.0.0.2}\n");
}

static void dualstack_and_fips_names_may_be_left_out(void **state)
{
    (void)state;
    assert_silent("endpoints:\n"
                  "- {names: monitoring.eu-west-1.amazonaws.com, addresses: 10.0.0.1}\n"
                  "- {names: iam.amazonaws.com, addresses: 10.0.0.1}\n");
}

static void a_service_with_excepts_is_whole(void **state)
{
    (void)state;
    assert_silent("endpoints:\n"
                  "- service: s3\n"
                  "  region: eu-west-1\n"
                  "  except: [\"*.s3-control.eu-west-1.amazonaws.com\"]\n"
                  "  addresses: 10.0.0.1\n");
}

static void buckets_alone_are_no_half_service(void **state)
{
    (void)state;
    assert_silent("endpoints:\n"
                  "- {names: [a.s3.eu-west-1.amazonaws.com, \"*.b.s3.eu-west-1.amazonaws.com\"],\n"
                  "   addresses: 10.0.0.1}\n");
}

static void one_half_of_ecr_is_a_warning(void **state)
{
    (void)state;
    assert_warned(
        "endpoints: [{service: ecr.api, region: eu-west-1, addresses: 10.0.0.1}]\n",
        "f:2:23: warning: endpoints[0].service: a pull takes its token from ecr.api and the image "
        "from ecr.dkr, but *.dkr.ecr.eu-west-1.amazonaws.com has no endpoint; add service ecr.dkr "
        "of eu-west-1, or a forward zone dkr.ecr.eu-west-1.amazonaws.com if it is reached without "
        "one\n");
    assert_warned(
        "endpoints: [{names: [\"*.dkr.ecr.eu-west-1.amazonaws.com\",\n"
        "  prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com], addresses: "
        "10.0.0.1}]\n",
        "f:2:22: warning: endpoints[0].names: a pull takes its token from ecr.api and the image "
        "from ecr.dkr, but api.ecr.eu-west-1.amazonaws.com has no endpoint; add service ecr.api of "
        "eu-west-1, or a forward zone api.ecr.eu-west-1.amazonaws.com if it is reached without "
        "one\n");
}

static void the_other_half_of_ecr_may_be_one_registry(void **state)
{
    (void)state;
    assert_silent(
        "endpoints:\n"
        "- {names: [api.ecr.eu-west-1.amazonaws.com,\n"
        "           123456789012.dkr.ecr.eu-west-1.amazonaws.com], addresses: 10.0.0.1}\n");
}

static void the_other_half_of_ecr_may_have_a_forward_zone(void **state)
{
    (void)state;
    assert_silent("endpoints: [{service: ecr.api, region: eu-west-1, addresses: 10.0.0.1}]\n"
                  "forward: [{zone: dkr.ecr.eu-west-1.amazonaws.com, servers: 10.1.0.1},\n"
                  "          {zone: \".\", servers: 10.1.0.2}]\n");
}

static void halves_of_ecr_in_two_regions_are_two_warnings(void **state)
{
    char *told;
    struct ruleset *ruleset =
        configured("endpoints: [{service: ecr.api, region: eu-west-1, addresses: 10.0.0.1},\n"
                   "            {service: ecr.api, region: eu-west-2, addresses: 10.0.0.2}]\n",
                   &told);

    (void)state;
    assert_non_null(strstr(told, "*.dkr.ecr.eu-west-1.amazonaws.com has no endpoint"));
    assert_non_null(strstr(told, "*.dkr.ecr.eu-west-2.amazonaws.com has no endpoint"));
    free(told);
    ruleset_free(ruleset);
}

/* ---- Targets ---------------------------------------------------------------------------------------- */

/* The warning for one endpoint of a service and a target that begins with vpce-1-x; "" for none. */
static void assert_target(const char *service, const char *rest, const char *expected)
{
    char yaml[512];
    char line[512] = "";

    snprintf(yaml, sizeof(yaml), "endpoints:\n- {service: %s,\n   target: \"*.vpce-1-x.%s\"}\n",
             service, rest);
    if (expected[0] != '\0')
        snprintf(line, sizeof(line),
                 "f:4:12: warning: endpoints[0].target: *.vpce-1-x.%s is a VPC endpoint of %s; if "
                 "that is meant, list the names under names instead of service\n",
                 rest, expected);
    assert_warned(yaml, line);
}

static void target_of_another_service_is_a_warning(void **state)
{
    (void)state;
    assert_target("sqs, region: eu-west-1", "sqs.eu-west-1.vpce.amazonaws.com", "");
    assert_target("sqs, region: eu-west-1", "sns.eu-west-1.vpce.amazonaws.com",
                  "service sns, but this endpoint is service sqs of eu-west-1");
    assert_target("sqs, region: eu-west-1", "dkr.ecr.eu-west-1.vpce.amazonaws.com",
                  "service ecr.dkr, but this endpoint is service sqs of eu-west-1");
    assert_target("iam", "sqs.us-east-1.vpce.amazonaws.com",
                  "service sqs, but this endpoint is service iam");
    assert_target("iam", "iam.us-east-1.vpce.amazonaws.com", "");
}

static void target_of_another_region_is_a_warning(void **state)
{
    (void)state;
    assert_target("s3, region: eu-west-1", "s3.eu-west-1.vpce.amazonaws.com", "");
    assert_target("s3, region: eu-west-1", "s3.eu-west-2.vpce.amazonaws.com",
                  "region eu-west-2, but this endpoint is service s3 of eu-west-1");
    assert_target("kinesis-streams, region: eu-west-1", "kinesis.eu-west-1.vpce.amazonaws.com", "");
}

static void target_under_the_suffix_of_another_partition_is_a_warning(void **state)
{
    (void)state;
    assert_target("sqs, region: cn-north-1", "sqs.cn-north-1.vpce.amazonaws.com.cn", "");
    assert_target("sqs, region: cn-north-1", "sqs.cn-north-1.vpce.amazonaws.com",
                  "amazonaws.com, not amazonaws.com.cn, but this endpoint is service sqs of "
                  "cn-north-1");
    assert_target("\"aws.sagemaker:studio\", region: eu-west-1",
                  "studio.eu-west-1.vpce.sagemaker.aws", "");
}

static void target_of_another_owner_is_a_warning_under_a_service(void **state)
{
    (void)state;
    assert_target("sqs, region: eu-west-1", "vpce-svc-0b1c.eu-west-1.vpce.amazonaws.com",
                  "another owner's service vpce-svc-0b1c, but this endpoint is service sqs of "
                  "eu-west-1");
    assert_silent("endpoints:\n"
                  "- {names: a.example,\n"
                  "   target: vpce-1-x.vpce-svc-0b1c.eu-west-1.vpce.amazonaws.com}\n");
}

static void targets_that_nobody_knows_are_left_alone(void **state)
{
    (void)state;
    assert_target("sqs, region: eu-west-1", "newthing.eu-west-1.vpce.amazonaws.com", "");
    assert_silent("endpoints: [{service: sqs, region: eu-west-1, target: lb.example}]\n");
}

/* ---- Public names ----------------------------------------------------------------------------------- */

static void wildcard_that_takes_the_issuer_is_a_warning(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {names: \"*.eks.eu-west-1.amazonaws.com\", addresses: 10.0.0.1}\n",
                  "f:3:11: warning: endpoints[0].names: *.eks.eu-west-1.amazonaws.com takes "
                  "oidc.eks.eu-west-1.amazonaws.com, the issuer of clusters' tokens (IAM roles for "
                  "service accounts), which no endpoint serves; write "
                  "\"oidc.eks.eu-west-1.amazonaws.com\" under except\n");
    assert_silent("endpoints:\n"
                  "- {names: \"*.eks.eu-west-1.amazonaws.com\", addresses: 10.0.0.1,\n"
                  "   except: oidc.eks.eu-west-1.amazonaws.com}\n");
    assert_silent("endpoints: [{service: eks, region: eu-west-1, addresses: 10.0.0.1}]\n");
}

static void wildcard_that_takes_clusters_is_a_warning(void **state)
{
    (void)state;
    assert_warned("aws: {region: eu-west-1}\n"
                  "endpoints:\n"
                  "- {names: \"*.eks.amazonaws.com\", addresses: 10.0.0.1}\n",
                  "f:4:11: warning: endpoints[0].names: *.eks.amazonaws.com takes "
                  "*.eu-west-1.eks.amazonaws.com, the API of clusters, which the VPC's resolver "
                  "knows; write \"*.eu-west-1.eks.amazonaws.com\" under except\n");
}

static void a_sloppy_wildcard_is_told_all_that_it_takes(void **state)
{
    static const char *const taken[] = {"oidc.eks.eu-west-1",
                                        "*.eu-west-1.eks",
                                        "*.eu-west-1.elb",
                                        "*.elb.eu-west-1",
                                        "*.eu-west-1.rds",
                                        "*.cache",
                                        "*.eu-west-1.compute",
                                        "*.execute-api.eu-west-1",
                                        "al2023-repos-eu-west-1-de612dc2.s3.dualstack.eu-west-1"};
    char *told;
    struct ruleset *ruleset = configured("aws: {region: eu-west-1}\n"
                                         "endpoints:\n"
                                         "- {names: \"*.amazonaws.com\", addresses: 10.0.0.1}\n",
                                         &told);

    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        char wanted[128];

        snprintf(wanted, sizeof(wanted), "takes %s.amazonaws.com,", taken[i]);
        if (strstr(told, wanted) == NULL)
            fail_msg("%s is not in: %s", wanted, told);
    }
    free(told);
    ruleset_free(ruleset);
}

/* Without aws.region a region is that of the first endpoint that has one. */
static void names_are_tried_in_the_region_of_an_endpoint(void **state)
{
    char *told;
    struct ruleset *ruleset =
        configured("endpoints:\n"
                   "- {names: \"*.amazonaws.com\", addresses: 10.0.0.1}\n"
                   "- {service: sqs, region: ap-south-1, addresses: 10.0.0.2}\n",
                   &told);

    (void)state;
    assert_non_null(strstr(told, "takes oidc.eks.ap-south-1.amazonaws.com"));
    free(told);
    ruleset_free(ruleset);
}

static void all_apis_of_a_region_are_asked_for_by_service(void **state)
{
    (void)state;
    assert_warned(
        "endpoints:\n"
        "- {names: \"*.execute-api.eu-west-1.amazonaws.com\", addresses: 10.0.0.1}\n",
        "f:3:11: warning: endpoints[0].names: *.execute-api.eu-west-1.amazonaws.com takes "
        "*.execute-api.eu-west-1.amazonaws.com, every API of the region, those of other "
        "owners too; list the APIs' own names, or \"service: execute-api\" if all are "
        "meant\n");
    assert_silent("endpoints: [{service: execute-api, region: eu-west-1, addresses: 10.0.0.1}]\n");
    assert_silent(
        "endpoints:\n"
        "- {names: \"*.abc.execute-api.eu-west-1.amazonaws.com\", addresses: 10.0.0.1}\n");
}

/* Where a registry's tokens come from, of which a warning of its own would tell. */
#define TOKENS ", names: api.ecr.eu-west-1.amazonaws.com"

static void registry_without_its_layer_bucket_is_a_warning(void **state)
{
    static const char warning[] =
        "f:3:13: warning: endpoints[0].service: image layers of ecr.dkr come from "
        "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com, which has no endpoint; "
        "add service s3 of eu-west-1, or a forward zone s3.eu-west-1.amazonaws.com where a "
        "gateway endpoint or a route leads there\n";

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

static void registry_listed_under_names_without_its_layer_bucket_is_a_warning(void **state)
{
    (void)state;
    assert_warned(
        "endpoints:\n"
        "- {names: [\"*.dkr.ecr.eu-west-1.amazonaws.com\", \"*.dkr-ecr.eu-west-1.on.aws\",\n"
        "           dkr-ecr.eu-west-1.on.aws, api.ecr.eu-west-1.amazonaws.com,\n"
        "           ecr.eu-west-1.api.aws], addresses: 10.0.0.1}\n",
        "f:3:12: warning: endpoints[0].names: image layers of ecr.dkr come from "
        "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com, which has no endpoint; "
        "add service s3 of eu-west-1, or a forward zone s3.eu-west-1.amazonaws.com where a "
        "gateway endpoint or a route leads there\n");
}

static void layers_that_a_gateway_serves_are_said_so_by_a_forward_zone(void **state)
{
    (void)state;
    assert_warned("endpoints:\n"
                  "- {service: ecr.dkr, region: eu-west-1, addresses: 10.0.0.1" TOKENS "}\n"
                  "forward:\n"
                  "- {zone: ., servers: 192.0.2.1}\n"
                  "- {zone: s3.eu-west-1.amazonaws.com, servers: 192.0.2.2}\n",
                  "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_that_a_gateway_serves_are_said_so_by_a_forward_zone),
        cmocka_unit_test(registry_listed_under_names_without_its_layer_bucket_is_a_warning),
        cmocka_unit_test(registry_without_its_layer_bucket_is_a_warning),
        cmocka_unit_test(names_of_a_service_that_are_left_out_are_a_warning),
        cmocka_unit_test(names_under_another_endpoint_are_covered),
        cmocka_unit_test(dualstack_and_fips_names_may_be_left_out),
        cmocka_unit_test(a_service_with_excepts_is_whole),
        cmocka_unit_test(buckets_alone_are_no_half_service),
        cmocka_unit_test(one_half_of_ecr_is_a_warning),
        cmocka_unit_test(the_other_half_of_ecr_may_be_one_registry),
        cmocka_unit_test(the_other_half_of_ecr_may_have_a_forward_zone),
        cmocka_unit_test(halves_of_ecr_in_two_regions_are_two_warnings),
        cmocka_unit_test(target_of_another_service_is_a_warning),
        cmocka_unit_test(target_of_another_region_is_a_warning),
        cmocka_unit_test(target_under_the_suffix_of_another_partition_is_a_warning),
        cmocka_unit_test(target_of_another_owner_is_a_warning_under_a_service),
        cmocka_unit_test(targets_that_nobody_knows_are_left_alone),
        cmocka_unit_test(wildcard_that_takes_the_issuer_is_a_warning),
        cmocka_unit_test(wildcard_that_takes_clusters_is_a_warning),
        cmocka_unit_test(a_sloppy_wildcard_is_told_all_that_it_takes),
        cmocka_unit_test(names_are_tried_in_the_region_of_an_endpoint),
        cmocka_unit_test(all_apis_of_a_region_are_asked_for_by_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
