/* upstream_test: a file with a text in it, for tests of what reads resolv.conf files. */
#ifndef LOCAL53_TESTS_UPSTREAM_TEST_H
#define LOCAL53_TESTS_UPSTREAM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/addr.h"

#define UPSTREAM_TEST_PATH "/tmp/local53-test-XXXXXX"

/* Writes text to a new file; path gets its name. The caller unlinks it. */
static inline void upstream_test_file(char path[sizeof(UPSTREAM_TEST_PATH)], const char *text)
{
    memcpy(path, UPSTREAM_TEST_PATH, sizeof(UPSTREAM_TEST_PATH));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* The address reads as text says, port included. */
static inline void upstream_test_expect(const struct addr *addr, const char *text)
{
    char written[ADDR_TEXT_MAX];
    assert_string_equal(addr_format(addr, written), text);
}

#endif
