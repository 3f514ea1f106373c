/* plan: from rules and targets to rows. Owns the rows. Thread: main. Bounds: PROBE_ROWS_MAX rows;
 * with more pairs every endpoint keeps its first names, the same number each. Never fails: out of memory
 * is fatal. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/aws/partition.h"
#include "local53/base/check.h"

/* A name to be probed. */
struct asked {
    struct name name;
    bool takes_below; /* see struct probe_row */
};

/* Addresses that are reckoned with while targets are resolved: three zones, both families. */
#define PENDING_ADDRESSES 6

/* One endpoint's part of the plan. */
struct part {
    struct asked *names; /* owned */
    size_t name_count;
    struct addresses addresses; /* what the daemon would answer now */
    bool pending;               /* see struct probe_view */
};

/* --- names --- */

/* Labels of samples: an account (documentation's own, AWS General Reference) and a bucket. */
#define ACCOUNT "123456789012"
#define BUCKET "local53-probe"

static bool label_begins(const struct name *name, const char *text)
{
    struct bytes label = name->labels > 0 ? name_label(name, 0) : (struct bytes){NULL, 0};
    return label.len >= strlen(text) && memcmp(label.data, text, strlen(text)) == 0;
}

bool probe_sample(struct name *out, const struct name *parent)
{
    bool is_account = label_begins(parent, "dkr") || label_begins(parent, "s3-control");
    const char *label = is_account ? ACCOUNT : BUCKET;
    size_t len = strlen(label);
    uint8_t octets[NAME_MAX_OCTETS];
    struct writer wire = writer_init(octets, sizeof(octets));
    writer_u8(&wire, (uint8_t)len);
    writer_put(&wire, label, len);
    writer_put(&wire, parent->wire, parent->len);
    return !wire.failed && name_from_wire(out, octets, wire.len) == ERR_OK;
}

static bool takes_below(const struct rule_endpoint *endpoint, const struct name *name)
{
    for (size_t i = 0; i < endpoint->name_count; i++) {
        if (endpoint->names[i].below && name_equal(&endpoint->names[i].name, name))
            return true;
    }
    return false;
}

static void add_name(struct part *part, const struct rule_endpoint *endpoint,
                     const struct name *name)
{
    CHECK(part->names != NULL);
    for (size_t i = 0; i < part->name_count; i++) {
        if (name_equal(&part->names[i].name, name))
            return;
    }
    part->names[part->name_count++] =
        (struct asked){.name = *name, .takes_below = takes_below(endpoint, name)};
}

static void add_own_names(struct part *part, const struct rule_endpoint *endpoint)
{
    struct name sample;
    for (size_t i = 0; i < endpoint->name_count; i++) {
        const struct config_name *name = &endpoint->names[i];
        if (!name->below)
            add_name(part, endpoint, &name->name);
        else if (probe_sample(&sample, &name->name))
            add_name(part, endpoint, &sample);
    }
}

/* "*.x" is asked by a sample. */
static struct name real_name(const struct name *name)
{
    struct name parent;
    struct name sample;
    if (name->labels == 0 || name_label(name, 0).len != 1 || name_label(name, 0).data[0] != '*')
        return *name;
    name_parent(&parent, name, 1);
    return probe_sample(&sample, &parent) ? sample : *name;
}

/* The endpoint whose addresses a name gets, a zone's alias among them, or the count of endpoints for none. */
static size_t endpoint_of(const struct ruleset *rules, const struct name *name)
{
    struct decision decision;
    size_t endpoint = rules->endpoint_count;
    ruleset_decide(rules, name, &decision);
    if (decision.kind == DECISION_ENDPOINT)
        endpoint = decision.index;
    else if (decision.kind == DECISION_ZONE)
        endpoint = zones_node(rules->private_zones, decision.index)->alias;
    return endpoint < rules->endpoint_count ? endpoint : rules->endpoint_count;
}

static void gather_names(struct part *parts, const struct probe_wish *wish)
{
    const struct ruleset *rules = wish->rules;
    size_t count = rules->endpoint_count;
    for (size_t i = 0; i < count; i++) {
        parts[i].names =
            calloc(rules->endpoints[i].name_count + wish->name_count + 1, sizeof(struct asked));
        CHECK(parts[i].names != NULL);
        if (wish->name_count == 0)
            add_own_names(&parts[i], &rules->endpoints[i]);
    }
    for (size_t i = 0; i < wish->name_count; i++) {
        struct name name = real_name(&wish->names[i]);
        size_t endpoint = endpoint_of(rules, &name);
        if (endpoint < count)
            add_name(&parts[endpoint], &rules->endpoints[endpoint], &name);
    }
}

/* --- zones --- */

/* Finds "-eu-west-1a" in the label; the place behind the dash, or NULL. */
static const char *find_zone(const char *label, const char *region)
{
    size_t len = strlen(region);
    for (const char *at = strchr(label, '-'); at != NULL; at = strchr(at + 1, '-')) {
        char after = at[1 + strnlen(at + 1, len)];
        if (strncmp(at + 1, region, len) == 0 && after != '\0')
            return at + 1;
    }
    return NULL;
}

static void copy_label(char out[LABEL_MAX_OCTETS + 1], const struct name *name, size_t i)
{
    struct bytes label = name_label(name, i);
    memcpy(out, label.data, label.len);
    out[label.len] = '\0';
}

const char *probe_zone_of(const struct name *target, char out[PROBE_ZONE_MAX])
{
    char first[LABEL_MAX_OCTETS + 1] = "";
    char label[LABEL_MAX_OCTETS + 1];
    const char *zone = NULL;
    out[0] = '\0';
    if (!label_begins(target, "vpce-"))
        return out;
    copy_label(first, target, 0);
    for (size_t i = 1; i < target->labels && zone == NULL; i++) {
        copy_label(label, target, i);
        if (partition_is_region(label))
            zone = find_zone(first, label);
    }
    if (zone != NULL)
        snprintf(out, PROBE_ZONE_MAX, "%s", zone);
    return out;
}

static bool is_among(const struct target_part *part, const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < part->count; i++) {
        if (memcmp(part->octets[i], octets, len) == 0)
            return true;
    }
    return false;
}

/* The zone told by the names of those targets that have the address. */
static void find_address_zone(struct probe_row *row, const struct target *target)
{
    size_t len;
    const uint8_t *octets = addr_octets(&row->addr, &len);
    for (size_t i = 0; i < target->name_count && row->zone[0] == '\0'; i++) {
        if (is_among(&target->parts[i][len == 4 ? 0 : 1], octets, len))
            probe_zone_of(&target->names[i], row->zone);
    }
}

/* --- rows --- */

static struct probe_row *add_row(struct probe_plan *plan, const char *endpoint,
                                 const struct name *name)
{
    if (plan->count == PROBE_ROWS_MAX)
        return NULL;
    struct probe_row *row = &plan->rows[plan->count];
    row->endpoint = endpoint;
    row->scout = plan->count++;
    text_write_name(name, row->name);
    return row;
}

static bool has_address(const struct probe_row *row)
{
    return row->addr.sa.sa_family != AF_UNSPEC;
}

static void add_pair(struct probe_plan *plan, const char *endpoint, const struct asked *asked,
                     struct addr addr, const struct target *target)
{
    struct probe_row *row = add_row(plan, endpoint, &asked->name);
    if (row == NULL)
        return;
    row->addr = addr;
    row->takes_below = asked->takes_below;
    plan->connections++;
    find_address_zone(row, target);
    for (size_t i = 0; i < row->scout; i++) {
        if (has_address(&plan->rows[i]) && addr_equal(&plan->rows[i].addr, &addr))
            row->scout = i;
    }
}

static struct addr address_at(const struct addresses *addresses, size_t i, uint16_t port)
{
    return i < addresses->v4_count
               ? addr_from_octets(addresses->v4[i], 4, port)
               : addr_from_octets(addresses->v6[i - addresses->v4_count], 16, port);
}

static size_t address_count(const struct part *part)
{
    return (size_t)part->addresses.v4_count + part->addresses.v6_count;
}

/* A row for each target without an address, whatever others have. */
static void add_unresolved(struct probe_plan *plan, const char *endpoint,
                           const struct probe_view *view)
{
    const struct target *target = view->target;
    for (size_t i = 0; i < target->name_count; i++) {
        const struct target_part *parts = target->parts[i];
        bool answered = parts[0].answered && parts[1].answered;
        if (parts[0].count + parts[1].count > 0)
            continue;
        struct probe_row *row = add_row(plan, endpoint, &target->names[i]);
        if (row == NULL)
            return;
        const char *otherwise = answered ? "the name has no addresses" : "no answer in time";
        row->outcome = PROBE_UNRESOLVED;
        probe_zone_of(&target->names[i], row->zone);
        snprintf(row->problem, sizeof(row->problem), "%s",
                 view->problems[i] != NULL ? view->problems[i] : otherwise);
    }
}

static void add_endpoint(struct probe_plan *plan, const struct part *part,
                         const struct probe_wish *wish, size_t index, size_t names_max)
{
    const char *label = wish->rules->endpoints[index].label;
    size_t before = plan->count;
    if (part->pending)
        return;
    if (part->name_count > 0)
        add_unresolved(plan, label, &wish->views[index]);
    for (size_t n = 0; n < part->name_count && n < names_max; n++) {
        for (size_t a = 0; a < address_count(part); a++)
            add_pair(plan, label, &part->names[n], address_at(&part->addresses, a, wish->port),
                     wish->views[index].target);
    }
    plan->endpoints += plan->count > before;
}

static void add_endless(struct probe_plan *plan, const struct probe_wish *wish)
{
    const struct ruleset *rules = wish->rules;
    for (size_t i = 0; i < wish->name_count; i++) {
        struct name name = real_name(&wish->names[i]);
        struct decision decision;
        if (endpoint_of(rules, &name) < rules->endpoint_count)
            continue;
        struct probe_row *row = add_row(plan, "-", &name);
        if (row == NULL)
            return;
        ruleset_decide(rules, &name, &decision);
        row->outcome = PROBE_NO_ENDPOINT;
        ruleset_describe(rules, &name, &decision, row->problem, sizeof(row->problem));
    }
}

/* Pairs when no endpoint has more than names_max names. */
static size_t count_pairs(const struct part *parts, size_t count, size_t names_max)
{
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        size_t names = parts[i].name_count < names_max ? parts[i].name_count : names_max;
        pairs += names * (parts[i].pending ? PENDING_ADDRESSES : address_count(&parts[i]));
    }
    return pairs;
}

/* The most names an endpoint may have so that there are rows for all endpoints, at least 1. */
static size_t names_that_fit(const struct part *parts, size_t count)
{
    size_t most = 1;
    for (size_t i = 0; i < count; i++)
        most = parts[i].name_count > most ? parts[i].name_count : most;
    while (most > 1 && count_pairs(parts, count, most) > PROBE_ROWS_MAX)
        most--;
    return most;
}

void probe_plan_init(struct probe_plan *plan, const struct probe_wish *wish)
{
    size_t count = wish->rules->endpoint_count;
    struct part *parts = calloc(count + 1, sizeof(*parts));
    *plan = (struct probe_plan){.rows = calloc(PROBE_ROWS_MAX, sizeof(struct probe_row))};
    CHECK(parts != NULL && plan->rows != NULL);
    gather_names(parts, wish);
    for (size_t i = 0; i < count; i++) {
        target_addresses(wish->views[i].target, wish->now_ms, &parts[i].addresses);
        parts[i].pending = wish->views[i].pending;
    }
    size_t names_max = names_that_fit(parts, count);
    for (size_t i = 0; i < count; i++)
        add_endpoint(plan, &parts[i], wish, i, names_max);
    add_endless(plan, wish);
    plan->left_out = count_pairs(parts, count, SIZE_MAX) - plan->connections;
    for (size_t i = 0; i < count; i++)
        free(parts[i].names);
    free(parts);
}

struct probe_row *probe_plan_find(const struct probe_plan *plan, const struct probe_row *row)
{
    for (size_t i = 0; i < plan->count && has_address(row); i++) {
        struct probe_row *other = &plan->rows[i];
        if (has_address(other) && addr_equal(&other->addr, &row->addr) &&
            strcmp(other->name, row->name) == 0)
            return other;
    }
    return NULL;
}

void probe_plan_adopt(struct probe_plan *plan, const struct probe_plan *before)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct probe_row *known = &before->rows[i];
        struct probe_row *row = known->started ? probe_plan_find(plan, known) : NULL;
        if (row == NULL)
            continue;
        row->started = true;
        row->outcome = known->outcome;
        row->tls = known->tls;
    }
}

void probe_plan_deinit(struct probe_plan *plan)
{
    free(plan->rows);
    plan->rows = NULL;
}
