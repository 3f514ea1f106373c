/* import: configuration text from the JSON that the AWS CLI prints. Pure: files come in as text, YAML and
 * master files go out as text. What was chosen or left out, and why, stands beside it as a comment. */
#ifndef LOCAL53_AWS_IMPORT_H
#define LOCAL53_AWS_IMPORT_H

#include <stddef.h>
#include <stdio.h>

#include "local53/base/err.h"

/* Longest file that is taken; describe-vpc-endpoints prints about 3 KiB an endpoint. */
#define IMPORT_OCTETS_MAX ((size_t)100 * 1000 * 1000)

/* A file as read. */
struct import_file {
    const char *name; /* for messages; "-" is told as stdin */
    const char *text; /* borrowed; NULL: not given */
    size_t len;       /* octets of text */
};

/* Why nothing was made: "FILE:LINE:COLUMN: what" for what is no JSON, "FILE: PATH: what was found, what was
 * expected" for JSON of another shape ("VpcEndpoints[3].DnsEntries"). After ERR_OK: what was made, in a few words
 * ("12 endpoints, 3 left out (see the comments)"). */
struct import_problem {
    char text[512]; /* one line, no newline */
};

struct import_endpoints {
    struct import_file
        endpoints; /* aws ec2 describe-vpc-endpoints (EC2 API, DescribeVpcEndpoints) */
    struct import_file
        services; /* describe-vpc-endpoint-services, or none: the catalogue's names */
    struct import_file
        interfaces;     /* describe-network-interfaces, or none: targets instead of addresses */
    const char *region; /* the cluster's own; NULL: not told */
    const char *vpc;    /* only endpoints in it, "vpc-..."; NULL: all */
};

/* Writes a whole configuration that `check` takes: each available interface endpoint of the file with its service
 * or, where the catalogue has none, its names; rows left out as comments with the reason. ERR_INVALID with the problem
 * told when a file is not what it should be, or has none of the VPC's; ERR_NOT_FOUND, and why, when no row of it makes an
 * endpoint; nothing is written then. */
enum err import_vpc_endpoints(FILE *out, const struct import_endpoints *from,
                              struct import_problem *problem);

struct import_route53 {
    struct import_file records; /* aws route53 list-resource-record-sets, of one private zone */
    const char *zone;           /* its name; NULL: the owner of its SOA */
    const char *file; /* what the configuration calls the master file; NULL: there may be none */
};

/* Writes a whole configuration (aliases to VPC endpoints, and the zone) to yaml, and all other records to master, a
 * master file (RFC 1035 section 5) without $INCLUDE; nothing to master when there is no zone beside the endpoints, or no
 * from->file. Sets of a routing policy (weighted, latency, failover, geolocation, multivalue) become the best equivalent,
 * with a comment. ERR_INVALID with the problem told for records that have none (an alias to what has no name of its own
 * here), or when records need a master file and from->file is NULL; ERR_NOT_FOUND for a zone with nothing but SOA and NS
 * records. Nothing is written then. */
enum err import_route53(FILE *yaml, FILE *master, const struct import_route53 *from,
                        struct import_problem *problem);

#endif
