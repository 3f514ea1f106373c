/* answers_http: metrics and probes over HTTP: the counters of the loops as they stand, and gauges set from
 * the snapshot that is published. Main thread. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "answers_private.h"
#include "local53/base/check.h"
#include "local53/version.h"

static void set_gauges(struct supervisor *supervisor)
{
    struct metrics *metrics = supervisor->metrics;
    const struct snapshot *snapshot = supervisor->publisher.current;
    struct cache_stats stats = cache_stats(supervisor->cache);
    metrics_set(metrics, METRICS_CACHE_ENTRIES, 0, stats.entries);
    metrics_set(metrics, METRICS_CACHE_BYTES, 0, stats.octets);
    metrics_set(metrics, METRICS_CACHE_EVICTIONS, 0, stats.evictions);
    metrics_set(metrics, METRICS_CACHE_REFUSED, 0, stats.refused);
    node_set_gauges(supervisor->node);
    for (size_t slot = 0; slot < METRICS_ENDPOINT_SLOTS; slot++) {
        metrics_set(metrics, METRICS_ENDPOINT_AGE, slot, 0); /* of endpoints no longer configured */
        metrics_set(metrics, METRICS_ENDPOINT_ADDRESSES, slot, 0);
    }
    for (size_t i = 0; i < snapshot->rules->endpoint_count; i++) {
        const struct addresses *addresses = &snapshot->addresses[i];
        size_t slot = snapshot->endpoint_slots[i];
        metrics_set(metrics, METRICS_ENDPOINT_AGE, slot, answers_age_s(supervisor, i));
        metrics_set(metrics, METRICS_ENDPOINT_ADDRESSES, slot,
                    (uint64_t)addresses->v4_count + addresses->v6_count);
    }
}

/* A server is up when no loop has found it silent. */
static void set_up_gauges(struct supervisor *supervisor)
{
    const struct snapshot *snapshot = supervisor->publisher.current;
    for (size_t slot = 0; slot < METRICS_SERVER_SLOTS - 1; slot++)
        metrics_set(supervisor->metrics, METRICS_UPSTREAM_UP, slot,
                    1); /* not asked: nothing to alert on */
    for (size_t p = 0; p < snapshot->rules->pool_count; p++) {
        for (size_t i = 0; i < snapshot->pools[p].count; i++) {
            size_t slot = snapshot->pools[p].slots[i];
            metrics_set(supervisor->metrics, METRICS_UPSTREAM_UP, slot,
                        answers_loops_down(supervisor, slot) == 0);
        }
    }
}

static char *render_metrics(struct supervisor *supervisor)
{
    struct metrics *sets[SUPERVISOR_WORKERS_MAX + 1];
    char info[512];
    size_t count = 0;
    set_gauges(supervisor);
    set_up_gauges(supervisor);
    sets[count++] = supervisor->metrics;
    for (size_t i = 0; i < supervisor->worker_count; i++)
        sets[count++] = supervisor->workers[i]->metrics;
    char why[SUPERVISOR_WHY_MAX];
    snprintf(info, sizeof(info),
             "# HELP local53_build_info Version and commit, always 1\n"
             "# TYPE local53_build_info gauge\n"
             "local53_build_info{version=\"%s\",commit=\"%s\"} 1\n"
             "# HELP local53_ready 1 while /readyz says 200, else 0\n"
             "# TYPE local53_ready gauge\nlocal53_ready %d\n",
             LOCAL53_VERSION, LOCAL53_COMMIT, supervisor_is_ready(supervisor, why));
    return metrics_render(sets, count, supervisor->names, info);
}

static void answer_text(struct http_answer *answer, int status, const char *text)
{
    answer->status = status;
    answer->content_type = "text/plain; charset=utf-8";
    answer->body = strdup(text);
    CHECK(answer->body != NULL);
    answer->body_len = strlen(text);
}

void answers_http(void *owner, const char *path, struct http_answer *answer)
{
    struct supervisor *supervisor = owner;
    char why[SUPERVISOR_WHY_MAX];
    char body[SUPERVISOR_WHY_MAX + 1];
    if (strcmp(path, "/metrics") == 0) {
        answer->status = 200;
        answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        answer->body = render_metrics(supervisor);
        answer->body_len = strlen(answer->body);
    } else if (strcmp(path, "/healthz") == 0) {
        bool alive = supervisor_is_alive(supervisor, why);
        snprintf(body, sizeof(body), "%s\n", alive ? "ok" : why);
        answer_text(answer, alive ? 200 : 503, body);
    } else if (strcmp(path, "/readyz") == 0) {
        bool ready = supervisor_is_ready(supervisor, why);
        snprintf(body, sizeof(body), "%s\n", ready ? "ready" : why);
        answer_text(answer, ready ? 200 : 503, body);
    } else {
        answer_text(answer, 404, "try /metrics, /healthz or /readyz\n");
    }
}
