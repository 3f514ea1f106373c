/* A worker on a real loop and real loopback sockets: what the fake network cannot show is that its
 * thread ends, with snapshots published from another thread meanwhile, and that it can be freed then
 * although a client has not read its replies. */
#include "local53/server/worker.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local53/net/timer.h"
#include "server_test.h"

#define CLIENT_WAIT_MS 20000

/* A worker with its thread and what it borrows. */
struct running {
    struct metrics_names *names;
    struct cache *cache;
    struct snapshot *snapshot;
    struct worker *worker;
    struct addr at;          /* where it listens, UDP and TCP */
    struct loop *loop;       /* the test's, for words of the worker */
    struct mailbox *mailbox; /* on it */
    struct alarm *limit;     /* ends a wait for a word in any case */
    atomic_int drained;      /* words that it is drained */
    pthread_t thread;
};

static void *run(void *arg)
{
    worker_run(arg);
    return NULL;
}

static void on_word(void *owner, int kind, void *payload)
{
    struct running *running = owner;
    assert_ptr_equal(payload, running->worker);
    running->drained += kind == WORKER_DRAINED;
    loop_stop(running->loop);
}

static void on_limit(void *owner)
{
    loop_stop(((struct running *)owner)->loop);
}

static int start(void **state)
{
    static const struct hash_key secret = {1, 2};
    static struct running running;
    struct addr any;
    struct addr failed;
    memset(&running, 0, sizeof(running));
    assert_int_equal(addr_parse(&any, "127.0.0.1", 0), ERR_OK);
    running.names = metrics_names_new();
    running.cache = cache_new((size_t)1 << 20, &secret);
    running.snapshot = test_snapshot(1, running.names);
    for (size_t i = 0; i < 32; i++)
        running.snapshot->addresses[0].v4[i][3] = (uint8_t)i;
    running.snapshot->addresses[0].v4_count = 32;
    running.snapshot->addresses[0].state = ADDRESSES_LITERAL;
    running.loop = loop_new();
    running.mailbox = mailbox_new(running.loop, on_word, &running);
    running.limit = alarm_new(running.loop, on_limit, &running);
    struct worker_setup setup = {.listen = &any,
                                 .listen_count = 1,
                                 .cache = running.cache,
                                 .snapshot = running.snapshot,
                                 .tcp_connections = 4,
                                 .supervisor = running.mailbox};
    assert_int_equal(worker_new(&running.worker, &setup, &failed), ERR_OK);
    running.at = udp_server_addr(running.worker->listeners.udp[0]);
    assert_int_equal(pthread_create(&running.thread, NULL, run, running.worker), 0);
    *state = &running;
    return 0;
}

static int stop(void **state)
{
    struct running *running = *state;
    worker_stop(running->worker);
    assert_int_equal(pthread_join(running->thread, NULL), 0);
    worker_free(running->worker);
    assert_int_equal(running->snapshot->references, 1);
    snapshot_release(running->snapshot);
    cache_free(running->cache);
    metrics_names_free(running->names);
    alarm_free(running->limit);
    mailbox_free(running->mailbox);
    loop_run(running->loop);
    loop_free(running->loop);
    return 0;
}

static int connect_to(const struct running *running, int type)
{
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int small = 4096;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(connect(fd, &running->at.sa, addr_len(&running->at)), 0);
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    assert_int_equal(poll(&poll_fd, 1, CLIENT_WAIT_MS), 1);
}

/* One question over UDP; the rcode of its reply. */
static unsigned ask(int fd, const char *name)
{
    uint8_t packet[512];
    struct writer w = writer_init(packet, sizeof(packet));
    wire_query(&w, name, TYPE_A, true);
    assert_int_equal(send(fd, packet, w.len, 0), w.len);
    wait_for(fd, POLLIN);
    assert_true(recv(fd, packet, sizeof(packet), 0) >= MESSAGE_HEADER_OCTETS);
    return packet[3] & FLAG_RCODE_MASK;
}

static void a_worker_answers_while_snapshots_are_published_from_another_thread(void **state)
{
    struct running *running = *state;
    int fd = connect_to(running, SOCK_DGRAM);
    for (int i = 0; i < 100; i++) {
        worker_publish(running->worker, snapshot_copy(running->snapshot));
        assert_int_equal(ask(fd, i % 2 == 0 ? "a.example" : "no.invalid"),
                         i % 2 == 0 ? RCODE_NOERROR : RCODE_NXDOMAIN);
    }
    close(fd);
}

static void an_address_in_use_is_told_and_leaves_nothing_open(void **state)
{
    struct running *running = *state;
    struct worker *second = NULL;
    struct addr taken[2] = {{.v4 = {.sin_family = AF_INET}}, {.v4 = {.sin_family = AF_INET}}};
    struct addr failed;
    struct worker_setup setup = {.listen = taken,
                                 .listen_count = 2,
                                 .cache = running->cache,
                                 .snapshot = running->snapshot,
                                 .tcp_connections = 4};
    assert_int_equal(addr_parse(&taken[0], "127.0.0.1", 0), ERR_OK);
    assert_int_equal(addr_parse(&taken[1], "192.0.2.1:53", 0), ERR_OK); /* on no machine */
    assert_int_equal(worker_new(&second, &setup, &failed), ERR_UNREACHABLE);
    assert_null(second);
    assert_true(addr_equal(&failed, &taken[1]));
}

/* Replies are still queued when the word to stop comes: the loop ends, a second later at most. */
static void a_client_that_never_reads_does_not_keep_a_worker_from_ending(void **state)
{
    struct running *running = *state;
    uint8_t frame[256];
    struct writer w = writer_init(frame + 2, sizeof(frame) - 2);
    int fd = connect_to(running, SOCK_STREAM);
    size_t sent = 0;
    wire_query(&w, "a.example", TYPE_A, true);
    bytes_put_u16(frame, (uint16_t)w.len);
    /* 16 MiB of replies are more than any buffer between us takes */
    while (sent < 32768 && send(fd, frame, w.len + 2, MSG_DONTWAIT) == (ssize_t)w.len + 2)
        sent++;
    assert_true(sent > 1000);
    wait_for(fd, POLLIN);
    assert_int_equal(stop(state), 0);
    close(fd);
    assert_int_equal(start(state), 0);
}

/* What was led elsewhere may still come, and connections that are used stay as long. */
static void a_drained_worker_says_so_and_answers_on(void **state)
{
    struct running *running = *state;
    uint8_t frame[256];
    struct writer w = writer_init(frame + 2, sizeof(frame) - 2);
    int stream = connect_to(running, SOCK_STREAM);
    int fd = connect_to(running, SOCK_DGRAM);
    wire_query(&w, "a.example", TYPE_A, true);
    bytes_put_u16(frame, (uint16_t)w.len);
    assert_int_equal(ask(fd, "a.example"), RCODE_NOERROR);
    worker_drain(running->worker);
    assert_int_equal(send(stream, frame, w.len + 2, 0), w.len + 2);
    wait_for(stream, POLLIN);
    assert_true(recv(stream, frame, 1, 0) == 1);
    alarm_set(running->limit, CLIENT_WAIT_MS);
    loop_run(running->loop);
    assert_int_equal(running->drained, 1);
    assert_int_equal(ask(fd, "a.example"), RCODE_NOERROR);
    close(stream);
    close(fd);
}

#define WORKER_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(a_worker_answers_while_snapshots_are_published_from_another_thread),
        WORKER_TEST(an_address_in_use_is_told_and_leaves_nothing_open),
        WORKER_TEST(a_drained_worker_says_so_and_answers_on),
        WORKER_TEST(a_client_that_never_reads_does_not_keep_a_worker_from_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
