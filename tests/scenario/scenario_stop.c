/* An ordered stop: what is in flight is finished, nothing waits for longer than WORKER_STOP_MS, and
 * everything is given back (the stage proves that when it closes). */
#include <stdio.h>
#include <string.h>

#include "stage.h"

static const char CONFIG[] = "endpoints:\n"
                             "  - {names: [iam.amazonaws.com], addresses: [10.40.1.15]}\n"
                             "forward:\n"
                             "  - {zone: ., servers: [10.0.0.2]}\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, CONFIG};

/* A worker whose stop is complete has closed its UDP socket. */
static bool is_closed(size_t sockets_left)
{
    return fake_udp_server(&stage.listen, sockets_left) == NULL;
}

static void a_worker_with_nothing_in_flight_stops_at_once(void **state)
{
    (void)state;
    worker_stop(stage.workers[0]);
    fake_net_advance(20);
    assert_true(is_closed(1));
    assert_false(is_closed(0));
}

static void questions_in_flight_are_answered_before_the_worker_ends(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A");
    EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
    worker_stop(stage.workers[0]);
    fake_net_advance(100);
    assert_false(is_closed(1));
    stage_ask(&stage, 0, "iam.amazonaws.com A");
    stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n? iam.amazonaws.com.");
    stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n? www.example.com.");
    fake_net_advance(20);
    assert_true(is_closed(1));
}

/* New questions go on coming until the socket closes: they may not hold the stop up, and silence sends
 * their clients to the next server where SERVFAIL would end it. */
static void questions_that_come_after_the_word_to_stop_are_not_waited_for(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "old.example.com A edns=1232");
    EXPECT_QUERY(&stage, "10.0.0.2 old.example.com. A rd");
    struct fake_packet old = stage.asked;
    worker_stop(stage.workers[0]);
    fake_net_advance(50);
    stage_ask(&stage, 0, "new.example.com A from=2");
    stage.asked = old;
    stage_answer(&stage, "NOERROR\nold.example.com. 300 IN A 192.0.2.1\n");
    stage_expect_start(stage_reply(&stage, 1), "NOERROR rd ra\n");
    fake_net_advance(20);
    assert_true(is_closed(1));
    assert_string_equal(stage_reply(&stage, 2), "");
    assert_int_equal(cache_stats(stage.cache).entries, 1);
    (void)stage_drop_queries(&stage);
}

static void with_a_dead_upstream_all_waiters_hear_servfail_and_the_stop_is_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        stage_ask(&stage, 0, "www.example.com A");
        fake_net_advance(100);
    }
    uint64_t tcp = stage_connect(&stage);
    stage_tcp_ask(&stage, tcp, "other.example.com A");
    worker_stop(stage.workers[0]);
    fake_net_advance(WORKER_STOP_MS);
    for (int i = 0; i < 3; i++)
        stage_expect_start(stage_reply(&stage, 1), "SERVFAIL rd ra\n");
    stage_expect_start(stage_tcp_reply(&stage, tcp), "SERVFAIL rd ra\n");
    assert_false(fake_tcp_is_open(tcp));
    assert_true(is_closed(1));
    (void)stage_drop_queries(&stage);
}

/* When the upstream is closed each answer lets a connection at its bound be read on: nothing new may
 * start then. */
static void a_connection_at_its_bound_does_not_hold_the_stop_up(void **state)
{
    static uint8_t octets[400 * 32];
    char question[64];
    size_t len = 0;
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(question, sizeof(question), "a TYPE%u", 1000 + i);
        len += stage_frame(octets + len, sizeof(octets) - len, question);
    }
    uint64_t tcp = stage_connect(&stage);
    fake_tcp_send(tcp, octets, len);
    fake_net_run();
    assert_int_equal(stage_drop_queries(&stage), 256);
    worker_stop(stage.workers[0]);
    fake_net_advance(WORKER_STOP_MS);
    assert_true(is_closed(1));
    assert_false(fake_tcp_is_open(tcp));
    (void)stage_drop_queries(&stage);
}

static void a_client_that_does_not_read_holds_the_end_up_for_a_second_at_most(void **state)
{
    (void)state;
    uint64_t tcp = stage_connect(&stage);
    fake_tcp_stall(tcp, true);
    stage_tcp_ask(&stage, tcp, "iam.amazonaws.com A");
    worker_stop(stage.workers[0]);
    fake_net_advance(1100);
    assert_true(is_closed(1));
    assert_int_equal(slab_used(&stage.workers[0]->listeners.connections), 0);
}

static void a_second_word_to_stop_and_a_late_snapshot_change_nothing(void **state)
{
    (void)state;
    stage_ask(&stage, 0, "www.example.com A");
    worker_stop(stage.workers[0]);
    fake_net_advance(50);
    worker_stop(stage.workers[0]);
    stage_publish(&stage, 0, stage_snapshot(&stage, CONFIG));
    fake_net_advance(WORKER_STOP_MS - 50);
    stage_expect_start(stage_reply(&stage, 1), "SERVFAIL rd ra\n");
    assert_true(is_closed(1));
    (void)stage_drop_queries(&stage);
}

/* What /healthz tells of a loop that hangs: how long its sign of life is owed. */
static void a_loop_that_does_not_turn_owes_one_sign_of_life_and_gives_it_when_it_turns(void **state)
{
    struct worker *worker = stage.workers[0];
    uint64_t now_ms = fake_net_now_ms() + WORKER_POKE_MS;
    (void)state;
    worker_poke(worker, now_ms);
    assert_int_equal(worker_silent_ms(worker, now_ms + 31000), 31000);
    worker_poke(worker, now_ms + 31000);
    assert_int_equal(worker->pokes_sent, 1);
    fake_net_run();
    assert_int_equal(worker_silent_ms(worker, now_ms + 31000), 0);
    worker_poke(worker, now_ms + WORKER_POKE_MS - 1);
    assert_int_equal(worker->pokes_sent, 1);
}

static void on_supervisor_message(void *owner, int kind, void *payload)
{
    void **told = owner;
    assert_int_equal(kind, WORKER_STOPPED);
    *told = payload;
}

static void the_supervisor_is_told_when_the_loop_has_ended(void **state)
{
    struct loop *loop = loop_new();
    void *told = NULL;
    struct addr failed;
    struct mailbox *mailbox = mailbox_new(loop, on_supervisor_message, &told);
    struct worker *worker;
    struct worker_setup setup = {.listen = &stage.listen,
                                 .listen_count = 1,
                                 .cache = stage.cache,
                                 .snapshot = stage.snapshot,
                                 .tcp_connections = 4,
                                 .supervisor = mailbox};
    (void)state;
    assert_int_equal(worker_new(&worker, &setup, &failed), ERR_OK);
    worker_stop(worker);
    fake_net_advance(20);
    assert_null(told);
    worker_run(worker);
    fake_net_run();
    assert_ptr_equal(told, worker);
    worker_free(worker);
    mailbox_free(mailbox);
    loop_free(loop);
}

static void a_worker_that_never_ran_is_given_back_whole(void **state)
{
    struct addr failed;
    struct worker *worker;
    struct worker_setup setup = {.listen = &stage.listen,
                                 .listen_count = 1,
                                 .cache = stage.cache,
                                 .snapshot = stage.snapshot,
                                 .tcp_connections = 4};
    (void)state;
    assert_int_equal(worker_new(&worker, &setup, &failed), ERR_OK);
    worker_free(worker);
    assert_true(is_closed(2));
}

#define SCENARIO(test) STAGE_TEST(test, &plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENARIO(a_worker_with_nothing_in_flight_stops_at_once),
        SCENARIO(questions_in_flight_are_answered_before_the_worker_ends),
        SCENARIO(questions_that_come_after_the_word_to_stop_are_not_waited_for),
        SCENARIO(with_a_dead_upstream_all_waiters_hear_servfail_and_the_stop_is_bounded),
        SCENARIO(a_connection_at_its_bound_does_not_hold_the_stop_up),
        SCENARIO(a_client_that_does_not_read_holds_the_end_up_for_a_second_at_most),
        SCENARIO(a_loop_that_does_not_turn_owes_one_sign_of_life_and_gives_it_when_it_turns),
        SCENARIO(a_second_word_to_stop_and_a_late_snapshot_change_nothing),
        SCENARIO(the_supervisor_is_told_when_the_loop_has_ended),
        SCENARIO(a_worker_that_never_ran_is_given_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
