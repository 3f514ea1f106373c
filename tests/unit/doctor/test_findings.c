/* Findings as people and programs read them. */
#include "doctor_test.h"

#include <stdio.h>
#include <stdlib.h>

typedef void (*printer)(FILE *out, const struct findings *findings,
                        const struct findings_head *head);

/* The text; the caller's to free. */
static char *printed(const struct findings *findings, printer print, const char *file)
{
    struct findings_head head = {.file = file, .listen = "169.254.20.10", .took_ms = 1260};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    print(out, findings, &head);
    fclose(out);
    return text;
}

static void assert_printed(const struct findings *findings, printer print, const char *file,
                           const char *expected)
{
    char *text = printed(findings, print, file);
    assert_string_equal(text, expected);
    free(text);
}

static void add_some(struct findings *findings)
{
    findings_add(findings, FINDING_OK, "port", "%s is free", "127.0.0.1:53");
    findings_add(findings, FINDING_PROBLEM, "loop", "a loop");
    findings_remedy(findings, "end it");
    findings_add(findings, FINDING_NOTE, "search", "a note");
}

static void the_table_begins_with_the_worst(void **state)
{
    add_some(*state);
    assert_printed(
        *state, findings_print_table, "f.yaml",
        "this node, for f.yaml\n\n"
        "FINDING   ABOUT          WHAT                                            WHAT TO "
        "DO\n"
        "problem   loop           a loop                                          end "
        "it\n"
        "note      search         a note\n"
        "ok        port           127.0.0.1:53 is free\n"
        "\n1 problem, 1 note, 1 ok; 1.2 s\n");
}

static void columns_are_filled_with_whole_words(void **state)
{
    findings_add(*state, FINDING_NOTE, "search", "%s",
                 "12345678 12345678 12345678 12345678 12345678 1 a");
    findings_remedy(*state, "%s", "12345678 12345678 12345678 12345678 12345678 123 b");
    char *text = printed(*state, findings_print_table, "f");
    assert_non_null(strstr(text, "search         12345678 12345678 12345678 12345678 12345678 1"
                                 "  12345678 12345678 12345678 12345678 12345678\n"
                                 "                         a"));
    free(text);
}

static void without_a_problem_it_says_so(void **state)
{
    char *text = printed(*state, findings_print_table, NULL);
    assert_non_null(strstr(text, "without a configuration, as for listen: [169.254.20.10]"));
    assert_non_null(strstr(text, "nothing is in the way, 0 notes, 0 ok"));
    free(text);
}

/* Long words are cut where the column ends. */
static void no_line_is_longer_than_120_columns(void **state)
{
    struct findings *findings = *state;
    char words[300];
    char word[300];
    for (size_t i = 0; i < sizeof(words) - 1; i++) {
        words[i] = i % 7 == 6 ? ' ' : 'x';
        word[i] = 'y';
    }
    words[sizeof(words) - 1] = word[sizeof(word) - 1] = '\0';
    findings_add(findings, FINDING_PROBLEM, FINDING_BUFFER, "%s", words);
    findings_remedy(findings, "%s", word);
    findings_add(findings, FINDING_NOTE, FINDING_BUFFER, "%s", word);
    findings_remedy(findings, "%s", words);
    char *text = printed(findings, findings_print_table, "f");
    size_t count[256] = {0};
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        assert_true(len <= 120);
        line += len + 1;
    }
    for (const char *c = text; *c != '\0'; c++)
        count[(unsigned char)*c]++;
    assert_int_equal(count['y'], 2 * 299);
    free(text);
}

static void the_json_has_the_same_rows(void **state)
{
    add_some(*state);
    assert_printed(
        *state, findings_print_json, "f.yaml",
        "{\"problems\": 1, \"notes\": 1, \"ok\": 1, \"left_out\": 0, \"took_ms\": 1260, "
        "\"config\": "
        "\"f.yaml\",\n  \"findings\": [\n"
        "    {\"key\": \"loop\", \"finding\": \"problem\", \"what\": \"a loop\", \"remedy\": \"end "
        "it\"},\n"
        "    {\"key\": \"search\", \"finding\": \"note\", \"what\": \"a note\", \"remedy\": "
        "null},\n"
        "    {\"key\": \"port\", \"finding\": \"ok\", \"what\": \"127.0.0.1:53 is free\", "
        "\"remedy\": null}]}\n");
}

static void foreign_text_is_made_printable(void **state)
{
    struct findings *findings = *state;
    findings_add(findings, FINDING_NOTE, "port", "%s", "a\nb\x1b[2J\xff\x7f");
    findings_remedy(findings, "%s", "\t");
    assert_only(findings, FINDING_NOTE, "port", "a?b?[2J??", "?");
}

static void more_than_there_is_room_for_is_counted(void **state)
{
    struct findings *findings = *state;
    for (int i = 0; i < FINDINGS_MAX + 3; i++) {
        findings_add(findings, FINDING_OK, "port", "%d", i);
        findings_remedy(findings, "%d", i);
    }
    assert_int_equal(findings->left_out, 3);
    assert_string_equal(findings->items[FINDINGS_MAX - 1].remedy, "199");
    char *text = printed(findings, findings_print_table, "f");
    assert_non_null(strstr(text, "3 more not told"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FINDINGS_TEST(the_table_begins_with_the_worst),
        FINDINGS_TEST(columns_are_filled_with_whole_words),
        FINDINGS_TEST(without_a_problem_it_says_so),
        FINDINGS_TEST(no_line_is_longer_than_120_columns),
        FINDINGS_TEST(the_json_has_the_same_rows),
        FINDINGS_TEST(foreign_text_is_made_printable),
        FINDINGS_TEST(more_than_there_is_room_for_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
