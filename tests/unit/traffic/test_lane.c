/* A UDP lane against sockets of the test's own, and the pure parts: names, clock of the stamps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../../../bench/dnsbench/traffic/lane_private.h"
#include "bound_socket.h"
#include "local53/base/bytes.h"
#include "local53/base/clock.h"

/* How long a test waits for a packet on its own host before it fails. */
#define PATIENCE_MS 20000

/* A server socket, a lane to it, and batches for both directions. */
struct fixture {
    struct addr server;     /* its address */
    int server_fd;          /* -1 while nobody listens */
    struct lane *lane;      /* to the server */
    struct lane_batch out;  /* queries */
    struct lane_batch back; /* answers */
};

static struct addr address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(&addr, text, 0), ERR_OK);
    return addr;
}

static struct lane_config config_for(const struct addr *server)
{
    struct lane_config config = {.transport = TRANSPORT_UDP, .server = *server};
    config.source.sa.sa_family = AF_UNSPEC;
    return config;
}

static void start_with(struct fixture *f, int family, uint32_t receive_octets)
{
    memset(f, 0, sizeof(*f));
    f->server_fd = bound_socket(&f->server, SOCK_DGRAM, family);
    struct lane_config config = config_for(&f->server);
    config.receive_octets = receive_octets;
    assert_int_equal(lane_open(&f->lane, &config), ERR_OK);
    lane_batch_init(&f->out, 16, 512);
    lane_batch_init(&f->back, 16, 512);
}

static void start(struct fixture *f, int family)
{
    start_with(f, family, 0);
}

static void stop_server(struct fixture *f)
{
    if (f->server_fd >= 0)
        close(f->server_fd);
    f->server_fd = -1;
}

static void stop(struct fixture *f)
{
    stop_server(f);
    lane_close(f->lane);
    lane_batch_deinit(&f->out);
    lane_batch_deinit(&f->back);
}

/* Fills the batch with queries of 12 octets whose ids count up from first_id. */
static void fill(struct lane_batch *batch, size_t count, uint16_t first_id)
{
    batch->count = count;
    for (size_t i = 0; i < count; i++) {
        memset(batch->messages[i].data, 0, 12);
        bytes_put_u16(batch->messages[i].data, (uint16_t)(first_id + i));
        batch->messages[i].len = 12;
        batch->messages[i].sent_ns = 0;
    }
}

static void send_all(struct fixture *f, size_t count, uint16_t first_id)
{
    int why = -1;
    fill(&f->out, count, first_id);
    assert_int_equal(lane_send(f->lane, &f->out, &why), count);
    assert_int_equal(why, 0);
}

static void wait_readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
}

/* The server takes one query, checks its id and sends it back. */
static void echo(struct fixture *f, uint16_t id)
{
    uint8_t data[512];
    struct addr peer;
    socklen_t peer_len = sizeof(peer);
    wait_readable(f->server_fd);
    ssize_t len = recvfrom(f->server_fd, data, sizeof(data), 0, &peer.sa, &peer_len);
    assert_int_equal(len, 12);
    assert_int_equal(bytes_get_u16(data), id);
    assert_int_equal(sendto(f->server_fd, data, 12, 0, &peer.sa, peer_len), len);
}

static void receive_some(struct fixture *f, size_t count)
{
    wait_readable(lane_descriptor(f->lane));
    assert_int_equal(lane_receive(f->lane, &f->back), count);
    assert_int_equal(f->back.count, count);
}

/* --- names --- */

static void a_transport_is_read_by_its_name_and_by_no_other(void **state)
{
    enum transport transport;
    (void)state;
    for (int i = TRANSPORT_UDP; i <= TRANSPORT_UDP_TC; i++) {
        assert_int_equal(transport_parse(&transport, transport_name((enum transport)i)), ERR_OK);
        assert_int_equal(transport, i);
    }
    assert_int_equal(transport_parse(&transport, "doh"), ERR_INVALID);
    assert_int_equal(transport_parse(&transport, "UDP"), ERR_INVALID);
    assert_int_equal(transport_parse(&transport, ""), ERR_INVALID);
    assert_string_equal(transport_name(TRANSPORT_UDP_TC), "udp+tc");
}

/* --- stamps, pure --- */

static void sent_stamps_lie_evenly_between_the_two_clock_readings(void **state)
{
    struct lane_message messages[4] = {{0}};
    uint64_t before_ns = UINT64_C(1) << 62;
    (void)state;
    lane_spread_sent(messages, 4, before_ns, before_ns + 4000);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(messages[i].sent_ns, before_ns + 1000 * i);
    lane_spread_sent(messages, 3, 100, 200);
    assert_int_equal(messages[1].sent_ns, 133);
    assert_int_equal(messages[2].sent_ns, 166);
}

/* Wall clock 1,000 s ahead of the monotonic one; a time of the latter past any step tried. */
static const uint64_t ahead_ns = UINT64_C(1000000000000);
static const uint64_t noon_ns = UINT64_C(43200000000000);

static struct lane_clock settled_clock(void)
{
    struct lane_clock clock = {0};
    lane_clock_set(&clock, 0 - ahead_ns);
    lane_clock_settle(&clock);
    return clock;
}

static void a_stamp_is_told_in_monotonic_time(void **state)
{
    struct lane_clock clock = settled_clock();
    (void)state;
    assert_int_equal(lane_clock_received(&clock, ahead_ns + 5000, 9000), 5000);
}

static void a_packet_without_stamp_counts_as_received_when_read(void **state)
{
    struct lane_clock clock = settled_clock();
    (void)state;
    assert_int_equal(lane_clock_received(&clock, 0, 9000), 9000);
}

static void no_packet_is_received_after_it_was_read(void **state)
{
    struct lane_clock clock = settled_clock();
    (void)state;
    assert_int_equal(lane_clock_received(&clock, ahead_ns + 9001, 9000), 9000);
}

/* Stamped before the step, read after it: its stamp says nothing of the monotonic clock. */
static void a_set_wall_clock_voids_stamps_until_the_socket_was_emptied(void **state)
{
    const uint64_t stamp_ns = ahead_ns + noon_ns - 4000;
    static const int64_t steps_ns[] = {3600000000000, -3600000000000, 200000, -200000};
    (void)state;
    for (size_t i = 0; i < sizeof(steps_ns) / sizeof(steps_ns[0]); i++) {
        struct lane_clock clock = settled_clock();
        uint64_t wall_ahead_ns = ahead_ns + (uint64_t)steps_ns[i];
        lane_clock_set(&clock, 0 - wall_ahead_ns);
        assert_int_equal(lane_clock_received(&clock, stamp_ns, noon_ns), noon_ns);
        lane_clock_set(&clock, 0 - wall_ahead_ns);
        assert_int_equal(lane_clock_received(&clock, stamp_ns, noon_ns), noon_ns);
        lane_clock_settle(&clock);
        assert_int_equal(lane_clock_received(&clock, wall_ahead_ns + 6000, noon_ns), 6000);
    }
}

static void measurements_that_differ_a_little_are_no_step(void **state)
{
    struct lane_clock clock = settled_clock();
    (void)state;
    lane_clock_set(&clock, 0 - ahead_ns + 300);
    assert_int_equal(lane_clock_received(&clock, ahead_ns + 5000, 9000), 5300);
    lane_clock_set(&clock, 0 - ahead_ns - 300);
    assert_int_equal(lane_clock_received(&clock, ahead_ns + 5000, 9000), 4700);
}

/* --- sending and receiving --- */

static void a_batch_goes_out_and_comes_back(int family)
{
    struct fixture f;
    start(&f, family);
    send_all(&f, 16, 100);
    for (uint16_t i = 0; i < 16; i++)
        echo(&f, (uint16_t)(100 + i));
    receive_some(&f, 16);
    for (uint16_t i = 0; i < 16; i++) {
        assert_int_equal(f.back.messages[i].len, 12);
        assert_int_equal(bytes_get_u16(f.back.messages[i].data), 100 + i);
    }
    assert_int_equal(lane_receive(f.lane, &f.back), 0);
    assert_int_equal(f.back.count, 0);
    assert_false(lane_wants_write(f.lane));
    stop(&f);
}

static void a_batch_goes_over_ipv4_in_order(void **state)
{
    (void)state;
    a_batch_goes_out_and_comes_back(AF_INET);
}

static void a_batch_goes_over_ipv6_in_order(void **state)
{
    (void)state;
    a_batch_goes_out_and_comes_back(AF_INET6);
}

static void what_does_not_fit_a_batch_comes_with_the_next(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, AF_INET);
    send_all(&f, 16, 0);
    send_all(&f, 3, 16);
    for (uint16_t i = 0; i < 19; i++)
        echo(&f, i);
    receive_some(&f, 16);
    receive_some(&f, 3);
    assert_int_equal(bytes_get_u16(f.back.messages[2].data), 18);
    stop(&f);
}

static void messages_may_change_their_buffers(void **state)
{
    struct fixture f;
    int why = 0;
    (void)state;
    start(&f, AF_INET);
    fill(&f.out, 2, 5);
    uint8_t *first = f.out.messages[0].data;
    f.out.messages[0].data = f.out.messages[1].data;
    f.out.messages[1].data = first;
    assert_int_equal(lane_send(f.lane, &f.out, &why), 2);
    echo(&f, 6);
    echo(&f, 5);
    stop(&f);
}

static void a_message_longer_than_its_room_is_cut(void **state)
{
    struct fixture f;
    uint8_t data[600] = {0};
    struct addr peer;
    socklen_t peer_len = sizeof(peer);
    (void)state;
    start(&f, AF_INET);
    send_all(&f, 1, 1);
    wait_readable(f.server_fd);
    assert_int_equal(recvfrom(f.server_fd, data, 12, 0, &peer.sa, &peer_len), 12);
    assert_int_equal(sendto(f.server_fd, data, sizeof(data), 0, &peer.sa, peer_len), sizeof(data));
    receive_some(&f, 1);
    assert_int_equal(f.back.messages[0].len, 512);
    stop(&f);
}

static void stamps_follow_each_other_from_sent_to_read(void **state)
{
    struct fixture f;
    uint64_t before_ns = clock_monotonic_ns();
    uint64_t last_ns = before_ns;
    (void)state;
    start(&f, AF_INET);
    send_all(&f, 16, 0);
    uint64_t after_ns = clock_monotonic_ns();
    for (uint16_t i = 0; i < 16; i++)
        echo(&f, i);
    receive_some(&f, 16);
    for (size_t i = 0; i < 16; i++) {
        const struct lane_message *answer = &f.back.messages[i];
        assert_true(f.out.messages[i].sent_ns >= last_ns);
        assert_true(f.out.messages[i].sent_ns < after_ns);
        assert_true(answer->received_ns > f.out.messages[i].sent_ns);
        assert_true(answer->received_ns <= answer->read_ns);
        assert_true(answer->read_ns <= clock_monotonic_ns());
        last_ns = f.out.messages[i].sent_ns;
    }
    stop(&f);
}

/* An answer read late; whether it kept its time of arrival. */
static bool kept_arrival(struct fixture *f)
{
    enum { LATE_NS = 2000000, INEXACT_NS = 100000 };
    send_all(f, 1, 7);
    echo(f, 7);
    uint64_t arrived_ns = clock_monotonic_ns();
    while (clock_monotonic_ns() < arrived_ns + LATE_NS) {}
    receive_some(f, 1);
    assert_true(f->back.messages[0].read_ns >= arrived_ns + LATE_NS);
    return f->back.messages[0].received_ns <= arrived_ns + INEXACT_NS;
}

/* The whole point of the kernel's stamp: it does not wait for a late reader. The kernel takes some
 * time to begin with stamps. */
static void an_answer_read_late_keeps_its_time_of_arrival(void **state)
{
    enum { TRIES_MAX = 500 };
    struct fixture f;
    int tries = 1;
    (void)state;
    start(&f, AF_INET);
    while (!kept_arrival(&f))
        assert_true(++tries <= TRIES_MAX);
    stop(&f);
}

/* --- sources --- */

static void queries_come_from_the_source_asked_for(void **state)
{
    struct fixture f;
    struct addr peer;
    struct lane *lane[2];
    socklen_t peer_len = sizeof(peer);
    uint8_t data[12];
    int why;
    (void)state;
    start(&f, AF_INET);
    struct lane_config config = config_for(&f.server);
    config.source = address("127.0.0.9");
    assert_int_equal(lane_open(&lane[0], &config), ERR_OK);
    assert_int_equal(lane_open(&lane[1], &config), ERR_OK);
    fill(&f.out, 1, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lane_send(lane[i], &f.out, &why), 1);
        wait_readable(f.server_fd);
        assert_int_equal(recvfrom(f.server_fd, data, 12, 0, &peer.sa, &peer_len), 12);
        assert_true(addr_same_host(&peer, &config.source));
        lane_close(lane[i]);
    }
    stop(&f);
}

static void a_source_that_is_not_ours_is_invalid(void **state)
{
    static const char *const sources[] = {"192.0.2.1", "::1"};
    struct addr server = address("127.0.0.1:53");
    struct lane_config config = config_for(&server);
    struct lane *lane = NULL;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        config.source = address(sources[i]);
        assert_int_equal(lane_open(&lane, &config), ERR_INVALID);
        assert_null(lane);
    }
}

/* --- errors and drops --- */

static void expect_refused(struct fixture *f, size_t count, uint16_t first_id)
{
    struct lane_errors errors;
    lane_take_errors(f->lane, &errors);
    assert_int_equal(errors.refused, count);
    assert_false(errors.closed);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(errors.ids[i], first_id + i);
}

static void each_query_to_a_dead_port_is_told(int family)
{
    struct fixture f;
    start(&f, family);
    stop_server(&f);
    send_all(&f, 16, 300);
    assert_int_equal(lane_receive(f.lane, &f.back), 0);
    expect_refused(&f, 16, 300);
    expect_refused(&f, 0, 0);
    stop(&f);
}

static void each_query_to_a_dead_ipv4_port_is_told_by_its_id(void **state)
{
    (void)state;
    each_query_to_a_dead_port_is_told(AF_INET);
}

static void each_query_to_a_dead_ipv6_port_is_told_by_its_id(void **state)
{
    (void)state;
    each_query_to_a_dead_port_is_told(AF_INET6);
}

static void more_errors_than_fit_come_with_the_next_call(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, AF_INET);
    stop_server(&f);
    for (uint16_t i = 0; i < 5; i++)
        send_all(&f, 16, (uint16_t)(16 * i));
    expect_refused(&f, LANE_BATCH_MAX, 0);
    assert_int_equal(lane_receive(f.lane, &f.back), 0);
    expect_refused(&f, 80 - LANE_BATCH_MAX, LANE_BATCH_MAX);
    expect_refused(&f, 0, 0);
    stop(&f);
}

static void a_refused_query_costs_no_later_query(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, AF_INET);
    stop_server(&f);
    send_all(&f, 1, 40);
    f.server_fd = bound_socket_at(&f.server, SOCK_DGRAM);
    send_all(&f, 3, 41);
    for (uint16_t id = 41; id < 44; id++)
        echo(&f, id);
    receive_some(&f, 3);
    expect_refused(&f, 1, 40);
    stop(&f);
}

static void a_refused_query_costs_no_earlier_answer(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, AF_INET);
    send_all(&f, 1, 50);
    echo(&f, 50);
    stop_server(&f);
    send_all(&f, 1, 51);
    receive_some(&f, 1);
    assert_int_equal(bytes_get_u16(f.back.messages[0].data), 50);
    expect_refused(&f, 1, 51);
    stop(&f);
}

static void answers_dropped_for_want_of_room_are_counted(void **state)
{
    enum { ANSWERS = 200 };
    struct fixture f;
    struct addr peer;
    socklen_t peer_len = sizeof(peer);
    uint8_t data[512] = {0};
    uint64_t received = 0;
    (void)state;
    start_with(&f, AF_INET, 4096);
    assert_int_equal(lane_drops(f.lane), 0);
    send_all(&f, 1, 1);
    wait_readable(f.server_fd);
    assert_int_equal(recvfrom(f.server_fd, data, 12, 0, &peer.sa, &peer_len), 12);
    for (int i = 0; i < ANSWERS; i++)
        assert_int_equal(sendto(f.server_fd, data, 512, 0, &peer.sa, peer_len), 512);
    while (lane_receive(f.lane, &f.back) > 0)
        received += f.back.count;
    assert_true(received > 0 && received < ANSWERS);
    assert_int_equal(received + lane_drops(f.lane), ANSWERS);
    stop(&f);
}

static void nothing_is_closed_or_given_back_twice(void **state)
{
    struct lane_batch batch = {0};
    (void)state;
    lane_close(NULL);
    lane_batch_deinit(&batch);
    lane_batch_init(&batch, 1, 12);
    lane_batch_deinit(&batch);
    lane_batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transport_is_read_by_its_name_and_by_no_other),
        cmocka_unit_test(sent_stamps_lie_evenly_between_the_two_clock_readings),
        cmocka_unit_test(a_stamp_is_told_in_monotonic_time),
        cmocka_unit_test(a_packet_without_stamp_counts_as_received_when_read),
        cmocka_unit_test(no_packet_is_received_after_it_was_read),
        cmocka_unit_test(a_set_wall_clock_voids_stamps_until_the_socket_was_emptied),
        cmocka_unit_test(measurements_that_differ_a_little_are_no_step),
        cmocka_unit_test(a_batch_goes_over_ipv4_in_order),
        cmocka_unit_test(a_batch_goes_over_ipv6_in_order),
        cmocka_unit_test(what_does_not_fit_a_batch_comes_with_the_next),
        cmocka_unit_test(messages_may_change_their_buffers),
        cmocka_unit_test(a_message_longer_than_its_room_is_cut),
        cmocka_unit_test(stamps_follow_each_other_from_sent_to_read),
        cmocka_unit_test(an_answer_read_late_keeps_its_time_of_arrival),
        cmocka_unit_test(queries_come_from_the_source_asked_for),
        cmocka_unit_test(a_source_that_is_not_ours_is_invalid),
        cmocka_unit_test(each_query_to_a_dead_ipv4_port_is_told_by_its_id),
        cmocka_unit_test(each_query_to_a_dead_ipv6_port_is_told_by_its_id),
        cmocka_unit_test(more_errors_than_fit_come_with_the_next_call),
        cmocka_unit_test(a_refused_query_costs_no_later_query),
        cmocka_unit_test(a_refused_query_costs_no_earlier_answer),
        cmocka_unit_test(answers_dropped_for_want_of_room_are_counted),
        cmocka_unit_test(nothing_is_closed_or_given_back_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
