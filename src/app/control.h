/* control: the control socket's server: one request line a connection, answered with a line holding the
 * exit code ("0".."3") and then text. Only root and our own user are heard (SO_PEERCRED). */
#ifndef LOCAL53_APP_CONTROL_H
#define LOCAL53_APP_CONTROL_H

#include <stddef.h>
#include <stdio.h>

#include "local53/base/err.h"
#include "local53/net/loop.h"

#define CONTROL_REQUEST_MAX 1200   /* a name of 1023 characters, a word and a flag */
#define CONTROL_CONNECTIONS_MAX 16 /* at once; more are refused */

/* The words a request may begin with; for lists of texts. */
#define CONTROL_WORDS                                                                              \
    "ready", "alive", "status", "reload", "flush", "dump", "leaks", "top", "explain"

struct control;

/* Answers a request (its words, count at most 4, at least 1): text to out, gives the exit code. */
typedef int (*control_on_request)(void *owner, const char *const *words, size_t count, FILE *out);

/* Listens on path (missing folder is made, mode 0755). Errors as stream_listen_unix. */
enum err control_open(struct control **out, struct loop *loop, const char *path,
                      control_on_request on_request, void *owner);

/* Stops listening, drops its connections. The loop must run on until the closes are through; then
 * control_free. Both accept NULL. */
void control_close(struct control *control);
void control_free(struct control *control);

#endif
