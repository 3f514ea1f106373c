/* snapshot: immutable state of the server, counted by its holders. Made and changed on the main
 * thread before it is published; given back by any thread, the last holder frees. */
#include "local53/server/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

/* A ruleset is shared by all snapshots that differ only in addresses or servers. */
struct snapshot_rules {
    _Atomic uint32_t references; /* snapshots that use it */
    struct ruleset *ruleset;     /* owned; freed with the last reference */
};

static struct snapshot_rules *rules_share(struct ruleset *ruleset)
{
    struct snapshot_rules *shared = calloc(1, sizeof(*shared));
    CHECK(shared != NULL);
    atomic_init(&shared->references, 1);
    shared->ruleset = ruleset;
    return shared;
}

static void rules_release(struct snapshot_rules *shared)
{
    if (atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) != 1)
        return;
    ruleset_free(shared->ruleset);
    free(shared);
}

/* An empty snapshot of shared rules (the reference goes with it), tables at their sizes. */
static struct snapshot *snapshot_make(struct snapshot_rules *shared)
{
    const struct ruleset *rules = shared->ruleset;
    struct snapshot *snapshot = aligned_alloc(_Alignof(struct snapshot), sizeof(*snapshot));
    CHECK(snapshot != NULL);
    memset(snapshot, 0, sizeof(*snapshot));
    snapshot->rules = rules;
    snapshot->shared = shared;
    snapshot->addresses = calloc(rules->endpoint_count + 1, sizeof(struct addresses));
    snapshot->endpoint_slots = calloc(rules->endpoint_count + 1, sizeof(size_t));
    snapshot->pools = calloc(rules->pool_count, sizeof(struct pool));
    CHECK(snapshot->addresses != NULL && snapshot->endpoint_slots != NULL &&
          snapshot->pools != NULL);
    atomic_init(&snapshot->references, 1);
    return snapshot;
}

struct snapshot *snapshot_new(struct ruleset *rules, struct metrics_names *names)
{
    struct snapshot *snapshot = snapshot_make(rules_share(rules));
    for (size_t i = 0; i < rules->endpoint_count; i++)
        snapshot->endpoint_slots[i] =
            metrics_slot_for(names, METRICS_DIMENSION_ENDPOINT, rules->endpoints[i].label);
    return snapshot;
}

struct snapshot *snapshot_copy(const struct snapshot *from)
{
    const struct ruleset *rules = from->rules;
    atomic_fetch_add_explicit(&from->shared->references, 1, memory_order_relaxed);
    struct snapshot *snapshot = snapshot_make(from->shared);
    memcpy(snapshot->addresses, from->addresses, rules->endpoint_count * sizeof(struct addresses));
    memcpy(snapshot->endpoint_slots, from->endpoint_slots, rules->endpoint_count * sizeof(size_t));
    memcpy(snapshot->pools, from->pools, rules->pool_count * sizeof(struct pool));
    return snapshot;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    free(snapshot->addresses);
    free(snapshot->endpoint_slots);
    free(snapshot->pools);
    rules_release(snapshot->shared);
    free(snapshot);
}

const char *snapshot_missing(const struct snapshot *snapshot)
{
    const struct ruleset *rules = snapshot->rules;
    for (size_t i = 0; i < rules->endpoint_count; i++) {
        if (snapshot->addresses[i].state == ADDRESSES_NONE && !rules->endpoints[i].config->optional)
            return rules->endpoints[i].label;
    }
    return NULL;
}
