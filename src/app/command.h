/* command: the commands, one file each. Their exit code is an enum exit_code. */
#ifndef LOCAL53_APP_COMMAND_H
#define LOCAL53_APP_COMMAND_H

#include "local53/base/program.h"

/* Exit codes of every command. */
enum exit_code {
    EXIT_FINE = 0,              /* done; warnings may have been told */
    EXIT_FOUND = 1,             /* a check found something, or what was asked is not so */
    EXIT_USAGE = PROGRAM_USAGE, /* usage or configuration */
    EXIT_ENVIRONMENT = 3 /* a port, a privilege, a socket: the machine, not the configuration */
};

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_explain;
extern const struct command command_diff;
extern const struct command command_ctl;
extern const struct command command_import;
extern const struct command command_node;
extern const struct command command_services;
extern const struct command command_probe;
extern const struct command command_doctor;

#endif
