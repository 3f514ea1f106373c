/* JSON strings as programs read them (RFC 8259 section 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "local53/cli/json_text.h"

static void assert_written(const char *text, const char *expected)
{
    char *written = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&written, &len);

    assert_non_null(out);
    json_text_write(out, text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(written, expected);
    free(written);
}

static void text_stands_in_quotes_as_it_is(void **state)
{
    (void)state;
    assert_written("", "\"\"");
    assert_written("*.dkr.ecr.eu-west-1.amazonaws.com", "\"*.dkr.ecr.eu-west-1.amazonaws.com\"");
    assert_written("caf\xc3\xa9", "\"caf\xc3\xa9\"");
}

static void what_would_end_or_break_a_string_is_escaped(void **state)
{
    (void)state;
    assert_written("a\"b\\c", "\"a\\\"b\\\\c\"");
    assert_written("a\nb\t\x1f", "\"a\\u000ab\\u0009\\u001f\"");
}

static void assert_member(const char *text, const char *expected)
{
    char *written = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&written, &len);

    assert_non_null(out);
    json_text_member(out, "zone", text);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(written, expected);
    free(written);
}

static void a_member_without_a_text_is_null(void **state)
{
    (void)state;
    assert_member("eu-west-1a", "\"zone\": \"eu-west-1a\"");
    assert_member("a\"b", "\"zone\": \"a\\\"b\"");
    assert_member("", "\"zone\": null");
    assert_member(NULL, "\"zone\": null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stands_in_quotes_as_it_is),
        cmocka_unit_test(what_would_end_or_break_a_string_is_escaped),
        cmocka_unit_test(a_member_without_a_text_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
