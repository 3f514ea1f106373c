/* upstream: makes and frees what a loop needs to ask its servers, and keeps the table of these. Owns all of
 * it; one loop's thread. Bounds: UPSTREAM_SERVERS_MAX servers; the caller's number of exchanges and one
 * probe a server. Fails: a full table of servers leaves the newest out and is logged; out of memory is fatal.
 * Time-outs follow the round trip, but a timer class has one duration: they are rounded up to the next of
 * a few classes, so that starting one stays a list append. */
#include "upstream.h"

#include <stdlib.h>

#include "local53/base/check.h"

static const uint32_t TIMEOUT_CLASSES_MS[UPSTREAM_TIMEOUTS] = {
    RTT_TIMEOUT_MIN_MS, 300, 450, 700, 1000, RTT_TIMEOUT_MAX_MS};

static struct server *server_at(const struct upstream *upstream, const struct addr *addr, int *at)
{
    for (int i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        struct server *server = upstream->servers[i];
        if (server != NULL && addr_equal(&server->addr, addr)) {
            *at = i;
            return server;
        }
    }
    return NULL;
}

static bool is_idle(const struct server *server)
{
    return !server->wanted && server->users == 0;
}

static void sweep(struct upstream *upstream)
{
    for (size_t i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        struct server *server = upstream->servers[i];
        if (server == NULL || !is_idle(server))
            continue;
        server_free(server);
        upstream->servers[i] = NULL;
    }
}

static void run_sweep(struct later_item *item)
{
    sweep(LIST_ITEM(item, struct upstream, sweep));
}

/* A place for a new server, or -1. */
static int vacant_place(const struct upstream *upstream)
{
    for (int i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        if (upstream->servers[i] == NULL)
            return i;
    }
    return -1;
}

int upstream_use(struct upstream *upstream, const struct addr *addr, uint16_t slot)
{
    int at = -1;
    struct server *server = server_at(upstream, addr, &at);
    if (server == NULL) {
        at = vacant_place(upstream);
        if (at < 0) {
            LOG_LIMITED(&upstream->told_full, loop_now_ms(upstream->env.loop), LOG_LEVEL_WARN,
                        "upstream.table_full", LOG_ADDR("server", addr));
            return -1;
        }
        server = server_new(&upstream->env, addr, slot);
        upstream->servers[at] = server;
    }
    server->slot = slot;
    server->users++;
    return at;
}

void upstream_unuse(struct upstream *upstream, unsigned server)
{
    struct server *used = upstream->servers[server];
    CHECK(used->users > 0);
    used->users--;
    /* Not now: a caller further up may stand in a callback of one of its sockets. */
    if (is_idle(used))
        later_add(&upstream->env.later, &upstream->sweep, run_sweep);
}

void upstream_keep(struct upstream *upstream, const struct pool *const *pools, size_t count)
{
    int at = -1;
    for (size_t i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        if (upstream->servers[i] != NULL)
            upstream->servers[i]->wanted = false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < pools[i]->count; k++) {
            struct server *server = server_at(upstream, &pools[i]->servers[k], &at);
            if (server != NULL)
                server->wanted = true;
        }
    }
    later_add(&upstream->env.later, &upstream->sweep, run_sweep);
}

void upstream_plan_probes(struct upstream *upstream)
{
    uint64_t now_ms = loop_now_ms(upstream->env.loop);
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        const struct server *server = upstream->servers[i];
        if (server != NULL && server->wanted && server->health.down &&
            server->health.probe_ms < next_ms)
            next_ms = server->health.probe_ms;
    }
    if (next_ms != UINT64_MAX)
        alarm_set(upstream->probes, next_ms > now_ms ? next_ms - now_ms : 0);
}

static void on_probes(void *owner)
{
    struct upstream *upstream = owner;
    uint64_t now_ms = loop_now_ms(upstream->env.loop);
    for (unsigned i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        struct server *server = upstream->servers[i];
        if (server != NULL && server->wanted &&
            health_probe_due(&server->health, now_ms, upstream->env.rng))
            exchange_probe(upstream, i);
    }
    upstream_plan_probes(upstream);
}

struct timer_class *upstream_timeout_class(const struct upstream *upstream, uint32_t ms)
{
    size_t i = 0;
    while (i < UPSTREAM_TIMEOUTS - 1 && TIMEOUT_CLASSES_MS[i] < ms)
        i++;
    return upstream->timeouts[i];
}

struct upstream *upstream_new(const struct upstream_setup *setup)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));
    CHECK(upstream != NULL);
    struct loop *loop = setup->loop;
    upstream->env = (struct upstream_env){
        .loop = loop, .rng = setup->rng, .metrics = setup->metrics, .events = &EXCHANGE_EVENTS};
    later_init(&upstream->env.later, loop);
    upstream->env.idle = timer_class_new(loop, STREAM_POOL_IDLE_MS, stream_pool_on_idle, upstream);
    upstream->budget = timer_class_new(loop, EXCHANGE_BUDGET_MS, exchange_on_budget, upstream);
    for (size_t i = 0; i < UPSTREAM_TIMEOUTS; i++)
        upstream->timeouts[i] =
            timer_class_new(loop, TIMEOUT_CLASSES_MS[i], exchange_on_timeout, upstream);
    upstream->probes = alarm_new(loop, on_probes, upstream);
    upstream->questions_max = setup->exchanges;
    slab_init(&upstream->slab, exchange_octets(), setup->exchanges + UPSTREAM_SERVERS_MAX);
    list_init(&upstream->active);
    return upstream;
}

void upstream_free(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    upstream->closing = true;
    exchange_end_all(upstream);
    for (size_t i = 0; i < UPSTREAM_SERVERS_MAX; i++) {
        server_free(upstream->servers[i]);
        upstream->servers[i] = NULL;
    }
    later_deinit(&upstream->env.later);
    alarm_free(upstream->probes);
    for (size_t i = 0; i < UPSTREAM_TIMEOUTS; i++)
        timer_class_free(upstream->timeouts[i]);
    timer_class_free(upstream->budget);
    timer_class_free(upstream->env.idle);
    slab_deinit(&upstream->slab);
    free(upstream);
}

uint32_t upstream_active(const struct upstream *upstream)
{
    return upstream->questions;
}

bool upstream_server_state(const struct upstream *upstream, const struct addr *server,
                           struct upstream_server_state *out)
{
    int at = -1;
    const struct server *known = server_at(upstream, server, &at);
    if (known == NULL)
        return false;
    *out = (struct upstream_server_state){.up = !known->health.down,
                                          .rtt_us = known->rtt.srtt_us,
                                          .timeout_ms = rtt_timeout_ms(&known->rtt)};
    return true;
}
