/* exchange: one question to a pool of servers, until an answer that can be believed or a failure
 * within 5 s. Owns all of one loop's upstream state: servers (round trips, health), their UDP sockets
 * and TCP connections, and the exchanges under way. At most 3 packets a server and transport
 * (RFC 9520 section 3.1). Servers are asked in the pool's order, those that are down last; the next one
 * after each time-out, ICMP error, SERVFAIL or REFUSED without an alias. Runs on its loop's thread; pure
 * parts (rtt, health) are beside it. */
#ifndef LOCAL53_UPSTREAM_EXCHANGE_H
#define LOCAL53_UPSTREAM_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/base/metrics.h"
#include "local53/base/rng.h"
#include "local53/base/slab.h"
#include "local53/dns/edns.h"
#include "local53/dns/name.h"
#include "local53/net/loop.h"

#define EXCHANGE_BUDGET_MS 4500 /* from question to answer or failure */
#define POOL_SERVERS_MAX 16     /* servers a pool has at most */

/* The servers of one forward zone as they are known now; immutable, part of a snapshot. */
struct pool {
    struct addr servers[POOL_SERVERS_MAX]; /* addresses with ports */
    uint16_t slots[POOL_SERVERS_MAX];      /* metrics slot of each (METRICS_DIMENSION_SERVER) */
    size_t count;                          /* 0: none known yet; every question fails at once */
};

struct upstream;

/* What the loop lends; all outlive the upstream. */
struct upstream_setup {
    struct loop *loop;       /* borrowed */
    struct rng *rng;         /* borrowed; ids, sockets */
    struct metrics *metrics; /* borrowed; this thread's */
    uint32_t exchanges;      /* how many may be under way at once */
};

/* An upstream without servers: these become known by the first question to them. Out of memory is
 * fatal. */
struct upstream *upstream_new(const struct upstream_setup *setup);

/* Fails what is under way (ERR_CLOSED) and closes all sockets. Not from inside an on_done. Accepts
 * NULL. */
void upstream_free(struct upstream *upstream);

struct question {
    const struct name *qname; /* borrowed until exchange_start returns */
    uint16_t qtype;           /* any number */
    uint16_t qclass;          /* any number */
    bool recursion_desired;   /* RD */
    bool checking_disabled;   /* CD */
    bool dnssec_ok;           /* DO */
};

/* How it ended. */
struct exchange_result {
    enum err err;      /* ERR_OK: an answer, whatever its rcode; ERR_CLOSED: upstream_free alone */
    enum ede_code ede; /* on failure: what to tell the client (22 no reachable, 23 network) */
    const uint8_t
        *message; /* borrowed until the callback returns; question, id checked; TC clear */
    size_t len;   /* octets of message */
    const struct addr *server; /* who answered; NULL on failure */
};

/* Called exactly once for each exchange not cancelled; never from inside exchange_start. */
typedef void (*exchange_on_done)(void *owner, const struct exchange_result *result);

/* Starts asking; pool and question are not used after the call. 0 when the table is full (owner is not
 * called; the caller sheds), else the id. */
slab_id exchange_start(struct upstream *upstream, const struct pool *pool,
                       const struct question *question, exchange_on_done on_done, void *owner);

/* Forgets one; on_done is not called. */
void exchange_cancel(struct upstream *upstream, slab_id id);

/* Exchanges under way. */
uint32_t upstream_active(const struct upstream *upstream);

/* Tells which servers are in use from now on (all pools of the new snapshot): others are forgotten
 * once no exchange uses them. */
void upstream_keep(struct upstream *upstream, const struct pool *const *pools, size_t count);

/* What is known of one server; false when it is not in use here. */
struct upstream_server_state {
    bool up;             /* in use, or being probed after failures */
    uint32_t rtt_us;     /* smoothed round trip; 0 when none was measured */
    uint32_t timeout_ms; /* what the next try would wait */
};
bool upstream_server_state(const struct upstream *upstream, const struct addr *server,
                           struct upstream_server_state *out);

#endif
