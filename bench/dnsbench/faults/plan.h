/* plan: which fault befalls which query. Read from the options of "dnsbench serve"; decided query by query from a seed, so a
 * truth is repeatable. Pure. */
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

struct fault_plan {
    uint64_t delay_ns;   /* each answer is held so long (from the kernel's receive stamp) */
    uint64_t jitter_ns;  /* plus uniform 0..jitter */
    uint64_t service_ns; /* one server, so long a query, one after the other; 0: no limit */
    uint32_t
        queue;   /* queries that may wait for service; more are dropped and counted; default 4096 */
    double loss; /* share never answered */
    double truncated;      /* share answered over UDP with TC and nothing else */
    double wrong_address;  /* share answered with 192.0.2.66 or 2001:db8::66 */
    double wrong_question; /* share whose question is another name's, or the case changed */
    double wrong_id;       /* share answered with another id */
    double empty;          /* share answered NOERROR without records */
    double duplicate;      /* share answered twice */
    size_t rcode_count;    /* in use */
    struct fault_rcode rcodes[FAULTS_RCODES_MAX]; /* shares; the first that is drawn wins */
    size_t stall_count;                           /* in use */
    struct fault_stall stalls[FAULTS_STALLS_MAX]; /* in order of time */
    size_t address_count;                         /* in use; none: 192.0.2.1 and 2001:db8::1 */
    struct addr addresses
        [FAULTS_ADDRESSES_MAX]; /* what A and AAAA get (--answer); a family without any: NODATA */
    bool
        cluster; /* --cluster (default): names under cluster.local exist only as svc-N.ns-N.svc.cluster.local, nothing
                                  exists under *.compute.internal nor below nx.dnsbench.test, nor a name whose search suffix shows (one
                                  that ends in cluster.local or compute.internal otherwise); all else exists */
    uint32_t ttl;  /* of records, seconds; default 30 */
    uint64_t seed; /* of all draws */
};

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

/* A plan without faults: defaults above. */
void fault_plan_init(struct fault_plan *plan);

/* Reads one option's value: name without dashes ("delay", "stall" = "500ms@2s", "rcode" = "SERVFAIL:2%", "wrong" = "address:1%" or
 * "address" for all). ERR_NOT_FOUND: no such option; ERR_INVALID: *why gets a sentence; ERR_NO_SPACE: too many. */
enum err fault_plan_set(struct fault_plan *plan, const char *name, const char *value,
                        char why[160]);

/* What befalls the next query; one stream of draws in order of arrival. */
struct fault_draw fault_draw(const struct fault_plan *plan, struct rng *rng);

#endif
