/* configured: a ruleset from the text of a configuration, and what the report says about it. */
#ifndef LOCAL53_TESTS_RULES_CONFIGURED_H
#define LOCAL53_TESTS_RULES_CONFIGURED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/rules/ruleset.h"

/* The ruleset, or NULL, of a configuration that listens on 127.0.0.1:5353; yaml begins at line 2. *told
 * gets the report's lines, "" when there is none; freed by the caller, as the ruleset. */
static inline struct ruleset *configured(const char *yaml, char **told)
{
    struct report report = {.file = "f"};
    struct config *config = NULL;
    struct ruleset *ruleset = NULL;
    char text[4096];

    snprintf(text, sizeof(text), "listen: \"127.0.0.1:5353\"\n%s", yaml);
    if (config_parse(&config, "f", text, strlen(text), &report) == ERR_OK)
        ruleset = ruleset_new(config, 7, &report);
    *told = report_text(&report);
    report_deinit(&report);
    return ruleset;
}

/* The ruleset of a configuration that is fine; the caller's. */
static inline struct ruleset *configured_well(const char *yaml)
{
    char *told;
    struct ruleset *ruleset = configured(yaml, &told);

    assert_non_null(ruleset);
    free(told);
    return ruleset;
}

/* The report's lines for a configuration; usable tells whether there was a ruleset. Freed by the
 * caller. */
static inline char *told_about(const char *yaml, bool *usable)
{
    char *told;
    struct ruleset *ruleset = configured(yaml, &told);

    *usable = ruleset != NULL;
    ruleset_free(ruleset);
    return told;
}

#define assert_told(yaml, is_usable, expected)                                                     \
    do {                                                                                           \
        bool usable_;                                                                              \
        char *told_ = told_about((yaml), &usable_);                                                \
        assert_string_equal(told_, (expected));                                                    \
        assert_int_equal(usable_, (is_usable));                                                    \
        free(told_);                                                                               \
    } while (0)

#define assert_refused(yaml, expected) assert_told(yaml, false, expected)
#define assert_warned(yaml, expected) assert_told(yaml, true, expected)

#endif
