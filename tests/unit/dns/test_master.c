/* Master files: what is read, and what is said of what cannot be. Records are shown by ldns. */
#include "master_shown.h"

static enum err read_text(struct shown *shown, const char *text, size_t len)
{
    struct name origin = origin_of("example");
    struct master_setup setup = {&origin, 300, on_record, on_error, NULL, shown};

    return master_read_text(&setup, (struct bytes){(const uint8_t *)text, len}, "z");
}

static void assert_reads(const char *text, const char *expected)
{
    struct shown shown = {.len = 0};
    enum err err = read_text(&shown, text, strlen(text));

    assert_string_equal(shown.text, expected);
    assert_int_equal(err, ERR_OK);
}

static void assert_fails(const char *text, const char *expected)
{
    struct shown shown = {.len = 0};
    enum err err = read_text(&shown, text, strlen(text));

    assert_string_equal(shown.text, expected);
    assert_int_equal(err, ERR_INVALID);
}

/* --- what is read --- */

static void names_without_a_last_dot_get_the_origin(void **state)
{
    (void)state;
    assert_reads("@ 60 IN NS ns\n"
                 "WWW 60 IN A 10.0.0.1\n"
                 "other.test. 60 IN CNAME WWW\n"
                 "$ORIGIN sub\n"
                 "x 60 CNAME @\n"
                 "$ORIGIN test.\n"
                 "x 60 MX 10 mail\n"
                 "$origin .\n"
                 "x 60 PTR .\n",
                 "example. 60 IN NS ns.example.\n"
                 "www.example. 60 IN A 10.0.0.1\n"
                 "other.test. 60 IN CNAME WWW.example.\n"
                 "x.sub.example. 60 IN CNAME sub.example.\n"
                 "x.test. 60 IN MX 10 mail.test.\n"
                 "x. 60 IN PTR .\n");
}

static void an_indented_record_has_the_owner_before(void **state)
{
    (void)state;
    assert_reads("a 60 A 10.0.0.1\n"
                 "  60 A 10.0.0.2\n"
                 "\n ; nothing\n"
                 "\tAAAA fd00::1\n"
                 "$ORIGIN other.\n"
                 "  TXT x\n",
                 "a.example. 60 IN A 10.0.0.1\n"
                 "a.example. 60 IN A 10.0.0.2\n"
                 "a.example. 60 IN AAAA fd00::1\n"
                 "a.example. 60 IN TXT \"x\"\n");
}

static void ttl_and_class_stand_in_any_order_or_not_at_all(void **state)
{
    (void)state;
    assert_reads("a A 10.0.0.1\n"
                 "b 1h29m60 IN A 10.0.0.1\n"
                 "c in 7 A 10.0.0.1\n"
                 "d A 10.0.0.1\n"
                 "$TTL 2w\r\n"
                 "e A 10.0.0.1\n"
                 "f 1 A 10.0.0.1\n"
                 "g CLASS1 A 10.0.0.1\n"
                 "h 2147483647 A 10.0.0.1\n",
                 "a.example. 300 IN A 10.0.0.1\n"
                 "b.example. 5400 IN A 10.0.0.1\n"
                 "c.example. 7 IN A 10.0.0.1\n"
                 "d.example. 7 IN A 10.0.0.1\n"
                 "e.example. 1209600 IN A 10.0.0.1\n"
                 "f.example. 1 IN A 10.0.0.1\n"
                 "g.example. 1209600 IN A 10.0.0.1\n"
                 "h.example. 2147483647 IN A 10.0.0.1\n");
}

static void parentheses_and_comments_may_stand_anywhere(void **state)
{
    (void)state;
    assert_reads("@ 60 SOA ns host.master( ; begins\n"
                 " 1;serial\n"
                 "2 3\n"
                 "\n"
                 "4 5)\r\n"
                 "(\n"
                 "a) 60 (A) 10.0.0.1 ; the end, without a newline",
                 "example. 60 IN SOA ns.example. host.master.example. 1 2 3 4 5\n"
                 "a.example. 60 IN A 10.0.0.1\n");
}

static void quotes_and_escapes_keep_what_they_enclose(void **state)
{
    (void)state;
    assert_reads("a 60 TXT \"; ( no comment\" b\\;c \\\"d\\\" \"\" \"\\065\\\\\"\n"
                 "x\\.y 60 A 10.0.0.1\n"
                 "x\\032y\\\\. 60 A 10.0.0.1\n"
                 "y\\. 60 TXT x\r\n"
                 "\\@ 60 CNAME a\\.\n",
                 "a.example. 60 IN TXT \"; ( no comment\" \"b;c\" \"\\\"d\\\"\" \"\" \"A\\\\\"\n"
                 "x\\.y.example. 60 IN A 10.0.0.1\n"
                 "x\\032y\\\\. 60 IN A 10.0.0.1\n"
                 "y\\..example. 60 IN TXT \"x\"\n"
                 "@.example. 60 IN CNAME a\\..example.\n");
}

static void types_are_read_by_name_or_by_number(void **state)
{
    (void)state;
    assert_reads("a 60 SRV 0 1 389 b\n"
                 "a 60 CAA 0 issue \"ca.example\"\n"
                 "a 60 HTTPS 1 . alpn=h2\n"
                 "a 60 TYPE1 10.0.0.1\n"
                 "a 60 TYPE65280 \\# 3 ab cd 01\n"
                 "a 60 TYPE65280 \\# 0\n"
                 "a 60 A \\# 4 0a000002\n",
                 "a.example. 60 IN SRV 0 1 389 b.example.\n"
                 "a.example. 60 IN CAA 0 issue \"ca.example\"\n"
                 "a.example. 60 IN HTTPS 1 . alpn=h2\n"
                 "a.example. 60 IN A 10.0.0.1\n"
                 "a.example. 60 IN TYPE65280 \\# 3 abcd01\n"
                 "a.example. 60 IN TYPE65280 \\# 0\n"
                 "a.example. 60 IN A 10.0.0.2\n");
}

static void data_of_other_classes_is_not_read(void **state)
{
    (void)state;
    assert_reads("version CH TXT \"none of our business\"\na CLASS7 A nonsense\n",
                 "version.example class 3 type 16 octets 0\n"
                 "a.example class 7 type 1 octets 0\n");
}

/* --- what is wrong --- */

static void each_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    assert_fails("a 60 A 10.0.0.256\n"
                 "b 60 A 10.0.0.1\n"
                 "c (\n 60\n A 10.0.0.1 10.0.0.2 )\n"
                 "d 60\n"
                 "(\n\ne 60 NOTYPE x)\n"
                 "f CLASS70000 A x\n",
                 "z:1: A: could not parse the RR's rdata: \"10.0.0.256\"\n"
                 "b.example. 60 IN A 10.0.0.1\n"
                 "z:3: A: superfluous text present: \"10.0.0.1 10.0.0.2\"\n"
                 "z:6: the entry ends before a type\n"
                 "z:9: \"NOTYPE\" is not a TTL, class or type known here\n"
                 "z:10: \"CLASS70000\" is not a TTL, class or type known here\n");
}

static void an_owner_that_is_no_name_leaves_its_records_without_one(void **state)
{
    (void)state;
    assert_fails("  A 10.0.0.1\n"
                 "a..b A 10.0.0.1\n"
                 "  A 10.0.0.2\n"
                 "b\xc3\xbc"
                 "cher A 10.0.0.3\n",
                 "z:1: begins with a blank, so it is a record of the name before, but there is "
                 "none\n"
                 "z:2: \"a..b\" is not a domain name\n"
                 "z:3: begins with a blank, so it is a record of the name before, but there is "
                 "none\n"
                 "z:4: \"b\xc3\xbc"
                 "cher\" is not ASCII; write the name in its xn-- form\n");
}

static void quotes_and_parentheses_must_close(void **state)
{
    (void)state;
    assert_fails("a TXT \"x\nb A 10.0.0.1\n", "z:1: a quote is not closed on its line\n"
                                              "b.example. 300 IN A 10.0.0.1\n");
    assert_fails("a A ) 10.0.0.1\nb A 10.0.0.1\n", "z:1: \")\" without \"(\" before it\n"
                                                   "b.example. 300 IN A 10.0.0.1\n");
    assert_fails("b A 10.0.0.1\na A ( 10.0.0.1\n",
                 "b.example. 300 IN A 10.0.0.1\n"
                 "z:2: \"(\" is not closed before the end of the file\n");
    assert_fails("a TXT \"x", "z:1: a quote is not closed\n");
    assert_fails("a TXT x\\\nb A 10.0.0.1", "z:1: \"\\\" at the end of a line\n"
                                            "b.example. 300 IN A 10.0.0.1\n");
    assert_fails("a TXT x\\", "z:1: \"\\\" at the end of the file\n");
}

static void an_octet_of_value_0_is_no_text(void **state)
{
    static const char text[] = "a A 10.0.0.1\nb TXT x\0y ( \" \nc A 10.0.0.1\n";
    struct shown shown = {.len = 0};

    (void)state;
    assert_int_equal(read_text(&shown, text, sizeof(text) - 1), ERR_INVALID);
    assert_string_equal(shown.text, "a.example. 300 IN A 10.0.0.1\n"
                                    "z:2: an octet of value 0: this is no text\n"
                                    "c.example. 300 IN A 10.0.0.1\n");
}

static void numbers_out_of_range_do_not_run_over(void **state)
{
    (void)state;
    assert_fails("a MX 65536 b\n", "z:1: MX: a number or length is out of range: \"65536 b\"\n");
    assert_fails("a SOA b c 4294967296 1 1 1 1\n",
                 "z:1: SOA: a number or length is out of range: \"b c 4294967296 1 1 1 1\"\n");
    assert_fails("a SOA b c 1 1 1 1 3000000000\n",
                 "z:1: SOA: a number or length is out of range: \"b c 1 1 1 1 3000000000\"\n");
    assert_fails("a A \\# 5 0a00000101\n",
                 "z:1: A: a number or length is out of range: \"\\# 5 0a00000101\"\n");
    assert_fails("a 2147483648 A 10.0.0.1\n",
                 "z:1: \"2147483648\" is not a TTL, class or type known here\n");
    assert_fails("$TTL 1y\n$TTL\n$TTL 1 2\n",
                 "z:1: $TTL wants one number of seconds, or 1h30m and its like\n"
                 "z:2: $TTL wants one number of seconds, or 1h30m and its like\n"
                 "z:3: $TTL wants one number of seconds, or 1h30m and its like\n");
}

static void types_of_questions_stand_in_no_zone(void **state)
{
    (void)state;
    assert_fails("a AXFR x\na TYPE255 x\na OPT \\# 0\na TYPE250 \\# 0\n",
                 "z:1: AXFR stands in questions or messages alone, not in zones\n"
                 "z:2: TYPE255 stands in questions or messages alone, not in zones\n"
                 "z:3: OPT stands in questions or messages alone, not in zones\n"
                 "z:4: TYPE250 stands in questions or messages alone, not in zones\n");
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    assert_reads("\xef\xbb\xbf$TTL 60\r\na A 10.0.0.1\r\n", "a.example. 60 IN A 10.0.0.1\n");
    assert_reads("\xef\xbb\xbf", "");
    assert_fails("a A 10.0.0.1\n\xef\xbb\xbf"
                 "b A 10.0.0.2\n",
                 "a.example. 300 IN A 10.0.0.1\n"
                 "z:2: \"\xef\xbb\xbf"
                 "b\" is not ASCII; write the name in its xn-- form\n");
}

static void unknown_directives_are_told(void **state)
{
    (void)state;
    assert_fails("$GENERATE 1-9 a$ A 10.0.0.$\n$ORIGIN\n$ORIGIN a b\n$INCLUDE\n",
                 "z:1: \"$GENERATE\" is not known here; $ORIGIN, $TTL and $INCLUDE are\n"
                 "z:2: $ORIGIN wants one domain name\n"
                 "z:3: $ORIGIN wants one domain name\n"
                 "z:4: $INCLUDE wants a file, and an origin if another is meant\n");
    assert_fails("$INCLUDE x\n", "z:1: cannot include \"x\": there is no folder to look in\n");
}

static void after_many_errors_the_rest_is_not_read(void **state)
{
    struct shown shown = {.len = 0};
    char text[256] = "";
    size_t lines = 0;

    (void)state;
    for (size_t i = 0; i < MASTER_ERRORS_MAX + 5; i++)
        strcat(text, "a b c\n");
    assert_int_equal(read_text(&shown, text, strlen(text)), ERR_INVALID);
    for (const char *c = shown.text; *c != '\0'; c++)
        lines += *c == '\n' ? 1 : 0;
    assert_int_equal(lines, MASTER_ERRORS_MAX);
}

static void who_wants_no_more_gets_no_more(void **state)
{
    struct shown shown = {.wanted = 2};
    const char *text = "a A 10.0.0.1\nb A 10.0.0.2\nc A 10.0.0.3\n";

    (void)state;
    assert_int_equal(read_text(&shown, text, strlen(text)), ERR_INVALID);
    assert_string_equal(shown.text, "a.example. 300 IN A 10.0.0.1\nb.example. 300 IN A 10.0.0.2\n");
}

static bool on_counted(void *owner, const struct master_record *record)
{
    (void)record;
    ((struct shown *)owner)->records++;
    return true;
}

static void too_many_records_are_an_error(void **state)
{
    const size_t count = MASTER_RECORDS_MAX + 2;
    struct name origin = origin_of("example");
    struct shown shown = {.len = 0};
    struct master_setup setup = {&origin, 1, on_counted, on_error, NULL, &shown};
    char *text = malloc(9 * count + 1);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        strcpy(text + 9 * i, "a CH A x\n");
    assert_int_equal(master_read_text(&setup, (struct bytes){(uint8_t *)text, 9 * count}, "z"),
                     ERR_INVALID);
    assert_int_equal(shown.records, MASTER_RECORDS_MAX);
    assert_string_equal(shown.text, "z:100001: more than 100000 records in a zone\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_without_a_last_dot_get_the_origin),
        cmocka_unit_test(an_indented_record_has_the_owner_before),
        cmocka_unit_test(ttl_and_class_stand_in_any_order_or_not_at_all),
        cmocka_unit_test(parentheses_and_comments_may_stand_anywhere),
        cmocka_unit_test(quotes_and_escapes_keep_what_they_enclose),
        cmocka_unit_test(types_are_read_by_name_or_by_number),
        cmocka_unit_test(data_of_other_classes_is_not_read),
        cmocka_unit_test(each_mistake_is_told_with_its_line),
        cmocka_unit_test(an_owner_that_is_no_name_leaves_its_records_without_one),
        cmocka_unit_test(quotes_and_parentheses_must_close),
        cmocka_unit_test(an_octet_of_value_0_is_no_text),
        cmocka_unit_test(numbers_out_of_range_do_not_run_over),
        cmocka_unit_test(types_of_questions_stand_in_no_zone),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(unknown_directives_are_told),
        cmocka_unit_test(after_many_errors_the_rest_is_not_read),
        cmocka_unit_test(who_wants_no_more_gets_no_more),
        cmocka_unit_test(too_many_records_are_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
