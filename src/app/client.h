/* client: asks a running local53 through its control socket, for the commands that talk to one. */
#ifndef LOCAL53_APP_CLIENT_H
#define LOCAL53_APP_CLIENT_H

#include <stdio.h>

#include "command.h"

#define CLIENT_TIMEOUT_S 10

/* Where it listens. */
struct client_where {
    const char *socket; /* the control socket; NULL: the configuration tells */
    const char *file;   /* the configuration */
};

/* Sends a request, its newline included, and copies the answer's text to out, or to stderr when its exit code is
 * not EXIT_FINE. Gives that code, or EXIT_ENVIRONMENT when nobody answers, which is told on stderr as the
 * command's error. */
int client_ask(const struct command *command, const struct client_where *where, const char *request,
               FILE *out);

#endif
