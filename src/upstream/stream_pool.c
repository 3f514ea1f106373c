/* stream_pool: connections of one server. Owns them until they end: their memory goes when the net layer
 * says so, be it after the pool's own. One loop's thread. Bounds: STREAM_POOL_CONNECTIONS, WAITING_MAX
 * queries and one message buffer each. Fails: the end of a connection is told to each who waits on it. */
#include "stream_pool.h"

#include <stdlib.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/dns/frame.h"
#include "local53/dns/message.h"
#include "local53/net/stream.h"

#define LENGTH_OCTETS 2

struct connection {
    struct waiting waiting;   /* first member: who waits here */
    struct stream_pool *pool; /* borrowed; NULL once it left the pool */
    struct stream *stream;    /* owned */
    struct timer idle;        /* runs while nobody waits */
    uint64_t heard_us;        /* when data came last */
    struct frame frame;       /* what came and is no whole message yet */
    uint8_t buffer[LENGTH_OCTETS + MESSAGE_MAX_OCTETS];
};

static void connection_free(struct connection *connection)
{
    waiting_deinit(&connection->waiting);
    free(connection);
}

/* Takes it out of its pool: no new queries, and it may outlive the pool. */
static void leave_pool(struct connection *connection)
{
    struct stream_pool *pool = connection->pool;
    for (size_t i = 0; i < STREAM_POOL_CONNECTIONS; i++) {
        if (pool->connections[i] == connection)
            pool->connections[i] = NULL;
    }
    timer_stop(&connection->idle);
    connection->pool = NULL;
}

static void lose_all(struct connection *connection, const struct upstream_env *env, enum err err)
{
    struct attempt *attempt;
    while ((attempt = waiting_first(&connection->waiting)) != NULL) {
        waiting_remove(attempt);
        env->events->on_lost(attempt, err);
    }
}

/* Gives it up at once; those who wait are told. */
static void drop(struct connection *connection, enum err err)
{
    const struct upstream_env *env = connection->pool->env;
    leave_pool(connection);
    lose_all(connection, env, err);
    stream_abort(connection->stream);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct connection *connection = owner;
    (void)stream;
    if (connection->pool != NULL) {
        const struct upstream_env *env = connection->pool->env;
        leave_pool(connection);
        lose_all(connection, env, err);
    }
    connection_free(connection);
}

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct connection *connection = owner;
    struct writer space = frame_space(&connection->frame);
    (void)stream;
    *cap = space.cap;
    return space.data;
}

static void take_message(struct connection *connection, struct bytes message)
{
    const struct stream_pool *pool = connection->pool;
    struct waiting *waiting = &connection->waiting;
    struct attempt *attempt = waiting_match(waiting, message.data, message.len);
    if (attempt != NULL && pool->env->events->on_message(attempt, message.data, message.len))
        return;
    if (!waiting_was_forgotten(waiting, message.data, message.len))
        metrics_add(pool->env->metrics, METRICS_UPSTREAM_MISMATCHES, *pool->slot, 1);
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct connection *connection = owner;
    struct bytes message;
    size_t pos = 0;
    bool too_long;
    (void)stream;
    if (connection->pool == NULL)
        return;
    connection->heard_us = loop_now_us(connection->pool->env->loop);
    frame_filled(&connection->frame, len);
    while (connection->pool != NULL && frame_next(&connection->frame, &pos, &message, &too_long))
        take_message(connection, message);
    frame_consume(&connection->frame, pos);
}

static const struct stream_events EVENTS = {
    .on_space = on_space, .on_data = on_data, .on_end = on_end};

static void on_empty(struct waiting *waiting)
{
    struct connection *connection = LIST_ITEM(waiting, struct connection, waiting);
    if (connection->pool != NULL)
        timer_start(connection->pool->env->idle, &connection->idle);
}

void stream_pool_on_idle(void *owner, struct timer *timer)
{
    struct connection *connection = LIST_ITEM(timer, struct connection, idle);
    (void)owner;
    leave_pool(connection);
    stream_close(connection->stream);
}

static enum err connection_open(struct stream_pool *pool, struct connection **place)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    CHECK(connection != NULL);
    frame_init(&connection->frame, connection->buffer, sizeof(connection->buffer));
    connection->waiting.on_empty = on_empty;
    enum err err =
        stream_connect_tcp(&connection->stream, pool->env->loop, pool->peer, &EVENTS, connection);
    if (err != ERR_OK) {
        free(connection);
        return err;
    }
    connection->pool = pool;
    *place = connection;
    return ERR_OK;
}

/* The connection with the fewest pending, or a new one when all there are have enough to do. */
static struct connection *pick(struct stream_pool *pool, enum err *err)
{
    struct connection *best = NULL;
    struct connection **vacant = NULL;
    for (size_t i = 0; i < STREAM_POOL_CONNECTIONS; i++) {
        struct connection *connection = pool->connections[i];
        if (connection == NULL)
            vacant = &pool->connections[i];
        else if (best == NULL || connection->waiting.count < best->waiting.count)
            best = connection;
    }
    if (vacant != NULL && (best == NULL || best->waiting.count >= STREAM_POOL_PIPELINE)) {
        *err = connection_open(pool, vacant);
        best = *err == ERR_OK ? *vacant : best;
    }
    if (best != NULL && best->waiting.count >= WAITING_MAX) {
        *err = ERR_NO_SPACE;
        return NULL;
    }
    return best;
}

enum err stream_pool_send(struct stream_pool *pool, struct attempt *attempt, uint8_t *packet,
                          size_t len)
{
    enum err err = ERR_OK;
    uint8_t head[LENGTH_OCTETS];
    struct connection *connection = pick(pool, &err);
    if (connection == NULL)
        return err;
    timer_stop(&connection->idle);
    waiting_add(&connection->waiting, attempt, pool->env->rng);
    bytes_put_u16(packet, attempt->id);
    bytes_put_u16(head, (uint16_t)len);
    if (stream_write(connection->stream, head, sizeof(head), packet, len))
        return ERR_OK;
    waiting_remove(attempt);
    return ERR_NO_SPACE;
}

void stream_pool_timed_out(struct attempt *attempt)
{
    if (attempt->table == NULL)
        return;
    struct connection *connection = LIST_ITEM(attempt->table, struct connection, waiting);
    if (connection->heard_us >= attempt->sent_us)
        return;
    waiting_remove(attempt);
    drop(connection, ERR_TIMEOUT);
}

void stream_pool_init(struct stream_pool *pool, struct upstream_env *env, const struct addr *peer,
                      const uint16_t *slot)
{
    *pool = (struct stream_pool){.env = env, .peer = peer, .slot = slot};
}

void stream_pool_deinit(struct stream_pool *pool)
{
    for (size_t i = 0; i < STREAM_POOL_CONNECTIONS; i++) {
        struct connection *connection = pool->connections[i];
        if (connection == NULL)
            continue;
        CHECK(connection->waiting.count == 0);
        leave_pool(connection);
        stream_abort(connection->stream);
    }
}
