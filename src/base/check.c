/* check: tells which statement about ourselves did not hold, and stops. Owns nothing; any thread;
 * the last thing the process does. */
#include "local53/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, text);
    abort();
}
