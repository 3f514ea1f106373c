/* reach: asks the servers and the targets of a configuration. Owns a loop while host names are resolved.
 * Thread: main. Bounds: DOCTOR_POOLS_MAX pools, DOCTOR_ASKS_MAX questions a phase; what is beyond is told as not
 * looked at. Fails: as findings. */
#include "reach.h"

#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"
#include "local53/upstream/bootstrap.h"
#include "local53/upstream/pool.h"

#define RESOLVE_MS 2000 /* for all servers given by host name */
#define PROBLEM_OCTETS 256

/* --- servers --- */

/* Servers given by host name. */
struct resolving {
    struct loop *loop;                      /* owned */
    struct bootstrap *bootstrap;            /* owned */
    const struct ruleset *rules;            /* borrowed */
    const char *hosts[BOOTSTRAP_HOSTS_MAX]; /* borrowed; their names */
    size_t count;                           /* of hosts */
};

static void on_limit(void *owner)
{
    struct resolving *resolving = owner;
    loop_stop(resolving->loop);
}

static void on_host(void *owner, const char *host, const struct addr *addresses, size_t count)
{
    struct resolving *resolving = owner;
    struct addr known;
    (void)host;
    (void)addresses;
    (void)count;
    for (size_t i = 0; i < resolving->count; i++) {
        if (bootstrap_addresses(resolving->bootstrap, resolving->hosts[i], &known, 1) == 0)
            return;
    }
    loop_stop(resolving->loop);
}

static void collect_hosts(struct resolving *resolving)
{
    for (size_t p = 0; p < resolving->rules->pool_count; p++) {
        const struct rule_pool *pool = &resolving->rules->pools[p];
        for (size_t s = 0; s < pool->server_count; s++) {
            if (pool->servers[s].kind == CONFIG_SERVER_HOST &&
                resolving->count < BOOTSTRAP_HOSTS_MAX)
                resolving->hosts[resolving->count++] = pool->servers[s].text;
        }
    }
}

static void resolve_hosts(struct resolving *resolving)
{
    const struct config *config = resolving->rules->config;
    collect_hosts(resolving);
    if (resolving->count == 0)
        return;
    resolving->loop = loop_new();
    struct alarm *limit = alarm_new(resolving->loop, on_limit, resolving);
    resolving->bootstrap = bootstrap_new(resolving->loop, config->answered, config->answered_count,
                                         on_host, resolving);
    alarm_set(limit, RESOLVE_MS);
    bootstrap_set_hosts(resolving->bootstrap, resolving->hosts, resolving->count);
    loop_run(resolving->loop);
    alarm_free(limit);
}

static void end_resolving(struct resolving *resolving)
{
    if (resolving->loop == NULL)
        return;
    bootstrap_free(resolving->bootstrap);
    loop_run(resolving->loop);
    loop_free(resolving->loop);
}

static const char *zone_of(const struct rule_pool *pool, char out[TEXT_NAME_MAX])
{
    return text_write_name(&pool->config->zone, out);
}

static void tell_unusable(struct findings *findings, const struct rule_pool *pool, size_t count,
                          const char *problem)
{
    char zone[TEXT_NAME_MAX];
    zone_of(pool, zone);
    if (count == 0)
        findings_add(findings, FINDING_PROBLEM, FINDING_UPSTREAM,
                     "the pool of zone \"%s\" has no server: %s", zone, problem);
    else
        findings_add(findings, FINDING_NOTE, FINDING_UPSTREAM,
                     "the pool of zone \"%s\" uses a part of its servers: %s", zone, problem);
    findings_remedy(findings, "write addresses under forward (or aws.resolver), or see to it that "
                              "the file, variable or name gives some");
}

/* Loops through files are looked at there. */
static bool reads_file(const struct rule_pool *pool)
{
    bool reads = false;
    for (size_t i = 0; i < pool->server_count; i++)
        reads = reads || pool->servers[i].kind == CONFIG_SERVER_RESOLV_CONF;
    return reads;
}

void doctor_find_servers(struct doctor_pools *pools, struct findings *findings,
                         const struct ruleset *rules)
{
    struct resolving resolving = {.rules = rules};
    char problem[PROBLEM_OCTETS];
    resolve_hosts(&resolving);
    pools->count = rules->pool_count < DOCTOR_POOLS_MAX ? rules->pool_count : DOCTOR_POOLS_MAX;
    for (size_t i = 0; i < pools->count; i++) {
        struct pool_source source = {.servers = rules->pools[i].servers,
                                     .server_count = rules->pools[i].server_count,
                                     .own = rules->config->answered,
                                     .own_count = rules->config->answered_count,
                                     .bootstrap = resolving.bootstrap};
        bool others = pool_resolve(&pools->items[i], &source, problem, sizeof(problem));
        if (!others && problem[0] == '\0' && !reads_file(&rules->pools[i]))
            snprintf(problem, sizeof(problem), "they are local53 itself, and nobody else");
        if (problem[0] != '\0')
            tell_unusable(findings, &rules->pools[i], pools->items[i].count, problem);
    }
    end_resolving(&resolving);
}

/* --- asking servers --- */

/* A question to a server over UDP: who serves the zone. */
static struct doctor_ask zone_ask(const struct name *zone, const struct addr *server)
{
    return (struct doctor_ask){
        .server = *server, .name = *zone, .type = zone->labels == 0 ? TYPE_NS : TYPE_SOA};
}

static bool is_planned(const struct doctor_ask *asks, size_t count, const struct doctor_ask *ask)
{
    for (size_t i = 0; i < count; i++) {
        if (addr_equal(&asks[i].server, &ask->server) && name_equal(&asks[i].name, &ask->name))
            return true;
    }
    return false;
}

/* Two questions, UDP and TCP, for each server and zone, in the pools' order; gives how many. */
static size_t plan_servers(struct doctor_ask *asks, const struct ruleset *rules,
                           const struct doctor_pools *pools, size_t *left_out)
{
    size_t count = 0;
    for (size_t p = 0; p < pools->count; p++) {
        for (size_t s = 0; s < pools->items[p].count; s++) {
            struct doctor_ask ask =
                zone_ask(&rules->pools[p].config->zone, &pools->items[p].servers[s]);
            bool fits = count + 2 <= DOCTOR_ASKS_MAX;
            if (is_planned(asks, count, &ask))
                continue;
            *left_out += !fits;
            if (!fits)
                continue;
            asks[count++] = ask;
            asks[count] = ask;
            asks[count++].tcp = true;
        }
    }
    return count;
}

static void tell_rest(struct findings *findings, const char *key, size_t rest, const char *what)
{
    if (rest > 0)
        findings_add(findings, FINDING_NOTE, key, "%zu more %s not looked at", rest, what);
}

static void judge_servers(struct findings *findings, const struct doctor_ask *asks, size_t count)
{
    for (size_t i = 0; i + 1 < count; i += 2) {
        char zone[TEXT_NAME_MAX];
        doctor_judge_server(findings, text_write_name(&asks[i].name, zone), &asks[i], &asks[i + 1]);
    }
}

/* A server of the resolver's pool that answered; NULL for none. */
static const struct addr *find_resolver(const struct pool *pool, const struct doctor_ask *asks,
                                        size_t count)
{
    for (size_t s = 0; s < pool->count; s++) {
        for (size_t i = 0; i < count; i++) {
            if (asks[i].answered && addr_equal(&asks[i].server, &pool->servers[s]))
                return &pool->servers[s];
        }
    }
    return NULL;
}

/* --- asking for targets --- */

static size_t plan_targets(struct doctor_ask *asks, struct doctor_target *targets,
                           const struct ruleset *rules, const struct addr *resolver)
{
    size_t count = 0;
    for (size_t e = 0; e < rules->endpoint_count; e++) {
        const struct rule_endpoint *endpoint = &rules->endpoints[e];
        for (size_t t = 0; t < endpoint->target_count && count + 2 <= DOCTOR_ASKS_MAX; t++) {
            struct doctor_ask ask = {
                .server = *resolver, .name = endpoint->targets[t], .type = TYPE_A};
            targets[count / 2] = (struct doctor_target){
                endpoint->label, endpoint->config != NULL && endpoint->config->optional};
            asks[count++] = ask;
            ask.type = TYPE_AAAA;
            asks[count++] = ask;
        }
    }
    return count;
}

static size_t count_targets(const struct ruleset *rules)
{
    size_t count = 0;
    for (size_t e = 0; e < rules->endpoint_count; e++)
        count += rules->endpoints[e].target_count;
    return count;
}

static void judge_targets(struct findings *findings, const struct doctor_ask *asks,
                          const struct doctor_target *targets, size_t count)
{
    size_t fine = 0;
    char server[ADDR_TEXT_MAX];
    for (size_t i = 0; i + 1 < count; i += 2)
        fine += doctor_judge_target(findings, &targets[i / 2], &asks[i], &asks[i + 1]);
    if (fine == 0)
        return;
    findings_add(findings, FINDING_OK, FINDING_ENDPOINT, "%zu of %zu targets resolve through %s",
                 fine, count / 2, addr_format(&asks[0].server, server));
    findings_remedy(findings, "'local53 probe' connects to each of their names");
}

static void check_targets(struct findings *findings, const struct ruleset *rules,
                          const struct addr *resolver)
{
    size_t targets = count_targets(rules);
    if (targets == 0)
        return;
    if (resolver == NULL) {
        findings_add(findings, FINDING_NOTE, FINDING_ENDPOINT,
                     "%zu targets were not asked for: no server for them answers", targets);
        findings_remedy(findings, "see what is said about its servers (aws.resolver, else the pool "
                                  "of \".\")");
        return;
    }
    struct doctor_ask *asks = calloc(DOCTOR_ASKS_MAX, sizeof(*asks));
    struct doctor_target *planned = calloc(DOCTOR_ASKS_MAX / 2, sizeof(*planned));
    CHECK(asks != NULL && planned != NULL);
    size_t count = plan_targets(asks, planned, rules, resolver);
    doctor_ask_all(asks, count);
    judge_targets(findings, asks, planned, count);
    tell_rest(findings, FINDING_ENDPOINT, targets - count / 2, "targets were");
    free(planned);
    free(asks);
}

void doctor_check_reach(struct findings *findings, const struct ruleset *rules,
                        const struct doctor_pools *pools)
{
    struct doctor_ask *asks = calloc(DOCTOR_ASKS_MAX, sizeof(*asks));
    const struct pool none = {.count = 0};
    CHECK(asks != NULL);
    size_t left_out = 0;
    size_t count = plan_servers(asks, rules, pools, &left_out);
    doctor_ask_all(asks, count);
    judge_servers(findings, asks, count);
    tell_rest(findings, FINDING_UPSTREAM, left_out, "servers were");
    const struct pool *pool =
        rules->resolver < pools->count ? &pools->items[rules->resolver] : &none;
    check_targets(findings, rules, find_resolver(pool, asks, count));
    free(asks);
}
