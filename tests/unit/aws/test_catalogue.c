/* Catalogue: services and the names they expand to (AWS PrivateLink guide, "AWS services that integrate
 * with AWS PrivateLink"; each row's evidence stands in endpoint-services.tsv). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "local53/aws/catalogue.h"
#include "local53/dns/text.h"

/* Room for all names of a row in text. */
#define EXPANDED_MAX 2048

/* The names of a service, blank separated, "*." in front of wildcards. */
static const char *requested(const char *service, const struct catalogue_request *request,
                             char *out)
{
    const struct catalogue_row *row = catalogue_find(service);
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    char text[TEXT_NAME_MAX];
    size_t count = 0;
    size_t used = 0;

    assert_non_null(row);
    assert_int_equal(catalogue_expand(row, request, names, CATALOGUE_NAMES_MAX, &count), ERR_OK);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(out + used, EXPANDED_MAX - used, "%s%s%s", i > 0 ? " " : "",
                           names[i].below ? "*." : "", text_write_name(&names[i].name, text));

        assert_true(len > 0 && (size_t)len < EXPANDED_MAX - used);
        used += (size_t)len;
    }
    return out;
}

/* Those it is known to have. */
static const char *expanded(const char *service, const char *region, char *out)
{
    return requested(service, &(struct catalogue_request){.region = region}, out);
}

static void rows_are_sorted_so_that_search_finds_each(void **state)
{
    size_t count = 0;
    const struct catalogue_row *rows = catalogue_rows(&count);

    (void)state;
    assert_true(count >= 190);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(rows[i - 1].service, rows[i].service) < 0);
        assert_ptr_equal(catalogue_find(rows[i].service), &rows[i]);
    }
}

static void unknown_services_are_not_found(void **state)
{
    (void)state;
    assert_null(catalogue_find("ecr"));
    assert_null(catalogue_find(""));
    assert_null(catalogue_find("zzz"));
    assert_null(catalogue_find("S3"));
}

static void a_row_is_global_exactly_when_no_name_has_a_region(void **state)
{
    size_t count = 0;
    const struct catalogue_row *rows = catalogue_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(catalogue_is_global(&rows[i]), strstr(rows[i].names, "{region}") == NULL);
        assert_true(catalogue_is_global(&rows[i]) || strcmp(rows[i].scope, "regional") == 0);
    }
}

static void every_row_expands_in_three_partitions(void **state)
{
    static const char *const regions[] = {"eu-west-1", "cn-north-1", "us-gov-west-1"};
    size_t count = 0;
    const struct catalogue_row *rows = catalogue_rows(&count);
    struct catalogue_name names[CATALOGUE_NAMES_MAX];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t r = 0; r < 3; r++) {
            size_t name_count = 0;

            assert_int_equal(catalogue_expand(&rows[i],
                                              &(struct catalogue_request){.region = regions[r]},
                                              names, CATALOGUE_NAMES_MAX, &name_count),
                             ERR_OK);
            assert_true(r > 0 || name_count > 0);
        }
    }
}

static void names_that_differ_from_their_service_are_right(void **state)
{
    static const struct {
        const char *service;
        const char *names;
    } cases[] = {
        {"kinesis-streams", "kinesis.eu-west-1.amazonaws.com"},
        {"kinesis-firehose", "firehose.eu-west-1.amazonaws.com"},
        {"ecs-agent", "ecs-a.eu-west-1.amazonaws.com"},
        {"ecr.api", "api.ecr.eu-west-1.amazonaws.com ecr.eu-west-1.api.aws"},
        {"ecr.dkr", "*.dkr.ecr.eu-west-1.amazonaws.com dkr-ecr.eu-west-1.on.aws "
                    "*.dkr-ecr.eu-west-1.on.aws"},
        {"eks-auth", "eks-auth.eu-west-1.api.aws"},
        {"pinpoint-sms-voice-v2", "sms-voice.eu-west-1.amazonaws.com"},
        {"deviceadvisor.iot", "*.deviceadvisor.iot.eu-west-1.amazonaws.com"},
        {"transfer.server", "*.server.transfer.eu-west-1.amazonaws.com"},
        {"s3", "s3.eu-west-1.amazonaws.com *.s3.eu-west-1.amazonaws.com "
               "s3-control.eu-west-1.amazonaws.com *.s3-control.eu-west-1.amazonaws.com "
               "s3-accesspoint.eu-west-1.amazonaws.com *.s3-accesspoint.eu-west-1.amazonaws.com"},
    };
    char text[EXPANDED_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(expanded(cases[i].service, "eu-west-1", text), cases[i].names);
}

static void every_partition_has_its_own_suffixes(void **state)
{
    static const struct {
        const char *service;
        const char *region;
        const char *names;
    } cases[] = {
        {"ec2", "eu-west-1", "ec2.eu-west-1.amazonaws.com"},
        {"ec2", "us-gov-west-1", "ec2.us-gov-west-1.amazonaws.com"},
        {"ec2", "cn-north-1", "ec2.cn-north-1.amazonaws.com.cn"},
        {"ec2", "eusc-de-east-1", "ec2.eusc-de-east-1.amazonaws.eu"},
        {"ec2", "us-iso-east-1", "ec2.us-iso-east-1.c2s.ic.gov"},
        {"ec2", "us-isob-east-1", "ec2.us-isob-east-1.sc2s.sgov.gov"},
        {"ec2", "eu-isoe-west-1", "ec2.eu-isoe-west-1.cloud.adc-e.uk"},
        {"ec2", "us-isof-south-1", "ec2.us-isof-south-1.csp.hci.ic.gov"},
        {"sts", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com sts.us-gov-west-1.api.aws"},
        {"sts", "cn-north-1",
         "sts.cn-north-1.amazonaws.com.cn sts.cn-north-1.api.amazonwebservices.com.cn"},
        {"sts", "eusc-de-east-1",
         "sts.eusc-de-east-1.amazonaws.eu sts.eusc-de-east-1.api.amazonwebservices.eu"},
        {"sts", "us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov sts.us-iso-east-1.api.aws.ic.gov"},
        {"sts", "us-isob-east-1",
         "sts.us-isob-east-1.sc2s.sgov.gov sts.us-isob-east-1.api.aws.scloud"},
        {"sts", "eu-isoe-west-1",
         "sts.eu-isoe-west-1.cloud.adc-e.uk sts.eu-isoe-west-1.api.cloud-aws.adc-e.uk"},
        {"sts", "us-isof-south-1",
         "sts.us-isof-south-1.csp.hci.ic.gov sts.us-isof-south-1.api.aws.hci.ic.gov"},
        {"eks-auth", "us-gov-west-1", "eks-auth.us-gov-west-1.api.aws"},
        {"transcribe", "eu-west-1", "transcribe.eu-west-1.amazonaws.com"},
        {"transcribe", "cn-north-1", "cn.transcribe.cn-north-1.amazonaws.com.cn"},
        {"ecr.dkr", "us-gov-west-1",
         "*.dkr.ecr.us-gov-west-1.amazonaws.com dkr-ecr.us-gov-west-1.on.aws "
         "*.dkr-ecr.us-gov-west-1.on.aws"},
        {"ecr.dkr", "cn-north-1",
         "*.dkr.ecr.cn-north-1.amazonaws.com.cn dkr-ecr.cn-north-1.on.amazonwebservices.com.cn "
         "*.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn"},
        {"ecr.dkr", "eusc-de-east-1", "*.dkr.ecr.eusc-de-east-1.amazonaws.eu"},
        {"ecr.dkr", "us-isob-east-1", "*.dkr.ecr.us-isob-east-1.sc2s.sgov.gov"},
        {"ecr.dkr", "eu-isoe-west-1", "*.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk"},
        {"ecr.dkr", "us-isof-south-1", "*.dkr.ecr.us-isof-south-1.csp.hci.ic.gov"},
    };
    char text[EXPANDED_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(expanded(cases[i].service, cases[i].region, text), cases[i].names);
}

static void names_without_a_published_spelling_are_left_out(void **state)
{
    char text[EXPANDED_MAX];

    (void)state;
    assert_string_equal(expanded("ecr.dkr", "us-iso-east-1", text),
                        "*.dkr.ecr.us-iso-east-1.c2s.ic.gov");
    assert_string_equal(expanded("aws.sagemaker:notebook", "cn-north-1", text), "");
    assert_string_equal(expanded("s3-global.accesspoint", "cn-north-1", text), "");
}

static void a_global_service_has_one_set_of_names_a_partition(void **state)
{
    char text[EXPANDED_MAX];

    (void)state;
    assert_string_equal(expanded("iam", NULL, text), "iam.amazonaws.com iam.global.api.aws");
    assert_string_equal(expanded("iam", "eu-west-1", text), "iam.amazonaws.com iam.global.api.aws");
    assert_string_equal(expanded("iam", "us-gov-east-1", text), "iam.us-gov.amazonaws.com");
    assert_string_equal(expanded("iam", "cn-northwest-1", text), "iam.cn-north-1.amazonaws.com.cn");
    assert_string_equal(expanded("iam", "us-isob-east-1", text),
                        "iam.us-isob-east-1.sc2s.sgov.gov");
    assert_string_equal(expanded("route53", "us-gov-east-1", text), "route53.us-gov.amazonaws.com");
}

/* What the expansion of a service says; *count gets how many names. */
static enum err expand_into(const char *service, const char *region, size_t cap, size_t *count)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];

    return catalogue_expand(catalogue_find(service), &(struct catalogue_request){.region = region},
                            names, cap, count);
}

static void a_regional_service_needs_a_region(void **state)
{
    size_t count = 1;

    (void)state;
    assert_int_equal(expand_into("ec2", NULL, CATALOGUE_NAMES_MAX, &count), ERR_INVALID);
    assert_int_equal(count, 0);
    assert_int_equal(expand_into("ec2", "a b", CATALOGUE_NAMES_MAX, &count), ERR_INVALID);
    assert_int_equal(expand_into("ec2", "global", CATALOGUE_NAMES_MAX, &count), ERR_INVALID);
}

static void too_little_room_is_told(void **state)
{
    size_t count = 0;

    (void)state;
    assert_int_equal(expand_into("s3", "eu-west-1", 5, &count), ERR_NO_SPACE);
    assert_int_equal(expand_into("s3", "eu-west-1", 6, &count), ERR_OK);
    assert_int_equal(count, 6);
}

/* ---- Switches ------------------------------------------------------------------------------------ */

/* The names of a service in eu-west-1 with its switches. */
static const char *switched(const char *service, enum catalogue_spellings dualstack,
                            enum catalogue_spellings fips, char *out)
{
    return requested(service, &(struct catalogue_request){"eu-west-1", dualstack, fips}, out);
}

static void all_dualstack_names_are_those_of_the_column_too(void **state)
{
    char text[EXPANDED_MAX];

    (void)state;
    assert_string_equal(switched("ec2", CATALOGUE_SPELLINGS_ALL, CATALOGUE_SPELLINGS_KNOWN, text),
                        "ec2.eu-west-1.amazonaws.com ec2.eu-west-1.api.aws");
    assert_string_equal(
        switched("elasticfilesystem", CATALOGUE_SPELLINGS_ALL, CATALOGUE_SPELLINGS_KNOWN, text),
        "elasticfilesystem.eu-west-1.amazonaws.com efs.eu-west-1.api.aws");
    assert_string_equal(switched("s3", CATALOGUE_SPELLINGS_ALL, CATALOGUE_SPELLINGS_KNOWN, text),
                        "s3.eu-west-1.amazonaws.com *.s3.eu-west-1.amazonaws.com "
                        "s3-control.eu-west-1.amazonaws.com *.s3-control.eu-west-1.amazonaws.com "
                        "s3-accesspoint.eu-west-1.amazonaws.com "
                        "*.s3-accesspoint.eu-west-1.amazonaws.com "
                        "s3.dualstack.eu-west-1.amazonaws.com "
                        "*.s3.dualstack.eu-west-1.amazonaws.com "
                        "s3-control.dualstack.eu-west-1.amazonaws.com "
                        "*.s3-control.dualstack.eu-west-1.amazonaws.com "
                        "s3-accesspoint.dualstack.eu-west-1.amazonaws.com "
                        "*.s3-accesspoint.dualstack.eu-west-1.amazonaws.com");
}

static void no_dualstack_names_are_left_when_none_is_wanted(void **state)
{
    char text[EXPANDED_MAX];

    (void)state;
    assert_string_equal(
        switched("ecr.dkr", CATALOGUE_SPELLINGS_NONE, CATALOGUE_SPELLINGS_KNOWN, text),
        "*.dkr.ecr.eu-west-1.amazonaws.com");
    assert_string_equal(
        switched("aws.sagemaker:studio", CATALOGUE_SPELLINGS_NONE, CATALOGUE_SPELLINGS_KNOWN, text),
        "*.studio.eu-west-1.sagemaker.aws studio.eu-west-1.sagemaker.aws");
    assert_string_equal(switched("iam", CATALOGUE_SPELLINGS_NONE, CATALOGUE_SPELLINGS_ALL, text),
                        "iam.amazonaws.com");
    assert_string_equal(
        switched("eks-auth", CATALOGUE_SPELLINGS_NONE, CATALOGUE_SPELLINGS_KNOWN, text), "");
}

static void fips_names_come_and_go_with_their_switch(void **state)
{
    char text[EXPANDED_MAX];

    (void)state;
    assert_string_equal(
        switched("monitoring", CATALOGUE_SPELLINGS_KNOWN, CATALOGUE_SPELLINGS_NONE, text),
        "monitoring.eu-west-1.amazonaws.com monitoring.eu-west-1.api.aws");
    assert_string_equal(
        switched("monitoring", CATALOGUE_SPELLINGS_NONE, CATALOGUE_SPELLINGS_ALL, text),
        "monitoring.eu-west-1.amazonaws.com monitoring-fips.eu-west-1.amazonaws.com");
    assert_string_equal(
        switched("email-smtp", CATALOGUE_SPELLINGS_KNOWN, CATALOGUE_SPELLINGS_ALL, text),
        "email-smtp.eu-west-1.amazonaws.com email-smtp-fips.eu-west-1.amazonaws.com");
    assert_string_equal(
        switched("sqs-fips", CATALOGUE_SPELLINGS_KNOWN, CATALOGUE_SPELLINGS_NONE, text), "");
}

static void each_name_tells_its_kind(void **state)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    size_t count = 0;

    (void)state;
    assert_int_equal(catalogue_expand(catalogue_find("monitoring"),
                                      &(struct catalogue_request){.region = "cn-north-1"}, names,
                                      CATALOGUE_NAMES_MAX, &count),
                     ERR_OK);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(names[i].dualstack, i % 2 == 1);
        assert_int_equal(names[i].fips, i >= 2);
    }
}

static void a_column_has_only_names_of_its_kind(void **state)
{
    static const enum catalogue_spellings wanted[2][2] = {
        {CATALOGUE_SPELLINGS_ALL, CATALOGUE_SPELLINGS_KNOWN},
        {CATALOGUE_SPELLINGS_KNOWN, CATALOGUE_SPELLINGS_ALL}};
    size_t count = 0;
    const struct catalogue_row *rows = catalogue_rows(&count);
    struct catalogue_name names[CATALOGUE_NAMES_MAX];

    (void)state;
    for (size_t i = 0; i < 2 * count; i++) {
        size_t known = 0;
        size_t all = 0;
        const struct catalogue_row *row = &rows[i / 2];

        assert_int_equal(catalogue_expand(row, &(struct catalogue_request){.region = "eu-west-1"},
                                          names, CATALOGUE_NAMES_MAX, &known),
                         ERR_OK);
        assert_int_equal(catalogue_expand(row,
                                          &(struct catalogue_request){"eu-west-1", wanted[i % 2][0],
                                                                      wanted[i % 2][1]},
                                          names, CATALOGUE_NAMES_MAX, &all),
                         ERR_OK);
        for (size_t n = known; n < all; n++)
            assert_true(i % 2 == 0 ? names[n].dualstack : names[n].fips);
    }
}

static void fips_twins_are_found_by_their_service(void **state)
{
    (void)state;
    assert_ptr_equal(catalogue_fips_service(catalogue_find("sqs")), catalogue_find("sqs-fips"));
    assert_ptr_equal(catalogue_fips_service(catalogue_find("sagemaker.runtime")),
                     catalogue_find("sagemaker.runtime-fips"));
    assert_null(catalogue_fips_service(catalogue_find("sqs-fips")));
    assert_null(catalogue_fips_service(catalogue_find("monitoring")));
}

/* ---- Service names and near words ---------------------------------------------------------------- */

static void full_service_names_of_all_partitions_find_their_row(void **state)
{
    static const struct {
        const char *full;
        const char *service;
        const char *region;
    } cases[] = {
        {"com.amazonaws.eu-west-1.ecr.api", "ecr.api", "eu-west-1"},
        {"com.amazonaws.us-gov-west-1.kinesis-streams", "kinesis-streams", "us-gov-west-1"},
        {"cn.com.amazonaws.cn-north-1.ecr.api", "ecr.api", "cn-north-1"},
        {"com.amazonaws.cn-north-1.s3", "s3", "cn-north-1"},
        {"cn.com.amazonaws.cn-northwest-1.transcribe.cn", "transcribe", "cn-northwest-1"},
        {"gov.ic.c2s.us-iso-east-1.ecr.dkr", "ecr.dkr", "us-iso-east-1"},
        {"gov.sgov.sc2s.us-isob-east-1.ec2", "ec2", "us-isob-east-1"},
        {"uk.adc-e.cloud.eu-isoe-west-1.ec2", "ec2", "eu-isoe-west-1"},
        {"gov.ic.hci.csp.us-isof-south-1.ebs", "ebs", "us-isof-south-1"},
        {"eu.amazonaws.eusc-de-east-1.execute-api", "execute-api", "eusc-de-east-1"},
        {"aws.sagemaker.eu-west-1.studio", "aws.sagemaker:studio", "eu-west-1"},
        {"aws.sagemaker.eu-west-1.notebook", "aws.sagemaker:notebook", "eu-west-1"},
        {"com.amazonaws.iam", "iam", ""},
        {"com.amazonaws.s3-global.accesspoint", "s3-global.accesspoint", ""},
    };
    char region[PARTITION_REGION_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct catalogue_row *row = catalogue_find_full(cases[i].full, region);

        assert_non_null(row);
        assert_string_equal(row->service, cases[i].service);
        assert_string_equal(region, cases[i].region);
    }
}

static void service_names_without_a_row_still_tell_their_region(void **state)
{
    char region[PARTITION_REGION_MAX];

    (void)state;
    assert_null(catalogue_find_full("com.amazonaws.eu-west-1.newest", region));
    assert_string_equal(region, "eu-west-1");
    assert_null(catalogue_find_full("com.amazonaws.vpce.eu-west-1.vpce-svc-0123", region));
    assert_string_equal(region, "");
    assert_null(catalogue_find_full("com.amazonaws.", region));
    assert_null(catalogue_find_full("ecr.api", region));
    assert_null(catalogue_find_full("", region));
    assert_string_equal(region, "");
}

static void over_long_service_names_are_no_rows(void **state)
{
    char region[PARTITION_REGION_MAX];
    char text[400] = "com.amazonaws.";

    (void)state;
    memset(text + strlen(text), 'a', 200);
    assert_null(catalogue_find_full(text, region));
    memcpy(text + 300, ".s3", sizeof(".s3"));
    assert_null(catalogue_find_full(text, region));
    assert_string_equal(region, "");
}

/* The services near to a word, blank separated. */
static const char *near_to(const char *word, size_t cap, char out[EXPANDED_MAX])
{
    const struct catalogue_row *rows[8];
    size_t count = catalogue_nearest(word, rows, cap);

    assert_true(count <= cap);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(out, i > 0 ? " " : "");
        strcat(out, rows[i]->service);
    }
    return out;
}

static void unknown_words_have_their_nearest_rows(void **state)
{
    char text[EXPANDED_MAX];

    (void)state;
    assert_string_equal(near_to("ecr", 8, text), "ecr.api ecr.dkr");
    assert_string_equal(near_to("ecr", 1, text), "ecr.api");
    assert_string_equal(near_to("firehose", 8, text), "kinesis-firehose");
    assert_string_equal(near_to("kinesis", 8, text), "kinesis-streams kinesis-firehose");
    assert_string_equal(near_to("ecr.apo", 8, text), "ecr.api");
    assert_string_equal(near_to("com.amazonaws.eu-west-1.ecr.apo", 8, text), "ecr.api");
    assert_string_equal(near_to("com.amazonaws.eu-west-1.ecr.api", 8, text), "ecr.api");
    assert_string_equal(near_to("qqqqqqqqqq", 8, text), "");
    assert_string_equal(near_to("", 8, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted_so_that_search_finds_each),
        cmocka_unit_test(unknown_services_are_not_found),
        cmocka_unit_test(a_row_is_global_exactly_when_no_name_has_a_region),
        cmocka_unit_test(every_row_expands_in_three_partitions),
        cmocka_unit_test(names_that_differ_from_their_service_are_right),
        cmocka_unit_test(every_partition_has_its_own_suffixes),
        cmocka_unit_test(names_without_a_published_spelling_are_left_out),
        cmocka_unit_test(a_global_service_has_one_set_of_names_a_partition),
        cmocka_unit_test(a_regional_service_needs_a_region),
        cmocka_unit_test(too_little_room_is_told),
        cmocka_unit_test(all_dualstack_names_are_those_of_the_column_too),
        cmocka_unit_test(no_dualstack_names_are_left_when_none_is_wanted),
        cmocka_unit_test(fips_names_come_and_go_with_their_switch),
        cmocka_unit_test(each_name_tells_its_kind),
        cmocka_unit_test(a_column_has_only_names_of_its_kind),
        cmocka_unit_test(fips_twins_are_found_by_their_service),
        cmocka_unit_test(full_service_names_of_all_partitions_find_their_row),
        cmocka_unit_test(service_names_without_a_row_still_tell_their_region),
        cmocka_unit_test(over_long_service_names_are_no_rows),
        cmocka_unit_test(unknown_words_have_their_nearest_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
