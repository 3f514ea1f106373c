/* public: the names that must not be sent to an interface endpoint, and why.
 * Owns: the rows, static. Thread: any; no state. Bounds: PUBLIC_ROWS_MAX rows, TEMPLATE_MAX octets a name.
 * Fails: an error code for what is no region. */
#include "local53/aws/public.h"

#include <string.h>

#include "local53/aws/partition.h"
#include "local53/dns/text.h"
#include "template.h"

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

enum err public_expand(const struct public_row *row, const char *region, struct catalogue_name *out)
{
    char text[TEMPLATE_MAX];
    enum err err = ERR_INVALID;

    if (partition_is_region(region))
        err = template_fill(text, row->name, strlen(row->name), region);
    if (err != ERR_OK)
        return err;
    out->below = strncmp(text, "*.", 2) == 0;
    return text_read_name(&out->name, out->below ? text + 2 : text);
}
