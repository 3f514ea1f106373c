/* leaks: two lists, of what endpoint services would take and of other names of AWS, so that a cluster's API,
 * asked all the time, takes no place from what somebody has to add.
 * Owns: lists, the index of services, the mutex. Thread: any. Bounds: LEAKS_KNOWN_MAX and LEAKS_OTHER_MAX.
 * Fails: never. */
#include "local53/server/leaks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/rules/names.h"

struct leaks {
    _Atomic(struct services *) services; /* owned; NULL until leaks_begin, then nothing changes */
    pthread_mutex_t mutex;               /* over the lists */
    struct toplist *known;               /* owned; SERVICES_KNOWN */
    struct toplist *other;               /* owned; SERVICES_OTHER */
};

struct leaks *leaks_new(const struct hash_key *secret)
{
    struct leaks *leaks = calloc(1, sizeof(*leaks));
    struct toplist_setup known = {LEAKS_KNOWN_MAX, LEAKS_HALVE_MS, *secret};
    struct toplist_setup other = {LEAKS_OTHER_MAX, LEAKS_HALVE_MS, *secret};
    CHECK(leaks != NULL && pthread_mutex_init(&leaks->mutex, NULL) == 0);
    atomic_init(&leaks->services, NULL);
    leaks->known = toplist_new(&known);
    leaks->other = toplist_new(&other);
    return leaks;
}

void leaks_begin(struct leaks *leaks)
{
    CHECK(leaks_services(leaks) == NULL);
    atomic_store_explicit(&leaks->services, services_new(), memory_order_release);
}

void leaks_free(struct leaks *leaks)
{
    if (leaks == NULL)
        return;
    services_free(atomic_load_explicit(&leaks->services, memory_order_relaxed));
    toplist_free(leaks->known);
    toplist_free(leaks->other);
    pthread_mutex_destroy(&leaks->mutex);
    free(leaks);
}

static struct toplist *list_of(const struct leaks *leaks, enum services_kind kind)
{
    return kind == SERVICES_KNOWN ? leaks->known : leaks->other;
}

/* A name that stands in the index of rules without having one: somebody took it out. */
static bool is_excepted(const struct ruleset *rules, const struct name *name)
{
    struct names_match match;
    return names_find(rules->rules, name, &match);
}

/* A forward zone of the service itself: somebody has thought of it. One of all of AWS's names says nothing. */
static bool is_forwarded_apart(const struct ruleset *rules, const struct name *name,
                               const struct services_match *match)
{
    uint32_t pool = ruleset_find_pool(rules, name);
    return rules->pools[pool].config->zone.labels >= match->labels;
}

void leaks_note(struct leaks *leaks, const struct ruleset *rules, const struct request *request,
                struct metrics *metrics, uint64_t now_ms)
{
    const struct name *name = &request->qname;
    const struct services *services = leaks != NULL ? leaks_services(leaks) : NULL;
    struct services_match match;
    if (services == NULL || request->qclass != CLASS_IN)
        return;
    enum services_kind kind = services_find(services, name, &match);
    if (kind == SERVICES_NONE || name_has_vpce_label(name) || is_excepted(rules, name))
        return;
    if (kind == SERVICES_KNOWN && is_forwarded_apart(rules, name, &match))
        return;
    if (kind == SERVICES_KNOWN)
        metrics_add(metrics, METRICS_AWS_LEAKS, 0, 1);
    CHECK(pthread_mutex_lock(&leaks->mutex) == 0);
    toplist_add(list_of(leaks, kind), name, request->qtype, now_ms);
    CHECK(pthread_mutex_unlock(&leaks->mutex) == 0);
}

size_t leaks_items(struct leaks *leaks, enum services_kind kind, struct toplist_item *out,
                   size_t cap, uint64_t now_ms)
{
    struct toplist *list = list_of(leaks, kind);
    CHECK(pthread_mutex_lock(&leaks->mutex) == 0);
    toplist_tick(list, now_ms);
    size_t count = toplist_items(list, out, cap);
    CHECK(pthread_mutex_unlock(&leaks->mutex) == 0);
    return count;
}

bool leaks_are_of(const struct services *services, const struct ruleset *rules,
                  const struct name *name)
{
    struct decision decision;
    struct services_match match;
    if (ruleset_find_rule(rules, name, &decision) || is_excepted(rules, name))
        return false;
    return services_find(services, name, &match) != SERVICES_KNOWN ||
           !is_forwarded_apart(rules, name, &match);
}

const struct services *leaks_services(const struct leaks *leaks)
{
    return atomic_load_explicit(&leaks->services, memory_order_acquire);
}
