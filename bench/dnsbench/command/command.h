/* command: what each command is to main: its word, its help, its body. One file a command. The
 * exit code is an enum verdict (measure/result.h). */
#ifndef DNSBENCH_COMMAND_COMMAND_H
#define DNSBENCH_COMMAND_COMMAND_H

#include "measure/result.h"

struct command {
    const char *word;    /* "run" */
    const char *summary; /* one line for the list of commands */
    const char *help;    /* usage, options, an example; one screen */
    /* argv[0] is the command's word; gives an enum verdict. */
    int (*run)(int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_max;
extern const struct command command_search;
extern const struct command command_compare;
extern const struct command command_check;
extern const struct command command_serve;
extern const struct command command_report;

/* Tells a usage error on stderr, with where to read more, and gives VERDICT_USAGE. */
int command_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells an error that is no usage error, "dnsbench run: ...", on stderr. */
void command_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
