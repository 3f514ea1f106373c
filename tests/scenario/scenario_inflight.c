/* Identical questions in flight are asked once a loop, each client is answered in its own terms, and
 * full tables shed and count. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

static const char CONFIG[] = "limits: {inflight: 16}\n"
                             "forward:\n"
                             "  - {zone: ., servers: [10.0.0.2]}\n";

/* Clients that may wait for one loop with that limit. */
#define WAITERS (16 * 4)

static const char WIDE_CONFIG[] = "limits: {inflight: 4096}\n"
                                  "forward:\n"
                                  "  - {zone: ., servers: [10.0.0.2]}\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, CONFIG};
static struct stage_plan wide_plan = {&stage, 2, WIDE_CONFIG};

/* RFC 5452 section 5: one outstanding question for all who ask it, here one a loop. */
static void ten_thousand_identical_questions_are_one_exchange_a_loop(void **state)
{
    char question[64];
    unsigned replies = 0;
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(question, sizeof(question), "www.example.com A id=%u from=%u", i, i % 5000);
        stage_send(&stage, i % 2, question);
    }
    fake_net_run();
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    EXPECT_NO_QUERY(&stage);
    for (unsigned client = 0; client < 5000; client++) {
        while (stage_reply(&stage, client)[0] != '\0')
            replies++;
    }
    assert_int_equal(replies, 10000);
    assert_int_equal(stage_count(&stage, METRICS_INFLIGHT_JOINED, 0), 9998);
}

/* RFC 1035 section 4.1.1, RFC 4343 section 4.1, RFC 6891 section 6.1.1. */
static void each_waiter_gets_its_own_id_case_flags_and_edns(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A id=1 from=1");
    stage_ask(&stage, 0, "WWW.Example.com A id=2 from=2 ad edns=4096");
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "www.EXAMPLE.com A id=3 edns=512");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR ad\nwww.example.com. 300 IN A 192.0.2.1\n");
    EXPECT_NO_QUERY(&stage);
    EXPECT_REPLY(&stage,
                 "NOERROR rd ra\n? www.example.com. IN A\nwww.example.com. 300 IN A 192.0.2.1\n");
    assert_int_equal(stage.reply_id, 1);
    assert_string_equal(stage_reply(&stage, 2), "NOERROR rd ra ad\n? WWW.Example.com. IN A\n"
                                                "WWW.Example.com. 300 IN A 192.0.2.1\nedns 1232\n");
    assert_int_equal(stage.reply_id, 2);
    assert_string_equal(stage_tcp_reply(&stage, tcp),
                        "NOERROR rd ra\n? www.EXAMPLE.com. IN A\n"
                        "www.EXAMPLE.com. 300 IN A 192.0.2.1\nedns 1232\n");
    assert_int_equal(stage.reply_id, 3);
}

/* DO, CD, class and type are other questions (RFC 4035 section 3.2). */
static void different_questions_are_not_merged(void **state)
{
    static const char *const questions[] = {"www.example.com A",    "www.example.com AAAA",
                                            "www.example.com A do", "www.example.com A cd",
                                            "www.example.com A CH", "example.com A"};
    (void)state;
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        stage_ask(&stage, 0, questions[i]);
    assert_int_equal(stage_drop_queries(&stage), sizeof(questions) / sizeof(questions[0]));
    assert_int_equal(stage_count(&stage, METRICS_INFLIGHT_JOINED, 0), 0);
}

/* RFC 1035 section 4.1.1: without RD an upstream may answer only from what it has. */
static void a_question_without_rd_is_asked_apart_and_its_answer_not_stored(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A from=2");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    struct fake_packet recursive = stage.asked;
    stage_ask(&stage, 0, "www.example.com A -rd");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A");
    stage_answer(&stage, "REFUSED\n");
    EXPECT_REPLY(&stage, "REFUSED ra\n? www.example.com. IN A\n");
    assert_string_equal(stage_reply(&stage, 2), "");
    assert_int_equal(cache_stats(stage.cache).entries, 0);
    stage.asked = recursive;
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_reply(&stage, 2), "NOERROR rd ra\n");
    stage_expect_start(stage_lookup(&stage, 1, "www.example.com A -rd"), "NOERROR ra\n");
}

static void a_full_table_of_questions_sheds_new_ones_and_counts_them(void **state)
{
    char question[64];
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(question, sizeof(question), "w%u.example.com A", i);
        stage_ask(&stage, 0, question);
    }
    EXPECT_NO_REPLY(&stage);
    assert_int_equal(stage_drop_queries(&stage), 16);
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_INFLIGHT_FULL), 4);
    stage_ask(&stage, 1, "w19.example.com A");
    assert_int_equal(stage_drop_queries(&stage), 1);
    stage_answer(&stage, "NOERROR\nw19.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n");
    stage_expect_start(stage_lookup(&stage, 0, "w19.example.com A"), "NOERROR rd ra\n");
}

static void a_full_table_of_waiters_sheds_the_next_one_and_answers_the_others(void **state)
{
    char question[64];
    (void)state;
    for (unsigned i = 0; i < WAITERS + 3; i++) {
        snprintf(question, sizeof(question), "www.example.com A from=%u", i);
        stage_send(&stage, 0, question);
    }
    fake_net_run();
    assert_int_equal(stage_count(&stage, METRICS_DROPPED, METRICS_DROP_WAITERS_FULL), 3);
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    stage_answer(&stage, "NOERROR\nwww.example.com. 0 IN A 192.0.2.1\n");
    for (unsigned i = 0; i < WAITERS; i++)
        stage_expect_start(stage_reply(&stage, i), "NOERROR rd ra\n");
    assert_string_equal(stage_reply(&stage, WAITERS), "");
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
}

/* On a connection an answer is owed for each query (RFC 7766 section 7); it is then as idle as before. */
static void a_shed_question_over_tcp_gets_servfail_and_leaves_the_connection_usable(void **state)
{
    char question[64];
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        snprintf(question, sizeof(question), "w%u.example.com A", i);
        stage_ask(&stage, 0, question);
    }
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "www.example.com A");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "SERVFAIL rd ra\n");
    stage_tcp_ask(&stage, tcp, "localhost A");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "NOERROR rd ra\n");
    fake_net_advance(10001);
    assert_false(fake_tcp_is_open(tcp));
}

/* With the answer of TTL 0 a waiter's connection goes on reading, and asks the same again. */
static void a_pipelined_question_for_the_answer_being_given_is_answered_too(void **state)
{
    uint8_t octets[64];
    (void)state;
    uint64_t tcp = stage_connect(&stage);
    size_t len = stage_frame(octets, sizeof(octets), "a A");
    for (unsigned i = 0; i < 300; i++)
        fake_tcp_send(tcp, octets, len);
    fake_net_run();
    unsigned replies = 0;
    for (unsigned round = 0; round < 4 && stage_query(&stage)[0] != '\0'; round++)
        stage_answer(&stage, "NOERROR\na. 0 IN A 192.0.2.1\n");
    while (stage_tcp_reply(&stage, tcp)[0] != '\0')
        replies++;
    assert_int_equal(replies, 300);
    EXPECT_NO_QUERY(&stage);
}

/* RFC 8914 sections 4.23 and 4.24. */
static void all_waiters_of_a_dead_server_hear_servfail_within_5_seconds(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A edns=1232");
    fake_net_advance(1000);
    stage_ask(&stage, 0, "www.example.com A from=2");
    fake_net_advance(4000);
    EXPECT_REPLY(&stage, "SERVFAIL rd ra\n? www.example.com. IN A\nedns 1232 ede=22\n");
    assert_string_equal(stage_reply(&stage, 2), "SERVFAIL rd ra\n? www.example.com. IN A\n");
    (void)stage_drop_queries(&stage);
}

#define SCENARIO(test) STAGE_TEST(test, &plan)
#define WIDE_SCENARIO(test) STAGE_TEST(test, &wide_plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIDE_SCENARIO(ten_thousand_identical_questions_are_one_exchange_a_loop),
        SCENARIO(each_waiter_gets_its_own_id_case_flags_and_edns),
        SCENARIO(different_questions_are_not_merged),
        SCENARIO(a_question_without_rd_is_asked_apart_and_its_answer_not_stored),
        SCENARIO(a_full_table_of_questions_sheds_new_ones_and_counts_them),
        SCENARIO(a_full_table_of_waiters_sheds_the_next_one_and_answers_the_others),
        SCENARIO(a_shed_question_over_tcp_gets_servfail_and_leaves_the_connection_usable),
        WIDE_SCENARIO(a_pipelined_question_for_the_answer_being_given_is_answered_too),
        SCENARIO(all_waiters_of_a_dead_server_hear_servfail_within_5_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
