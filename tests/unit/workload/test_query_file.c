/* query_file: dnsperf's query files, and what is told of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "workload/queryset.h"

/* Reads the text as a file would be read. */
static enum err read_text(struct queryset *set, const char *text, size_t len,
                          struct text_fault *fault)
{
    FILE *file = tmpfile();
    enum err err;

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    rewind(file);
    err = queryset_read(set, file, fault);
    fclose(file);
    return err;
}

static struct queryset *read_good(const char *text)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct text_fault fault;

    assert_int_equal(read_text(set, text, strlen(text), &fault), ERR_OK);
    assert_int_equal(fault.line, 0);
    assert_string_equal(fault.reason, "");
    return set;
}

static void assert_item(const struct queryset *set, uint32_t item, const char *expected)
{
    char out[1100];

    assert_string_equal(queryset_write(set, queryset_ref(set, item), out), expected);
}

static void assert_refused(const char *text, unsigned line, const char *reason)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct text_fault fault;

    assert_int_equal(read_text(set, text, strlen(text), &fault), ERR_INVALID);
    assert_string_equal(fault.reason, reason);
    assert_int_equal(fault.line, line);
    queryset_free(set);
}

static void names_and_types_are_read_in_order(void **state)
{
    struct queryset *set =
        read_good("www.Example.com A\nexample.org. aaaa\n\t_x._tcp.a  SRV \n. NS");

    (void)state;
    assert_int_equal(queryset_count(set), 4);
    assert_item(set, 0, "www.Example.com A");
    assert_item(set, 1, "example.org AAAA");
    assert_item(set, 2, "_x._tcp.a SRV");
    assert_item(set, 3, ". NS");
    queryset_free(set);
}

static void types_may_be_numbers_and_names_may_have_escapes(void **state)
{
    struct queryset *set = read_good("a TYPE65280\nA\\.b.c LOC\n\\032x type28\nd CAA\n");

    (void)state;
    assert_item(set, 0, "a TYPE65280");
    assert_item(set, 1, "A\\.b.c LOC");
    assert_item(set, 2, "\\032x AAAA");
    assert_item(set, 3, "d CAA");
    queryset_free(set);
}

static void comments_blank_lines_and_carriage_returns_are_passed_over(void **state)
{
    struct queryset *set =
        read_good("# one\r\n; two\r\n\r\n  \t\n  # three\na A\r\nb A ; four\nc A # five\n");

    (void)state;
    assert_int_equal(queryset_count(set), 3);
    assert_item(set, 0, "a A");
    assert_item(set, 1, "b A");
    assert_item(set, 2, "c A");
    queryset_free(set);
}

static void a_wrong_type_is_told_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("a A\n\n# c\nb AAAAA\nc A\n", 4, "unknown type 'AAAAA'; did you mean 'AAAA'?");
    assert_refused("b TXTT\n", 1, "unknown type 'TXTT'; did you mean 'TXT'?");
    assert_refused("b nonsense\n", 1,
                   "unknown type 'nonsense'; a line is NAME TYPE, as 'www.example.com A'");
    assert_refused("b IN A\n", 1, "'IN' is a class; a line is NAME TYPE, without one");
    assert_refused("b AXFR\n", 1, "a zone transfer has many answers; it cannot be asked here");
}

static void a_line_of_one_or_three_words_is_told(void **state)
{
    (void)state;
    assert_refused("a A\nwww.example.com\n", 2,
                   "no type behind 'www.example.com'; a line is NAME TYPE, as 'www.example.com A'");
    assert_refused("www.example.com # A\n", 1,
                   "no type behind 'www.example.com'; a line is NAME TYPE, as 'www.example.com A'");
    assert_refused("a A b\n", 1, "a third word 'b'; a line is NAME TYPE, and '#' starts a comment");
}

static void a_bad_name_is_told_with_what_is_wrong_about_it(void **state)
{
    char text[600] = {0};

    (void)state;
    assert_refused("a..b A\n", 1, "the name 'a..b' has an empty label (a dot too many)");
    assert_refused("a\\ A\n", 1,
                   "the name 'a\\' has a bad escape, an empty label or one of more than 63 octets");
    memset(text, 'x', 64);
    strcpy(text + 64, " A\n");
    assert_refused(text, 1,
                   "the name 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' has a label of more "
                   "than 63 octets");
    for (size_t i = 0; i < 128; i++)
        memcpy(text + 2 * i, "a.", 2);
    strcpy(text + 256, " A\n");
    assert_refused(text, 1,
                   "the name 'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a....' has more than 255 "
                   "octets");
}

/* What a terminal would obey never reaches it. */
static void reasons_are_printable_whatever_the_file_holds(void **state)
{
    (void)state;
    assert_refused("\033[2J\xff A A A\n", 1,
                   "a third word 'A'; a line is NAME TYPE, and '#' starts a comment");
    assert_refused("\033[2Jx\xff\n", 1,
                   "no type behind '?[2Jx?'; a line is NAME TYPE, as 'www.example.com A'");
    assert_refused("a\033.b A\n", 1,
                   "the name 'a?.b' has a blank or control character (write \\032 for a blank)");
}

static void dynamic_updates_of_dnsperf_are_told_as_such(void **state)
{
    (void)state;
    assert_refused("add www 3600 A 192.0.2.1\n", 1,
                   "'add' is a dynamic update of dnsperf; only queries are sent");
    assert_refused("delete www\n", 1,
                   "'delete' is a dynamic update of dnsperf; only queries are sent");
    assert_refused("send\n", 1, "'send' is a dynamic update of dnsperf; only queries are sent");
    queryset_free(read_good("add A\nsend AAAA\n"));
}

static void lines_over_2048_octets_and_nul_octets_are_refused(void **state)
{
    static char text[QUERYSET_LINE_MAX + 8];
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct text_fault fault;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "a A", 3);
    assert_int_equal(read_text(set, text, QUERYSET_LINE_MAX, &fault), ERR_OK);
    assert_int_equal(read_text(set, text, QUERYSET_LINE_MAX + 1, &fault), ERR_INVALID);
    assert_string_equal(fault.reason, "longer than 2048 octets");
    assert_int_equal(read_text(set, "a A\nb\0 A\n", 9, &fault), ERR_INVALID);
    assert_string_equal(fault.reason, "a NUL octet: this is no text file");
    assert_int_equal(fault.line, 2);
    queryset_free(set);
}

static void a_file_without_a_query_is_told_as_a_whole(void **state)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct text_fault fault;

    (void)state;
    assert_int_equal(read_text(set, "# nothing\n\n", 11, &fault), ERR_NOT_FOUND);
    assert_int_equal(fault.line, 0);
    assert_string_equal(fault.reason, "not one query in it");
    assert_int_equal(read_text(set, "", 0, &fault), ERR_NOT_FOUND);
    queryset_free(set);
}

static void a_file_that_cannot_be_read_is_told_with_the_systems_words(void **state)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct text_fault fault;

    (void)state;
    assert_int_equal(queryset_load(set, "/nowhere/queries", &fault), ERR_SYSTEM);
    assert_int_equal(fault.line, 0);
    assert_string_equal(fault.reason, "No such file or directory");
    assert_int_equal(queryset_load(set, "/", &fault), ERR_SYSTEM);
    assert_string_equal(fault.reason, "Is a directory");
    queryset_free(set);
}

static void a_file_is_loaded_by_its_path(void **state)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    char path[] = "/tmp/test_query_file.XXXXXX";
    struct text_fault fault;
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(write(file, "a A\nb MX\n", 9), 9);
    close(file);
    assert_int_equal(queryset_load(set, path, &fault), ERR_OK);
    assert_int_equal(queryset_count(set), 2);
    assert_item(set, 1, "b MX");
    unlink(path);
    queryset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_types_are_read_in_order),
        cmocka_unit_test(types_may_be_numbers_and_names_may_have_escapes),
        cmocka_unit_test(comments_blank_lines_and_carriage_returns_are_passed_over),
        cmocka_unit_test(a_wrong_type_is_told_with_the_nearest),
        cmocka_unit_test(a_line_of_one_or_three_words_is_told),
        cmocka_unit_test(a_bad_name_is_told_with_what_is_wrong_about_it),
        cmocka_unit_test(reasons_are_printable_whatever_the_file_holds),
        cmocka_unit_test(dynamic_updates_of_dnsperf_are_told_as_such),
        cmocka_unit_test(lines_over_2048_octets_and_nul_octets_are_refused),
        cmocka_unit_test(a_file_without_a_query_is_told_as_a_whole),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told_with_the_systems_words),
        cmocka_unit_test(a_file_is_loaded_by_its_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
