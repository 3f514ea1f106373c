/* A TCP lane against connections of the test's own. The kernel completes them before they are
 * accepted, so one thread is enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local53/base/bytes.h"
#include "local53/base/clock.h"
#include "traffic/lane.h"

/* How long a test waits for its own host before it fails. */
#define PATIENCE_MS 20000
#define PATIENCE_NS UINT64_C(5000000000)

#define LONGEST 65535

/* A listener, a lane connected to it, and the connection's other end. */
struct fixture {
    struct addr server;     /* where the listener listens */
    int listener;           /* -1 when closed */
    int peer;               /* accepted; -1 for none */
    struct lane *lane;      /* to the server */
    struct lane_batch out;  /* queries */
    struct lane_batch back; /* answers */
};

static struct lane_config config_for(const struct addr *server)
{
    struct lane_config config = {.transport = TRANSPORT_TCP, .server = *server};
    config.source.sa.sa_family = AF_UNSPEC;
    config.connect_timeout_ns = PATIENCE_NS;
    return config;
}

static int listen_on(struct addr *addr)
{
    int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    socklen_t len = sizeof(*addr);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, &addr->sa, addr_len(addr)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, &addr->sa, &len), 0);
    return fd;
}

static void accept_peer(struct fixture *f)
{
    if (f->peer >= 0)
        close(f->peer);
    f->peer = accept(f->listener, NULL, NULL);
    assert_true(f->peer >= 0);
}

static void start(struct fixture *f, const char *text)
{
    memset(f, 0, sizeof(*f));
    f->peer = -1;
    assert_int_equal(addr_parse(&f->server, text, 0), ERR_OK);
    f->listener = listen_on(&f->server);
    struct lane_config config = config_for(&f->server);
    assert_int_equal(lane_open(&f->lane, &config), ERR_OK);
    lane_batch_init(&f->out, 4, LONGEST);
    lane_batch_init(&f->back, 4, LANE_MESSAGE_OCTETS);
    accept_peer(f);
}

static void stop(struct fixture *f)
{
    if (f->peer >= 0)
        close(f->peer);
    if (f->listener >= 0)
        close(f->listener);
    lane_close(f->lane);
    lane_batch_deinit(&f->out);
    lane_batch_deinit(&f->back);
}

/* Fills the batch with messages of len octets, each octet its number. */
static void fill(struct lane_batch *batch, size_t count, uint8_t first, size_t len)
{
    batch->count = count;
    for (size_t i = 0; i < count; i++) {
        memset(batch->messages[i].data, (int)(first + i), len);
        batch->messages[i].len = len;
    }
}

static void send_all(struct fixture *f, size_t count, uint8_t first)
{
    int why = -1;
    fill(&f->out, count, first, 12);
    assert_int_equal(lane_send(f->lane, &f->out, &why), count);
    assert_int_equal(why, 0);
}

static void read_exactly(int fd, uint8_t *data, size_t len)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    while (len > 0) {
        assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
        ssize_t got = read(fd, data, len);
        assert_true(got > 0);
        data += got;
        len -= (size_t)got;
    }
}

/* The peer takes one message of 12 octets, each of them number. */
static void peer_takes(struct fixture *f, uint8_t number)
{
    uint8_t data[14];
    uint8_t expected[14] = {0, 12};
    memset(expected + 2, number, 12);
    read_exactly(f->peer, data, sizeof(data));
    assert_memory_equal(data, expected, sizeof(data));
}

/* The peer sends count messages of len octets, one after the other, in one piece. */
static void peer_sends(struct fixture *f, size_t count, uint8_t first, size_t len)
{
    uint8_t *data = malloc(count * (len + 2));
    assert_non_null(data);
    for (size_t i = 0; i < count; i++) {
        bytes_put_u16(data + i * (len + 2), (uint16_t)len);
        memset(data + i * (len + 2) + 2, (int)(first + i), len);
    }
    assert_int_equal(write(f->peer, data, count * (len + 2)), count * (len + 2));
    free(data);
}

static void wait_readable(struct fixture *f)
{
    struct pollfd wanted = {.fd = lane_descriptor(f->lane), .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
}

/* The lane gives count messages of len octets, waiting for the socket when it must. */
static void lane_gives(struct fixture *f, size_t count, uint8_t first, size_t len)
{
    assert_int_equal(lane_receive(f->lane, &f->back), count);
    for (size_t i = 0; i < count; i++) {
        const struct lane_message *message = &f->back.messages[i];
        assert_int_equal(message->len, len);
        assert_int_equal(message->data[0], first + i);
        assert_int_equal(message->data[len - 1], first + i);
    }
}

static bool is_closed(struct fixture *f)
{
    struct lane_errors errors;
    lane_take_errors(f->lane, &errors);
    assert_int_equal(errors.refused, 0);
    return errors.closed;
}

/* --- messages --- */

static void a_batch_goes_out_and_comes_back(const char *text)
{
    struct fixture f;
    start(&f, text);
    send_all(&f, 4, 1);
    assert_false(lane_wants_write(f.lane));
    for (uint8_t i = 1; i <= 4; i++)
        peer_takes(&f, i);
    peer_sends(&f, 4, 1, 30);
    wait_readable(&f);
    lane_gives(&f, 4, 1, 30);
    lane_gives(&f, 0, 0, 0);
    assert_false(is_closed(&f));
    assert_int_equal(lane_drops(f.lane), 0);
    stop(&f);
}

static void messages_go_over_ipv4_with_their_lengths(void **state)
{
    (void)state;
    a_batch_goes_out_and_comes_back("127.0.0.1");
}

static void messages_go_over_ipv6_with_their_lengths(void **state)
{
    (void)state;
    a_batch_goes_out_and_comes_back("::1");
}

static void a_message_is_given_when_its_last_octet_has_come(void **state)
{
    static const uint8_t message[] = {0, 3, 7, 7, 7};
    struct fixture f;
    (void)state;
    start(&f, "127.0.0.1");
    for (size_t i = 0; i < sizeof(message); i++) {
        assert_int_equal(write(f.peer, message + i, 1), 1);
        wait_readable(&f);
        lane_gives(&f, i == sizeof(message) - 1, 7, 3);
    }
    stop(&f);
}

static void what_does_not_fit_a_batch_comes_with_the_next(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "127.0.0.1");
    peer_sends(&f, 10, 1, 20);
    wait_readable(&f);
    lane_gives(&f, 4, 1, 20);
    uint64_t received_ns = f.back.messages[0].received_ns;
    peer_sends(&f, 1, 11, 20);
    lane_gives(&f, 4, 5, 20);
    lane_gives(&f, 2, 9, 20);
    assert_int_equal(f.back.messages[1].received_ns, received_ns);
    wait_readable(&f);
    lane_gives(&f, 1, 11, 20);
    assert_true(f.back.messages[0].received_ns > received_ns);
    stop(&f);
}

static void the_longest_message_is_taken_whole(void **state)
{
    struct fixture f;
    size_t count = 0;
    (void)state;
    start(&f, "127.0.0.1");
    peer_sends(&f, 3, 1, LONGEST);
    while (count < 3) {
        wait_readable(&f);
        if (lane_receive(f.lane, &f.back) == 0)
            continue;
        for (size_t i = 0; i < f.back.count; i++) {
            assert_int_equal(f.back.messages[i].len, LONGEST);
            assert_int_equal(f.back.messages[i].data[LONGEST - 1], ++count);
        }
    }
    stop(&f);
}

/* An answer read late; whether it kept its time of arrival. */
static bool kept_arrival(struct fixture *f)
{
    enum { LATE_NS = 2000000, INEXACT_NS = 100000 };
    send_all(f, 1, 1);
    peer_takes(f, 1);
    peer_sends(f, 1, 1, 12);
    uint64_t arrived_ns = clock_monotonic_ns();
    while (clock_monotonic_ns() < arrived_ns + LATE_NS) {}
    lane_gives(f, 1, 1, 12);
    assert_true(f->back.messages[0].read_ns >= arrived_ns + LATE_NS);
    assert_true(f->back.messages[0].received_ns > f->out.messages[0].sent_ns);
    return f->back.messages[0].received_ns <= arrived_ns + INEXACT_NS;
}

/* The kernel takes some time to begin with stamps. */
static void an_answer_read_late_keeps_its_time_of_arrival(void **state)
{
    enum { TRIES_MAX = 500 };
    struct fixture f;
    int tries = 1;
    (void)state;
    start(&f, "127.0.0.1");
    while (!kept_arrival(&f))
        assert_true(++tries <= TRIES_MAX);
    stop(&f);
}

/* --- a peer that does not read --- */

/* Sends longest messages until no more is taken; how many were. */
static size_t send_until_full(struct fixture *f)
{
    size_t taken = 0;
    int why = 0;
    while (why == 0) {
        fill(&f->out, 4, 1, LONGEST);
        taken += lane_send(f->lane, &f->out, &why);
    }
    assert_int_equal(why, EAGAIN);
    return taken;
}

static void a_full_lane_says_so_and_loses_nothing(void **state)
{
    static uint8_t data[LONGEST + 2];
    struct fixture f;
    (void)state;
    start(&f, "127.0.0.1");
    size_t taken = send_until_full(&f);
    assert_true(lane_wants_write(f.lane));
    for (size_t i = 0; i < taken; i++) {
        lane_flush(f.lane);
        read_exactly(f.peer, data, sizeof(data));
        assert_int_equal(bytes_get_u16(data), LONGEST);
        assert_int_equal(data[2], 1 + i % 4);
        assert_int_equal(data[LONGEST + 1], 1 + i % 4);
    }
    assert_false(lane_wants_write(f.lane));
    send_all(&f, 1, 9);
    peer_takes(&f, 9);
    stop(&f);
}

/* --- ends --- */

static void answers_before_the_end_come_before_it(void **state)
{
    struct fixture f;
    int why = 0;
    (void)state;
    start(&f, "127.0.0.1");
    peer_sends(&f, 6, 1, 12);
    close(f.peer);
    f.peer = -1;
    wait_readable(&f);
    lane_gives(&f, 4, 1, 12);
    assert_false(is_closed(&f));
    lane_gives(&f, 2, 5, 12);
    lane_gives(&f, 0, 0, 0);
    assert_true(is_closed(&f));
    fill(&f.out, 1, 1, 12);
    assert_int_equal(lane_send(f.lane, &f.out, &why), 0);
    assert_int_equal(why, ENOTCONN);
    stop(&f);
}

static void a_reset_closes_the_lane(void **state)
{
    static const struct linger at_once = {1, 0};
    struct fixture f;
    (void)state;
    start(&f, "127.0.0.1");
    assert_int_equal(setsockopt(f.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(f.peer);
    f.peer = -1;
    wait_readable(&f);
    lane_gives(&f, 0, 0, 0);
    assert_true(is_closed(&f));
    stop(&f);
}

/* The write finds it first, by ECONNRESET or EPIPE; the process lives on. */
static void a_write_to_a_reset_lane_is_not_taken_and_closes_it(void **state)
{
    static const struct linger at_once = {1, 0};
    struct fixture f;
    int why = 0;
    (void)state;
    start(&f, "127.0.0.1");
    assert_int_equal(setsockopt(f.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(f.peer);
    f.peer = -1;
    wait_readable(&f);
    fill(&f.out, 2, 1, 12);
    assert_int_equal(lane_send(f.lane, &f.out, &why), 0);
    assert_int_equal(why, ENOTCONN);
    assert_false(lane_wants_write(f.lane));
    lane_gives(&f, 0, 0, 0);
    assert_true(is_closed(&f));
    stop(&f);
}

/* The peer closed first, so the first write is taken and answered by a reset; the next would raise
 * SIGPIPE. */
static void a_write_to_a_closed_peer_raises_no_signal(void **state)
{
    struct fixture f;
    int why = 0;
    (void)state;
    start(&f, "127.0.0.1");
    close(f.peer);
    f.peer = -1;
    wait_readable(&f);
    send_all(&f, 1, 1);
    fill(&f.out, 1, 1, 12);
    assert_int_equal(lane_send(f.lane, &f.out, &why), 0);
    assert_int_equal(why, ENOTCONN);
    stop(&f);
}

/* Neither what was unsent nor a message begun is carried over. */
static void a_reopened_lane_begins_anew(void **state)
{
    static const uint8_t one_and_a_half[] = {0, 2, 1, 1, 0, 9, 1};
    struct fixture f;
    (void)state;
    start(&f, "127.0.0.1");
    assert_true(send_until_full(&f) > 0);
    assert_int_equal(write(f.peer, one_and_a_half, sizeof(one_and_a_half)), sizeof(one_and_a_half));
    wait_readable(&f);
    lane_gives(&f, 1, 1, 2);
    assert_int_equal(lane_reopen(f.lane), ERR_OK);
    accept_peer(&f);
    assert_false(is_closed(&f));
    send_all(&f, 2, 5);
    peer_takes(&f, 5);
    peer_takes(&f, 6);
    peer_sends(&f, 1, 5, 12);
    wait_readable(&f);
    lane_gives(&f, 1, 5, 12);
    stop(&f);
}

static void a_lane_that_could_not_be_reopened_may_be_tried_again(void **state)
{
    struct fixture f;
    int why = 0;
    (void)state;
    start(&f, "127.0.0.1");
    close(f.listener);
    assert_int_equal(lane_reopen(f.lane), ERR_REFUSED);
    assert_int_equal(lane_descriptor(f.lane), -1);
    assert_true(is_closed(&f));
    assert_int_equal(lane_receive(f.lane, &f.back), 0);
    fill(&f.out, 1, 1, 12);
    assert_int_equal(lane_send(f.lane, &f.out, &why), 0);
    lane_flush(f.lane);
    assert_false(lane_wants_write(f.lane));
    f.listener = listen_on(&f.server);
    assert_int_equal(lane_reopen(f.lane), ERR_OK);
    accept_peer(&f);
    assert_false(is_closed(&f));
    send_all(&f, 1, 1);
    peer_takes(&f, 1);
    stop(&f);
}

/* --- opening --- */

static void a_port_where_nobody_listens_refuses(void **state)
{
    struct addr server;
    struct lane *lane = NULL;
    (void)state;
    assert_int_equal(addr_parse(&server, "127.0.0.1", 0), ERR_OK);
    close(listen_on(&server));
    struct lane_config config = config_for(&server);
    assert_int_equal(lane_open(&lane, &config), ERR_REFUSED);
    assert_null(lane);
}

/* A listener whose queue is full answers no more. */
static void a_server_that_does_not_answer_is_given_up(void **state)
{
    enum { TIMEOUT_NS = 20000000, MANY = 8 };
    struct addr server;
    struct lane *lanes[MANY] = {NULL};
    enum err err = ERR_OK;
    (void)state;
    assert_int_equal(addr_parse(&server, "127.0.0.1", 0), ERR_OK);
    int listener = listen_on(&server);
    assert_int_equal(listen(listener, 0), 0);
    struct lane_config config = config_for(&server);
    config.connect_timeout_ns = TIMEOUT_NS;
    for (size_t i = 0; i < MANY && err == ERR_OK; i++)
        err = lane_open(&lanes[i], &config);
    assert_int_equal(err, ERR_TIMEOUT);
    for (size_t i = 0; i < MANY; i++)
        lane_close(lanes[i]);
    close(listener);
}

static void a_connection_comes_from_the_source_asked_for(void **state)
{
    struct fixture f;
    struct lane *lane = NULL;
    struct addr source;
    struct addr seen;
    socklen_t len = sizeof(seen);
    (void)state;
    start(&f, "127.0.0.1");
    struct lane_config config = config_for(&f.server);
    assert_int_equal(addr_parse(&source, "127.0.0.9", 0), ERR_OK);
    config.source = source;
    assert_int_equal(lane_open(&lane, &config), ERR_OK);
    close(f.peer);
    f.peer = accept(f.listener, &seen.sa, &len);
    assert_true(addr_same_host(&seen, &source));
    lane_close(lane);
    stop(&f);
}

static void a_stream_says_what_it_takes(void **state)
{
    (void)state;
    assert_true(lane_octets(TRANSPORT_UDP) < 1024);
    assert_int_equal(lane_octets(TRANSPORT_UDP), lane_octets(TRANSPORT_UDP_TC));
    assert_true(lane_octets(TRANSPORT_TCP) >= (size_t)2 * LANE_STREAM_OCTETS);
    assert_true(lane_octets(TRANSPORT_DOT) > lane_octets(TRANSPORT_TCP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_go_over_ipv4_with_their_lengths),
        cmocka_unit_test(messages_go_over_ipv6_with_their_lengths),
        cmocka_unit_test(a_message_is_given_when_its_last_octet_has_come),
        cmocka_unit_test(what_does_not_fit_a_batch_comes_with_the_next),
        cmocka_unit_test(the_longest_message_is_taken_whole),
        cmocka_unit_test(an_answer_read_late_keeps_its_time_of_arrival),
        cmocka_unit_test(a_full_lane_says_so_and_loses_nothing),
        cmocka_unit_test(answers_before_the_end_come_before_it),
        cmocka_unit_test(a_reset_closes_the_lane),
        cmocka_unit_test(a_write_to_a_reset_lane_is_not_taken_and_closes_it),
        cmocka_unit_test(a_write_to_a_closed_peer_raises_no_signal),
        cmocka_unit_test(a_reopened_lane_begins_anew),
        cmocka_unit_test(a_lane_that_could_not_be_reopened_may_be_tried_again),
        cmocka_unit_test(a_port_where_nobody_listens_refuses),
        cmocka_unit_test(a_server_that_does_not_answer_is_given_up),
        cmocka_unit_test(a_connection_comes_from_the_source_asked_for),
        cmocka_unit_test(a_stream_says_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
