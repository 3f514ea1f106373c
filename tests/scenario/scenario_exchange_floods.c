/* Answers nobody waits for: those that come too late and are no forgeries, however many, and those of somebody who
 * guesses, which concern the guessed question alone (RFC 5452 section 9.3). */
#include <stdlib.h>

#include "exchange_scene.h"

#define LATE_QUESTIONS 800 /* per server 50 a socket, far more than are forgotten on a quiet day */
#define NEIGHBOURS 48      /* questions of which some share the socket of another */

/* Answers a taken query once more or for the first time; its socket may be closed by now. */
static void answer_if_open(const struct fake_packet *query)
{
    uint8_t answer[SCENE_ANSWER_MAX];
    size_t len = scene_compose(query->data, SCENE_NOERROR, 1, answer);
    (void)fake_upstream_answer(query->socket, answer, len);
}

/* An answer as somebody would make it up who knows the question and guesses at the id. */
static void forge(const struct fake_packet *query, uint8_t guess)
{
    uint8_t answer[SCENE_ANSWER_MAX];
    size_t len = scene_compose(query->data, SCENE_NOERROR, 1, answer);
    answer[0] = (uint8_t)(answer[0] + 1 + guess);
    scene_send(query, answer, len);
}

static unsigned count_done(const struct scene_end *ends, size_t count)
{
    unsigned done = 0;
    for (size_t i = 0; i < count; i++)
        done += ends[i].calls == 1 && ends[i].err == ERR_OK;
    return done;
}

/* A hiccup at the peak of load: the first server says nothing for one time-out, then everything at once. */
static void late_answers_by_the_hundred_are_no_forgeries(void **state)
{
    struct scene *scene = *state;
    static struct scene_end ends[LATE_QUESTIONS];
    static struct fake_packet first[LATE_QUESTIONS];
    static struct fake_packet second[LATE_QUESTIONS];
    struct fake_connect connect;
    upstream_free(scene->upstream);
    scene->upstream = scene_upstream(scene, LATE_QUESTIONS);
    scene->pool.count = 2;
    for (size_t i = 0; i < LATE_QUESTIONS; i++) {
        scene_ask(scene, &ends[i]);
        scene_take(scene, 0, &first[i]);
    }
    fake_net_advance(450);
    for (size_t i = 0; i < LATE_QUESTIONS; i++)
        scene_take(scene, 1, &second[i]);
    for (size_t i = 0; i < LATE_QUESTIONS / 2; i++)
        answer_if_open(&second[i]);
    fake_net_run();
    assert_int_equal(count_done(ends, LATE_QUESTIONS), LATE_QUESTIONS / 2);
    for (size_t i = 0; i < LATE_QUESTIONS; i++)
        answer_if_open(&first[i]);
    fake_net_run();
    for (size_t i = LATE_QUESTIONS / 2; i < LATE_QUESTIONS; i++)
        answer_if_open(&second[i]);
    fake_net_run();
    assert_int_equal(count_done(ends, LATE_QUESTIONS), LATE_QUESTIONS);
    assert_false(fake_tcp_take_connect(&connect));
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 0), 0);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_MISMATCHES, 1), 0);
}

/* Asks for another name, which waits on a random socket like all. */
static void ask_neighbour(struct scene *scene, struct scene_end *end)
{
    static const uint8_t wire[] = "\5other\7example\3com";
    struct name qname;
    assert_int_equal(name_from_wire(&qname, wire, sizeof(wire)), ERR_OK);
    const struct question question = {.qname = &qname, .qtype = TYPE_A, .qclass = CLASS_IN};
    *end = (struct scene_end){.err = ERR_COUNT};
    scene->ids[scene->asked++ % SCENE_IDS] =
        exchange_start(scene->upstream, &scene->pool, &question, scene_on_done, end);
}

/* Who finds out a port must not be able to send all who wait there to TCP. */
static void a_flood_moves_the_guessed_question_alone_to_tcp(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct scene_end ends[NEIGHBOURS];
    struct fake_packet query;
    struct fake_packet queries[NEIGHBOURS];
    struct fake_connect connect;
    uint8_t asked[SCENE_ANSWER_MAX];
    unsigned shared = 0;
    scene_ask(scene, &end);
    scene_take(scene, 0, &query);
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        ask_neighbour(scene, &ends[i]);
        scene_take(scene, 0, &queries[i]);
        shared += queries[i].socket == query.socket;
    }
    assert_true(shared > 0);
    for (uint8_t i = 0; i < 8; i++)
        forge(&query, i);
    uint64_t connection = scene_tcp_accept(scene, 0);
    scene_tcp_take(connection, asked);
    assert_int_equal(fake_tcp_writes(connection), 1);
    assert_false(fake_tcp_take_connect(&connect));
    for (size_t i = 0; i < NEIGHBOURS; i++)
        scene_answer(&queries[i], SCENE_NOERROR);
    assert_int_equal(count_done(ends, NEIGHBOURS), NEIGHBOURS);
    scene_tcp_answer(connection, asked, SCENE_NOERROR, 1);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
    assert_int_equal(scene_metric(scene, METRICS_UPSTREAM_TCP, 0), 1);
}

/* The guesser knows one port; what waits on another is as hard to guess as before. */
static void a_flood_on_one_socket_leaves_the_answer_on_another_awaited(void **state)
{
    struct scene *scene = *state;
    struct scene_end end;
    struct fake_packet first;
    struct fake_packet second;
    scene->pool.count = 2;
    scene_ask(scene, &end);
    scene_take(scene, 0, &first);
    fake_net_advance(450);
    scene_take(scene, 1, &second);
    for (uint8_t i = 0; i < 8; i++)
        forge(&second, i);
    (void)scene_tcp_accept(scene, 1);
    scene_answer(&first, SCENE_NOERROR);
    scene_expect_answer(scene, &end, 0, RCODE_NOERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(late_answers_by_the_hundred_are_no_forgeries),
        SCENE_TEST(a_flood_moves_the_guessed_question_alone_to_tcp),
        SCENE_TEST(a_flood_on_one_socket_leaves_the_answer_on_another_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
