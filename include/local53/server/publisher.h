/* publisher: makes the snapshots that the loops answer from, and decides when they get them: new rules once
 * their new targets are known (a reload must not take an answer away for the time of a resolution),
 * changed addresses and servers at once. Main thread. */
#ifndef LOCAL53_SERVER_PUBLISHER_H
#define LOCAL53_SERVER_PUBLISHER_H

#include <stdbool.h>

#include "local53/base/metrics.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"
#include "local53/server/refresh.h"
#include "local53/server/snapshot.h"
#include "local53/upstream/bootstrap.h"

#define PUBLISHER_WAIT_MS 2000   /* new rules wait at most this long for their targets */
#define PUBLISHER_POOLS_MS 10000 /* how often resolv.conf files are looked at for other servers */

/* What the owner lends; all outlive the publisher. */
struct publisher_setup {
    struct loop *loop;           /* borrowed; main's */
    struct metrics_names *names; /* borrowed; slots of endpoints and servers */
    struct refresh *refresh;     /* borrowed; follows what is taken */
    struct bootstrap *bootstrap; /* borrowed; servers given by host name */
    /* A snapshot is current now; borrowed, hold it to keep it. */
    void (*on_publish)(void *owner, struct snapshot *snapshot);
    void *owner; /* for on_publish */
};

struct publisher {
    struct publisher_setup setup; /* as lent */
    struct snapshot *current;     /* held; what the loops have */
    struct snapshot *next;        /* held; new rules that wait for their targets; NULL for none */
    struct alarm *wait;           /* owned; ends that wait */
    struct alarm *pools;          /* owned; next look at resolv.conf files */
};

/* Nothing is current yet; what setup lends stays the owner's. */
void publisher_init(struct publisher *publisher, const struct publisher_setup *setup);

/* Closes its alarms and gives the snapshots back. Accepts a zeroed one. */
void publisher_deinit(struct publisher *publisher);

/* Takes new rules over: at once when they are the first or miss no address, else within
 * PUBLISHER_WAIT_MS. */
void publisher_take(struct publisher *publisher, struct ruleset *rules);

/* The rules taken last, published or about to be. */
const struct ruleset *publisher_rules(const struct publisher *publisher);

/* Which endpoint or alias of these rules is still looked up for the first time (its label; borrowed from the rules), or
 * NULL: of each there is an address, or a reason why there is none. */
const char *publisher_awaited(const struct publisher *publisher);

/* News of refresh: addresses changed or were confirmed. */
void publisher_addresses_changed(struct publisher *publisher);

/* News of bootstrap: a host has other addresses. */
void publisher_hosts_changed(struct publisher *publisher);

#endif
