/* Connections over loopback, both ends on one loop. */
#include "net_test.h"

#include <string.h>
#include <unistd.h>

#include "local53/net/stream.h"

#define BIG (300 * 1000) /* octets: more than a loopback connection takes at once */

struct fixture;

/* One end of a connection and what it saw. */
struct end {
    struct fixture *fixture;
    struct stream *stream;
    size_t cap;        /* octets offered to each read */
    size_t stop_at;    /* octets received that stop the loop; 0 for never */
    bool close_at;     /* close at stop_at instead */
    size_t len;        /* octets received */
    unsigned reads;    /* calls of on_data */
    unsigned drained;  /* calls of on_drained */
    unsigned ended;    /* calls of on_end */
    bool eof;          /* on_eof came */
    enum err err;      /* of the last on_end */
    uint8_t data[BIG]; /* what was received */
};

struct fixture {
    struct net_test test;
    struct stream_listener *listener;
    struct end server;
    struct end client;
    unsigned connections; /* handed over */
    unsigned refuse;      /* connections to refuse */
    unsigned ends;        /* on_end calls that stop the loop */
};

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct end *end = owner;
    (void)stream;
    *cap = end->cap < sizeof(end->data) - end->len ? end->cap : sizeof(end->data) - end->len;
    return end->data + end->len;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct end *end = owner;
    end->reads++;
    end->len += len;
    if (end->stop_at == 0 || end->len < end->stop_at)
        return;
    if (end->close_at)
        stream_close(stream);
    else
        loop_stop(end->fixture->test.loop);
}

static void on_drained(void *owner, struct stream *stream)
{
    struct end *end = owner;
    (void)stream;
    end->drained++;
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct end *end = owner;
    assert_ptr_equal(stream, end->stream);
    end->stream = NULL;
    end->ended++;
    end->err = err;
    if (end->fixture->ends > 0 && --end->fixture->ends == 0)
        loop_stop(end->fixture->test.loop);
}

static void on_eof(void *owner, struct stream *stream)
{
    struct end *end = owner;
    end->eof = true;
    assert_true(stream_write(stream, "bye", 3, NULL, 0));
    stream_close(stream);
}

static const struct stream_events events = {
    .on_space = on_space, .on_data = on_data, .on_drained = on_drained, .on_end = on_end};
static const struct stream_events half_close_events = {
    .on_space = on_space, .on_data = on_data, .on_eof = on_eof, .on_end = on_end};

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct fixture *fixture = owner;
    assert_ptr_equal(listener, fixture->listener);
    fixture->connections++;
    if (fixture->refuse > 0) {
        fixture->refuse--;
        stream_refuse(stream);
        return;
    }
    fixture->server.stream = stream;
    stream_accept(stream, &events, &fixture->server);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    struct addr addr = net_test_addr("127.0.0.1");
    net_test_init(&fixture->test);
    fixture->server = (struct end){.fixture = fixture, .cap = BIG};
    fixture->client = (struct end){.fixture = fixture, .cap = BIG};
    assert_int_equal(
        stream_listen_tcp(&fixture->listener, fixture->test.loop, &addr, on_connection, fixture),
        ERR_OK);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    stream_listener_close(fixture->listener);
    if (fixture->server.stream != NULL)
        stream_abort(fixture->server.stream);
    if (fixture->client.stream != NULL)
        stream_abort(fixture->client.stream);
    net_test_deinit(&fixture->test);
    assert_true(fixture->server.ended <= 1 && fixture->client.ended <= 1);
    test_free(fixture);
    return 0;
}

static void connect_client(struct fixture *fixture)
{
    struct addr addr = stream_listener_addr(fixture->listener);
    assert_int_equal(stream_connect_tcp(&fixture->client.stream, fixture->test.loop, &addr, &events,
                                        &fixture->client),
                     ERR_OK);
}

static void a_write_before_the_connection_arrives_as_one_piece(void **state)
{
    struct fixture *fixture = *state;
    connect_client(fixture);
    assert_true(stream_write(fixture->client.stream, "\0\3", 2, "abc", 3));
    assert_int_equal(stream_queued(fixture->client.stream), 5);
    fixture->server.stop_at = 5;
    assert_true(net_test_run(&fixture->test));
    assert_memory_equal(fixture->server.data, "\0\3abc", 5);
    assert_int_equal(fixture->server.reads, 1);
    assert_int_equal(stream_queued(fixture->client.stream), 0);
}

static void a_write_on_an_open_connection_leaves_at_once_as_one_piece(void **state)
{
    struct fixture *fixture = *state;
    connect_client(fixture);
    assert_true(stream_write(fixture->client.stream, "?", 1, NULL, 0));
    fixture->server.stop_at = 1;
    assert_true(net_test_run(&fixture->test));
    assert_true(stream_write(fixture->server.stream, "\0\3", 2, "abc", 3));
    assert_int_equal(stream_queued(fixture->server.stream), 0);
    fixture->client.stop_at = 5;
    assert_true(net_test_run(&fixture->test));
    assert_memory_equal(fixture->client.data, "\0\3abc", 5);
    assert_int_equal(fixture->client.reads, 1);
}

static void a_slow_reader_gets_all_and_the_writer_hears_when(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *body = test_malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        body[i] = (uint8_t)(i * 31 + i / 251);
    fixture->server.cap = 700;
    fixture->server.stop_at = BIG;
    connect_client(fixture);
    assert_true(stream_write(fixture->client.stream, body, 1000, body + 1000, BIG - 1000));
    assert_true(net_test_run(&fixture->test));
    assert_memory_equal(fixture->server.data, body, BIG);
    assert_int_equal(fixture->client.drained, 1);
    assert_true(fixture->server.reads >= BIG / 700);
    test_free(body);
}

static void a_peer_that_does_not_read_is_cut_off_at_the_bound(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *body = test_calloc(1, BIG);
    bool taken = true;
    fixture->server.cap = 0;
    connect_client(fixture);
    for (unsigned i = 0; taken && i < 4 * STREAM_QUEUE_MAX / BIG; i++) {
        taken = stream_write(fixture->client.stream, NULL, 0, body, BIG);
        assert_true(stream_queued(fixture->client.stream) <= STREAM_QUEUE_MAX);
    }
    assert_false(taken);
    assert_false(stream_write(fixture->client.stream, "x", 1, NULL, 0));
    fixture->ends = 1;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->client.err, ERR_NO_SPACE);
    test_free(body);
}

static void a_paused_reader_gets_the_rest_when_it_resumes(void **state)
{
    struct fixture *fixture = *state;
    fixture->server.cap = 0;
    connect_client(fixture);
    assert_true(stream_write(fixture->client.stream, "abc", 3, NULL, 0));
    alarm_set(fixture->test.limit, 30);
    loop_run(fixture->test.loop);
    assert_int_equal(fixture->server.len, 0);
    fixture->test.timed_out = false;
    fixture->server.cap = BIG;
    fixture->server.stop_at = 3;
    stream_resume(fixture->server.stream);
    stream_resume(fixture->server.stream);
    assert_true(net_test_run(&fixture->test));
    assert_memory_equal(fixture->server.data, "abc", 3);
}

static void a_close_lets_what_is_queued_leave_and_both_ends_hear_once(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *body = test_calloc(1, BIG); /* all but one: a full reader would not look on */
    connect_client(fixture);
    assert_true(stream_write(fixture->client.stream, NULL, 0, body, BIG - 1));
    stream_close(fixture->client.stream);
    stream_close(fixture->client.stream);
    assert_int_equal(fixture->client.ended, 0);
    fixture->ends = 2;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->server.len, BIG - 1);
    assert_int_equal(fixture->client.ended, 1);
    assert_int_equal(fixture->client.err, ERR_OK);
    assert_int_equal(fixture->server.ended, 1);
    assert_int_equal(fixture->server.err, ERR_CLOSED);
    test_free(body);
}

static void a_stream_may_be_closed_while_it_reads(void **state)
{
    struct fixture *fixture = *state;
    fixture->server.cap = 2;
    fixture->server.stop_at = 2;
    fixture->server.close_at = true;
    connect_client(fixture);
    assert_true(stream_write(fixture->client.stream, "abcdef", 6, NULL, 0));
    fixture->ends = 2;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->server.len, 2);
    assert_int_equal(fixture->server.reads, 1);
    assert_int_equal(fixture->server.err, ERR_OK);
    assert_int_equal(fixture->client.err, ERR_CLOSED);
}

static void a_refused_connection_ends_for_the_client_only(void **state)
{
    struct fixture *fixture = *state;
    fixture->refuse = 1;
    connect_client(fixture);
    fixture->ends = 1;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->connections, 1);
    assert_int_equal(fixture->client.err, ERR_CLOSED);
    assert_int_equal(fixture->server.ended, 0);
}

static void a_connection_to_a_closed_port_ends_as_refused(void **state)
{
    struct fixture *fixture = *state;
    struct addr addr = stream_listener_addr(fixture->listener);
    stream_listener_close(fixture->listener);
    fixture->listener = NULL;
    assert_int_equal(stream_connect_tcp(&fixture->client.stream, fixture->test.loop, &addr, &events,
                                        &fixture->client),
                     ERR_OK);
    assert_true(stream_write(fixture->client.stream, "lost", 4, NULL, 0));
    fixture->ends = 1;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->client.err, ERR_REFUSED);
}

/* A plain blocking socket as client, for what our own streams do not do. */
static int connect_plain(struct fixture *fixture)
{
    struct addr addr = stream_listener_addr(fixture->listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &addr.sa, addr_len(&addr)), 0);
    return fd;
}

static void on_half_close_connection(void *owner, struct stream_listener *listener,
                                     struct stream *stream)
{
    struct fixture *fixture = owner;
    (void)listener;
    fixture->server.stream = stream;
    stream_accept(stream, &half_close_events, &fixture->server);
}

static void a_peer_that_closed_its_side_still_gets_an_answer(void **state)
{
    struct fixture *fixture = *state;
    struct addr addr = net_test_addr("127.0.0.1");
    char answer[8];
    stream_listener_close(fixture->listener);
    assert_int_equal(stream_listen_tcp(&fixture->listener, fixture->test.loop, &addr,
                                       on_half_close_connection, fixture),
                     ERR_OK);
    int fd = connect_plain(fixture);
    assert_int_equal(send(fd, "abc", 3, 0), 3);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    fixture->ends = 1;
    assert_true(net_test_run(&fixture->test));
    assert_true(fixture->server.eof);
    assert_int_equal(fixture->server.len, 3);
    assert_int_equal(fixture->server.err, ERR_OK);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 3);
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), 0);
    close(fd);
}

static void a_reset_is_told_as_closed(void **state)
{
    struct fixture *fixture = *state;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    int fd = connect_plain(fixture);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(fd);
    fixture->ends = 1;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->server.err, ERR_CLOSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_write_before_the_connection_arrives_as_one_piece),
        TEST(a_write_on_an_open_connection_leaves_at_once_as_one_piece),
        TEST(a_slow_reader_gets_all_and_the_writer_hears_when),
        TEST(a_peer_that_does_not_read_is_cut_off_at_the_bound),
        TEST(a_paused_reader_gets_the_rest_when_it_resumes),
        TEST(a_close_lets_what_is_queued_leave_and_both_ends_hear_once),
        TEST(a_stream_may_be_closed_while_it_reads),
        TEST(a_refused_connection_ends_for_the_client_only),
        TEST(a_connection_to_a_closed_port_ends_as_refused),
        TEST(a_peer_that_closed_its_side_still_gets_an_answer),
        TEST(a_reset_is_told_as_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
