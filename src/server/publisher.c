/* publisher: builds and hands out snapshots. Owns the current one and the one that waits. Blocks only on
 * reading resolv.conf files; never fails: what is not known yet is published as not known. */
#include "local53/server/publisher.h"

#include <stdio.h>
#include <string.h>

#include "local53/base/log.h"
#include "local53/dns/text.h"
#include "local53/upstream/pool.h"

#define PROBLEM_MAX 256
#define HOSTS_MAX 256

/* Makes a snapshot the current one; the reference goes with it. */
static void publish(struct publisher *publisher, struct snapshot *snapshot)
{
    snapshot_release(publisher->current);
    publisher->current = snapshot;
    publisher->setup.on_publish(publisher->setup.owner, snapshot);
}

/* What refresh follows and whose pools are looked at: the rules taken last. */
static struct snapshot *latest(const struct publisher *publisher)
{
    return publisher->next != NULL ? publisher->next : publisher->current;
}

const struct ruleset *publisher_rules(const struct publisher *publisher)
{
    return latest(publisher)->rules;
}

/* --- servers --- */

static void resolve_pool(const struct publisher *publisher, struct pool *pool,
                         const struct ruleset *rules, size_t i, char problem[PROBLEM_MAX])
{
    const struct config *config = rules->config;
    char text[ADDR_TEXT_MAX];
    struct pool_source source = {.servers = rules->pools[i].servers,
                                 .server_count = rules->pools[i].server_count,
                                 .own = config->answered,
                                 .own_count = config->answered_count,
                                 .bootstrap = publisher->setup.bootstrap};
    if (!pool_resolve(pool, &source, problem, PROBLEM_MAX) && problem[0] == '\0')
        snprintf(problem, PROBLEM_MAX, "its servers are local53 itself, and nobody else");
    for (size_t s = 0; s < pool->count; s++)
        pool->slots[s] = (uint16_t)metrics_slot_for(
            publisher->setup.names, METRICS_DIMENSION_SERVER, addr_format(&pool->servers[s], text));
}

static bool pool_same(const struct pool *a, const struct pool *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = addr_equal(&a->servers[i], &b->servers[i]);
    return same;
}

static void tell_problem(const struct snapshot *snapshot, size_t i, const char *problem)
{
    char zone[TEXT_NAME_MAX];
    if (problem[0] != '\0')
        LOG_WARN("pool.problem",
                 LOG_TEXT("zone", text_write_name(&snapshot->rules->pools[i].config->zone, zone)),
                 LOG_TEXT("problem", problem), LOG_UINT("servers", snapshot->pools[i].count));
}

/* Fills all pools from the configuration and what is known of hosts; true when any changed. Problems are
 * told of those that changed, and of all when they are new. */
static bool resolve_pools(const struct publisher *publisher, struct snapshot *snapshot, bool new)
{
    bool changed = false;
    for (size_t i = 0; i < snapshot->rules->pool_count; i++) {
        struct pool before = snapshot->pools[i];
        char problem[PROBLEM_MAX];
        resolve_pool(publisher, &snapshot->pools[i], snapshot->rules, i, problem);
        bool same = pool_same(&before, &snapshot->pools[i]);
        changed = changed || !same;
        if (new || !same)
            tell_problem(snapshot, i, problem);
    }
    return changed;
}

/* The same rules with the servers of now, if these are others. */
static void renew_pools(struct publisher *publisher)
{
    struct snapshot *base = latest(publisher);
    struct snapshot *renewed = snapshot_copy(base);
    if (!resolve_pools(publisher, renewed, false)) {
        snapshot_release(renewed);
        return;
    }
    refresh_use_pools(publisher->setup.refresh, renewed);
    if (base == publisher->current) {
        publish(publisher, renewed);
        return;
    }
    snapshot_release(publisher->next);
    publisher->next = renewed;
}

void publisher_hosts_changed(struct publisher *publisher)
{
    renew_pools(publisher);
}

static void on_pools_alarm(void *owner)
{
    struct publisher *publisher = owner;
    renew_pools(publisher);
    alarm_set(publisher->pools, PUBLISHER_POOLS_MS);
}

/* Has the hosts among the servers resolved from now on. */
static void follow_hosts(const struct publisher *publisher)
{
    const struct ruleset *rules = publisher_rules(publisher);
    const char *hosts[HOSTS_MAX];
    size_t count = 0;
    for (size_t p = 0; p < rules->pool_count; p++) {
        const struct rule_pool *pool = &rules->pools[p];
        for (size_t i = 0; i < pool->server_count && count < HOSTS_MAX; i++) {
            if (pool->servers[i].kind == CONFIG_SERVER_HOST)
                hosts[count++] = pool->servers[i].text;
        }
    }
    bootstrap_set_hosts(publisher->setup.bootstrap, hosts, count);
}

/* --- addresses --- */

/* The first endpoint whose targets are neither resolved nor known to fail, or NULL. */
static const char *find_awaited(const struct publisher *publisher, const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->rules->endpoint_count; i++) {
        if (snapshot->addresses[i].state == ADDRESSES_NONE &&
            refresh_problem(publisher->setup.refresh, i) == NULL)
            return snapshot->rules->endpoints[i].label;
    }
    return NULL;
}

const char *publisher_awaited(const struct publisher *publisher)
{
    return find_awaited(publisher, latest(publisher));
}

static void publish_next(struct publisher *publisher)
{
    struct snapshot *next = publisher->next;
    alarm_clear(publisher->wait);
    publisher->next = NULL;
    publish(publisher, next);
}

static void on_wait_alarm(void *owner)
{
    publish_next(owner);
}

void publisher_addresses_changed(struct publisher *publisher)
{
    if (publisher->next != NULL) {
        refresh_addresses(publisher->setup.refresh, publisher->next->addresses);
        if (find_awaited(publisher, publisher->next) == NULL)
            publish_next(publisher);
        return;
    }
    struct snapshot *renewed = snapshot_copy(publisher->current);
    refresh_addresses(publisher->setup.refresh, renewed->addresses);
    publish(publisher, renewed);
}

/* --- rules --- */

void publisher_take(struct publisher *publisher, struct ruleset *rules)
{
    struct snapshot *taken = snapshot_new(rules, publisher->setup.names);
    snapshot_release(publisher->next);
    publisher->next = taken;
    resolve_pools(publisher, taken, true);
    refresh_follow(publisher->setup.refresh, taken);
    if (publisher->current == NULL || find_awaited(publisher, taken) == NULL)
        publish_next(publisher);
    else
        alarm_set(publisher->wait, PUBLISHER_WAIT_MS);
    follow_hosts(publisher);
}

void publisher_init(struct publisher *publisher, const struct publisher_setup *setup)
{
    *publisher = (struct publisher){.setup = *setup};
    publisher->wait = alarm_new(setup->loop, on_wait_alarm, publisher);
    publisher->pools = alarm_new(setup->loop, on_pools_alarm, publisher);
    alarm_set(publisher->pools, PUBLISHER_POOLS_MS);
}

void publisher_deinit(struct publisher *publisher)
{
    if (publisher->wait == NULL)
        return;
    alarm_free(publisher->wait);
    alarm_free(publisher->pools);
    publisher->wait = NULL;
    snapshot_release(publisher->next);
    snapshot_release(publisher->current);
    publisher->next = NULL;
    publisher->current = NULL;
}
