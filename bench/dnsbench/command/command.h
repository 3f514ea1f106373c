/* command: the commands, one file each. Their exit code is an enum verdict (measure/result.h). */
#ifndef DNSBENCH_COMMAND_COMMAND_H
#define DNSBENCH_COMMAND_COMMAND_H

#include "local53/base/program.h"
#include "measure/result.h"

_Static_assert(VERDICT_USAGE == PROGRAM_USAGE, "one exit code for wrong usage");

extern const struct command command_run;
extern const struct command command_max;
extern const struct command command_search;
extern const struct command command_compare;
extern const struct command command_check;
extern const struct command command_serve;
extern const struct command command_report;

#endif
