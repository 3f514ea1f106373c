/* health: whether one server is asked in the normal order. Down after 3 failures in a row without an
 * answer between; probed with a jittered back-off of 1 s doubling to 5 s, so that recovery is never
 * later than one probe interval. Pure. */
#ifndef LOCAL53_UPSTREAM_HEALTH_H
#define LOCAL53_UPSTREAM_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/rng.h"

#define HEALTH_FAILURES_DOWN 3
#define HEALTH_PROBE_MIN_MS 1000
#define HEALTH_PROBE_MAX_MS 5000

struct health {
    uint32_t failures; /* in a row */
    bool down;         /* last in the order, probed */
    uint64_t probe_ms; /* when the next probe is due */
    uint32_t wait_ms;  /* current probe interval */
};

/* An answer that can be believed (any rcode but SERVFAIL counts; SERVFAIL is neither). */
void health_success(struct health *health);

/* A time-out or an ICMP error over UDP, told once for all packets that were lost together. TCP does not count:
 * a closed TCP port must not take a server out of use that answers everything else. */
void health_failure(struct health *health, uint64_t now_ms, struct rng *rng);

/* True when a server that is down should be sent a probe now; schedules the next one. */
bool health_probe_due(struct health *health, uint64_t now_ms, struct rng *rng);

#endif
