/* YAML: what becomes a tree, with places, and what is refused in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/yaml.h"

/* What the report says of a text; "" when it is taken. The caller frees it. */
static char *complaint(const char *text, size_t len)
{
    struct arena arena = {0};
    struct report report = {.file = "t"};
    struct yaml_node *root = yaml_parse(&arena, text, len, &report);
    char *lines = report_text(&report);

    assert_int_equal(root == NULL, lines[0] != '\0');
    report_deinit(&report);
    arena_deinit(&arena);
    return lines;
}

static void assert_refused(const char *text, const char *place, const char *words)
{
    char *lines = complaint(text, strlen(text));

    if (strncmp(lines, place, strlen(place)) != 0 || strstr(lines, words) == NULL)
        fail_msg("wanted \"%s ... %s\", found \"%s\"", place, words, lines);
    assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
    free(lines);
}

static void assert_taken(const char *text)
{
    char *lines = complaint(text, strlen(text));

    assert_string_equal(lines, "");
    free(lines);
}

static void a_document_becomes_a_tree_with_places(void **state)
{
    static const char text[] = "a: 1\nlist: [x, \"y\"]\nmap:\n  key: value\n";
    struct arena arena = {0};
    struct report report = {.file = "t"};
    struct yaml_node *root = yaml_parse(&arena, text, strlen(text), &report);
    const struct yaml_node *list;
    const struct yaml_node *key;

    (void)state;
    assert_non_null(root);
    assert_int_equal(root->kind, YAML_MAP);
    assert_string_equal(root->first->key, "a");
    assert_string_equal(root->first->text, "1");
    list = root->first->next;
    assert_int_equal(list->kind, YAML_LIST);
    assert_false(list->first->quoted);
    assert_true(list->first->next->quoted);
    assert_int_equal(list->first->next->mark.line, 2);
    assert_int_equal(list->first->next->mark.column, 11);
    assert_null(list->first->key);
    key = list->next->first;
    assert_string_equal(key->key, "key");
    assert_int_equal(key->key_mark.line, 4);
    assert_int_equal(key->key_mark.column, 3);
    assert_int_equal(key->mark.column, 8);
    report_deinit(&report);
    arena_deinit(&arena);
}

static void an_empty_document_is_an_empty_map(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "---\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena arena = {0};
        struct report report = {.file = "t"};
        struct yaml_node *root = yaml_parse(&arena, texts[i], strlen(texts[i]), &report);

        assert_non_null(root);
        assert_int_equal(root->kind, YAML_MAP);
        assert_null(root->first);
        report_deinit(&report);
        arena_deinit(&arena);
    }
}

static void a_key_twice_is_refused_with_its_path_and_first_place(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: 2\na: 3\n", "t:3:1: error: a: ", "a second time, first in line 1");
    assert_refused("e:\n- {x: 1}\n- x: 1\n  x: 2\n", "t:4:3: error: e[1].x: ", "first in line 3");
    assert_refused("e: {f: {g: [1, {h: 1, h: 2}]}}\n",
                   "t:1:23: error: e.f.g[1].h: ", "second time");
}

static void what_only_machines_write_is_refused(void **state)
{
    (void)state;
    assert_refused("a: &x [1]\n", "t:1:4: ", "anchors are not taken (&x)");
    assert_refused("a: *x\n", "t:1:4: ", "aliases are not taken (*x)");
    assert_refused("a: !!str 1\n", "t:1:4: ", "tags are not taken");
    assert_refused("a: !secret\n  b: 1\n", "t:1:4: ", "tags are not taken (!secret)");
    assert_refused("a: 1\n---\nb: 2\n", "t:2:1: ", "a second document");
    assert_refused("%YAML 1.1\n---\na: 1\n", "t:1:1: ", "directives");
    assert_refused("[a]: 1\n", "t:1:1: ", "a key must be a word");
    assert_refused("? {a: b}\n: 1\n", "t:1:3: ", "a key must be a word");
    assert_refused("a: \"x\\0y\"\n", "t:1:4: ", "zero octet");
}

static void common_slips_are_told_in_plain_words(void **state)
{
    (void)state;
    assert_refused("a:\n\tb: 1\n", "t:2:1: ", "indented with a tab; indent with blanks");
    assert_refused("a: *.x.example\n", "t:1:", "\"*.example.com\"");
    assert_refused("a: [[::1]:53]\n", "t:1:5: ", "\"[::1]:53\"");
    assert_refused("a: b: c\n", "t:1:5: ", "the value before needs quotes");
    assert_refused("a: 1\n b: 2\n", "t:2:3: ", "a key's colon");
    assert_refused("a: [1]\n b: 2\n", "t:2:2: ", "indented differently");
    assert_refused("a: 1\nb 2\nc: 3\n", "t:2:1: ", "a key is followed by a colon");
    assert_refused("a: \"x\n", "t:1:4: ", "a quote is opened and not closed");
    assert_refused("a: [x, ::1]\n", "t:1:8: ", "\"::1\"");
    assert_refused("a: @x\n", "t:1:4: ", "stands in quotes");
    assert_refused("a: [1, 2\nb: 3\n", "t:2:", "closing ]");
}

static void octets_that_are_no_text_are_refused_with_their_place(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: \"\xff\"\n", "t:2:5: ", "UTF-8");
    assert_refused("a: \x01\n", "t:1:4: ", "control characters");
}

/* YAML allows it; an editor that writes it is told. */
static void utf_16_is_refused(void **state)
{
    static const char text[] = "\xff\xfe"
                               "a\0:\0 \0x\0\n";
    char *lines = complaint(text, sizeof(text));

    (void)state;
    assert_non_null(strstr(lines, "the file must be UTF-8 text"));
    free(lines);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    assert_refused("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "t:1:17: ", "more than 16 deep");
    assert_taken("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]");
}

/* A document made of one piece, repeated. */
static char *repeated(const char *head, const char *piece, size_t times, size_t *len)
{
    char *text = malloc(strlen(head) + strlen(piece) * times + 1);

    assert_non_null(text);
    *len = strlen(head);
    memcpy(text, head, *len);
    for (size_t i = 0; i < times; i++) {
        memcpy(text + *len, piece, strlen(piece));
        *len += strlen(piece);
    }
    text[*len] = '\0';
    return text;
}

static void assert_too_much(char *text, size_t len, const char *words)
{
    char *lines = complaint(text, len);

    assert_non_null(strstr(lines, words));
    free(lines);
    free(text);
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    struct arena arena = {0};
    struct report report = {.file = "t"};
    const char text[] = "\xef\xbb\xbfone: 1\ntwo: 2\n";
    struct yaml_node *root = yaml_parse(&arena, text, sizeof(text) - 1, &report);

    (void)state;
    assert_non_null(root);
    assert_string_equal(root->first->key, "one");
    assert_int_equal(root->first->key_mark.column, 1);
    assert_string_equal(root->first->next->key, "two");
    report_deinit(&report);
    arena_deinit(&arena);
}

static void text_and_values_are_bounded(void **state)
{
    size_t len = 0;
    char *text = repeated("", "#", YAML_TEXT_MAX + 1, &len);

    (void)state;
    assert_too_much(text, len, "at most 16777216 are read");
    text = repeated("", "- 1\n", YAML_NODES_MAX + 1, &len);
    assert_too_much(text, len, "more than 1000000 values");
}

static void keys_of_one_mapping_are_bounded(void **state)
{
    char text[YAML_KEYS_MAX * 16];
    size_t used = 0;

    (void)state;
    for (unsigned i = 0; i <= YAML_KEYS_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "k%u: 1\n", i);
    assert_refused(text, "t:257:1: ", "more than 256 keys");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_becomes_a_tree_with_places),
        cmocka_unit_test(an_empty_document_is_an_empty_map),
        cmocka_unit_test(a_key_twice_is_refused_with_its_path_and_first_place),
        cmocka_unit_test(what_only_machines_write_is_refused),
        cmocka_unit_test(common_slips_are_told_in_plain_words),
        cmocka_unit_test(octets_that_are_no_text_are_refused_with_their_place),
        cmocka_unit_test(utf_16_is_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(text_and_values_are_bounded),
        cmocka_unit_test(keys_of_one_mapping_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
