/* The two sockets of a server: what they hold while the loop stands still, and how their packets travel. */
#include "net_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "local53/net/udp.h"
#include "skip.h"

#define WAITING 5000 /* queries that a loop which stands still must not lose */
#define QUERY_OCTETS 64

struct server {
    struct net_test test;
    struct udp_server *udp;
    struct addr addr;
    size_t seen;  /* queries handed over */
    bool in_turn; /* the one turn of a run has begun; at its end the hook is called once more */
};

static void on_batch(void *owner, struct udp_server *udp, struct udp_packet *packets, size_t count)
{
    struct server *server = owner;
    (void)udp;
    (void)packets;
    server->seen += count;
    if (server->seen == WAITING)
        loop_stop(server->test.loop);
}

static void server_open(struct server *server, const char *address, bool two_sockets)
{
    struct addr addr = net_test_addr(address);
    server->seen = 0;
    net_test_init(&server->test);
    assert_int_equal((two_sockets ? udp_server_open : udp_server_open_single)(
                         &server->udp, server->test.loop, &addr, on_batch, server),
                     ERR_OK);
    server->addr = udp_server_addr(server->udp);
}

static void server_close(struct server *server)
{
    udp_server_close(server->udp);
    net_test_deinit(&server->test);
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

/* The descriptor of a server that is connected, or the one that is not; -1 for none. */
static int descriptor_of(const struct server *server, bool connected)
{
    for (int fd = 3; fd < 64; fd++) {
        struct addr addr;
        socklen_t len = sizeof(addr);
        memset(&addr, 0, sizeof(addr));
        if (getsockname(fd, &addr.sa, &len) != 0 || !addr_equal(&addr, &server->addr))
            continue;
        len = sizeof(addr);
        if ((getpeername(fd, &addr.sa, &len) == 0) == connected)
            return fd;
    }
    return -1;
}

/* True where this process may have buffers past the system's limit, or the limit is high enough. */
static bool large_buffers_are_allowed(int option)
{
    int forced = option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
    int size = UDP_BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
    bool allowed = option_of(fd, SOL_SOCKET, option) >= UDP_BUFFER_BYTES;
    close(fd);
    return allowed;
}

static void assert_holds_all(const char *address, bool two_sockets)
{
    struct server server;
    uint8_t query[QUERY_OCTETS] = {0};
    server_open(&server, address, two_sockets);
    int fd = socket(server.addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (unsigned i = 0; i < WAITING; i++)
        assert_int_equal(
            sendto(fd, query, sizeof(query), 0, &server.addr.sa, addr_len(&server.addr)),
            sizeof(query));
    close(fd);
    assert_true(net_test_run(&server.test));
    assert_int_equal(server.seen, WAITING);
    assert_int_equal(udp_server_stats(server.udp).kernel_drops, 0);
    server_close(&server);
}

static void five_thousand_queries_wait_for_a_loop_that_stands_still(void **state)
{
    (void)state;
    if (!large_buffers_are_allowed(SO_RCVBUF))
        SKIP_BECAUSE("receive buffers of 4 MiB are not allowed here");
    assert_holds_all("127.0.0.1", true);
    assert_holds_all("127.0.0.1", false);
    assert_holds_all("::1", true);
}

static void on_turn(void *owner)
{
    struct server *server = owner;
    if (!server->in_turn)
        loop_stop(server->test.loop);
    server->in_turn = true;
}

/* Queries handed over in one turn of the loop. */
static size_t seen_in_a_turn(struct server *server)
{
    size_t before = server->seen;
    server->in_turn = false;
    loop_run(server->test.loop);
    return server->seen - before;
}

/* Timers and other sockets get theirs beside a flood. */
static void a_turn_takes_eight_batches_of_a_socket(void **state)
{
    struct server server;
    (void)state;
    server_open(&server, "127.0.0.1", false);
    loop_set_on_turn(server.test.loop, on_turn, &server);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (unsigned i = 0; i < 9 * UDP_BATCH; i++)
        assert_int_equal(sendto(fd, "?", 1, 0, &server.addr.sa, addr_len(&server.addr)), 1);
    close(fd);
    assert_int_equal(seen_in_a_turn(&server), 8 * UDP_BATCH);
    assert_int_equal(seen_in_a_turn(&server), UDP_BATCH);
    server_close(&server);
}

static void replies_have_a_large_buffer(void **state)
{
    struct server server;
    (void)state;
    if (!large_buffers_are_allowed(SO_SNDBUF))
        SKIP_BECAUSE("send buffers of 4 MiB are not allowed here");
    for (int two_sockets = 0; two_sockets <= 1; two_sockets++) {
        server_open(&server, "127.0.0.1", two_sockets == 1);
        int fd = descriptor_of(&server, two_sockets == 1);
        assert_true(option_of(fd, SOL_SOCKET, SO_SNDBUF) >= UDP_BUFFER_BYTES);
        server_close(&server);
    }
}

/* RFC 9715 section 3.1. */
static void no_reply_is_fragmented_whichever_socket_it_leaves_by(void **state)
{
    struct server server;
    (void)state;
    for (int two_sockets = 0; two_sockets <= 1; two_sockets++) {
        server_open(&server, "127.0.0.1", two_sockets == 1);
        int v4 = descriptor_of(&server, two_sockets == 1);
        assert_int_equal(option_of(v4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
        server_close(&server);
        server_open(&server, "::1", two_sockets == 1);
        int v6 = descriptor_of(&server, two_sockets == 1);
        assert_int_equal(option_of(v6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
        assert_int_equal(option_of(v6, IPPROTO_IPV6, IPV6_DONTFRAG), 1);
        server_close(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_thousand_queries_wait_for_a_loop_that_stands_still),
        cmocka_unit_test(a_turn_takes_eight_batches_of_a_socket),
        cmocka_unit_test(replies_have_a_large_buffer),
        cmocka_unit_test(no_reply_is_fragmented_whichever_socket_it_leaves_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
