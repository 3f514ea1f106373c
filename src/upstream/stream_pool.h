/* stream_pool: the TCP connections to one server, for answers that did not fit a datagram: at most two,
 * opened when needed, reused and pipelined (RFC 7766 section 6.2.1), closed after 10 s without a query.
 * A connection that ends with queries pending tells each of them (on_lost). One loop's thread. */
#ifndef LOCAL53_UPSTREAM_STREAM_POOL_H
#define LOCAL53_UPSTREAM_STREAM_POOL_H

#include "local53/base/addr.h"
#include "waiting.h"

#define STREAM_POOL_CONNECTIONS 2
#define STREAM_POOL_PIPELINE 16   /* pending queries at which the second connection is opened */
#define STREAM_POOL_IDLE_MS 10000 /* a connection nobody waits on is closed after this */

struct connection;

struct stream_pool {
    struct upstream_env *env;                                /* borrowed */
    const struct addr *peer;                                 /* borrowed; the server */
    const uint16_t *slot;                                    /* borrowed; its metrics slot */
    struct connection *connections[STREAM_POOL_CONNECTIONS]; /* owned; NULL while there is none */
};

/* Starts without connections; what is handed in outlives the pool. */
void stream_pool_init(struct stream_pool *pool, struct upstream_env *env, const struct addr *peer,
                      const uint16_t *slot);

/* Writes an id into the packet and sends it with its length in one write (RFC 7766 section 8); the
 * attempt then waits. On an error it does not. ERR_NO_SPACE: too many are pending. */
enum err stream_pool_send(struct stream_pool *pool, struct attempt *attempt, uint8_t *packet,
                          size_t len);

/* The attempt timed out. A connection on which nothing at all came since it was sent is given up, and
 * all others who wait on it are told. */
void stream_pool_timed_out(struct attempt *attempt);

/* A connection was idle for STREAM_POOL_IDLE_MS: what the timer class env->idle calls. */
void stream_pool_on_idle(void *owner, struct timer *timer);

/* Closes all connections. Nobody may wait on them any more. */
void stream_pool_deinit(struct stream_pool *pool);

#endif
