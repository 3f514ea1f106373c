/* profile_private: what --profile says, read and checked. */
#ifndef DNSBENCH_WORKLOAD_PROFILE_PRIVATE_H
#define DNSBENCH_WORKLOAD_PROFILE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "workload/queryset.h"

enum profile_id { PROFILE_K8S_AWS, PROFILE_HIT, PROFILE_NX, PROFILE_MISS };

#define PROFILE_REGION_ROOM 32
#define PROFILE_NAME_ROOM 256

/* All keys of all profiles, with the defaults where the text was silent. */
struct profile {
    enum profile_id id;               /* which */
    uint32_t ndots;                   /* k8s-aws: 0..15, resolv.conf(5)'s limit */
    uint32_t namespaces;              /* k8s-aws: 1..1000 */
    uint32_t services;                /* k8s-aws: a namespace, 1..10000; 0: not said */
    char region[PROFILE_REGION_ROOM]; /* k8s-aws: "eu-central-1" */
    char domain[PROFILE_NAME_ROOM];   /* k8s-aws: the cluster's, "cluster.local" */
    char zone[PROFILE_NAME_ROOM];     /* hit, nx, miss: the names stand below */
};

/* Reads "NAME" or "NAME:key=value,...". False, and *fault (line 0) says what is wrong, with the
 * nearest known word. */
bool profile_parse(struct profile *out, const char *text, struct text_fault *fault);

#endif
