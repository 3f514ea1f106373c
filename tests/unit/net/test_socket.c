/* Options of the descriptors every socket of the net layer is made with. */
#include "net_test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../../src/net/socket.h"

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void no_descriptor_blocks_or_is_inherited(void **state)
{
    struct addr addr = net_test_addr("127.0.0.1");
    int fd = -1;
    (void)state;
    assert_int_equal(socket_open(&fd, &addr, SOCK_STREAM), ERR_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    socket_close(fd);
}

static void an_ipv6_socket_takes_no_ipv4(void **state)
{
    struct addr addr = net_test_addr("::");
    int fd = -1;
    (void)state;
    assert_int_equal(socket_open_bound(&fd, &addr, SOCK_DGRAM, SOCKET_EXCLUSIVE), ERR_OK);
    assert_int_equal(option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    socket_close(fd);
}

static void only_those_who_both_share_get_one_address(void **state)
{
    struct addr addr = net_test_addr("127.0.0.1");
    int first = -1;
    int second = -1;
    (void)state;
    assert_int_equal(socket_open_bound(&first, &addr, SOCK_DGRAM, SOCKET_REUSEPORT), ERR_OK);
    addr = socket_local_addr(first);
    assert_int_equal(socket_open_bound(&second, &addr, SOCK_DGRAM, SOCKET_EXCLUSIVE), ERR_IN_USE);
    assert_int_equal(second, -1);
    assert_int_equal(socket_open_bound(&second, &addr, SOCK_DGRAM, SOCKET_REUSEADDR), ERR_OK);
    socket_close(second);
    assert_int_equal(socket_open_bound(&second, &addr, SOCK_DGRAM, SOCKET_REUSEPORT), ERR_OK);
    socket_close(second);
    socket_close(first);
}

static void datagrams_are_not_fragmented_and_forged_path_mtus_not_believed(void **state)
{
    struct addr v4 = net_test_addr("127.0.0.1");
    struct addr v6 = net_test_addr("::1");
    int fd = -1;
    (void)state;
    assert_int_equal(socket_open(&fd, &v4, SOCK_DGRAM), ERR_OK);
    assert_true(socket_forbid_fragments(fd, AF_INET));
    assert_int_equal(option_of(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
    socket_close(fd);
    assert_int_equal(socket_open(&fd, &v6, SOCK_DGRAM), ERR_OK);
    assert_true(socket_forbid_fragments(fd, AF_INET6));
    assert_int_equal(option_of(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
    assert_int_equal(option_of(fd, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
    socket_close(fd);
}

static void a_buffer_gets_bigger_when_asked(void **state)
{
    struct addr addr = net_test_addr("127.0.0.1");
    int fd = -1;
    (void)state;
    assert_int_equal(socket_open(&fd, &addr, SOCK_DGRAM), ERR_OK);
    socket_set_buffer(fd, SO_RCVBUF, 4096);
    int small = option_of(fd, SOL_SOCKET, SO_RCVBUF);
    socket_set_buffer(fd, SO_RCVBUF, 1 << 20);
    assert_true(option_of(fd, SOL_SOCKET, SO_RCVBUF) > small);
    socket_close(fd);
}

static void a_close_keeps_errno(void **state)
{
    (void)state;
    errno = EINTR;
    socket_close(-1);
    assert_int_equal(errno, EINTR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_descriptor_blocks_or_is_inherited),
        cmocka_unit_test(an_ipv6_socket_takes_no_ipv4),
        cmocka_unit_test(only_those_who_both_share_get_one_address),
        cmocka_unit_test(datagrams_are_not_fragmented_and_forged_path_mtus_not_believed),
        cmocka_unit_test(a_buffer_gets_bigger_when_asked),
        cmocka_unit_test(a_close_keeps_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
