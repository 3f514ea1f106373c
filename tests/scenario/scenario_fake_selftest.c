/* The fake network itself: what scenarios take for granted of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fake_net.h"
#include "local53/net/mailbox.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"

/* Writes down what happens, in order. */
struct trace {
    struct loop *loop;
    struct timer_class *class;
    struct alarm *alarm;
    struct udp_client *client;
    char text[512];
};

static void note(struct trace *trace, const char *what)
{
    size_t len = strlen(trace->text);
    snprintf(trace->text + len, sizeof(trace->text) - len, "%s;", what);
}

static void note_number(struct trace *trace, const char *what, uint64_t number)
{
    char text[64];
    snprintf(text, sizeof(text), "%s %llu", what, (unsigned long long)number);
    note(trace, text);
}

static struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(&addr, text, 53), ERR_OK);
    return addr;
}

static int open_net(void **state)
{
    struct trace *trace = test_calloc(1, sizeof(*trace));
    fake_net_init();
    trace->loop = loop_new();
    *state = trace;
    return 0;
}

static int close_net(void **state)
{
    struct trace *trace = *state;
    loop_free(trace->loop);
    fake_net_deinit();
    test_free(trace);
    return 0;
}

/* --- time --- */

static void on_expire(void *owner, struct timer *timer)
{
    struct trace *trace = owner;
    (void)timer;
    note_number(trace, "timer at", loop_now_ms(trace->loop) - FAKE_NET_START_MS);
}

static void on_alarm(void *owner)
{
    struct trace *trace = owner;
    note_number(trace, "alarm at", loop_now_ms(trace->loop) - FAKE_NET_START_MS);
    if (loop_now_ms(trace->loop) < FAKE_NET_START_MS + 100)
        alarm_set(trace->alarm, 40);
}

static void timers_fire_in_order_each_at_its_own_time(void **state)
{
    struct trace *trace = *state;
    struct timer first = {.expires_ms = 0};
    struct timer second = {.expires_ms = 0};
    struct timer stopped = {.expires_ms = 0};
    trace->class = timer_class_new(trace->loop, 50, on_expire, trace);
    trace->alarm = alarm_new(trace->loop, on_alarm, trace);
    timer_start(trace->class, &first);
    timer_start(trace->class, &stopped);
    alarm_set(trace->alarm, 40);
    fake_net_advance(30);
    timer_start(trace->class, &second);
    timer_stop(&stopped);
    assert_int_equal(fake_net_next_timer_ms(), 10);
    fake_net_advance(200);
    assert_string_equal(trace->text,
                        "alarm at 40;timer at 50;timer at 80;alarm at 80;alarm at 120;");
    assert_int_equal(fake_net_next_timer_ms(), UINT64_MAX);
    assert_int_equal(fake_net_now_ms(), FAKE_NET_START_MS + 230);
    timer_class_free(trace->class);
    alarm_free(trace->alarm);
}

static void on_message(void *owner, int kind, void *payload)
{
    struct trace *trace = owner;
    assert_null(payload);
    note_number(trace, "message", (uint64_t)kind);
}

static void on_turn(void *owner)
{
    note(owner, "turn");
}

static void messages_come_in_the_order_posted_and_the_turn_ends_after_them(void **state)
{
    struct trace *trace = *state;
    struct mailbox *mailbox = mailbox_new(trace->loop, on_message, trace);
    loop_set_on_turn(trace->loop, on_turn, trace);
    mailbox_post(mailbox, 1, NULL);
    mailbox_post(mailbox, 2, NULL);
    assert_string_equal(trace->text, "");
    fake_net_run();
    assert_string_equal(trace->text, "message 1;message 2;turn;turn;");
    loop_set_on_turn(trace->loop, NULL, NULL);
    mailbox_post(mailbox, 3, NULL);
    mailbox_free(mailbox);
    assert_string_equal(trace->text, "message 1;message 2;turn;turn;message 3;");
}

static void on_signal(void *owner, int number)
{
    note_number(owner, "signal", (uint64_t)number);
}

static void a_signal_is_told_to_the_loop_that_asked(void **state)
{
    struct trace *trace = *state;
    loop_on_signal(trace->loop, 1, on_signal, trace);
    fake_net_signal(1);
    fake_net_signal(15);
    fake_net_run();
    assert_string_equal(trace->text, "signal 1;");
}

/* --- datagrams --- */

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    note_number(owner, "batch of", count);
    for (size_t i = 0; i < count; i++) {
        memcpy(udp_server_reserve(server), packets[i].data, packets[i].len);
        udp_server_commit(server, &packets[i].peer, packets[i].len);
    }
}

static void a_batch_is_answered_to_the_right_clients(void **state)
{
    struct trace *trace = *state;
    struct udp_server *server;
    struct fake_packet reply;
    struct addr at = addr_of("169.254.20.10");
    struct fake_datagram queries[2] = {{addr_of("10.0.0.1"), "one", 3},
                                       {addr_of("10.0.0.2"), "two", 3}};
    assert_int_equal(udp_server_open(&server, trace->loop, &at, on_batch, trace), ERR_OK);
    assert_ptr_equal(fake_udp_server(&at, 0), server);
    assert_null(fake_udp_server(&at, 1));
    fake_udp_deliver_batch(server, queries, 2);
    assert_false(fake_udp_take_reply(NULL, &reply));
    fake_net_run();
    assert_string_equal(trace->text, "batch of 2;");
    assert_true(fake_udp_take_reply(&queries[1].from, &reply));
    assert_memory_equal(reply.data, "two", 3);
    assert_true(addr_equal(&reply.from, &at));
    assert_true(fake_udp_take_reply(NULL, &reply));
    assert_memory_equal(reply.data, "one", 3);
    assert_false(fake_udp_take_reply(NULL, &reply));
    fake_udp_refuse_replies(server, true);
    fake_udp_deliver(server, &queries[0].from, "x", 1);
    fake_net_run();
    assert_int_equal(udp_server_stats(server).send_drops, 1);
    assert_false(fake_udp_take_reply(NULL, &reply));
    udp_server_close(server);
}

static void forty_packets_come_in_a_full_batch_and_the_rest(void **state)
{
    struct trace *trace = *state;
    struct udp_server *server;
    struct addr at = addr_of("169.254.20.10");
    struct addr from = addr_of("10.0.0.1");
    assert_int_equal(udp_server_open(&server, trace->loop, &at, on_batch, trace), ERR_OK);
    for (unsigned i = 0; i < 40; i++)
        fake_udp_deliver(server, &from, "?", 1);
    fake_net_run();
    assert_string_equal(trace->text, "batch of 32;batch of 8;");
    udp_server_close(server);
}

static void on_datagram(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct trace *trace = owner;
    char text[64];
    snprintf(text, sizeof(text), "got %.*s", (int)len, (const char *)data);
    note(trace, text);
    if (memcmp(data, "last", 4) == 0)
        udp_client_close(client);
}

static void on_error(void *owner, struct udp_client *client, enum err err)
{
    (void)client;
    note(owner, err_text(err));
}

static const struct udp_client_events client_events = {on_datagram, on_error};

static void an_upstream_sees_the_query_and_may_answer_fail_or_be_silent(void **state)
{
    struct trace *trace = *state;
    struct fake_packet query;
    struct addr upstream = addr_of("10.0.0.2");
    const uint8_t *ask = (const uint8_t *)"ask";
    assert_int_equal(udp_client_open(&trace->client, trace->loop, &upstream, &client_events, trace),
                     ERR_OK);
    assert_int_equal(udp_client_send(trace->client, ask, 3), ERR_OK);
    fake_upstream_fail_sends(&upstream, ERR_UNREACHABLE);
    assert_int_equal(udp_client_send(trace->client, ask, 3), ERR_UNREACHABLE);
    fake_upstream_fail_sends(&upstream, ERR_OK);
    assert_true(fake_upstream_take(&upstream, &query));
    assert_false(fake_upstream_take(NULL, &query));
    assert_true(fake_upstream_error(query.socket, ERR_REFUSED));
    assert_true(fake_upstream_answer(query.socket, "early", 5));
    assert_true(fake_upstream_answer(query.socket, "last", 4));
    assert_true(fake_upstream_answer(query.socket, "late", 4));
    assert_int_equal(fake_upstream_sockets(), 1);
    fake_net_run();
    assert_string_equal(trace->text, "refused by the peer;got early;got last;");
    assert_int_equal(fake_upstream_sockets(), 0);
    assert_false(fake_upstream_answer(query.socket, "late", 4));
}

static void each_client_socket_has_a_name_and_a_port_of_its_own(void **state)
{
    struct trace *trace = *state;
    struct udp_client *other;
    struct fake_packet first;
    struct fake_packet second;
    struct addr upstream = addr_of("10.0.0.2");
    assert_int_equal(udp_client_open(&trace->client, trace->loop, &upstream, &client_events, trace),
                     ERR_OK);
    assert_int_equal(udp_client_open(&other, trace->loop, &upstream, &client_events, trace),
                     ERR_OK);
    assert_int_equal(udp_client_send(trace->client, (const uint8_t *)"a", 1), ERR_OK);
    assert_int_equal(udp_client_send(other, (const uint8_t *)"b", 1), ERR_OK);
    assert_true(fake_upstream_take(NULL, &first));
    assert_true(fake_upstream_take(NULL, &second));
    assert_true(first.socket != second.socket);
    assert_int_not_equal(addr_port(&first.from), addr_port(&second.from));
    udp_client_close(trace->client);
    udp_client_close(other);
}

/* --- streams --- */

/* One end of a connection in the code under test. */
struct end {
    struct trace *trace;
    struct stream *stream;
    uint8_t space[8]; /* small: long segments come in pieces */
    size_t cap;       /* how much of it is offered */
};

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct end *end = owner;
    (void)stream;
    *cap = end->cap;
    return end->space;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct end *end = owner;
    char text[64];
    (void)stream;
    snprintf(text, sizeof(text), "got %.*s", (int)len, (const char *)end->space);
    note(end->trace, text);
}

static void on_drained(void *owner, struct stream *stream)
{
    struct end *end = owner;
    (void)stream;
    note(end->trace, "drained");
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct end *end = owner;
    (void)stream;
    note(end->trace, err_text(err));
}

static const struct stream_events events = {
    .on_space = on_space, .on_data = on_data, .on_drained = on_drained, .on_end = on_end};

static void on_eof(void *owner, struct stream *stream)
{
    struct end *end = owner;
    note(end->trace, "eof");
    assert_true(stream_write(stream, "bye", 3, NULL, 0));
    stream_close(stream);
}

static const struct stream_events half_close_events = {
    .on_space = on_space, .on_data = on_data, .on_eof = on_eof, .on_end = on_end};

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct end *end = owner;
    (void)listener;
    end->stream = stream;
    stream_accept(stream, &events, end);
}

static void a_client_connection_carries_segments_both_ways(void **state)
{
    struct trace *trace = *state;
    struct end end = {.trace = trace, .cap = 8};
    struct stream_listener *listener;
    struct addr at = addr_of("127.0.0.1");
    struct addr from = addr_of("10.0.0.1");
    char taken[16];
    assert_int_equal(fake_tcp_connect(&at, &from), 0);
    assert_int_equal(stream_listen_tcp(&listener, trace->loop, &at, on_connection, &end), ERR_OK);
    uint64_t id = fake_tcp_connect(&at, &from);
    fake_tcp_send_split(id, "abcde", 5, 3);
    fake_tcp_send(id, "0123456789", 10);
    fake_net_run();
    assert_string_equal(trace->text, "got abc;got de;got 01234567;got 89;");
    assert_true(stream_write(end.stream, "he", 2, "llo", 3));
    assert_int_equal(fake_tcp_writes(id), 1);
    assert_int_equal(fake_tcp_take(id, taken, sizeof(taken)), 5);
    assert_memory_equal(taken, "hello", 5);
    fake_tcp_close(id);
    fake_net_run();
    assert_string_equal(trace->text, "got abc;got de;got 01234567;got 89;closed by the peer;");
    assert_false(fake_tcp_is_open(id));
    stream_listener_close(listener);
}

static void a_paused_reader_gets_the_rest_when_it_resumes(void **state)
{
    struct trace *trace = *state;
    struct end end = {.trace = trace, .cap = 0};
    struct stream_listener *listener;
    assert_int_equal(
        stream_listen_unix(&listener, trace->loop, "/run/fake.sock", on_connection, &end), ERR_OK);
    uint64_t id = fake_unix_connect("/run/fake.sock");
    fake_tcp_send(id, "abc", 3);
    fake_net_run();
    assert_string_equal(trace->text, "");
    end.cap = 8;
    stream_resume(end.stream);
    fake_net_run();
    assert_string_equal(trace->text, "got abc;");
    stream_abort(end.stream);
    fake_net_run();
    assert_string_equal(trace->text, "got abc;no error;");
    stream_listener_close(listener);
}

static void our_connection_waits_for_the_peer_and_writes_leave_then(void **state)
{
    struct trace *trace = *state;
    struct end end = {.trace = trace, .cap = 8};
    struct fake_connect asked;
    struct addr to = addr_of("10.0.0.2");
    char taken[16];
    assert_int_equal(stream_connect_tcp(&end.stream, trace->loop, &to, &events, &end), ERR_OK);
    assert_true(stream_write(end.stream, "ab", 2, "c", 1));
    assert_true(fake_tcp_take_connect(&asked));
    assert_true(addr_equal(&asked.to, &to));
    fake_net_run();
    assert_int_equal(fake_tcp_take(asked.id, taken, sizeof(taken)), 0);
    fake_tcp_accept(asked.id);
    fake_net_run();
    assert_int_equal(fake_tcp_take(asked.id, taken, sizeof(taken)), 3);
    assert_string_equal(trace->text, "drained;");
    fake_tcp_fail(asked.id, ERR_TIMEOUT);
    fake_net_run();
    assert_string_equal(trace->text, "drained;timed out;");
    assert_false(fake_tcp_take_connect(&asked));
}

static void a_peer_that_does_not_read_is_given_up_after_a_second_at_close(void **state)
{
    struct trace *trace = *state;
    struct end end = {.trace = trace, .cap = 8};
    struct stream_listener *listener;
    struct addr at = addr_of("127.0.0.1");
    struct addr from = addr_of("10.0.0.1");
    assert_int_equal(stream_listen_tcp(&listener, trace->loop, &at, on_connection, &end), ERR_OK);
    uint64_t id = fake_tcp_connect(&at, &from);
    fake_net_run();
    fake_tcp_stall(id, true);
    assert_true(stream_write(end.stream, "ab", 2, NULL, 0));
    assert_int_equal(stream_queued(end.stream), 2);
    stream_close(end.stream);
    fake_net_advance(999);
    assert_string_equal(trace->text, "");
    fake_net_advance(1);
    assert_string_equal(trace->text, "no error;");
    stream_listener_close(listener);
}

static void a_peer_that_closed_its_side_still_gets_an_answer(void **state)
{
    struct trace *trace = *state;
    struct end end = {.trace = trace, .cap = 8};
    struct fake_connect asked;
    struct addr to = addr_of("10.0.0.2");
    char taken[16];
    assert_int_equal(stream_connect_tcp(&end.stream, trace->loop, &to, &half_close_events, &end),
                     ERR_OK);
    assert_true(fake_tcp_take_connect(&asked));
    fake_tcp_accept(asked.id);
    fake_tcp_send(asked.id, "abc", 3);
    fake_tcp_close(asked.id);
    fake_net_run();
    assert_string_equal(trace->text, "got abc;eof;no error;");
    assert_int_equal(fake_tcp_take(asked.id, taken, sizeof(taken)), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_order_each_at_its_own_time, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(
            messages_come_in_the_order_posted_and_the_turn_ends_after_them, open_net, close_net),
        cmocka_unit_test_setup_teardown(a_signal_is_told_to_the_loop_that_asked, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(a_batch_is_answered_to_the_right_clients, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(forty_packets_come_in_a_full_batch_and_the_rest, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(an_upstream_sees_the_query_and_may_answer_fail_or_be_silent,
                                        open_net, close_net),
        cmocka_unit_test_setup_teardown(each_client_socket_has_a_name_and_a_port_of_its_own,
                                        open_net, close_net),
        cmocka_unit_test_setup_teardown(a_client_connection_carries_segments_both_ways, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(a_paused_reader_gets_the_rest_when_it_resumes, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(our_connection_waits_for_the_peer_and_writes_leave_then,
                                        open_net, close_net),
        cmocka_unit_test_setup_teardown(a_peer_that_closed_its_side_still_gets_an_answer, open_net,
                                        close_net),
        cmocka_unit_test_setup_teardown(
            a_peer_that_does_not_read_is_given_up_after_a_second_at_close, open_net, close_net),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
