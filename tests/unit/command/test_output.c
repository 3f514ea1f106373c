/* Where outcomes go: what could not be written is told, and never passes for written. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/output.h"

static unsigned errors;

void command_error(const struct command *command, const char *format, ...)
{
    (void)command;
    (void)format;
    errors++;
}

static const struct command spoken = {.word = "report"};

static void a_file_that_cannot_be_written_is_an_error_and_the_others_are_written(void **state)
{
    struct study study = {.command = "run"};
    struct output output = {.json = "/nowhere/at/all.json", .svg = "/dev/full"};

    (void)state;
    errors = 0;
    assert_false(output_study(&spoken, &output, &study));
    assert_int_equal(errors, 2);
    errors = 0;
    assert_true(output_study(&spoken, &(struct output){.json = "/dev/null"}, &study));
    assert_int_equal(errors, 0);
}

static void a_file_is_found_unwritable_before_anything_is_sent(void **state)
{
    char path[] = "/tmp/dnsbench-output-XXXXXX";
    char text[8] = "";
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0 && write(file, "before", 6) == 6);
    errors = 0;
    assert_true(output_can_write(&spoken, NULL) && output_can_write(&spoken, "-"));
    assert_true(output_can_write(&spoken, path));
    assert_int_equal(pread(file, text, sizeof(text), 0), 6); /* it was not emptied */
    assert_int_equal(errors, 0);
    assert_false(output_can_write(&spoken, "/nowhere/at/all.json"));
    assert_int_equal(errors, 1);
    close(file);
    unlink(path);
    assert_true(output_can_write(&spoken, path));
    assert_int_equal(access(path, F_OK), -1); /* nor was one left */
}

static void only_json_can_go_to_stdout(void **state)
{
    (void)state;
    errors = 0;
    assert_true(output_is_possible(&spoken, &(struct output){.json = "-", .svg = "/dev/null"}));
    assert_int_equal(errors, 0);
    assert_false(output_is_possible(&spoken, &(struct output){.svg = "-"}));
    assert_false(output_is_possible(&spoken, &(struct output){.hdr = "-"}));
    assert_false(output_is_possible(&spoken, &(struct output){.hdr = "/nowhere/at/all"}));
    assert_int_equal(errors, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error_and_the_others_are_written),
        cmocka_unit_test(a_file_is_found_unwritable_before_anything_is_sent),
        cmocka_unit_test(only_json_can_go_to_stdout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
