/* dies: runs a function in a child process, to prove that a CHECK stops it. */
#ifndef LOCAL53_TESTS_DIES_H
#define LOCAL53_TESTS_DIES_H

#include <stddef.h>

/* Runs act(arg) in a child and gives the signal that ended it, 0 when act returned. What the child
 * wrote to stderr is stored in out (size octets with the terminator, cut; out may be NULL). */
int dies_by(void (*act)(void *arg), void *arg, char *out, size_t size);

#endif
