/* difference_answer: two decisions of two rulesets compared by what they give.
 * Owns: nothing. Thread: any; no state. Bounds: those of an endpoint, a pool and a zone's node.
 * Fails: never; out of memory stops the process. */
#include "difference_answer.h"

#include <string.h>

#include "local53/base/addr.h"
#include "local53/config/host.h"
#include "local53/config/value.h"
#include "local53/dns/text.h"

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

bool difference_same(const struct difference_side *a, const struct difference_side *b)
{
    if (a->decision.kind != b->decision.kind)
        return false;
    switch (a->decision.kind) {
    case DECISION_SPECIAL: return a->decision.index == b->decision.index;
    case DECISION_ENDPOINT: return same_endpoint(endpoint_of(a), endpoint_of(b));
    case DECISION_ZONE: break;
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
    case DECISION_ZONE: break;
    case DECISION_FORWARD: put_forward(&answer, side, arena); break;
    }
    return answer;
}
