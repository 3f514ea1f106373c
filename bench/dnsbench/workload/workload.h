/* workload: what is asked and in which mix: a query file, a profile, never-seen labels. Made once
 * from the options, immutable while the load runs, shared by the threads; each thread draws from it
 * through a generator of its own.
 *
 * Profiles (--profile NAME[:key=value,...]; unknown keys are an error with the nearest):
 *   k8s-aws  Lookups as getaddrinfo makes them in a pod on EKS: A and AAAA together, search list.
 *            Works without any file. Keys: ndots=5, region=eu-central-1, namespaces=12,
 *            services=200 (a namespace), domain=cluster.local. Mix:
 *              svc     15 %  svc-N, a service of the pod's own namespace
 *              svc.ns  40 %  svc-N.ns-M
 *              fqdn    10 %  svc-N.ns-M.svc.DOMAIN, without the last dot
 *              aws     25 %  regional names of AWS with 3 or 4 dots: sts, sqs, s3, BUCKET.s3, ...
 *              dots5    7 %  names of ECR and RDS, which have 5
 *              new      3 %  never-seen names under example.com, which do not exist
 *            Services svc-N of namespaces ns-N exist, so that a server can know them. N, M and the
 *            names of AWS are drawn by zipf 1.0; --names: services in all namespaces together.
 *   hit      --names (10000) names nI.hit.dnsbench.example (key zone=...), type A, by zipf 1.0
 *   nx       The same under nx.dnsbench.example: a fixed set of names that do not exist.
 *   miss     Never-seen labels under miss.dnsbench.example (key zone=...): no cache has them;
 *            --random-label ZONE is the same.
 * --zipf sets the exponent wherever names are drawn by it. */
#ifndef DNSBENCH_WORKLOAD_WORKLOAD_H
#define DNSBENCH_WORKLOAD_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/err.h"
#include "local53/base/rng.h"
#include "workload/queryset.h"

#define WORKLOAD_KINDS_MAX 8
#define WORKLOAD_TEXT_MAX 128
#define WORKLOAD_STEPS_MAX 8 /* search list and the name itself */
#define WORKLOAD_ZIPF_MAX 5.0
/* Never-seen names of one run: three days at a million a second. */
#define WORKLOAD_FRESH_MAX (64 * (uint64_t)UINT32_MAX)

/* What the options said; zero and NULL where they were silent. What cannot apply (--names with a
 * query file, --zipf with never-seen names) is a fault. */
struct workload_options {
    const char *queries;      /* file in dnsperf's format, "-" for stdin */
    const char *profile;      /* "k8s-aws", "hit:zone=example.org" */
    const char *random_label; /* zone under which never-seen labels are made */
    double zipf;              /* exponent; below 0: not said */
    uint32_t names;           /* --names; 0: not said */
    uint64_t seed;            /* of everything drawn */
    struct query_form form;   /* its seed is overwritten by seed */
};

/* One kind of lookup in a profile. */
struct workload_kind {
    char name[16]; /* "svc.ns" */
    double share;  /* of all lookups, 0..1 */
};

struct workload; /* opaque */
struct lookup;   /* workload/lookup.h */

/* Makes it; exactly one of queries, profile and random_label, or none (then the profile is
 * k8s-aws). On failure NULL and *fault says why (line 0 where it is no line of a file). */
struct workload *workload_new(const struct workload_options *options, struct text_fault *fault);
void workload_free(struct workload *workload); /* accepts NULL */

/* Its questions; whether the unit is the lookup; its kinds (none where it is not); a line for
 * people. */
const struct queryset *workload_set(const struct workload *workload);
bool workload_has_lookups(const struct workload *workload);
size_t workload_kinds(const struct workload *workload, const struct workload_kind **kinds);
const char *workload_describe(const struct workload *workload);

/* Queries a lookup costs on average if exactly the profile's names exist (the never-seen do not);
 * 1 without lookups. */
double workload_queries_per_lookup(const struct workload *workload);

/* Namespaces (lookups of a client stay in one: its search list); at least 1. */
uint32_t workload_namespaces(const struct workload *workload);

/* Hash of the first 65,536 messages that generators 0..threads-1 give in turn (first questions
 * where lookups): the same seed gives the same hash on any machine. */
uint64_t workload_hash(const struct workload *workload, uint32_t threads);

/* The run is over, and no thread draws: the next one's never-seen names begin behind this many
 * draws, so that a server which has seen this run's has not seen them. All else begins anew. The
 * hash stays that of the first run. */
void workload_advance(struct workload *workload, uint64_t draws);

/* One thread's place in the sequence. Query files are asked in order, thread k taking lines k, k +
 * threads, ...; with --zipf they are drawn by rank (first line most). Never-seen names are
 * disjoint between threads and do not repeat in WORKLOAD_FRESH_MAX draws. */
struct generator {
    const struct workload *workload; /* borrowed */
    struct rng rng;                  /* seeded by seed and thread */
    uint32_t thread;                 /* 0..threads-1 */
    uint32_t threads;                /* how many share the workload */
    uint64_t position;               /* drawn so far */
    uint64_t first_fresh;            /* number of the first never-seen name */
};

/* Starts the sequence of one of `threads` threads; the workload is borrowed. */
void generator_init(struct generator *generator, const struct workload *workload, uint32_t thread,
                    uint32_t threads);

/* The next question (workloads without lookups). No allocation. */
struct question_ref generator_next(struct generator *generator);

/* The next lookup, by a client whose pod is in this namespace (0..namespaces-1). No allocation. */
void generator_next_lookup(struct generator *generator, uint32_t namespace_index,
                           struct lookup *out);

#endif
