/* Foreign servers on our port, played by plain sockets of this process. */
#include "net_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "local53/net/ports.h"

/* A socket bound to text's address, listening when it is TCP; *addr gets where. */
static int occupy(const char *text, int type, struct addr *addr)
{
    socklen_t len = sizeof(*addr);
    *addr = net_test_addr(text);
    int fd = socket(addr->sa.sa_family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &addr->sa, addr_len(addr)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, &addr->sa, &len), 0);
    return fd;
}

static void assert_owner_is_us(const struct addr *addr, const char *transport)
{
    char owner[PORTS_OWNER_MAX];
    char pid[32];
    snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    assert_ptr_equal(ports_owner(addr, transport, owner), owner);
    assert_non_null(strstr(owner, pid));
}

/* Occupied by `held`, asked for `wanted` (with the port of the former). */
static void assert_found(const char *held, const char *wanted, int type)
{
    const char *name = type == SOCK_DGRAM ? "UDP" : "TCP";
    const char *transport = NULL;
    struct addr addr;
    int fd = occupy(held, type, &addr);
    struct addr asked = addr_with_port(net_test_addr(wanted), addr_port(&addr));
    assert_int_equal(ports_probe(&asked, &transport), ERR_IN_USE);
    assert_string_equal(transport, name);
    assert_owner_is_us(&asked, name);
    close(fd);
    assert_int_equal(ports_probe(&asked, &transport), ERR_OK);
}

static void a_udp_server_on_the_same_address_is_found_and_named(void **state)
{
    (void)state;
    assert_found("127.0.0.1", "127.0.0.1", SOCK_DGRAM);
    assert_found("::1", "::1", SOCK_DGRAM);
}

static void a_tcp_server_on_the_same_address_is_found_and_named(void **state)
{
    (void)state;
    assert_found("127.0.0.1", "127.0.0.1", SOCK_STREAM);
    assert_found("::1", "::1", SOCK_STREAM);
}

static void a_server_on_the_wildcard_address_is_found_and_named(void **state)
{
    (void)state;
    assert_found("0.0.0.0", "127.0.0.1", SOCK_DGRAM);
    assert_found("0.0.0.0", "127.0.0.1", SOCK_STREAM);
    assert_found("::", "127.0.0.1", SOCK_DGRAM); /* takes IPv4 too unless told not to */
}

static void a_server_on_ipv4_within_ipv6_is_found_and_named(void **state)
{
    (void)state;
    assert_found("::ffff:127.0.0.1", "127.0.0.1", SOCK_DGRAM);
    assert_found("::ffff:127.0.0.1", "127.0.0.1", SOCK_STREAM);
}

static void a_server_that_shares_its_port_is_found_all_the_same(void **state)
{
    const char *transport = NULL;
    struct addr addr = net_test_addr("127.0.0.1");
    socklen_t len = sizeof(addr);
    int on = 1;
    (void)state;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, &addr.sa, addr_len(&addr)), 0);
    assert_int_equal(getsockname(fd, &addr.sa, &len), 0);
    assert_int_equal(ports_probe(&addr, &transport), ERR_IN_USE);
    assert_string_equal(transport, "UDP");
    close(fd);
}

static void an_address_of_another_machine_is_not_reachable(void **state)
{
    const char *transport = NULL;
    struct addr addr = addr_with_port(net_test_addr("192.0.2.1"), 5353);
    (void)state;
    assert_int_equal(ports_probe(&addr, &transport), ERR_UNREACHABLE);
}

static void an_owner_that_is_not_there_is_another_process(void **state)
{
    char owner[PORTS_OWNER_MAX];
    struct addr addr;
    (void)state;
    int fd = occupy("127.0.0.1", SOCK_STREAM, &addr);
    close(fd);
    assert_string_equal(ports_owner(&addr, "TCP", owner), "another process");
    assert_string_equal(ports_owner(&addr, "UDP", owner), "another process");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_udp_server_on_the_same_address_is_found_and_named),
        cmocka_unit_test(a_tcp_server_on_the_same_address_is_found_and_named),
        cmocka_unit_test(a_server_on_the_wildcard_address_is_found_and_named),
        cmocka_unit_test(a_server_on_ipv4_within_ipv6_is_found_and_named),
        cmocka_unit_test(a_server_that_shares_its_port_is_found_all_the_same),
        cmocka_unit_test(an_address_of_another_machine_is_not_reachable),
        cmocka_unit_test(an_owner_that_is_not_there_is_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
