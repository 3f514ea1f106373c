/* health: counts failures in a row and spaces the probes of a server that is down.
 * Owns nothing; any thread; pure. Bounds: one probe a HEALTH_PROBE_MIN_MS..HEALTH_PROBE_MAX_MS.
 * Cannot fail. */
#include "local53/upstream/health.h"

/* The next probe: up to a quarter earlier than the interval, so that loops and nodes that saw the same
 * outage do not probe in step; never later, so that recovery is not. */
static void schedule(struct health *health, uint64_t now_ms, struct rng *rng)
{
    health->probe_ms = now_ms + health->wait_ms - rng_below(rng, health->wait_ms / 4 + 1);
}

void health_success(struct health *health)
{
    *health = (struct health){0};
}

void health_failure(struct health *health, uint64_t now_ms, struct rng *rng)
{
    if (health->failures < HEALTH_FAILURES_DOWN)
        health->failures++;
    if (health->down || health->failures < HEALTH_FAILURES_DOWN)
        return;
    health->down = true;
    health->wait_ms = HEALTH_PROBE_MIN_MS;
    schedule(health, now_ms, rng);
}

bool health_probe_due(struct health *health, uint64_t now_ms, struct rng *rng)
{
    if (!health->down || now_ms < health->probe_ms)
        return false;
    health->wait_ms *= 2;
    if (health->wait_ms > HEALTH_PROBE_MAX_MS)
        health->wait_ms = HEALTH_PROBE_MAX_MS;
    schedule(health, now_ms, rng);
    return true;
}
