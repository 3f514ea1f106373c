/* The names that must stay public are spelled as each partition spells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "local53/aws/public.h"
#include "local53/dns/text.h"

static const struct public_row *row_of(const char *name)
{
    size_t count;
    const struct public_row *rows = public_rows(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    fail_msg("no row %s", name);
    return NULL;
}

static void assert_expands(const char *row, const char *region, const char *expected)
{
    struct catalogue_name name;
    char text[TEXT_NAME_MAX];
    char got[TEXT_NAME_MAX + 2];

    assert_int_equal(public_expand(row_of(row), region, &name), ERR_OK);
    snprintf(got, sizeof(got), "%s%s", name.below ? "*." : "", text_write_name(&name.name, text));
    assert_string_equal(got, expected);
}

static void rows_are_written_out_for_a_region(void **state)
{
    (void)state;
    assert_expands("oidc.eks.{region}.{suffix}", "eu-west-1", "oidc.eks.eu-west-1.amazonaws.com");
    assert_expands("*.{region}.eks.{suffix}", "eu-west-1", "*.eu-west-1.eks.amazonaws.com");
    assert_expands("*.eks-cluster.{region}.{dualstack}", "eu-west-1",
                   "*.eks-cluster.eu-west-1.api.aws");
    assert_expands("al2023-repos-{region}-de612dc2.s3.dualstack.{region}.{suffix}", "eu-west-1",
                   "al2023-repos-eu-west-1-de612dc2.s3.dualstack.eu-west-1.amazonaws.com");
    assert_expands("public.ecr.aws", "eu-west-1", "public.ecr.aws");
}

static void a_partition_has_its_own_suffixes(void **state)
{
    (void)state;
    assert_expands("oidc.eks.{region}.{suffix}", "cn-north-1",
                   "oidc.eks.cn-north-1.amazonaws.com.cn");
    assert_expands("*.eks-cluster.{region}.{dualstack}", "cn-north-1",
                   "*.eks-cluster.cn-north-1.api.amazonwebservices.com.cn");
}

static void every_row_is_a_name_with_a_reason(void **state)
{
    size_t count;
    const struct public_row *rows = public_rows(&count);
    struct catalogue_name name;

    (void)state;
    assert_in_range(count, 10, PUBLIC_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(public_expand(&rows[i], "us-isob-east-1", &name), ERR_OK);
        assert_true(strlen(rows[i].reason) > 0);
    }
}

static void what_is_no_region_is_refused(void **state)
{
    struct catalogue_name name;

    (void)state;
    assert_int_equal(public_expand(row_of("public.ecr.aws"), "", &name), ERR_INVALID);
    assert_int_equal(public_expand(row_of("public.ecr.aws"), "europe", &name), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_written_out_for_a_region),
        cmocka_unit_test(a_partition_has_its_own_suffixes),
        cmocka_unit_test(every_row_is_a_name_with_a_reason),
        cmocka_unit_test(what_is_no_region_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
