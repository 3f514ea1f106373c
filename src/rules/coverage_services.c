/* coverage_services: what AWS's books say about a configuration: a service of which a part has no endpoint, targets of
 * another service, wildcards that take what must stay public.
 * Owns: nothing. Thread: main. Bounds: a few lookups a name, and the names of a row for each that is not whole.
 * Fails: all it finds are warnings in the report. */
#include <stdio.h>
#include <string.h>

#include "coverage_private.h"
#include "expand.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/dns/text.h"
#include "sample.h"

/* ---- Services half covered -------------------------------------------------------------------------- */

/* A service as the names of an endpoint tell it. */
struct sighting {
    size_t endpoint;                 /* index */
    const struct config_name *name;  /* the name it was seen by; NULL: the endpoint's service */
    const struct catalogue_row *row; /* the service */
    const char *region;              /* of it; "" for none */
};

/* Services of which one is of no use without the other. */
static const struct {
    const char *service; /* has an endpoint */
    const char *other;   /* must have one too */
    const char *reason;  /* why */
} PAIRS[] = {
    {"ecr.api", "ecr.dkr", "a pull takes its token from ecr.api and the image from ecr.dkr"},
    {"ecr.dkr", "ecr.api", "a pull takes its token from ecr.api and the image from ecr.dkr"},
};
#define PAIR_COUNT (sizeof(PAIRS) / sizeof(PAIRS[0]))

/* Missing names that a warning tells; more are counted. */
#define MISSING_MAX 3

/* True when somebody has thought of the name: it has a rule, is an except, or has a forward zone of its own. */
static bool is_settled(const struct coverage *c, const struct catalogue_name *name)
{
    struct names_match match;
    struct decision decision;
    struct name sample;

    if (!sample_name(&sample, &name->name, name->below) || names_find(c->excepts, &sample, &match))
        return true;
    ruleset_decide(c->ruleset, &sample, &decision);
    return decision.kind != DECISION_FORWARD || decision.rule_labels >= name->name.labels;
}

static const char *write_name(const struct catalogue_name *name, char out[EXPAND_TEXT_MAX])
{
    struct config_name written = {.name = name->name, .below = name->below};

    return expand_write_name(&written, out);
}

/* Writes the first of the service's names that nobody has thought of, and counts them all. */
static size_t list_missing(const struct coverage *c, const struct sighting *seen, char *out,
                           size_t cap)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    size_t total = known_plain_names(seen->row, seen->region, names);
    size_t missing = 0;
    size_t used = 0;
    char text[EXPAND_TEXT_MAX];

    out[0] = '\0';
    for (size_t i = 0; i < total; i++) {
        if (is_settled(c, &names[i]))
            continue;
        if (missing < MISSING_MAX && used < cap)
            used += (size_t)snprintf(out + used, cap - used, "%s%.80s", missing > 0 ? ", " : "",
                                     write_name(&names[i], text));
        missing++;
    }
    return missing;
}

/* Some of the service's names are listed: tells those that nobody has thought of. */
static void check_rest(struct coverage *c, const struct sighting *seen)
{
    char missing[REPORT_TEXT_MAX];
    char text[EXPAND_TEXT_MAX];
    char more[32] = "";
    size_t count = list_missing(c, seen, missing, sizeof(missing));

    if (count == 0)
        return;
    if (count > MISSING_MAX)
        snprintf(more, sizeof(more), " and %zu more", count - MISSING_MAX);
    report_add(
        c->report, REPORT_WARNING, seen->name->mark,
        "endpoints[%zu].names: %.80s is a name of service %s, whose others have no endpoint: "
        "%s%s; write \"service: %s\", with what is to stay public under except",
        seen->endpoint, expand_write_name(seen->name, text), seen->row->service, missing, more,
        seen->row->service);
}

/* True when an endpoint has a name below the service's: one registry's, of which a pull is then meant. */
static bool has_endpoint_below(const struct coverage *c, const struct catalogue_name *name)
{
    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct rule_endpoint *endpoint = &c->ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->name_count; j++) {
            if (name->below && name_is_at_or_below(&endpoint->names[j].name, &name->name))
                return true;
        }
    }
    return false;
}

static void check_pair(struct coverage *c, const struct sighting *seen, size_t pair)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    const struct catalogue_row *other = catalogue_find(PAIRS[pair].other);
    const struct rule_endpoint *endpoint = &c->ruleset->endpoints[seen->endpoint];
    char text[EXPAND_TEXT_MAX];

    CHECK(other != NULL);
    if (known_plain_names(other, seen->region, names) == 0 || is_settled(c, &names[0]) ||
        has_endpoint_below(c, &names[0]))
        return;
    report_add(c->report, REPORT_WARNING,
               seen->name != NULL ? seen->name->mark : endpoint->config->service_mark,
               "endpoints[%zu].%s: %s, but %.80s has no endpoint; add service %s of %s, or a "
               "forward zone %.80s if it is reached without one",
               seen->endpoint, seen->name != NULL ? "names" : "service", PAIRS[pair].reason,
               write_name(&names[0], text), PAIRS[pair].other, seen->region,
               text + (names[0].below ? strlen("*.") : 0));
}

/* True when an endpoint or a zone has the bucket, an except leaves it out, or S3 of the region is forwarded by a zone of
 * its own: so one says that a gateway endpoint or a route leads there. */
static bool is_bucket_settled(const struct coverage *c, const struct name *bucket)
{
    struct names_match match;
    struct decision decision;

    if (names_find(c->excepts, bucket, &match))
        return true;
    ruleset_decide(c->ruleset, bucket, &decision);
    return decision.kind != DECISION_FORWARD || decision.rule_labels + 1 >= bucket->labels;
}

/* Amazon ECR User Guide, "Amazon ECR interface VPC endpoints": the layers of images are in the bucket
 * prod-<region>-starport-layer-bucket, reached through S3. */
static void check_layers(struct coverage *c, const struct sighting *seen)
{
    const struct rule_endpoint *endpoint = &c->ruleset->endpoints[seen->endpoint];
    char text[TEXT_NAME_MAX];
    struct name bucket;

    snprintf(text, sizeof(text), "prod-%s-starport-layer-bucket.s3.%s.%s", seen->region,
             seen->region, partition_of_region(seen->region)->suffix);
    if (text_read_name(&bucket, text) != ERR_OK || is_bucket_settled(c, &bucket))
        return;
    report_add(
        c->report, REPORT_WARNING,
        seen->name != NULL ? seen->name->mark : endpoint->config->service_mark,
        "endpoints[%zu].%s: image layers of ecr.dkr come from %s, which has no endpoint; add "
        "service s3 of %s, or a forward zone %s where a gateway endpoint or a route leads "
        "there",
        seen->endpoint, seen->name != NULL ? "names" : "service", text, seen->region,
        strchr(text, '.') + 1);
}

static void check_sighting(struct coverage *c, const struct sighting *seen)
{
    if (!known_is_first(c->known, seen->region, seen->row, seen->endpoint))
        return;
    if (seen->name != NULL)
        check_rest(c, seen);
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        if (strcmp(PAIRS[i].service, seen->row->service) == 0)
            check_pair(c, seen, i);
    }
    if (strcmp(seen->row->service, "ecr.dkr") == 0)
        check_layers(c, seen);
}

static const struct catalogue_row *row_of(const struct rule_endpoint *endpoint)
{
    return endpoint->config->service != NULL ? catalogue_find(endpoint->config->service) : NULL;
}

static void check_service_of(struct coverage *c, size_t index)
{
    const struct rule_endpoint *endpoint = &c->ruleset->endpoints[index];
    const struct catalogue_row *row = row_of(endpoint);

    if (row != NULL)
        check_sighting(c, &(struct sighting){index, NULL, row,
                                             endpoint->region != NULL ? endpoint->region : ""});
    for (size_t i = 0; i < endpoint->name_count; i++) {
        const struct config_name *name = &endpoint->names[i];
        char region[PARTITION_REGION_MAX];

        if (strcmp(expand_key_of(endpoint, name), "names") != 0)
            continue;
        partition_find_region(&name->name, NULL, region);
        row = known_service(c->known, region, &name->name, name->below);
        if (row != NULL)
            check_sighting(c, &(struct sighting){index, name, row, region});
    }
}

void coverage_check_services(struct coverage *c)
{
    for (size_t i = 0; i < coverage_endpoint_count(c); i++)
        check_service_of(c, i);
}

/* ---- Targets ---------------------------------------------------------------------------------------- */

/* The name of a VPC endpoint taken to pieces: AWS PrivateLink Guide, "Interface endpoint DNS hostnames":
 * endpoint_id.service_id.region.vpce.suffix. */
struct target_parts {
    char service[TEXT_NAME_MAX];       /* "api.ecr"; "vpce-svc-..." of others' services */
    char region[PARTITION_REGION_MAX]; /* "" for none */
    char suffix[TEXT_NAME_MAX];        /* "amazonaws.com", "sagemaker.aws" */
};

static bool label_is(const struct name *name, size_t i, const char *text)
{
    struct bytes label = name_label(name, i);

    return label.len == strlen(text) && memcmp(label.data, text, label.len) == 0;
}

/* The index of the label behind the endpoint's id, or the number of labels when there is no id. */
static size_t label_behind_id(const struct name *name)
{
    for (size_t i = 0; i < name->labels; i++) {
        struct bytes label = name_label(name, i);

        if (label.len > 5 && memcmp(label.data, "vpce-", 5) == 0)
            return i + 1;
    }
    return name->labels;
}

/* Labels from..to of a name with dots between; hosts' labels have nothing that needs an escape. */
static void write_labels(char *out, size_t cap, const struct name *name, size_t from, size_t to)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = from; i < to && used < cap; i++) {
        struct bytes label = name_label(name, i);

        used += (size_t)snprintf(out + used, cap - used, "%s%.*s", i > from ? "." : "",
                                 (int)label.len, (const char *)label.data);
    }
}

/* False for a name of another kind. */
static bool take_apart(struct target_parts *out, const struct name *target)
{
    size_t from = label_behind_id(target);
    size_t vpce = from;

    while (vpce < target->labels && !label_is(target, vpce, "vpce"))
        vpce++;
    if (from >= vpce || vpce >= target->labels)
        return false;
    write_labels(out->region, sizeof(out->region), target, vpce - 1, vpce);
    if (!partition_is_region(out->region))
        out->region[0] = '\0';
    write_labels(out->service, sizeof(out->service), target, from,
                 out->region[0] != '\0' ? vpce - 1 : vpce);
    write_labels(out->suffix, sizeof(out->suffix), target, vpce + 1, target->labels);
    return true;
}

/* The service that the target's labels name: in DNS's words, which are those of its private DNS name. */
static const struct catalogue_row *service_of(struct coverage *c, const struct target_parts *parts)
{
    const struct catalogue_row *row;
    struct name name;
    char text[2 * TEXT_NAME_MAX + PARTITION_REGION_MAX];

    snprintf(text, sizeof(text), "%s%s%s.%s", parts->service, parts->region[0] != '\0' ? "." : "",
             parts->region, parts->suffix);
    if (text_read_name(&name, text) != ERR_OK)
        return NULL;
    row = known_service(c->known, parts->region, &name, false);
    return row != NULL ? row : known_service(c->known, parts->region, &name, true);
}

/* What the target is of, "service s3", when that is not the endpoint's service or region; else "". */
static const char *misfit(struct coverage *c, const struct rule_endpoint *endpoint,
                          const struct target_parts *parts, char *out, size_t cap)
{
    const struct catalogue_row *expected = row_of(endpoint);
    const struct catalogue_row *found = service_of(c, parts);

    out[0] = '\0';
    if (strncmp(parts->service, "vpce-svc-", 9) == 0)
        snprintf(out, cap, "another owner's service %.60s", parts->service);
    else if (found != NULL && found != expected)
        snprintf(out, cap, "service %s", found->service);
    else if (endpoint->region != NULL && parts->region[0] != '\0' &&
             strcmp(endpoint->region, parts->region) != 0)
        snprintf(out, cap, "region %s", parts->region);
    else if (parts->region[0] != '\0' && strcmp(parts->suffix, "sagemaker.aws") != 0 &&
             strcmp(parts->suffix, partition_of_region(parts->region)->suffix) != 0)
        snprintf(out, cap, "%.60s, not %s", parts->suffix,
                 partition_of_region(parts->region)->suffix);
    return out;
}

static void check_target(struct coverage *c, size_t index, const struct config_name *target)
{
    const struct rule_endpoint *endpoint = &c->ruleset->endpoints[index];
    struct target_parts parts;
    char found[128];
    char text[EXPAND_TEXT_MAX];

    if (!take_apart(&parts, &target->name) ||
        misfit(c, endpoint, &parts, found, sizeof(found))[0] == '\0')
        return;
    report_add(
        c->report, REPORT_WARNING, target->mark,
        "endpoints[%zu].target: %.120s is a VPC endpoint of %s, but this endpoint is service "
        "%s%s%s; if that is meant, list the names under names instead of service",
        index, expand_write_name(target, text), found, endpoint->config->service,
        endpoint->region != NULL ? " of " : "", endpoint->region != NULL ? endpoint->region : "");
}

void coverage_check_targets(struct coverage *c)
{
    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct config_endpoint *endpoint = c->ruleset->endpoints[i].config;

        for (size_t j = 0; endpoint->service != NULL && j < endpoint->target_count; j++)
            check_target(c, i, &endpoint->targets[j]);
    }
}

/* ---- Public names ----------------------------------------------------------------------------------- */

/* The region names without one are tried with. */
static const char *home_region(const struct ruleset *ruleset)
{
    if (ruleset->config->region != NULL && partition_is_region(ruleset->config->region))
        return ruleset->config->region;
    for (size_t i = 0; i < ruleset->config->endpoint_count; i++) {
        if (ruleset->endpoints[i].region != NULL)
            return ruleset->endpoints[i].region;
    }
    return "us-east-1";
}

/* True when the public name, or a made-up one below it, gets this wildcard's endpoint by it. */
static bool is_taken(const struct coverage *c, const struct catalogue_name *public_name,
                     size_t index, const struct config_name *wildcard)
{
    struct decision rule;
    struct name sample;

    if (!name_is_at_or_below(&public_name->name, &wildcard->name) ||
        !sample_name(&sample, &public_name->name, public_name->below) ||
        !ruleset_find_rule(c->ruleset, &sample, &rule))
        return false;
    return rule.kind == DECISION_ENDPOINT && rule.index == index && rule.below &&
           rule.rule_labels == wildcard->name.labels;
}

static void report_taken(struct coverage *c, const struct known_public *item, size_t index,
                         const struct config_name *wildcard)
{
    char text[EXPAND_TEXT_MAX];
    char name_text[EXPAND_TEXT_MAX];
    char except[EXPAND_TEXT_MAX + 32];

    write_name(&item->name, name_text);
    snprintf(except, sizeof(except), "write \"%s\" under except", name_text);
    report_add(c->report, REPORT_WARNING, wildcard->mark,
               "endpoints[%zu].names: %.80s takes %.80s, %s; %s", index,
               expand_write_name(wildcard, text), name_text, item->row->reason,
               item->row->remedy != NULL ? item->row->remedy : except);
}

static void check_wildcard(struct coverage *c, size_t index, const struct config_name *wildcard)
{
    char region[PARTITION_REGION_MAX];
    const struct known_public *publics;
    size_t count;

    if (partition_find_region(&wildcard->name, NULL, region)[0] == '\0')
        snprintf(region, sizeof(region), "%s", home_region(c->ruleset));
    publics = known_publics(c->known, region, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_taken(c, &publics[i].name, index, wildcard))
            report_taken(c, &publics[i], index, wildcard);
    }
}

/* A service's own wildcards are asked for by its name. */
void coverage_check_publics(struct coverage *c)
{
    for (size_t i = 0; i < coverage_endpoint_count(c); i++) {
        const struct rule_endpoint *endpoint = &c->ruleset->endpoints[i];

        for (size_t j = 0; j < endpoint->name_count; j++) {
            const struct config_name *name = &endpoint->names[j];

            if (name->below && strcmp(expand_key_of(endpoint, name), "names") == 0)
                check_wildcard(c, i, name);
        }
    }
}
