/* bound_socket: a socket of the test's own on an address of this host. Over IPv4 the address is the process's own, too:
 * a port that was let go stays free, whatever ports the tests beside this one are given. */
#ifndef LOCAL53_TESTS_BOUND_SOCKET_H
#define LOCAL53_TESTS_BOUND_SOCKET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* The address of 127/8 that is this process's, or ::1; port 0. */
static inline struct addr own_address(int family)
{
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    unsigned pid = (unsigned)getpid();

    snprintf(text, sizeof(text), "127.%u.%u.%u", 64 + (pid >> 16) % 64, pid >> 8 & 0xff,
             pid & 0xff);
    assert_int_equal(addr_parse(&addr, family == AF_INET ? text : "::1", 0), ERR_OK);
    return addr;
}

/* The same there on a port that the kernel picks; family: AF_INET, AF_INET6. */
static inline int bound_socket(struct addr *addr, int type, int family)
{
    *addr = own_address(family);
    return bound_socket_at(addr, type);
}

#endif
