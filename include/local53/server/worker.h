/* worker: one event loop on one thread and everything that belongs to it: listeners, questions in
 * flight, upstreams, random numbers, counters. Shares with others only the snapshot it is handed, the
 * cache, and its mailbox. */
#ifndef LOCAL53_SERVER_WORKER_H
#define LOCAL53_SERVER_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/base/log.h"
#include "local53/base/metrics.h"
#include "local53/base/rng.h"
#include "local53/cache/cache.h"
#include "local53/net/loop.h"
#include "local53/net/mailbox.h"
#include "local53/server/inflight.h"
#include "local53/server/leaks.h"
#include "local53/server/listener.h"
#include "local53/server/snapshot.h"
#include "local53/server/toplist.h"
#include "local53/upstream/exchange.h"

#define WORKER_POKE_MS 5000 /* between two signs of life asked for */
#define WORKER_STOP_MS 5000 /* an ordered stop takes at most this long, and so does a drain */
#define WORKER_LINGER_MS 50 /* a drain goes on for this long with what was on its way */
#define WORKER_LATE_MS 500  /* a stop after a drain takes at most this long */

/* The names asked most come from a sample: one query over UDP of each WORKER_SAMPLE. */
#define WORKER_SAMPLE 64
#define WORKER_ASKED_MAX 256         /* questions kept of the sample, a loop */
#define WORKER_ASKED_HALVE_MS 300000 /* their counts are halved so often */

/* What the supervisor lends or hands over. */
struct worker_setup {
    const struct addr *listen;  /* borrowed until worker_new returns */
    size_t listen_count;        /* addresses in listen, 1..LISTENER_ADDRESSES_MAX */
    struct cache *cache;        /* borrowed; shared by all workers */
    struct snapshot *snapshot;  /* a reference of its own is taken */
    uint32_t tcp_connections;   /* this worker's share */
    struct mailbox *supervisor; /* borrowed; told WORKER_STOPPED with the worker; NULL: nobody */
    struct leaks *leaks;        /* borrowed; shared by all workers; NULL: not noted */
};

/* Message kind posted to the supervisor when a worker's loop has ended; payload: the worker. */
#define WORKER_STOPPED 1

/* The same, when a drain is through; the worker goes on answering. */
#define WORKER_DRAINED 2

/* Where a worker is on its way to the end. */
enum worker_phase {
    WORKER_SERVING,
    WORKER_LINGERING, /* draining: what was on its way to us still comes */
    WORKER_DRAINING,  /* questions in flight are finished */
    WORKER_EMPTY,     /* drained */
    WORKER_LEAVING,   /* the word to stop came after a drain: strays are finished */
    WORKER_STOPPING   /* the word to stop came: questions in flight are finished */
};

struct worker {
    struct loop *loop;           /* owned */
    struct mailbox *mailbox;     /* owned; snapshots and the word to stop */
    struct mailbox *supervisor;  /* borrowed */
    struct rng rng;              /* ids and choices of this loop */
    struct metrics *metrics;     /* owned; this thread is its only writer */
    struct cache *cache;         /* borrowed */
    struct cache_reader *reader; /* owned; this thread's way to look into the cache */
    struct snapshot *snapshot;   /* held; the current one */
    struct upstream *upstream;   /* owned */
    struct inflight inflight;    /* questions waiting for upstreams */
    struct listeners listeners;  /* sockets and connections */
    struct entry *scratch;       /* owned; ENTRY_SCRATCH octets: an answer being built */
    struct name wanted;          /* a name in a chain that is looked for: until it is asked */
    uint8_t *stream_reply;       /* owned; MESSAGE_MAX_OCTETS: a TCP answer being written */
    uint32_t turn;               /* rotates endpoints' addresses */
    uint64_t stop_sequence;      /* draining, stopping: questions before this one are waited for */
    enum worker_phase phase;     /* on its way to the end */
    struct alarm *stop_alarm;    /* owned; looks whether an ordered stop, or a drain, is complete */
    uint64_t stop_deadline_ms;   /* loop time at which it ends in any case */
    struct log_limit shed_limit; /* "table full" is told once a period */
    struct leaks *leaks;         /* borrowed; AWS names that upstreams were asked for; or NULL */
    int32_t sample_left;         /* queries over UDP until one is put into asked */
    struct toplist *asked;       /* owned; this thread's alone */
    struct toplist *told;        /* owned; asked as of the last sign of life; under told_mutex */
    pthread_mutex_t told_mutex;  /* never taken while queries are answered */
    _Atomic uint64_t snapshots_taken; /* of those published; written by the loop */
    uint64_t snapshots_sent;          /* published; main's own */
    _Atomic uint64_t pokes_answered;  /* signs of life given; written by the loop */
    uint64_t pokes_sent;              /* asked for; main's own */
    uint64_t poked_ms;                /* when the last was asked for; main's own */
};

/* Opens the listeners and makes the loop; nothing runs yet. On error nothing is left and *failed is
 * the address that could not be had. */
enum err worker_new(struct worker **out, const struct worker_setup *setup, struct addr *failed);

/* Once all workers are made: nobody else gets their UDP addresses any more. */
void worker_seal(struct worker *worker);

/* Runs the loop until it was told to stop and all is closed; the thread's whole life. */
void worker_run(struct worker *worker);

/* Hands over a snapshot (a reference goes with it); any thread. */
void worker_publish(struct worker *worker, struct snapshot *snapshot);

/* True when the loop answers from the snapshot that was published last; main thread. */
bool worker_is_current(const struct worker *worker);

/* Asks the loop for a sign of life, at most every WORKER_POKE_MS and only when none is owed; main thread. */
void worker_poke(struct worker *worker, uint64_t now_ms);

/* Puts a question of the sample on the loop's list; its own thread. */
void worker_sample(struct worker *worker, const struct request *request);

/* Adds the loop's list to another, as it was at its last sign of life (WORKER_POKE_MS); any thread. */
void worker_merge_asked(struct worker *worker, struct toplist *into);

/* For how long a sign of life has been owed; 0 for not at all. Main thread. */
uint64_t worker_silent_ms(const struct worker *worker, uint64_t now_ms);

/* Spreads queries over UDP over the first `active` of the workers, in the order in which they were made:
 * by query instead of by client. To be asked of one of them, before it is told to stop; main thread.
 * Errors as of udp_server_steer. */
enum err worker_steer(const struct worker *worker, size_t active);

/* Leads what comes to one of the addresses of worker_setup.listen to loops `first` on, `count` of them, of all
 * processes there (listeners_lead). To be asked of one whose listeners are open; main thread. */
enum err worker_lead(const struct worker *worker, size_t address, size_t first, size_t count);

/* True once the loop has given a sign of life; main thread. */
bool worker_has_begun(const struct worker *worker);

/* Clients have been led elsewhere: finishes what was on its way and in flight, and connections that are used, at most
 * WORKER_STOP_MS, then tells WORKER_DRAINED. What comes all the same is answered as before, until worker_stop. Any thread. */
void worker_drain(struct worker *worker);

/* Asks for an ordered stop: questions in flight are finished, at most WORKER_STOP_MS; any thread. */
void worker_stop(struct worker *worker);

/* After worker_run returned, or when it was never run. Accepts NULL. */
void worker_free(struct worker *worker);

#endif
