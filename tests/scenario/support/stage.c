/* stage: builds the server from text and takes it down again. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/config/config.h"
#include "local53/rules/ruleset.h"
#include "local53/upstream/pool.h"

#define CACHE_OCTETS ((size_t)1 << 20)

/* Longest an ordered stop and its closes take. */
#define STOP_MS (WORKER_STOP_MS + 2000)

/* --- snapshots --- */

static struct ruleset *build_rules(struct stage *stage, const char *yaml)
{
    char text[STAGE_TEXT_MAX];
    struct report report = {.file = "stage.yaml"};
    struct config *config = NULL;
    int len = snprintf(text, sizeof(text), "listen: [169.254.20.10]\nmetrics: []\n%s", yaml);
    CHECK(len > 0 && (size_t)len < sizeof(text));
    enum err err = config_parse(&config, report.file, text, (size_t)len, &report);
    struct ruleset *rules = err == ERR_OK ? ruleset_new(config, ++stage->epoch, &report) : NULL;
    if (rules == NULL) {
        char *why = report_text(&report);
        fail_msg("%s", why);
        free(why);
    }
    report_deinit(&report);
    return rules;
}

static void fill_pool(struct stage *stage, struct pool *pool, const struct rule_pool *rule)
{
    char text[ADDR_TEXT_MAX];
    char problem[256];
    struct pool_source source = {.servers = rule->servers,
                                 .server_count = rule->server_count,
                                 .own = &stage->listen,
                                 .own_count = 1};
    pool_resolve(pool, &source, problem, sizeof(problem));
    for (size_t i = 0; i < pool->count; i++)
        pool->slots[i] = (uint16_t)metrics_slot_for(stage->names, METRICS_DIMENSION_SERVER,
                                                    addr_format(&pool->servers[i], text));
}

static void fill_addresses(struct addresses *out, const struct rule_endpoint *endpoint)
{
    struct target target;
    target_init(&target, endpoint->targets, endpoint->target_count, endpoint->config->addresses,
                endpoint->config->address_count);
    target_addresses(&target, fake_net_now_ms(), out);
}

struct snapshot *stage_snapshot(struct stage *stage, const char *yaml)
{
    struct ruleset *rules = build_rules(stage, yaml);
    struct snapshot *snapshot = snapshot_new(rules, stage->names);
    for (size_t i = 0; i < rules->endpoint_count; i++)
        fill_addresses(&snapshot->addresses[i], &rules->endpoints[i]);
    for (size_t i = 0; i < rules->pool_count; i++)
        fill_pool(stage, &snapshot->pools[i], &rules->pools[i]);
    return snapshot;
}

/* --- publishing --- */

void stage_publish(struct stage *stage, size_t worker, struct snapshot *snapshot)
{
    worker_publish(stage->workers[worker], snapshot);
    fake_net_run();
}

void stage_publish_to_all(struct stage *stage, struct snapshot *snapshot)
{
    for (size_t i = 0; i < stage->worker_count; i++)
        stage_publish(stage, i, snapshot_hold(snapshot));
    snapshot_release(stage->snapshot);
    stage->snapshot = snapshot;
}

void stage_reload(struct stage *stage, const char *yaml)
{
    stage_publish_to_all(stage, stage_snapshot(stage, yaml));
}

void stage_set_addresses(struct stage *stage, size_t endpoint, const char *addresses,
                         uint32_t ttl_s)
{
    struct snapshot *snapshot = snapshot_copy(stage->snapshot);
    struct addr list[TARGET_ADDRESSES_MAX];
    size_t count = 0;
    char text[512];
    char *rest = text;
    CHECK(snprintf(text, sizeof(text), "%s", addresses) < (int)sizeof(text));
    for (char *one; (one = strtok_r(rest, " ", &rest)) != NULL;)
        CHECK(addr_parse(&list[count++], one, 0) == ERR_OK);
    struct target target;
    target_init(&target, NULL, 0, list, count);
    target_addresses(&target, fake_net_now_ms(), &snapshot->addresses[endpoint]);
    if (ttl_s > 0) {
        snapshot->addresses[endpoint].state = ADDRESSES_FRESH;
        snapshot->addresses[endpoint].expires_ms = fake_net_now_ms() + ttl_s * UINT64_C(1000);
    }
    stage_publish_to_all(stage, snapshot);
}

/* --- life --- */

static void open_worker(struct stage *stage, size_t i)
{
    struct addr failed;
    struct worker_setup setup = {.listen = &stage->listen,
                                 .listen_count = 1,
                                 .cache = stage->cache,
                                 .snapshot = stage->snapshot,
                                 .tcp_connections =
                                     stage->snapshot->rules->config->tcp_connections};
    CHECK(worker_new(&stage->workers[i], &setup, &failed) == ERR_OK);
}

void stage_open(struct stage *stage, size_t workers, const char *yaml)
{
    static const struct hash_key secret = {1, 2};
    CHECK(workers > 0 && workers <= STAGE_WORKERS_MAX);
    memset(stage, 0, sizeof(*stage));
    CHECK(addr_parse(&stage->listen, "169.254.20.10:53", 53) == ERR_OK);
    fake_net_init();
    stage->cache = cache_new(CACHE_OCTETS, &secret);
    stage->names = metrics_names_new();
    stage->snapshot = stage_snapshot(stage, yaml);
    stage->worker_count = workers;
    for (size_t i = 0; i < workers; i++)
        open_worker(stage, i);
}

void stage_stop(struct stage *stage, size_t worker)
{
    if (stage->workers[worker]->upstream != NULL) /* else it was stopped already */
        worker_stop(stage->workers[worker]);
    fake_net_advance(STOP_MS);
    worker_free(stage->workers[worker]);
    stage->workers[worker] = NULL;
}

void stage_close(struct stage *stage)
{
    for (size_t i = 0; i < stage->worker_count; i++) {
        if (stage->workers[i] != NULL)
            stage_stop(stage, i);
    }
    snapshot_release(stage->snapshot);
    metrics_names_free(stage->names);
    cache_free(stage->cache);
    fake_net_deinit();
}

int stage_begin(void **state)
{
    const struct stage_plan *plan = *state;
    stage_open(plan->stage, plan->workers, plan->yaml);
    return 0;
}

int stage_end(void **state)
{
    const struct stage_plan *plan = *state;
    stage_close(plan->stage);
    return 0;
}

uint64_t stage_count(const struct stage *stage, enum metrics_id id, size_t cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < stage->worker_count; i++) {
        if (stage->workers[i] != NULL)
            sum += metrics_get(stage->workers[i]->metrics, id, cell);
    }
    return sum;
}
