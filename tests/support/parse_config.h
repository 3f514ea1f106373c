/* parse_config: reads a configuration in a test and gives what the report says. Texts are the caller's
 * to free. Thread: the test's. Fails: an assertion of the test. */
#ifndef LOCAL53_TESTS_PARSE_CONFIG_H
#define LOCAL53_TESTS_PARSE_CONFIG_H

#include <stdlib.h>
#include <string.h>

#include "local53/config/config.h"

/* The report's lines for a text; "" when it is right. */
static inline char *config_complaints(const char *text)
{
    struct report report = {.file = "t"};
    struct config *config = NULL;
    char *lines;

    config_parse(&config, "t", text, strlen(text), &report);
    lines = report_text(&report);
    config_free(config);
    report_deinit(&report);
    return lines;
}

/* The configuration of a text that is right; owned by the caller (config_free). */
static inline struct config *config_of(const char *text)
{
    struct report report = {.file = "t"};
    struct config *config = NULL;

    assert_int_equal(config_parse(&config, "t", text, strlen(text), &report), ERR_OK);
    assert_non_null(config);
    report_deinit(&report);
    return config;
}

/* The whole report for a text is exactly these lines. */
#define ASSERT_COMPLAINTS(text, expected)                                                          \
    do {                                                                                           \
        char *lines_ = config_complaints(text);                                                    \
        assert_string_equal(lines_, expected);                                                     \
        free(lines_);                                                                              \
    } while (0)

#endif
