/* claim: a name this process holds in its network namespace for as long as it lives, so that others can tell what a
 * live process has from what a dead one left: an abstract Unix socket (unix(7)), which needs no privilege, no file,
 * and is gone with the process in whatever way that ends. Main thread. */
#ifndef LOCAL53_NODE_CLAIM_H
#define LOCAL53_NODE_CLAIM_H

#include <stdbool.h>

/* Longest name, with its terminator. */
#define CLAIM_NAME_MAX 100

/* Takes the name: a close-on-exec descriptor, closed to give it up; -1 with errno, EADDRINUSE when somebody has it. */
int claim_take(const char *name);

/* True while some process holds the name; also when that cannot be told. */
bool claim_is_held(const char *name);

#endif
