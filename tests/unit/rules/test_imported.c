/* Imported configurations are taken as they stand: each golden file gives a ruleset without an error. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "configured.h"

#define GOLDEN "tests/unit/aws/golden/endpoints-*.yaml"
#define FILES_MIN 15

static void assert_taken(const char *file)
{
    struct report report = {.file = file};
    struct config *config = NULL;
    struct ruleset *ruleset = NULL;
    char *told;

    if (config_load(&config, file, &report) == ERR_OK)
        ruleset = ruleset_new(config, 1, &report);
    told = report_text(&report);
    if (ruleset == NULL || report.errors > 0)
        fail_msg("%s", told);
    assert_true(ruleset->endpoint_count > 0);
    free(told);
    ruleset_free(ruleset);
    report_deinit(&report);
}

static void each_imported_configuration_gives_a_ruleset(void **state)
{
    glob_t files;

    (void)state;
    assert_int_equal(glob(GOLDEN, 0, NULL, &files), 0);
    assert_true(files.gl_pathc >= FILES_MIN);
    for (size_t i = 0; i < files.gl_pathc; i++)
        assert_taken(files.gl_pathv[i]);
    globfree(&files);
}

/* What is commented out has to be right too once its marks are gone: the sample, with the block behind them. */
static void an_offered_block_stands_where_it_can_be_taken(void **state)
{
    static const char mark[] = "  # - service: s3\n  #   region: eu-west-1\n  #   target: ";
    struct report report = {.file = "f"};
    struct config *config = NULL;
    char text[8192] = "";
    char *at;
    FILE *file = fopen("tests/unit/aws/golden/endpoints-gateway.yaml", "r");

    (void)state;
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    at = strstr(text, mark);
    assert_non_null(at);
    for (int line = 0; line < 3; line++, at = strchr(at, '\n') + 1)
        memmove(at + 2, at + 4, strlen(at + 4) + 1);
    assert_int_equal(config_parse(&config, "f", text, strlen(text), &report), ERR_OK);
    assert_int_equal(config->endpoint_count, 3);
    config_free(config);
    report_deinit(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_imported_configuration_gives_a_ruleset),
        cmocka_unit_test(an_offered_block_stands_where_it_can_be_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
