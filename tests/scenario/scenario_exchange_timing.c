/* When an exchange asks again and whom, how it ends when nobody answers, and how servers go down and come
 * back. */
#include "exchange_scene.h"

/* What a test sees of the queries to one server. */
static unsigned count_queries(const struct scene *scene, size_t n, struct fake_packet *last)
{
    struct fake_packet query;
    unsigned count = 0;
    while (fake_upstream_take(&scene->pool.servers[n], &query)) {
        count++;
        if (last != NULL)
            *last = query;
    }
    return count;
}

/* Three questions nobody answers, which takes the first server down; queries are thrown away. */
static void take_down(struct scene *scene, size_t servers)
{
    struct scene_end end;
    size_t count = scene->pool.count;
    scene->pool.count = servers;
    for (int i = 0; i < 3 && (i == 0 || scene_is_up(scene, servers - 1)); i++) {
        scene_ask(scene, &end);
        fake_net_advance(EXCHANGE_BUDGET_MS + 1);
    }
    for (size_t i = 0; i < servers; i++)
        assert_false(scene_is_up(scene, i));
    count_queries(scene, 0, NULL);
    count_queries(scene, 1, NULL);
    count_queries(scene, 2, NULL);
    scene->pool.count = count;
}

/* Answers every query sent so far, probes too. */
static void answer_all(const struct scene *scene)
{
    struct fake_packet query;
    while (fake_upstream_take(NULL, &query))
        scene_answer(&query, SCENE_NOERROR);
    (void)scene;
}

static void after_a_time_out_the_next_server_is_asked(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    fake_net_advance(399);
    scene_expect_silence();
    fake_net_advance(52);
    scene_take(scene, 1, &query);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 1, RCODE_NOERROR);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_TIMEOUTS, 0), 1);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_TIMEOUTS, 1), 0);
}

/* The socket of the first try is replaced, but still listens until the exchange ends. */
static void a_late_answer_of_the_first_server_is_taken_while_the_second_is_asked(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet first;
    struct fake_packet second;
    uint8_t answer[SCENE_ANSWER_MAX];
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &first);
    fake_net_advance(500);
    scene_take(scene, 1, &second);
    scene_answer(&first, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    /* The second server's answer comes for nobody, and is no forgery. */
    size_t len = scene_compose(second.data, SCENE_NOERROR, 1, answer);
    scene_send(&second, answer, len);
    assert_int_equal(end.calls, 1);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 1), 0);
    scene_send(&second, answer, len);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 1), 1);
}

static void a_late_refusal_does_not_end_the_wait_for_another_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet first;
    struct fake_packet second;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &first);
    fake_net_advance(500);
    scene_take(scene, 1, &second);
    scene_answer(&first, SCENE_NOERROR | RCODE_SERVFAIL);
    assert_int_equal(end.calls, 0);
    scene_expect_silence();
    scene_answer(&second, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 1, RCODE_NOERROR);
}

/* What else was sent asks for the root: no fourth packet of the question. */
static void expect_only_probes(void)
{
    struct fake_packet query;
    while (fake_upstream_take(NULL, &query))
        assert_int_equal(query.data[MESSAGE_HEADER_OCTETS], 0);
}

/* RFC 9520 section 3.1. */
static void a_silent_server_gets_three_packets_from_three_sockets(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet queries[3];
    scene_ask(scene, &end);
    for (size_t i = 0; i < 3; i++) {
        scene_take(scene, 0, &queries[i]);
        fake_net_advance(1500);
    }
    expect_only_probes();
    scene_expect_failure(&end, ERR_TIMEOUT, EDE_NO_REACHABLE_AUTHORITY);
    assert_int_equal(end.at_ms, EXCHANGE_BUDGET_MS);
    assert_true(queries[0].socket != queries[1].socket && queries[1].socket != queries[2].socket);
    assert_true(addr_port(&queries[0].from) != addr_port(&queries[1].from));
    /* 450 for 400, then doubled and bounded. */
    assert_int_equal(queries[1].at_ms - queries[0].at_ms, 450);
    assert_int_equal(queries[2].at_ms - queries[1].at_ms, 1000);
}

/* A cold name may take its resolver longer than three packets' waits; the budget is there for it. */
static void an_answer_after_the_last_packet_s_wait_is_taken_within_the_budget(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet queries[3];
    scene_ask(scene, &end);
    for (size_t i = 0; i < 3; i++) {
        scene_take(scene, 0, &queries[i]);
        fake_net_advance(i < 2 ? 1500 : 1490);
    }
    assert_int_equal(end.calls, 0);
    scene_answer(&queries[1], SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
}

static void with_three_dead_servers_it_fails_within_five_seconds(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    scene->pool.count = 3;
    scene_ask(scene, &end);
    fake_net_advance(5000);
    scene_expect_failure(&end, ERR_TIMEOUT, EDE_NO_REACHABLE_AUTHORITY);
    assert_in_range(end.at_ms, 1500, EXCHANGE_BUDGET_MS + 1);
    for (size_t i = 0; i < 3; i++)
        assert_in_range(count_queries(scene, i, NULL), 1, 3);
    assert_int_equal(upstream_active(scene->upstream), 0);
}

static void without_servers_it_fails_in_the_next_turn_and_not_inside_the_call(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    scene->pool.count = 0;
    assert_true(scene_ask(scene, &end) != 0);
    fake_net_run();
    scene_expect_failure(&end, ERR_UNREACHABLE, EDE_NO_REACHABLE_AUTHORITY);
    assert_int_equal(end.at_ms, 0);
}

static void an_icmp_error_sends_the_question_to_the_next_server_at_once(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    assert_true(fake_upstream_error(query.socket, ERR_REFUSED));
    fake_net_run();
    scene_take(scene, 1, &query);
    assert_true(fake_upstream_error(query.socket, ERR_REFUSED));
    fake_net_run();
    scene_expect_failure(&end, ERR_REFUSED, EDE_NETWORK_ERROR);
    assert_int_equal(end.at_ms, 0);
}

static void a_send_the_kernel_refuses_never_calls_back_from_inside(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    fake_upstream_fail_sends(&scene->pool.servers[0], ERR_UNREACHABLE);
    assert_true(scene_ask(scene, &end) != 0);
    fake_net_run();
    scene_expect_failure(&end, ERR_UNREACHABLE, EDE_NETWORK_ERROR);
    scene_expect_silence();
}

/* An ICMP error shows at the next send; those who wait on the socket are told too. */
static void an_error_at_sending_moves_those_who_wait_on_the_socket(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[40];
    scene->pool.count = 2;
    for (size_t i = 0; i < 20; i++)
        scene_ask(scene, &ends[i]);
    assert_int_equal(count_queries(scene, 0, NULL), 20);
    fake_upstream_fail_sends(&scene->pool.servers[0], ERR_REFUSED);
    for (size_t i = 20; i < 40; i++)
        scene_ask(scene, &ends[i]);
    fake_net_run();
    /* Twenty refused sends broke sockets on which some of the first twenty waited. */
    assert_true(count_queries(scene, 1, NULL) > 20);
    assert_int_equal(fake_net_now_ms(), FAKE_NET_START_MS);
}

static void a_server_is_down_after_three_failures_and_asked_last(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    take_down(scene, 1);
    scene_ask(scene, &end);
    scene_take(scene, 1, &query);
    assert_int_equal(count_queries(scene, 0, NULL), 0);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 1, RCODE_NOERROR);
}

static void a_server_that_is_down_is_probed_until_it_answers(void **state)
{
    struct scene *scene = *state;
    struct fake_packet probe;
    take_down(scene, 1);
    fake_net_advance(20000);
    /* At most 5 s apart, at least three quarters of that. */
    assert_in_range(count_queries(scene, 0, &probe), 4, 7);
    assert_int_equal(scene_question_end(probe.data), MESSAGE_HEADER_OCTETS + 5);
    assert_int_equal(bytes_get_u16(probe.data + MESSAGE_HEADER_OCTETS + 1), TYPE_NS);
    uint64_t deadline_ms = fake_net_now_ms() + 5000;
    while (!fake_upstream_take(&scene->pool.servers[0], &probe) && fake_net_now_ms() < deadline_ms)
        fake_net_advance(10);
    scene_answer(&probe, SCENE_NOERROR);
    assert_true(scene_is_up(scene, 0));
    fake_net_advance(20000);
    scene_expect_silence();
    assert_int_equal(upstream_active(scene->upstream), 0);
}

static void servfail_to_a_probe_ends_the_silence(void **state)
{
    struct scene *scene = *state;
    struct fake_packet probe;
    take_down(scene, 1);
    for (int i = 0; i < 500 && !fake_upstream_take(&scene->pool.servers[0], &probe); i++)
        fake_net_advance(10);
    scene_answer(&probe, SCENE_NOERROR | RCODE_SERVFAIL);
    assert_true(scene_is_up(scene, 0));
}

/* Alive is all a probe wants to know: even an answer that was cut is not fetched whole. */
static void a_cut_answer_to_a_probe_is_enough(void **state)
{
    struct scene *scene = *state;
    struct fake_packet probe;
    struct fake_connect connect;
    take_down(scene, 1);
    for (int i = 0; i < 500 && !fake_upstream_take(&scene->pool.servers[0], &probe); i++)
        fake_net_advance(10);
    scene_answer(&probe, SCENE_NOERROR | FLAG_TC);
    assert_true(scene_is_up(scene, 0));
    assert_false(fake_tcp_take_connect(&connect));
}

/* It may have lost its own upstreams. */
static void servfail_to_a_question_does_not_heal_a_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    take_down(scene, 2);
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_SERVFAIL);
    assert_false(scene_is_up(scene, 0));
    scene_take(scene, 1, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_REFUSED);
    assert_true(scene_is_up(scene, 1));
    scene_expect_answer(scene, &end, 1, RCODE_REFUSED);
}

/* Recovery must not wait for a probe. */
static void when_all_are_down_they_are_asked_and_the_first_answer_heals(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    take_down(scene, 2);
    uint64_t asked_ms = fake_net_now_ms() - FAKE_NET_START_MS;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    assert_true(scene_question_end(query.data) > MESSAGE_HEADER_OCTETS + 5);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(end.at_ms, asked_ms);
    assert_true(scene_is_up(scene, 0));
    assert_false(scene_is_up(scene, 1));
}

/* Packets to one server that ask for www.example.com, as probes do not. */
static unsigned count_asked(const struct scene *scene, size_t n)
{
    struct fake_packet query;
    unsigned count = 0;
    while (fake_upstream_take(&scene->pool.servers[n], &query))
        count += scene_question_end(query.data) > MESSAGE_HEADER_OCTETS + 5;
    return count;
}

/* A dead upstream must not be flooded; who has only dead ones tries each as often as one that is up. */
static void a_question_to_dead_servers_sends_at_most_three_packets_to_each(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    scene->pool.count = 2;
    take_down(scene, 2);
    scene_ask(scene, &end);
    fake_net_advance(5000);
    scene_expect_failure(&end, ERR_TIMEOUT, EDE_NO_REACHABLE_AUTHORITY);
    for (size_t i = 0; i < 2; i++)
        assert_in_range(count_asked(scene, i), 1, 3);
}

/* The only resolver of a node that lost some packets: later questions are worth what earlier ones were. */
static void the_only_server_gets_three_packets_a_question_even_when_down(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    take_down(scene, 1);
    scene_ask(scene, &end);
    fake_net_advance(EXCHANGE_BUDGET_MS);
    scene_expect_failure(&end, ERR_TIMEOUT, EDE_NO_REACHABLE_AUTHORITY);
    assert_int_equal(count_asked(scene, 0), 3);
}

static void a_server_that_is_down_gets_one_packet_a_question_while_another_is_up(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene->pool.count = 2;
    take_down(scene, 1);
    scene_ask(scene, &end);
    scene_take(scene, 1, &query);
    scene_answer(&query, SCENE_NOERROR | RCODE_SERVFAIL);
    fake_net_advance(EXCHANGE_BUDGET_MS);
    scene_expect_answer(scene, &end, 1, RCODE_SERVFAIL);
    assert_int_equal(count_asked(scene, 0), 1);
}

/* Questions without a break and no answer: rounds count, not packets. */
static void under_load_a_server_is_down_after_three_rounds_of_silence(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[60];
    uint64_t down_ms = 0;
    for (unsigned i = 0; i < 60; i++) {
        scene_ask(scene, &ends[i]);
        fake_net_advance(50);
        if (down_ms == 0 && !scene_is_up(scene, 0))
            down_ms = fake_net_now_ms() - FAKE_NET_START_MS;
    }
    /* 450 for 400 before the first round trip, then doubled and bounded, and as much after each. */
    assert_in_range(down_ms, 450 + 1000 + 1000, 450 + 1000 + 1500 + 50);
    count_queries(scene, 0, NULL);
}

/* A hiccup is no outage, and must not fail what a single loss would not. */
static void a_burst_lost_together_is_one_failure(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[5];
    struct fake_packet query;
    for (size_t i = 0; i < 5; i++)
        scene_ask(scene, &ends[i]);
    assert_int_equal(count_queries(scene, 0, NULL), 5);
    fake_net_advance(450);
    assert_true(scene_is_up(scene, 0));
    for (size_t i = 0; i < 5; i++) {
        scene_take(scene, 0, &query);
        scene_answer(&query, SCENE_NOERROR);
    }
    for (size_t i = 0; i < 5; i++)
        scene_expect_answer(scene, &ends[i], 0, RCODE_NOERROR);
    assert_true(scene_is_up(scene, 0));
}

/* RFC 6298: the time-out follows the round trip. */
static void the_time_out_follows_the_round_trip_and_a_burst_lengthens_it_once(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct scene_end burst[4];
    struct fake_packet query;
    struct upstream_server_state server;
    const struct addr *addr = &scene->pool.servers[0];
    for (int i = 0; i < 20; i++) {
        scene_ask(scene, &end);
        scene_take(scene, 0, &query);
        fake_net_advance(20);
        scene_answer(&query, SCENE_NOERROR);
    }
    assert_true(upstream_server_state(scene->upstream, addr, &server));
    assert_in_range(server.rtt_us, 19000, 21000);
    assert_int_equal(server.timeout_ms, RTT_TIMEOUT_MIN_MS);
    for (size_t i = 0; i < 4; i++)
        scene_ask(scene, &burst[i]);
    fake_net_advance(200);
    assert_true(upstream_server_state(scene->upstream, addr, &server));
    assert_int_equal(server.timeout_ms, 2 * RTT_TIMEOUT_MIN_MS);
    answer_all(scene);
    assert_true(upstream_server_state(scene->upstream, addr, &server));
    assert_true(server.timeout_ms < 2 * RTT_TIMEOUT_MIN_MS + 200);
}

static void a_cancelled_exchange_is_never_told_and_its_answer_is_no_forgery(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    slab_id id = scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    exchange_cancel(scene->upstream, id);
    exchange_cancel(scene->upstream, id);
    assert_int_equal(upstream_active(scene->upstream), 0);
    scene_answer(&query, SCENE_NOERROR);
    fake_net_advance(10000);
    assert_int_equal(end.calls, 0);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(after_a_time_out_the_next_server_is_asked),
        SCENE_TEST(a_late_answer_of_the_first_server_is_taken_while_the_second_is_asked),
        SCENE_TEST(a_late_refusal_does_not_end_the_wait_for_another_server),
        SCENE_TEST(a_silent_server_gets_three_packets_from_three_sockets),
        SCENE_TEST(an_answer_after_the_last_packet_s_wait_is_taken_within_the_budget),
        SCENE_TEST(with_three_dead_servers_it_fails_within_five_seconds),
        SCENE_TEST(without_servers_it_fails_in_the_next_turn_and_not_inside_the_call),
        SCENE_TEST(an_icmp_error_sends_the_question_to_the_next_server_at_once),
        SCENE_TEST(a_send_the_kernel_refuses_never_calls_back_from_inside),
        SCENE_TEST(an_error_at_sending_moves_those_who_wait_on_the_socket),
        SCENE_TEST(a_server_is_down_after_three_failures_and_asked_last),
        SCENE_TEST(a_server_that_is_down_is_probed_until_it_answers),
        SCENE_TEST(servfail_to_a_probe_ends_the_silence),
        SCENE_TEST(a_cut_answer_to_a_probe_is_enough),
        SCENE_TEST(servfail_to_a_question_does_not_heal_a_server),
        SCENE_TEST(when_all_are_down_they_are_asked_and_the_first_answer_heals),
        SCENE_TEST(a_question_to_dead_servers_sends_at_most_three_packets_to_each),
        SCENE_TEST(the_only_server_gets_three_packets_a_question_even_when_down),
        SCENE_TEST(a_server_that_is_down_gets_one_packet_a_question_while_another_is_up),
        SCENE_TEST(under_load_a_server_is_down_after_three_rounds_of_silence),
        SCENE_TEST(a_burst_lost_together_is_one_failure),
        SCENE_TEST(the_time_out_follows_the_round_trip_and_a_burst_lengthens_it_once),
        SCENE_TEST(a_cancelled_exchange_is_never_told_and_its_answer_is_no_forgery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
