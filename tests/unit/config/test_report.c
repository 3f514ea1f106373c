/* Reports: order, bounds and wording of what is wrong; and the nearest word. */
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

static const char *nearest(const char *word)
{
    static const char *const words[] = {"listen", "ecr.api", "ecr.dkr", "ec2", "max_ttl", "memory"};

    return report_nearest(word, words, sizeof(words) / sizeof(words[0]));
}

static void the_nearest_word_is_found_through_slips(void **state)
{
    (void)state;
    assert_string_equal(nearest("lisetn"), "listen");
    assert_string_equal(nearest("Listen"), "listen");
    assert_string_equal(nearest("max_tll"), "max_ttl");
    assert_string_equal(nearest("maxttl"), "max_ttl");
    assert_string_equal(nearest("memroy"), "memory");
    assert_string_equal(nearest("ecr.dkx"), "ecr.dkr");
    assert_string_equal(nearest("ecz"), "ec2");
}

static void a_first_part_finds_the_whole_before_what_is_spelled_alike(void **state)
{
    static const char *const words[] = {"appstream.api", "codeartifact.api",
                                        "codeartifact.repositories"};

    (void)state;
    assert_string_equal(report_nearest("codeartifact", words, 3), "codeartifact.api");
    assert_null(report_nearest("codeart", words, 3));
    assert_string_equal(nearest("ecr"), "ecr.api");
}

static void words_that_share_nothing_are_not_near(void **state)
{
    char longer[80];

    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_null(nearest("x"));
    assert_null(nearest("xy"));
    assert_null(nearest(""));
    assert_null(nearest("forward"));
    assert_null(nearest(longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_told_in_the_order_of_their_places),
        cmocka_unit_test(items_past_the_limit_are_counted_and_told_as_a_number),
        cmocka_unit_test(an_item_is_one_line_whatever_it_quotes),
        cmocka_unit_test(a_long_item_is_cut_with_dots_between_characters),
        cmocka_unit_test(the_nearest_word_is_found_through_slips),
        cmocka_unit_test(a_first_part_finds_the_whole_before_what_is_spelled_alike),
        cmocka_unit_test(words_that_share_nothing_are_not_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
