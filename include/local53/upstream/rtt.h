/* rtt: smoothed round trip and retransmission time-out of one server (RFC 6298), in microseconds.
 * Pure. */
#ifndef LOCAL53_UPSTREAM_RTT_H
#define LOCAL53_UPSTREAM_RTT_H

#include <stdint.h>

#define RTT_TIMEOUT_MIN_MS 200
#define RTT_TIMEOUT_START_MS 400
#define RTT_TIMEOUT_MAX_MS 1500

struct rtt {
    uint32_t srtt_us;   /* smoothed round trip; 0 before the first */
    uint32_t rttvar_us; /* its variation */
    uint8_t backoff;    /* time-outs in a row: each doubles the wait */
};

/* A measured round trip; clears the back-off. */
void rtt_observe(struct rtt *rtt, uint32_t us);

/* A time-out. */
void rtt_timed_out(struct rtt *rtt);

/* How long to wait for the next answer, RTT_TIMEOUT_MIN_MS..RTT_TIMEOUT_MAX_MS. */
uint32_t rtt_timeout_ms(const struct rtt *rtt);

#endif
