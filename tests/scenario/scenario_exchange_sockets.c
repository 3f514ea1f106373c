/* From which sockets and connections queries leave, how these are replaced and closed, and what happens when
 * tables are full or servers are not wanted any more. */
#include <stdlib.h>
#include <unistd.h>

#include "exchange_scene.h"
#include "local53/base/log.h"

/* Asks and answers at once, so often; the sockets used are noted by the ids of the fake network. */
static void ask_and_answer(struct scene *scene, unsigned times, uint64_t *sockets)
{
    struct scene_end end;
    struct fake_packet query;
    for (unsigned i = 0; i < times; i++) {
        scene_ask(scene, &end);
        scene_take(scene, 0, &query);
        scene_answer(&query, SCENE_NOERROR);
        assert_int_equal(end.calls, 1);
        if (sockets != NULL)
            sockets[i] = query.socket;
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static unsigned count_distinct(uint64_t *values, size_t count)
{
    unsigned distinct = 0;
    qsort(values, count, sizeof(*values), compare_u64);
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || values[i] != values[i - 1];
    return distinct;
}

/* RFC 5452 section 9.2: ports and ids that cannot be foreseen. */
static void queries_spread_evenly_over_sixteen_sockets(void **state)
{
    struct scene *scene = *state;
    static uint64_t sockets[3200];
    unsigned run = 0;
    ask_and_answer(scene, 3200, sockets);
    assert_int_equal(fake_upstream_sockets(), 16);
    assert_int_equal(count_distinct(sockets, 3200), 16);
    for (size_t i = 0; i < 3200; i++) {
        run = i > 0 && sockets[i] == sockets[i - 1] ? run + 1 : 1;
        bool is_last = i + 1 == 3200 || sockets[i + 1] != sockets[i];
        /* 200 expected each; six standard deviations of 13.7. */
        if (is_last)
            assert_in_range(run, 118, 282);
    }
}

static void ids_are_random_and_no_two_waiting_on_a_socket_are_equal(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    static uint64_t pairs[2000];
    static uint64_t ids[2000];
    struct upstream *upstream = scene_upstream(scene, 2000);
    upstream_free(scene->upstream);
    scene->upstream = upstream;
    for (unsigned i = 0; i < 2000; i++) {
        scene_ask(scene, &end);
        scene_take(scene, 0, &query);
        ids[i] = bytes_get_u16(query.data);
        pairs[i] = query.socket << 16 | ids[i];
    }
    assert_int_equal(count_distinct(pairs, 2000), 2000);
    /* 2000 of 65536 at random: 30 pairs of equals expected. */
    assert_in_range(count_distinct(ids, 2000), 1930, 1995);
}

static void a_socket_is_replaced_after_4096_queries(void **state)
{
    struct scene *scene = *state;
    static uint64_t sockets[16 * 4096 + 1];
    ask_and_answer(scene, 16 * 4096 + 1, sockets);
    size_t count = 16 * 4096 + 1;
    unsigned distinct = count_distinct(sockets, count);
    assert_true(distinct > 16);
    unsigned run = 0;
    for (size_t i = 0; i < count; i++) {
        run = i > 0 && sockets[i] == sockets[i - 1] ? run + 1 : 1;
        assert_true(run <= 4096);
    }
    assert_true(fake_upstream_sockets() <= 16);
}

static void a_socket_is_replaced_after_thirty_seconds(void **state)
{
    struct scene *scene = *state;
    static uint64_t sockets[800];
    ask_and_answer(scene, 400, sockets);
    assert_int_equal(fake_upstream_sockets(), 16);
    fake_net_advance(30000);
    ask_and_answer(scene, 400, sockets + 400);
    assert_int_equal(fake_upstream_sockets(), 16);
    assert_int_equal(count_distinct(sockets, 800), 32);
}

static void three_wrong_answers_replace_a_socket_with_those_who_wait_kept(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    uint8_t answer[SCENE_ANSWER_MAX];
    ask_and_answer(scene, 400, NULL);
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    size_t len = scene_compose(query.data, SCENE_NOERROR, 1, answer);
    answer[0] ^= 0x55;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fake_upstream_sockets(), 16);
        scene_send(&query, answer, len);
    }
    /* Nothing new leaves from it; what waits on it is still answered there, and then it is closed. */
    for (int i = 0; i < 200; i++) {
        uint64_t socket;
        ask_and_answer(scene, 1, &socket);
        assert_true(socket != query.socket);
    }
    assert_int_equal(fake_upstream_sockets(), 17);
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(fake_upstream_sockets(), 16);
}

static void one_time_out_replaces_a_socket(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    fake_net_advance(450);
    for (int i = 0; i < 200; i++) {
        struct fake_packet again;
        struct scene_end other;
        scene_ask(scene, &other);
        while (fake_upstream_take(&scene->pool.servers[0], &again)) {
            assert_true(again.socket != query.socket);
            scene_answer(&again, SCENE_NOERROR);
        }
    }
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(fake_upstream_sockets(), 16);
}

/* --- connections --- */

/* Asks n questions whose UDP answers are cut; their TCP queries wait on connections afterwards. */
static void ask_over_tcp(struct scene *scene, struct scene_end *ends, size_t count)
{
    struct fake_packet query;
    for (size_t i = 0; i < count; i++) {
        assert_true(scene_ask(scene, &ends[i]) != 0);
        scene_take(scene, 0, &query);
        scene_answer(&query, SCENE_NOERROR | FLAG_TC);
    }
}

/* RFC 7766 sections 6.2.1.1 and 7: pipelined, answered in any order. */
static void queries_are_pipelined_on_one_connection_and_answered_in_any_order(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[3];
    struct fake_connect connect;
    uint8_t asked[3][SCENE_ANSWER_MAX];
    ask_over_tcp(scene, ends, 3);
    uint64_t connection = scene_tcp_accept(scene, 0);
    assert_false(fake_tcp_take_connect(&connect));
    for (size_t i = 0; i < 3; i++)
        scene_tcp_take(connection, asked[i]);
    assert_int_equal(fake_tcp_writes(connection), 3);
    for (size_t i = 3; i-- > 0;) {
        scene_tcp_answer(connection, asked[i], SCENE_NOERROR, 1);
        scene_expect_answer(scene, &ends[i], 0, RCODE_NOERROR);
    }
    assert_true(fake_tcp_is_open(connection));
}

static void an_answer_may_come_in_single_octets(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    uint8_t asked[SCENE_ANSWER_MAX];
    uint8_t answer[SCENE_ANSWER_MAX + 2];
    ask_over_tcp(scene, &end, 1);
    uint64_t connection = scene_tcp_accept(scene, 0);
    scene_tcp_take(connection, asked);
    size_t len = scene_compose(asked, SCENE_NOERROR, 30, answer + 2);
    bytes_put_u16(answer, (uint16_t)len);
    fake_tcp_send_split(connection, answer, len + 2, 1);
    fake_net_run();
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(end.len, len);
}

/* RFC 7766 section 6.2.3. */
static void a_connection_is_reused_and_closed_after_ten_idle_seconds(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_connect connect;
    uint8_t asked[SCENE_ANSWER_MAX];
    ask_over_tcp(scene, &end, 1);
    uint64_t connection = scene_tcp_accept(scene, 0);
    for (int i = 0; i < 3; i++) {
        scene_tcp_take(connection, asked);
        scene_tcp_answer(connection, asked, SCENE_NOERROR, 1);
        scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
        fake_net_advance(9999);
        assert_true(fake_tcp_is_open(connection));
        ask_over_tcp(scene, &end, 1);
        assert_false(fake_tcp_take_connect(&connect));
    }
    scene_tcp_take(connection, asked);
    scene_tcp_answer(connection, asked, SCENE_NOERROR, 1);
    fake_net_advance(10001);
    assert_false(fake_tcp_is_open(connection));
}

/* RFC 7766 section 6.2.3: not closed with queries pending. */
static void a_connection_with_a_query_pending_is_not_idle(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    uint8_t asked[SCENE_ANSWER_MAX];
    ask_over_tcp(scene, &end, 1);
    uint64_t connection = scene_tcp_accept(scene, 0);
    scene_tcp_take(connection, asked);
    scene_tcp_answer(connection, asked, SCENE_NOERROR, 1);
    fake_net_advance(9500);
    ask_over_tcp(scene, &end, 1);
    fake_net_advance(1000);
    assert_true(fake_tcp_is_open(connection));
    scene_tcp_take(connection, asked);
    scene_tcp_answer(connection, asked, SCENE_NOERROR, 1);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
}

static void a_busy_server_gets_a_second_connection_and_no_third(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[48];
    struct fake_connect connect;
    ask_over_tcp(scene, ends, 48);
    assert_true(fake_tcp_take_connect(&connect));
    assert_true(fake_tcp_take_connect(&connect));
    assert_false(fake_tcp_take_connect(&connect));
}

/* RFC 7766 section 6.2.4. */
static void a_reset_sends_pending_queries_to_another_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[2];
    uint8_t asked[SCENE_ANSWER_MAX];
    scene->pool.count = 2;
    ask_over_tcp(scene, ends, 2);
    uint64_t first = scene_tcp_accept(scene, 0);
    fake_tcp_fail(first, ERR_CLOSED);
    fake_net_run();
    uint64_t second = scene_tcp_accept(scene, 1);
    for (size_t i = 0; i < 2; i++) {
        scene_tcp_take(second, asked);
        scene_tcp_answer(second, asked, SCENE_NOERROR, 1);
    }
    for (size_t i = 0; i < 2; i++)
        scene_expect_answer(scene, &ends[i], 1, RCODE_NOERROR);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_FAILURES, 0), 2);
    /* A TCP port that resets says nothing about UDP. */
    assert_true(scene_is_up(scene, 0));
}

static void the_only_server_gets_one_new_connection_after_a_reset(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_connect connect;
    ask_over_tcp(scene, &end, 1);
    uint64_t first = scene_tcp_accept(scene, 0);
    fake_tcp_fail(first, ERR_CLOSED);
    fake_net_run();
    uint64_t second = scene_tcp_accept(scene, 0);
    fake_tcp_fail(second, ERR_CLOSED);
    fake_net_run();
    /* Not ERR_CLOSED: that is our own end. */
    scene_expect_failure(&end, ERR_UNREACHABLE, EDE_NETWORK_ERROR);
    assert_false(fake_tcp_take_connect(&connect));
}

static void a_closed_tcp_port_fails_the_question_and_not_the_server(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_connect connect;
    ask_over_tcp(scene, &end, 1);
    while (fake_tcp_take_connect(&connect)) {
        fake_tcp_fail(connect.id, ERR_REFUSED);
        fake_net_run();
    }
    scene_expect_failure(&end, ERR_REFUSED, EDE_NETWORK_ERROR);
    assert_true(scene_is_up(scene, 0));
}

/* RFC 9520 section 3.1, over TCP. */
static void a_connection_on_which_nothing_comes_is_given_up(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_connect connect;
    unsigned connections = 0;
    ask_over_tcp(scene, &end, 1);
    for (int i = 0; i < 50; i++) {
        fake_net_advance(100);
        while (fake_tcp_take_connect(&connect)) {
            connections++;
            fake_tcp_accept(connect.id);
        }
    }
    scene_expect_failure(&end, ERR_TIMEOUT, EDE_NO_REACHABLE_AUTHORITY);
    assert_in_range(end.at_ms, 3000, EXCHANGE_BUDGET_MS + 1);
    assert_int_equal(connections, 3);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_TCP, 0), 3);
}

/* --- bounds and life --- */

static void a_full_table_sheds_and_takes_again_when_one_ends(void **state)
{
    struct scene *scene = *state;
    static struct scene_end ends[10001];
    static struct fake_packet last;
    struct upstream *upstream = scene_upstream(scene, 10000);
    upstream_free(scene->upstream);
    scene->upstream = upstream;
    for (size_t i = 0; i < 10000; i++) {
        assert_true(scene_ask(scene, &ends[i]) != 0);
        scene_take(scene, 0, &last);
    }
    assert_int_equal(upstream_active(upstream), 10000);
    assert_int_equal(scene_ask(scene, &ends[10000]), 0);
    scene_expect_silence();
    scene_answer(&last, SCENE_NOERROR);
    assert_int_equal(ends[9999].calls, 1);
    assert_true(scene_ask(scene, &ends[10000]) != 0);
    fake_net_advance(5000);
    for (size_t i = 0; i < 10001; i++)
        assert_int_equal(ends[i].calls, 1);
    assert_int_equal(upstream_active(upstream), 0);
}

struct chain {
    struct scene *scene;
    unsigned left; /* questions still to be asked */
};

static void ask_chained(struct chain *chain);

static void on_chained(void *owner, const struct exchange_result *result)
{
    struct chain *chain = owner;
    (void)result;
    if (chain->left > 0)
        ask_chained(chain);
}

static void ask_chained(struct chain *chain)
{
    const struct question question = {
        .qname = &chain->scene->qname, .qtype = TYPE_A, .qclass = CLASS_IN};
    chain->left--;
    assert_true(exchange_start(chain->scene->upstream, &chain->scene->pool, &question, on_chained,
                               chain) != 0);
}

static void an_owner_may_ask_again_from_inside_its_callback(void **state)
{
    struct scene *scene = *state;
    struct chain chain = {scene, 100};
    scene->pool.count = 0;
    ask_chained(&chain);
    fake_net_run();
    assert_int_equal(chain.left, 0);
    assert_int_equal(upstream_active(scene->upstream), 0);
}

static void servers_no_pool_names_are_forgotten_when_their_last_exchange_ends(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet query;
    struct pool next = scene->pool;
    const struct pool *pools[1] = {&next};
    struct upstream_server_state server;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    next.servers[0] = scene->pool.servers[1];
    upstream_keep(scene->upstream, pools, 1);
    fake_net_run();
    assert_true(scene_is_up(scene, 0));
    scene_answer(&query, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    fake_net_run();
    assert_false(upstream_server_state(scene->upstream, &scene->pool.servers[0], &server));
    assert_int_equal(fake_upstream_sockets(), 0);
}

static void servers_a_pool_still_names_keep_what_is_known_of_them(void **state)
{
    struct scene *scene = *state;
    const struct pool *pools[1] = {&scene->pool};
    struct upstream_server_state server;
    struct scene_end end;
    struct fake_packet query;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    fake_net_advance(50);
    scene_answer(&query, SCENE_NOERROR);
    upstream_keep(scene->upstream, pools, 1);
    fake_net_run();
    assert_true(upstream_server_state(scene->upstream, &scene->pool.servers[0], &server));
    assert_int_equal(server.rtt_us, 50000);
}

static void the_table_of_servers_is_bounded_and_its_places_are_used_again(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct pool pool = {.count = 1};
    for (unsigned i = 0; i < 262; i++) {
        const uint8_t octets[4] = {10, 1, (uint8_t)(i >> 8), (uint8_t)i};
        scene->pool.servers[0] = addr_from_octets(octets, sizeof(octets), 53);
        assert_true(scene_ask(scene, &end) != 0);
        fake_net_run();
        assert_int_equal(end.calls, i < 256 ? 0 : 1);
        if (i >= 256)
            scene_expect_failure(&end, ERR_UNREACHABLE, EDE_NO_REACHABLE_AUTHORITY);
        else
            fake_net_advance(5000);
    }
    const struct pool *pools[1] = {&pool};
    pool.servers[0] = scene->pool.servers[0];
    upstream_keep(scene->upstream, pools, 1);
    fake_net_run();
    assert_true(scene_ask(scene, &end) != 0);
    fake_net_run();
    assert_int_equal(end.calls, 0);
}

/* How often the word stands in what was logged meanwhile. */
static unsigned count_logged(int from, const char *word)
{
    char text[4096];
    ssize_t len = read(from, text, sizeof(text) - 1);
    unsigned count = 0;
    text[len > 0 ? len : 0] = '\0';
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
        count++;
    return count;
}

static void a_full_table_of_servers_is_told_once_a_period(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, ends[1]);
    for (unsigned i = 0; i < 262; i++) {
        const uint8_t octets[4] = {10, 1, (uint8_t)(i >> 8), (uint8_t)i};
        scene->pool.servers[0] = addr_from_octets(octets, sizeof(octets), 53);
        slab_id id = scene_ask(scene, &end);
        fake_net_run();
        exchange_cancel(scene->upstream, id);
    }
    LOG_INFO("mark", LOG_UINT("n", 0));
    assert_int_equal(count_logged(ends[0], " WARN upstream.table_full "), 1);
    fake_net_advance(LOG_LIMIT_PERIOD_MS);
    scene_ask(scene, &end);
    fake_net_run();
    LOG_INFO("mark", LOG_UINT("n", 1));
    assert_int_equal(count_logged(ends[0], " WARN upstream.table_full "), 1);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 2);
    close(ends[0]);
    close(ends[1]);
}

static void what_is_under_way_is_told_when_the_upstream_is_freed(void **state)
{
    struct scene *scene = *state;
    struct scene_end ends[3];
    ask_over_tcp(scene, ends, 1);
    scene_ask(scene, &ends[1]);
    scene->pool.count = 0;
    scene_ask(scene, &ends[2]);
    upstream_free(scene->upstream);
    for (size_t i = 0; i < 3; i++)
        scene_expect_failure(&ends[i], ERR_CLOSED, EDE_NETWORK_ERROR);
    fake_net_advance(20000);
    assert_int_equal(fake_upstream_sockets(), 0);
    scene->upstream = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(queries_spread_evenly_over_sixteen_sockets),
        SCENE_TEST(ids_are_random_and_no_two_waiting_on_a_socket_are_equal),
        SCENE_TEST(a_socket_is_replaced_after_4096_queries),
        SCENE_TEST(a_socket_is_replaced_after_thirty_seconds),
        SCENE_TEST(three_wrong_answers_replace_a_socket_with_those_who_wait_kept),
        SCENE_TEST(one_time_out_replaces_a_socket),
        SCENE_TEST(queries_are_pipelined_on_one_connection_and_answered_in_any_order),
        SCENE_TEST(an_answer_may_come_in_single_octets),
        SCENE_TEST(a_connection_is_reused_and_closed_after_ten_idle_seconds),
        SCENE_TEST(a_connection_with_a_query_pending_is_not_idle),
        SCENE_TEST(a_busy_server_gets_a_second_connection_and_no_third),
        SCENE_TEST(a_reset_sends_pending_queries_to_another_server),
        SCENE_TEST(the_only_server_gets_one_new_connection_after_a_reset),
        SCENE_TEST(a_closed_tcp_port_fails_the_question_and_not_the_server),
        SCENE_TEST(a_connection_on_which_nothing_comes_is_given_up),
        SCENE_TEST(a_full_table_sheds_and_takes_again_when_one_ends),
        SCENE_TEST(an_owner_may_ask_again_from_inside_its_callback),
        SCENE_TEST(servers_no_pool_names_are_forgotten_when_their_last_exchange_ends),
        SCENE_TEST(servers_a_pool_still_names_keep_what_is_known_of_them),
        SCENE_TEST(the_table_of_servers_is_bounded_and_its_places_are_used_again),
        SCENE_TEST(a_full_table_of_servers_is_told_once_a_period),
        SCENE_TEST(what_is_under_way_is_told_when_the_upstream_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
