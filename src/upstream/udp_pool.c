/* udp_pool: opens, picks, replaces and closes the sockets of one server. Owns the sockets, each with the
 * table of those who wait on it. One loop's thread. Bounds: UDP_POOL_SOCKETS in use and
 * UDP_POOL_RETIRED_MAX on their way out; WAITING_MAX queries each. Fails: a socket that cannot be opened
 * gives its error to the query that needed it, unless another one is open. The memory of a closed socket
 * goes a turn later, since callers further up may stand in one of its callbacks. */
#include "udp_pool.h"

#include <stdlib.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/net/udp.h"

struct udp_socket {
    struct waiting waiting;    /* first member: who waits here */
    struct udp_pool *pool;     /* borrowed; not used once closed */
    struct udp_client *client; /* owned; NULL once closed */
    struct link link;          /* place among the retired */
    struct later_item later;   /* what is to be done in the next turn */
    uint64_t opened_ms;        /* loop time */
    uint32_t queries;          /* sent over it */
    uint32_t wrong;            /* answers that matched nobody */
    uint32_t place;            /* index in pool->sockets */
    enum err err;              /* why it broke, for those who still wait */
    bool retired;              /* takes no more queries */
};

static void run_free(struct later_item *item)
{
    struct udp_socket *socket = LIST_ITEM(item, struct udp_socket, later);
    waiting_deinit(&socket->waiting);
    free(socket);
}

static void socket_close(struct udp_socket *socket)
{
    struct udp_pool *pool = socket->pool;
    if (socket->client == NULL)
        return;
    if (list_is_linked(&socket->link)) {
        list_remove(&socket->link);
        pool->retired_count--;
    }
    udp_client_close(socket->client);
    socket->client = NULL;
    later_cancel(&socket->later);
    later_add(&pool->env->later, &socket->later, run_free);
}

/* Lets all who wait go without an answer; the last one closes the socket. */
static void socket_forget_all(struct udp_socket *socket)
{
    struct attempt *attempt;
    while ((attempt = waiting_first(&socket->waiting)) != NULL)
        waiting_forget(attempt);
}

static void socket_retire(struct udp_socket *socket)
{
    struct udp_pool *pool = socket->pool;
    if (socket->retired)
        return;
    socket->retired = true;
    pool->sockets[socket->place] = NULL;
    if (socket->waiting.count == 0) {
        socket_close(socket);
        return;
    }
    list_append(&pool->retired, &socket->link);
    if (++pool->retired_count > UDP_POOL_RETIRED_MAX)
        socket_forget_all(LIST_ITEM(list_first(&pool->retired), struct udp_socket, link));
}

static void on_empty(struct waiting *waiting)
{
    struct udp_socket *socket = LIST_ITEM(waiting, struct udp_socket, waiting);
    if (socket->retired)
        socket_close(socket);
}

/* Tells all who wait that no answer will come. */
static void socket_lose_all(struct udp_socket *socket)
{
    const struct attempt_events *events = socket->pool->env->events;
    enum err err = socket->err;
    struct attempt *attempt;
    while ((attempt = waiting_first(&socket->waiting)) != NULL) {
        waiting_remove(attempt);
        events->on_lost(attempt, err);
    }
}

static void on_error(void *owner, struct udp_client *client, enum err err)
{
    struct udp_socket *socket = owner;
    (void)client;
    socket->err = err;
    socket_retire(socket);
    socket_lose_all(socket);
}

/* Somebody whose question a wrong answer names, or NULL. */
static struct attempt *find_guessed(const struct udp_socket *socket, const uint8_t *data,
                                    size_t len)
{
    const struct attempt_events *events = socket->pool->env->events;
    for (size_t i = 0; i < WAITING_BUCKETS; i++) {
        struct attempt *attempt = socket->waiting.buckets[i];
        while (attempt != NULL && !events->is_guessed(attempt, data, len))
            attempt = attempt->next;
        if (attempt != NULL)
            return attempt;
    }
    return NULL;
}

/* Three wrong answers: the port is known to somebody, so nothing new is asked from it. From the eighth on UDP
 * is given up (RFC 5452 section 9.3) for the question that each of them names: others cannot be meant, and
 * whoever knows one port must not send to TCP all who wait there. */
static void count_wrong(struct udp_socket *socket, const uint8_t *data, size_t len)
{
    struct upstream_env *env = socket->pool->env;
    struct attempt *attempt;
    metrics_add(env->metrics, METRICS_UPSTREAM_MISMATCHES, *socket->pool->slot, 1);
    socket->wrong++;
    if (socket->wrong == UDP_SOCKET_WRONG_REPLACE)
        socket_retire(socket);
    if (socket->wrong < UDP_SOCKET_WRONG_FLOODED)
        return;
    while ((attempt = find_guessed(socket, data, len)) != NULL) {
        waiting_forget(attempt);
        env->events->on_flooded(attempt);
    }
}

static void on_datagram(void *owner, struct udp_client *client, const uint8_t *data, size_t len)
{
    struct udp_socket *socket = owner;
    struct attempt *attempt = waiting_match(&socket->waiting, data, len);
    (void)client;
    if (attempt != NULL && socket->pool->env->events->on_message(attempt, data, len))
        return;
    if (!waiting_was_forgotten(&socket->waiting, data, len))
        count_wrong(socket, data, len);
}

static enum err socket_open(struct udp_pool *pool, uint32_t place)
{
    struct udp_socket *socket = calloc(1, sizeof(*socket));
    CHECK(socket != NULL);
    static const struct udp_client_events events = {on_datagram, on_error};
    enum err err = udp_client_open(&socket->client, pool->env->loop, pool->peer, &events, socket);
    if (err != ERR_OK) {
        free(socket);
        return err;
    }
    socket->pool = pool;
    socket->place = place;
    socket->opened_ms = loop_now_ms(pool->env->loop);
    socket->waiting.on_empty = on_empty;
    pool->sockets[place] = socket;
    return ERR_OK;
}

static bool is_worn(const struct udp_socket *socket, uint64_t now_ms)
{
    return socket->queries >= UDP_SOCKET_QUERIES_MAX ||
           now_ms - socket->opened_ms >= UDP_SOCKET_AGE_MAX_MS;
}

/* The socket at a place, fresh if need be; NULL with *err. */
static struct udp_socket *socket_at(struct udp_pool *pool, uint32_t place, enum err *err)
{
    struct udp_socket *socket = pool->sockets[place];
    if (socket != NULL && is_worn(socket, loop_now_ms(pool->env->loop)))
        socket_retire(socket);
    if (pool->sockets[place] == NULL)
        *err = socket_open(pool, place);
    socket = pool->sockets[place];
    if (socket != NULL && socket->waiting.count >= WAITING_MAX) {
        *err = ERR_NO_SPACE;
        return NULL;
    }
    return socket;
}

/* The socket of the queries before this one that still wait to leave: they leave together. */
static struct udp_socket *socket_in_use(const struct udp_pool *pool)
{
    struct udp_socket *socket = pool->sockets[pool->last_place];
    bool fits = socket != NULL && udp_client_is_queueing(socket->client) &&
                socket->waiting.count < WAITING_MAX && socket->queries < UDP_SOCKET_QUERIES_MAX;
    return fits ? socket : NULL;
}

/* A random socket; another one when that cannot be had (descriptors have run out, say). */
static struct udp_socket *pick(struct udp_pool *pool, enum err *err)
{
    struct udp_socket *socket = socket_in_use(pool);
    if (socket != NULL)
        return socket;
    uint32_t start = rng_below(pool->env->rng, UDP_POOL_SOCKETS);
    for (uint32_t i = 0; socket == NULL && i < UDP_POOL_SOCKETS; i++)
        socket = socket_at(pool, (start + i) % UDP_POOL_SOCKETS, err);
    return socket;
}

enum err udp_pool_send(struct udp_pool *pool, struct attempt *attempt, uint8_t *packet, size_t len)
{
    enum err err = ERR_OK;
    struct udp_socket *socket = pick(pool, &err);
    if (socket == NULL)
        return err;
    waiting_add(&socket->waiting, attempt, pool->env->rng);
    bytes_put_u16(packet, attempt->id);
    socket->queries++;
    pool->last_place = socket->place;
    udp_client_queue(socket->client, packet, len);
    return ERR_OK;
}

void udp_pool_replace(struct attempt *attempt)
{
    if (attempt->table != NULL)
        socket_retire(LIST_ITEM(attempt->table, struct udp_socket, waiting));
}

void udp_pool_init(struct udp_pool *pool, struct upstream_env *env, const struct addr *peer,
                   const uint16_t *slot)
{
    *pool = (struct udp_pool){.env = env, .peer = peer, .slot = slot};
    list_init(&pool->retired);
}

void udp_pool_deinit(struct udp_pool *pool)
{
    for (uint32_t i = 0; i < UDP_POOL_SOCKETS; i++) {
        if (pool->sockets[i] != NULL)
            socket_retire(pool->sockets[i]);
    }
    CHECK(list_is_empty(&pool->retired));
}
