/* program: finds a program's command by its word, and tells what is wrong with the words.
 * Owns nothing. Thread: main. Bounds: PROGRAM_COMMANDS_MAX commands. Fails: with an exit code. */
#include "local53/base/program.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/nearest.h"

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static void print_help(const struct program *program, FILE *out)
{
    fprintf(out, "%s\nCommands:\n", program->head);
    for (size_t i = 0; i < program->count; i++)
        fprintf(out, "  %-9s %s\n", program->commands[i]->word, program->commands[i]->summary);
    fprintf(out, "\n%s COMMAND --help tells more; %s --version tells which this is.\n%s",
            program->name, program->name, program->foot);
}

static void tell(const struct command *command, const char *format, va_list arguments)
{
    fprintf(stderr, "%s %s: ", program_invocation_short_name, command->word);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int command_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(command, format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try: %s %s --help\n", program_invocation_short_name, command->word);
    return PROGRAM_USAGE;
}

void command_error(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(command, format, arguments);
    va_end(arguments);
}

static int unknown_command(const struct program *program, const char *word)
{
    const char *words[PROGRAM_COMMANDS_MAX];
    const char *nearest;

    for (size_t i = 0; i < program->count; i++)
        words[i] = program->commands[i]->word;
    nearest = nearest_word(word, words, program->count);
    fprintf(stderr, "%s: unknown command '%s'", program->name, word);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fprintf(stderr, "\nTry: %s --help\n", program->name);
    return PROGRAM_USAGE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (is_one_of(argv[i], "--help", "-h")) {
            fputs(command->help, stdout);
            return 0;
        }
    }
    return command->run(argc, argv);
}

static int dispatch(const struct program *program, int argc, char **argv)
{
    CHECK(program->count <= PROGRAM_COMMANDS_MAX);
    if (argc < 2) {
        print_help(program, stderr);
        return PROGRAM_USAGE;
    }
    if (is_one_of(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        print_help(program, stdout);
        return 0;
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        printf("%s %s\n", program->name, program->version);
        return 0;
    }
    /* The program's own name stands where the word would. */
    if (argv[1][0] == '-' && program->unnamed != NULL)
        return run_command(program->unnamed, argc, argv);
    for (size_t i = 0; i < program->count; i++) {
        if (strcmp(argv[1], program->commands[i]->word) == 0)
            return run_command(program->commands[i], argc - 1, argv + 1);
    }
    return unknown_command(program, argv[1]);
}

int program_main(const struct program *program, int argc, char **argv)
{
    int code = dispatch(program, argc, argv);

    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "%s: stdout cannot be written: %s\n", program->name, strerror(errno));
    return program->unwritten;
}
