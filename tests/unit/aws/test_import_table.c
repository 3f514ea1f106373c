/* Items of a JSON list, found by a member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/aws/import_table.h"

/* A table of a document's list L by the key K, and all it lives in. */
struct fixture {
    struct import_problem problem;
    struct json_doc *doc;
    struct arena arena;
    struct import_table table;
};

static void set_up(struct fixture *f, const char *text)
{
    struct import_file file = {"f", text, strlen(text)};

    *f = (struct fixture){.doc = NULL};
    assert_int_equal(json_open(&f->doc, &file, &f->problem), ERR_OK);
    import_table_read(&f->table, f->doc, "L", "K", &f->arena);
}

static void tear_down(struct fixture *f)
{
    json_close(f->doc);
    arena_deinit(&f->arena);
}

static void items_are_found_by_their_key_and_equal_ones_follow_in_order(void **state)
{
    struct fixture f;
    const struct import_key *key;

    (void)state;
    set_up(&f, "{\"L\": [{\"K\": \"b\"}, {\"K\": \"a\"}, {}, {\"K\": \"b\"}, {\"K\": \"c\"}]}");
    key = import_table_find(&f.table, "b");
    assert_non_null(key);
    assert_int_equal(key[0].item, 0);
    assert_int_equal(key[1].item, 3);
    assert_string_equal(key[2].text, "c");
    assert_ptr_equal(key + 3, import_table_end(&f.table));
    assert_int_equal(import_table_find(&f.table, "a")->item, 1);
    assert_false(json_failed(f.doc));
    tear_down(&f);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct import_table none = {.count = 0};
    struct fixture f;

    (void)state;
    set_up(&f, "{\"L\": [{\"K\": \"b\"}]}");
    assert_null(import_table_find(&f.table, ""));
    assert_null(import_table_find(&f.table, "a"));
    assert_null(import_table_find(&f.table, "bb"));
    assert_null(import_table_find(&none, "b"));
    tear_down(&f);
}

static void a_list_that_is_missing_is_a_problem(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, "{}");
    assert_string_equal(f.problem.text, "f: L: found nothing, expected a list");
    assert_null(import_table_find(&f.table, "b"));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_found_by_their_key_and_equal_ones_follow_in_order),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_list_that_is_missing_is_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
