/* Who receives at an address: sockets of this process, beside those of a neighbour who opens and closes his. */
#include "../../../src/node/receivers_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bound_socket.h"
#include "namespace_test.h"

typedef enum err (*finder)(const struct addr *addr, struct receivers *out);

static const finder finders[] = {receivers_by_diag, receivers_by_table, receivers_find};
#define FINDERS (sizeof(finders) / sizeof(finders[0]))

/* All of them find exactly these. */
static void assert_receivers(const struct addr *addr, size_t count, const int *fds)
{
    for (size_t way = 0; way < FINDERS; way++) {
        struct receivers found;

        assert_int_equal(finders[way](addr, &found), ERR_OK);
        assert_int_equal(found.count, count);
        for (size_t i = 0; i < count; i++) {
            struct stat socket;
            bool told = false;

            assert_int_equal(fstat(fds[i], &socket), 0);
            for (size_t j = 0; j < count; j++)
                told = told || found.inodes[j] == socket.st_ino;
            assert_true(told);
        }
    }
}

/* Binds a socket that shares its address with others of its kind; *addr gets the port. */
static int share(struct addr *addr)
{
    int on = 1;
    int fd = socket(addr->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*addr);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, &addr->sa, addr_len(addr)), 0);
    assert_int_equal(getsockname(fd, &addr->sa, &len), 0);
    return fd;
}

/* One that is connected, and one on another address of the port, do not receive there. */
static void those_are_found_that_receive_there(int family, const char *other)
{
    struct addr addr = own_address(family);
    struct addr beside;
    int fds[3];
    int stranger;

    for (size_t i = 0; i < 3; i++)
        fds[i] = share(&addr);
    assert_int_equal(connect(fds[2], &addr.sa, addr_len(&addr)), 0);
    assert_int_equal(addr_parse(&beside, other, 0), ERR_OK);
    beside = addr_with_port(beside, addr_port(&addr));
    stranger = bound_socket_at(&beside, SOCK_DGRAM);
    assert_receivers(&addr, 2, fds);
    close(fds[0]);
    assert_receivers(&addr, 1, fds + 1);
    close(fds[1]);
    close(fds[2]);
    close(stranger);
    assert_receivers(&addr, 0, fds);
}

static void over_ipv4_those_are_found_that_receive_there(void **state)
{
    (void)state;
    those_are_found_that_receive_there(AF_INET, "127.0.0.2");
}

static void over_ipv6_those_are_found_that_receive_there(void **state)
{
    (void)state;
    those_are_found_that_receive_there(AF_INET6, "127.0.0.1");
}

/* Needs user 0, who may take another's name for a moment. */
static void one_of_another_user_is_told(void **state)
{
    struct receivers found;
    struct addr addr;
    int fd;

    (void)state;
    if (geteuid() != 0)
        SKIP_BECAUSE("needs user 0");
    assert_int_equal(seteuid(65534), 0);
    fd = bound_socket(&addr, SOCK_DGRAM, AF_INET);
    assert_int_equal(seteuid(0), 0);
    for (size_t way = 0; way < FINDERS; way++)
        assert_int_equal(finders[way](&addr, &found), ERR_DENIED);
    close(fd);
}

static void more_than_fit_are_told(void **state)
{
    static int fds[RECEIVERS_MAX + 1];
    struct receivers found;
    struct addr addr = own_address(AF_INET);

    (void)state;
    for (size_t i = 0; i < RECEIVERS_MAX + 1; i++)
        fds[i] = share(&addr);
    for (size_t way = 0; way < FINDERS; way++)
        assert_int_equal(finders[way](&addr, &found), ERR_NO_SPACE);
    close(fds[0]);
    assert_receivers(&addr, RECEIVERS_MAX, fds + 1);
    for (size_t i = 1; i < RECEIVERS_MAX + 1; i++)
        close(fds[i]);
}

#define NEIGHBOUR_SOCKETS 200

/* Opens and closes sockets on all addresses, for ever. */
static void come_and_go(const void *context, int ready)
{
    static int fds[NEIGHBOUR_SOCKETS];

    (void)context;
    namespace_ready(ready);
    for (size_t i = 0;; i = (i + 1) % NEIGHBOUR_SOCKETS) {
        struct sockaddr_in any = {.sin_family = AF_INET};

        if (fds[i] > 0)
            close(fds[i]);
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (bind(fds[i], (struct sockaddr *)&any, sizeof(any)) != 0)
            _exit(1);
    }
}

#define LOOKS 1000

static void sockets_that_come_and_go_beside_them_change_nothing(void **state)
{
    struct addr addr = own_address(AF_INET);
    struct receivers found;
    int fds[2];
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    namespace_must("ip link set lo up");
    for (size_t i = 0; i < 2; i++)
        fds[i] = share(&addr);
    child = namespace_child(come_and_go, NULL);
    for (size_t i = 0; i < LOOKS; i++) {
        assert_int_equal(receivers_find(&addr, &found), ERR_OK);
        assert_int_equal(found.count, 2);
    }
    namespace_kill(child);
    for (size_t i = 0; i < 2; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_ipv4_those_are_found_that_receive_there),
        cmocka_unit_test(over_ipv6_those_are_found_that_receive_there),
        cmocka_unit_test(one_of_another_user_is_told),
        cmocka_unit_test(more_than_fit_are_told),
        cmocka_unit_test(sockets_that_come_and_go_beside_them_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
