/* A worker's datagrams on real loopback sockets, turn by turn of its loop: who gets which reply of a batch, which
 * sockets there are, and how what the kernel did not hand over or take is counted. */
#include "local53/server/listener.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "local53/server/worker.h"
#include "server_test.h"

#define CLIENTS UDP_BATCH
#define WAIT_MS 20000

/* Process state because sendmmsg hands no context: true while no reply is taken. */
static bool refusing;

int sendmmsg(int fd, struct mmsghdr *datagrams, unsigned count, int flags)
{
    if (!refusing)
        return (int)syscall(SYS_sendmmsg, fd, datagrams, count, flags);
    errno = EPERM;
    return -1;
}

/* A worker whose loop the test runs, and what it borrows. */
static struct {
    struct metrics_names *names;
    struct cache *cache;
    struct snapshot *snapshot;
    struct worker *worker;
    struct addr at; /* where it listens */
    bool in_turn;   /* the one turn of a run has begun */
} server;

/* Called at the run's end as well, where a stop would be the next run's. */
static void on_turn(void *owner)
{
    (void)owner;
    if (!server.in_turn)
        loop_stop(server.worker->loop);
    server.in_turn = true;
}

/* One turn of the loop, which does not wait. */
static void turn(void)
{
    server.in_turn = false;
    loop_run(server.worker->loop);
}

static void open_server(const char *yaml)
{
    static const struct hash_key secret = {1, 2};
    struct addr any;
    struct addr failed;
    assert_int_equal(addr_parse(&any, "127.0.0.1", 0), ERR_OK);
    server.names = metrics_names_new();
    server.cache = cache_new((size_t)1 << 20, &secret);
    server.snapshot = snapshot_new(test_rules(yaml, 1), server.names);
    server.snapshot->addresses[0].v4_count = 1;
    server.snapshot->addresses[0].state = ADDRESSES_LITERAL;
    struct worker_setup setup = {.listen = &any,
                                 .listen_count = 1,
                                 .cache = server.cache,
                                 .snapshot = server.snapshot,
                                 .tcp_connections = 4};
    assert_int_equal(worker_new(&server.worker, &setup, &failed), ERR_OK);
    loop_set_on_turn(server.worker->loop, on_turn, NULL);
    server.at = udp_server_addr(server.worker->listeners.udp[0]);
}

static void close_server(void)
{
    worker_free(server.worker);
    snapshot_release(server.snapshot);
    cache_free(server.cache);
    metrics_names_free(server.names);
}

static int open_client(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &server.at.sa, addr_len(&server.at)), 0);
    return fd;
}

static void ask(int fd, uint16_t id)
{
    uint8_t packet[512];
    struct writer w = writer_init(packet, sizeof(packet));
    wire_query(&w, "a.example", TYPE_A, true);
    bytes_put_u16(packet, id);
    assert_int_equal(send(fd, packet, w.len, 0), w.len);
}

/* The id of the one reply that waits. */
static uint16_t answer_to(int fd)
{
    uint8_t packet[512];
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, WAIT_MS), 1);
    assert_true(recv(fd, packet, sizeof(packet), 0) > MESSAGE_HEADER_OCTETS);
    assert_int_equal(recv(fd, packet + 2, sizeof(packet) - 2, MSG_DONTWAIT), -1);
    return bytes_get_u16(packet);
}

static uint64_t metric(enum metrics_id id, size_t cell)
{
    return metrics_get(server.worker->metrics, id, cell);
}

/* --- tests --- */

static void each_of_a_batch_gets_its_own_reply(void **state)
{
    int clients[CLIENTS];
    (void)state;
    open_server(TEST_CONFIG);
    for (uint16_t i = 0; i < CLIENTS; i++) {
        clients[i] = open_client();
        ask(clients[i], (uint16_t)(1000 + i));
    }
    turn();
    for (uint16_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(answer_to(clients[i]), 1000 + i);
        close(clients[i]);
    }
    assert_int_equal(metric(METRICS_QUERIES, METRICS_TRANSPORT_UDP), CLIENTS);
    close_server();
}

static bool has_sender(void)
{
    bool found = false;
    for (int fd = 3; fd < 64; fd++) {
        struct addr peer;
        socklen_t len = sizeof(peer);
        found = found || (getpeername(fd, &peer.sa, &len) == 0 && addr_equal(&peer, &server.at));
    }
    return found;
}

static void the_configuration_says_whether_a_socket_only_sends(void **state)
{
    (void)state;
    open_server(TEST_CONFIG);
    assert_true(has_sender());
    close_server();
    open_server(TEST_CONFIG "udp: {send_socket: false}\n");
    assert_false(has_sender());
    int fd = open_client();
    ask(fd, 7);
    turn();
    assert_int_equal(answer_to(fd), 7);
    close(fd);
    close_server();
}

static void replies_that_were_refused_count_once(void **state)
{
    (void)state;
    open_server(TEST_CONFIG);
    int fd = open_client();
    refusing = true;
    for (uint16_t i = 0; i < 3; i++)
        ask(fd, i);
    turn();
    refusing = false;
    assert_int_equal(metric(METRICS_DROPPED, METRICS_DROP_SEND), 3);
    server.worker->listeners.drops_due_ms = 0;
    ask(fd, 8);
    turn();
    assert_int_equal(answer_to(fd), 8);
    assert_int_equal(metric(METRICS_DROPPED, METRICS_DROP_SEND), 3);
    close(fd);
    close_server();
}

static void what_the_kernel_lost_is_asked_for_once_a_period(void **state)
{
    struct udp_stats stats = {0, 0};
    (void)state;
    open_server(TEST_CONFIG);
    int fd = open_client();
    for (unsigned i = 0; i < 200000 && stats.kernel_drops == 0; i++) {
        ask(fd, 0);
        if (i % 100 == 99)
            stats = udp_server_stats(server.worker->listeners.udp[0]);
    }
    assert_true(stats.kernel_drops > 0);
    server.worker->listeners.drops_due_ms = UINT64_MAX;
    turn();
    assert_int_equal(metric(METRICS_KERNEL_DROPS, 0), 0);
    server.worker->listeners.drops_due_ms = 0;
    turn();
    assert_int_equal(metric(METRICS_KERNEL_DROPS, 0), stats.kernel_drops);
    uint64_t due_ms = server.worker->listeners.drops_due_ms;
    uint64_t now_ms = loop_now_ms(server.worker->loop);
    assert_in_range(due_ms, now_ms, now_ms + LISTENER_DROPS_PERIOD_MS);
    close(fd);
    close_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_a_batch_gets_its_own_reply),
        cmocka_unit_test(the_configuration_says_whether_a_socket_only_sends),
        cmocka_unit_test(replies_that_were_refused_count_once),
        cmocka_unit_test(what_the_kernel_lost_is_asked_for_once_a_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
