/* Server sockets over loopback, asked by a client on the same loop. */
#include "net_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/base/bytes.h"
#include "local53/net/udp.h"

#define SERVERS 3
#define QUERIES 2000
#define WINDOW 100 /* queries on their way at once */

/* A client that keeps WINDOW queries going and ticks off each answer. */
struct exchange {
    struct net_test test;
    struct udp_server *servers[SERVERS];
    struct udp_client *client;
    unsigned sent;
    unsigned answered;
    unsigned wrong;   /* answers of a wrong length or seen twice */
    unsigned biggest; /* packets of the largest batch */
    unsigned served;  /* queries the servers were handed */
    bool seen[QUERIES];
};

static void send_next(struct exchange *exchange)
{
    uint8_t query[8] = {0};
    if (exchange->sent == QUERIES)
        return;
    bytes_put_u16(query, (uint16_t)exchange->sent++);
    assert_int_equal(udp_client_send(exchange->client, query, sizeof(query)), ERR_OK);
}

static void on_answer(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct exchange *exchange = owner;
    unsigned id = len == 8 ? bytes_get_u16(data) : QUERIES;
    (void)client;
    if (id >= QUERIES || exchange->seen[id]) {
        exchange->wrong++;
        return;
    }
    exchange->seen[id] = true;
    if (++exchange->answered == QUERIES)
        loop_stop(exchange->test.loop);
    send_next(exchange);
}

static void on_no_error(void *owner, struct udp_client *client, enum err err)
{
    (void)owner;
    (void)client;
    fail_msg("unexpected error: %s", err_text(err));
}

static const struct udp_client_events answer_events = {on_answer, on_no_error};

static void on_echo_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                          size_t count)
{
    struct exchange *exchange = owner;
    exchange->served += (unsigned)count;
    if (count > exchange->biggest)
        exchange->biggest = (unsigned)count;
    net_test_echo(owner, server, packets, count);
}

typedef enum err (*open_function)(struct udp_server **out, struct loop *loop,
                                  const struct addr *addr, udp_on_batch on_batch, void *owner);

/* A connected client takes datagrams from the address it asked only: that they arrive proves that
 * replies leave from the right address and port, and that no sender took a query away. */
static void run_exchange(const char *address, size_t servers, open_function open)
{
    struct exchange exchange = {.sent = 0};
    net_test_init(&exchange.test);
    struct addr addr = net_test_addr(address);
    for (size_t i = 0; i < servers; i++) {
        assert_int_equal(
            open(&exchange.servers[i], exchange.test.loop, &addr, on_echo_batch, &exchange),
            ERR_OK);
        addr = udp_server_addr(exchange.servers[i]);
    }
    assert_int_not_equal(addr_port(&addr), 0);
    assert_int_equal(
        udp_client_open(&exchange.client, exchange.test.loop, &addr, &answer_events, &exchange),
        ERR_OK);
    for (unsigned i = 0; i < WINDOW; i++)
        send_next(&exchange);
    assert_true(net_test_run(&exchange.test));
    assert_int_equal(exchange.answered, QUERIES);
    assert_int_equal(exchange.wrong, 0);
    assert_int_equal(exchange.served, QUERIES);
    assert_in_range(exchange.biggest, 2, UDP_BATCH);
    for (size_t i = 0; i < servers; i++) {
        struct udp_stats stats = udp_server_stats(exchange.servers[i]);
        assert_int_equal(stats.kernel_drops, 0);
        assert_int_equal(stats.send_drops, 0);
        udp_server_close(exchange.servers[i]);
    }
    udp_client_close(exchange.client);
    net_test_deinit(&exchange.test);
}

static void two_thousand_queries_are_all_answered_from_the_asked_address(void **state)
{
    (void)state;
    run_exchange("127.0.0.1", 1, udp_server_open);
    run_exchange("127.0.0.1", 1, udp_server_open_single);
}

static void none_is_lost_with_several_servers_on_one_address(void **state)
{
    (void)state;
    run_exchange("127.0.0.1", SERVERS, udp_server_open);
    run_exchange("127.0.0.1", SERVERS, udp_server_open_single);
}

static void none_is_lost_over_ipv6(void **state)
{
    (void)state;
    run_exchange("::1", SERVERS, udp_server_open);
    run_exchange("::1", SERVERS, udp_server_open_single);
}

/* Counts open descriptors that are UDP sockets connected to themselves. */
static unsigned count_senders(const struct addr *addr)
{
    unsigned found = 0;
    for (int fd = 3; fd < 64; fd++) {
        struct addr peer;
        socklen_t len = sizeof(peer);
        if (getpeername(fd, &peer.sa, &len) == 0 && addr_equal(&peer, addr))
            found++;
    }
    return found;
}

static void replies_leave_through_a_socket_of_their_own_unless_told_otherwise(void **state)
{
    struct exchange exchange = {.sent = 0};
    (void)state;
    net_test_init(&exchange.test);
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(
        udp_server_open(&exchange.servers[0], exchange.test.loop, &addr, on_echo_batch, &exchange),
        ERR_OK);
    addr = udp_server_addr(exchange.servers[0]);
    assert_int_equal(count_senders(&addr), 1);
    udp_server_close(exchange.servers[0]);
    addr = net_test_addr("127.0.0.1");
    assert_int_equal(udp_server_open_single(&exchange.servers[0], exchange.test.loop, &addr,
                                            on_echo_batch, &exchange),
                     ERR_OK);
    addr = udp_server_addr(exchange.servers[0]);
    assert_int_equal(count_senders(&addr), 0);
    udp_server_close(exchange.servers[0]);
    net_test_deinit(&exchange.test);
    assert_int_equal(count_senders(&addr), 0);
}

static void a_wildcard_address_is_served_by_one_socket(void **state)
{
    struct exchange exchange = {.sent = 0};
    (void)state;
    net_test_init(&exchange.test);
    struct addr addr = net_test_addr("0.0.0.0");
    assert_int_equal(
        udp_server_open(&exchange.servers[0], exchange.test.loop, &addr, on_echo_batch, &exchange),
        ERR_OK);
    addr = udp_server_addr(exchange.servers[0]);
    assert_int_equal(count_senders(&addr), 0);
    struct addr target = addr_with_port(net_test_addr("127.0.0.1"), addr_port(&addr));
    assert_int_equal(
        udp_client_open(&exchange.client, exchange.test.loop, &target, &answer_events, &exchange),
        ERR_OK);
    for (unsigned i = 0; i < WINDOW; i++)
        send_next(&exchange);
    assert_true(net_test_run(&exchange.test));
    assert_int_equal(exchange.answered, QUERIES);
    udp_server_close(exchange.servers[0]);
    udp_client_close(exchange.client);
    net_test_deinit(&exchange.test);
}

static void every_descriptor_is_close_on_exec(void **state)
{
    struct exchange exchange = {.sent = 0};
    (void)state;
    net_test_init(&exchange.test);
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(
        udp_server_open(&exchange.servers[0], exchange.test.loop, &addr, on_echo_batch, &exchange),
        ERR_OK);
    addr = udp_server_addr(exchange.servers[0]);
    assert_int_equal(
        udp_client_open(&exchange.client, exchange.test.loop, &addr, &answer_events, &exchange),
        ERR_OK);
    unsigned sockets = 0;
    for (int fd = 3; fd < 64; fd++) {
        struct stat status;
        if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode))
            continue;
        sockets++;
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    }
    assert_true(sockets >= 3);
    udp_server_close(exchange.servers[0]);
    udp_client_close(exchange.client);
    net_test_deinit(&exchange.test);
}

/* Replies queued outside a batch: here from a timer. */
struct late {
    struct net_test test;
    struct udp_server *server;
    struct udp_client *client;
    struct alarm *alarm;
    struct addr peer;
    unsigned received;
};

static void on_late_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                          size_t count)
{
    struct late *late = owner;
    (void)server;
    assert_int_equal(count, 1);
    late->peer = packets[0].peer;
    alarm_set(late->alarm, 1);
}

static void on_late_alarm(void *owner)
{
    struct late *late = owner;
    for (unsigned i = 0; i < UDP_BATCH + 8; i++) {
        *udp_server_reserve(late->server) = (uint8_t)i;
        udp_server_commit(late->server, &late->peer, 1);
    }
}

static void on_late_answer(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct late *late = owner;
    (void)client;
    assert_int_equal(len, 1);
    assert_int_equal(data[0], late->received);
    if (++late->received == UDP_BATCH + 8)
        loop_stop(late->test.loop);
}

static const struct udp_client_events late_events = {on_late_answer, on_no_error};

static void replies_queued_by_a_timer_leave_in_its_turn_and_past_a_batch(void **state)
{
    struct late late = {.received = 0};
    (void)state;
    net_test_init(&late.test);
    late.alarm = alarm_new(late.test.loop, on_late_alarm, &late);
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(udp_server_open(&late.server, late.test.loop, &addr, on_late_batch, &late),
                     ERR_OK);
    addr = udp_server_addr(late.server);
    assert_int_equal(udp_client_open(&late.client, late.test.loop, &addr, &late_events, &late),
                     ERR_OK);
    assert_int_equal(udp_client_send(late.client, (const uint8_t *)"?", 1), ERR_OK);
    assert_true(net_test_run(&late.test));
    alarm_free(late.alarm);
    udp_server_close(late.server);
    udp_client_close(late.client);
    net_test_deinit(&late.test);
}

/* Answers between two replies that the kernel refuses: a port of 0 is EINVAL. */
static void on_refused_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                             size_t count)
{
    const struct addr nowhere = net_test_addr("127.0.0.1");
    (void)owner;
    assert_int_equal(count, 1);
    for (unsigned i = 0; i < 3; i++) {
        *udp_server_reserve(server) = 0;
        udp_server_commit(server, i == 1 ? &packets[0].peer : &nowhere, 1);
    }
}

static void on_only_answer(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct late *late = owner;
    (void)client;
    (void)data;
    assert_int_equal(len, 1);
    late->received++;
    loop_stop(late->test.loop);
}

static const struct udp_client_events only_events = {on_only_answer, on_no_error};

static void a_reply_the_kernel_refuses_is_counted_and_the_others_leave(void **state)
{
    struct late late = {.received = 0};
    (void)state;
    net_test_init(&late.test);
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(udp_server_open(&late.server, late.test.loop, &addr, on_refused_batch, &late),
                     ERR_OK);
    addr = udp_server_addr(late.server);
    assert_int_equal(udp_client_open(&late.client, late.test.loop, &addr, &only_events, &late),
                     ERR_OK);
    assert_int_equal(udp_client_send(late.client, (const uint8_t *)"?", 1), ERR_OK);
    assert_true(net_test_run(&late.test));
    assert_int_equal(late.received, 1);
    assert_int_equal(udp_server_stats(late.server).send_drops, 2);
    udp_server_close(late.server);
    udp_client_close(late.client);
    net_test_deinit(&late.test);
}

/* Counts what it gets until that is `expected`. */
struct counting {
    struct net_test test;
    size_t seen;
    size_t expected;
};

static void on_counted_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                             size_t count)
{
    struct counting *counting = owner;
    (void)server;
    (void)packets;
    counting->seen += count;
    if (counting->seen == counting->expected)
        loop_stop(counting->test.loop);
}

static void what_arrives_while_the_loop_stands_still_waits_and_overflow_is_counted(void **state)
{
    struct counting counting = {.seen = 0};
    struct udp_server *server;
    struct udp_client *client;
    size_t sent = 0;
    uint8_t packet[64] = {0};
    (void)state;
    net_test_init(&counting.test);
    struct loop *loop = counting.test.loop;
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(udp_server_open(&server, loop, &addr, on_counted_batch, &counting), ERR_OK);
    addr = udp_server_addr(server);
    assert_int_equal(udp_client_open(&client, loop, &addr, &answer_events, NULL), ERR_OK);
    for (; udp_server_stats(server).kernel_drops == 0 && sent < 200000; sent += 100)
        for (unsigned i = 0; i < 100; i++)
            (void)udp_client_send(client, packet, sizeof(packet));
    uint64_t drops = udp_server_stats(server).kernel_drops;
    assert_in_range(drops, 1, 100);
    counting.expected = sent - drops;
    assert_true(net_test_run(&counting.test));
    udp_server_close(server);
    udp_client_close(client);
    net_test_deinit(&counting.test);
}

static void an_address_of_another_machine_cannot_be_bound(void **state)
{
    struct net_test test;
    struct udp_server *server;
    (void)state;
    net_test_init(&test);
    struct addr addr = net_test_addr("192.0.2.1");
    assert_int_equal(udp_server_open(&server, test.loop, &addr, on_counted_batch, NULL),
                     ERR_UNREACHABLE);
    net_test_deinit(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thousand_queries_are_all_answered_from_the_asked_address),
        cmocka_unit_test(none_is_lost_with_several_servers_on_one_address),
        cmocka_unit_test(none_is_lost_over_ipv6),
        cmocka_unit_test(replies_leave_through_a_socket_of_their_own_unless_told_otherwise),
        cmocka_unit_test(a_wildcard_address_is_served_by_one_socket),
        cmocka_unit_test(every_descriptor_is_close_on_exec),
        cmocka_unit_test(replies_queued_by_a_timer_leave_in_its_turn_and_past_a_batch),
        cmocka_unit_test(a_reply_the_kernel_refuses_is_counted_and_the_others_leave),
        cmocka_unit_test(what_arrives_while_the_loop_stands_still_waits_and_overflow_is_counted),
        cmocka_unit_test(an_address_of_another_machine_cannot_be_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
