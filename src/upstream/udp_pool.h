/* udp_pool: the UDP sockets to one server: 16, each connected, opened when first chosen. The queries of a turn
 * take a random one, at most UDP_CLIENT_QUEUE_MAX together, and each a random id (RFC 5452 section 9.2). A socket is replaced after 4,096 queries,
 * 30 s, one time-out, an error or three wrong answers; it takes no more queries then, and is closed
 * when nobody waits on it any more. One loop's thread. */
#ifndef LOCAL53_UPSTREAM_UDP_POOL_H
#define LOCAL53_UPSTREAM_UDP_POOL_H

#include "local53/base/addr.h"
#include "waiting.h"

#define UDP_POOL_SOCKETS 16
#define UDP_POOL_RETIRED_MAX 48     /* replaced ones with waiters; then the oldest is closed */
#define UDP_SOCKET_QUERIES_MAX 4096 /* then it is replaced */
#define UDP_SOCKET_AGE_MAX_MS 30000 /* likewise, when it is chosen again */
#define UDP_SOCKET_WRONG_REPLACE 3  /* wrong answers after which it is replaced */
#define UDP_SOCKET_WRONG_FLOODED 8  /* and from which on those they concern are told (on_flooded) */

struct udp_socket;

struct udp_pool {
    struct upstream_env *env;                     /* borrowed */
    const struct addr *peer;                      /* borrowed; the server */
    const uint16_t *slot;                         /* borrowed; its metrics slot */
    struct udp_socket *sockets[UDP_POOL_SOCKETS]; /* owned; NULL until chosen */
    uint32_t last_place;                          /* of the socket used last */
    struct link retired;                          /* of struct udp_socket; owned; oldest first */
    uint32_t retired_count;                       /* sockets in retired */
};

/* Starts without sockets; what is handed in outlives the pool. */
void udp_pool_init(struct udp_pool *pool, struct upstream_env *env, const struct addr *peer,
                   const uint16_t *slot);

/* Writes an id into the packet, which leaves with the loop's turn; the attempt then waits. That it could not be sent is
 * told by on_lost. ERR_NO_SPACE, or why no socket could be opened: the attempt does not wait, nothing is sent. */
enum err udp_pool_send(struct udp_pool *pool, struct attempt *attempt, uint8_t *packet, size_t len);

/* The socket an attempt waits on takes no more queries: it timed out there. The attempt still waits. */
void udp_pool_replace(struct attempt *attempt);

/* Closes all sockets. Nobody may wait on them any more. */
void udp_pool_deinit(struct udp_pool *pool);

#endif
