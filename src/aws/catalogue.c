/* catalogue: finds an endpoint service and writes out its private DNS names for a region.
 * Owns: the rows, compiled in from endpoint-services.tsv, sorted by service.
 * Thread: any; no state. Bounds: CATALOGUE_NAMES_MAX names a row, TEMPLATE_MAX octets a name.
 * Fails: an error code; a name whose spelling in a partition nobody has published is left out. */
#include "local53/aws/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/aws/partition.h"
#include "local53/base/nearest.h"
#include "local53/dns/text.h"
#include "template.h"

static const struct catalogue_row ROWS[] = {
#include "local53/endpoint_services.inc"
};
#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

/* The endings AWS's commercial partition and GovCloud use beside {suffix}. The first three are dual-stack; the names in
 * sagemaker.aws are not. */
#define DUALSTACK_ENDING ".api.aws"
#define ECR_DUALSTACK_ENDING ".on.aws"
#define APP_DUALSTACK_ENDING ".app.aws"
#define AWS_TOP_LEVEL ".aws"

/* Names outside the commercial partition that a row's templates do not give (botocore "endpoints.json"): of all global
 * services, and of regional ones that are called otherwise there. A global service has no published name in a partition
 * without a row. */
static const struct {
    const char *partition; /* partition's name */
    const char *service;   /* row's service */
    const char *names;     /* as in a row */
} ELSEWHERE[] = {
    {"aws-cn", "cloudfront", "cloudfront.cn-northwest-1.{suffix}"},
    {"aws-cn", "iam", "iam.cn-north-1.{suffix}"},
    {"aws-eusc", "iam", "iam.eusc-de-east-1.{suffix}"},
    {"aws-iso", "iam", "iam.us-iso-east-1.{suffix}"},
    {"aws-iso-b", "iam", "iam.us-isob-east-1.{suffix}"},
    {"aws-iso-f", "iam", "iam.us-isof-south-1.{suffix}"},
    {"aws-us-gov", "iam", "iam.us-gov.{suffix}"},
    {"aws-cn", "route53", "route53.{suffix}"},
    {"aws-iso", "route53", "route53.{suffix}"},
    {"aws-iso-b", "route53", "route53.{suffix}"},
    {"aws-iso-e", "route53", "route53.{suffix}"},
    {"aws-iso-f", "route53", "route53.{suffix}"},
    {"aws-us-gov", "route53", "route53.us-gov.{suffix}"},
    {"aws-cn", "transcribe", "cn.transcribe.{region}.{suffix}"},
};
#define ELSEWHERE_COUNT (sizeof(ELSEWHERE) / sizeof(ELSEWHERE[0]))

/* A row being expanded. */
struct filling {
    const struct partition *partition;       /* the region's */
    const struct catalogue_request *request; /* the region, and what is wanted */
    struct catalogue_name *out;              /* the caller's */
    size_t cap;                              /* room of out */
    size_t count;                            /* items of out */
    bool apart;                              /* at a column of its own */
};

const struct catalogue_row *catalogue_rows(size_t *count)
{
    *count = ROW_COUNT;
    return ROWS;
}

static int compare_service(const void *service, const void *row)
{
    return strcmp(service, ((const struct catalogue_row *)row)->service);
}

const struct catalogue_row *catalogue_find(const char *service)
{
    return bsearch(service, ROWS, ROW_COUNT, sizeof(ROWS[0]), compare_service);
}

static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text);
    size_t ending_len = strlen(ending);

    return len >= ending_len && strcmp(text + len - ending_len, ending) == 0;
}

/* What the service names of AWS begin with: each partition's suffix, read backwards, or the commercial one
 * (both occur in one partition), and what a row's service has in its place. SageMaker's are its own. */
static const struct {
    const char *prefix;  /* of ServiceName */
    const char *instead; /* what the row's service begins with */
} FULL_PREFIXES[] = {
    {"com.amazonaws.", ""},  {"cn.com.amazonaws.", ""},
    {"eu.amazonaws.", ""},   {"gov.ic.c2s.", ""},
    {"gov.sgov.sc2s.", ""},  {"uk.adc-e.cloud.", ""},
    {"gov.ic.hci.csp.", ""}, {"aws.sagemaker.", "aws.sagemaker:"},
};
#define FULL_PREFIX_COUNT (sizeof(FULL_PREFIXES) / sizeof(FULL_PREFIXES[0]))

/* Longest service looked at, terminator included. */
#define SERVICE_MAX 64

/* Takes the region off the front of "<region>.X"; gives X. */
static const char *take_region(const char *text, char region[PARTITION_REGION_MAX])
{
    size_t len = strcspn(text, ".");

    if (text[len] == '.' && len < PARTITION_REGION_MAX) {
        memcpy(region, text, len);
        region[len] = '\0';
        if (partition_is_region(region))
            return text + len + 1;
    }
    region[0] = '\0';
    return text;
}

/* The X of a service name as rows have it; false when it is none of AWS's, or too long for a row. */
static bool read_full(const char *service_name, char service[SERVICE_MAX],
                      char region[PARTITION_REGION_MAX])
{
    region[0] = '\0';
    for (size_t i = 0; i < FULL_PREFIX_COUNT; i++) {
        size_t len = strlen(FULL_PREFIXES[i].prefix);

        if (strncmp(service_name, FULL_PREFIXES[i].prefix, len) == 0) {
            const char *rest = take_region(service_name + len, region);
            int written = snprintf(service, SERVICE_MAX, "%s%s", FULL_PREFIXES[i].instead, rest);

            return written > 0 && written < SERVICE_MAX;
        }
    }
    return false;
}

const struct catalogue_row *catalogue_find_full(const char *service_name,
                                                char region[PARTITION_REGION_MAX])
{
    char service[SERVICE_MAX];

    if (!read_full(service_name, service, region))
        return NULL;
    /* Some of China's stand there with ".cn" behind ("transcribe.cn"). */
    if (strncmp(region, "cn-", 3) == 0 && ends_with(service, ".cn"))
        service[strlen(service) - strlen(".cn")] = '\0';
    return catalogue_find(service);
}

/* True when the text's words, cut at its dots, dashes and colons, have this one (of len octets) among them. */
static bool has_part(const char *text, const char *word, size_t len)
{
    for (const char *at = text; *at != '\0'; at += strcspn(at, ".-:"), at += *at != '\0') {
        if (strncmp(at, word, len) == 0 && strchr(".-:", at[len]) != NULL)
            return true;
    }
    return false;
}

/* True when one of the templates begins with the word as its first label, behind "*.". */
static bool has_label(const char *templates, const char *word, size_t len)
{
    for (const char *at = templates; *at != '\0'; at += strcspn(at, ","), at += *at == ',') {
        const char *label = strncmp(at, "*.", 2) == 0 ? at + 2 : at;

        if (strncmp(label, word, len) == 0 && label[len] == '.')
            return true;
    }
    return false;
}

/* One row more, unless it is among them or there is no room. */
static void add_near(const struct catalogue_row *row, const struct catalogue_row **out, size_t cap,
                     size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (out[i] == row)
            return;
    }
    if (*count < cap)
        out[(*count)++] = row;
}

static const struct catalogue_row *nearest_spelling(const char *word)
{
    const char *words[ROW_COUNT];
    const char *nearest;

    for (size_t i = 0; i < ROW_COUNT; i++)
        words[i] = ROWS[i].service;
    nearest = nearest_word(word, words, ROW_COUNT);
    return nearest != NULL ? catalogue_find(nearest) : NULL;
}

size_t catalogue_nearest(const char *word, const struct catalogue_row **out, size_t cap)
{
    char service[SERVICE_MAX];
    char region[PARTITION_REGION_MAX];
    const char *text = read_full(word, service, region) ? service : word;
    const struct catalogue_row *spelling = nearest_spelling(text);
    size_t len = strlen(text);
    size_t count = 0;

    for (size_t i = 0; len > 0 && i < ROW_COUNT; i++) {
        if (has_label(ROWS[i].names, text, len))
            add_near(&ROWS[i], out, cap, &count);
    }
    for (size_t i = 0; len > 0 && i < ROW_COUNT; i++) {
        if (has_part(ROWS[i].service, text, len))
            add_near(&ROWS[i], out, cap, &count);
    }
    if (spelling != NULL)
        add_near(spelling, out, cap, &count);
    return count;
}

bool catalogue_is_global(const struct catalogue_row *row)
{
    return strcmp(row->scope, "global") == 0;
}

const struct catalogue_row *catalogue_fips_service(const struct catalogue_row *row)
{
    char service[SERVICE_MAX];
    int len = snprintf(service, sizeof(service), "%s-fips", row->service);

    return len > 0 && (size_t)len < sizeof(service) ? catalogue_find(service) : NULL;
}

/* Respells a commercial ending for the partition, in place. False when no spelling is known. */
static bool respell(char *text, size_t cap, const struct partition *partition)
{
    size_t len = strlen(text);

    if (!ends_with(text, AWS_TOP_LEVEL) || strcmp(partition->dualstack_suffix, "api.aws") == 0)
        return true;
    if (ends_with(text, DUALSTACK_ENDING)) {
        len -= strlen(DUALSTACK_ENDING) - 1;
        snprintf(text + len, cap - len, "%s", partition->dualstack_suffix);
        return true;
    }
    /* Amazon ECR's dual-stack registries in China: kubelet's ecr-credential-provider matches
     * "*.dkr-ecr.*.on.amazonwebservices.com.cn"; for the others nothing is published. */
    if (ends_with(text, ECR_DUALSTACK_ENDING) && strcmp(partition->name, "aws-cn") == 0) {
        len -= strlen(ECR_DUALSTACK_ENDING) - 1;
        snprintf(text + len, cap - len, "%s", "on.amazonwebservices.com.cn");
        return true;
    }
    return false;
}

static bool is_dualstack(const char *text)
{
    return ends_with(text, DUALSTACK_ENDING) || ends_with(text, ECR_DUALSTACK_ENDING) ||
           ends_with(text, APP_DUALSTACK_ENDING) || strstr(text, ".dualstack.") != NULL;
}

/* Appends one template's name, unless it is not wanted or the partition has no spelling for it. */
static enum err add_name(struct filling *filling, const char *template, size_t len)
{
    const struct catalogue_request *request = filling->request;
    struct catalogue_name name;
    char text[TEMPLATE_MAX];
    enum err err = template_fill(text, template, len, request->region);

    if (err != ERR_OK)
        return err;
    name.below = strncmp(text, "*.", 2) == 0;
    name.dualstack = is_dualstack(text);
    name.fips = strstr(text, "fips") != NULL;
    name.apart = filling->apart;
    if ((name.dualstack && request->dualstack == CATALOGUE_SPELLINGS_NONE) ||
        (name.fips && request->fips == CATALOGUE_SPELLINGS_NONE) ||
        !respell(text, sizeof(text), filling->partition))
        return ERR_OK;
    if (filling->count == filling->cap)
        return ERR_NO_SPACE;
    err = text_read_name(&name.name, name.below ? text + 2 : text);
    if (err == ERR_OK)
        filling->out[filling->count++] = name;
    return err;
}

static enum err add_names(struct filling *filling, const char *templates)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && *templates != '\0') {
        size_t len = strcspn(templates, ",");

        err = add_name(filling, templates, len);
        templates += len + (templates[len] == ',');
    }
    return err;
}

/* The templates of a row in a partition that has its own; NULL when it has none. */
static const char *names_elsewhere(const struct catalogue_row *row,
                                   const struct partition *partition)
{
    for (size_t i = 0; i < ELSEWHERE_COUNT; i++) {
        if (strcmp(ELSEWHERE[i].partition, partition->name) == 0 &&
            strcmp(ELSEWHERE[i].service, row->service) == 0)
            return ELSEWHERE[i].names;
    }
    return NULL;
}

static enum err fill_row(struct filling *filling, const struct catalogue_row *row)
{
    const char *elsewhere = names_elsewhere(row, filling->partition);
    enum err err;

    if (elsewhere != NULL)
        return add_names(filling, elsewhere);
    if (catalogue_is_global(row) && strcmp(filling->partition->name, "aws") != 0)
        return ERR_OK;
    err = add_names(filling, row->names);
    filling->apart = true;
    if (err == ERR_OK && filling->request->dualstack == CATALOGUE_SPELLINGS_ALL)
        err = add_names(filling, row->dualstack);
    if (err == ERR_OK && filling->request->fips == CATALOGUE_SPELLINGS_ALL)
        err = add_names(filling, row->fips);
    return err;
}

enum err catalogue_expand(const struct catalogue_row *row, const struct catalogue_request *request,
                          struct catalogue_name *out, size_t cap, size_t *count)
{
    const char *region = request->region;
    struct filling filling = {.partition = partition_of_region(region != NULL ? region : ""),
                              .request = request,
                              .out = out,
                              .cap = cap};
    enum err err = ERR_INVALID;

    if (catalogue_is_global(row) || (region != NULL && partition_is_region(region)))
        err = fill_row(&filling, row);
    *count = filling.count;
    return err;
}
