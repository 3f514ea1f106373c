/* supervisor: the main thread of a running local53: starts workers, keeps their snapshot current
 * (reloads, endpoints' addresses, servers' addresses), answers control and metrics, stops in order. */
#ifndef LOCAL53_APP_SUPERVISOR_H
#define LOCAL53_APP_SUPERVISOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "handover.h"
#include "local53/base/metrics.h"
#include "local53/base/rng.h"
#include "local53/cache/cache.h"
#include "local53/net/loop.h"
#include "local53/net/mailbox.h"
#include "local53/server/leaks.h"
#include "local53/server/publisher.h"
#include "local53/server/refresh.h"
#include "local53/server/snapshot.h"
#include "local53/server/worker.h"
#include "local53/upstream/bootstrap.h"
#include "metrics_ports.h"
#include "node.h"
#include "selfcheck.h"
#include "spread.h"
#include "watched.h"

#define SUPERVISOR_WORKERS_MAX 64

struct supervisor {
    const char *file;            /* borrowed; the configuration */
    struct loop *loop;           /* owned; main's */
    struct mailbox *mailbox;     /* owned; workers tell their end */
    struct rng rng;              /* main's */
    struct metrics *metrics;     /* owned; main's numbers, gauges */
    struct metrics_names *names; /* owned; endpoints and servers by slot */
    struct node *node;           /* owned; what was put on the node */
    struct cache *cache;         /* owned; shared by the workers */
    struct leaks *leaks; /* owned; AWS names upstreams were asked for; shared by the workers */
    struct publisher publisher;                     /* owned; what the loops answer from */
    struct upstream *upstream;                      /* owned; main's, for internal queries */
    struct refresh *refresh;                        /* owned; endpoints' addresses */
    struct bootstrap *bootstrap;                    /* owned; servers given by host name */
    struct watched *watched;                        /* owned; the files of the configuration */
    struct control *control;                        /* owned */
    struct selfcheck *selfcheck;                    /* owned */
    struct metrics_ports metrics_ports;             /* owned */
    struct handover *handover;                      /* owned; who else is at our addresses */
    struct worker *workers[SUPERVISOR_WORKERS_MAX]; /* owned */
    pthread_t threads[SUPERVISOR_WORKERS_MAX];      /* of the workers that were started */
    size_t worker_count;                            /* workers made */
    size_t thread_count;                            /* threads started */
    size_t drained_count;                           /* workers that told that they are drained */
    size_t stopped_count;                           /* workers that told their end */
    struct spread spread;                           /* over how many workers queries are spread */
    uint64_t epoch;                                 /* of the last ruleset built */
    uint64_t started_ms;                            /* monotonic */
    char *reload_problem;      /* owned; why the last reload was refused; NULL when it was taken */
    bool stopping;             /* SIGTERM came */
    int code;                  /* enum exit_code of an ordered stop */
    bool unsteered;            /* the kernel spreads queries its own way */
    bool was_ready;            /* to log changes of readiness once */
    struct alarm *ready_alarm; /* owned; looks at readiness */
};

/* The whole life of `local53 run`: gives an enum exit_code. What went wrong at the start is told on
 * stderr. */
int supervisor_run(const char *file);

/* True unless no query of our own was answered for SELFCHECK_STALE_MS, or a loop gave no sign of life for so
 * long; else `why` tells people. */
#define SUPERVISOR_WHY_MAX 300
bool supervisor_is_alive(const struct supervisor *supervisor, char why[SUPERVISOR_WHY_MAX]);

/* True when it can serve; else `why` tells people why not. */
bool supervisor_is_ready(const struct supervisor *supervisor, char why[SUPERVISOR_WHY_MAX]);

/* Takes the configuration anew. True when it was taken; else supervisor->reload_problem tells. */
bool supervisor_reload(struct supervisor *supervisor);

#endif
