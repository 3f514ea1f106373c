/* partition: the separate worlds of AWS and the DNS suffixes of each (AWS General Reference, "AWS
 * service endpoints"; botocore partitions). */
#ifndef LOCAL53_AWS_PARTITION_H
#define LOCAL53_AWS_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/dns/name.h"

/* Longest region, terminator included ("us-isob-east-1" and its like); a longer one is none. */
#define PARTITION_REGION_MAX 32

struct partition {
    const char *name;             /* "aws", "aws-cn", ... */
    const char *region_prefix;    /* regions start with it: "cn-", "us-gov-"; "" for aws */
    const char *suffix;           /* "amazonaws.com" */
    const char *dualstack_suffix; /* "api.aws" */
};

/* The partition of a region's name; never NULL (commercial when no other fits). */
const struct partition *partition_of_region(const char *region);

/* True when text looks like a region ("eu-west-1", "us-gov-east-1", "eusc-de-east-1"). */
bool partition_is_region(const char *text);

/* Finds the region a name tells: its last label that looks like one, since a bucket may be called so. Gives the text,
 * "" when there is none; *label (may be NULL) gets the label's index then. */
const char *partition_find_region(const struct name *name, size_t *label,
                                  char out[PARTITION_REGION_MAX]);

/* The i-th suffix of AWS names, of all partitions, plain and dual-stack (some stand twice); NULL past the
 * last. */
const char *partition_suffix(size_t i);

#endif
