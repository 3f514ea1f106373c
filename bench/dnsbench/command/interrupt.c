/* interrupt: the flag that a signal handler sets: it reaches nothing else, so this is the one
 * global of the program. Thread: any. Fails: never. */
#include "command/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "local53/base/check.h"

static _Atomic bool interrupted;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&interrupted, true);
}

_Atomic bool *interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    CHECK(sigaction(SIGINT, &action, NULL) == 0);
    CHECK(sigaction(SIGTERM, &action, NULL) == 0);
    return &interrupted;
}
