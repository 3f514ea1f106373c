/* skip: a test that cannot run on this machine says why; one that does not is told as failed (tests/ctest_cases.py). */
#ifndef LOCAL53_TESTS_SKIP_H
#define LOCAL53_TESTS_SKIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Ends the running test as skipped; reason is one line. */
#define SKIP_BECAUSE(reason)                                                                       \
    do {                                                                                           \
        print_message("SKIPPED %s: %s\n", __func__, (reason));                                     \
        skip();                                                                                    \
    } while (0)

#endif
