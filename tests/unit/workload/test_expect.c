/* expect: expectations files: which line speaks of a name, and what is wrong with a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "wire.h"
#include "workload/expect.h"

/* Loads the text as if it stood in a file. */
static struct expectations *load(struct bytes text, struct text_fault *fault)
{
    int fd = memfd_create("expectations", MFD_CLOEXEC);
    struct expectations *list;
    char path[64];

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.len), text.len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    list = expectations_load(path, fault);
    close(fd);
    return list;
}

#define LOAD(literal) load_good(WIRE_BYTES(literal))

static struct expectations *load_good(struct bytes text)
{
    struct text_fault fault;
    struct expectations *list = load(text, &fault);

    if (list == NULL)
        fail_msg("line %u: %s", fault.line, fault.reason);
    return list;
}

static const struct expectation *find(const struct expectations *list, const char *text,
                                      uint16_t type)
{
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return expectations_find(list, &name, type);
}

/* The number of the line that speaks of it; 0 for none. */
static unsigned line_of(const struct expectations *list, const char *text, uint16_t type)
{
    const struct expectation *found = find(list, text, type);

    return found == NULL ? 0 : expectation_line(found);
}

/* ---- Which line ---- */

static void what_no_line_speaks_of_has_no_expectation(void **state)
{
    struct expectations *list = LOAD("www.example A 10.0.0.1\n*.zone A any\n");

    (void)state;
    assert_int_equal(expectations_count(list), 2);
    assert_null(find(list, "ww.example", TYPE_A));
    assert_null(find(list, "a.www.example", TYPE_A));
    assert_null(find(list, "example", TYPE_A));
    assert_null(find(list, ".", TYPE_A));
    assert_null(find(list, "www.example", TYPE_AAAA));
    expectations_free(list);
}

static void case_and_the_last_dot_do_not_count(void **state)
{
    struct expectations *list = LOAD("WWW.Example. a any\nftp.example aaaa any");

    (void)state;
    assert_int_equal(line_of(list, "www.EXAMPLE", TYPE_A), 1);
    assert_int_equal(line_of(list, "ftp.example.", TYPE_AAAA), 2);
    expectations_free(list);
}

static void an_exact_name_beats_a_wildcard_and_the_longest_wildcard_wins(void **state)
{
    struct expectations *list =
        LOAD("* A any\n*.example A empty\n*.b.example A NXDOMAIN\na.b.example A SERVFAIL\n");

    (void)state;
    assert_int_equal(line_of(list, "a.b.example", TYPE_A), 4);
    assert_int_equal(line_of(list, "c.b.example", TYPE_A), 3);
    assert_int_equal(line_of(list, "x.a.b.example", TYPE_A), 3);
    assert_int_equal(line_of(list, "b.example", TYPE_A), 2);
    assert_int_equal(line_of(list, "example", TYPE_A), 1);
    assert_int_equal(line_of(list, "other", TYPE_A), 1);
    assert_int_equal(line_of(list, ".", TYPE_A), 1);
    expectations_free(list);
}

static void a_wildcard_does_not_speak_of_its_own_zone(void **state)
{
    struct expectations *list = LOAD("*.example A any\n");

    (void)state;
    assert_int_equal(line_of(list, "www.example", TYPE_A), 1);
    assert_int_equal(line_of(list, "example", TYPE_A), 0);
    assert_int_equal(line_of(list, "badexample", TYPE_A), 0);
    expectations_free(list);
}

static void a_type_beats_every_type_on_the_same_name_in_any_order(void **state)
{
    struct expectations *list = LOAD("a.example * any\na.example A empty\n"
                                     "b.example A empty\nb.example * any\n");

    (void)state;
    assert_int_equal(line_of(list, "a.example", TYPE_A), 2);
    assert_int_equal(line_of(list, "a.example", TYPE_TXT), 1);
    assert_int_equal(line_of(list, "b.example", TYPE_A), 3);
    assert_int_equal(line_of(list, "b.example", TYPE_TXT), 4);
    expectations_free(list);
}

static void a_name_without_a_line_of_the_type_falls_to_the_wildcard(void **state)
{
    struct expectations *list = LOAD("www.example AAAA empty\n*.example A any\n");

    (void)state;
    assert_int_equal(line_of(list, "www.example", TYPE_A), 2);
    assert_int_equal(line_of(list, "www.example", TYPE_AAAA), 1);
    expectations_free(list);
}

static void an_escaped_star_is_a_label_like_others(void **state)
{
    struct expectations *list = LOAD("\\*.example A any\n");

    (void)state;
    assert_int_equal(line_of(list, "\\*.example", TYPE_A), 1);
    assert_int_equal(line_of(list, "www.example", TYPE_A), 0);
    expectations_free(list);
}

static void many_names_are_all_found_again(void **state)
{
    enum { NAMES = 5000, LINE_OCTETS = 32 };
    char *text = malloc((size_t)NAMES * LINE_OCTETS);
    size_t len = 0;
    struct expectations *list;

    (void)state;
    assert_non_null(text);
    for (unsigned i = 1; i <= NAMES; i++)
        len += (size_t)snprintf(text + len, LINE_OCTETS, "%sn%u.example A any\n",
                                i % 3 == 0 ? "*." : "", i);
    list = load_good((struct bytes){(const uint8_t *)text, len});
    assert_int_equal(expectations_count(list), NAMES);
    for (unsigned i = 1; i <= NAMES; i++) {
        char name[LINE_OCTETS];

        snprintf(name, sizeof(name), "%sn%u.example", i % 3 == 0 ? "x." : "", i);
        assert_int_equal(line_of(list, name, TYPE_A), i);
    }
    expectations_free(list);
    free(text);
}

static void a_sets_items_are_bound_by_name_and_own_type(void **state)
{
    const struct query_form form = {0};
    struct queryset *set = queryset_new(&form);
    struct expectations *list = LOAD("www.example A any\n*.example AAAA empty\n");
    const struct expectation **bound;
    uint32_t item;

    (void)state;
    assert_int_equal(queryset_add_text(set, "WWW.example", TYPE_A, &item), ERR_OK);
    assert_int_equal(queryset_add_text(set, "www.example", TYPE_AAAA, &item), ERR_OK);
    assert_int_equal(queryset_add_text(set, "www.other", TYPE_A, &item), ERR_OK);
    bound = expectations_bind(list, set);
    assert_int_equal(expectation_line(bound[0]), 1);
    assert_int_equal(expectation_line(bound[1]), 2);
    assert_null(bound[2]);
    free(bound);
    expectations_free(list);
    queryset_free(set);
}

/* ---- What stands in a line ---- */

static void comments_blank_lines_and_space_are_skipped(void **state)
{
    struct expectations *list = LOAD("# all of it\n\n  \t\r\n\t a.example\tA  10.0.0.1 # one\r\n"
                                     "b#c.example A any #thing\n#\nd.example A any");

    (void)state;
    assert_int_equal(expectations_count(list), 3);
    assert_int_equal(line_of(list, "a.example", TYPE_A), 4);
    assert_int_equal(line_of(list, "b#c.example", TYPE_A), 5);
    assert_int_equal(line_of(list, "d.example", TYPE_A), 7);
    expectations_free(list);
}

static void a_line_is_kept_as_it_stands_without_its_comment(void **state)
{
    struct expectations *list = LOAD("\n \tWww.example \tA  10.0.0.1  10.0.0.2 \t# both\r\n");
    const struct expectation *found = find(list, "www.example", TYPE_A);

    (void)state;
    assert_string_equal(expectation_text(found), "Www.example \tA  10.0.0.1  10.0.0.2");
    assert_int_equal(expectation_line(found), 2);
    expectations_free(list);
}

static void a_message_is_held_against_its_line(void **state)
{
    struct expectations *list = LOAD("www.example A 10.0.0.1\n");
    const uint16_t counts[4] = {1, 1, 0, 0};
    uint8_t octets[128];
    struct writer w = writer_init(octets, sizeof(octets));

    (void)state;
    wire_header(&w, FLAG_QR, counts);
    wire_question(&w, "www.example", TYPE_A);
    wire_pointer(&w, MESSAGE_HEADER_OCTETS);
    wire_record(&w, TYPE_A, 60, WIRE_BYTES("\12\0\0\1"));
    assert_true(
        expectation_met(find(list, "www.example", TYPE_A), (struct bytes){octets, w.len}, TYPE_A));
    octets[w.len - 1] = 2;
    assert_false(
        expectation_met(find(list, "www.example", TYPE_A), (struct bytes){octets, w.len}, TYPE_A));
    expectations_free(list);
}

/* ---- Faults ---- */

static void assert_fault(struct bytes text, unsigned line, const char *reason)
{
    struct text_fault fault;

    assert_null(load(text, &fault));
    assert_string_equal(fault.reason, reason);
    assert_int_equal(fault.line, line);
}

static void a_fault_tells_its_line_and_reason(void **state)
{
    (void)state;
    assert_fault(WIRE_BYTES("a.example A any\n\nb.example AAAAA any\n"), 3,
                 "unknown type 'AAAAA'; did you mean 'AAAA'?");
    assert_fault(WIRE_BYTES("a.example A any\nb.example A NXDOMAN\nc A\n"), 2,
                 "unknown answer 'NXDOMAN'; did you mean 'NXDOMAIN'?");
    assert_fault(WIRE_BYTES("a.example\n"), 1, "a name alone; want NAME TYPE WHAT");
    assert_fault(WIRE_BYTES("a.example A # any\n"), 1, "it does not say what the answer must be");
    assert_fault(WIRE_BYTES("a..example A any\n"), 1,
                 "'a..example' is no domain name: it has an empty label (a dot too many)");
    assert_fault(WIRE_BYTES("a.example QQQQQQ any\n"), 1, "unknown type 'QQQQQQ'");
}

static void a_star_inside_a_name_is_a_fault(void **state)
{
    (void)state;
    assert_fault(WIRE_BYTES("www.*.example A any\n"), 1,
                 "'www.*.example': '*' stands alone or in front, as '*.zone'");
    assert_fault(WIRE_BYTES("*.*.example A any\n"), 1,
                 "'*.*.example': '*' stands alone or in front, as '*.zone'");
    assert_fault(WIRE_BYTES("www* A any\n"), 1,
                 "'www*': '*' stands alone or in front, as '*.zone'");
}

static void the_same_name_and_type_twice_is_a_fault(void **state)
{
    (void)state;
    assert_fault(WIRE_BYTES("a.example A any\nb.example A any\nA.example. A empty\n"), 3,
                 "the same name and type as in line 1");
    assert_fault(WIRE_BYTES("* * any\n* A any\n* * empty\n"), 3,
                 "the same name and type as in line 1");
}

static void a_file_without_expectations_is_a_fault(void **state)
{
    (void)state;
    assert_fault(WIRE_BYTES(""), 0, "there is no expectation in it");
    assert_fault(WIRE_BYTES("# nothing\n\n"), 0, "there is no expectation in it");
}

static void what_is_no_text_is_a_fault(void **state)
{
    (void)state;
    assert_fault(WIRE_BYTES("a A any\nb \0 A any\n"), 2, "an octet of zero in the text");
    assert_fault(
        WIRE_BYTES("a\033[2J A any\n"), 1,
        "'a?[2J' is no domain name: it has a blank or control character (write \\032 for a "
        "blank)");
}

static void a_line_has_at_most_8191_octets(void **state)
{
    enum { LONGEST = 8191 };
    uint8_t text[LONGEST + 2];
    struct expectations *list;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "a A any", 7);
    text[LONGEST] = '\n';
    list = load_good((struct bytes){text, LONGEST + 1});
    assert_int_equal(expectations_count(list), 1);
    expectations_free(list);
    text[LONGEST] = ' ';
    text[LONGEST + 1] = '\n';
    assert_fault((struct bytes){text, LONGEST + 2}, 1, "longer than 8191 octets");
}

static void a_file_that_cannot_be_read_is_told_by_the_system(void **state)
{
    struct text_fault fault;

    (void)state;
    assert_null(expectations_load("/nonexistent/expectations", &fault));
    assert_int_equal(fault.line, 0);
    assert_string_equal(fault.reason, "No such file or directory");
    assert_null(expectations_load("/proc/self", &fault));
    assert_int_equal(fault.line, 0);
    assert_string_equal(fault.reason, "Is a directory");
}

static void freeing_nothing_is_allowed(void **state)
{
    (void)state;
    expectations_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_line_speaks_of_has_no_expectation),
        cmocka_unit_test(case_and_the_last_dot_do_not_count),
        cmocka_unit_test(an_exact_name_beats_a_wildcard_and_the_longest_wildcard_wins),
        cmocka_unit_test(a_wildcard_does_not_speak_of_its_own_zone),
        cmocka_unit_test(a_type_beats_every_type_on_the_same_name_in_any_order),
        cmocka_unit_test(a_name_without_a_line_of_the_type_falls_to_the_wildcard),
        cmocka_unit_test(an_escaped_star_is_a_label_like_others),
        cmocka_unit_test(many_names_are_all_found_again),
        cmocka_unit_test(a_sets_items_are_bound_by_name_and_own_type),
        cmocka_unit_test(comments_blank_lines_and_space_are_skipped),
        cmocka_unit_test(a_line_is_kept_as_it_stands_without_its_comment),
        cmocka_unit_test(a_message_is_held_against_its_line),
        cmocka_unit_test(a_fault_tells_its_line_and_reason),
        cmocka_unit_test(a_star_inside_a_name_is_a_fault),
        cmocka_unit_test(the_same_name_and_type_twice_is_a_fault),
        cmocka_unit_test(a_file_without_expectations_is_a_fault),
        cmocka_unit_test(what_is_no_text_is_a_fault),
        cmocka_unit_test(a_line_has_at_most_8191_octets),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told_by_the_system),
        cmocka_unit_test(freeing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
