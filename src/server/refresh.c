/* refresh: endpoints' targets asked in time, on the main thread. Owns a struct target for each endpoint
 * and an exchange for each part under way (at most REFRESH_ACTIVE_MAX; the rest waits its turn). It
 * never fails: what cannot be resolved keeps its last good addresses and is asked again. */
#include "local53/server/refresh.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/list.h"
#include "local53/base/log.h"
#include "local53/dns/rr.h"
#include "local53/dns/text.h"
#include "local53/net/timer.h"

/* Questions of refresh under way at once. */
#define REFRESH_ACTIVE_MAX 32

/* CNAME links followed inside an answer for a target. */
#define REFRESH_CHAIN_MAX 8

/* One question under way. */
struct ask {
    struct link link;        /* in refresh->active */
    struct refresh *refresh; /* borrowed; whose it is */
    slab_id exchange;        /* to cancel it */
    size_t endpoint;         /* index of its target */
    size_t name;             /* which of the target's names */
    int family;              /* 0 for A, 1 for AAAA */
};

/* One endpoint that is followed. */
struct followed {
    struct target target; /* what is known of its names */
    const char
        *problems[TARGET_NAMES_MAX]; /* why a name has no address now, static; NULL: it has */
    struct log_limit told;           /* "refresh.failed" is told once a period, each endpoint */
};

struct refresh {
    struct refresh_setup setup; /* what the owner lends */
    struct snapshot *snapshot;  /* held; whose endpoints and pools are used */
    struct followed *endpoints; /* owned; one per endpoint of the snapshot */
    struct slab asks;           /* struct ask */
    struct link active;         /* head; asks under way */
    struct alarm *due;          /* owned; when the next part is due */
    struct alarm *tell;         /* owned; tells on_change once a turn */
};

/* --- reading an answer --- */

/* Addresses found in an answer. */
struct found {
    uint8_t octets[TARGET_ADDRESSES_MAX][16]; /* 4 or 16 used */
    size_t count;                             /* 0: the name has none of this family */
    uint64_t shed;                            /* addresses beyond these */
    uint32_t ttl_s;                           /* least of the records used; RR_TTL_MAX for none */
};

static void found_lower_ttl(struct found *found, uint32_t ttl_s)
{
    if (rr_ttl_cap(ttl_s) < found->ttl_s)
        found->ttl_s = rr_ttl_cap(ttl_s);
}

/* One pass over the answer section: the addresses owned by `name`. True when it is an alias instead:
 * then `name` is where it leads. */
static bool collect_at(struct found *found, struct name *name, const struct exchange_result *result,
                       uint16_t type)
{
    size_t octets = type == TYPE_A ? 4 : 16;
    struct rr_walk walk;
    struct name owner;
    struct rr rr;
    rr_walk_init(&walk, result->message, result->len);
    while (rr_next(&walk, &rr) && rr.section == SECTION_ANSWER) {
        if (rr_name_at(&owner, result->message, result->len, rr.owner_offset) != ERR_OK ||
            !name_equal(&owner, name))
            continue;
        if (rr.type == TYPE_CNAME) {
            found_lower_ttl(found, rr.ttl);
            return rr_name_at(name, result->message, result->len, rr.rdata_offset) == ERR_OK;
        }
        if (rr.type != type || rr.rdata_len != octets)
            continue;
        if (found->count == TARGET_ADDRESSES_MAX) {
            found->shed++;
            continue;
        }
        memcpy(found->octets[found->count++], result->message + rr.rdata_offset, octets);
        found_lower_ttl(found, rr.ttl);
    }
    return false;
}

static void collect(struct found *found, const struct name *qname,
                    const struct exchange_result *result, uint16_t type)
{
    struct name name = *qname;
    memset(found, 0, sizeof(*found));
    found->ttl_s = RR_TTL_MAX;
    for (int links = 0; links <= REFRESH_CHAIN_MAX; links++) {
        if (!collect_at(found, &name, result, type))
            break;
    }
}

/* --- asking --- */

static void look(struct refresh *refresh);

/* The name is there or is not: both are answers; anything else is a try that failed. */
static bool is_answer(const struct exchange_result *result)
{
    if (result->err != ERR_OK)
        return false;
    unsigned rcode = message_rcode(result->message);
    return rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN;
}

/* What is wrong with a name after this result, as text; NULL when nothing is: an endpoint of one address
 * family alone has no data for the other. */
static const char *problem_after(const struct followed *followed, const struct ask *ask,
                                 const struct exchange_result *result)
{
    const struct target_part *parts = followed->target.parts[ask->name];
    if (result->err != ERR_OK)
        return err_text(result->err);
    unsigned rcode = message_rcode(result->message);
    if (rcode != RCODE_NOERROR)
        return text_rcode(rcode);
    bool is_empty = parts[0].count + parts[1].count == 0 && parts[0].answered && parts[1].answered;
    return is_empty ? "the name has no addresses" : NULL;
}

/* Remembers what is wrong, or that nothing is; counts it, and tells it once a period. */
static void note_problem(struct refresh *refresh, const struct ask *ask,
                         const struct exchange_result *result)
{
    struct followed *followed = &refresh->endpoints[ask->endpoint];
    const char *problem = problem_after(followed, ask, result);
    char name[TEXT_NAME_MAX];
    followed->problems[ask->name] = problem;
    if (problem == NULL)
        return;
    metrics_add(refresh->setup.metrics, METRICS_ENDPOINT_REFRESH_FAILURES,
                refresh->snapshot->endpoint_slots[ask->endpoint], 1);
    LOG_LIMITED(&followed->told, loop_now_ms(refresh->setup.loop), LOG_LEVEL_WARN, "refresh.failed",
                LOG_TEXT("endpoint", refresh->snapshot->rules->endpoints[ask->endpoint].label),
                LOG_TEXT("target", text_write_name(&followed->target.names[ask->name], name)),
                LOG_TEXT("reason", problem));
}

/* Hands an answer to its target; gives how many addresses there was no room for. */
static uint64_t take_answer(struct target *target, const struct ask *ask,
                            const struct exchange_result *result, uint64_t now_ms)
{
    uint64_t shed_before = target->shed;
    struct found found;
    collect(&found, &target->names[ask->name], result, ask->family == 0 ? TYPE_A : TYPE_AAAA);
    struct target_answer answer = {.name = ask->name,
                                   .family = ask->family,
                                   .octets = (const uint8_t(*)[16])found.octets,
                                   .count = found.count,
                                   .ttl_s = found.count > 0 ? found.ttl_s : TARGET_TTL_MAX_S};
    target_answer(target, &answer, now_ms);
    return found.shed + target->shed - shed_before;
}

static void on_answer(void *owner, const struct exchange_result *result)
{
    struct ask *ask = owner;
    struct refresh *refresh = ask->refresh;
    struct target *target = &refresh->endpoints[ask->endpoint].target;
    uint64_t now_ms = loop_now_ms(refresh->setup.loop);
    if (is_answer(result))
        metrics_add(refresh->setup.metrics, METRICS_ENDPOINT_SHED,
                    refresh->snapshot->endpoint_slots[ask->endpoint],
                    take_answer(target, ask, result, now_ms));
    else
        target_failure(target, ask->name, ask->family, now_ms);
    note_problem(refresh, ask, result);
    list_remove(&ask->link);
    slab_give(&refresh->asks, ask);
    alarm_set(refresh->tell, 0);
    look(refresh);
}

/* Aliases are endpoints behind the configuration's. */
static bool has_aliases(const struct ruleset *rules)
{
    return rules->endpoint_count > rules->config->endpoint_count;
}

/* Who is asked for a target: for an endpoint's, which is AWS's, always the resolver for those; for an alias's
 * whoever the name is forwarded to. */
static const struct pool *pool_of(const struct refresh *refresh, size_t endpoint,
                                  const struct name *name)
{
    const struct snapshot *snapshot = refresh->snapshot;
    if (endpoint < snapshot->rules->config->endpoint_count)
        return snapshot_resolver(snapshot);
    return &snapshot->pools[ruleset_find_pool(snapshot->rules, name)];
}

/* Starts asking one part; false when it cannot be asked now. */
static bool start_ask(struct refresh *refresh, size_t endpoint, size_t name, int family)
{
    struct target *target = &refresh->endpoints[endpoint].target;
    struct question question = {.qname = &target->names[name],
                                .qtype = family == 0 ? TYPE_A : TYPE_AAAA,
                                .qclass = CLASS_IN,
                                .recursion_desired = true};
    struct ask *ask = slab_take(&refresh->asks);
    if (ask == NULL)
        return false;
    *ask = (struct ask){.refresh = refresh, .endpoint = endpoint, .name = name, .family = family};
    list_append(&refresh->active, &ask->link);
    ask->exchange =
        exchange_start(refresh->setup.upstream, pool_of(refresh, endpoint, question.qname),
                       &question, on_answer, ask);
    if (ask->exchange == 0) {
        list_remove(&ask->link);
        slab_give(&refresh->asks, ask);
        return false;
    }
    target_asked(target, name, family, loop_now_ms(refresh->setup.loop));
    return true;
}

/* Asks all parts of one target that are due; gives when its next one is (UINT64_MAX: none). */
static uint64_t look_at(struct refresh *refresh, size_t endpoint, uint64_t now_ms)
{
    uint64_t due_ms = UINT64_MAX;
    size_t name;
    int family;
    while (target_next(&refresh->endpoints[endpoint].target, &name, &family, &due_ms)) {
        if (due_ms > now_ms || !start_ask(refresh, endpoint, name, family))
            return due_ms;
    }
    return UINT64_MAX;
}

/* Asks what is due and sets the alarm for what is due next. A full table is looked at again when one
 * of its answers comes. */
static void look(struct refresh *refresh)
{
    uint64_t now_ms = loop_now_ms(refresh->setup.loop);
    uint64_t next_ms = UINT64_MAX;
    for (size_t i = 0; i < refresh->snapshot->rules->endpoint_count; i++) {
        uint64_t due_ms = look_at(refresh, i, now_ms);
        if (due_ms > now_ms && due_ms < next_ms)
            next_ms = due_ms;
    }
    if (next_ms != UINT64_MAX)
        alarm_set(refresh->due, next_ms - now_ms);
    else
        alarm_clear(refresh->due);
}

static void on_due(void *owner)
{
    look(owner);
}

static void on_tell(void *owner)
{
    struct refresh *refresh = owner;
    refresh->setup.on_change(refresh->setup.owner);
}

/* --- life --- */

struct refresh *refresh_new(const struct refresh_setup *setup)
{
    struct refresh *refresh = calloc(1, sizeof(*refresh));
    CHECK(refresh != NULL);
    refresh->setup = *setup;
    slab_init(&refresh->asks, sizeof(struct ask), REFRESH_ACTIVE_MAX);
    list_init(&refresh->active);
    refresh->due = alarm_new(setup->loop, on_due, refresh);
    refresh->tell = alarm_new(setup->loop, on_tell, refresh);
    return refresh;
}

static void cancel_all(struct refresh *refresh)
{
    for (struct link *first; (first = list_take_first(&refresh->active)) != NULL;) {
        struct ask *ask = LIST_ITEM(first, struct ask, link);
        exchange_cancel(refresh->setup.upstream, ask->exchange);
        slab_give(&refresh->asks, ask);
    }
}

void refresh_free(struct refresh *refresh)
{
    if (refresh == NULL)
        return;
    cancel_all(refresh);
    alarm_free(refresh->due);
    alarm_free(refresh->tell);
    slab_deinit(&refresh->asks);
    snapshot_release(refresh->snapshot);
    free(refresh->endpoints);
    free(refresh);
}

static void adopt_range(const struct refresh *refresh, struct target *target, size_t from,
                        size_t count)
{
    for (size_t i = from; i < from + count; i++)
        target_adopt(target, &refresh->endpoints[i].target);
}

/* Takes over what the old set knows of this target's names, whichever endpoint had them. An endpoint and an alias
 * may be told different things of one name, since they ask others: what their own kind knew comes last, and stays. */
static void adopt_known(const struct refresh *refresh, struct target *target, bool is_alias)
{
    if (refresh->snapshot == NULL)
        return;
    const struct ruleset *rules = refresh->snapshot->rules;
    size_t own = rules->config->endpoint_count;
    size_t aliases = rules->endpoint_count - own;
    adopt_range(refresh, target, is_alias ? 0 : own, is_alias ? own : aliases);
    adopt_range(refresh, target, is_alias ? own : 0, is_alias ? aliases : own);
}

void refresh_follow(struct refresh *refresh, struct snapshot *snapshot)
{
    const struct ruleset *rules = snapshot->rules;
    struct followed *endpoints = calloc(rules->endpoint_count + 1, sizeof(*endpoints));
    CHECK(endpoints != NULL);
    cancel_all(refresh);
    for (size_t i = 0; i < rules->endpoint_count; i++) {
        const struct rule_endpoint *endpoint = &rules->endpoints[i];
        target_init(&endpoints[i].target, endpoint->targets, endpoint->target_count,
                    endpoint->config->addresses, endpoint->config->address_count);
        adopt_known(refresh, &endpoints[i].target, i >= rules->config->endpoint_count);
    }
    free(refresh->endpoints);
    refresh->endpoints = endpoints;
    refresh_use_pools(refresh, snapshot);
    refresh_addresses(refresh, snapshot->addresses);
}

/* The servers that may be asked stay known; with aliases they can be any. */
static void keep_servers(struct refresh *refresh)
{
    const struct snapshot *snapshot = refresh->snapshot;
    size_t total = snapshot->rules->pool_count;
    const struct pool **pools = calloc(total, sizeof(*pools));
    size_t count = 0;
    CHECK(pools != NULL);
    pools[count++] = snapshot_resolver(snapshot);
    for (size_t i = 0; i < total && has_aliases(snapshot->rules); i++) {
        if (i != snapshot->rules->resolver)
            pools[count++] = &snapshot->pools[i];
    }
    upstream_keep(refresh->setup.upstream, pools, count);
    free(pools);
}

void refresh_use_pools(struct refresh *refresh, struct snapshot *snapshot)
{
    struct snapshot *before = refresh->snapshot;
    CHECK(before == NULL || refresh->endpoints != NULL);
    refresh->snapshot = snapshot_hold(snapshot);
    snapshot_release(before);
    keep_servers(refresh);
    alarm_set(refresh->due, 0);
}

void refresh_addresses(const struct refresh *refresh, struct addresses *out)
{
    uint64_t now_ms = loop_now_ms(refresh->setup.loop);
    for (size_t i = 0; i < refresh->snapshot->rules->endpoint_count; i++)
        target_addresses(&refresh->endpoints[i].target, now_ms, &out[i]);
}

const char *refresh_problem(const struct refresh *refresh, size_t endpoint)
{
    const struct followed *followed = &refresh->endpoints[endpoint];
    for (size_t i = 0; i < followed->target.name_count; i++) {
        if (followed->problems[i] != NULL)
            return followed->problems[i];
    }
    return NULL;
}

const char *refresh_target_problem(const struct refresh *refresh, size_t endpoint, size_t i)
{
    CHECK(i < refresh->endpoints[endpoint].target.name_count);
    return refresh->endpoints[endpoint].problems[i];
}

const struct target *refresh_target(const struct refresh *refresh, size_t endpoint)
{
    return &refresh->endpoints[endpoint].target;
}
