/* public: the names that must not be sent to an interface endpoint, and why.
 * Owns: the rows, static. Thread: any; no state. Bounds: PUBLIC_ROWS_MAX rows, TEXT_MAX octets a name.
 * Fails: an error code for what is no region. */
#include "local53/aws/public.h"

#include <stdio.h>
#include <string.h>

#include "local53/aws/partition.h"
#include "local53/dns/text.h"

/* Longest name a row gives, terminator included. */
#define TEXT_MAX 256

#define CLUSTER_API "the API of clusters, which the VPC's resolver knows"
#define OWN_ADDRESSES ", each of which has addresses of its own"

/* Amazon EKS User Guide, "Access Amazon EKS using AWS PrivateLink" (no OIDC issuer behind the endpoint), "Cluster
 * endpoint hostname"; Elastic Load Balancing, Amazon RDS, Amazon ElastiCache and Amazon EC2 User Guides, "DNS name"
 * or "hostname" of each; Amazon ECR Public User Guide, "Public registries"; Amazon API Gateway Developer Guide,
 * "Private APIs" (private DNS takes all APIs of the region); Amazon Linux 2023 User Guide, "Repositories". */
static const struct public_row ROWS[] = {
    {"oidc.eks.{region}.{suffix}",
     "the issuer of clusters' tokens (IAM roles for service accounts), which no endpoint serves",
     NULL},
    {"oidc-eks.{region}.{dualstack}",
     "the issuer of clusters' tokens (IAM roles for service accounts), which no endpoint serves",
     NULL},
    {"*.{region}.eks.{suffix}", CLUSTER_API, NULL},
    {"*.eks-cluster.{region}.{dualstack}", CLUSTER_API, NULL},
    {"*.{region}.elb.{suffix}", "load balancers" OWN_ADDRESSES, NULL},
    {"*.elb.{region}.{suffix}", "network load balancers" OWN_ADDRESSES, NULL},
    {"*.{region}.rds.{suffix}", "databases" OWN_ADDRESSES, NULL},
    {"*.cache.{suffix}", "caches (ElastiCache)" OWN_ADDRESSES, NULL},
    {"*.{region}.compute.{suffix}", "instances" OWN_ADDRESSES, NULL},
    {"*.{region}.compute.internal", "the nodes' own names, which the VPC's resolver knows", NULL},
    {"public.ecr.aws", "public images, which the endpoints of ECR do not serve", NULL},
    {"*.execute-api.{region}.{suffix}", "every API of the region, those of other owners too",
     "list the APIs' own names, or \"service: execute-api\" if all are meant"},
    {"al2023-repos-{region}-de612dc2.s3.dualstack.{region}.{suffix}",
     "the packages of Amazon Linux 2023",
     "list the buckets' own names, or \"service: s3\" with \"dualstack: true\" if all are meant"},
    {"amazonlinux-2-repos-{region}.s3.dualstack.{region}.{suffix}",
     "the packages of Amazon Linux 2",
     "list the buckets' own names, or \"service: s3\" with \"dualstack: true\" if all are meant"},
};
#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))
_Static_assert(ROW_COUNT <= PUBLIC_ROWS_MAX, "callers have room for that many");

const struct public_row *public_rows(size_t *count)
{
    *count = ROW_COUNT;
    return ROWS;
}

/* The value of the placeholder that text begins with, and its length; every "{" of the rows is one of these. */
static const char *value_of(const char *text, const char *region, size_t *len)
{
    const struct partition *partition = partition_of_region(region);

    *len = strcspn(text, "}") + 1;
    if (strncmp(text, "{region}", *len) == 0)
        return region;
    return strncmp(text, "{suffix}", *len) == 0 ? partition->suffix : partition->dualstack_suffix;
}

/* Fills the template in; what does not fit is cut, and then no name. */
static void fill(char out[TEXT_MAX], const char *template, const char *region)
{
    size_t used = 0;

    while (*template != '\0' && used < TEXT_MAX) {
        size_t len = strcspn(template, "{");
        int wrote;

        if (len > 0) {
            wrote = snprintf(out + used, TEXT_MAX - used, "%.*s", (int)len, template);
        } else {
            const char *value = value_of(template, region, &len);

            wrote = snprintf(out + used, TEXT_MAX - used, "%s", value);
        }
        used += (size_t)wrote;
        template += len;
    }
}

enum err public_expand(const struct public_row *row, const char *region, struct catalogue_name *out)
{
    char text[TEXT_MAX];

    if (!partition_is_region(region))
        return ERR_INVALID;
    fill(text, row->name, region);
    out->below = strncmp(text, "*.", 2) == 0;
    return text_read_name(&out->name, out->below ? text + 2 : text);
}
