/* refresh: keeps the endpoints' addresses known: asks for their targets through the pool of
 * aws.resolver before their time runs out, with the same upstream code as clients' questions, on the
 * main thread's loop. Never on a query's way: what changes is told and published as a new snapshot. */
#ifndef LOCAL53_SERVER_REFRESH_H
#define LOCAL53_SERVER_REFRESH_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/metrics.h"
#include "local53/net/loop.h"
#include "local53/server/snapshot.h"
#include "local53/upstream/exchange.h"

struct refresh;

/* Addresses changed or were confirmed: take them with refresh_addresses and publish. Called at most
 * once a turn. */
typedef void (*refresh_on_change)(void *owner);

struct refresh_setup {
    struct loop *loop;           /* borrowed; main's */
    struct upstream *upstream;   /* borrowed; main's own */
    struct metrics *metrics;     /* borrowed; main's */
    refresh_on_change on_change; /* told of news */
    void *owner;                 /* for on_change */
};

/* One that follows nothing yet; owned by the caller. What the setup lends outlives it. */
struct refresh *refresh_new(const struct refresh_setup *setup);

/* Cancels what is under way and frees it; accepts NULL. */
void refresh_free(struct refresh *refresh);

/* Works for this snapshot from now on (one reference is taken, the old one given back); what was known
 * of targets that are still named is carried over. Fills snapshot->addresses; the caller publishes
 * it afterwards. */
void refresh_follow(struct refresh *refresh, struct snapshot *snapshot);

/* The same rules with other servers: use these pools from now on. */
void refresh_use_pools(struct refresh *refresh, struct snapshot *snapshot);

/* Copies what is known now of each endpoint to out (one per endpoint of the followed snapshot). */
void refresh_addresses(const struct refresh *refresh, struct addresses *out);

/* Why some target of an endpoint of the followed snapshot has no address now (static text: an rcode,
 * "timed out", ...), or NULL. */
const char *refresh_problem(const struct refresh *refresh, size_t endpoint);

/* The same of its i-th target alone. */
const char *refresh_target_problem(const struct refresh *refresh, size_t endpoint, size_t i);

/* What is known of an endpoint's targets, name by name; borrowed until the next turn of the loop. */
const struct target *refresh_target(const struct refresh *refresh, size_t endpoint);

#endif
