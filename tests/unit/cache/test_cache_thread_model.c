/* cache: threads against a plain model of what each name was last stored as. Each answer says its version
 * in its address. What is found is never older than what was stored before it was looked for, and never
 * newer than what somebody has begun to store; what nobody takes out is always found. */
#include "cache_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "local53/base/rng.h"
#include "local53/cache/cache.h"

#define NAMES 300
#define STEPS 15000
#define WRITERS 2
#define READERS 2
#define LOOKS 32                        /* questions between enter and leave */
#define BUDGET_SMALL ((size_t)24 << 10) /* not all names fit, whoever runs first */
#define BUDGET_LARGE ((size_t)4 << 20)

static const struct hash_key secret = {9, 10};

/* What all threads share. */
struct model {
    struct cache *cache;             /* owned */
    bool kept;                       /* nothing is taken out: all must be found */
    _Atomic uint32_t epoch;          /* of the rules that are current */
    _Atomic uint32_t begun[NAMES];   /* last version anybody began to store; by one writer each */
    _Atomic uint32_t stored[NAMES];  /* last version that was stored */
    _Atomic uint64_t found, missing; /* by all readers */
};

/* One thread's own. */
struct actor {
    struct model *model; /* borrowed */
    unsigned number;     /* among those who do the same */
    uint64_t broken;     /* times the model was contradicted; must stay 0 */
};

static void name_write(char dotted[32], unsigned number)
{
    snprintf(dotted, 32, "n%u.example", number);
}

static uint32_t version_of(const struct entry *entry)
{
    return bytes_get_u32(entry_wire(entry) + entry->wire_len - 4);
}

static void store_next(struct model *model, struct answer *a, unsigned number)
{
    uint32_t version = atomic_load(&model->begun[number]) + 1;
    uint8_t address[4];
    char dotted[32];

    atomic_store(&model->begun[number], version);
    bytes_put_u32(address, version);
    name_write(dotted, number);
    answer_begin(a, dotted, TYPE_A, 0);
    answer_a(a, dotted, 60, (struct bytes){address, 4});
    a->source.epoch = atomic_load(&model->epoch);
    if (cache_insert(model->cache, answer_build(a)))
        atomic_store(&model->stored[number], version);
}

static void *write_versions(void *arg)
{
    static struct answer answers[WRITERS];
    struct actor *actor = arg;
    struct rng rng;

    rng_init_seeded(&rng, actor->number);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned number = rng_below(&rng, NAMES / WRITERS) * WRITERS + actor->number;

        store_next(actor->model, &answers[actor->number], number);
    }
    return NULL;
}

/* An entry of another epoch is confirmed or void, as its hash has it. */
static void judge(struct actor *actor, const struct cache_key *key, const struct entry *entry)
{
    uint32_t confirmed = atomic_load(&entry->epoch); /* first: others go on to confirm newer ones */
    uint32_t epoch = atomic_load(&actor->model->epoch);

    actor->broken += confirmed > epoch ? 1 : 0;
    if (confirmed == epoch)
        return;
    if (actor->model->kept || key->hash % 2 == 0)
        cache_confirm(entry, epoch);
    else
        cache_void(actor->model->cache, key, entry);
}

static void look(struct actor *actor, struct cache_reader *reader, unsigned number, uint32_t least)
{
    struct model *model = actor->model;
    struct name name;
    struct cache_key key = {&name, TYPE_A, CLASS_IN, false, false, 0};
    const struct entry *entry;
    char dotted[32];
    uint32_t version;

    name_write(dotted, number);
    name_of(&name, dotted);
    cache_key_hash(&key, &secret);
    entry =
        cache_find(reader, &key, cache_likely(reader, &key, cache_prefetch(reader, &key)), NOW_MS);
    if (entry == NULL) {
        atomic_fetch_add(&model->missing, 1);
        return;
    }
    atomic_fetch_add(&model->found, 1);
    version = version_of(entry);
    actor->broken += version < least || version > atomic_load(&model->begun[number]) ? 1 : 0;
    judge(actor, &key, entry);
    actor->broken += version_of(entry) == version ? 0 : 1;
}

static void *read_versions(void *arg)
{
    struct actor *actor = arg;
    struct cache_reader *reader = cache_reader_new(actor->model->cache);
    struct rng rng;

    rng_init_seeded(&rng, 100 + actor->number);
    for (unsigned batch = 0; batch < STEPS / LOOKS; batch++) {
        unsigned numbers[LOOKS];
        uint32_t least[LOOKS];

        for (size_t i = 0; i < LOOKS; i++) {
            numbers[i] = rng_below(&rng, NAMES);
            least[i] = atomic_load(&actor->model->stored[numbers[i]]);
        }
        cache_enter(reader);
        for (size_t i = 0; i < LOOKS; i++)
            look(actor, reader, numbers[i], least[i]);
        cache_leave(reader);
    }
    cache_reader_free(reader);
    return NULL;
}

static void count_entry(void *owner, const struct entry *entry)
{
    uint64_t *count = owner;

    *count += entry->ttl_s == 60 ? 1 : 0;
}

/* New rules; and where that is allowed, flushes and other budgets. */
static void *disturb(void *arg)
{
    struct actor *actor = arg;
    struct model *model = actor->model;
    struct name name;
    struct rng rng;
    char dotted[32];

    rng_init_seeded(&rng, 7);
    for (unsigned i = 0; i < STEPS / 5; i++) {
        uint64_t count = 0;

        atomic_fetch_add(&model->epoch, 1);
        cache_visit(model->cache, count_entry, &count);
        actor->broken += count > NAMES ? 1 : 0;
        if (model->kept)
            continue;
        name_write(dotted, rng_below(&rng, NAMES));
        name_of(&name, dotted);
        cache_flush(model->cache, &name, i % 2 == 0);
        cache_resize(model->cache, i % 4 == 0 ? BUDGET_SMALL / 2 : BUDGET_SMALL);
    }
    return NULL;
}

static void play(struct model *model)
{
    static void *(*const roles[])(void *) = {write_versions, write_versions, read_versions,
                                             read_versions, disturb};
    static const unsigned numbers[] = {0, 1, 0, 1, 0};
    static struct answer a;
    pthread_t threads[WRITERS + READERS + 1];
    struct actor actors[WRITERS + READERS + 1];

    for (unsigned i = 0; i < NAMES; i++)
        store_next(model, &a, i);
    for (size_t i = 0; i < WRITERS + READERS + 1; i++) {
        actors[i] = (struct actor){.model = model, .number = numbers[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, roles[i], &actors[i]), 0);
    }
    for (size_t i = 0; i < WRITERS + READERS + 1; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(actors[i].broken, 0);
    }
    assert_true(model->found > 0);
}

static void a_name_that_is_renewed_is_never_missing(void **state)
{
    static struct model model;

    (void)state;
    model.cache = cache_new(BUDGET_LARGE, &secret);
    model.kept = true;
    model.epoch = 1;
    play(&model);
    assert_int_equal(model.missing, 0);
    cache_free(model.cache);
}

static void what_is_found_was_stored_and_is_not_older(void **state)
{
    static struct model model;

    (void)state;
    model.cache = cache_new(BUDGET_SMALL, &secret);
    model.epoch = 1;
    play(&model);
    assert_true(cache_stats(model.cache).evictions > 0);
    assert_true(cache_stats(model.cache).octets <= BUDGET_SMALL);
    cache_free(model.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_renewed_is_never_missing),
        cmocka_unit_test(what_is_found_was_stored_and_is_not_older),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
