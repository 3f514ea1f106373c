/* inflight: questions in flight by key, chained in a fixed table of buckets; items from two slabs
 * made at start, so that a flood costs no allocation and a full table refuses. One loop's. */
#include "local53/server/inflight.h"

#include <stdlib.h>

#include "local53/base/check.h"

static size_t bucket_count_for(uint32_t questions)
{
    size_t count = 64;
    while (count < questions)
        count *= 2;
    return count;
}

void inflight_init(struct inflight *inflight, uint32_t questions, uint32_t waiters)
{
    slab_init(&inflight->pending, sizeof(struct pending), questions);
    slab_init(&inflight->waiters, sizeof(struct waiter), waiters);
    inflight->bucket_count = bucket_count_for(questions);
    inflight->buckets = calloc(inflight->bucket_count, sizeof(struct link));
    CHECK(inflight->buckets != NULL);
    for (size_t i = 0; i < inflight->bucket_count; i++)
        list_init(&inflight->buckets[i]);
    list_init(&inflight->by_age);
    inflight->next_sequence = 1;
}

void inflight_deinit(struct inflight *inflight)
{
    CHECK(slab_used(&inflight->pending) == 0);
    slab_deinit(&inflight->pending);
    slab_deinit(&inflight->waiters);
    free(inflight->buckets);
    inflight->buckets = NULL;
}

static struct link *bucket_of(const struct inflight *inflight, const struct cache_key *key)
{
    return &inflight->buckets[key->hash & (inflight->bucket_count - 1)];
}

static bool is_same_question(const struct pending *pending, const struct inflight_key *key)
{
    return pending->recursion_desired == key->recursion_desired && pending->pool == key->pool &&
           pending->snapshot->rules->epoch == key->snapshot->rules->epoch &&
           cache_key_equal(&pending->key, key->key);
}

struct pending *inflight_find(const struct inflight *inflight, const struct inflight_key *key)
{
    LIST_EACH(item, after, bucket_of(inflight, key->key)) {
        struct pending *pending = LIST_ITEM(item, struct pending, bucket);
        if (is_same_question(pending, key))
            return pending;
    }
    return NULL;
}

struct pending *inflight_add(struct inflight *inflight, const struct inflight_key *key,
                             struct snapshot *snapshot)
{
    struct pending *pending = slab_take(&inflight->pending);
    if (pending == NULL)
        return NULL;
    pending->qname = *key->key->name;
    pending->key = *key->key;
    pending->key.name = &pending->qname;
    pending->recursion_desired = key->recursion_desired;
    pending->pool = key->pool;
    pending->snapshot = snapshot_hold(snapshot);
    pending->sequence = inflight->next_sequence++;
    list_init(&pending->waiters);
    list_append(bucket_of(inflight, &pending->key), &pending->bucket);
    list_append(&inflight->by_age, &pending->age);
    return pending;
}

bool inflight_join(struct inflight *inflight, struct pending *pending, const struct client *client,
                   const struct request *request)
{
    struct waiter *waiter = slab_take(&inflight->waiters);
    if (waiter == NULL)
        return false;
    waiter_fill(waiter, client, request);
    list_append(&pending->waiters, &waiter->link);
    return true;
}

struct waiter *inflight_take_waiter(struct pending *pending)
{
    struct link *first = list_take_first(&pending->waiters);
    return first == NULL ? NULL : LIST_ITEM(first, struct waiter, link);
}

void inflight_give(struct inflight *inflight, struct waiter *waiter)
{
    slab_give(&inflight->waiters, waiter);
}

void inflight_follow(struct pending *pending, struct pending *earlier)
{
    if (pending->sequence <= earlier->sequence)
        return;
    pending->sequence = earlier->sequence;
    list_remove(&pending->age);
    list_insert_before(&earlier->age, &pending->age);
}

void inflight_remove(struct inflight *inflight, struct pending *pending)
{
    for (struct waiter *left; (left = inflight_take_waiter(pending)) != NULL;)
        inflight_give(inflight, left);
    list_remove(&pending->bucket);
    list_remove(&pending->age);
    snapshot_release(pending->snapshot);
    slab_give(&inflight->pending, pending);
}

const struct pending *inflight_oldest(const struct inflight *inflight)
{
    struct link *first = list_first(&inflight->by_age);
    return first == NULL ? NULL : LIST_ITEM(first, struct pending, age);
}
