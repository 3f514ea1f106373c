/* units: what people write is read exactly or refused; what is written has three digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What every reader refuses, whatever its unit. */
static const char *const no_numbers[] = {"",     " ",     "-1",  "+1",  ".5",  "1.",
                                         "1..5", "1.5.5", "1e3", "0x1", "inf", "nan",
                                         "1,5",  "1 000", "abc", "%"};

static void durations_are_read_in_every_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"0", 0},
        {"0s", 0},
        {"300ns", 300},
        {"20us", 20000},
        {"500ms", 500000000},
        {"10s", 10000000000},
        {"1.5s", 1500000000},
        {"0.3s", 300000000},
        {"2.01s", 2010000000},
        {"1.234567891s", 1234567891},
        {"0.1ms", 100000},
        {"2m", 120000000000},
        {"1h", 3600000000000},
        {"100h", UNITS_DURATION_MAX_NS},
        {"007s", 7000000000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t ns = UINT64_MAX;
        assert_int_equal(units_parse_duration(&ns, cases[i].text), ERR_OK);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void a_duration_without_a_known_unit_is_refused(void **state)
{
    static const char *const texts[] = {"5",
                                        "0.5",
                                        "1 s",
                                        "1s ",
                                        " 1s",
                                        "1S",
                                        "1sec",
                                        "1ss",
                                        "-1s",
                                        "1e3s",
                                        "1d",
                                        "s",
                                        "ms",
                                        "1.s",
                                        ".5s",
                                        "1m30s",
                                        "+1s",
                                        "1,5s",
                                        "1.0000000000000001s"};
    uint64_t ns = 42;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(units_parse_duration(&ns, texts[i]), ERR_INVALID);
    for (size_t i = 0; i < COUNT(no_numbers); i++)
        assert_int_equal(units_parse_duration(&ns, no_numbers[i]), ERR_INVALID);
    assert_int_equal(ns, 42);
}

static void a_duration_past_the_longest_is_too_long(void **state)
{
    char endless[512];
    uint64_t ns = 42;
    (void)state;
    memset(endless, '9', sizeof(endless));
    memcpy(endless + sizeof(endless) - 4, ".5h", 4);
    assert_int_equal(units_parse_duration(&ns, "360000.000000001s"), ERR_TOO_LONG);
    assert_int_equal(units_parse_duration(&ns, "101h"), ERR_TOO_LONG);
    assert_int_equal(units_parse_duration(&ns, "99999999999999999999999ns"), ERR_TOO_LONG);
    assert_int_equal(units_parse_duration(&ns, endless), ERR_TOO_LONG);
    assert_int_equal(ns, 42);
}

static void rates_are_read_with_and_without_letters(void **state)
{
    static const struct {
        const char *text;
        double per_second;
    } cases[] = {
        {"20000", 20000}, {"20k", 20000},  {"1.5M", 1500000}, {"1.5M/s", 1500000},
        {"50/s", 50},     {"0.5k/s", 500}, {"0.1", 0.1},      {"100M", 100000000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        double rate = -1;
        assert_int_equal(units_parse_rate(&rate, cases[i].text), ERR_OK);
        assert_true(rate == cases[i].per_second);
    }
}

static void a_rate_of_nothing_or_beyond_all_measure_is_refused(void **state)
{
    static const char *const texts[] = {"0",    "0k",   "0.0/s", "100.1M", "100000001", "20K",
                                        "20 k", "20k/", "20k/m", "k",      "/s",        "1G"};
    double rate = 42;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(units_parse_rate(&rate, texts[i]), ERR_INVALID);
    for (size_t i = 0; i < COUNT(no_numbers); i++)
        assert_int_equal(units_parse_rate(&rate, no_numbers[i]), ERR_INVALID);
    assert_true(rate == 42);
}

static void shares_are_read_with_and_without_percent(void **state)
{
    double share = -1;
    (void)state;
    assert_int_equal(units_parse_share(&share, "0.1%"), ERR_OK);
    assert_true(share == 0.001);
    assert_int_equal(units_parse_share(&share, "0.001"), ERR_OK);
    assert_true(share == 0.001);
    assert_int_equal(units_parse_share(&share, "100%"), ERR_OK);
    assert_true(share == 1);
    assert_int_equal(units_parse_share(&share, "1"), ERR_OK);
    assert_int_equal(units_parse_share(&share, "0"), ERR_OK);
    assert_true(share == 0);
}

static void a_share_above_the_whole_is_refused(void **state)
{
    static const char *const texts[] = {"1.001", "101%", "50", "1 %", "1%%", "-1%"};
    double share = 42;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(units_parse_share(&share, texts[i]), ERR_INVALID);
    for (size_t i = 0; i < COUNT(no_numbers); i++)
        assert_int_equal(units_parse_share(&share, no_numbers[i]), ERR_INVALID);
    assert_true(share == 42);
}

static void counts_are_whole_numbers_up_to_their_limit(void **state)
{
    static const char *const texts[] = {"11", "1.0", "5x", "18446744073709551616",
                                        "99999999999999999999999"};
    uint64_t count = 42;
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(units_parse_count(&count, texts[i], 10), ERR_INVALID);
    for (size_t i = 0; i < COUNT(no_numbers); i++)
        assert_int_equal(units_parse_count(&count, no_numbers[i], UINT64_MAX), ERR_INVALID);
    assert_int_equal(units_parse_count(&count, "18446744073709551616", UINT64_MAX), ERR_INVALID);
    assert_int_equal(count, 42);
    assert_int_equal(units_parse_count(&count, "18446744073709551615", UINT64_MAX), ERR_OK);
    assert_true(count == UINT64_MAX);
    assert_int_equal(units_parse_count(&count, "010", 10), ERR_OK);
    assert_int_equal(count, 10);
}

static void durations_are_written_with_three_digits(void **state)
{
    static const struct {
        uint64_t ns;
        const char *text;
    } cases[] = {
        {0, "0 ns"},
        {5, "5 ns"},
        {412, "412 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {9994, "9.99 us"},
        {9996, "10.0 us"},
        {99960, "100 us"},
        {999400, "999 us"},
        {999600, "1.00 ms"},
        {1230000, "1.23 ms"},
        {12000000000, "12.0 s"},
        {999600000000, "1000 s"},
        {360000000000000, "360000 s"},
    };
    char out[UNITS_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(units_write_duration(cases[i].ns, out), cases[i].text);
    assert_string_equal(units_write_duration(UINT64_MAX, out), "18446744074 s");
}

static void counts_are_written_in_groups_of_three(void **state)
{
    char out[UNITS_TEXT_MAX];
    (void)state;
    assert_string_equal(units_write_count(0, out), "0");
    assert_string_equal(units_write_count(999, out), "999");
    assert_string_equal(units_write_count(1000, out), "1,000");
    assert_string_equal(units_write_count(1234567, out), "1,234,567");
    assert_string_equal(units_write_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void rates_are_written_with_three_digits(void **state)
{
    static const struct {
        double per_second;
        const char *text;
    } cases[] = {
        {0, "0/s"},          {1.5, "1.50/s"},      {20, "20.0/s"},     {950, "950/s"},
        {999.4, "999/s"},    {999.6, "1.00k/s"},   {20000, "20.0k/s"}, {347912, "348k/s"},
        {999600, "1.00M/s"}, {1234567, "1.23M/s"}, {100e6, "100M/s"},  {5e9, "5000M/s"},
    };
    char out[UNITS_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(units_write_rate(cases[i].per_second, out), cases[i].text);
}

static void a_share_never_reads_as_none_or_all_when_it_is_not(void **state)
{
    char out[UNITS_TEXT_MAX];
    (void)state;
    assert_string_equal(units_write_share(0, out), "0.00 %");
    assert_string_equal(units_write_share(0.000001, out), "<0.01 %");
    assert_string_equal(units_write_share(0.00006, out), "0.01 %");
    assert_string_equal(units_write_share(0.001, out), "0.10 %");
    assert_string_equal(units_write_share(0.5, out), "50.00 %");
    assert_string_equal(units_write_share(0.9999, out), "99.99 %");
    assert_string_equal(units_write_share(0.999999, out), ">99.99 %");
    assert_string_equal(units_write_share(1, out), "100.00 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_in_every_unit),
        cmocka_unit_test(a_duration_without_a_known_unit_is_refused),
        cmocka_unit_test(a_duration_past_the_longest_is_too_long),
        cmocka_unit_test(rates_are_read_with_and_without_letters),
        cmocka_unit_test(a_rate_of_nothing_or_beyond_all_measure_is_refused),
        cmocka_unit_test(shares_are_read_with_and_without_percent),
        cmocka_unit_test(a_share_above_the_whole_is_refused),
        cmocka_unit_test(counts_are_whole_numbers_up_to_their_limit),
        cmocka_unit_test(durations_are_written_with_three_digits),
        cmocka_unit_test(counts_are_written_in_groups_of_three),
        cmocka_unit_test(rates_are_written_with_three_digits),
        cmocka_unit_test(a_share_never_reads_as_none_or_all_when_it_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
