/* One account, told for people and for programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/cli/tell.h"

typedef void (*account)(struct tell *tell);

/* The account is told so; for programs whole, in one line. */
static void assert_told(account give, bool json, const char *expected)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct tell tell;

    assert_non_null(out);
    tell_begin(&tell, out, json);
    give(&tell);
    tell_end(&tell);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void members(struct tell *tell)
{
    tell_text(tell, "source", "endpoint %d", 1);
    tell_seconds(tell, "ttl", 60);
    tell_people(tell, "note", "for people");
    tell_programs(tell, "name", "a.example");
}

static void people_read_a_line_a_key_and_programs_a_member(void **state)
{
    (void)state;
    assert_told(members, false, "source:   endpoint 1\nttl:      60 s\nnote:     for people\n");
    assert_told(members, true, "{\"source\":\"endpoint 1\",\"ttl\":60,\"name\":\"a.example\"}\n");
}

static void rows_of_two(struct tell *tell)
{
    const struct tell_column first[] = {TELL_TEXT("address", "10.0.0.1"), TELL_NUMBER("age", "7")};
    const struct tell_column second[] = {TELL_TEXT("address", ""), TELL_NUMBER("age", "8")};

    tell_rows_begin(tell, "addresses");
    tell_row(tell, "address", first, 2);
    tell_row(tell, "address", second, 2);
    tell_rows_end(tell);
    tell_text(tell, "state", "fresh");
}

static void a_row_of_columns_is_a_line_or_an_object(void **state)
{
    (void)state;
    assert_told(rows_of_two, false, "address:  10.0.0.1  7\naddress:  8\nstate:    fresh\n");
    assert_told(
        rows_of_two, true,
        "{\"addresses\":[{\"address\":\"10.0.0.1\",\"age\":7},{\"address\":\"\",\"age\":8}],"
        "\"state\":\"fresh\"}\n");
}

static void rows_of_one(struct tell *tell)
{
    const struct tell_column first = TELL_TEXT("server", "10.0.0.2");
    const struct tell_column second = TELL_TEXT("server", "10.0.0.3");

    tell_rows_begin(tell, "servers");
    tell_row(tell, "server", &first, 1);
    tell_row(tell, "server", &second, 1);
    tell_rows_end(tell);
    tell_rows_begin(tell, "none");
    tell_rows_end(tell);
}

static void rows_of_one_column_are_texts_and_no_rows_an_empty_list(void **state)
{
    (void)state;
    assert_told(rows_of_one, false, "server:   10.0.0.2\nserver:   10.0.0.3\n");
    assert_told(rows_of_one, true, "{\"servers\":[\"10.0.0.2\",\"10.0.0.3\"],\"none\":[]}\n");
}

static void nothing(struct tell *tell)
{
    (void)tell;
}

static void an_empty_account_is_an_empty_object(void **state)
{
    (void)state;
    assert_told(nothing, false, "");
    assert_told(nothing, true, "{}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_read_a_line_a_key_and_programs_a_member),
        cmocka_unit_test(a_row_of_columns_is_a_line_or_an_object),
        cmocka_unit_test(rows_of_one_column_are_texts_and_no_rows_an_empty_list),
        cmocka_unit_test(an_empty_account_is_an_empty_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
