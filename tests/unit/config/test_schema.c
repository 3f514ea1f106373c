/* Schema: the rows agree with themselves, and the sample file with the rows. Runs in the source tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/schema.h"
#include "local53/config/value.h"
#include "local53/config/yaml.h"

#define SAMPLE "conf/local53.yaml"
#define SAMPLE_MAX 65536
#define ROWS_MAX 64

/* The sample, its tree, and the line each row's key stands in first; 0 when it is not there. */
struct sample {
    char text[SAMPLE_MAX];
    struct arena arena;
    struct yaml_node *root;
    unsigned line_of[ROWS_MAX];
};

static size_t row_count(void)
{
    size_t count = 0;

    schema_rows(&count);
    return count;
}

/* Notes the rows of a map's keys and of those below; a key without a row fails the test. */
static void note_keys(struct sample *sample, const struct yaml_node *map, const char *prefix)
{
    size_t count = 0;
    const struct schema_row *rows = schema_rows(&count);

    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        char path[256];
        const struct schema_row *row;

        snprintf(path, sizeof(path), "%s%s", prefix, node->key);
        row = schema_find(path);
        assert_non_null(row);
        if (sample->line_of[row - rows] == 0)
            sample->line_of[row - rows] = node->key_mark.line;
        if (node->kind == YAML_MAP && row->type != SCHEMA_ALIAS_MAP) {
            strncat(path, ".", sizeof(path) - strlen(path) - 1);
            note_keys(sample, node, path);
        }
        strncat(path, "[].", sizeof(path) - strlen(path) - 1);
        for (const struct yaml_node *item = node->kind == YAML_LIST ? node->first : NULL;
             item != NULL; item = item->next) {
            if (item->kind == YAML_MAP)
                note_keys(sample, item, path);
        }
    }
}

static int read_sample(void **state)
{
    struct sample *sample = calloc(1, sizeof(*sample));
    struct report report = {.file = SAMPLE};
    FILE *file = fopen(SAMPLE, "rb");
    size_t len;

    assert_non_null(sample);
    assert_non_null(file);
    len = fread(sample->text, 1, sizeof(sample->text) - 1, file);
    fclose(file);
    assert_true(len > 0 && len < sizeof(sample->text) - 1);
    sample->root = yaml_parse(&sample->arena, sample->text, len, &report);
    assert_non_null(sample->root);
    assert_true(row_count() <= ROWS_MAX);
    note_keys(sample, sample->root, "");
    report_deinit(&report);
    *state = sample;
    return 0;
}

static int drop_sample(void **state)
{
    struct sample *sample = *state;

    arena_deinit(&sample->arena);
    free(sample);
    return 0;
}

/* The comment lines right above a line, joined by blanks. */
static void comment_above(const char *text, unsigned line, char *out, size_t cap)
{
    const char *lines[2048];
    unsigned count = 0;
    unsigned first = line;

    for (const char *at = text; at != NULL && count < 2048; count++) {
        lines[count] = at;
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    while (first > 1 && lines[first - 2][strspn(lines[first - 2], " ")] == '#')
        first--;
    out[0] = '\0';
    for (; first < line; first++) {
        const char *start = strchr(lines[first - 1], '#') + 1;
        size_t used = strlen(out);

        snprintf(out + used, cap - used, "%.*s", (int)strcspn(start, "\n"), start);
    }
}

static void every_key_stands_in_the_sample_with_a_comment(void **state)
{
    const struct sample *sample = *state;
    const struct schema_row *rows = schema_rows(&(size_t){0});
    char comment[4096];

    for (size_t i = 0; i < row_count(); i++) {
        if (sample->line_of[i] == 0)
            fail_msg("%s does not stand in " SAMPLE, rows[i].path);
        comment_above(sample->text, sample->line_of[i], comment, sizeof(comment));
        if (comment[0] == '\0')
            fail_msg("%s has no comment in " SAMPLE, rows[i].path);
    }
}

static bool is_value(const struct schema_row *row)
{
    return row->type != SCHEMA_MAP && row->type != SCHEMA_MAP_LIST;
}

static void the_sample_tells_each_default(void **state)
{
    const struct sample *sample = *state;
    const struct schema_row *rows = schema_rows(&(size_t){0});
    char comment[4096];
    char wanted[256];

    for (size_t i = 0; i < row_count(); i++) {
        comment_above(sample->text, sample->line_of[i], comment, sizeof(comment));
        snprintf(wanted, sizeof(wanted), "%s%s",
                 rows[i].fallback != NULL ? "Default: " : "Required",
                 rows[i].fallback != NULL ? rows[i].fallback : "");
        if (is_value(&rows[i]) && (rows[i].fallback == NULL || rows[i].fallback[0] != '\0') &&
            strstr(comment, wanted) == NULL)
            fail_msg("%s: the sample does not say \"%s\"", rows[i].path, wanted);
    }
}

static void the_sample_tells_which_keys_need_a_restart(void **state)
{
    const struct sample *sample = *state;
    const struct schema_row *rows = schema_rows(&(size_t){0});
    char comment[4096];

    for (size_t i = 0; i < row_count(); i++) {
        comment_above(sample->text, sample->line_of[i], comment, sizeof(comment));
        if (is_value(&rows[i]) && (strstr(comment, "Restart.") == NULL) != rows[i].reload)
            fail_msg("%s: sample and schema differ about the restart", rows[i].path);
    }
}

/* "1s to 7d" as the sample writes the range of a row; "" when it has none. */
static void write_range(const struct schema_row *row, char *out, size_t cap)
{
    char min[VALUE_TEXT_MAX];
    char max[VALUE_TEXT_MAX];

    out[0] = '\0';
    if (row->type == SCHEMA_DURATION)
        snprintf(out, cap, "%.40s to %.40s", value_write_duration(row->min, min),
                 value_write_duration(row->max, max));
    else if (row->type == SCHEMA_SIZE)
        snprintf(out, cap, "%.40s to %.40s", value_write_size(row->min, min),
                 value_write_size(row->max, max));
    else if (row->type == SCHEMA_INTEGER)
        snprintf(out, cap, "%llu to %llu", (unsigned long long)row->min,
                 (unsigned long long)row->max);
}

static void the_sample_tells_each_range(void **state)
{
    const struct sample *sample = *state;
    const struct schema_row *rows = schema_rows(&(size_t){0});
    char comment[4096];
    char range[128];

    for (size_t i = 0; i < row_count(); i++) {
        comment_above(sample->text, sample->line_of[i], comment, sizeof(comment));
        write_range(&rows[i], range, sizeof(range));
        if (strstr(comment, range) == NULL)
            fail_msg("%s: the sample does not say \"%s\"", rows[i].path, range);
    }
}

static void each_row_is_found_by_its_path_and_lies_in_one_map(void **state)
{
    size_t count = 0;
    const struct schema_row *rows = schema_rows(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        size_t parents = schema_is_inside(&rows[i], NULL) ? 1 : 0;

        for (size_t j = 0; j < count; j++) {
            bool is_map = rows[j].type == SCHEMA_MAP || rows[j].type == SCHEMA_MAP_LIST;

            parents += is_map && schema_is_inside(&rows[i], &rows[j]) ? 1 : 0;
        }
        assert_int_equal(parents, 1);
        assert_ptr_equal(schema_find(rows[i].path), &rows[i]);
        assert_true(strlen(rows[i].help) > 10);
        assert_true(rows[i].min <= rows[i].max);
    }
    assert_null(schema_find("cache.serve_stale"));
}

static void keys_are_the_last_words_of_paths(void **state)
{
    (void)state;
    assert_string_equal(schema_key(schema_find("listen")), "listen");
    assert_string_equal(schema_key(schema_find("cache.memory")), "memory");
    assert_string_equal(schema_key(schema_find("endpoints[].service")), "service");
    assert_true(schema_is_inside(schema_find("cache.memory"), schema_find("cache")));
    assert_false(schema_is_inside(schema_find("cache.memory"), NULL));
    assert_true(schema_is_inside(schema_find("forward[].zone"), schema_find("forward")));
    assert_false(schema_is_inside(schema_find("forward[].zone"), schema_find("endpoints")));
}

static void a_map_knows_its_keys_and_a_key_its_first_path(void **state)
{
    const char *keys[4];

    (void)state;
    assert_int_equal(schema_keys(schema_find("zones"), keys, 4), 4);
    assert_string_equal(keys[0], "name");
    assert_string_equal(keys[3], "aliases");
    assert_string_equal(schema_path_of_key("region"), "aws.region");
    assert_string_equal(schema_path_of_key("zone"), "forward[].zone");
    assert_null(schema_path_of_key("aws.region"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_stands_in_the_sample_with_a_comment),
        cmocka_unit_test(the_sample_tells_each_default),
        cmocka_unit_test(the_sample_tells_which_keys_need_a_restart),
        cmocka_unit_test(the_sample_tells_each_range),
        cmocka_unit_test(each_row_is_found_by_its_path_and_lies_in_one_map),
        cmocka_unit_test(keys_are_the_last_words_of_paths),
        cmocka_unit_test(a_map_knows_its_keys_and_a_key_its_first_path),
    };

    return cmocka_run_group_tests(tests, read_sample, drop_sample);
}
