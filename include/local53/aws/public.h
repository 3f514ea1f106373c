/* public: names below AWS's suffixes that no interface endpoint serves, and which break when a wildcard sends them to
 * one. */
#ifndef LOCAL53_AWS_PUBLIC_H
#define LOCAL53_AWS_PUBLIC_H

#include <stddef.h>

#include "local53/aws/catalogue.h"
#include "local53/base/err.h"

struct public_row {
    const char *name;   /* template with {region}, {suffix} and {dualstack}; "*." for all below */
    const char *reason; /* what the names are: ", " and this stands behind the name in a warning */
    const char *remedy; /* what to write in place of the wildcard; NULL: an except */
};

/* All rows, in no order that means anything. */
const struct public_row *public_rows(size_t *count);

/* Most rows there are. */
#define PUBLIC_ROWS_MAX 24

/* Writes out a row for a region, whose partition gives the suffixes. ERR_INVALID when text is no region. */
enum err public_expand(const struct public_row *row, const char *region,
                       struct catalogue_name *out);

#endif
