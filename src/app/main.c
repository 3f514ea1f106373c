/* main: finds the command named by the first word and runs it. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "local53/base/nearest.h"
#include "local53/version.h"

static const struct command *const commands[] = {&command_run, &command_check, &command_explain,
                                                 &command_ctl};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fprintf(out, "local53 - your private zones, on the node\n\n"
                 "Usage: local53 COMMAND [OPTIONS]\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-9s %s\n", commands[i]->word, commands[i]->summary);
    fprintf(out, "\nlocal53 COMMAND --help tells more; local53 --version tells which this is.\n"
                 "The configuration is -c FILE, else $LOCAL53_CONFIG, else "
                 "/etc/local53/local53.yaml.\n\n"
                 "Example:\n  local53 check -c conf/local53.yaml\n\n"
                 "Exit codes: 0 fine, 1 a check found something, 2 usage or configuration,\n"
                 "            3 environment (port, privilege, socket)\n");
}

int command_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "local53 %s: ", command->word);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry: local53 %s --help\n", command->word);
    va_end(arguments);
    return EXIT_USAGE;
}

const char *command_config_file(const char *option)
{
    const char *environment = getenv("LOCAL53_CONFIG");
    if (option != NULL)
        return option;
    return environment != NULL && environment[0] != '\0' ? environment
                                                         : "/etc/local53/local53.yaml";
}

static int unknown_command(const char *word)
{
    const char *words[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        words[i] = commands[i]->word;
    const char *nearest = nearest_word(word, words, COMMAND_COUNT);
    fprintf(stderr, "local53: unknown command '%s'", word);
    if (nearest != NULL)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fprintf(stderr, "\nTry: local53 --help\n");
    return EXIT_USAGE;
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
            return EXIT_FINE;
        }
    }
    return command->run(argc, argv);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (is_one_of(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_FINE;
    }
    if (is_one_of(argv[1], "--version", "-V")) {
        printf("local53 %s (%s)\n", LOCAL53_VERSION, LOCAL53_COMMIT);
        return EXIT_FINE;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i]->word) == 0)
            return run_command(commands[i], argc - 1, argv + 1);
    }
    return unknown_command(argv[1]);
}
