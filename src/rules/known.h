/* known: whose a name is by AWS's books: the catalogue turned round, and the public names, of each region that is
 * asked about. Used by the checks of a configuration. */
#ifndef LOCAL53_RULES_KNOWN_H
#define LOCAL53_RULES_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/aws/catalogue.h"
#include "local53/aws/public.h"
#include "local53/dns/name.h"

struct known;

/* A public name of a region. */
struct known_public {
    const struct public_row *row; /* what it is */
    struct catalogue_name name;   /* written out */
};

struct known *known_new(void);
void known_free(struct known *known);

/* The service one of whose names in this region (or, of global services, without one: "") this is; NULL when there is
 * none, and past KNOWN_REGIONS_MAX regions. */
const struct catalogue_row *known_service(struct known *known, const char *region,
                                          const struct name *name, bool below);

/* True the first time it is asked of this service and region for this asker (a number from 0). */
bool known_is_first(struct known *known, const char *region, const struct catalogue_row *row,
                    size_t asker);

/* The public names of a region, which must be one; *count gets 0 past KNOWN_REGIONS_MAX regions. */
const struct known_public *known_publics(struct known *known, const char *region, size_t *count);

/* AWS has 39; what looks like more is not looked into. */
#define KNOWN_REGIONS_MAX 64

/* The plain names of a row in a region ("" for none): no dual-stack, no FIPS; those may be left out. 0 for what
 * cannot be expanded. */
size_t known_plain_names(const struct catalogue_row *row, const char *region,
                         struct catalogue_name out[CATALOGUE_NAMES_MAX]);

#endif
