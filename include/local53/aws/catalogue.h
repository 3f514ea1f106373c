/* catalogue: the private DNS names of each AWS endpoint service, from endpoint-services.tsv,
 * compiled in; one row a service. */
#ifndef LOCAL53_AWS_CATALOGUE_H
#define LOCAL53_AWS_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/aws/partition.h"
#include "local53/base/err.h"
#include "local53/dns/name.h"

/* Templates are comma separated names with {region} and {suffix}, "*." in front of wildcards; "" is none. */
struct catalogue_row {
    const char *service;   /* "ecr.api": the X of com.amazonaws.<region>.X */
    const char *names;     /* templates of the private DNS names its endpoints are known to have */
    const char *dualstack; /* templates of dual-stack names answered only by an endpoint made so */
    const char *fips;      /* templates of FIPS names beside those, in the endpoint's certificate */
    const char *scope;     /* "regional" or "global" */
    const char *evidence;  /* where the names are from */
    const char *note;      /* what a user has to know, one sentence; "" for nothing */
};

/* All rows, sorted by service. */
const struct catalogue_row *catalogue_rows(size_t *count);

/* The row of a service, or NULL. */
const struct catalogue_row *catalogue_find(const char *service);

/* The row of what EC2's DescribeVpcEndpoints calls ServiceName: "com.amazonaws.<region>.X", its spellings of the other
 * partitions ("cn.com.amazonaws.<region>.X", "gov.ic.c2s.<region>.X"), "aws.sagemaker.<region>.X" and, of global
 * services, "com.amazonaws.X". region gets the name's region, "" when it has none; also when the row is unknown. NULL
 * for services without a row and for others' ("com.amazonaws.vpce.<region>.vpce-svc-X"). */
const struct catalogue_row *catalogue_find_full(const char *service_name,
                                                char region[PARTITION_REGION_MAX]);

/* The rows that an unknown word most likely meant, best first, at most cap; gives how many. A word is near to a row
 * whose service has it as a part ("ecr": ecr.api, ecr.dkr), whose names begin with it ("firehose": kinesis-firehose), or
 * that is spelled nearly so. Full service names are taken too. */
size_t catalogue_nearest(const char *word, const struct catalogue_row **out, size_t cap);

/* True when the row's names do not depend on a region. */
bool catalogue_is_global(const struct catalogue_row *row);

/* The row whose endpoints have the FIPS names of this one ("sqs-fips" for "sqs"), or NULL. */
const struct catalogue_row *catalogue_fips_service(const struct catalogue_row *row);

/* Which names of a kind (dual-stack, FIPS) are wanted. */
enum catalogue_spellings {
    CATALOGUE_SPELLINGS_KNOWN, /* those in the row's names */
    CATALOGUE_SPELLINGS_ALL,   /* also those of the row's column */
    CATALOGUE_SPELLINGS_NONE   /* none */
};

struct catalogue_request {
    const char *region; /* NULL for a global row: its names in the commercial partition */
    enum catalogue_spellings dualstack; /* api.aws, on.aws, app.aws and their like, s3.dualstack */
    enum catalogue_spellings fips;      /* a label with "fips" in it */
};

/* One expanded name. */
struct catalogue_name {
    struct name name; /* what it is, or what follows "*." */
    bool below;       /* a wildcard */
    bool dualstack;   /* spelled as dual-stack names are */
    bool fips;        /* spelled as FIPS names are */
    bool apart;       /* of a column of its own: not what private DNS has by itself */
};

/* Expands a row into out, at most cap names: those of its names, then of its columns; *count gets how many. The
 * partition's suffix is put in; the dual-stack endings are respelled where the partition's spelling is published, and
 * such a name is left out where it is not: *count may be 0 outside the commercial partition and GovCloud, or where the
 * request wants none of a kind. A global row takes any region, for its partition's names. ERR_INVALID when a regional
 * row gets no region or text that is none, ERR_NO_SPACE when cap is too small. */
enum err catalogue_expand(const struct catalogue_row *row, const struct catalogue_request *request,
                          struct catalogue_name *out, size_t cap, size_t *count);

/* Most names one row has, its columns included. */
#define CATALOGUE_NAMES_MAX 16

#endif
