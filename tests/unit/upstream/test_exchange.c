/* Exchanges over real sockets on the loopback interface: what the fake network of the scenarios takes for
 * granted of the kernel. */
#include "upstream_test.h"

#include "local53/dns/message.h"
#include "local53/net/loop.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"
#include "local53/net/udp.h"
#include "local53/upstream/exchange.h"
#include "wire.h"

#define LIMIT_MS 20000
#define QUESTIONS 500

/* A name server that answers over UDP, cut if told so, and over TCP. */
struct world {
    struct loop *loop;               /* owned */
    struct rng rng;                  /* of the kernel */
    struct metrics *metrics;         /* owned */
    struct upstream *upstream;       /* owned */
    struct udp_server *server;       /* owned */
    struct stream_listener *streams; /* owned */
    struct stream *stream;           /* the connection accepted last */
    struct alarm *limit;             /* owned; ends a test that waits in vain */
    struct pool pool;                /* the server, alone */
    struct name qname;               /* www.example.com */
    bool cut;                        /* UDP answers say TC=1 */
    bool timed_out;                  /* the limit was passed */
    unsigned answers;                /* exchanges that ended with NOERROR */
    unsigned failures;               /* that ended otherwise */
    unsigned expected;               /* ends after which the loop stops */
    enum err err;                    /* of the last failure */
    uint16_t records;                /* ANCOUNT of the last answer */
    size_t stream_len;               /* octets in stream_data */
    uint8_t stream_data[4096];       /* what came over TCP */
};

static void on_limit(void *owner)
{
    struct world *world = owner;
    world->timed_out = true;
    loop_stop(world->loop);
}

static void on_done(void *owner, const struct exchange_result *result)
{
    struct world *world = owner;
    if (result->err == ERR_OK) {
        world->answers++;
        world->records = bytes_get_u16(result->message + 6);
    } else {
        world->failures++;
        world->err = result->err;
    }
    if (world->answers + world->failures == world->expected)
        loop_stop(world->loop);
}

static size_t compose(const uint8_t *query, uint16_t flags, uint16_t records, uint8_t *out)
{
    struct writer w = writer_init(out, UDP_REPLY_MAX);
    size_t at = MESSAGE_HEADER_OCTETS;
    while (query[at] != 0)
        at += query[at] + (size_t)1;
    writer_put(&w, query, 2);
    writer_u16(&w, flags);
    writer_u16(&w, 1);
    writer_u16(&w, records);
    writer_u32(&w, 0);
    writer_put(&w, query + MESSAGE_HEADER_OCTETS, at + 5 - MESSAGE_HEADER_OCTETS);
    for (uint16_t i = 0; i < records; i++) {
        wire_pointer(&w, MESSAGE_HEADER_OCTETS);
        wire_record(&w, TYPE_A, 60, WIRE_BYTES("\300\000\002\001"));
    }
    return w.len;
}

static void on_batch(void *owner, struct udp_server *server, struct udp_packet *packets,
                     size_t count)
{
    struct world *world = owner;
    uint16_t flags = FLAG_QR | (world->cut ? FLAG_TC : 0);
    for (size_t i = 0; i < count; i++) {
        size_t len = compose(packets[i].data, flags, 1, udp_server_reserve(server));
        udp_server_commit(server, &packets[i].peer, len);
    }
}

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct world *world = owner;
    (void)stream;
    *cap = sizeof(world->stream_data) - world->stream_len;
    return world->stream_data + world->stream_len;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct world *world = owner;
    uint8_t answer[UDP_REPLY_MAX];
    uint8_t head[2];
    world->stream_len += len;
    while (world->stream_len > 2) {
        size_t whole = (size_t)bytes_get_u16(world->stream_data) + 2;
        if (world->stream_len < whole)
            return;
        size_t answer_len = compose(world->stream_data + 2, FLAG_QR, 100, answer);
        bytes_put_u16(head, (uint16_t)answer_len);
        assert_true(stream_write(stream, head, 2, answer, answer_len));
        world->stream_len -= whole;
        memmove(world->stream_data, world->stream_data + whole, world->stream_len);
    }
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct world *world = owner;
    (void)stream;
    (void)err;
    world->stream = NULL;
}

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    static const struct stream_events events = {
        .on_space = on_space, .on_data = on_data, .on_end = on_end};
    struct world *world = owner;
    (void)listener;
    world->stream = stream;
    stream_accept(stream, &events, world);
}

static int open_world(void **state)
{
    static const uint8_t qname[] = "\3www\7example\3com";
    struct world *world = test_calloc(1, sizeof(*world));
    struct addr at;
    assert_int_equal(addr_parse(&at, "127.0.0.1", 0), ERR_OK);
    world->loop = loop_new();
    rng_init(&world->rng);
    world->metrics = metrics_new();
    world->limit = alarm_new(world->loop, on_limit, world);
    assert_int_equal(udp_server_open(&world->server, world->loop, &at, on_batch, world), ERR_OK);
    at = udp_server_addr(world->server);
    assert_int_equal(stream_listen_tcp(&world->streams, world->loop, &at, on_connection, world),
                     ERR_OK);
    world->pool = (struct pool){.servers = {at}, .count = 1};
    const struct upstream_setup setup = {
        .loop = world->loop, .rng = &world->rng, .metrics = world->metrics, .exchanges = QUESTIONS};
    world->upstream = upstream_new(&setup);
    assert_int_equal(name_from_wire(&world->qname, qname, sizeof(qname)), ERR_OK);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    upstream_free(world->upstream);
    if (world->server != NULL)
        udp_server_close(world->server);
    stream_listener_close(world->streams);
    if (world->stream != NULL)
        stream_abort(world->stream);
    alarm_free(world->limit);
    loop_free(world->loop);
    metrics_free(world->metrics);
    test_free(world);
    return 0;
}

/* Asks so often at once and waits for all to end. */
static void ask(struct world *world, unsigned count)
{
    const struct question question = {
        .qname = &world->qname, .qtype = TYPE_A, .qclass = CLASS_IN, .recursion_desired = true};
    world->expected += count;
    for (unsigned i = 0; i < count; i++)
        assert_true(exchange_start(world->upstream, &world->pool, &question, on_done, world) != 0);
    alarm_set(world->limit, LIMIT_MS);
    loop_run(world->loop);
    assert_false(world->timed_out);
}

static void many_questions_at_once_are_all_answered(void **state)
{
    struct world *world = *state;
    for (int round = 0; round < 3; round++)
        ask(world, QUESTIONS);
    assert_int_equal(world->answers, 3 * QUESTIONS);
    assert_int_equal(metrics_get(world->metrics, METRICS_UPSTREAM_MISMATCHES, 0), 0);
    assert_int_equal(upstream_active(world->upstream), 0);
}

/* RFC 7766 section 5. */
static void cut_answers_are_fetched_whole_over_one_connection(void **state)
{
    struct world *world = *state;
    world->cut = true;
    ask(world, 1);
    ask(world, 10);
    assert_int_equal(world->answers, 11);
    assert_int_equal(world->records, 100);
    assert_int_equal(metrics_get(world->metrics, METRICS_UPSTREAM_TCP, 0), 11);
}

/* The ICMP error reaches the connected socket, so no time-out is waited for. */
static void a_port_nobody_listens_on_fails_long_before_a_time_out(void **state)
{
    struct world *world = *state;
    udp_server_close(world->server);
    world->server = NULL;
    ask(world, 20);
    assert_int_equal(world->failures, 20);
    assert_int_equal(world->err, ERR_REFUSED);
    assert_int_equal(metrics_get(world->metrics, METRICS_UPSTREAM_TIMEOUTS, 0), 0);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(many_questions_at_once_are_all_answered),
        WORLD_TEST(cut_answers_are_fetched_whole_over_one_connection),
        WORLD_TEST(a_port_nobody_listens_on_fails_long_before_a_time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
