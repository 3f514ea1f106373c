/* exit_code: how every command of local53 ends. */
#ifndef LOCAL53_CLI_EXIT_CODE_H
#define LOCAL53_CLI_EXIT_CODE_H

#include "local53/base/program.h"

/* Exit codes of every command. */
enum exit_code {
    EXIT_FINE = 0,              /* done; warnings may have been told */
    EXIT_FOUND = 1,             /* a check found something, or what was asked is not so */
    EXIT_USAGE = PROGRAM_USAGE, /* usage or configuration */
    EXIT_ENVIRONMENT = 3 /* a port, a privilege, a socket: the machine, not the configuration */
};

#endif
