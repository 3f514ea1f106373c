/* Partitions: which world a region belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "local53/aws/partition.h"
#include "local53/dns/text.h"

static void each_prefix_leads_to_its_partition(void **state)
{
    static const struct {
        const char *region;
        const char *partition;
        const char *suffix;
        const char *dualstack;
    } cases[] = {
        {"eu-west-1", "aws", "amazonaws.com", "api.aws"},
        {"mx-central-1", "aws", "amazonaws.com", "api.aws"},
        {"us-gov-west-1", "aws-us-gov", "amazonaws.com", "api.aws"},
        {"cn-north-1", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
        {"eusc-de-east-1", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"},
        {"us-iso-east-1", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"},
        {"us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"},
        {"eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
        {"us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct partition *partition = partition_of_region(cases[i].region);

        assert_string_equal(partition->name, cases[i].partition);
        assert_string_equal(partition->suffix, cases[i].suffix);
        assert_string_equal(partition->dualstack_suffix, cases[i].dualstack);
    }
}

static void regions_are_told_from_other_words(void **state)
{
    static const char *const good[] = {"eu-west-1",      "us-gov-east-1",  "eusc-de-east-1",
                                       "ap-southeast-7", "us-isob-east-1", "il-central-12"};
    static const char *const bad[] = {"",           "eu-west",   "eu-west-1a", "west-1",
                                      "EU-WEST-1",  "eu_west_1", "eu-west-",   "-eu-west-1",
                                      "eu-west-1-", "global",    "eu--west-1", "eu-west-111"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(partition_is_region(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(partition_is_region(bad[i]));
}

static bool is_suffix(const char *text)
{
    const char *suffix;

    for (size_t i = 0; (suffix = partition_suffix(i)) != NULL; i++) {
        if (strcmp(suffix, text) == 0)
            return true;
    }
    return false;
}

static void suffixes_of_all_partitions_are_told(void **state)
{
    (void)state;
    assert_true(is_suffix("amazonaws.com"));
    assert_true(is_suffix("amazonaws.com.cn"));
    assert_true(is_suffix("api.aws"));
    assert_true(is_suffix("api.aws.scloud"));
    assert_true(is_suffix("aws"));
    assert_true(is_suffix("amazonwebservices.com.cn"));
    assert_false(is_suffix("com"));
}

static void assert_region(const char *text, const char *expected, size_t expected_label)
{
    struct name name;
    char region[PARTITION_REGION_MAX];
    size_t label = 99;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    assert_string_equal(partition_find_region(&name, &label, region), expected);
    assert_int_equal(label, expected_label);
}

static void a_name_tells_its_region(void **state)
{
    (void)state;
    assert_region("al2023-repos-us-east-1.s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1", 3);
    assert_region("us-east-1.s3.eu-west-1.amazonaws.com", "eu-west-1", 2);
    assert_region("ingress.private.eu2.coralogix.com", "", 99);
    assert_region("eu-west-1.\\000.eu-west-2\\000.example", "eu-west-1", 0);
    assert_region(".", "", 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_prefix_leads_to_its_partition),
        cmocka_unit_test(regions_are_told_from_other_words),
        cmocka_unit_test(a_name_tells_its_region),
        cmocka_unit_test(suffixes_of_all_partitions_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
