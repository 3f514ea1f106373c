/* told: what the daemon's parts tell on stderr, as a text of the test's. */
#ifndef LOCAL53_TESTS_APP_TOLD_H
#define LOCAL53_TESTS_APP_TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is told between told_begin and told_end. */
struct told {
    FILE *stderr_before; /* borrowed */
    char *text;          /* owned; from told_end on */
    size_t len;          /* octets of text */
};

static inline void told_begin(struct told *told)
{
    told->stderr_before = stderr;
    stderr = open_memstream(&told->text, &told->len);
    assert_non_null(stderr);
}

/* Was this among it? "" asks for nothing at all. */
static inline bool told_end(struct told *told, const char *wanted)
{
    assert_int_equal(fclose(stderr), 0);
    stderr = told->stderr_before;
    bool found = *wanted == '\0' ? told->len == 0 : strstr(told->text, wanted) != NULL;
    free(told->text);
    return found;
}

#endif
