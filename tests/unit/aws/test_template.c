/* Templates are written out for each partition, and what they cannot be filled with is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/aws/template.h"

static void assert_fills(const char *template, const char *region, const char *expected)
{
    char out[TEMPLATE_MAX];

    assert_int_equal(template_fill(out, template, strlen(template), region), ERR_OK);
    assert_string_equal(out, expected);
}

static void assert_fails(const char *template, const char *region, enum err expected)
{
    char out[TEMPLATE_MAX];

    assert_int_equal(template_fill(out, template, strlen(template), region), expected);
}

static void words_are_the_regions_and_its_partitions(void **state)
{
    (void)state;
    assert_fills("*.dkr.ecr.{region}.{suffix}", "eu-west-1", "*.dkr.ecr.eu-west-1.amazonaws.com");
    assert_fills("{region}-a.{region}.{dualstack}", "cn-north-1",
                 "cn-north-1-a.cn-north-1.api.amazonwebservices.com.cn");
    assert_fills("iam.{suffix}", NULL, "iam.amazonaws.com");
    assert_fills("iam.global.api.aws", NULL, "iam.global.api.aws");
    assert_fills("", "eu-west-1", "");
}

static void only_so_many_octets_are_the_template(void **state)
{
    char out[TEMPLATE_MAX];

    (void)state;
    assert_int_equal(template_fill(out, "a.{suffix},b.{suffix}", 10, NULL), ERR_OK);
    assert_string_equal(out, "a.amazonaws.com");
    assert_int_equal(template_fill(out, "a.{suffix}", 9, NULL), ERR_INVALID);
}

static void other_words_and_a_missing_region_are_refused(void **state)
{
    (void)state;
    assert_fails("a.{zone}.{suffix}", "eu-west-1", ERR_INVALID);
    assert_fails("a.{}", "eu-west-1", ERR_INVALID);
    assert_fails("a.{region", "eu-west-1", ERR_INVALID);
    assert_fails("a.{region}.{suffix}", NULL, ERR_INVALID);
}

static void what_gets_too_long_is_refused(void **state)
{
    char template[TEMPLATE_MAX + 1];

    (void)state;
    memset(template, 'a', TEMPLATE_MAX);
    template[TEMPLATE_MAX] = '\0';
    assert_fails(template, NULL, ERR_TOO_LONG);
    assert_fills(template + 1, NULL, template + 1);
    memcpy(template + TEMPLATE_MAX - 8, "{suffix}", 8);
    assert_fails(template + 1, NULL, ERR_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_regions_and_its_partitions),
        cmocka_unit_test(only_so_many_octets_are_the_template),
        cmocka_unit_test(other_words_and_a_missing_region_are_refused),
        cmocka_unit_test(what_gets_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
