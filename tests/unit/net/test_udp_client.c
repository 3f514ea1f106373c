/* Client sockets over loopback: what they are told by a server, a closed port, and after a close. */
#include "net_test.h"

#include <string.h>

#include "local53/net/udp.h"

/* An echo server, a client, and what the client saw. */
struct fixture {
    struct net_test test;
    struct udp_server *server;
    struct udp_client *client;
    struct addr addr;   /* the server's */
    unsigned copies;    /* answers to each query */
    unsigned received;  /* datagrams */
    unsigned errors;    /* ICMP errors */
    unsigned expected;  /* events that stop the loop */
    bool close_at_once; /* close inside the first event */
    enum err err;       /* the last one told */
    uint8_t data[UDP_RECEIVE_MAX];
    size_t len; /* octets of the last datagram */
};

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    struct fixture *fixture = owner;
    for (size_t i = 0; i < count * fixture->copies; i++) {
        const struct udp_packet *packet = &packets[i / fixture->copies];
        memcpy(udp_server_reserve(server), packet->data, packet->len);
        udp_server_commit(server, &packet->peer, packet->len);
    }
}

static void count_event(struct fixture *fixture)
{
    if (fixture->close_at_once)
        udp_client_close(fixture->client);
    if (fixture->received + fixture->errors >= fixture->expected)
        loop_stop(fixture->test.loop);
}

static void on_datagram(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct fixture *fixture = owner;
    assert_ptr_equal(client, fixture->client);
    memcpy(fixture->data, data, len);
    fixture->len = len;
    fixture->received++;
    count_event(fixture);
}

static void on_error(void *owner, struct udp_client *client, enum err err)
{
    struct fixture *fixture = owner;
    assert_ptr_equal(client, fixture->client);
    fixture->err = err;
    if (++fixture->errors < fixture->expected)
        assert_int_equal(udp_client_send(client, (const uint8_t *)"?", 1), ERR_OK);
    count_event(fixture);
}

static const struct udp_client_events events = {on_datagram, on_error};

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    struct addr addr = net_test_addr("127.0.0.1");
    net_test_init(&fixture->test);
    fixture->copies = 1;
    fixture->expected = 1;
    assert_int_equal(
        udp_server_open(&fixture->server, fixture->test.loop, &addr, on_batch, fixture), ERR_OK);
    fixture->addr = udp_server_addr(fixture->server);
    assert_int_equal(
        udp_client_open(&fixture->client, fixture->test.loop, &fixture->addr, &events, fixture),
        ERR_OK);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    udp_server_close(fixture->server);
    if (!fixture->close_at_once)
        udp_client_close(fixture->client);
    net_test_deinit(&fixture->test);
    test_free(fixture);
    return 0;
}

static void send_text(struct fixture *fixture, const char *text)
{
    assert_int_equal(udp_client_send(fixture->client, (const uint8_t *)text, strlen(text)), ERR_OK);
}

/* Runs a little longer, for what should not come. */
static void assert_no_more(struct fixture *fixture)
{
    unsigned before = fixture->received + fixture->errors;
    alarm_set(fixture->test.limit, 20);
    loop_run(fixture->test.loop);
    assert_int_equal(fixture->received + fixture->errors, before);
}

static void many_datagrams_of_one_turn_are_all_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->copies = 50;
    fixture->expected = 50;
    send_text(fixture, "hello");
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->len, 5);
    assert_memory_equal(fixture->data, "hello", 5);
}

static void a_closed_port_comes_back_as_refused(void **state)
{
    struct fixture *fixture = *state;
    udp_server_close(fixture->server);
    fixture->server = NULL;
    send_text(fixture, "?");
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->errors, 1);
    assert_int_equal(fixture->err, ERR_REFUSED);
}

static void a_client_hears_again_after_an_error(void **state)
{
    struct fixture *fixture = *state;
    udp_server_close(fixture->server);
    fixture->server = NULL;
    fixture->expected = 3;
    send_text(fixture, "?");
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->errors, 3);
}

static void nothing_is_told_after_a_close_inside_a_datagram(void **state)
{
    struct fixture *fixture = *state;
    fixture->copies = 5;
    fixture->close_at_once = true;
    send_text(fixture, "?");
    assert_true(net_test_run(&fixture->test));
    assert_no_more(fixture);
    assert_int_equal(fixture->received, 1);
}

static void nothing_is_told_after_a_close_inside_an_error(void **state)
{
    struct fixture *fixture = *state;
    udp_server_close(fixture->server);
    fixture->server = NULL;
    fixture->close_at_once = true;
    send_text(fixture, "?");
    assert_true(net_test_run(&fixture->test));
    assert_no_more(fixture);
    assert_int_equal(fixture->errors, 1);
}

static void a_datagram_of_a_stranger_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    struct udp_client *stranger;
    struct addr ours;
    socklen_t len = sizeof(ours);
    /* The stranger finds the client's port by asking the descriptors of this process. */
    for (int fd = 3; fd < 64; fd++) {
        struct addr peer;
        struct addr local;
        socklen_t peer_len = sizeof(peer);
        len = sizeof(local);
        if (getpeername(fd, &peer.sa, &peer_len) == 0 && addr_equal(&peer, &fixture->addr) &&
            getsockname(fd, &local.sa, &len) == 0 && !addr_equal(&local, &fixture->addr))
            ours = local;
    }
    assert_int_equal(udp_client_open(&stranger, fixture->test.loop, &ours, &events, fixture),
                     ERR_OK);
    assert_int_equal(udp_client_send(stranger, (const uint8_t *)"forged", 6), ERR_OK);
    udp_client_close(stranger);
    assert_no_more(fixture);
    assert_int_equal(fixture->received, 0);
}

static void a_recycled_socket_works_like_a_new_one(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 20; i++) {
        udp_client_close(fixture->client);
        assert_int_equal(
            udp_client_open(&fixture->client, fixture->test.loop, &fixture->addr, &events, fixture),
            ERR_OK);
        fixture->expected = i + 1;
        send_text(fixture, "again");
        assert_true(net_test_run(&fixture->test));
    }
    assert_int_equal(fixture->received, 20);
}

static void queue_number(struct udp_client *client, uint8_t number)
{
    udp_client_queue(client, &number, 1);
}

static void what_is_queued_leaves_in_order_and_more_than_the_queue_holds(void **state)
{
    struct fixture *fixture = *state;
    fixture->expected = 2 * UDP_CLIENT_QUEUE_MAX + 1;
    for (unsigned i = 1; i <= fixture->expected; i++) {
        queue_number(fixture->client, (uint8_t)i);
        assert_int_equal(udp_client_is_queueing(fixture->client), i % UDP_CLIENT_QUEUE_MAX != 0);
    }
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->received, fixture->expected);
    assert_int_equal(fixture->data[0], fixture->expected);
    assert_false(udp_client_is_queueing(fixture->client));
}

static void count_only(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct fixture *fixture = owner;
    (void)client;
    (void)data;
    assert_int_equal(len, 1);
    fixture->received++;
    count_event(fixture);
}

static void two_sockets_that_queue_in_turn_lose_nothing(void **state)
{
    static const struct udp_client_events counting = {count_only, on_error};
    struct fixture *fixture = *state;
    struct udp_client *clients[2];
    fixture->expected = 20;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            udp_client_open(&clients[i], fixture->test.loop, &fixture->addr, &counting, fixture),
            ERR_OK);
    for (uint8_t i = 0; i < 20; i++) {
        queue_number(clients[i % 2], i);
        assert_true(udp_client_is_queueing(clients[i % 2]));
        assert_false(udp_client_is_queueing(clients[(i + 1) % 2]));
    }
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->received, 20);
    udp_client_close(clients[0]);
    udp_client_close(clients[1]);
}

static void what_a_closed_socket_has_queued_is_not_sent(void **state)
{
    struct fixture *fixture = *state;
    struct udp_client *other;
    assert_int_equal(udp_client_open(&other, fixture->test.loop, &fixture->addr, &events, fixture),
                     ERR_OK);
    queue_number(other, 1);
    udp_client_close(other);
    assert_no_more(fixture);
    assert_int_equal(fixture->received, 0);
}

/* The kernel tells the ICMP error of the first datagram at the next send, here one of the queue. */
static void an_error_of_the_queue_is_told_at_the_end_of_the_turn(void **state)
{
    struct fixture *fixture = *state;
    udp_server_close(fixture->server);
    fixture->server = NULL;
    send_text(fixture, "?");
    queue_number(fixture->client, 1);
    assert_int_equal(fixture->errors, 0);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->errors, 1);
    assert_int_equal(fixture->err, ERR_REFUSED);
}

static void a_socket_may_be_closed_when_it_is_told_of_the_queue(void **state)
{
    struct fixture *fixture = *state;
    udp_server_close(fixture->server);
    fixture->server = NULL;
    fixture->close_at_once = true;
    send_text(fixture, "?");
    queue_number(fixture->client, 1);
    assert_true(net_test_run(&fixture->test));
    assert_no_more(fixture);
    assert_int_equal(fixture->errors, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_datagrams_of_one_turn_are_all_told),
        TEST(a_closed_port_comes_back_as_refused),
        TEST(a_client_hears_again_after_an_error),
        TEST(nothing_is_told_after_a_close_inside_a_datagram),
        TEST(nothing_is_told_after_a_close_inside_an_error),
        TEST(a_datagram_of_a_stranger_is_not_told),
        TEST(a_recycled_socket_works_like_a_new_one),
        TEST(what_is_queued_leaves_in_order_and_more_than_the_queue_holds),
        TEST(two_sockets_that_queue_in_turn_lose_nothing),
        TEST(what_a_closed_socket_has_queued_is_not_sent),
        TEST(an_error_of_the_queue_is_told_at_the_end_of_the_turn),
        TEST(a_socket_may_be_closed_when_it_is_told_of_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
