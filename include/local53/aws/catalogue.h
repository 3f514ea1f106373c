/* catalogue: the private DNS names of each AWS endpoint service, from endpoint-services.tsv,
 * compiled in; one row a service. */
#ifndef LOCAL53_AWS_CATALOGUE_H
#define LOCAL53_AWS_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/err.h"
#include "local53/dns/name.h"

struct catalogue_row {
    const char *service; /* "ecr.api": the X of com.amazonaws.<region>.X */
    const char
        *names; /* comma separated templates with {region} and {suffix}, "*." for wildcards */
    const char *scope; /* "regional" or "global" */
};

/* All rows, sorted by service. */
const struct catalogue_row *catalogue_rows(size_t *count);

/* The row of a service, or NULL. */
const struct catalogue_row *catalogue_find(const char *service);

/* Longest region of a service name, terminator included ("us-isob-east-1" and its like); a longer one is none. */
#define CATALOGUE_REGION_MAX 32

/* The row of what EC2's DescribeVpcEndpoints calls ServiceName: "com.amazonaws.<region>.X", its spellings of the other
 * partitions ("cn.com.amazonaws.<region>.X", "gov.ic.c2s.<region>.X"), "aws.sagemaker.<region>.X" and, of global
 * services, "com.amazonaws.X". region gets the name's region, "" when it has none; also when the row is unknown. NULL
 * for services without a row and for others' ("com.amazonaws.vpce.<region>.vpce-svc-X"). */
const struct catalogue_row *catalogue_find_full(const char *service_name,
                                                char region[CATALOGUE_REGION_MAX]);

/* The rows that an unknown word most likely meant, best first, at most cap; gives how many. A word is near to a row
 * whose service has it as a part ("ecr": ecr.api, ecr.dkr), whose names begin with it ("firehose": kinesis-firehose), or
 * that is spelled nearly so. Full service names are taken too. */
size_t catalogue_nearest(const char *word, const struct catalogue_row **out, size_t cap);

/* True when the row's names do not depend on a region. */
bool catalogue_is_global(const struct catalogue_row *row);

/* One expanded name; below=true for "*.". */
struct catalogue_name {
    struct name name; /* what it is, or what follows "*." */
    bool below;       /* a wildcard */
};

/* Expands a row for a region into out, at most cap names; *count gets how many. The partition's suffix
 * is put in; the dual-stack endings (api.aws, on.aws) are respelled where the partition's spelling is
 * published, and such a name is left out where it is not: *count may be 0 outside the commercial
 * partition and GovCloud. A global row takes no region (NULL: commercial), or any: the partition counts.
 * ERR_INVALID when a regional row gets no region or text that is none, ERR_NO_SPACE when cap is too
 * small. */
enum err catalogue_expand(const struct catalogue_row *row, const char *region,
                          struct catalogue_name *out, size_t cap, size_t *count);

/* Most names one row has. */
#define CATALOGUE_NAMES_MAX 16

#endif
