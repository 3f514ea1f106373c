/* Partitions: which world a region or a name belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "local53/aws/partition.h"
#include "local53/dns/text.h"

static bool owns(const char *text)
{
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return partition_owns_name(&name);
}

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

static void the_global_region_of_a_partition_lies_in_it(void **state)
{
    static const char *const regions[] = {"eu-west-1",      "us-gov-west-1",  "cn-north-1",
                                          "eusc-de-east-1", "us-iso-east-1",  "us-isob-east-1",
                                          "eu-isoe-west-1", "us-isof-south-1"};

    (void)state;
    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        const struct partition *partition = partition_of_region(regions[i]);

        assert_true(partition_is_region(partition->global_region));
        assert_ptr_equal(partition_of_region(partition->global_region), partition);
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

static void names_below_any_suffix_are_of_aws(void **state)
{
    (void)state;
    assert_true(owns("sts.eu-west-1.amazonaws.com"));
    assert_true(owns("STS.EU-WEST-1.API.AWS"));
    assert_true(owns("ec2.cn-north-1.amazonaws.com.cn"));
    assert_true(owns("dkr-ecr.cn-north-1.on.amazonwebservices.com.cn"));
    assert_true(owns("studio.eu-west-1.sagemaker.aws"));
    assert_true(owns("sqs.us-isob-east-1.api.aws.scloud"));
}

static void suffixes_themselves_and_lookalikes_are_not_of_aws(void **state)
{
    (void)state;
    assert_false(owns("amazonaws.com"));
    assert_false(owns("."));
    assert_false(owns("com"));
    assert_false(owns("evilamazonaws.com"));
    assert_false(owns("amazonaws.com.example.org"));
    assert_false(owns("sts.amazonaws.org"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_prefix_leads_to_its_partition),
        cmocka_unit_test(the_global_region_of_a_partition_lies_in_it),
        cmocka_unit_test(regions_are_told_from_other_words),
        cmocka_unit_test(names_below_any_suffix_are_of_aws),
        cmocka_unit_test(suffixes_themselves_and_lookalikes_are_not_of_aws),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
