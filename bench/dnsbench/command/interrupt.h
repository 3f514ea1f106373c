/* interrupt: Ctrl-C and SIGTERM end a measurement in order; a second one ends the program at
 * once. */
#ifndef DNSBENCH_COMMAND_INTERRUPT_H
#define DNSBENCH_COMMAND_INTERRUPT_H

#include <stdatomic.h>
#include <stdbool.h>

/* Catches both signals from now on; gives the flag that the first sets, valid for the life of
 * the process. */
_Atomic bool *interrupt_catch(void);

#endif
