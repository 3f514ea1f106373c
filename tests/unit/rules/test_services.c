/* Which endpoint service a name is of. */
#include "local53/rules/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "local53/dns/text.h"

static int set_up(void **state)
{
    *state = services_new();
    return 0;
}

static int tear_down(void **state)
{
    services_free(*state);
    return 0;
}

static enum services_kind find(const struct services *services, const char *text,
                               struct services_match *match)
{
    struct name name;
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return services_find(services, &name, match);
}

static void assert_service(const struct services *services, const char *text, const char *service,
                           const char *region)
{
    struct services_match match;
    assert_int_equal(find(services, text, &match), SERVICES_KNOWN);
    assert_string_equal(match.row->service, service);
    assert_string_equal(match.region, region);
}

static void assert_kind(const struct services *services, const char *text, enum services_kind kind)
{
    struct services_match match;
    assert_int_equal(find(services, text, &match), kind);
}

static void a_name_is_of_its_service_in_any_region(void **state)
{
    assert_service(*state, "sqs.eu-west-1.amazonaws.com", "sqs", "eu-west-1");
    assert_service(*state, "sqs.mx-central-1.amazonaws.com", "sqs", "mx-central-1");
    assert_service(*state, "api.ecr.eu-west-1.amazonaws.com", "ecr.api", "eu-west-1");
    assert_service(*state, "1234.dkr.ecr.eu-west-1.amazonaws.com", "ecr.dkr", "eu-west-1");
    assert_service(*state, "a.b.s3.us-west-2.amazonaws.com", "s3", "us-west-2");
    assert_service(*state, "sts.cn-northwest-1.amazonaws.com.cn", "sts", "cn-northwest-1");
    assert_service(*state, "sts.us-gov-east-1.amazonaws.com", "sts", "us-gov-east-1");
}

static void a_global_service_has_no_region(void **state)
{
    assert_service(*state, "iam.amazonaws.com", "iam", "");
    assert_service(*state, "iam.cn-north-1.amazonaws.com.cn", "iam", "");
}

static void a_bucket_called_like_a_region_does_not_mislead(void **state)
{
    assert_service(*state, "eu-central-1.s3.us-west-2.amazonaws.com", "s3", "us-west-2");
}

static void names_that_need_a_switch_of_the_endpoint_say_so(void **state)
{
    struct services_match match = {.dualstack = true, .fips = true};
    assert_int_equal(find(*state, "s3.eu-west-1.amazonaws.com", &match), SERVICES_KNOWN);
    assert_false(match.dualstack || match.fips);
    assert_int_equal(find(*state, "b.s3.dualstack.eu-west-1.amazonaws.com", &match),
                     SERVICES_KNOWN);
    assert_string_equal(match.row->service, "s3");
    assert_true(match.dualstack);
    assert_false(match.fips);
    match.fips = false;
    assert_int_equal(find(*state, "email-smtp-fips.eu-west-1.amazonaws.com", &match),
                     SERVICES_KNOWN);
    assert_string_equal(match.row->service, "email-smtp");
    assert_true(match.fips);
}

static void names_that_no_endpoint_serves_are_told_apart(void **state)
{
    assert_kind(*state, "ABC.gr7.eu-west-1.eks.amazonaws.com", SERVICES_OTHER);
    assert_kind(*state, "oidc.eks.eu-west-1.amazonaws.com", SERVICES_OTHER);
    assert_kind(*state, "x-1.elb.eu-west-1.amazonaws.com", SERVICES_OTHER);
    assert_kind(*state, "db.c1.eu-west-1.rds.amazonaws.com", SERVICES_OTHER);
    assert_kind(*state, "sqs.amazonaws.com", SERVICES_OTHER);
}

static void other_names_are_no_names_of_aws(void **state)
{
    assert_kind(*state, "sqs.eu-west-1.example.com", SERVICES_NONE);
    assert_kind(*state, "myamazonaws.com", SERVICES_NONE);
    assert_kind(*state, "web.default.svc.cluster.local", SERVICES_NONE);
    assert_kind(*state, ".", SERVICES_NONE);
}

static void a_name_too_long_for_the_standing_region_is_no_service_s(void **state)
{
    char text[256];
    struct services_match match;
    struct name name;
    memset(text, 'a', sizeof(text));
    for (size_t i = 63; i < 215; i += 50)
        text[i] = '.';
    snprintf(text + 224, sizeof(text) - 224, ".%s", "s3.cn-xx-1.amazonaws.com.cn");
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    assert_int_equal(services_find(*state, &name, &match), SERVICES_OTHER);
    assert_service(*state, text + 200, "s3", "cn-xx-1");
}

/* Some rows share names: then the first has them. */
static void every_name_of_the_catalogue_is_found(void **state)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    struct services_match match;
    size_t rows_count;
    const struct catalogue_row *rows = catalogue_rows(&rows_count);
    const struct catalogue_request known = {.region = "ap-south-2"};
    for (size_t i = 0; i < rows_count; i++) {
        size_t count;
        assert_int_equal(catalogue_expand(&rows[i], &known, names, CATALOGUE_NAMES_MAX, &count),
                         ERR_OK);
        for (size_t j = 0; j < count; j++) {
            char text[TEXT_NAME_MAX];
            char asked[TEXT_NAME_MAX + 8];
            snprintf(asked, sizeof(asked), "%s%s", names[j].below ? "x." : "",
                     text_write_name(&names[j].name, text));
            assert_int_equal(find(*state, asked, &match), SERVICES_KNOWN);
            assert_true(match.row <= &rows[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_of_its_service_in_any_region),
        cmocka_unit_test(a_global_service_has_no_region),
        cmocka_unit_test(a_bucket_called_like_a_region_does_not_mislead),
        cmocka_unit_test(names_that_need_a_switch_of_the_endpoint_say_so),
        cmocka_unit_test(names_that_no_endpoint_serves_are_told_apart),
        cmocka_unit_test(other_names_are_no_names_of_aws),
        cmocka_unit_test(a_name_too_long_for_the_standing_region_is_no_service_s),
        cmocka_unit_test(every_name_of_the_catalogue_is_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
