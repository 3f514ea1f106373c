/* Import of endpoints: the AWS CLI's sample and its mutations become the configurations beside them (EC2 API,
 * DescribeVpcEndpoints). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "imported.h"

#define GOLDEN "tests/unit/aws/golden/endpoints-"
#define PATH_MAX_OCTETS 256

/* A file of the golden folder, NULL when there is none; owned by the caller. */
static char *golden(const char *name, const char *ending)
{
    char path[PATH_MAX_OCTETS];
    char *text = NULL;
    size_t room = 0;
    FILE *file;

    snprintf(path, sizeof(path), GOLDEN "%s%s", name, ending);
    file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    assert_true(getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    return text;
}

/* NAME.json, with NAME.services.json and NAME.interfaces.json where they are, becomes NAME.yaml, or of the endpoints in
 * one VPC NAME.vpc.yaml. */
static void assert_golden_of_vpc(const char *name, const char *vpc, const char *region,
                                 const char *summary)
{
    char *endpoints = golden(name, ".json");
    char *services = golden(name, ".services.json");
    char *interfaces = golden(name, ".interfaces.json");
    char *expected = golden(name, vpc != NULL ? ".vpc.yaml" : ".yaml");
    struct import_endpoints from = {.endpoints = file_of("endpoints.json", endpoints),
                                    .services = file_of("services.json", services),
                                    .interfaces = file_of("interfaces.json", interfaces),
                                    .region = region,
                                    .vpc = vpc};
    struct imported made = import(&from);

    assert_int_equal(made.err, ERR_OK);
    assert_non_null(expected);
    assert_string_equal(made.yaml, expected);
    assert_string_equal(made.problem.text, summary);
    free(made.yaml);
    free(expected);
    free(interfaces);
    free(services);
    free(endpoints);
}

static void assert_golden(const char *name, const char *region, const char *summary)
{
    assert_golden_of_vpc(name, NULL, region, summary);
}

static void the_sample_becomes_a_configuration(void **state)
{
    (void)state;
    assert_golden("sample", NULL, "8 endpoints, 2 left out (see the comments)");
}

static void any_field_may_be_missing(void **state)
{
    (void)state;
    assert_golden("missing", NULL, "2 endpoints, 4 left out (see the comments)");
}

static void the_regional_name_is_found_in_any_order(void **state)
{
    (void)state;
    assert_golden("shuffled", NULL, "3 endpoints");
}

static void states_count_in_any_case(void **state)
{
    (void)state;
    assert_golden("states", NULL, "3 endpoints, 4 left out (see the comments)");
}

static void sagemaker_has_two_suffixes(void **state)
{
    (void)state;
    assert_golden("sagemaker", NULL, "3 endpoints");
}

static void china_has_other_service_names_and_suffixes(void **state)
{
    (void)state;
    assert_golden("china", NULL, "4 endpoints, 1 left out (see the comments)");
}

static void services_of_others_have_the_names_that_are_told(void **state)
{
    (void)state;
    assert_golden("third_party", "eu-west-1", "2 endpoints, 2 left out (see the comments)");
}

static void dual_stack_endpoints_answer_dual_stack_names(void **state)
{
    (void)state;
    assert_golden("dual", NULL, "3 endpoints, 1 left out (see the comments)");
}

static void of_endpoints_with_the_same_name_the_first_available_is_taken(void **state)
{
    (void)state;
    assert_golden(
        "duplicates", NULL,
        "2 endpoints, 3 left out (see the comments); several VPCs have the same names, "
        "--vpc takes those of one: 1 in vpc-00000000000000001, 1 in vpc-00000000000000002, "
        "1 in vpc-00000000000000003, 2 in vpc-0a1b2c3d4e5f60718");
}

static void of_one_vpc_only_its_endpoints_are_taken(void **state)
{
    (void)state;
    assert_golden_of_vpc("duplicates", "vpc-00000000000000003", NULL,
                         "1 endpoint, 4 left out (see the comments)");
}

static void a_vpc_without_endpoints_is_refused_with_those_that_have_some(void **state)
{
    char *text = golden("duplicates", ".json");
    struct import_endpoints from = {.endpoints = file_of("e.json", text), .vpc = "vpc-0"};
    struct imported made = import(&from);

    (void)state;
    assert_int_equal(made.err, ERR_INVALID);
    assert_string_equal(made.yaml, "");
    assert_string_equal(made.problem.text,
                        "e.json: no endpoint is in vpc-0; there are 1 in vpc-00000000000000001, "
                        "1 in vpc-00000000000000002, 1 in vpc-00000000000000003, 2 in "
                        "vpc-0a1b2c3d4e5f60718");
    free(made.yaml);
    free(text);
}

/* Of many VPCs some are named and the others counted: the text has its room, whatever the file says. */
static void of_many_vpcs_some_are_named(void **state)
{
    char text[2048] = "{\"VpcEndpoints\": [";
    struct import_endpoints from = {.vpc = "vpc-x"};
    struct imported made;

    (void)state;
    for (int i = 0; i < 9; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%s{\"VpcId\": \"vpc-%d\\u0085%0100d\"}", i > 0 ? "," : "", i, i);
    strcat(text, "]}");
    from.endpoints = file_of("-", text);
    made = import(&from);
    assert_int_equal(made.err, ERR_INVALID);
    assert_non_null(strstr(made.problem.text, "stdin: no endpoint is in vpc-x; there are 1 in "
                                              "vpc-0??0000"));
    assert_non_null(strstr(made.problem.text, ", 1 in vpc-5??"));
    assert_null(strstr(made.problem.text, "vpc-6"));
    assert_non_null(strstr(made.problem.text, ", and those of 3 more"));
    free(made.yaml);
}

static void what_a_gateway_of_the_clusters_region_serves_is_left_to_it(void **state)
{
    (void)state;
    assert_golden("gateway", "eu-west-1", "2 endpoints, 3 left out (see the comments)");
}

static void a_gateway_of_another_region_than_the_clusters_takes_nothing(void **state)
{
    (void)state;
    assert_golden("elsewhere", "eu-central-1", "4 endpoints, 1 left out (see the comments)");
}

/* The configuration made of an interface endpoint to S3 and a gateway that has this about its state. */
static char *beside_gateway(const char *state)
{
    char text[1024];
    struct import_endpoints from = {.region = "eu-west-1"};
    struct imported made;

    snprintf(text, sizeof(text),
             "{\"VpcEndpoints\": [{\"VpcEndpointType\": \"Gateway\", \"ServiceName\": "
             "\"com.amazonaws.eu-west-1.s3\"%s},"
             "{\"ServiceName\": \"com.amazonaws.eu-west-1.s3\", \"DnsEntries\": [{\"DnsName\": "
             "\"*.vpce-1-x.s3.eu-west-1.vpce.amazonaws.com\"}]},"
             "{\"ServiceName\": \"com.amazonaws.eu-west-1.sqs\", \"DnsEntries\": [{\"DnsName\": "
             "\"vpce-2-x.sqs.eu-west-1.vpce.amazonaws.com\"}]}]}",
             state);
    from.endpoints = file_of("f", text);
    made = import(&from);
    assert_int_equal(made.err, ERR_OK);
    return made.yaml;
}

static void a_gateway_counts_unless_its_state_says_that_it_does_not_work(void **state)
{
    static const char *const words[] = {"", ", \"State\": \"Available\"",
                                        ", \"State\": \"deleting\""};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char *yaml = beside_gateway(words[i]);

        assert_true((strstr(yaml, "\n  - service: s3\n") == NULL) == (i < 2));
        assert_true((strstr(yaml, "\n  - {zone: s3.eu-west-1.") != NULL) == (i < 2));
        free(yaml);
    }
}

static void a_region_that_is_not_told_is_the_clusters(void **state)
{
    static const char text[] =
        "{\"VpcEndpoints\": [{\"ServiceName\": \"com.amazonaws.sqs\", \"DnsEntries\": "
        "[{\"DnsName\": \"vpce-1-x.sqs.example.com\"}]}]}";
    struct import_endpoints from = {.endpoints = file_of("f", text)};
    struct imported made = import(&from);

    (void)state;
    assert_int_equal(made.err, ERR_NOT_FOUND);
    assert_non_null(strstr(made.problem.text, ": the file does not tell the region of sqs; "
                                              "--region does"));
    free(made.yaml);
    from.region = "eu-west-1";
    made = import(&from);
    assert_int_equal(made.err, ERR_OK);
    assert_non_null(strstr(made.yaml, "  # The file does not tell its region: taken is that of the "
                                      "cluster.\n"));
    assert_non_null(strstr(made.yaml, "  - service: sqs\n    region: eu-west-1\n"));
    free(made.yaml);
}

static void all_names_of_dns_entries_are_taken(void **state)
{
    static const char text[] =
        "{\"VpcEndpoints\": [{\"ServiceName\": \"com.amazonaws.eu-west-1.sqs\", \"DnsEntries\": "
        "[{\"DnsName\": \"vpce-1-x.sqs.eu-west-1.vpce.amazonaws.com\"}, {\"DnsName\": "
        "\"sqs.eu-west-1.amazonaws.com\"}, {\"DnsName\": \"a.example.com\"}, {\"DnsName\": "
        "\"*.b.example.com\"}]}]}";
    struct import_endpoints from = {.endpoints = file_of("f", text)};
    struct imported made = import(&from);

    (void)state;
    assert_int_equal(made.err, ERR_OK);
    assert_non_null(strstr(made.yaml, "  # Also in its DnsEntries: a.example.com, "
                                      "*.b.example.com\n"));
    assert_non_null(strstr(made.yaml, "    names:\n      - a.example.com\n"
                                      "      - \"*.b.example.com\"\n"));
    free(made.yaml);
}

static void endpoints_without_names_are_left_out_with_the_reason(void **state)
{
    (void)state;
    assert_golden("types", NULL,
                  "1 endpoint, 5 left out (see the comments); NextToken: the file does not have "
                  "all endpoints");
}

static void names_that_aws_tells_count_more_than_the_catalogue(void **state)
{
    (void)state;
    assert_golden("services", NULL, "4 endpoints, 1 left out (see the comments)");
}

static void addresses_of_interfaces_stand_beside_the_target(void **state)
{
    (void)state;
    assert_golden("interfaces", NULL, "6 endpoints");
}

static void the_services_region_counts_more_than_the_one_in_its_name(void **state)
{
    (void)state;
    assert_golden("cross_region", "eu-west-1", "4 endpoints, 1 left out (see the comments)");
}

static void nothing_gets_out_of_its_comment(void **state)
{
    (void)state;
    assert_golden("hostile", NULL, "1 endpoint, 2 left out (see the comments)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_becomes_a_configuration),
        cmocka_unit_test(any_field_may_be_missing),
        cmocka_unit_test(the_regional_name_is_found_in_any_order),
        cmocka_unit_test(states_count_in_any_case),
        cmocka_unit_test(sagemaker_has_two_suffixes),
        cmocka_unit_test(china_has_other_service_names_and_suffixes),
        cmocka_unit_test(services_of_others_have_the_names_that_are_told),
        cmocka_unit_test(dual_stack_endpoints_answer_dual_stack_names),
        cmocka_unit_test(of_endpoints_with_the_same_name_the_first_available_is_taken),
        cmocka_unit_test(of_one_vpc_only_its_endpoints_are_taken),
        cmocka_unit_test(a_vpc_without_endpoints_is_refused_with_those_that_have_some),
        cmocka_unit_test(of_many_vpcs_some_are_named),
        cmocka_unit_test(what_a_gateway_of_the_clusters_region_serves_is_left_to_it),
        cmocka_unit_test(a_gateway_of_another_region_than_the_clusters_takes_nothing),
        cmocka_unit_test(a_gateway_counts_unless_its_state_says_that_it_does_not_work),
        cmocka_unit_test(a_region_that_is_not_told_is_the_clusters),
        cmocka_unit_test(all_names_of_dns_entries_are_taken),
        cmocka_unit_test(endpoints_without_names_are_left_out_with_the_reason),
        cmocka_unit_test(names_that_aws_tells_count_more_than_the_catalogue),
        cmocka_unit_test(addresses_of_interfaces_stand_beside_the_target),
        cmocka_unit_test(the_services_region_counts_more_than_the_one_in_its_name),
        cmocka_unit_test(nothing_gets_out_of_its_comment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
