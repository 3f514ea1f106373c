/* cache: readers, a writer, and one who flushes, visits and resizes, in four threads at once. What is
 * found must be whole: each entry says in its address which name it is of. */
#include "cache_test.h"

#include <pthread.h>
#include <stdio.h>

#include "local53/base/rng.h"
#include "local53/cache/cache.h"

#define NAMES 200
#define STEPS 20000
#define LOOKS 32 /* questions between enter and leave */
#define EPOCH 2
#define BUDGET ((size_t)1 << 20)

static const struct hash_key secret = {7, 8};

/* One thread's own. */
struct actor {
    struct cache *cache; /* borrowed, shared */
    uint64_t seed;       /* of its random numbers */
    uint64_t seen;       /* entries found whole */
    uint64_t broken;     /* entries found that say another name; must stay 0 */
};

static void name_number(struct name *name, unsigned number)
{
    char dotted[32];

    snprintf(dotted, sizeof(dotted), "n%u.example", number);
    name_of(name, dotted);
}

static void look(struct actor *actor, struct cache_reader *reader, const struct cache_key *key,
                 unsigned number)
{
    const struct entry *entry;

    entry = cache_find(reader, key, cache_likely(reader, key, cache_prefetch(reader, key)), NOW_MS);
    if (entry == NULL)
        return;
    actor->seen++;
    actor->broken += entry_wire(entry)[entry->wire_len - 1] == (uint8_t)number ? 0 : 1;
    if (entry->epoch < EPOCH)
        cache_confirm(entry, EPOCH);
    else if (key->hash % 8 == 0)
        cache_void(actor->cache, key, entry);
    actor->broken += entry_wire(entry)[entry->wire_len - 1] == (uint8_t)number ? 0 : 1;
}

static void *read_many(void *arg)
{
    struct actor *actor = arg;
    struct rng rng;
    struct name name;
    struct cache_reader *reader = cache_reader_new(actor->cache);

    rng_init_seeded(&rng, actor->seed);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number = rng_below(&rng, NAMES);
        struct cache_key key = {&name, TYPE_A, CLASS_IN, false, false, 0};

        name_number(&name, number);
        cache_key_hash(&key, cache_secret(actor->cache));
        if (i % LOOKS == 0)
            cache_enter(reader);
        look(actor, reader, &key, number);
        if (i % LOOKS == LOOKS - 1)
            cache_leave(reader);
    }
    cache_reader_free(reader);
    return NULL;
}

static void *write_many(void *arg)
{
    static struct answer a;
    struct actor *actor = arg;
    struct rng rng;

    rng_init_seeded(&rng, actor->seed);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number = rng_below(&rng, NAMES);
        uint8_t address[4] = {192, 0, 2, (uint8_t)number};
        char dotted[32];

        snprintf(dotted, sizeof(dotted), "n%u.example", number);
        answer_begin(&a, dotted, TYPE_A, 0);
        answer_a(&a, dotted, 60, (struct bytes){address, 4});
        a.source.epoch = 1 + i % 2;
        cache_insert(actor->cache, answer_build(&a));
    }
    return NULL;
}

static void count_whole(void *owner, const struct entry *entry)
{
    struct actor *actor = owner;

    actor->seen++;
    actor->broken += entry->wire_len < MESSAGE_HEADER_OCTETS ? 1 : 0;
}

static void *disturb(void *arg)
{
    struct actor *actor = arg;
    struct rng rng;
    struct name name;

    rng_init_seeded(&rng, actor->seed);
    for (unsigned i = 0; i < STEPS / 50; i++) {
        name_number(&name, rng_below(&rng, NAMES));
        cache_flush(actor->cache, &name, rng_below(&rng, 2) == 0);
        cache_resize(actor->cache, rng_below(&rng, 2) == 0 ? BUDGET : BUDGET / 64);
        cache_visit(actor->cache, count_whole, actor);
        actor->broken += cache_stats(actor->cache).octets > BUDGET ? 1 : 0;
    }
    return NULL;
}

static void threads_share_the_cache(void **state)
{
    static void *(*const roles[])(void *) = {read_many, read_many, write_many, disturb};
    struct cache *cache = cache_new(BUDGET, &secret);
    struct actor actors[4];
    pthread_t threads[4];

    (void)state;
    write_many(
        &(struct actor){.cache = cache, .seed = 5}); /* readers may be through before writers */
    for (size_t i = 0; i < 4; i++) {
        actors[i] = (struct actor){.cache = cache, .seed = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, roles[i], &actors[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(actors[i].broken, 0);
    }
    assert_true(actors[0].seen + actors[1].seen > 0);
    cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
