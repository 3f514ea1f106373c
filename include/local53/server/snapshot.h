/* snapshot: all that a query is answered from besides the cache: rules, pools' servers and endpoints'
 * addresses, as known at one moment. Immutable once published; shared by reference count. A loop holds
 * one reference, each question in flight another; so a query ends with the snapshot it began with.
 * New address sets share the ruleset of the one before. */
#ifndef LOCAL53_SERVER_SNAPSHOT_H
#define LOCAL53_SERVER_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "local53/base/metrics.h"
#include "local53/endpoint/target.h"
#include "local53/rules/ruleset.h"
#include "local53/upstream/exchange.h"

/* Octets of a cache line. */
#define SNAPSHOT_LINE 64

struct snapshot_rules; /* the shared, counted ruleset */

struct snapshot {
    const struct ruleset *rules;                         /* what names get */
    struct addresses *addresses;                         /* owned; one per endpoint of rules */
    size_t *endpoint_slots;                              /* owned; metrics slot of each endpoint */
    struct pool *pools;                                  /* owned; one per pool of rules */
    struct snapshot_rules *shared;                       /* counted; keeps rules alive */
    _Alignas(SNAPSHOT_LINE) _Atomic uint32_t references; /* holders; each miss changes it */
};

/* A snapshot of fresh rules (taken over) with no address and no server known yet, slots looked up in
 * names; one reference, the caller's. */
struct snapshot *snapshot_new(struct ruleset *rules, struct metrics_names *names);

/* A copy to change before it is published: same rules, addresses and pools; one reference. */
struct snapshot *snapshot_copy(const struct snapshot *from);

/* One more reference, any thread; gives its argument. */
struct snapshot *snapshot_hold(struct snapshot *snapshot);

/* One reference less, any thread; the last one frees. Accepts NULL. */
void snapshot_release(struct snapshot *snapshot);

/* The label of the first endpoint without any address that is not optional: what readiness waits for. NULL when each
 * has one. */
const char *snapshot_missing(const struct snapshot *snapshot);

/* The pool that resolves targets. */
static inline struct pool *snapshot_resolver(const struct snapshot *snapshot)
{
    return &snapshot->pools[snapshot->rules->resolver];
}

#endif
