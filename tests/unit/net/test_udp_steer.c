/* Datagrams of one client steered among the servers of one address by their first two octets. */
#include "net_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/bytes.h"
#include "local53/net/mailbox.h"
#include "local53/net/udp.h"

#define SERVERS 3
#define QUERIES 40000
#define WINDOW 64 /* queries on their way at once */
#define FAR_LIMIT_MS 60000

/* Servers of one loop, and a thread that asks over one socket. */
struct fixture {
    struct net_test test;
    struct udp_server *servers[SERVERS]; /* in the order of opening */
    unsigned served[SERVERS];            /* datagrams each was handed */
    struct addr addr;                    /* of all servers */
    struct alarm *change;                /* owned; steers anew */
    struct mailbox *mailbox;             /* owned; told when the client is done */
    unsigned changes;                    /* times it was steered */
    unsigned answered;                   /* the client's; read after its end */
    bool in_order;                       /* ids count up, else they are hashed */
    unsigned awaited;                    /* stops when the first was handed so many; 0: never */
};

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    struct fixture *fixture = owner;
    for (size_t i = 0; i < SERVERS; i++)
        fixture->served[i] += fixture->servers[i] == server ? (unsigned)count : 0;
    net_test_echo(owner, server, packets, count);
    if (fixture->awaited > 0 && fixture->served[0] >= fixture->awaited)
        loop_stop(fixture->test.loop);
}

static void on_done(void *owner, int kind, void *payload)
{
    struct fixture *fixture = owner;
    (void)kind;
    (void)payload;
    loop_stop(fixture->test.loop);
}

static void on_change(void *owner)
{
    struct fixture *fixture = owner;
    size_t active = 1 + fixture->changes++ % SERVERS;
    assert_int_equal(udp_server_steer(fixture->servers[fixture->changes % SERVERS], 0, active),
                     ERR_OK);
    alarm_set(fixture->change, 1);
}

static void fixture_init(struct fixture *fixture, const char *address)
{
    memset(fixture, 0, sizeof(*fixture));
    net_test_init(&fixture->test);
    fixture->addr = net_test_addr(address);
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(udp_server_open(&fixture->servers[i], fixture->test.loop, &fixture->addr,
                                         on_batch, fixture),
                         ERR_OK);
        fixture->addr = udp_server_addr(fixture->servers[i]);
    }
    fixture->change = alarm_new(fixture->test.loop, on_change, fixture);
    fixture->mailbox = mailbox_new(fixture->test.loop, on_done, fixture);
}

static void fixture_deinit(struct fixture *fixture)
{
    alarm_free(fixture->change);
    mailbox_free(fixture->mailbox);
    for (size_t i = 0; i < SERVERS; i++)
        udp_server_close(fixture->servers[i]);
    net_test_deinit(&fixture->test);
}

/* --- the client's thread --- */

static uint16_t id_of(const struct fixture *fixture, unsigned i)
{
    return (uint16_t)(fixture->in_order ? i : (i * 2654435761U) >> 13);
}

/* Sends WINDOW queries and takes as many answers; how many came. */
static unsigned ask_some(const struct fixture *fixture, int fd, unsigned first)
{
    uint8_t query[2];
    unsigned came = 0;
    for (unsigned i = 0; i < WINDOW; i++) {
        bytes_put_u16(query, id_of(fixture, first + i));
        if (send(fd, query, sizeof(query), 0) != sizeof(query))
            return came;
    }
    while (came < WINDOW && recv(fd, query, sizeof(query), 0) == sizeof(query))
        came++;
    return came;
}

static void *ask(void *argument)
{
    struct fixture *fixture = argument;
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(fixture->addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    bool fine = connect(fd, &fixture->addr.sa, addr_len(&fixture->addr)) == 0;
    for (unsigned sent = 0; fine && sent < QUERIES; sent += WINDOW) {
        unsigned came = ask_some(fixture, fd, sent);
        fixture->answered += came;
        fine = came == WINDOW;
    }
    close(fd);
    mailbox_post(fixture->mailbox, 0, NULL);
    return NULL;
}

static void run(struct fixture *fixture)
{
    pthread_t client;
    assert_int_equal(pthread_create(&client, NULL, ask, fixture), 0);
    alarm_set(fixture->test.limit, FAR_LIMIT_MS);
    loop_run(fixture->test.loop);
    assert_int_equal(pthread_join(client, NULL), 0);
    assert_false(fixture->test.timed_out);
    assert_int_equal(fixture->answered, QUERIES);
    assert_int_equal(fixture->served[0] + fixture->served[1] + fixture->served[2], QUERIES);
}

/* --- tests --- */

/* Each of the first `active` gets its share within 5 %, the others nothing. */
static void assert_shares(const struct fixture *fixture, size_t active)
{
    unsigned share = QUERIES / (unsigned)active;
    for (size_t i = 0; i < SERVERS; i++) {
        if (i < active)
            assert_in_range(fixture->served[i], share - share / 20, share + share / 20);
        else
            assert_int_equal(fixture->served[i], 0);
    }
}

static void run_steered(const char *address, size_t active, bool in_order)
{
    struct fixture fixture;
    fixture_init(&fixture, address);
    fixture.in_order = in_order;
    assert_int_equal(udp_server_steer(fixture.servers[0], 0, active), ERR_OK);
    run(&fixture);
    assert_shares(&fixture, active);
    fixture_deinit(&fixture);
}

static void one_client_is_spread_evenly_over_the_first_servers(void **state)
{
    (void)state;
    run_steered("127.0.0.1", 2, true);
    run_steered("127.0.0.1", 2, false);
    run_steered("127.0.0.1", 3, false);
    run_steered("::1", 2, false);
}

static void with_one_active_server_the_first_that_was_opened_has_all(void **state)
{
    (void)state;
    run_steered("127.0.0.1", 1, true);
    run_steered("::1", 1, false);
}

static void those_from_a_later_one_on_have_all(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_init(&fixture, "127.0.0.1");
    fixture.in_order = true;
    assert_int_equal(udp_server_steer(fixture.servers[0], 1, 2), ERR_OK);
    run(&fixture);
    assert_int_equal(fixture.served[0], 0);
    assert_int_equal(fixture.served[1], QUERIES / 2);
    assert_int_equal(fixture.served[2], QUERIES / 2);
    fixture_deinit(&fixture);
}

/* Without a turn of the loop. */
static void what_has_come_is_read_out_at_once(void **state)
{
    enum { SENT = 3 * UDP_BATCH + 1 };
    struct fixture fixture;
    uint8_t query[2] = {0, 0};
    (void)state;
    fixture_init(&fixture, "127.0.0.1");
    assert_int_equal(udp_server_steer(fixture.servers[0], 0, 1), ERR_OK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (unsigned i = 0; i < SENT; i++)
        assert_int_equal(sendto(fd, query, 2, 0, &fixture.addr.sa, addr_len(&fixture.addr)), 2);
    close(fd);
    udp_server_read_out(fixture.servers[0]);
    assert_int_equal(fixture.served[0], SENT);
    fixture_deinit(&fixture);
}

static void more_active_servers_than_are_open_lose_nothing(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_init(&fixture, "127.0.0.1");
    assert_int_equal(udp_server_steer(fixture.servers[0], 0, 64), ERR_OK);
    run(&fixture);
    fixture_deinit(&fixture);
}

static void run_changing(const char *address)
{
    struct fixture fixture;
    fixture_init(&fixture, address);
    alarm_set(fixture.change, 1);
    run(&fixture);
    assert_true(fixture.changes > 20);
    for (size_t i = 0; i < SERVERS; i++)
        assert_true(fixture.served[i] > 0);
    fixture_deinit(&fixture);
}

static void none_of_forty_thousand_is_lost_while_the_number_changes(void **state)
{
    (void)state;
    run_changing("127.0.0.1");
    run_changing("::1");
}

static void a_datagram_too_short_for_an_id_goes_to_the_first(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_init(&fixture, "127.0.0.1");
    assert_int_equal(udp_server_steer(fixture.servers[0], 0, SERVERS), ERR_OK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(fd, "x", 1, 0, &fixture.addr.sa, addr_len(&fixture.addr)), 1);
    assert_int_equal(sendto(fd, "", 0, 0, &fixture.addr.sa, addr_len(&fixture.addr)), 0);
    close(fd);
    fixture.awaited = 2;
    assert_true(net_test_run(&fixture.test));
    assert_int_equal(fixture.served[0], 2);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_is_spread_evenly_over_the_first_servers),
        cmocka_unit_test(with_one_active_server_the_first_that_was_opened_has_all),
        cmocka_unit_test(those_from_a_later_one_on_have_all),
        cmocka_unit_test(what_has_come_is_read_out_at_once),
        cmocka_unit_test(more_active_servers_than_are_open_lose_nothing),
        cmocka_unit_test(none_of_forty_thousand_is_lost_while_the_number_changes),
        cmocka_unit_test(a_datagram_too_short_for_an_id_goes_to_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
