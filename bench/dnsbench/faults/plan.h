/* plan: which fault befalls which query. Read from the options of "dnsbench serve"; decided
 * query by query from a seed, so a truth is repeatable. Pure. */
#ifndef DNSBENCH_FAULTS_PLAN_H
#define DNSBENCH_FAULTS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/base/rng.h"

#define FAULTS_STALLS_MAX 16
#define FAULTS_RCODES_MAX 8
#define FAULTS_ADDRESSES_MAX 16
#define FAULTS_WHY_OCTETS 160 /* room for a sentence about a wrong option */

/* One pause of the server: nothing is read or answered in it; what waits is answered after it. */
struct fault_stall {
    uint64_t at_ns;     /* after the first query */
    uint64_t length_ns; /* how long */
};

/* A share of queries that gets an rcode and no records. */
struct fault_rcode {
    unsigned rcode; /* 1..15 */
    double share;   /* 0..1 */
};

/* Shares are of all queries, 0..1; a query has at most one fault, so those up to and with the
 * rcodes add up to at most 1; duplicates are drawn apart. */
struct fault_plan {
    uint64_t delay_ns;     /* each answer is held so long (from the kernel's receive stamp) */
    uint64_t jitter_ns;    /* plus uniform 0..jitter */
    uint64_t service_ns;   /* one server, so long a query, one after the other; 0: no limit */
    uint32_t queue;        /* queries that may wait for service; more are dropped and counted */
    double loss;           /* never answered, nor served */
    double truncated;      /* answered over UDP with TC and nothing else; over TCP no fault */
    double wrong_address;  /* A and AAAA: answered with 192.0.2.66 or 2001:db8::66 */
    double wrong_question; /* the question in the answer is another name's */
    double wrong_id;       /* the answer's id is the next one */
    double empty;          /* answered NOERROR without records */
    double duplicate;      /* answered twice */
    size_t rcode_count;    /* in use */
    struct fault_rcode rcodes[FAULTS_RCODES_MAX]; /* no rcode twice */
    size_t stall_count;                           /* in use */
    struct fault_stall stalls[FAULTS_STALLS_MAX]; /* in order of time, none in another */
    size_t address_count;                         /* in use; none: 192.0.2.1 and 2001:db8::1 */
    struct addr addresses[FAULTS_ADDRESSES_MAX]; /* what A and AAAA get; a family without: NODATA */
    bool cluster;  /* which names exist, see below; false: every name */
    uint32_t ttl;  /* of records and of denials, seconds */
    uint64_t seed; /* of all draws */
};

/* Which names exist in a cluster (svc-N and ns-M: N and M digits, as the profile k8s-aws has them):
 *   svc-N.ns-M.svc.cluster.local      exists, and nothing below it
 *   ns-M.svc.cluster.local, svc.cluster.local, cluster.local
 *                                     exist without records (RFC 8020: names exist below them)
 *   all else below cluster.local      NXDOMAIN, so a search list is gone through to its end
 *   compute.internal and below        NXDOMAIN
 *   nx.dnsbench.example and below        NXDOMAIN
 *   all else                          exists
 * A name that exists has A and AAAA; other types: NODATA. Denials carry an SOA (RFC 2308). */

/* What happens to one query. */
enum fault {
    FAULT_NONE,
    FAULT_LOSS,
    FAULT_TRUNCATED,
    FAULT_WRONG_ADDRESS,
    FAULT_WRONG_QUESTION,
    FAULT_WRONG_ID,
    FAULT_EMPTY,
    FAULT_RCODE
};

struct fault_draw {
    enum fault fault;   /* at most one of these */
    unsigned rcode;     /* FAULT_RCODE */
    bool duplicate;     /* answered twice */
    uint64_t jitter_ns; /* added to the delay */
};

/* One option of "dnsbench serve" that is part of the plan. */
struct fault_option {
    const char *name;  /* without dashes */
    const char *value; /* what it takes, as help writes it: "TIME@TIME"; NULL: it takes none */
    const char *help;  /* a line for people */
};

/* A plan without faults, for a cluster: queue 4096, TTL 30, seed 1. */
void fault_plan_init(struct fault_plan *plan);

/* All options, count of them in the order of help; static storage. */
const struct fault_option *fault_plan_options(size_t *count);

/* Reads one option's value, NULL where it takes none: name without dashes ("delay", "stall" =
 * "500ms@2s", "rcode" = "SERVFAIL:2%", "wrong" = "address:1%" or "address" for all).
 * ERR_NOT_FOUND: no such option; ERR_INVALID: *why gets a sentence; ERR_NO_SPACE: too many. The
 * plan is as it was when it fails. */
enum err fault_plan_set(struct fault_plan *plan, const char *name, const char *value,
                        char why[FAULTS_WHY_OCTETS]);

/* True when every answer leaves at once: no delay, no jitter, no service time. */
bool fault_plan_is_prompt(const struct fault_plan *plan);

/* What befalls the next query; one stream of draws in order of arrival. */
struct fault_draw fault_draw(const struct fault_plan *plan, struct rng *rng);

#endif
