/* Values: numbers, words and texts, their ranges, and the sentences that refuse them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/config/value.h"

static const struct schema_row DURATION = {
    .path = "d", .type = SCHEMA_DURATION, .min = 1, .max = 604800};
static const struct schema_row SIZE = {
    .path = "s", .type = SCHEMA_SIZE, .min = 1024, .max = (uint64_t)64 << 30};
static const struct schema_row INTEGER = {
    .path = "i", .type = SCHEMA_INTEGER, .min = 1, .max = 64, .words = "auto"};
static const struct schema_row WORD = {
    .path = "w", .type = SCHEMA_WORD, .words = "debug info warn"};

static void assert_duration(const char *text, uint64_t seconds)
{
    struct value_fault fault;
    uint64_t number = 0;
    char out[VALUE_TEXT_MAX];

    assert_true(value_read_duration(&number, text, &DURATION, &fault));
    assert_int_equal(number, seconds);
    assert_string_equal(value_write_duration(number, out), text);
}

static void durations_are_read_and_written_the_same(void **state)
{
    (void)state;
    assert_duration("1s", 1);
    assert_duration("90s", 90);
    assert_duration("10m", 600);
    assert_duration("1h", 3600);
    assert_duration("25h", 90000);
    assert_duration("7d", 604800);
}

static void assert_no_duration(const char *text, const char *sentence)
{
    struct value_fault fault;
    uint64_t number;

    assert_false(value_read_duration(&number, text, &DURATION, &fault));
    assert_string_equal(fault.text, sentence);
}

static void durations_are_refused_with_what_would_be_right(void **state)
{
    (void)state;
    assert_no_duration("5", "5 has no unit; write 5s (1s to 7d)");
    assert_no_duration("",
                       "\"\" is not a duration; write one number and one unit: 5s, 10m, 1h or 7d");
    assert_no_duration("0s", "0s is out of range; allowed: 1s to 7d");
    assert_no_duration("8d", "8d is out of range; allowed: 1s to 7d");
    assert_no_duration("169h", "169h is out of range; allowed: 1s to 7d");
    assert_no_duration("999999999999999999d",
                       "999999999999999999d is out of range; allowed: 1s to 7d");
    assert_no_duration(
        "1h30m", "\"1h30m\" is not a duration; write one number and one unit: 5s, 10m, 1h or 7d");
    assert_no_duration("99999999999999999999s",
                       "\"99999999999999999999s\" is not a duration; write one "
                       "number and one unit: 5s, 10m, 1h or 7d");
    assert_no_duration(
        "-1s", "\"-1s\" is not a duration; write one number and one unit: 5s, 10m, 1h or 7d");
    assert_no_duration(
        "1 s", "\"1 s\" is not a duration; write one number and one unit: 5s, 10m, 1h or 7d");
}

static void sizes_have_binary_units(void **state)
{
    static const char *const same[] = {"1KiB", "1536KiB", "32MiB", "64GiB"};
    static const char *const bad[] = {"32", "32MB", "32M", "32mib", "65GiB", "0KiB", "KiB", ""};
    struct value_fault fault;
    uint64_t number = 0;
    char out[VALUE_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_true(value_read_size(&number, same[i], &SIZE, &fault));
        assert_string_equal(value_write_size(number, out), same[i]);
    }
    assert_int_equal(number, (uint64_t)64 << 30);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(value_read_size(&number, bad[i], &SIZE, &fault));
    assert_false(value_read_size(&number, "32", &SIZE, &fault));
    assert_string_equal(fault.text, "32 has no unit; write 32MiB (1KiB to 64GiB)");
}

static void integers_are_decimal_or_the_word(void **state)
{
    static const char *const bad[] = {"0",  "65",  "1e1", "0x10", "-1",
                                      "+1", "1.0", " 1",  "",     "Auto"};
    struct value_fault fault;
    uint64_t number = 9;

    (void)state;
    assert_true(value_read_integer(&number, "auto", &INTEGER, &fault));
    assert_int_equal(number, 0);
    assert_true(value_read_integer(&number, "64", &INTEGER, &fault));
    assert_int_equal(number, 64);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(value_read_integer(&number, bad[i], &INTEGER, &fault));
    assert_false(value_read_integer(&number, "65", &INTEGER, &fault));
    assert_string_equal(fault.text, "65 is out of range; allowed: auto or 1 to 64");
    assert_false(value_read_integer(&number, "many", &INTEGER, &fault));
    assert_string_equal(fault.text, "\"many\" is not a whole number; allowed: auto or 1 to 64");
}

static void words_are_numbered_in_their_order(void **state)
{
    struct value_fault fault;
    uint64_t number = 0;
    char out[VALUE_TEXT_MAX];

    (void)state;
    assert_true(value_read_word(&number, "debug", &WORD, &fault));
    assert_int_equal(number, 0);
    assert_true(value_read_word(&number, "warn", &WORD, &fault));
    assert_int_equal(number, 2);
    assert_string_equal(value_write_word(2, &WORD, out), "warn");
    assert_false(value_read_word(&number, "Warn", &WORD, &fault));
    assert_false(value_read_word(&number, "debug info", &WORD, &fault));
    assert_false(value_read_word(&number, "inf", &WORD, &fault));
    assert_string_equal(fault.text, "\"inf\" is not known; one of: debug info warn");
}

static void only_true_and_false_are_booleans(void **state)
{
    struct value_fault fault;
    bool flag = false;

    (void)state;
    assert_true(value_read_bool(&flag, "true", &fault));
    assert_true(flag);
    assert_true(value_read_bool(&flag, "false", &fault));
    assert_false(flag);
    assert_false(value_read_bool(&flag, "yes", &fault));
    assert_string_equal(fault.text, "\"yes\" is not true or false; write true");
    assert_false(value_read_bool(&flag, "off", &fault));
    assert_string_equal(fault.text, "\"off\" is not true or false; write false");
    assert_false(value_read_bool(&flag, "maybe", &fault));
    assert_string_equal(fault.text, "\"maybe\" is not true or false; write true or false");
}

static bool takes(enum schema_type type, const char *words, const char *text)
{
    struct schema_row row = {.path = "t", .type = type, .min = 1, .max = 32, .words = words};
    struct value_fault fault;

    return value_check_text(text, &row, &fault);
}

static void texts_are_short_printable_and_not_empty(void **state)
{
    (void)state;
    assert_true(takes(SCHEMA_TEXT, NULL, "ecr.api"));
    assert_false(takes(SCHEMA_TEXT, NULL, ""));
    assert_false(takes(SCHEMA_TEXT, NULL, "a\nb"));
    assert_false(takes(SCHEMA_TEXT, NULL, "gr\xc3\xbc"));
    assert_true(takes(SCHEMA_TEXT, NULL, " a b ~"));
    assert_false(takes(SCHEMA_TEXT, NULL, "a\x1f"));
    assert_false(takes(SCHEMA_TEXT, NULL, "a\x7f"));
    assert_true(takes(SCHEMA_TEXT, NULL, "12345678901234567890123456789012"));
    assert_false(takes(SCHEMA_TEXT, NULL, "123456789012345678901234567890123"));
}

static void paths_are_absolute(void **state)
{
    (void)state;
    assert_true(takes(SCHEMA_PATH, NULL, "/run/x"));
    assert_false(takes(SCHEMA_PATH, NULL, "run/x"));
}

static void regions_look_like_regions(void **state)
{
    (void)state;
    assert_true(takes(SCHEMA_REGION, NULL, "eu-west-1"));
    assert_true(takes(SCHEMA_REGION, "auto", "auto"));
    assert_false(takes(SCHEMA_REGION, NULL, "auto"));
    assert_false(takes(SCHEMA_REGION, "auto", "eu_west_1"));
    assert_false(takes(SCHEMA_REGION, "auto", "EU-WEST-1"));
    assert_false(takes(SCHEMA_REGION, "auto", "eu-west-1a"));
    assert_false(takes(SCHEMA_REGION, "auto", "frankfurt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_and_written_the_same),
        cmocka_unit_test(durations_are_refused_with_what_would_be_right),
        cmocka_unit_test(sizes_have_binary_units),
        cmocka_unit_test(integers_are_decimal_or_the_word),
        cmocka_unit_test(words_are_numbered_in_their_order),
        cmocka_unit_test(only_true_and_false_are_booleans),
        cmocka_unit_test(texts_are_short_printable_and_not_empty),
        cmocka_unit_test(paths_are_absolute),
        cmocka_unit_test(regions_look_like_regions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
