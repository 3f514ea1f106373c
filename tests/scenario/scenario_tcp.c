/* TCP clients: pipelining, answers out of order, input in any portions, and the bounds of a connection:
 * idle time, queries pending, connections in all, half-closes and clients that do not read. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define PLAIN_OCTETS 21 /* a framed question for a name of one octet */

static const char CONFIG[] = "endpoints:\n"
                             "  - {names: [iam.amazonaws.com], addresses: [10.40.1.15]}\n"
                             "limits: {tcp_connections: 3, tcp_idle: 10s}\n"
                             "forward:\n"
                             "  - {zone: ., servers: [10.0.0.2]}\n";

static const char IAM[] =
    "NOERROR rd ra\n? iam.amazonaws.com. IN A\niam.amazonaws.com. 60 IN A 10.40.1.15\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 1, CONFIG};

#define EXPECT_TCP(id, expected) assert_string_equal(stage_tcp_reply(&stage, (id)), (expected))

/* Sends `count` questions for one-letter names from `first` on in one segment, to be forwarded. */
static void send_many(uint64_t id, unsigned first, unsigned count)
{
    static uint8_t octets[512 * PLAIN_OCTETS];
    char question[64];
    size_t len = 0;
    for (unsigned i = first; i < first + count; i++) {
        /* one of 26 names and many types: 512 different questions */
        snprintf(question, sizeof(question), "%c TYPE%u id=%u", 'a' + (int)(i % 26), 1000 + i, i);
        len += stage_frame(octets + len, sizeof(octets) - len, question);
    }
    fake_tcp_send(id, octets, len);
    fake_net_run();
}

/* Upstream answers everything it was asked; how many that was. */
static unsigned answer_all(void)
{
    unsigned count = 0;
    while (stage_query(&stage)[0] != '\0') {
        stage_answer(&stage, "NOERROR\n");
        count++;
    }
    return count;
}

static unsigned count_replies(uint64_t id)
{
    unsigned count = 0;
    while (stage_tcp_reply(&stage, id)[0] != '\0')
        count++;
    return count;
}

/* RFC 7766 sections 6.2.1.1 and 7. */
static void pipelined_questions_are_answered_as_their_answers_come(void **state)
{
    uint8_t octets[256];
    (void)state;
    uint64_t id = stage_connect(&stage);
    size_t len = stage_frame(octets, sizeof(octets), "slow.example.com A id=1");
    len += stage_frame(octets + len, sizeof(octets) - len, "quick.example.com A id=2");
    len += stage_frame(octets + len, sizeof(octets) - len, "iam.amazonaws.com A id=3");
    fake_tcp_send(id, octets, len);
    fake_net_run();
    EXPECT_TCP(id, IAM);
    assert_int_equal(stage.reply_id, 3);
    EXPECT_QUERY(&stage, "10.0.0.2 slow.example.com. A rd");
    struct fake_packet slow = stage.asked;
    EXPECT_QUERY(&stage, "10.0.0.2 quick.example.com. A rd");
    stage_answer(&stage, "NOERROR\nquick.example.com. 300 IN A 192.0.2.2\n");
    stage_expect_start(stage_tcp_reply(&stage, id), "NOERROR rd ra\n? quick.example.com.");
    assert_int_equal(stage.reply_id, 2);
    stage.asked = slow;
    stage_answer(&stage, "NOERROR\nslow.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_tcp_reply(&stage, id), "NOERROR rd ra\n? slow.example.com.");
    assert_int_equal(stage.reply_id, 1);
}

/* RFC 7766 section 8. */
static void input_may_come_octet_by_octet_and_a_reply_leaves_in_one_write(void **state)
{
    uint8_t octets[128];
    (void)state;
    uint64_t id = stage_connect(&stage);
    size_t len = stage_frame(octets, sizeof(octets), "iam.amazonaws.com A");
    len += stage_frame(octets + len, sizeof(octets) - len, "iam.amazonaws.com A");
    fake_tcp_send_split(id, octets, len, 1);
    fake_net_run();
    EXPECT_TCP(id, IAM);
    EXPECT_TCP(id, IAM);
    EXPECT_TCP(id, "");
    assert_int_equal(fake_tcp_writes(id), 2);
}

static void a_query_longer_than_we_take_closes_the_connection(void **state)
{
    static const uint8_t head[2] = {0xff, 0xff};
    (void)state;
    uint64_t id = stage_connect(&stage);
    fake_tcp_send(id, head, sizeof(head));
    fake_net_run();
    assert_false(fake_tcp_is_open(id));
    assert_int_equal(stage.workers[0]->listeners.connections_open, 0);
}

/* RFC 7766 section 6.2.3: idle ones are closed, never one with a query pending. */
static void an_idle_connection_is_closed_after_its_time_and_a_waiting_one_is_not(void **state)
{
    (void)state;
    uint64_t idle = stage_connect(&stage);
    fake_net_advance(9000);
    stage_tcp_ask(&stage, idle, "iam.amazonaws.com A");
    EXPECT_TCP(idle, IAM);
    fake_net_advance(500);
    uint64_t waiting = stage_connect(&stage);
    fake_net_advance(9400);
    stage_tcp_ask(&stage, waiting, "www.example.com A");
    assert_true(fake_tcp_is_open(idle));
    fake_net_advance(300);
    assert_false(fake_tcp_is_open(idle));
    fake_net_advance(1000);
    assert_true(fake_tcp_is_open(waiting));
    assert_in_range(stage_drop_queries(&stage), 1, 3);
    stage_answer(&stage, "NOERROR\n");
    stage_expect_start(stage_tcp_reply(&stage, waiting), "NOERROR rd ra\n");
    fake_net_advance(9999);
    assert_true(fake_tcp_is_open(waiting));
    fake_net_advance(2);
    assert_false(fake_tcp_is_open(waiting));
}

static void a_reload_changes_the_idle_time_of_open_connections_too(void **state)
{
    char yaml[sizeof(CONFIG)];
    (void)state;
    uint64_t idle = stage_connect(&stage);
    uint64_t waiting = stage_connect(&stage);
    stage_tcp_ask(&stage, waiting, "www.example.com A");
    memcpy(yaml, CONFIG, sizeof(CONFIG));
    memcpy(strstr(yaml, "10s}"), " 2s}", 4);
    stage_reload(&stage, yaml);
    fake_net_advance(2001);
    assert_false(fake_tcp_is_open(idle));
    assert_true(fake_tcp_is_open(waiting));
    fake_net_advance(3000);
    stage_expect_start(stage_tcp_reply(&stage, waiting), "SERVFAIL rd ra\n");
    fake_net_advance(2001);
    assert_false(fake_tcp_is_open(waiting));
    (void)stage_drop_queries(&stage);
}

static void at_the_limit_the_connection_idle_longest_gives_way(void **state)
{
    uint64_t ids[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ids[i] = stage_connect(&stage);
        fake_net_advance(10);
    }
    stage_tcp_ask(&stage, ids[0], "iam.amazonaws.com A");
    uint64_t fourth = stage_connect(&stage);
    assert_true(fake_tcp_is_open(fourth));
    assert_false(fake_tcp_is_open(ids[1]));
    assert_true(fake_tcp_is_open(ids[0]));
    assert_true(fake_tcp_is_open(ids[2]));
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_CONNECTIONS_FULL), 0);
}

static void when_all_wait_for_an_answer_a_new_connection_is_refused_and_counted(void **state)
{
    char question[64];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(question, sizeof(question), "w%zu.example.com A", i);
        stage_tcp_ask(&stage, stage_connect(&stage), question);
    }
    uint64_t fourth = stage_connect(&stage);
    assert_false(fake_tcp_is_open(fourth));
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_CONNECTIONS_FULL), 1);
    assert_int_equal(answer_all(), 3);
}

static void a_connection_with_256_questions_waiting_is_not_read_until_one_is_answered(void **state)
{
    (void)state;
    uint64_t id = stage_connect(&stage);
    send_many(id, 0, 190);
    send_many(id, 190, 66);
    send_many(id, 256, 60);
    assert_int_equal(stage_drop_queries(&stage), 256);
    assert_int_equal(stage.workers[0]->listeners.connections_open, 1);
    stage_answer(&stage, "NOERROR\n");
    assert_int_equal(count_replies(id), 1);
    assert_int_equal(stage_drop_queries(&stage), 1);
}

/* What is in our buffer already is not told by the network again. */
static void questions_held_back_in_the_buffer_are_answered_although_nothing_more_comes(void **state)
{
    (void)state;
    uint64_t id = stage_connect(&stage);
    send_many(id, 0, 190);
    send_many(id, 190, 190);
    assert_int_equal(answer_all(), 380);
    assert_int_equal(count_replies(id), 380);
    assert_true(fake_tcp_is_open(id));
}

/* A reply is owed to a reader: RFC 9293 section 3.6 has half-closed connections. */
static void a_client_that_closed_its_side_still_gets_all_its_answers(void **state)
{
    (void)state;
    uint64_t id = stage_connect(&stage);
    send_many(id, 0, 190);
    send_many(id, 190, 190);
    fake_tcp_close(id);
    fake_net_run();
    assert_true(fake_tcp_is_open(id));
    assert_int_equal(answer_all(), 380);
    assert_int_equal(count_replies(id), 380);
    assert_false(fake_tcp_is_open(id));
}

static void a_half_close_without_a_question_closes_at_once(void **state)
{
    (void)state;
    uint64_t id = stage_connect(&stage);
    fake_tcp_close(id);
    fake_net_run();
    assert_false(fake_tcp_is_open(id));
}

/* The answer goes nowhere, the place of the connection is another's by then. */
static void a_client_gone_before_its_answer_harms_nobody(void **state)
{
    (void)state;
    uint64_t gone = stage_connect(&stage);
    stage_tcp_ask(&stage, gone, "www.example.com A");
    fake_tcp_fail(gone, ERR_CLOSED);
    fake_net_run();
    uint64_t next = stage_connect(&stage);
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    EXPECT_TCP(next, "");
    stage_tcp_ask(&stage, next, "www.example.com A");
    stage_expect_start(stage_tcp_reply(&stage, next), "NOERROR rd ra\n");
}

/* Puts an answer of more than 3,000 octets for www.example.com A into the cache. */
static void store_long_answer(uint64_t id)
{
    char answer[16384] = "NOERROR\n";
    for (int i = 0; i < 200; i++)
        snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer),
                 "www.example.com. 300 IN A 192.0.2.%d\n", i);
    stage_tcp_ask(&stage, id, "www.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, answer);
    assert_int_equal(count_replies(id), 1);
    assert_in_range(stage.reply_len, 3000, 4000);
}

static void a_client_that_does_not_read_is_not_read_either(void **state)
{
    (void)state;
    uint64_t id = stage_connect(&stage);
    store_long_answer(id);
    fake_tcp_stall(id, true);
    for (int i = 0; i < 200; i++)
        stage_tcp_ask(&stage, id, "www.example.com A");
    assert_in_range(fake_tcp_writes(id), 60, 100);
    assert_true(fake_tcp_is_open(id));
    fake_tcp_stall(id, false);
    fake_net_run();
    assert_int_equal(count_replies(id), 200);
}

/* It closed its side, then reads on: what its bound held back is answered before the end.
 * All its questions fit our buffer, so that its end is read too. */
static void a_slow_client_that_closed_its_side_gets_what_was_held_back(void **state)
{
    static uint8_t octets[CONNECTION_INPUT_MAX];
    size_t len = 0;
    (void)state;
    uint64_t id = stage_connect(&stage);
    store_long_answer(id);
    fake_tcp_stall(id, true);
    for (int i = 0; i < 110; i++)
        len += stage_frame(octets + len, sizeof(octets) - len, "www.example.com A");
    fake_tcp_send(id, octets, len);
    fake_tcp_close(id);
    fake_net_run();
    assert_true(fake_tcp_is_open(id));
    fake_tcp_stall(id, false);
    fake_net_run();
    assert_int_equal(count_replies(id), 110);
    assert_false(fake_tcp_is_open(id));
}

/* RFC 7766 section 6.2.3 by its spirit: what was asked is answered, then the connection ends. */
static void a_stop_answers_what_waits_and_closes_idle_connections_at_once(void **state)
{
    (void)state;
    uint64_t idle = stage_connect(&stage);
    uint64_t waiting = stage_connect(&stage);
    stage_tcp_ask(&stage, waiting, "www.example.com A");
    worker_stop(stage.workers[0]);
    fake_net_run();
    assert_false(fake_tcp_is_open(idle));
    assert_true(fake_tcp_is_open(waiting));
    struct addr from = stage.listen;
    assert_int_equal(fake_tcp_connect(&stage.listen, &from), 0);
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_tcp_reply(&stage, waiting), "NOERROR rd ra\n");
    assert_false(fake_tcp_is_open(waiting));
}

#define SCENARIO(test) STAGE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(pipelined_questions_are_answered_as_their_answers_come),
        SCENARIO(input_may_come_octet_by_octet_and_a_reply_leaves_in_one_write),
        SCENARIO(a_query_longer_than_we_take_closes_the_connection),
        SCENARIO(an_idle_connection_is_closed_after_its_time_and_a_waiting_one_is_not),
        SCENARIO(a_reload_changes_the_idle_time_of_open_connections_too),
        SCENARIO(at_the_limit_the_connection_idle_longest_gives_way),
        SCENARIO(when_all_wait_for_an_answer_a_new_connection_is_refused_and_counted),
        SCENARIO(a_connection_with_256_questions_waiting_is_not_read_until_one_is_answered),
        SCENARIO(questions_held_back_in_the_buffer_are_answered_although_nothing_more_comes),
        SCENARIO(a_client_that_closed_its_side_still_gets_all_its_answers),
        SCENARIO(a_half_close_without_a_question_closes_at_once),
        SCENARIO(a_client_gone_before_its_answer_harms_nobody),
        SCENARIO(a_client_that_does_not_read_is_not_read_either),
        SCENARIO(a_slow_client_that_closed_its_side_gets_what_was_held_back),
        SCENARIO(a_stop_answers_what_waits_and_closes_idle_connections_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
