/* program: a program of several commands: the first word finds the command; help, version and the words for a mistyped
 * one are the same for all programs here. */
#ifndef LOCAL53_BASE_PROGRAM_H
#define LOCAL53_BASE_PROGRAM_H

#include <stddef.h>

/* Exit code of wrong usage. */
#define PROGRAM_USAGE 2

/* What each command is to its program. One file a command. */
struct command {
    const char *word;    /* "check" */
    const char *summary; /* one line for the list of commands */
    const char *help;    /* usage, options, an example; one screen */
    /* argv[0] is the command's word; gives the exit code. */
    int (*run)(int argc, char **argv);
};

struct program {
    const char *name;                      /* "local53" */
    const char *head;                      /* help, before the list of commands */
    const char *foot;                      /* help, behind it: an example, the exit codes */
    const char *version;                   /* "0.1.0 (commit)" */
    const struct command *const *commands; /* borrowed; count of them */
    size_t count;                          /* at most PROGRAM_COMMANDS_MAX: CHECK */
    const struct command *unnamed;         /* takes options without a word; NULL: none does */
    int unwritten; /* exit code when stdout took not all: a full disk, a reader that went */
};

#define PROGRAM_COMMANDS_MAX 32

/* Runs the command that argv names and gives the exit code: of the command, 0 for help and version, else PROGRAM_USAGE.
 * Help anywhere among a command's words is its help. What stdout did not take is told on stderr, and no success. */
int program_main(const struct program *program, int argc, char **argv);

/* Tells a usage error on stderr, "local53 check: ...", with where to read more, and gives PROGRAM_USAGE. The program is
 * told by the name it was called by. */
int command_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells any other error in the same form, without that hint. */
void command_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
