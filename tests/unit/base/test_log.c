/* log: lines as they arrive at a pipe; text, JSON, quoting, cutting, limiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/log.h"

#define TIME "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z"

/* The longest line, as documented. */
#define LINE_MAX_LEN 2048

static int ends[2]; /* pipe: lines are read from 0, written to 1 */

static int open_pipe(void **state)
{
    (void)state;
    return pipe2(ends, O_NONBLOCK);
}

static int close_pipe(void **state)
{
    (void)state;
    return close(ends[0]) + close(ends[1]);
}

/* What was logged since the last call, "" for nothing. */
static const char *logged(void)
{
    static char text[65536];
    ssize_t got = read(ends[0], text, sizeof(text) - 1);

    text[got > 0 ? got : 0] = '\0';
    return text;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" does not match %s", text, pattern);
    regfree(&regex);
}

/* What stands behind "time level " in the text form, or behind the event's comma in JSON. */
static const char *fields_of(const char *line, const char *event)
{
    const char *at = strstr(line, event);

    assert_non_null(at);
    return at + strlen(event);
}

static void a_text_line_has_time_level_event_and_fields(void **state)
{
    struct addr addr;

    (void)state;
    addr_parse(&addr, "[::1]:53", 0);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    LOG_INFO("listener.open", LOG_ADDR("addr", &addr), LOG_TEXT("proto", "udp"), LOG_UINT("n", 3),
             LOG_INT("delta", -4));
    assert_matches(logged(),
                   "^" TIME " INFO listener\\.open addr=\\[::1\\]:53 proto=udp n=3 delta=-4\n$");
}

static void a_json_line_is_one_object(void **state)
{
    struct addr addr;

    (void)state;
    addr_parse(&addr, "1.2.3.4", 0);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, ends[1]);
    LOG_ERROR("reload.failed", LOG_TEXT("path", "a \"b\""), LOG_INT("line", -1),
              LOG_UINT("most", UINT64_MAX), LOG_ADDR("addr", &addr));
    assert_matches(logged(),
                   "^\\{\"time\":\"" TIME "\",\"level\":\"ERROR\",\"event\":\"reload.failed\","
                   "\"path\":\"a \\\\\"b\\\\\"\",\"line\":-1,"
                   "\"most\":18446744073709551615,\"addr\":\"1.2.3.4\"\\}\n$");
}

static void a_line_without_fields_is_whole(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    log_event(LOG_LEVEL_WARN, "stopping", NULL, 0);
    assert_matches(logged(), "^" TIME " WARN stopping\n$");
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, ends[1]);
    log_event(LOG_LEVEL_WARN, "stopping", NULL, 0);
    assert_matches(logged(), "\"event\":\"stopping\"\\}\n$");
}

static void values_are_quoted_only_when_they_need_it(void **state)
{
    static const struct {
        const char *value;    /* as logged */
        const char *expected; /* as written */
    } rows[] = {
        {"plain", "plain"},
        {"/etc/local53.yaml:3", "/etc/local53.yaml:3"},
        {"b\xc3\xbc"
         "cher",
         "b\xc3\xbc"
         "cher"},
        {"", "\"\""},
        {NULL, "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"line\nfeed", "\"line\\u000afeed\""},
        {"\x1b[2J", "\"\\u001b[2J\""},
        {"\x7f", "\"\\u007f\""},
        {"\xc2\x9b", "\"\\u009b\""},
    };

    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[64];

        snprintf(expected, sizeof(expected), " v=%s\n", rows[i].expected);
        LOG_INFO("e", LOG_TEXT("v", rows[i].value));
        assert_string_equal(fields_of(logged(), " e"), expected);
    }
}

/* RFC 3629: shorter forms, surrogates, too large, lone and missing continuations. */
static void what_is_not_utf8_is_replaced(void **state)
{
    static const char *const rows[][2] = {
        {"\xff", "\xef\xbf\xbd"},
        {"\x80", "\xef\xbf\xbd"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x98", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
    };

    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, ends[1]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char expected[64];

        snprintf(expected, sizeof(expected), ",\"v\":\"%s\"}\n", rows[i][1]);
        LOG_INFO("e", LOG_TEXT("v", rows[i][0]));
        assert_string_equal(fields_of(logged(), "\"e\""), expected);
    }
}

/* Each length of the filler moves the cut to another place of the fields behind it. */
static void a_long_line_is_cut_but_stays_a_whole_object(void **state)
{
    char filler[LINE_MAX_LEN + 1];

    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, ends[1]);
    for (size_t len = LINE_MAX_LEN - 160; len < LINE_MAX_LEN; len++) {
        const char *line;

        memset(filler, 'x', len);
        filler[len] = '\0';
        LOG_INFO("e", LOG_TEXT("filler", filler), LOG_UINT("number", 12345),
                 LOG_TEXT("quotes", "\"\xe2\x82\xac\""), LOG_TEXT("last", "abc"));
        line = logged();
        assert_true(strlen(line) <= LINE_MAX_LEN);
        assert_matches(fields_of(line, "\"e\""), "^,\"filler\":\"x+\"(,\"number\":12345(,"
                                                 "\"quotes\":\"(\\\\\"(\xe2\x82\xac(\\\\\")?)?)?\""
                                                 "(,\"last\":\"a?b?c?\")?)?)?\\}\n$");
    }
    assert_true(strlen(logged()) == 0);
}

static void a_long_text_line_ends_with_a_line_feed(void **state)
{
    char filler[2 * LINE_MAX_LEN];
    const char *line;

    (void)state;
    memset(filler, 'x', sizeof(filler));
    filler[sizeof(filler) - 1] = '\0';
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    LOG_INFO("e", LOG_TEXT("a", filler), LOG_TEXT("b", "b"));
    line = logged();
    assert_in_range(strlen(line), LINE_MAX_LEN - 8, LINE_MAX_LEN);
    assert_matches(line, "^" TIME " INFO e a=x+\n$");
}

static void levels_below_the_lowest_are_silent(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, ends[1]);
    assert_false(log_enabled(LOG_LEVEL_INFO));
    assert_true(log_enabled(LOG_LEVEL_WARN));
    LOG_INFO("e", LOG_UINT("n", 1));
    assert_string_equal(logged(), "");
    LOG_WARN("e", LOG_UINT("n", 1));
    assert_string_not_equal(logged(), "");
}

static void a_limited_event_is_told_once_a_period_with_its_count(void **state)
{
    struct log_limit limit = {0};

    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    LOG_LIMITED(&limit, 5000, LOG_LEVEL_WARN, "e", LOG_UINT("n", 1));
    assert_string_equal(fields_of(logged(), " e"), " n=1\n");
    LOG_LIMITED(&limit, 5001, LOG_LEVEL_WARN, "e", LOG_UINT("n", 2));
    LOG_LIMITED(&limit, 4999 + LOG_LIMIT_PERIOD_MS, LOG_LEVEL_WARN, "e", LOG_UINT("n", 3));
    assert_string_equal(logged(), "");
    LOG_LIMITED(&limit, 5000 + LOG_LIMIT_PERIOD_MS, LOG_LEVEL_WARN, "e", LOG_UINT("n", 4));
    assert_string_equal(fields_of(logged(), " e"), " suppressed=2 n=4\n");
    LOG_LIMITED(&limit, 5000 + 2 * LOG_LIMIT_PERIOD_MS, LOG_LEVEL_WARN, "e", LOG_UINT("n", 5));
    assert_string_equal(fields_of(logged(), " e"), " n=5\n");
}

static void a_failed_write_is_forgotten_and_errno_is_kept(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, -1);
    errno = EEXIST;
    LOG_INFO("e", LOG_UINT("n", 1));
    assert_int_equal(errno, EEXIST);
}

static void *log_ten_lines(void *arg)
{
    for (int i = 0; i < 10; i++)
        LOG_INFO("thread", LOG_TEXT("text", arg), LOG_INT("i", i));
    return NULL;
}

static void threads_never_mix_their_lines(void **state)
{
    char texts[2][32] = {"aaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbb"};
    pthread_t threads[2];

    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_ten_lines, texts[i]), 0);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_matches(logged(), "^(" TIME " INFO thread text=(a{24}|b{24}) i=[0-9]\n){20}$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_time_level_event_and_fields),
        cmocka_unit_test(a_json_line_is_one_object),
        cmocka_unit_test(a_line_without_fields_is_whole),
        cmocka_unit_test(values_are_quoted_only_when_they_need_it),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(a_long_line_is_cut_but_stays_a_whole_object),
        cmocka_unit_test(a_long_text_line_ends_with_a_line_feed),
        cmocka_unit_test(levels_below_the_lowest_are_silent),
        cmocka_unit_test(a_limited_event_is_told_once_a_period_with_its_count),
        cmocka_unit_test(a_failed_write_is_forgotten_and_errno_is_kept),
        cmocka_unit_test(threads_never_mix_their_lines),
    };

    return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}
