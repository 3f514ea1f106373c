/* A program's commands are found by their words, and a mistyped one is told. */
#include "local53/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define TOLD_MAX 1024

/* What a command was run with: how many words (-1: it was not), and the first. */
static int words_seen = -1;
static char first_seen[32];

static int note_run(int argc, char **argv)
{
    words_seen = argc;
    snprintf(first_seen, sizeof(first_seen), "%s", argv[0]);
    return 7;
}

static const struct command check = {"check", "looks", "help of check\n", note_run};
static const struct command serve = {"serve", "serves", "help of serve\n", note_run};
static const struct command *const commands[] = {&check, &serve};

static struct program make_program(void)
{
    words_seen = -1;
    return (struct program){.name = "tool",
                            .head = "tool - a head\n",
                            .foot = "a foot\n",
                            .version = "1.2 (abc)",
                            .commands = commands,
                            .count = 2,
                            .unwritten = 9};
}

/* What a stream of stdio gets while it is diverted into memory. */
struct diversion {
    FILE *stream;
    int before;
    int memory;
};

static struct diversion divert(FILE *stream)
{
    struct diversion d = {stream, dup(fileno(stream)), memfd_create("told", MFD_CLOEXEC)};

    assert_int_equal(fflush(stream), 0);
    assert_true(dup2(d.memory, fileno(stream)) >= 0);
    return d;
}

static void restore(struct diversion *d, char told[TOLD_MAX])
{
    ssize_t len;

    assert_int_equal(fflush(d->stream), 0);
    assert_true(dup2(d->before, fileno(d->stream)) >= 0);
    len = pread(d->memory, told, TOLD_MAX - 1, 0);
    assert_true(len >= 0);
    told[len] = '\0';
    close(d->before);
    close(d->memory);
}

/* Runs the program with words separated by blanks; both streams' texts. */
static int run(const struct program *program, char *line, char out[TOLD_MAX], char err[TOLD_MAX])
{
    struct diversion of_out = divert(stdout);
    struct diversion of_err = divert(stderr);
    char *words[8] = {0};
    int count = 0;
    int code;

    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = word;
    code = program_main(program, count, words);
    restore(&of_err, err);
    restore(&of_out, out);
    return code;
}

#define RUN(program, literal) run((program), (char[]){literal}, out, err)

static void a_word_finds_its_command_which_sees_itself_as_the_first(void **state)
{
    struct program program = make_program();
    char out[TOLD_MAX], err[TOLD_MAX];

    (void)state;
    assert_int_equal(RUN(&program, "/bin/tool serve a b"), 7);
    assert_int_equal(words_seen, 3);
    assert_string_equal(first_seen, "serve");
    assert_string_equal(err, "");
}

static void help_anywhere_is_the_commands_and_nothing_runs(void **state)
{
    struct program program = make_program();
    char out[TOLD_MAX], err[TOLD_MAX];

    (void)state;
    assert_int_equal(RUN(&program, "tool check x --help"), 0);
    assert_string_equal(out, "help of check\n");
    assert_int_equal(words_seen, -1);
}

static void the_programs_help_lists_the_commands_between_head_and_foot(void **state)
{
    struct program program = make_program();
    char out[TOLD_MAX], err[TOLD_MAX], also[TOLD_MAX];

    (void)state;
    assert_int_equal(RUN(&program, "tool --help"), 0);
    assert_memory_equal(out, "tool - a head\n", 14);
    assert_non_null(strstr(out, "  check     looks\n  serve     serves\n"));
    assert_non_null(strstr(out, "a foot\n"));
    assert_string_equal(err, "");
    /* Without a word it is the same on stderr, as wrong usage. */
    assert_int_equal(run(&program, (char[]){"tool"}, also, err), PROGRAM_USAGE);
    assert_string_equal(err, out);
    assert_string_equal(also, "");
}

static void the_version_is_one_line(void **state)
{
    struct program program = make_program();
    char out[TOLD_MAX], err[TOLD_MAX];

    (void)state;
    assert_int_equal(RUN(&program, "tool -V"), 0);
    assert_string_equal(out, "tool 1.2 (abc)\n");
}

static void an_unknown_word_is_told_with_the_nearest(void **state)
{
    struct program program = make_program();
    char out[TOLD_MAX], err[TOLD_MAX];

    (void)state;
    assert_int_equal(RUN(&program, "tool chekc"), PROGRAM_USAGE);
    assert_string_equal(err, "tool: unknown command 'chekc'; did you mean 'check'?\n"
                             "Try: tool --help\n");
    assert_int_equal(RUN(&program, "tool --quiet"), PROGRAM_USAGE);
    assert_int_equal(words_seen, -1);
}

static void options_without_a_word_are_the_unnamed_commands(void **state)
{
    struct program program = make_program();
    char out[TOLD_MAX], err[TOLD_MAX];

    (void)state;
    program.unnamed = &serve;
    assert_int_equal(RUN(&program, "tool --quiet"), 7);
    assert_int_equal(words_seen, 2);
    assert_int_equal(RUN(&program, "tool --quiet --help"), 0);
    assert_string_equal(out, "help of serve\n");
}

/* Longer than any buffer of stdio, and as short as a help is. */
static int print_much(int argc, char **argv)
{
    (void)argv;
    for (int i = 0; i < (argc > 1 ? 100000 : 10); i++)
        fputs("a line\n", stdout);
    return 7;
}

static void what_stdout_had_no_room_for_is_told_and_changes_the_exit_code(void **state)
{
    static const struct command print = {"print", "prints", "help of print\n", print_much};
    static const struct command *const printing[] = {&print};
    static char *lines[][3] = {{"tool", "print"}, {"tool", "print", "more"}, {"tool", "--help"}};
    struct program program = make_program();

    (void)state;
    program.commands = printing;
    program.count = 1;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct diversion of_out = divert(stdout);
        struct diversion of_err = divert(stderr);
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        char out[TOLD_MAX], err[TOLD_MAX];

        assert_true(dup2(full, STDOUT_FILENO) >= 0);
        close(full);
        int code = program_main(&program, i == 1 ? 3 : 2, lines[i]);
        assert_true(dup2(of_out.memory, STDOUT_FILENO) >= 0);
        clearerr(stdout);
        restore(&of_err, err);
        restore(&of_out, out);
        assert_int_equal(code, 9);
        assert_string_equal(err, "tool: stdout cannot be written: No space left on device\n");
    }
}

static void errors_are_told_with_the_programs_and_the_commands_name(void **state)
{
    struct diversion of_err = divert(stderr);
    char err[TOLD_MAX], wanted[TOLD_MAX];
    int code = command_usage(&check, "no %s", "file");

    (void)state;
    command_error(&check, "%d bad", 3);
    restore(&of_err, err);
    assert_int_equal(code, PROGRAM_USAGE);
    snprintf(wanted, sizeof(wanted), "%s check: no file\nTry: %s check --help\n%s check: 3 bad\n",
             program_invocation_short_name, program_invocation_short_name,
             program_invocation_short_name);
    assert_string_equal(err, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_finds_its_command_which_sees_itself_as_the_first),
        cmocka_unit_test(help_anywhere_is_the_commands_and_nothing_runs),
        cmocka_unit_test(the_programs_help_lists_the_commands_between_head_and_foot),
        cmocka_unit_test(the_version_is_one_line),
        cmocka_unit_test(an_unknown_word_is_told_with_the_nearest),
        cmocka_unit_test(options_without_a_word_are_the_unnamed_commands),
        cmocka_unit_test(what_stdout_had_no_room_for_is_told_and_changes_the_exit_code),
        cmocka_unit_test(errors_are_told_with_the_programs_and_the_commands_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
