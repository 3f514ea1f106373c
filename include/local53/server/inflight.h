/* inflight: the questions a loop waits for, each asked once however many clients want it. The key is
 * the cache's plus RD, pool and rules epoch: a question decided under other rules is another question,
 * so nobody joins an old decision. Bounded: a full table refuses, and the caller counts. One thread's. */
#ifndef LOCAL53_SERVER_INFLIGHT_H
#define LOCAL53_SERVER_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/list.h"
#include "local53/base/slab.h"
#include "local53/cache/key.h"
#include "local53/server/client.h"
#include "local53/server/snapshot.h"

/* One question waiting for an upstream. */
struct pending {
    struct link bucket;        /* in the table's hash bucket */
    struct link age;           /* in the table's list, oldest first */
    struct link waiters;       /* head; struct waiter, in the order they came */
    uint64_t sequence;         /* grows with each question of this loop that begins a reply */
    struct snapshot *snapshot; /* held; the rules it was decided under */
    struct cache_key key;      /* key.name is &qname */
    struct name qname;         /* folded */
    bool recursion_desired;    /* RD of the first client; part of the key */
    uint32_t pool;             /* index in the snapshot's pools */
    void *owner;               /* borrowed; the worker, for the answer's callback */
};

struct inflight {
    struct slab pending;    /* struct pending */
    struct slab waiters;    /* struct waiter */
    struct link *buckets;   /* owned; bucket_count list heads */
    size_t bucket_count;    /* power of two */
    struct link by_age;     /* oldest first */
    uint64_t next_sequence; /* of the next question */
};

/* Room for `questions` different ones and `waiters` clients. */
void inflight_init(struct inflight *inflight, uint32_t questions, uint32_t waiters);

/* Nothing may be pending any more. Accepts a zeroed one. */
void inflight_deinit(struct inflight *inflight);

/* What decides whether two questions are one. */
struct inflight_key {
    const struct cache_key *key;     /* with its hash */
    bool recursion_desired;          /* RD */
    uint32_t pool;                   /* index in the snapshot's pools */
    const struct snapshot *snapshot; /* whose rules' epoch counts */
};

/* The question under way with this key, or NULL. */
struct pending *inflight_find(const struct inflight *inflight, const struct inflight_key *key);

/* A new one without waiters, holding the snapshot; NULL when the table is full. */
struct pending *inflight_add(struct inflight *inflight, const struct inflight_key *key,
                             struct snapshot *snapshot);

/* Lets a client wait for it; false when there is no room for another waiter. */
bool inflight_join(struct inflight *inflight, struct pending *pending, const struct client *client,
                   const struct request *request);

/* The next waiter, taken out of the list, or NULL; the caller gives it back with inflight_give. */
struct waiter *inflight_take_waiter(struct pending *pending);
void inflight_give(struct inflight *inflight, struct waiter *waiter);

/* A waiter of an earlier question, still in the table, goes on with this one: it is as old as that from now on,
 * if it was younger. */
void inflight_follow(struct pending *pending, struct pending *earlier);

/* Ends a question: out of the table, waiters left over given back, snapshot released. */
void inflight_remove(struct inflight *inflight, struct pending *pending);

/* The oldest question still waiting, or NULL: what an ordered stop waits for. */
const struct pending *inflight_oldest(const struct inflight *inflight);

#endif
