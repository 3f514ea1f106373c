/* The fault server over TCP, on the loopback interface. */
#include "serve_test.h"

#include <errno.h>

#define LENGTH 2
#define MANY 200

/* Queries of the ids 0..count-1 as a stream; gives its octets. */
static size_t stream_of(uint8_t *out, uint16_t count)
{
    size_t len = 0;

    for (uint16_t id = 0; id < count; id++) {
        size_t query = serve_test_query(out + len + LENGTH, id);

        bytes_put_u16(out + len, (uint16_t)query);
        len += LENGTH + query;
    }
    return len;
}

static void read_whole(int fd, uint8_t *out, size_t len)
{
    assert_int_equal(recv(fd, out, len, MSG_WAITALL), len);
}

/* Reads one answer from the stream; gives its id. */
static uint16_t next_answer(int fd, uint8_t answer[SERVE_TEST_QUERY_MAX])
{
    uint8_t length[LENGTH];

    read_whole(fd, length, sizeof(length));
    assert_in_range(bytes_get_u16(length), MESSAGE_HEADER_OCTETS, SERVE_TEST_QUERY_MAX);
    read_whole(fd, answer, bytes_get_u16(length));
    return bytes_get_u16(answer);
}

/* The server has closed: nothing more comes. */
static void assert_closed(int fd)
{
    uint8_t octet;
    ssize_t got = recv(fd, &octet, 1, 0);

    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
}

static void start(struct serve_test *test, const char *name, const char *value)
{
    serve_test_init(test, "127.0.0.1");
    if (name != NULL)
        serve_test_plan(test, name, value);
    serve_test_start(test);
}

static void many_queries_on_one_connection_are_all_answered(void **state)
{
    static uint8_t stream[MANY * SERVE_TEST_QUERY_MAX];
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    size_t len = stream_of(stream, MANY);
    (void)state;

    start(&test, NULL, NULL);
    int fd = serve_test_connect(&test.address, SOCK_STREAM);
    /* In pieces that end in the middle of lengths and of messages. */
    for (size_t at = 0; at < len; at += 7)
        assert_true(send(fd, stream + at, len - at < 7 ? len - at : 7, 0) > 0);
    for (uint16_t id = 0; id < MANY; id++) {
        assert_int_equal(next_answer(fd, answer), id);
        assert_int_equal(bytes_get_u16(answer + ANCOUNT_OFFSET), 1);
    }
    serve_test_stop(&test);
    assert_int_equal(test.truth.received, MANY);
    assert_int_equal(test.truth.tcp, MANY);
    assert_int_equal(test.truth.answered, MANY);
    assert_closed(fd);
    (void)close(fd);
}

/* A connection that takes little at once, either way. */
static int connect_narrow(const struct addr *to)
{
    const int room = 4096;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    assert_int_equal(connect(fd, &to->sa, addr_len(to)), 0);
    return fd;
}

/* Sends as much of a stream as fits now. */
static void send_some(int fd, const uint8_t *stream, size_t len, size_t *at)
{
    ssize_t sent = *at < len ? send(fd, stream + *at, len - *at, MSG_DONTWAIT) : 0;

    *at += sent > 0 ? (size_t)sent : 0;
}

/* It asks all it can before it reads anything, and the answers are far more than buffers hold:
 * the server reads no more while an answer does not leave, and loses none. */
static void a_client_that_reads_late_gets_every_answer_in_order(void **state)
{
    const uint16_t count = 20000;
    uint8_t *stream = malloc((size_t)count * 64);
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    size_t len = stream_of(stream, count);
    size_t at = 0;
    (void)state;

    assert_true(len <= (size_t)count * 64);
    serve_test_init(&test, "127.0.0.1");
    for (int i = 0; i < FAULTS_ADDRESSES_MAX; i++)
        serve_test_plan(&test, "answer", "192.0.2.1");
    serve_test_start(&test);
    int fd = connect_narrow(&test.address);
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    while (at < len && poll(&polled, 1, 50) > 0)
        send_some(fd, stream, len, &at);
    assert_true(at < len);
    for (uint16_t id = 0; id < count; id++) {
        assert_int_equal(next_answer(fd, answer), id);
        send_some(fd, stream, len, &at);
    }
    serve_test_stop(&test);
    assert_int_equal(test.truth.answered, count);
    assert_int_equal(test.truth.send_failed, 0);
    free(stream);
    (void)close(fd);
}

static void what_is_truncated_over_udp_is_whole_over_tcp(void **state)
{
    struct serve_test test;
    uint8_t stream[SERVE_TEST_QUERY_MAX];
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    size_t len = stream_of(stream, 1);
    (void)state;

    start(&test, "tc", "100%");
    int udp = serve_test_connect(&test.address, SOCK_DGRAM);
    serve_test_send(udp, 1);
    (void)serve_test_answer(udp, answer);
    assert_true((message_flags(answer) & FLAG_TC) != 0);
    int tcp = serve_test_connect(&test.address, SOCK_STREAM);
    assert_int_equal(send(tcp, stream, len, 0), len);
    assert_int_equal(next_answer(tcp, answer), 0);
    assert_true((message_flags(answer) & FLAG_TC) == 0);
    serve_test_stop(&test);
    assert_int_equal(test.truth.received, 2);
    assert_int_equal(test.truth.tcp, 1);
    assert_int_equal(test.truth.truncated, 1);
    (void)close(udp);
    (void)close(tcp);
}

static void a_client_that_has_asked_all_still_gets_its_held_answers(void **state)
{
    uint8_t stream[5 * SERVE_TEST_QUERY_MAX];
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    size_t len = stream_of(stream, 5);
    (void)state;

    start(&test, "delay", "20ms");
    int fd = serve_test_connect(&test.address, SOCK_STREAM);
    assert_int_equal(send(fd, stream, len, 0), len);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    for (uint16_t id = 0; id < 5; id++)
        assert_int_equal(next_answer(fd, answer), id);
    /* And then the server closes, for nothing else will be asked. */
    assert_closed(fd);
    serve_test_stop(&test);
    assert_int_equal(test.truth.answered, 5);
    assert_true(test.hold_min_ns >= 20 * NS_PER_MS);
    (void)close(fd);
}

/* Opens a connection with a length that no query has: the server closes it, so it has also read
 * what came over earlier connections, which have lower slots. */
static void pass_by(const struct addr *to)
{
    static const uint8_t length[LENGTH] = {0xff, 0xff};
    int fd = serve_test_connect(to, SOCK_STREAM);

    assert_int_equal(send(fd, length, sizeof(length), 0), sizeof(length));
    assert_closed(fd);
    (void)close(fd);
}

static void a_length_that_no_query_has_ends_the_connection(void **state)
{
    struct serve_test test;
    (void)state;

    start(&test, NULL, NULL);
    pass_by(&test.address);
    serve_test_stop(&test);
    assert_int_equal(test.truth.received, 0);
}

/* Nor does the connection that has its slot get it. */
static void an_answer_for_a_connection_that_is_gone_is_counted_as_not_sent(void **state)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct serve_test test;
    uint8_t stream[SERVE_TEST_QUERY_MAX];
    size_t len = stream_of(stream, 1);
    (void)state;

    start(&test, "delay", "500ms");
    int gone = serve_test_connect(&test.address, SOCK_STREAM);
    assert_int_equal(send(gone, stream, len, 0), len);
    pass_by(&test.address);
    assert_int_equal(setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    (void)close(gone);
    pass_by(&test.address);
    int next = serve_test_connect(&test.address, SOCK_STREAM);
    pass_by(&test.address);
    serve_test_stop(&test);
    assert_int_equal(test.truth.received, 1);
    assert_int_equal(test.truth.send_failed, 1);
    assert_closed(next);
    (void)close(next);
}

static void more_connections_than_there_is_room_for_wait(void **state)
{
    static int fds[FAULT_SERVER_CONNECTIONS + 1];
    struct serve_test test;
    uint8_t stream[SERVE_TEST_QUERY_MAX];
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    size_t len = stream_of(stream, 1);
    struct pollfd last;
    (void)state;

    start(&test, NULL, NULL);
    for (size_t i = 0; i <= FAULT_SERVER_CONNECTIONS; i++) {
        fds[i] = serve_test_connect(&test.address, SOCK_STREAM);
        assert_int_equal(send(fds[i], stream, len, 0), len);
        if (i < FAULT_SERVER_CONNECTIONS)
            assert_int_equal(next_answer(fds[i], answer), 0);
    }
    last = (struct pollfd){.fd = fds[FAULT_SERVER_CONNECTIONS], .events = POLLIN};
    assert_int_equal(poll(&last, 1, 20), 0);
    (void)close(fds[0]);
    assert_int_equal(next_answer(last.fd, answer), 0);
    serve_test_stop(&test);
    assert_int_equal(test.truth.tcp, FAULT_SERVER_CONNECTIONS + 1);
    for (size_t i = 1; i <= FAULT_SERVER_CONNECTIONS; i++)
        (void)close(fds[i]);
}

static void without_tcp_nobody_can_connect(void **state)
{
    struct serve_test test;
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    test.config.tcp = false;
    serve_test_start(&test);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, &test.address.sa, addr_len(&test.address)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    serve_test_stop(&test);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_queries_on_one_connection_are_all_answered),
        cmocka_unit_test(a_client_that_reads_late_gets_every_answer_in_order),
        cmocka_unit_test(what_is_truncated_over_udp_is_whole_over_tcp),
        cmocka_unit_test(a_client_that_has_asked_all_still_gets_its_held_answers),
        cmocka_unit_test(a_length_that_no_query_has_ends_the_connection),
        cmocka_unit_test(an_answer_for_a_connection_that_is_gone_is_counted_as_not_sent),
        cmocka_unit_test(more_connections_than_there_is_room_for_wait),
        cmocka_unit_test(without_tcp_nobody_can_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
