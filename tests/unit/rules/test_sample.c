/* A made-up name stands for what a wildcard takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../../src/rules/sample.h"
#include "local53/dns/text.h"

static void sample_of_a_name_is_the_name(void **state)
{
    struct name name;
    struct name sample;

    (void)state;
    assert_int_equal(text_read_name(&name, "a.example"), ERR_OK);
    assert_true(sample_name(&sample, &name, false));
    assert_true(name_equal(&sample, &name));
}

static void sample_of_a_wildcard_stands_one_label_below(void **state)
{
    struct name name;
    struct name sample;
    char text[TEXT_NAME_MAX];

    (void)state;
    assert_int_equal(text_read_name(&name, "a.example"), ERR_OK);
    assert_true(sample_name(&sample, &name, true));
    assert_string_equal(text_write_name(&sample, text), SAMPLE_LABEL ".a.example");
    name_root(&name);
    assert_true(sample_name(&sample, &name, true));
    assert_string_equal(text_write_name(&sample, text), SAMPLE_LABEL);
}

/* 255 octets are the most (RFC 1035 section 2.3.4). */
static void no_sample_stands_below_the_longest_names(void **state)
{
    char text[NAME_MAX_OCTETS + 1] = "";
    struct name name;
    struct name sample;

    (void)state;
    for (size_t i = 0; i < 115; i++)
        snprintf(text + 2 * i, sizeof(text) - 2 * i, "a.");
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    assert_int_equal(name.len + sizeof(SAMPLE_LABEL), NAME_MAX_OCTETS - 1);
    assert_true(sample_name(&sample, &name, true));
    snprintf(text + 230, sizeof(text) - 230, "a.");
    assert_int_equal(text_read_name(&name, text), ERR_OK);
    assert_false(sample_name(&sample, &name, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_of_a_name_is_the_name),
        cmocka_unit_test(sample_of_a_wildcard_stands_one_label_below),
        cmocka_unit_test(no_sample_stands_below_the_longest_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
