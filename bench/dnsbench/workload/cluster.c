/* cluster: what pods on EKS look up: services, AWS endpoints, names nobody has seen.
 * Owns: how ranks are drawn; the names are the set's. Thread: made by one; then read by all.
 * Bounds: CLUSTER_SERVICES_MAX services, each in the set twice.
 * Fails: names that do not fit; out of memory is fatal. */
#include "workload/cluster_private.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/base/hot.h"
#include "local53/dns/message.h"
#include "local53/dns/name.h"
#include "workload/zipf.h"

#define PERCENT 100

/* Kinds of lookups: X(NAME, name, share in percent). */
#define KIND_LIST(X)                                                                               \
    X(SVC, "svc", 15)                                                                              \
    X(SVC_NS, "svc.ns", 40)                                                                        \
    X(FQDN, "fqdn", 10)                                                                            \
    X(AWS, "aws", 25)                                                                              \
    X(DOTS5, "dots5", 7)                                                                           \
    X(NEW, "new", 3)

enum kind {
#define KIND_ENUM(id, name, percent) KIND_##id,
    KIND_LIST(KIND_ENUM)
#undef KIND_ENUM
        KINDS
};

static const uint8_t SHARES[KINDS] = {
#define KIND_SHARE(id, name, percent) percent,
    KIND_LIST(KIND_SHARE)
#undef KIND_SHARE
};

static const struct workload_kind TOLD_KINDS[KINDS] = {
#define KIND_TOLD(id, name, percent) {name, (double)(percent) / PERCENT},
    KIND_LIST(KIND_TOLD)
#undef KIND_TOLD
};

/* Regional endpoints (AWS General Reference, "Service endpoints and quotas") and buckets in
 * virtual-hosted style (Amazon S3 User Guide): what stands in front of ".REGION.amazonaws.com".
 * Those asked most come first. */
static const char *const AWS_NAMES[] = {
    "sts",
    "sqs",
    "s3",
    "kms",
    "app-uploads.s3",
    "logs",
    "dynamodb",
    "secretsmanager",
    "media-assets.s3",
    "ec2",
    "monitoring",
    "sns",
    "ssm",
    "data-lake-raw.s3",
    "api.ecr",
    "xray",
    "events",
    "kinesis",
    "app-config.s3",
    "elasticloadbalancing",
    "autoscaling",
    "eks",
    "lambda",
    "data-lake-curated.s3",
    "firehose",
    "states",
    "audit-trail.s3",
    "ssmmessages",
    "ec2messages",
    "user-avatars.s3",
    "invoices-archive.s3",
    "athena",
    "glue",
    "reports-daily.s3",
    "rds",
    "elasticfilesystem",
    "build-artifacts.s3",
    "model-store.s3",
    "elasticache",
    "cloudformation",
    "db-backups.s3",
    "thumbnails-cache.s3",
    "access-logs.s3",
    "bedrock-runtime",
    "appconfig",
    "terraform-state.s3",
    "search-index.s3",
    "email",
    "exports-csv.s3",
    "tempo-traces.s3",
    "loki-chunks.s3",
    "cognito-idp",
    "mimir-blocks.s3",
    "velero-backups.s3",
    "batch",
    "static-site.s3",
    "acm-pca",
    "sagemaker-features.s3",
    "servicediscovery",
    "kafka",
    "partner-dropbox.s3",
    "cloudtrail",
    "spark-staging.s3",
    "sdk-releases.s3",
};

/* Registries (Amazon ECR User Guide: ACCOUNT.dkr.ecr.REGION) and databases (Aurora User Guide:
 * writer and reader endpoints); `tail` stands behind the region. */
static const struct {
    const char *head;
    const char *tail;
} DOTS5_NAMES[] = {
    {"111122223333.dkr.ecr", ""},
    {"db-1.cluster-abcdefghijkl", "rds."},
    {"602401143452.dkr.ecr", ""},
    {"db-2.cluster-abcdefghijkl", "rds."},
    {"db-1.cluster-ro-abcdefghijkl", "rds."},
    {"444455556666.dkr.ecr", ""},
    {"db-3.cluster-abcdefghijkl", "rds."},
    {"db-2.cluster-ro-abcdefghijkl", "rds."},
    {"123456789012.dkr.ecr", ""},
    {"db-4.cluster-abcdefghijkl", "rds."},
    {"777788889999.dkr.ecr", ""},
    {"db-5.cluster-abcdefghijkl", "rds."},
};

#define LENGTH(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

struct cluster {
    const struct queryset *set;  /* borrowed */
    double exponent;             /* of zipf */
    uint32_t first[KINDS];       /* the first item of each kind */
    uint32_t namespaces;         /* how many */
    uint32_t services_each;      /* in each of them */
    uint32_t ndots;              /* from so many dots on, a name is first asked as it is */
    uint16_t own_suffix;         /* of namespace 0; the others follow in order */
    uint16_t shared_suffixes[3]; /* svc.DOMAIN, DOMAIN, the region's */
    struct zipf *services;       /* owned */
    struct zipf *owners;         /* owned; namespaces whose services are asked for */
    struct zipf *aws;            /* owned */
    struct zipf *dots5;          /* owned */
};

/* ---- Making it ---- */

/* Where names and suffixes go, until one is refused. */
struct builder {
    struct queryset *set;          /* borrowed */
    const struct profile *profile; /* borrowed */
    const char *aws_domain;        /* what AWS names end in */
    enum err err;                  /* sticky */
};

__attribute__((format(printf, 2, 3))) static uint32_t add(struct builder *b, const char *format,
                                                          ...)
{
    char name[2 * NAME_MAX_OCTETS + 64];
    uint32_t item = 0;
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    if (b->err == ERR_OK)
        b->err = queryset_add_text(b->set, name, TYPE_A, &item);
    return item;
}

__attribute__((format(printf, 2, 3))) static uint16_t add_suffix(struct builder *b,
                                                                 const char *format, ...)
{
    char name[2 * NAME_MAX_OCTETS + 64];
    uint16_t number = 1;
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    if (b->err == ERR_OK)
        b->err = queryset_add_suffix(b->set, name, &number);
    return number;
}

static void add_services(struct cluster *cluster, struct builder *b)
{
    uint32_t all = cluster->namespaces * cluster->services_each;

    cluster->first[KIND_SVC] = (uint32_t)queryset_count(b->set);
    for (uint32_t i = 0; i < cluster->services_each; i++)
        add(b, "svc-%u", i);
    cluster->first[KIND_SVC_NS] = (uint32_t)queryset_count(b->set);
    for (uint32_t i = 0; i < all; i++)
        add(b, "svc-%u.ns-%u", i % cluster->services_each, i / cluster->services_each);
    cluster->first[KIND_FQDN] = (uint32_t)queryset_count(b->set);
    for (uint32_t i = 0; i < all; i++)
        add(b, "svc-%u.ns-%u.svc.%s", i % cluster->services_each, i / cluster->services_each,
            b->profile->domain);
}

static void add_outside(struct cluster *cluster, struct builder *b)
{
    const char *region = b->profile->region;

    cluster->first[KIND_AWS] = (uint32_t)queryset_count(b->set);
    for (uint32_t i = 0; i < LENGTH(AWS_NAMES); i++)
        add(b, "%s.%s.%s", AWS_NAMES[i], region, b->aws_domain);
    cluster->first[KIND_DOTS5] = (uint32_t)queryset_count(b->set);
    for (uint32_t i = 0; i < LENGTH(DOTS5_NAMES); i++)
        add(b, "%s.%s.%s%s", DOTS5_NAMES[i].head, region, DOTS5_NAMES[i].tail, b->aws_domain);
    if (b->err == ERR_OK)
        b->err = fresh_add(b->set, "example.com", &cluster->first[KIND_NEW]);
}

/* The search list kubelet writes (Kubernetes, "DNS for Services and Pods"), with what the VPC's
 * DHCP adds (Amazon VPC User Guide, "DHCP option sets"). */
static void add_search(struct cluster *cluster, struct builder *b)
{
    const struct profile *profile = b->profile;

    for (uint32_t i = 0; i < cluster->namespaces; i++) {
        uint16_t number = add_suffix(b, "ns-%u.svc.%s", i, profile->domain);
        if (i == 0)
            cluster->own_suffix = number;
    }
    cluster->shared_suffixes[0] = add_suffix(b, "svc.%s", profile->domain);
    cluster->shared_suffixes[1] = add_suffix(b, "%s", profile->domain);
    if (strcmp(profile->region, "us-east-1") == 0)
        cluster->shared_suffixes[2] = add_suffix(b, "ec2.internal");
    else
        cluster->shared_suffixes[2] = add_suffix(b, "%s.compute.internal", profile->region);
}

/* Every name fits with every suffix: the longest is that of the last namespace or the region's. */
static bool all_fit(const struct cluster *cluster)
{
    size_t count = queryset_count(cluster->set);

    for (uint32_t item = cluster->first[KIND_SVC]; item < count; item++) {
        struct question_ref ref = queryset_ref(cluster->set, item);

        ref.serial = item >= cluster->first[KIND_NEW] ? 1 : 0;
        ref.suffix = (uint16_t)(cluster->own_suffix + cluster->namespaces - 1);
        if (!queryset_fits(cluster->set, ref))
            return false;
        ref.suffix = cluster->shared_suffixes[2];
        if (!queryset_fits(cluster->set, ref))
            return false;
    }
    return true;
}

static struct cluster *cluster_alloc(const struct queryset *set, const struct profile *profile,
                                     double exponent)
{
    struct cluster *cluster = calloc(1, sizeof(*cluster));

    CHECK(cluster != NULL && profile->services > 0);
    cluster->set = set;
    cluster->exponent = exponent;
    cluster->namespaces = profile->namespaces;
    cluster->services_each = profile->services;
    cluster->ndots = profile->ndots;
    cluster->services = zipf_new(cluster->services_each, exponent);
    cluster->owners = zipf_new(cluster->namespaces, exponent);
    cluster->aws = zipf_new(LENGTH(AWS_NAMES), exponent);
    cluster->dots5 = zipf_new(LENGTH(DOTS5_NAMES), exponent);
    return cluster;
}

static struct cluster *refuse(struct cluster *cluster, struct text_fault *fault, const char *reason)
{
    cluster_free(cluster);
    *fault = (struct text_fault){0};
    snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
    return NULL;
}

struct cluster *cluster_new(struct queryset *set, const struct profile *profile, double zipf,
                            struct text_fault *fault)
{
    bool china = strncmp(profile->region, "cn-", 3) == 0;
    struct builder b = {
        .set = set, .profile = profile, .aws_domain = china ? "amazonaws.com.cn" : "amazonaws.com"};
    struct cluster *cluster;

    if ((uint64_t)profile->services * profile->namespaces > CLUSTER_SERVICES_MAX)
        return refuse(NULL, fault, "more than 1000000 services in all namespaces together");
    cluster = cluster_alloc(set, profile, zipf);
    add_services(cluster, &b);
    add_outside(cluster, &b);
    add_search(cluster, &b);
    if (b.err != ERR_OK || !all_fit(cluster))
        return refuse(cluster, fault, "domain= is so long that names with it pass 255 octets");
    return cluster;
}

void cluster_free(struct cluster *cluster)
{
    if (cluster == NULL)
        return;
    zipf_free(cluster->services);
    zipf_free(cluster->owners);
    zipf_free(cluster->aws);
    zipf_free(cluster->dots5);
    free(cluster);
}

enum err fresh_add(struct queryset *set, const char *zone, uint32_t *first)
{
    *first = (uint32_t)queryset_count(set);
    for (uint32_t i = 0; i < FRESH_ITEMS; i++) {
        uint32_t item;
        enum err err = queryset_add_text(set, zone, TYPE_A, &item);

        if (err != ERR_OK)
            return err;
    }
    return queryset_fits(set, fresh_ref(set, *first, 0)) ? ERR_OK : ERR_TOO_LONG;
}

size_t cluster_kinds(const struct workload_kind **kinds)
{
    *kinds = TOLD_KINDS;
    return KINDS;
}

/* ---- Drawing ---- */

/* Dots of the name as a program would write it, without the last one. */
static uint32_t dots_of(const struct cluster *cluster, struct question_ref ref)
{
    struct bytes name = queryset_name(cluster->set, ref.item);
    uint32_t labels = ref.serial != 0 ? 1 : 0;

    for (size_t at = 0; name.data[at] != 0; at += 1 + (size_t)name.data[at])
        labels++;
    return labels - 1;
}

/* A pod of this namespace looks for the name. */
static void start_lookup(const struct cluster *cluster, struct question_ref name, enum kind kind,
                         uint32_t namespace_index, struct lookup *out)
{
    struct lookup_search search = {
        .suffixes = {(uint16_t)(cluster->own_suffix + namespace_index), cluster->shared_suffixes[0],
                     cluster->shared_suffixes[1], cluster->shared_suffixes[2]},
        .count = 4,
        .absolute_first = dots_of(cluster, name) >= cluster->ndots,
    };

    lookup_init(out, name, (uint8_t)kind, &search);
}

static enum kind draw_kind(struct rng *rng)
{
    uint32_t at = rng_below(rng, PERCENT);
    unsigned kind = 0;

    while (at >= SHARES[kind]) {
        at -= SHARES[kind];
        kind++;
    }
    return (enum kind)kind;
}

/* Which of a kind's items. */
static uint32_t draw_rank(const struct cluster *cluster, struct rng *rng, enum kind kind)
{
    uint32_t owner;

    switch (kind) {
    case KIND_SVC: return zipf_draw(cluster->services, rng);
    case KIND_AWS: return zipf_draw(cluster->aws, rng);
    case KIND_DOTS5: return zipf_draw(cluster->dots5, rng);
    default:
        owner = zipf_draw(cluster->owners, rng);
        return owner * cluster->services_each + zipf_draw(cluster->services, rng);
    }
}

HOT void cluster_draw(const struct cluster *cluster, struct rng *rng, uint32_t namespace_index,
                      uint64_t fresh, struct lookup *out)
{
    enum kind kind = draw_kind(rng);
    struct question_ref name;

    CHECK(namespace_index < cluster->namespaces);
    if (kind == KIND_NEW)
        name = fresh_ref(cluster->set, cluster->first[KIND_NEW], fresh);
    else
        name = queryset_ref(cluster->set, cluster->first[kind] + draw_rank(cluster, rng, kind));
    start_lookup(cluster, name, kind, namespace_index, out);
}

/* ---- What a lookup costs ---- */

/* The suffix with which a name of this kind exists for a pod of namespace 0; UINT16_MAX: with
 * none. */
static uint16_t found_at(const struct cluster *cluster, enum kind kind)
{
    switch (kind) {
    case KIND_SVC: return cluster->own_suffix;
    case KIND_SVC_NS: return cluster->shared_suffixes[0];
    case KIND_NEW: return UINT16_MAX;
    default: return 0;
    }
}

/* Packets until the name is found or nowhere left. */
static double cost_of(const struct cluster *cluster, enum kind kind, uint32_t rank)
{
    struct question_ref name = queryset_ref(cluster->set, cluster->first[kind] + rank);
    struct lookup lookup;
    uint8_t steps = 0;

    start_lookup(cluster, name, kind, 0, &lookup);
    while (steps < lookup.steps && lookup.suffixes[steps] != found_at(cluster, kind))
        steps++;
    return 2.0 * (steps < lookup.steps ? steps + 1 : steps);
}

/* Mean over the names of a kind; only among those of AWS some have more dots than others. */
static double mean_cost(const struct cluster *cluster, enum kind kind)
{
    uint32_t count = kind == KIND_AWS ? LENGTH(AWS_NAMES) : 1;
    double weights = 0;
    double sum = 0;

    for (uint32_t rank = 0; rank < count; rank++) {
        double weight = pow(rank + 1.0, -cluster->exponent);

        weights += weight;
        sum += weight * cost_of(cluster, kind, rank);
    }
    return sum / weights;
}

double cluster_queries_per_lookup(const struct cluster *cluster)
{
    double sum = 0;

    for (unsigned kind = 0; kind < KINDS; kind++)
        sum += SHARES[kind] * mean_cost(cluster, (enum kind)kind);
    return sum / PERCENT;
}
