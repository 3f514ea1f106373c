/* exchange_scene: one upstream over the fake network, three servers, and what tests of exchanges do again
 * and again: ask, see the query, answer it in some way, look at how it ended. */
#ifndef LOCAL53_TESTS_EXCHANGE_SCENE_H
#define LOCAL53_TESTS_EXCHANGE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fake_net.h"
#include "local53/dns/message.h"
#include "local53/upstream/exchange.h"
#include "local53/upstream/rtt.h"
#include "wire.h"

#define SCENE_SERVERS 3
#define SCENE_EXCHANGES 64
#define SCENE_ANSWER_MAX 2048
#define SCENE_IDS 16384 /* exchanges a test may leave under way */
#define SCENE_NOERROR (FLAG_QR | FLAG_RD | FLAG_RA)

struct scene {
    struct loop *loop;         /* owned */
    struct rng rng;            /* seeded */
    struct metrics *metrics;   /* owned */
    struct upstream *upstream; /* owned */
    struct pool pool;          /* 10.0.0.1 to 10.0.0.3, metrics slots 0 to 2; count is the test's */
    struct name qname;         /* www.example.com */
    size_t asked;              /* exchanges started by scene_ask */
    slab_id ids[SCENE_IDS];    /* ring of the last of these */
};

/* How one exchange ended. */
struct scene_end {
    unsigned calls;                    /* of on_done */
    enum err err;                      /* as told */
    enum ede_code ede;                 /* as told */
    struct addr server;                /* who answered */
    uint64_t at_ms;                    /* when, since the network began */
    size_t len;                        /* octets of message */
    uint8_t message[SCENE_ANSWER_MAX]; /* copy of the answer */
};

static inline void scene_on_done(void *owner, const struct exchange_result *result)
{
    struct scene_end *end = owner;
    end->calls++;
    end->err = result->err;
    end->ede = result->ede;
    end->at_ms = fake_net_now_ms() - FAKE_NET_START_MS;
    if (result->err != ERR_OK) {
        assert_null(result->server);
        return;
    }
    assert_true(result->len <= sizeof(end->message));
    end->server = *result->server;
    end->len = result->len;
    memcpy(end->message, result->message, result->len);
}

static inline struct upstream *scene_upstream(struct scene *scene, uint32_t exchanges)
{
    const struct upstream_setup setup = {
        .loop = scene->loop, .rng = &scene->rng, .metrics = scene->metrics, .exchanges = exchanges};
    return upstream_new(&setup);
}

static inline int scene_open(void **state)
{
    static const uint8_t qname[] = "\3www\7example\3com";
    struct scene *scene = test_calloc(1, sizeof(*scene));
    fake_net_init();
    scene->loop = loop_new();
    rng_init_seeded(&scene->rng, 7);
    scene->metrics = metrics_new();
    scene->upstream = scene_upstream(scene, SCENE_EXCHANGES);
    scene->pool.count = 1;
    for (uint8_t i = 0; i < SCENE_SERVERS; i++) {
        const uint8_t octets[4] = {10, 0, 0, (uint8_t)(i + 1)};
        scene->pool.servers[i] = addr_from_octets(octets, sizeof(octets), 53);
        scene->pool.slots[i] = i;
    }
    assert_int_equal(name_from_wire(&scene->qname, qname, sizeof(qname)), ERR_OK);
    *state = scene;
    return 0;
}

/* Cancels what a test leaves under way: the places where it would be told are gone with the test. */
static inline void scene_cancel_all(struct scene *scene)
{
    for (size_t i = 0; i < SCENE_IDS; i++)
        exchange_cancel(scene->upstream, scene->ids[i]);
    assert_int_equal(upstream_active(scene->upstream), 0);
}

static inline int scene_close(void **state)
{
    struct scene *scene = *state;
    if (scene->upstream != NULL)
        scene_cancel_all(scene);
    upstream_free(scene->upstream);
    metrics_free(scene->metrics);
    loop_free(scene->loop);
    fake_net_deinit();
    test_free(scene);
    return 0;
}

#define SCENE_TEST(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)

/* Asks for the A record of www.example.com. */
static inline slab_id scene_ask(struct scene *scene, struct scene_end *end)
{
    const struct question question = {
        .qname = &scene->qname, .qtype = TYPE_A, .qclass = CLASS_IN, .recursion_desired = true};
    *end = (struct scene_end){.err = ERR_COUNT};
    slab_id id = exchange_start(scene->upstream, &scene->pool, &question, scene_on_done, end);
    assert_int_equal(end->calls, 0);
    scene->ids[scene->asked++ % SCENE_IDS] = id;
    return id;
}

/* Takes the query that went to server n; the test fails when there is none. */
static inline void scene_take(const struct scene *scene, size_t n, struct fake_packet *query)
{
    assert_true(fake_upstream_take(&scene->pool.servers[n], query));
}

/* Nothing was sent to anybody. */
static inline void scene_expect_silence(void)
{
    struct fake_packet query;
    assert_false(fake_upstream_take(NULL, &query));
}

/* Octets of header and question of a query. */
static inline size_t scene_question_end(const uint8_t *query)
{
    size_t at = MESSAGE_HEADER_OCTETS;
    while (query[at] != 0)
        at += query[at] + (size_t)1;
    return at + 5;
}

/* An answer to a query: its id and question, the flags, and so many A records. */
static inline size_t scene_compose(const uint8_t *query, uint16_t flags, uint16_t records,
                                   uint8_t out[SCENE_ANSWER_MAX])
{
    struct writer w = writer_init(out, SCENE_ANSWER_MAX);
    size_t end = scene_question_end(query);
    writer_put(&w, query, 2);
    writer_u16(&w, flags);
    writer_u16(&w, 1);
    writer_u16(&w, records);
    writer_u32(&w, 0);
    writer_put(&w, query + MESSAGE_HEADER_OCTETS, end - MESSAGE_HEADER_OCTETS);
    for (uint16_t i = 0; i < records; i++) {
        wire_pointer(&w, MESSAGE_HEADER_OCTETS);
        wire_record(&w, TYPE_A, 60, WIRE_BYTES("\300\000\002\001"));
    }
    assert_false(w.failed);
    return w.len;
}

/* Answers a taken query with flags and one A record if they say NOERROR. */
static inline void scene_answer(const struct fake_packet *query, uint16_t flags)
{
    uint8_t answer[SCENE_ANSWER_MAX];
    uint16_t records = (flags & FLAG_RCODE_MASK) == RCODE_NOERROR ? 1 : 0;
    size_t len = scene_compose(query->data, flags, records, answer);
    assert_true(fake_upstream_answer(query->socket, answer, len));
    fake_net_run();
}

/* Sends octets to the socket of a taken query. */
static inline void scene_send(const struct fake_packet *query, const uint8_t *data, size_t len)
{
    assert_true(fake_upstream_answer(query->socket, data, len));
    fake_net_run();
}

static inline bool scene_has_edns(const uint8_t *query)
{
    return bytes_get_u16(query + 10) == 1;
}

static inline uint64_t scene_metric(const struct scene *scene, enum metrics_id id, size_t server)
{
    return metrics_get(scene->metrics, id, server);
}

/* It ended with an answer of that rcode from server n. */
static inline void scene_expect_answer(const struct scene *scene, const struct scene_end *end,
                                       size_t n, unsigned rcode)
{
    assert_int_equal(end->calls, 1);
    assert_int_equal(end->err, ERR_OK);
    assert_true(addr_equal(&end->server, &scene->pool.servers[n]));
    assert_int_equal(bytes_get_u16(end->message + 2) & FLAG_RCODE_MASK, rcode);
    assert_int_equal(bytes_get_u16(end->message + 2) & FLAG_TC, 0);
    assert_true(message_question_matches(end->message, end->len, &scene->qname, TYPE_A, CLASS_IN));
}

static inline void scene_expect_failure(const struct scene_end *end, enum err err,
                                        enum ede_code ede)
{
    assert_int_equal(end->calls, 1);
    assert_int_equal(end->err, err);
    assert_int_equal(end->ede, ede);
}

static inline bool scene_is_up(const struct scene *scene, size_t n)
{
    struct upstream_server_state server;
    assert_true(upstream_server_state(scene->upstream, &scene->pool.servers[n], &server));
    return server.up;
}

/* --- TCP: the peer's side --- */

/* Takes one whole message that was written on a connection; its octets. */
static inline size_t scene_tcp_take(uint64_t connection, uint8_t out[SCENE_ANSWER_MAX])
{
    uint8_t head[2];
    assert_int_equal(fake_tcp_take(connection, head, sizeof(head)), sizeof(head));
    size_t len = bytes_get_u16(head);
    assert_true(len <= SCENE_ANSWER_MAX);
    assert_int_equal(fake_tcp_take(connection, out, len), len);
    return len;
}

/* Answers a message taken from a connection. */
static inline void scene_tcp_answer(uint64_t connection, const uint8_t *query, uint16_t flags,
                                    uint16_t records)
{
    uint8_t answer[SCENE_ANSWER_MAX + 2];
    size_t len = scene_compose(query, flags, records, answer + 2);
    bytes_put_u16(answer, (uint16_t)len);
    fake_tcp_send(connection, answer, len + 2);
    fake_net_run();
}

/* A connection to server n was asked for: accepts it and gives its id. */
static inline uint64_t scene_tcp_accept(const struct scene *scene, size_t n)
{
    struct fake_connect connect;
    assert_true(fake_tcp_take_connect(&connect));
    assert_true(addr_equal(&connect.to, &scene->pool.servers[n]));
    fake_tcp_accept(connect.id);
    fake_net_run();
    return connect.id;
}

#endif
