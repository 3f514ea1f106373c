/* What importers write that came from a file: nothing gets out of its comment or its scalar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/aws/import_text.h"

static void assert_comment(const char *text, unsigned indent, const char *expected)
{
    char *written = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&written, &len);

    assert_non_null(out);
    import_comment(out, indent, "%s", text);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void assert_name(const char *text, const char *expected)
{
    struct catalogue_name name;
    char written[IMPORT_NAME_MAX];

    assert_true(import_read_name(&name, text));
    assert_string_equal(import_write_name(&name, written), expected);
}

static void assert_no_name(const char *text)
{
    struct catalogue_name name;

    assert_false(import_read_name(&name, text));
}

static void a_comment_stays_in_its_line(void **state)
{
    (void)state;
    assert_comment("one\nlisten: [0.0.0.0]\r\tend", 2, "  # one?listen: [0.0.0.0]??end\n");
    assert_comment("~ \x7f", 0, "# ~ ?\n");
    assert_comment("next\xc2\x85line\xe2\x80\xa8sep", 0, "# next??line???sep\n");
}

static void a_long_comment_is_folded_at_blanks(void **state)
{
    char text[301];
    char expected[400];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    snprintf(expected, sizeof(expected), "# %s\n", text);
    assert_comment(text, 0, expected);
    text[90] = ' ';
    text[110] = ' ';
    snprintf(expected, sizeof(expected), "# %.90s\n# %.19s\n# %s\n", text, text, text + 111);
    assert_comment(text, 0, expected);
}

static void an_empty_comment_is_nothing(void **state)
{
    (void)state;
    assert_comment("", 4, "");
}

static void names_are_folded_and_quoted_where_yaml_needs_it(void **state)
{
    (void)state;
    assert_name("API.ecr.eu-west-1.amazonaws.com.", "api.ecr.eu-west-1.amazonaws.com");
    assert_name("*.dkr.ecr.eu-west-1.amazonaws.com", "\"*.dkr.ecr.eu-west-1.amazonaws.com\"");
    assert_name("_x.example.com", "\"_x.example.com\"");
    assert_name("true", "\"true\"");
    assert_name("1.example.com", "\"1.example.com\"");
}

static void what_the_configuration_would_refuse_is_no_name(void **state)
{
    (void)state;
    assert_no_name("");
    assert_no_name(".");
    assert_no_name("*.");
    assert_no_name("*");
    assert_no_name("a..b");
    assert_no_name("10.0.0.1");
    assert_no_name("10.0.1");
    assert_no_name("::1");
    assert_no_name("a\\046b.example.com");
    assert_no_name("a b.example.com");
    assert_no_name("x.*.example.com");
    assert_no_name("https://example.com");
    assert_no_name("printer.local");
    assert_no_name("localhost");
    assert_no_name("1.0.10.in-addr.arpa");
}

static void a_wildcard_is_another_name_than_its_parent(void **state)
{
    struct catalogue_name wildcard;
    struct catalogue_name exact;

    (void)state;
    assert_true(import_read_name(&wildcard, "*.s3.eu-west-1.amazonaws.com"));
    assert_true(import_read_name(&exact, "S3.eu-west-1.amazonaws.com"));
    assert_false(import_same_name(&wildcard, &exact));
    exact.below = true;
    assert_true(import_same_name(&wildcard, &exact));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment_stays_in_its_line),
        cmocka_unit_test(a_long_comment_is_folded_at_blanks),
        cmocka_unit_test(an_empty_comment_is_nothing),
        cmocka_unit_test(names_are_folded_and_quoted_where_yaml_needs_it),
        cmocka_unit_test(what_the_configuration_would_refuse_is_no_name),
        cmocka_unit_test(a_wildcard_is_another_name_than_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
