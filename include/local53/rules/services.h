/* services: which endpoint service of the catalogue has a name, whatever its region: one index of all rows, made
 * once. For what the rules of a configuration do not say: what could be added to them. Immutable once built,
 * shared by all threads. */
#ifndef LOCAL53_RULES_SERVICES_H
#define LOCAL53_RULES_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/aws/catalogue.h"
#include "local53/dns/name.h"

struct services;

/* Whose a name is. */
enum services_kind {
    SERVICES_NONE, /* not below a suffix of AWS */
    SERVICES_OTHER, /* below one, but no endpoint serves it: a cluster's API, a load balancer, a database, an
                     * identity provider ... */
    SERVICES_KNOWN /* an endpoint of a service of the catalogue would have it */
};

/* The service that has a name. */
struct services_match {
    const struct catalogue_row *row;   /* borrowed from the catalogue */
    char region[PARTITION_REGION_MAX]; /* as the name has it; "" for a global service */
    bool dualstack;                    /* only with the endpoint's switch of that name */
    bool fips;                         /* the same */
    uint8_t labels;                    /* of the service's name that has it, without "*." */
};

/* Builds the index; the caller frees it. Out of memory is fatal. */
struct services *services_new(void);

/* Accepts NULL. */
void services_free(struct services *services);

/* Finds the service of a name; out is filled for SERVICES_KNOWN alone. Two lookups at most. */
enum services_kind services_find(const struct services *services, const struct name *name,
                                 struct services_match *out);

#endif
