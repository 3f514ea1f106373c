/* server: one upstream server as one loop knows it: its address, round trip, health, whether it takes
 * EDNS, its UDP sockets and TCP connections. Freed a turn after the last exchange that names it ended,
 * once no pool names it any more. One loop's thread. */
#ifndef LOCAL53_UPSTREAM_SERVER_H
#define LOCAL53_UPSTREAM_SERVER_H

#include "local53/base/log.h"
#include "local53/upstream/health.h"
#include "local53/upstream/rtt.h"
#include "stream_pool.h"
#include "udp_pool.h"

#define SERVER_PLAIN_MS 600000 /* how long a server that refused EDNS is asked without */

struct server {
    struct upstream_env *env; /* borrowed */
    struct addr addr;         /* where it is asked */
    uint16_t slot;            /* its metrics slot */
    bool wanted;              /* some pool of the newest snapshot names it */
    uint32_t users;           /* exchanges that name it */
    struct rtt rtt;           /* of UDP answers */
    struct health health;     /* by UDP queries */
    uint64_t failed_us;       /* when a failure last counted; what was sent before is part of it */
    uint64_t plain_until_ms;  /* asked without EDNS until then; 0: with */
    struct log_limit told_down; /* "upstream.down" is told once a period */
    struct log_limit
        told_up; /* so is "upstream.up", by a limit of its own: the last word must get out */
    struct udp_pool udp;    /* owned */
    struct stream_pool tcp; /* owned */
};

/* A server nobody asked yet; out of memory is fatal. */
struct server *server_new(struct upstream_env *env, const struct addr *addr, uint16_t slot);

/* Closes its sockets and connections, on which nobody may wait. Accepts NULL. */
void server_free(struct server *server);

/* Sends over the attempt's transport; see udp_pool_send and stream_pool_send. Counts the packet. */
enum err server_send(struct server *server, struct attempt *attempt, uint8_t *packet, size_t len);

/* How long an answer to the attempt may take. */
uint32_t server_timeout_ms(const struct server *server, const struct attempt *attempt);

/* An answer to the attempt came; it waits no more. alive: the server proves to be in order. */
void server_answered(struct server *server, struct attempt *attempt, bool alive);

/* The attempt timed out. Over UDP its socket is replaced and its late answer still awaited. */
void server_timed_out(struct server *server, struct attempt *attempt);

/* The attempt, over UDP, was not taken or came back as an ICMP error. */
void server_failed(struct server *server, const struct attempt *attempt);

/* True while it is asked without EDNS; server_refused_edns starts such a time. */
bool server_is_plain(const struct server *server);
void server_refused_edns(struct server *server);

#endif
