/* The socket that only sends: when there is one, for which addresses, and what it keeps others from. */
#include "net_test.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../../src/net/socket.h"
#include "../../../src/net/udp_sender.h"
#include "local53/net/ports.h"
#include "local53/net/udp.h"
#include "skip.h"

/* Process state because poll hands no context: the question of a trial that gets the wrong answer. */
static struct {
    int contradicted; /* this question of a trial, counted from 1, gets the wrong answer; 0: none */
    int asked;        /* questions of a trial */
} mishap;

/* A trial asks whether a datagram is at the receiver, whether at the sender, and whether at the client. */
int poll(struct pollfd *watched, nfds_t count, int wait_ms)
{
    const struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
    if (count == 0 || ++mishap.asked != mishap.contradicted)
        return ppoll(watched, count, &wait, NULL);
    bool arrives = mishap.asked == 2;
    watched->revents = arrives ? POLLIN : 0;
    return arrives ? 1 : 0;
}

/* A server that echoes, and the client that asks it. */
struct echo {
    struct net_test test;
    struct udp_server *server;
    struct addr addr; /* of the server */
    unsigned answers;
};

static void on_answer(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct echo *echo = owner;
    (void)client;
    (void)data;
    assert_int_equal(len, 3);
    echo->answers++;
    loop_stop(echo->test.loop);
}

static void on_error(void *owner, struct udp_client *client, enum err err)
{
    (void)owner;
    (void)client;
    fail_msg("unexpected error: %s", err_text(err));
}

static const struct udp_client_events events = {on_answer, on_error};

static void echo_open(struct echo *echo, const char *address)
{
    struct addr addr = net_test_addr(address);
    net_test_init(&echo->test);
    echo->answers = 0;
    assert_int_equal(udp_server_open(&echo->server, echo->test.loop, &addr, net_test_echo, echo),
                     ERR_OK);
    echo->addr = udp_server_addr(echo->server);
}

static void echo_close(struct echo *echo)
{
    udp_server_close(echo->server);
    net_test_deinit(&echo->test);
}

static void assert_answers(struct echo *echo)
{
    struct udp_client *client;
    unsigned before = echo->answers;
    assert_int_equal(udp_client_open(&client, echo->test.loop, &echo->addr, &events, echo), ERR_OK);
    assert_int_equal(udp_client_send(client, (const uint8_t *)"abc", 3), ERR_OK);
    assert_true(net_test_run(&echo->test));
    assert_int_equal(echo->answers, before + 1);
    udp_client_close(client);
}

static bool is_sender(int fd, const struct echo *echo)
{
    struct addr peer;
    socklen_t len = sizeof(peer);
    return getpeername(fd, &peer.sa, &len) == 0 && addr_equal(&peer, &echo->addr);
}

/* Descriptors that are sockets connected to their own address. */
static unsigned senders(const struct echo *echo)
{
    unsigned found = 0;
    for (int fd = 3; fd < 64; fd++)
        found += is_sender(fd, echo);
    return found;
}

static int find_sender(const struct echo *echo)
{
    int fd = 3;
    while (fd < 64 && !is_sender(fd, echo))
        fd++;
    return fd;
}

static void assert_served_by_two_sockets(const char *address)
{
    struct echo echo;
    echo_open(&echo, address);
    assert_int_equal(senders(&echo), 1);
    assert_answers(&echo);
    echo_close(&echo);
}

static void both_families_get_a_sender(void **state)
{
    (void)state;
    assert_served_by_two_sockets("127.0.0.1");
    assert_served_by_two_sockets("127.9.8.7");
    assert_served_by_two_sockets("::1");
}

static void a_wildcard_address_gets_none(void **state)
{
    struct addr v4 = net_test_addr("0.0.0.0");
    struct addr v6 = net_test_addr("::");
    (void)state;
    assert_int_equal(udp_sender_open(&v4), -1);
    assert_int_equal(udp_sender_open(&v6), -1);
}

static void an_address_of_another_machine_gets_none(void **state)
{
    struct addr addr = net_test_addr("192.0.2.1");
    (void)state;
    assert_int_equal(udp_sender_open(&addr), -1);
}

static unsigned open_descriptors(void)
{
    unsigned found = 0;
    for (int fd = 0; fd < 256; fd++)
        found += fcntl(fd, F_GETFD) >= 0;
    return found;
}

static void a_trial_leaves_no_descriptor_behind(void **state)
{
    struct addr addr = net_test_addr("127.0.0.1");
    unsigned before = open_descriptors();
    (void)state;
    int sender = udp_sender_open(&addr);
    assert_true(sender >= 0);
    assert_int_equal(open_descriptors(), before + 1);
    socket_close(sender);
}

/* The question does not arrive, arrives at the sender too, or its answer does not come from the address asked. */
static void where_a_trial_fails_one_socket_does_both(void **state)
{
    struct addr addr = net_test_addr("127.0.0.1");
    unsigned before = open_descriptors();
    (void)state;
    for (int question = 1; question <= 3; question++) {
        struct echo echo;
        mishap.contradicted = question;
        mishap.asked = 0;
        assert_int_equal(udp_sender_open(&addr), -1);
        assert_int_equal(mishap.asked, question);
        assert_int_equal(open_descriptors(), before);
        mishap.asked = 0;
        echo_open(&echo, "127.0.0.1");
        mishap.contradicted = 0;
        assert_int_equal(senders(&echo), 0);
        assert_answers(&echo);
        echo_close(&echo);
    }
}

static void without_a_sender_one_socket_does_both(void **state)
{
    struct echo echo;
    struct rlimit limit;
    struct addr addr = net_test_addr("127.0.0.1");
    (void)state;
    net_test_init(&echo.test);
    echo.answers = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int lowest = dup(2);
    close(lowest);
    struct rlimit tight = {(rlim_t)lowest + 1, limit.rlim_max}; /* the receiver, and no more */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    enum err err = udp_server_open(&echo.server, echo.test.loop, &addr, net_test_echo, &echo);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(err, ERR_OK);
    echo.addr = udp_server_addr(echo.server);
    assert_int_equal(senders(&echo), 0);
    assert_answers(&echo);
    echo_close(&echo);
}

/* As if a client had asked between the sender's bind and its connect; whichever of the two sockets the kernel
 * gives it to. */
static void what_comes_before_the_sender_is_connected_is_answered(void **state)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct udp_client *client;
    struct echo echo;
    (void)state;
    echo_open(&echo, "127.0.0.1");
    int sender = find_sender(&echo);
    assert_int_equal(connect(sender, &nobody, sizeof(nobody)), 0);
    assert_int_equal(udp_client_open(&client, echo.test.loop, &echo.addr, &events, &echo), ERR_OK);
    assert_int_equal(udp_client_send(client, (const uint8_t *)"abc", 3), ERR_OK);
    assert_int_equal(connect(sender, &echo.addr.sa, addr_len(&echo.addr)), 0);
    assert_true(net_test_run(&echo.test));
    assert_int_equal(echo.answers, 1);
    udp_client_close(client);
    echo_close(&echo);
}

static void a_foreign_server_neither_gets_the_port_nor_is_it_free_to_us(void **state)
{
    struct echo echo;
    const char *transport = NULL;
    int foreign = -1;
    (void)state;
    echo_open(&echo, "127.0.0.1");
    assert_int_equal(socket_open_bound(&foreign, &echo.addr, SOCK_DGRAM, SOCKET_EXCLUSIVE),
                     ERR_IN_USE);
    assert_int_equal(ports_probe(&echo.addr, &transport), ERR_IN_USE);
    assert_string_equal(transport, "UDP");
    echo_close(&echo);
    assert_int_equal(ports_probe(&echo.addr, &transport), ERR_OK);
}

static void once_sealed_even_a_server_that_would_share_is_refused(void **state)
{
    struct echo echo;
    int foreign = -1;
    (void)state;
    echo_open(&echo, "127.0.0.1");
    assert_int_equal(socket_open_bound(&foreign, &echo.addr, SOCK_DGRAM, SOCKET_REUSEADDR), ERR_OK);
    socket_close(foreign);
    udp_server_seal(echo.server);
    assert_int_equal(socket_open_bound(&foreign, &echo.addr, SOCK_DGRAM, SOCKET_REUSEADDR),
                     ERR_IN_USE);
    assert_int_equal(socket_open_bound(&foreign, &echo.addr, SOCK_DGRAM, SOCKET_REUSEPORT),
                     ERR_IN_USE);
    assert_answers(&echo);
    echo_close(&echo);
}

/* --- link-local addresses, on the loopback device of a network namespace of this process --- */

/* As the kernel's struct in6_ifreq, whose header does not go with libc's. */
struct v6_request {
    struct in6_addr addr;
    uint32_t prefix;
    int index;
};

static void add_v4(const char *label, const char *address)
{
    struct ifreq request = {.ifr_name = ""};
    struct addr addr = net_test_addr(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strcpy(request.ifr_name, label);
    memcpy(&request.ifr_addr, &addr.v4, sizeof(addr.v4));
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
    close(fd);
}

/* The kernel takes an IPv6 address into use a moment after it was added, and tells nobody. */
static void wait_until_usable(const struct addr *addr)
{
    enum err err = ERR_UNREACHABLE;
    for (int tries = 0; tries < 2000 && err != ERR_OK; tries++) {
        int fd = -1;
        err = socket_open_bound(&fd, addr, SOCK_DGRAM, SOCKET_EXCLUSIVE);
        if (err == ERR_OK)
            socket_close(fd);
        else
            poll(NULL, 0, 1);
    }
    assert_int_equal(err, ERR_OK);
}

static void add_v6(const char *address)
{
    struct v6_request request = {.prefix = 64, .index = 1};
    struct addr addr = net_test_addr(address);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.addr = addr.v6.sin6_addr;
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);
    close(fd);
    wait_until_usable(&addr);
}

static void link_local_addresses_get_a_sender(void **state)
{
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    (void)state;
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        SKIP_BECAUSE("network namespaces are not allowed here");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &up), 0);
    close(fd);
    add_v4("lo:1", "169.254.20.10");
    add_v6("fe80::53%lo");
    assert_served_by_two_sockets("169.254.20.10");
    assert_served_by_two_sockets("fe80::53%lo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_get_a_sender),
        cmocka_unit_test(a_wildcard_address_gets_none),
        cmocka_unit_test(an_address_of_another_machine_gets_none),
        cmocka_unit_test(a_trial_leaves_no_descriptor_behind),
        cmocka_unit_test(where_a_trial_fails_one_socket_does_both),
        cmocka_unit_test(what_comes_before_the_sender_is_connected_is_answered),
        cmocka_unit_test(without_a_sender_one_socket_does_both),
        cmocka_unit_test(a_foreign_server_neither_gets_the_port_nor_is_it_free_to_us),
        cmocka_unit_test(once_sealed_even_a_server_that_would_share_is_refused),
        cmocka_unit_test(link_local_addresses_get_a_sender), /* last: leaves this network */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
