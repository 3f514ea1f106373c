/* reach: do the servers of a configuration answer, and do its endpoints' targets resolve. Main thread; blocks
 * for 2 s to resolve servers given by host name, and DOCTOR_ASK_MS each for servers and targets. */
#ifndef LOCAL53_DOCTOR_REACH_H
#define LOCAL53_DOCTOR_REACH_H

#include "ask.h"
#include "checks.h"
#include "findings.h"
#include "local53/rules/ruleset.h"
#include "local53/upstream/exchange.h"

#define DOCTOR_POOLS_MAX 64 /* pools that are looked at */

/* The servers of the pools of a ruleset as they are now. */
struct doctor_pools {
    struct pool items[DOCTOR_POOLS_MAX]; /* in the ruleset's order */
    size_t count;                        /* at most DOCTOR_POOLS_MAX */
};

/* Finds the servers; a pool that has something it cannot use, or none, is a finding. */
void doctor_find_servers(struct doctor_pools *pools, struct findings *findings,
                         const struct ruleset *rules);

/* Asks each server for its zone, and a resolver that answered for the targets. */
void doctor_check_reach(struct findings *findings, const struct ruleset *rules,
                        const struct doctor_pools *pools);

/* What a server's answers (or silence) over UDP and TCP mean. Pure. */
void doctor_judge_server(struct findings *findings, const char *zone, const struct doctor_ask *udp,
                         const struct doctor_ask *tcp);

/* A target that was asked for. */
struct doctor_target {
    const char *endpoint; /* borrowed; label */
    bool optional;        /* its endpoint is: without an address it is worth a note */
};

/* What the answers to A and AAAA of a target mean; false when it has no address. Pure. */
bool doctor_judge_target(struct findings *findings, const struct doctor_target *target,
                         const struct doctor_ask *v4, const struct doctor_ask *v6);

#endif
