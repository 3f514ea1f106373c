/* cluster_private: the lookups of pods in a Kubernetes cluster on AWS: names, mix and search lists
 * of profile k8s-aws. */
#ifndef DNSBENCH_WORKLOAD_CLUSTER_PRIVATE_H
#define DNSBENCH_WORKLOAD_CLUSTER_PRIVATE_H

#include "local53/base/rng.h"
#include "workload/lookup.h"
#include "workload/profile_private.h"
#include "workload/queryset.h"
#include "workload/workload.h"

/* Most services in all namespaces together. */
#define CLUSTER_SERVICES_MAX 1000000

/* Copies of a zone in the set, so that 2^32 - 1 serials are not all the never-seen names there
 * are. */
#define FRESH_ITEMS 64

struct cluster; /* opaque: immutable once made, shared by the threads */

/* Adds the names and suffixes to the set, which the cluster then borrows. services of the profile
 * must be said. zipf: exponent by which services, namespaces and external names are drawn. NULL
 * and *fault when names do not fit. */
struct cluster *cluster_new(struct queryset *set, const struct profile *profile, double zipf,
                            struct text_fault *fault);
void cluster_free(struct cluster *cluster); /* accepts NULL */

/* The kinds in their order; static storage; gives how many. */
size_t cluster_kinds(const struct workload_kind **kinds);

/* As workload_queries_per_lookup. */
double cluster_queries_per_lookup(const struct cluster *cluster);

/* Draws a lookup of a pod in this namespace; fresh: the number of the never-seen name, should it
 * be one. No allocation. */
void cluster_draw(const struct cluster *cluster, struct rng *rng, uint32_t namespace_index,
                  uint64_t fresh, struct lookup *out);

/* Adds FRESH_ITEMS copies of the zone under which names are made up; *first is the first of them.
 * Errors as queryset_add_text. */
enum err fresh_add(struct queryset *set, const char *zone, uint32_t *first);

/* The never-seen name with this number; type A. */
static inline struct question_ref fresh_ref(const struct queryset *set, uint32_t first,
                                            uint64_t number)
{
    uint32_t copy = (uint32_t)(number / UINT32_MAX % FRESH_ITEMS);
    struct question_ref ref = queryset_ref(set, first + copy);

    ref.serial = (uint32_t)(number % UINT32_MAX) + 1;
    return ref;
}

#endif
