/* command: the commands, one file each. Their exit code is an enum exit_code. */
#ifndef LOCAL53_APP_COMMAND_H
#define LOCAL53_APP_COMMAND_H

#include "local53/base/program.h"
#include "local53/cli/exit_code.h"

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
