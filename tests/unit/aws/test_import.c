/* What importers say of files that are not what they should be: the place, what was found, what was expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imported.h"

/* One endpoint that is taken. */
static const char ONE[] = "{\"VpcEndpoints\": [{\"ServiceName\": \"com.amazonaws.eu-west-1.sts\", "
                          "\"NetworkInterfaceIds\": [\"eni-1\"], \"DnsEntries\": [{\"DnsName\": "
                          "\"vpce-1-a.sts.eu-west-1.vpce.amazonaws.com\"}]}]}";

static struct imported import_text(const char *text)
{
    struct import_endpoints from = {.endpoints = file_of("-", text)};

    return import(&from);
}

static void assert_refused(const char *text, enum err err, const char *problem)
{
    struct imported made = import_text(text);

    assert_int_equal(made.err, err);
    assert_string_equal(made.problem.text, problem);
    assert_string_equal(made.yaml, "");
    free(made.yaml);
}

static void json_of_another_shape_is_told_with_its_place(void **state)
{
    (void)state;
    assert_refused("{\"ServiceDetails\": []}", ERR_INVALID,
                   "stdin: VpcEndpoints: found nothing, expected the list of aws ec2 "
                   "describe-vpc-endpoints");
    assert_refused("[]", ERR_INVALID,
                   "stdin: found a list, expected an object: what aws prints "
                   "without --query");
    assert_refused("{\"VpcEndpoints\": {}}", ERR_INVALID,
                   "stdin: VpcEndpoints: found an object, expected a list");
    assert_refused("{\"VpcEndpoints\": [\"vpce-1\"]}", ERR_INVALID,
                   "stdin: VpcEndpoints[0]: found \"vpce-1\", expected an object");
    assert_refused("{\"VpcEndpoints\": [{\"DnsEntries\": [{\"DnsName\": 3}]}]}", ERR_INVALID,
                   "stdin: VpcEndpoints[0].DnsEntries[0].DnsName: found a number, expected text");
    assert_refused("{\"VpcEndpoints\": [{}, {\"PrivateDnsEnabled\": \"yes\"}]}", ERR_INVALID,
                   "stdin: VpcEndpoints[1].PrivateDnsEnabled: found \"yes\", expected true or "
                   "false");
}

static void a_file_without_endpoints_to_take_is_told_why(void **state)
{
    (void)state;
    assert_refused("{\"VpcEndpoints\": []}", ERR_NOT_FOUND,
                   "stdin: VpcEndpoints: the list is empty");
    assert_refused(
        "{\"VpcEndpoints\": [{\"VpcEndpointId\": \"vpce-1\", \"VpcEndpointType\": \"Interface\", "
        "\"State\": \"deleted\"}]}",
        ERR_NOT_FOUND,
        "stdin: no endpoint to be taken among 1; the first: vpce-1: its state is deleted, not "
        "available");
}

static void more_rows_than_a_file_may_have_are_refused(void **state)
{
    const size_t rows = 10001;
    char *text = calloc(1, rows * 3 + 64);
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    len = (size_t)sprintf(text, "{\"VpcEndpoints\":[{}");
    for (size_t i = 1; i < rows; i++, len += 3)
        memcpy(text + len, ",{}", 3);
    memcpy(text + len, "]}", 2);
    assert_refused(text, ERR_INVALID,
                   "stdin: VpcEndpoints: found 10001 endpoints, expected at most 10000");
    free(text);
}

static void the_other_files_are_looked_at_as_strictly(void **state)
{
    struct import_endpoints from = {.endpoints = file_of("e.json", ONE),
                                    .services = file_of("s.json", "{}")};
    struct imported made = import(&from);

    (void)state;
    assert_int_equal(made.err, ERR_INVALID);
    assert_string_equal(made.problem.text,
                        "s.json: ServiceDetails: found nothing, expected a list");
    free(made.yaml);
}

static void assert_no_address(const char *address)
{
    struct import_endpoints from = {.endpoints = file_of("e.json", ONE)};
    struct imported made;
    char problem[256];
    char text[256];

    snprintf(text, sizeof(text),
             "{\"NetworkInterfaces\": [{\"NetworkInterfaceId\": \"eni-1\", "
             "\"PrivateIpAddress\": \"%s\"}]}",
             address);
    snprintf(problem, sizeof(problem),
             "i.json: NetworkInterfaces[0].PrivateIpAddress: found \"%s\", expected an address",
             address);
    from.interfaces = file_of("i.json", text);
    made = import(&from);
    assert_int_equal(made.err, ERR_INVALID);
    assert_string_equal(made.problem.text, problem);
    assert_string_equal(made.yaml, "");
    free(made.yaml);
}

static void addresses_have_neither_ports_nor_brackets_nor_scopes(void **state)
{
    (void)state;
    assert_no_address("10.0.0.1:53");
    assert_no_address("10.0.0.1:0");
    assert_no_address("[2001:db8::1]");
    assert_no_address("fe80::1%lo");
    assert_no_address("0.0.0.0");
    assert_no_address("10.0.0");
}

static void a_region_that_is_none_is_refused(void **state)
{
    struct import_endpoints from = {.endpoints = file_of("e.json", "{}"), .region = "Ireland"};
    struct imported made = import(&from);

    (void)state;
    assert_int_equal(made.err, ERR_INVALID);
    assert_string_equal(made.problem.text, "\"Ireland\" is not a region; write one like eu-west-1");
    free(made.yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_of_another_shape_is_told_with_its_place),
        cmocka_unit_test(a_file_without_endpoints_to_take_is_told_why),
        cmocka_unit_test(more_rows_than_a_file_may_have_are_refused),
        cmocka_unit_test(the_other_files_are_looked_at_as_strictly),
        cmocka_unit_test(addresses_have_neither_ports_nor_brackets_nor_scopes),
        cmocka_unit_test(a_region_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
