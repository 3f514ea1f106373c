/* waiting: the queries that wait for an answer on one socket or connection, found by their ids, and
 * what sockets and connections of all servers of a loop share. Attempts are embedded in their exchanges; a
 * table owns only what it remembers of those given up. One loop's thread; touches nothing but memory. */
#ifndef LOCAL53_UPSTREAM_WAITING_H
#define LOCAL53_UPSTREAM_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "later.h"
#include "local53/base/err.h"
#include "local53/base/metrics.h"
#include "local53/base/rng.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"

#define WAITING_BUCKETS 128
#define WAITING_MAX                                                                                \
    4096 /* on one socket or connection; ids stay easy to choose and hard to guess */

struct waiting;

/* One query on its way. Embedded in its exchange, zero-initialised. */
struct attempt {
    struct attempt *next;  /* next in its bucket */
    struct waiting *table; /* where it waits; NULL while it does not */
    void *owner;           /* borrowed; its exchange */
    uint64_t sent_us;      /* loop time it left at; server_send sets it */
    uint16_t id;           /* its DNS id, unique in the table */
    uint8_t target;        /* index among its exchange's targets */
    bool edns;             /* it carried an OPT */
    bool over_tcp;         /* it left over a connection */
};

struct waiting {
    struct attempt *buckets[WAITING_BUCKETS];  /* by the low bits of the id */
    uint32_t count;                            /* attempts in all buckets */
    uint64_t *forgotten;                       /* owned; a bit an id; NULL while none was */
    void (*on_empty)(struct waiting *waiting); /* the last one left; may close the socket */
};

/* What happens to an attempt; the exchange implements these. */
struct attempt_events {
    /* A message with its id: true when it is an answer to it (it is then no longer waiting unless its
     * exchange sent it again), false when it is a forgery or an error of the server. */
    bool (*on_message)(struct attempt *attempt, const uint8_t *message, size_t len);
    /* It waits no more: the socket or connection failed. */
    void (*on_lost)(struct attempt *attempt, enum err err);
    /* True when a wrong answer names the attempt's question: somebody may be guessing at its id. */
    bool (*is_guessed)(const struct attempt *attempt, const uint8_t *message, size_t len);
    /* It waits no more: too many wrong answers came, and one is_guessed (RFC 5452 section 9.3). */
    void (*on_flooded)(struct attempt *attempt);
};

/* What all sockets and connections of a loop's servers share; all borrowed but `later`. */
struct upstream_env {
    struct loop *loop;                   /* whose sockets they are */
    struct rng *rng;                     /* ids, sockets */
    struct metrics *metrics;             /* this thread's */
    const struct attempt_events *events; /* the exchange's */
    struct timer_class *idle;            /* of connections */
    struct later later;                  /* owned; work for the next turn */
};

/* Gives the attempt a random id that nobody waiting here has, and lets it wait. The table must have
 * less than WAITING_MAX. */
void waiting_add(struct waiting *waiting, struct attempt *attempt, struct rng *rng);

/* The attempt with that id, or NULL. */
struct attempt *waiting_find(const struct waiting *waiting, uint16_t id);

/* Any attempt that waits, or NULL. */
struct attempt *waiting_first(const struct waiting *waiting);

/* Takes it out, answered; nothing when it does not wait. */
void waiting_remove(struct attempt *attempt);

/* Takes it out, unanswered: an answer that comes later is no forgery. */
void waiting_forget(struct attempt *attempt);

/* True once for a message with an id that was forgotten: it may be the late answer. All of them are
 * remembered: after a pause of the server they come by the hundred. */
bool waiting_was_forgotten(struct waiting *waiting, const uint8_t *message, size_t len);

/* Gives back what is remembered; nobody waits any more. */
void waiting_deinit(struct waiting *waiting);

/* The attempt that this message may be an answer to: whole header, a response to a standard query, a
 * known id; NULL when it is none. */
struct attempt *waiting_match(const struct waiting *waiting, const uint8_t *message, size_t len);

#endif
