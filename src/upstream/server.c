/* server: what happens to a server when an answer comes or does not. Owns its sockets and connections. One
 * loop's thread. Health and round trip are those of UDP alone: a TCP port that is closed must not take a
 * server out of use that answers everything else. Fails: never by itself. */
#include "server.h"

#include <stdlib.h>

#include "local53/base/check.h"

/* A connection has to be made first, and nothing is sent again before. */
#define TCP_TIMEOUT_MS RTT_TIMEOUT_MAX_MS

struct server *server_new(struct upstream_env *env, const struct addr *addr, uint16_t slot)
{
    struct server *server = calloc(1, sizeof(*server));
    CHECK(server != NULL);
    server->env = env;
    server->addr = *addr;
    server->slot = slot;
    server->wanted = true;
    udp_pool_init(&server->udp, env, &server->addr, &server->slot);
    stream_pool_init(&server->tcp, env, &server->addr, &server->slot);
    return server;
}

/* Down or not, for the metrics; a forgotten server is not down. */
static void show_down(const struct server *server, bool down)
{
    metrics_set(server->env->metrics, METRICS_UPSTREAM_DOWN, server->slot, down);
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    show_down(server, false);
    udp_pool_deinit(&server->udp);
    stream_pool_deinit(&server->tcp);
    free(server);
}

enum err server_send(struct server *server, struct attempt *attempt, uint8_t *packet, size_t len)
{
    struct metrics *metrics = server->env->metrics;
    attempt->sent_us = loop_now_us(server->env->loop);
    enum err err = attempt->over_tcp ? stream_pool_send(&server->tcp, attempt, packet, len)
                                     : udp_pool_send(&server->udp, attempt, packet, len);
    if (err != ERR_OK)
        return err;
    metrics_add(metrics, METRICS_UPSTREAM_QUERIES, server->slot, 1);
    if (attempt->over_tcp)
        metrics_add(metrics, METRICS_UPSTREAM_TCP, server->slot, 1);
    return ERR_OK;
}

uint32_t server_timeout_ms(const struct server *server, const struct attempt *attempt)
{
    return attempt->over_tcp ? TCP_TIMEOUT_MS : rtt_timeout_ms(&server->rtt);
}

static void tell(struct server *server, struct log_limit *limit, enum log_level level,
                 const char *event)
{
    LOG_LIMITED(limit, loop_now_ms(server->env->loop), level, event,
                LOG_ADDR("server", &server->addr));
}

static void observe(struct server *server, const struct attempt *attempt)
{
    uint64_t us = loop_now_us(server->env->loop) - attempt->sent_us;
    us = us > UINT32_MAX ? UINT32_MAX : us;
    metrics_observe(server->env->metrics, METRICS_HISTOGRAM_UPSTREAM_RTT, server->slot, us);
    if (!attempt->over_tcp)
        rtt_observe(&server->rtt, (uint32_t)us);
}

void server_answered(struct server *server, struct attempt *attempt, bool alive)
{
    observe(server, attempt);
    waiting_remove(attempt);
    if (!alive)
        return;
    if (server->health.down)
        tell(server, &server->told_up, LOG_LEVEL_INFO, "upstream.up");
    health_success(&server->health);
    show_down(server, false);
}

/* What was lost together counts once: it takes rounds to find a server dead, not packets, and a round
 * lengthens the time-out once. False for the rest of a round. */
static bool begins_a_failure(struct server *server, const struct attempt *attempt)
{
    if (attempt->sent_us < server->failed_us)
        return false;
    server->failed_us = loop_now_us(server->env->loop);
    return true;
}

static void count_failure(struct server *server)
{
    bool was_down = server->health.down;
    health_failure(&server->health, loop_now_ms(server->env->loop), server->env->rng);
    if (!server->health.down || was_down)
        return;
    show_down(server, true);
    tell(server, &server->told_down, LOG_LEVEL_WARN, "upstream.down");
}

void server_timed_out(struct server *server, struct attempt *attempt)
{
    metrics_add(server->env->metrics, METRICS_UPSTREAM_TIMEOUTS, server->slot, 1);
    if (attempt->over_tcp) {
        stream_pool_timed_out(attempt);
        return;
    }
    udp_pool_replace(attempt);
    if (!begins_a_failure(server, attempt))
        return;
    rtt_timed_out(&server->rtt);
    count_failure(server);
}

void server_failed(struct server *server, const struct attempt *attempt)
{
    metrics_add(server->env->metrics, METRICS_UPSTREAM_FAILURES, server->slot, 1);
    if (begins_a_failure(server, attempt))
        count_failure(server);
}

bool server_is_plain(const struct server *server)
{
    return loop_now_ms(server->env->loop) < server->plain_until_ms;
}

void server_refused_edns(struct server *server)
{
    server->plain_until_ms = loop_now_ms(server->env->loop) + SERVER_PLAIN_MS;
}
