/* difference_answer: two decisions of two rulesets compared by what they give.
 * Owns: nothing. Thread: any; no state. Bounds: those of an endpoint, a pool and a zone's node.
 * Fails: never; out of memory stops the process. */
#include "difference_answer.h"

#include <stdio.h>
#include <string.h>

#include "local53/base/addr.h"
#include "local53/base/check.h"
#include "local53/config/host.h"
#include "local53/config/value.h"
#include "local53/dns/text.h"
#include "local53/rules/zones.h"

/* Octets of a zone's record before its RDATA: owner, type, class, TTL, length. */
#define RECORD_FRONT 12

/* Longest text of a record's RDATA; longer ones are cut. */
#define RECORD_TEXT_MAX 512

/* ---- Comparison ------------------------------------------------------------------------------------ */

static const struct rule_endpoint *endpoint_of(const struct difference_side *side)
{
    return &side->ruleset->endpoints[side->decision.index];
}

static const struct rule_pool *pool_of(const struct difference_side *side)
{
    return &side->ruleset->pools[side->decision.index];
}

static bool has_target(const struct rule_endpoint *endpoint, const struct name *target)
{
    for (size_t i = 0; i < endpoint->target_count; i++) {
        if (name_equal(&endpoint->targets[i], target))
            return true;
    }
    return false;
}

static bool has_address(const struct config_endpoint *endpoint, const struct addr *address)
{
    for (size_t i = 0; i < endpoint->address_count; i++) {
        if (addr_equal(&endpoint->addresses[i], address))
            return true;
    }
    return false;
}

/* True when all that a leads to b leads to as well. */
static bool is_within(const struct rule_endpoint *a, const struct rule_endpoint *b)
{
    for (size_t i = 0; i < a->target_count; i++) {
        if (!has_target(b, &a->targets[i]))
            return false;
    }
    for (size_t i = 0; i < a->config->address_count; i++) {
        if (!has_address(b->config, &a->config->addresses[i]))
            return false;
    }
    return true;
}

static bool same_endpoint(const struct rule_endpoint *a, const struct rule_endpoint *b)
{
    return is_within(a, b) && is_within(b, a);
}

static const struct zone_node *node_of(const struct difference_side *side)
{
    return zones_node(side->ruleset->private_zones, side->decision.index);
}

/* The length of the record at the view's start: what stands before RDATA (zones.h), and RDATA. */
static size_t record_len(struct bytes records)
{
    CHECK(records.len >= RECORD_FRONT);
    return RECORD_FRONT + bytes_get_u16(records.data + RECORD_FRONT - 2);
}

static bool has_record(struct bytes records, struct bytes record)
{
    while (records.len > 0) {
        size_t len = record_len(records);

        if (len == record.len && memcmp(records.data, record.data, len) == 0)
            return true;
        records = (struct bytes){records.data + len, records.len - len};
    }
    return false;
}

/* Their order does not count; none stands twice, so that as many octets are as many records. */
static bool same_rrset(const struct zone_rrset *a, const struct zone_rrset *b)
{
    struct bytes left = a->records;

    if (a->type != b->type || a->records.len != b->records.len)
        return false;
    if (memcmp(a->records.data, b->records.data, a->records.len) == 0)
        return true;
    while (left.len > 0) {
        size_t len = record_len(left);

        if (!has_record(b->records, (struct bytes){left.data, len}))
            return false;
        left = (struct bytes){left.data + len, left.len - len};
    }
    return true;
}

static bool same_alias(const struct difference_side *a, const struct difference_side *b)
{
    uint32_t a_alias = node_of(a)->alias;
    uint32_t b_alias = node_of(b)->alias;

    if (a_alias == ZONES_NO_ALIAS || b_alias == ZONES_NO_ALIAS)
        return a_alias == b_alias;
    return same_endpoint(&a->ruleset->endpoints[a_alias], &b->ruleset->endpoints[b_alias]);
}

/* What a zone's SOA says is no answer to a name. */
static bool same_node(const struct difference_side *a, const struct difference_side *b)
{
    const struct zone_node *left = node_of(a);
    const struct zone_node *right = node_of(b);

    if (left->exists != right->exists || left->rrset_count != right->rrset_count ||
        !same_alias(a, b))
        return false;
    for (size_t i = 0; i < left->rrset_count; i++) {
        if (!same_rrset(&left->rrsets[i], &right->rrsets[i]))
            return false;
    }
    return true;
}

bool difference_same(const struct difference_side *a, const struct difference_side *b)
{
    if (a->decision.kind != b->decision.kind)
        return false;
    switch (a->decision.kind) {
    case DECISION_SPECIAL: return a->decision.index == b->decision.index;
    case DECISION_ENDPOINT: return same_endpoint(endpoint_of(a), endpoint_of(b));
    case DECISION_ZONE: return same_node(a, b);
    case DECISION_FORWARD: return pool_of(a)->fingerprint == pool_of(b)->fingerprint;
    }
    return true;
}

/* ---- Words ----------------------------------------------------------------------------------------- */

static const char *name_words(struct arena *arena, const struct name *name)
{
    char text[TEXT_NAME_MAX];

    return arena_copy_text(arena, text_write_name(name, text));
}

static void put_endpoint(struct difference_answer *answer, const struct rule_endpoint *endpoint,
                         struct arena *arena)
{
    size_t address_count = endpoint->config->address_count;
    const char **values = ARENA_NEW(arena, const char *, endpoint->target_count + address_count);
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < endpoint->target_count; i++)
        values[i] = name_words(arena, &endpoint->targets[i]);
    for (size_t i = 0; i < address_count; i++)
        values[endpoint->target_count + i] =
            arena_copy_text(arena, addr_format(&endpoint->config->addresses[i], text));
    answer->source = "endpoint";
    answer->label = endpoint->label;
    answer->values = values;
    answer->value_count = endpoint->target_count + address_count;
}

static void put_forward(struct difference_answer *answer, const struct difference_side *side,
                        struct arena *arena)
{
    const struct rule_pool *pool = pool_of(side);
    const char **values = ARENA_NEW(arena, const char *, pool->server_count);
    char text[VALUE_TEXT_MAX];

    for (size_t i = 0; i < pool->server_count; i++)
        values[i] = arena_copy_text(arena, host_write_server(&pool->servers[i], text));
    answer->source = "forwarded";
    answer->label = side->decision.index < side->ruleset->config->forward_count
                        ? name_words(arena, &pool->config->zone)
                        : "aws.resolver";
    answer->values = values;
    answer->value_count = pool->server_count;
}

/* "300 A 10.0.0.1". */
static const char *record_words(struct arena *arena, const struct zone_rrset *rrset,
                                struct bytes record)
{
    struct bytes rdata = {record.data + RECORD_FRONT, record.len - RECORD_FRONT};
    char type[TEXT_TYPE_MAX];
    char value[RECORD_TEXT_MAX];
    char text[RECORD_TEXT_MAX + TEXT_TYPE_MAX + 16];

    snprintf(text, sizeof(text), "%u %s %s", (unsigned)rrset->ttl_s,
             text_write_type(rrset->type, type),
             text_write_rdata(rrset->type, rdata, value, sizeof(value)));
    return arena_copy_text(arena, text);
}

static size_t count_records(const struct zone_node *node)
{
    size_t count = 0;

    for (size_t i = 0; i < node->rrset_count; i++)
        count += node->rrsets[i].count;
    return count;
}

static void put_records(struct difference_answer *answer, const struct zone_node *node,
                        struct arena *arena)
{
    const char **values = ARENA_NEW(arena, const char *, count_records(node) + 1);
    size_t used = 0;

    for (size_t i = 0; i < node->rrset_count; i++) {
        for (struct bytes left = node->rrsets[i].records; left.len > 0;) {
            struct bytes record = {left.data, record_len(left)};

            values[used++] = record_words(arena, &node->rrsets[i], record);
            left = (struct bytes){left.data + record.len, left.len - record.len};
        }
    }
    if (used == 0)
        values[used++] = node->exists ? "no data" : "NXDOMAIN";
    answer->values = values;
    answer->value_count = used;
}

/* An alias's targets, or the records of the name. */
static void put_zone(struct difference_answer *answer, const struct difference_side *side,
                     struct arena *arena)
{
    const struct zone_node *node = node_of(side);

    if (node->alias != ZONES_NO_ALIAS)
        put_endpoint(answer, &side->ruleset->endpoints[node->alias], arena);
    else
        put_records(answer, node, arena);
    answer->source = node->alias != ZONES_NO_ALIAS ? "alias of zone" : "zone";
    answer->label = name_words(arena, &zones_apex(side->ruleset->private_zones, node->zone)->name);
}

struct difference_answer difference_words(const struct difference_side *side, struct arena *arena)
{
    struct difference_answer answer = {0};
    size_t count;

    switch (side->decision.kind) {
    case DECISION_SPECIAL:
        answer.source = "special name";
        answer.label = special_rows(&count)[side->decision.index].name;
        break;
    case DECISION_ENDPOINT: put_endpoint(&answer, endpoint_of(side), arena); break;
    case DECISION_ZONE: put_zone(&answer, side, arena); break;
    case DECISION_FORWARD: put_forward(&answer, side, arena); break;
    }
    return answer;
}
