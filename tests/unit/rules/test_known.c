/* The catalogue turned round: from names to services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../../src/rules/known.h"
#include "local53/dns/text.h"

static struct name name_of(const char *text)
{
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return name;
}

static void assert_service(struct known *known, const char *text, bool below, const char *expected)
{
    struct name name = name_of(text);
    char region[PARTITION_REGION_MAX];
    const struct catalogue_row *row =
        known_service(known, partition_find_region(&name, NULL, region), &name, below);

    assert_string_equal(row != NULL ? row->service : "none", expected);
}

static void names_find_their_service(void **state)
{
    struct known *known = known_new();

    (void)state;
    assert_service(known, "api.ecr.eu-west-1.amazonaws.com", false, "ecr.api");
    assert_service(known, "dkr.ecr.eu-west-1.amazonaws.com", true, "ecr.dkr");
    assert_service(known, "dkr.ecr.eu-west-1.amazonaws.com", false, "none");
    assert_service(known, "x.dkr.ecr.eu-west-1.amazonaws.com", false, "none");
    assert_service(known, "s3.cn-north-1.amazonaws.com.cn", false, "s3");
    assert_service(known, "s3.cn-north-1.amazonaws.com", false, "none");
    assert_service(known, "iam.amazonaws.com", false, "iam");
    assert_service(known, "a.example", false, "none");
    known_free(known);
}

static void each_asker_is_first_once(void **state)
{
    struct known *known = known_new();
    const struct catalogue_row *s3 = catalogue_find("s3");

    (void)state;
    assert_true(known_is_first(known, "eu-west-1", s3, 0));
    assert_false(known_is_first(known, "eu-west-1", s3, 0));
    assert_true(known_is_first(known, "eu-west-2", s3, 0));
    assert_true(known_is_first(known, "eu-west-1", catalogue_find("sqs"), 0));
    assert_true(known_is_first(known, "eu-west-1", s3, 1));
    known_free(known);
}

static void plain_names_are_neither_dualstack_nor_fips(void **state)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];

    (void)state;
    assert_int_equal(known_plain_names(catalogue_find("monitoring"), "eu-west-1", names), 1);
    assert_int_equal(known_plain_names(catalogue_find("s3"), "eu-west-1", names), 6);
    assert_int_equal(known_plain_names(catalogue_find("s3"), "", names), 0);
    assert_int_equal(known_plain_names(catalogue_find("iam"), "", names), 1);
}

static void more_regions_than_there_are_find_nothing(void **state)
{
    struct known *known = known_new();
    char region[PARTITION_REGION_MAX];
    char text[64];
    size_t count;

    (void)state;
    for (int i = 0; i <= KNOWN_REGIONS_MAX; i++) {
        snprintf(region, sizeof(region), "%c%c-west-1", 'a' + i / 8, 'a' + i % 8);
        snprintf(text, sizeof(text), "sqs.%s.amazonaws.com", region);
        assert_service(known, text, false, i < KNOWN_REGIONS_MAX ? "sqs" : "none");
    }
    assert_false(known_is_first(known, region, catalogue_find("sqs"), 0));
    known_publics(known, region, &count);
    assert_int_equal(count, 0);
    known_publics(known, "aa-west-1", &count);
    assert_in_range(count, 10, PUBLIC_ROWS_MAX);
    known_free(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_their_service),
        cmocka_unit_test(each_asker_is_first_once),
        cmocka_unit_test(plain_names_are_neither_dualstack_nor_fips),
        cmocka_unit_test(more_regions_than_there_are_find_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
