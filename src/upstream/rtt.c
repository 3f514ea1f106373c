/* rtt: RFC 6298 with clock granularity left out (microseconds) and our own bounds on the time-out.
 * Owns nothing; any thread; pure. Bounds: RTT_TIMEOUT_MIN_MS..RTT_TIMEOUT_MAX_MS. Cannot fail. */
#include "local53/upstream/rtt.h"

/* A round trip above this says nothing more: the question's whole budget is shorter. */
#define RTT_OBSERVED_MAX_US 10000000U

/* Doublings after which RTT_TIMEOUT_MIN_MS is past RTT_TIMEOUT_MAX_MS. */
#define RTT_BACKOFF_MAX 3

void rtt_observe(struct rtt *rtt, uint32_t us)
{
    us = us > RTT_OBSERVED_MAX_US ? RTT_OBSERVED_MAX_US : us;
    /* 0 stands for "none yet". */
    us = us == 0 ? 1 : us;
    rtt->backoff = 0;
    if (rtt->srtt_us == 0) {
        rtt->srtt_us = us;
        rtt->rttvar_us = us / 2;
        return;
    }
    uint32_t difference = us > rtt->srtt_us ? us - rtt->srtt_us : rtt->srtt_us - us;
    rtt->rttvar_us = (3 * rtt->rttvar_us + difference) / 4;
    rtt->srtt_us = (7 * rtt->srtt_us + us) / 8;
    if (rtt->srtt_us == 0)
        rtt->srtt_us = 1;
}

void rtt_timed_out(struct rtt *rtt)
{
    if (rtt->backoff < RTT_BACKOFF_MAX)
        rtt->backoff++;
}

static uint32_t clamp_ms(uint32_t ms)
{
    if (ms < RTT_TIMEOUT_MIN_MS)
        return RTT_TIMEOUT_MIN_MS;
    return ms > RTT_TIMEOUT_MAX_MS ? RTT_TIMEOUT_MAX_MS : ms;
}

uint32_t rtt_timeout_ms(const struct rtt *rtt)
{
    uint32_t ms = RTT_TIMEOUT_START_MS;
    if (rtt->srtt_us != 0)
        ms = (rtt->srtt_us + 4 * rtt->rttvar_us + 999) / 1000;
    return clamp_ms(clamp_ms(ms) << rtt->backoff);
}
