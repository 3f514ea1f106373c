/* bound_socket: a socket of the test's own on an address of this host. */
#ifndef LOCAL53_TESTS_BOUND_SOCKET_H
#define LOCAL53_TESTS_BOUND_SOCKET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "local53/base/addr.h"

/* Binds a socket of this type (SOCK_DGRAM, SOCK_STREAM) to *addr, which gets the port where it was
 * 0; the caller closes it. */
static inline int bound_socket_at(struct addr *addr, int type)
{
    int fd = socket(addr->sa.sa_family, type | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*addr);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &addr->sa, addr_len(addr)), 0);
    assert_int_equal(getsockname(fd, &addr->sa, &len), 0);
    return fd;
}

/* The same on a port that the kernel picks; text: "127.0.0.1" or "::1". */
static inline int bound_socket(struct addr *addr, int type, const char *text)
{
    assert_int_equal(addr_parse(addr, text, 0), ERR_OK);
    return bound_socket_at(addr, type);
}

#endif
