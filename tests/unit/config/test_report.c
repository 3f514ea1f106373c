/* Reports: order, bounds and wording of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/report.h"

static void assert_text(const struct report *report, const char *expected)
{
    char *text = report_text(report);

    assert_string_equal(text, expected);
    free(text);
}

static void items_are_told_in_the_order_of_their_places(void **state)
{
    struct report report = {.file = "a.yaml"};

    (void)state;
    report_add(&report, REPORT_ERROR, (struct config_mark){9, 2}, "third %d", 3);
    report_add(&report, REPORT_WARNING, (struct config_mark){2, 7}, "second");
    report_add(&report, REPORT_ERROR, (struct config_mark){2, 1}, "first");
    report_add(&report, REPORT_ERROR, (struct config_mark){9, 2}, "fourth");
    report_add(&report, REPORT_ERROR, (struct config_mark){0, 0}, "nowhere");
    assert_text(&report, "a.yaml: error: nowhere\n"
                         "a.yaml:2:1: error: first\n"
                         "a.yaml:2:7: warning: second\n"
                         "a.yaml:9:2: error: third 3\n"
                         "a.yaml:9:2: error: fourth\n");
    assert_int_equal(report.errors, 4);
    assert_int_equal(report.warnings, 1);
    report_deinit(&report);
    assert_text(&report, "");
}

static void items_past_the_limit_are_counted_and_told_as_a_number(void **state)
{
    struct report report = {.file = "a"};
    size_t lines = 0;
    char *text;

    (void)state;
    for (unsigned i = 0; i < REPORT_MAX + 7; i++)
        report_add(&report, REPORT_ERROR, (struct config_mark){i + 1, 1}, "e");
    text = report_text(&report);
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, REPORT_MAX + 1);
    assert_non_null(strstr(text, "a: and 7 more\n"));
    assert_int_equal(report.errors, REPORT_MAX + 7);
    free(text);
    report_deinit(&report);
}

static void an_item_is_one_line_whatever_it_quotes(void **state)
{
    struct report report = {.file = "a"};

    (void)state;
    report_add(&report, REPORT_ERROR, (struct config_mark){1, 1}, "found \"%s\"",
               "x\ny\x1b[31m\x7f");
    assert_text(&report, "a:1:1: error: found \"x?y?[31m?\"\n");
    report_deinit(&report);
}

static void a_long_item_is_cut_with_dots_between_characters(void **state)
{
    struct report report = {.file = "a"};
    char word[2 * REPORT_TEXT_MAX];
    size_t len;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(word); i++)
        word[i] = i % 2 == 0 ? '\xc3' : '\xa4';
    word[sizeof(word) - 1] = '\0';
    report_add(&report, REPORT_ERROR, (struct config_mark){1, 1}, "%s", word);
    len = strlen(report.first->text);
    assert_true(len < REPORT_TEXT_MAX && len > REPORT_TEXT_MAX - 8);
    assert_string_equal(report.first->text + len - 4, "\xa4...");
    report_deinit(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_told_in_the_order_of_their_places),
        cmocka_unit_test(items_past_the_limit_are_counted_and_told_as_a_number),
        cmocka_unit_test(an_item_is_one_line_whatever_it_quotes),
        cmocka_unit_test(a_long_item_is_cut_with_dots_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
