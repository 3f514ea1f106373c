/* main: finds the command named by the first word and runs it; without one that is "run". */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "local53/base/nearest.h"
#include "local53/version.h"

static const struct command *const commands[] = {&command_run,     &command_max,   &command_search,
                                                 &command_compare, &command_check, &command_serve,
                                                 &command_report};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fprintf(out, "dnsbench - a DNS load tester that tells the truth\n\n"
                 "Usage: dnsbench [COMMAND] [OPTIONS]\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-8s %s\n", commands[i]->word, commands[i]->summary);
    fprintf(out, "\ndnsbench COMMAND --help tells more; dnsbench --version tells which this is.\n\n"
                 "Example:\n  dnsbench run --server 127.0.0.1:5353\n\n"
                 "Exit codes: 0 pass, 1 a threshold failed or B is worse, 2 usage, 3 the "
                 "measurement is invalid\n"
                 "            (the tester was the limit), 4 unreachable, 5 wrong answers\n");
}

static void tell(const struct command *command, const char *format, va_list arguments)
{
    fprintf(stderr, "dnsbench %s: ", command->word);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int command_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(command, format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try: dnsbench %s --help\n", command->word);
    return VERDICT_USAGE;
}

void command_error(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    tell(command, format, arguments);
    va_end(arguments);
}

static int unknown_command(const char *word)
{
    const char *words[COMMAND_COUNT];
    const char *nearest;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        words[i] = commands[i]->word;
    nearest = nearest_word(word, words, COMMAND_COUNT);
    fprintf(stderr, "dnsbench: unknown command '%s'", word);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fprintf(stderr, "\nTry: dnsbench --help\n");
    return VERDICT_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (is_one_of(argv[i], "--help", "-h")) {
            fputs(command->help, stdout);
            return VERDICT_PASS;
        }
    }
    return command->run(argc, argv);
}

/* Options without a command: those of run. argv[0] stands where the word would. */
static int run_without_word(int argc, char **argv)
{
    static char word[] = "run";

    argv[0] = word;
    return run_command(&command_run, argc, argv);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return VERDICT_USAGE;
    }
    if (is_one_of(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return VERDICT_PASS;
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        printf("dnsbench %s (%s)\n", LOCAL53_VERSION, LOCAL53_COMMIT);
        return VERDICT_PASS;
    }
    if (argv[1][0] == '-')
        return run_without_word(argc, argv);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i]->word) == 0)
            return run_command(commands[i], argc - 1, argv + 1);
    }
    return unknown_command(argv[1]);
}
