/* JSON as the importers read it: RFC 8259, strictly, with the place of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/aws/json.h"

static struct json_doc *opened(const char *text, struct import_problem *problem)
{
    struct import_file file = {"f.json", text, strlen(text)};
    struct json_doc *doc = NULL;

    problem->text[0] = '\0';
    assert_int_equal(json_open(&doc, &file, problem), ERR_OK);
    assert_non_null(doc);
    return doc;
}

static void assert_refused(const char *text, size_t len, const char *expected)
{
    struct import_file file = {"f.json", text, len};
    struct import_problem problem = {""};
    struct json_doc *doc = NULL;

    assert_int_equal(json_open(&doc, &file, &problem), ERR_INVALID);
    assert_null(doc);
    assert_string_equal(problem.text, expected);
}

#define ASSERT_REFUSED(text, expected) assert_refused((text), strlen(text), (expected))

static void members_items_and_texts_are_found(void **state)
{
    struct import_problem problem;
    struct json_doc *doc = opened("{\"a\": [1, {\"b\": \"x\", \"c\": true}]}", &problem);
    struct json_at whole = json_whole(doc);
    struct json_at list = json_member(&whole, "a");
    struct json_at number = json_item(&list, 0);
    struct json_at object = json_item(&list, 1);
    struct json_at text = json_member(&object, "b");
    struct json_at truth = json_member(&object, "c");

    (void)state;
    assert_int_equal(json_count(&list), 2);
    assert_int_equal(json_number(&number, -1), 1);
    assert_string_equal(json_text(&text), "x");
    assert_string_equal(text.path, "a[1].b");
    assert_true(json_bool(&truth, false));
    assert_false(json_failed(doc));
    json_close(doc);
}

static void what_is_missing_or_null_has_no_value_and_is_no_problem(void **state)
{
    struct import_problem problem;
    struct json_doc *doc = opened("{\"a\": null}", &problem);
    struct json_at whole = json_whole(doc);
    struct json_at null = json_member(&whole, "a");
    struct json_at missing = json_member(&null, "b");
    struct json_at item = json_item(&missing, 3);

    (void)state;
    assert_null(json_text(&null));
    assert_null(json_text(&item));
    assert_int_equal(json_count(&missing), 0);
    assert_true(json_bool(&missing, true));
    assert_int_equal(json_number(&missing, 7), 7);
    assert_false(json_failed(doc));
    json_close(doc);
}

static void text_that_is_needed_is_missed(void **state)
{
    struct import_problem problem;
    struct json_doc *doc = opened("{\"a\": {}}", &problem);
    struct json_at whole = json_whole(doc);
    struct json_at object = json_member(&whole, "a");
    struct json_at missing = json_member(&object, "b");

    (void)state;
    assert_string_equal(json_text_needed(&missing), "");
    assert_true(json_failed(doc));
    assert_string_equal(problem.text, "f.json: a.b: found nothing, expected text");
    json_close(doc);
}

/* Opens {"a": value}, reads a as `read` does, and gives the problem. */
#define PROBLEM_OF(value, read)                                                                    \
    do {                                                                                           \
        struct json_doc *doc_ = opened("{\"a\": " value "}", &problem);                            \
        struct json_at whole_ = json_whole(doc_);                                                  \
        struct json_at at = json_member(&whole_, "a");                                             \
        (void)(read);                                                                              \
        assert_true(json_failed(doc_));                                                            \
        json_close(doc_);                                                                          \
    } while (0)

static void a_value_of_another_kind_is_told_with_its_place(void **state)
{
    struct import_problem problem;

    (void)state;
    PROBLEM_OF("3", json_text(&at));
    assert_string_equal(problem.text, "f.json: a: found a number, expected text");
    PROBLEM_OF("\"yes\"", json_bool(&at, false));
    assert_string_equal(problem.text, "f.json: a: found \"yes\", expected true or false");
    PROBLEM_OF("1.5", json_number(&at, 0));
    assert_string_equal(problem.text,
                        "f.json: a: found a number with a fraction, expected a whole number");
    PROBLEM_OF("{}", json_count(&at));
    assert_string_equal(problem.text, "f.json: a: found an object, expected a list");
    PROBLEM_OF("[]", json_member(&at, "b").value);
    assert_string_equal(problem.text, "f.json: a: found a list, expected an object");
    PROBLEM_OF("\"x\\ny\"", json_text(&at));
    assert_string_equal(problem.text,
                        "f.json: a: found \"x?y\", expected text without control characters");
}

static void after_the_first_problem_nothing_is_found_and_nothing_else_told(void **state)
{
    struct import_problem problem;
    struct json_doc *doc = opened("{\"a\": 1, \"b\": \"x\", \"c\": [1]}", &problem);
    struct json_at whole = json_whole(doc);
    struct json_at b = json_member(&whole, "b");
    struct json_at c = json_member(&whole, "c");

    (void)state;
    json_refuse(&b, "found %s", "it");
    json_refuse(&c, "another");
    assert_string_equal(problem.text, "f.json: b: found it");
    assert_null(json_text(&b));
    assert_int_equal(json_count(&c), 0);
    assert_null(json_member(&whole, "b").value);
    json_close(doc);
}

static void a_path_that_is_too_long_is_cut(void **state)
{
    struct import_problem problem;
    struct json_doc *doc = opened("{}", &problem);
    struct json_at at = json_whole(doc);

    (void)state;
    for (int i = 0; i < 100; i++)
        at = json_member(&at, "abcdefg");
    assert_int_equal(strlen(at.path), JSON_PATH_MAX - 1);
    assert_string_equal(at.path + JSON_PATH_MAX - 4, "...");
    json_close(doc);
}

static void what_is_no_json_is_told_with_line_and_column(void **state)
{
    (void)state;
    ASSERT_REFUSED("{\n  \"a\": [1,\n", "f.json:3:0: the file ends too early: it was cut off: "
                                        "']' expected near end of file");
    ASSERT_REFUSED("{\"a\": 1}\n{\"b\": 2}\n",
                   "f.json:2:1: one JSON document is expected, and something follows it: end of "
                   "file expected near '{'");
    ASSERT_REFUSED("{\"a\": 1, \"a\": 2}",
                   "f.json:1:12: a key stands twice in one object: duplicate object key near "
                   "'\"a\"'");
    ASSERT_REFUSED("listen: x", "f.json:1:6: not JSON (aws prints it with --output json): '[' or "
                                "'{' expected near 'listen'");
    ASSERT_REFUSED("{\"a\": \"\\u0000\"}",
                   "f.json:1:14: text has a NUL character in it: \\u0000 "
                   "is not allowed without JSON_ALLOW_NUL near '\"\\u0000\"'");
}

static void what_is_no_utf8_is_told_with_its_place(void **state)
{
    (void)state;
    ASSERT_REFUSED("{\n\"a\": \"\xff\"}",
                   "f.json:2:6: the file must be UTF-8 text (PowerShell's > writes UTF-16): unable "
                   "to decode byte 0xff near '\"'");
    assert_refused("\xff\xfe{\0", 4,
                   "f.json:1:0: the file must be UTF-8 text (PowerShell's > writes UTF-16): unable "
                   "to decode byte 0xff");
}

static void a_byte_order_mark_is_left_out(void **state)
{
    struct import_problem problem;

    (void)state;
    json_close(opened("\xef\xbb\xbf{}", &problem));
    ASSERT_REFUSED("\xef\xbb\xbf", "f.json: empty; expected the JSON that aws prints");
}

static void an_empty_file_and_one_too_long_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED("", "f.json: empty; expected the JSON that aws prints");
    assert_refused("x", IMPORT_OCTETS_MAX + 1, "f.json: longer than 100000000 octets (100 MB)");
}

static void a_bomb_of_brackets_is_refused(void **state)
{
    size_t len = (size_t)1000 * 1000;
    char *text = malloc(len);
    struct import_file file = {"-", text, len};
    struct import_problem problem;
    struct json_doc *doc;

    (void)state;
    assert_non_null(text);
    memset(text, '[', len);
    assert_int_equal(json_open(&doc, &file, &problem), ERR_INVALID);
    assert_memory_equal(problem.text, "stdin:1:", 8);
    assert_non_null(strstr(problem.text, "nested too deep"));
    free(text);
}

static void closing_nothing_is_allowed(void **state)
{
    (void)state;
    json_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_items_and_texts_are_found),
        cmocka_unit_test(what_is_missing_or_null_has_no_value_and_is_no_problem),
        cmocka_unit_test(text_that_is_needed_is_missed),
        cmocka_unit_test(a_value_of_another_kind_is_told_with_its_place),
        cmocka_unit_test(after_the_first_problem_nothing_is_found_and_nothing_else_told),
        cmocka_unit_test(a_path_that_is_too_long_is_cut),
        cmocka_unit_test(what_is_no_json_is_told_with_line_and_column),
        cmocka_unit_test(what_is_no_utf8_is_told_with_its_place),
        cmocka_unit_test(a_byte_order_mark_is_left_out),
        cmocka_unit_test(an_empty_file_and_one_too_long_are_refused),
        cmocka_unit_test(a_bomb_of_brackets_is_refused),
        cmocka_unit_test(closing_nothing_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
