/* upstream: one loop's table of servers and of exchanges under way, and the probes of servers that are
 * down. What exchange.c and upstream.c share behind the door exchange.h. One loop's thread. */
#ifndef LOCAL53_UPSTREAM_UPSTREAM_H
#define LOCAL53_UPSTREAM_UPSTREAM_H

#include "local53/upstream/exchange.h"
#include "server.h"

#define UPSTREAM_SERVERS_MAX                                                                       \
    256                     /* servers a loop knows at once; more are not asked, and that is told */
#define UPSTREAM_TIMEOUTS 6 /* classes of time-outs */

struct upstream {
    struct upstream_env env;                         /* owned; what servers share */
    struct slab slab;                                /* owned; of struct exchange */
    struct link active;                              /* of struct exchange */
    uint32_t questions_max;                          /* exchanges for callers; probes come on top */
    uint32_t questions;                              /* of these, under way */
    struct server *servers[UPSTREAM_SERVERS_MAX];    /* owned; NULL: free place */
    struct timer_class *timeouts[UPSTREAM_TIMEOUTS]; /* owned; of exchanges, shortest first */
    struct timer_class *budget;                      /* owned; of exchanges */
    struct alarm *probes;                            /* owned; set while a server is down */
    struct later_item sweep;                         /* frees servers nobody uses */
    struct log_limit told_full;                      /* of "upstream.table_full" */
    bool closing;                                    /* upstream_free was called: nothing starts */
};

/* The index of a server, made known if need be, one user more; -1 when the table is full. */
int upstream_use(struct upstream *upstream, const struct addr *addr, uint16_t slot);

/* One user less. */
void upstream_unuse(struct upstream *upstream, unsigned server);

/* Some server may have gone down: sets the alarm for the next probe. */
void upstream_plan_probes(struct upstream *upstream);

/* The timer class of the shortest time-out that is at least ms, or the longest. */
struct timer_class *upstream_timeout_class(const struct upstream *upstream, uint32_t ms);

/* --- implemented by exchange.c --- */

/* Octets of a struct exchange, for the slab. */
size_t exchange_octets(void);

/* What happens to attempts. */
extern const struct attempt_events EXCHANGE_EVENTS;

/* Sends ". NS" to one server, one packet, nobody is told. Nothing when the table is full. */
void exchange_probe(struct upstream *upstream, unsigned server);

/* Ends all that is under way with ERR_CLOSED. */
void exchange_end_all(struct upstream *upstream);

/* Timers of exchanges: one packet's time, and the whole question's. */
void exchange_on_timeout(void *owner, struct timer *timer);
void exchange_on_budget(void *owner, struct timer *timer);

#endif
