/* Server sockets of several loops on one address, each loop in a thread, opened while queries come in:
 * no query may be lost to a sender that is not connected yet, and no reply come from elsewhere. */
#include "net_test.h"

#include <pthread.h>
#include <string.h>

#include "local53/base/bytes.h"
#include "local53/net/mailbox.h"
#include "local53/net/udp.h"

#define LOOPS 3
#define SERVERS 4 /* a loop, opened one a millisecond */
#define CLIENTS 16
#define WINDOW 4 /* queries a client has on their way */
#define QUERIES 6000

/* One serving thread. */
struct worker {
    pthread_t thread;
    struct loop *loop;       /* owned; its thread's after the start */
    struct mailbox *mailbox; /* owned; any message stops the loop */
    struct alarm *alarm;     /* owned; opens the next server */
    struct addr addr;        /* served by all */
    struct udp_server *servers[SERVERS];
    size_t open;  /* servers opened */
    enum err err; /* the first failure to open one */
};

struct fixture {
    struct net_test test;
    struct worker workers[LOOPS];
    struct udp_client *clients[CLIENTS];
    unsigned sent;
    unsigned answered;
    unsigned wrong; /* answers seen twice, or with a length of their own */
    bool seen[QUERIES];
};

static void open_server(void *owner)
{
    struct worker *worker = owner;
    enum err err = udp_server_open(&worker->servers[worker->open], worker->loop, &worker->addr,
                                   net_test_echo, worker);
    if (err != ERR_OK)
        worker->err = err;
    else if (++worker->open < SERVERS)
        alarm_set(worker->alarm, 1);
}

static void on_stop(void *owner, int kind, void *payload)
{
    struct worker *worker = owner;
    (void)kind;
    (void)payload;
    loop_stop(worker->loop);
}

static void *serve(void *argument)
{
    struct worker *worker = argument;
    loop_run(worker->loop);
    return NULL;
}

static void worker_init(struct worker *worker, const struct addr *addr)
{
    worker->loop = loop_new();
    worker->addr = *addr;
    worker->mailbox = mailbox_new(worker->loop, on_stop, worker);
    worker->alarm = alarm_new(worker->loop, open_server, worker);
    open_server(worker);
    assert_int_equal(worker->err, ERR_OK);
}

/* After its thread has ended. */
static void worker_deinit(struct worker *worker)
{
    mailbox_free(worker->mailbox);
    alarm_free(worker->alarm);
    for (size_t i = 0; i < worker->open; i++)
        udp_server_close(worker->servers[i]);
    loop_free(worker->loop);
}

static void send_next(struct fixture *fixture, struct udp_client *client)
{
    uint8_t query[2];
    if (fixture->sent == QUERIES)
        return;
    bytes_put_u16(query, (uint16_t)fixture->sent++);
    assert_int_equal(udp_client_send(client, query, sizeof(query)), ERR_OK);
}

static void on_answer(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct fixture *fixture = owner;
    unsigned id = len == 2 ? bytes_get_u16(data) : QUERIES;
    if (id >= QUERIES || fixture->seen[id]) {
        fixture->wrong++;
        return;
    }
    fixture->seen[id] = true;
    if (++fixture->answered == QUERIES)
        loop_stop(fixture->test.loop);
    send_next(fixture, client);
}

static void on_error(void *owner, struct udp_client *client, enum err err)
{
    struct fixture *fixture = owner;
    (void)client;
    (void)err;
    fixture->wrong++;
}

static const struct udp_client_events events = {on_answer, on_error};

static void open_clients(struct fixture *fixture, const struct addr *addr)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(
            udp_client_open(&fixture->clients[i], fixture->test.loop, addr, &events, fixture),
            ERR_OK);
        for (unsigned n = 0; n < WINDOW; n++)
            send_next(fixture, fixture->clients[i]);
    }
}

static void run(const char *address)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    struct addr addr = net_test_addr(address);
    net_test_init(&fixture->test);
    for (size_t i = 0; i < LOOPS; i++) {
        worker_init(&fixture->workers[i], &addr);
        addr = udp_server_addr(fixture->workers[i].servers[0]);
    }
    for (size_t i = 0; i < LOOPS; i++) {
        struct worker *worker = &fixture->workers[i];
        alarm_set(worker->alarm, 1);
        assert_int_equal(pthread_create(&worker->thread, NULL, serve, worker), 0);
    }
    open_clients(fixture, &addr);
    bool all_came = net_test_run(&fixture->test);
    for (size_t i = 0; i < LOOPS; i++) {
        mailbox_post(fixture->workers[i].mailbox, 0, NULL);
        assert_int_equal(pthread_join(fixture->workers[i].thread, NULL), 0);
        assert_int_equal(fixture->workers[i].err, ERR_OK);
        worker_deinit(&fixture->workers[i]);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        udp_client_close(fixture->clients[i]);
    net_test_deinit(&fixture->test);
    assert_int_equal(fixture->answered, QUERIES);
    assert_true(all_came);
    assert_int_equal(fixture->wrong, 0);
    test_free(fixture);
}

static void no_query_is_lost_while_loops_open_sockets_over_ipv4(void **state)
{
    (void)state;
    run("127.0.0.1");
}

static void no_query_is_lost_while_loops_open_sockets_over_ipv6(void **state)
{
    (void)state;
    run("::1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_query_is_lost_while_loops_open_sockets_over_ipv4),
        cmocka_unit_test(no_query_is_lost_while_loops_open_sockets_over_ipv6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
