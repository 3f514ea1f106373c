/* cache: unit tests of the door, with a plain model as its oracle. */
#include "cache_test.h"

#include <stdio.h>

#include "local53/base/rng.h"
#include "local53/cache/cache.h"

static const struct hash_key secret = {5, 6};
static struct answer a;
static struct name asked;
static struct cache_reader *reader;

static struct cache_key key_of(const char *dotted, uint16_t type)
{
    struct cache_key key = {&asked, type, CLASS_IN, false, false, 0};

    name_of(&asked, dotted);
    cache_key_hash(&key, &secret);
    return key;
}

static struct cache *cache_begin(size_t budget)
{
    struct cache *cache = cache_new(budget, &secret);

    reader = cache_reader_new(cache);
    return cache;
}

static void cache_end(struct cache *cache)
{
    cache_reader_free(reader);
    cache_free(cache);
}

/* What is found stays as long as nothing is stored or taken out. */
static const struct entry *find(const struct cache_key *key, uint64_t now_ms)
{
    const struct entry *entry;

    cache_enter(reader);
    entry = cache_find(reader, key, NULL, now_ms);
    cache_leave(reader);
    return entry;
}

static bool is_found_inside(const char *dotted)
{
    struct cache_key key = key_of(dotted, TYPE_A);

    return cache_find(reader, &key, NULL, NOW_MS) != NULL;
}

static bool is_found(const char *dotted, uint16_t type, uint64_t after_ms)
{
    struct cache_key key = key_of(dotted, type);

    return find(&key, NOW_MS + after_ms) != NULL;
}

/* a then holds an answer with one address, or an NXDOMAIN, or a failure. */
static struct entry *make(const char *dotted, enum entry_kind kind)
{
    answer_begin(&a, dotted, TYPE_A, kind == ENTRY_NXDOMAIN ? RCODE_NXDOMAIN : 0);
    if (kind == ENTRY_POSITIVE)
        answer_a(&a, dotted, 60, ADDRESS);
    else
        answer_soa(&a, "example", 60, 60);
    if (kind == ENTRY_FAILURE) {
        entry_build_failure(answer_entry(&a), sizeof(a.room), &a.source, EDE_NONE, 1);
        return answer_entry(&a);
    }
    return answer_build(&a);
}

static void what_is_stored_is_found_until_its_time_is_over(void **state)
{
    struct cache *cache = cache_begin(1 << 20);

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    assert_true(is_found("www.example", TYPE_A, 59999));
    assert_false(is_found("www.example", TYPE_A, 60000));
    assert_false(is_found("www.example", TYPE_AAAA, 0));
    assert_false(is_found("wwx.example", TYPE_A, 0));
    cache_end(cache);
}

static void do_and_cd_have_entries_of_their_own(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key key;

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    key = key_of("www.example", TYPE_A);
    key.dnssec_ok = true;
    cache_key_hash(&key, cache_secret(cache));
    assert_null(find(&key, NOW_MS));
    key.dnssec_ok = false;
    key.checking_disabled = true;
    cache_key_hash(&key, cache_secret(cache));
    assert_null(find(&key, NOW_MS));
    cache_end(cache);
}

/* A full hash that is the same does not make questions the same. */
static void the_whole_key_is_compared(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key stored;
    struct cache_key other;

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    stored = key_of("www.example", TYPE_A);
    other = key_of("wwx.example", TYPE_A);
    other.hash = stored.hash;
    assert_null(find(&other, NOW_MS));
    cache_end(cache);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct entry *entry = make("www.example", ENTRY_POSITIVE);

    (void)state;
    entry->ttl_s = 0;
    assert_false(cache_insert(cache, entry));
    answer_begin(&a, "www.example", TYPE_A, 0);
    for (unsigned i = 0; i < 150; i++)
        answer_a(&a, "www.example", 60, ADDRESS);
    assert_true(answer_build(&a)->size > ENTRY_CACHE_MAX);
    assert_false(cache_insert(cache, answer_entry(&a)));
    assert_int_equal(cache_stats(cache).entries, 0);
    cache_end(cache);
}

static void an_answer_takes_out_the_names_nxdomain(void **state)
{
    struct cache *cache = cache_begin(1 << 20);

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_NXDOMAIN)));
    assert_true(is_found("www.example", CACHE_TYPE_NXDOMAIN, 0));
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    assert_false(is_found("www.example", CACHE_TYPE_NXDOMAIN, 0));
    cache_end(cache);
}

static void a_failure_replaces_no_fresh_answer(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct entry *failure;

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    failure = make("www.example", ENTRY_FAILURE);
    assert_false(cache_insert(cache, failure));
    failure->stored_ms = NOW_MS + 60000;
    assert_true(cache_insert(cache, failure));
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    cache_end(cache);
}

static void failures_are_counted_after_their_time(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct entry *failure = make("www.example", ENTRY_FAILURE);
    struct cache_key key = key_of("www.example", TYPE_A);

    (void)state;
    assert_int_equal(cache_failures(cache, &key), 0);
    entry_back_off(failure, 3);
    assert_true(cache_insert(cache, failure));
    assert_true(is_found("www.example", TYPE_A, 3999));
    assert_false(is_found("www.example", TYPE_A, 4000));
    assert_int_equal(cache_failures(cache, &key), 3);
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    assert_int_equal(cache_failures(cache, &key), 0);
    cache_end(cache);
}

static void older_rules_never_replace_newer(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key key = key_of("www.example", TYPE_A);
    struct entry *entry = make("www.example", ENTRY_POSITIVE);

    (void)state;
    assert_true(cache_insert(cache, entry));
    cache_confirm(find(&key, NOW_MS), 7);
    assert_int_equal(find(&key, NOW_MS)->epoch, 7);
    entry->epoch = 6;
    assert_false(cache_insert(cache, entry));
    entry->epoch = 7;
    assert_true(cache_insert(cache, entry));
    cache_end(cache);
}

static void an_answer_of_older_rules_leaves_a_newer_nxdomain(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct entry *entry = make("www.example", ENTRY_NXDOMAIN);

    (void)state;
    entry->epoch = 7;
    assert_true(cache_insert(cache, entry));
    entry = make("www.example", ENTRY_POSITIVE);
    entry->epoch = 6;
    assert_true(cache_insert(cache, entry));
    assert_true(is_found("www.example", CACHE_TYPE_NXDOMAIN, 0));
    cache_end(cache);
}

static void a_name_that_is_asked_for_outlives_a_flood(void **state)
{
    struct cache *cache = cache_begin(256 << 10);
    char name[32];

    (void)state;
    assert_true(cache_insert(cache, make("hot.example", ENTRY_POSITIVE)));
    assert_true(cache_insert(cache, make("cold.example", ENTRY_POSITIVE)));
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        assert_true(cache_insert(cache, make(name, ENTRY_POSITIVE)));
        if (i % 100 == 0)
            assert_true(is_found("hot.example", TYPE_A, 0));
    }
    assert_false(is_found("cold.example", TYPE_A, 0));
    cache_end(cache);
}

static void a_void_entry_is_gone(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key key = key_of("www.example", TYPE_A);

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    cache_void(cache, &key, find(&key, NOW_MS));
    assert_false(is_found("www.example", TYPE_A, 0));
    assert_int_equal(cache_stats(cache).entries, 0);
    cache_end(cache);
}

static void a_flush_takes_the_name_or_all_below_it(void **state)
{
    static const char *const names[] = {"example", "a.example", "b.a.example", "xa.example"};
    struct cache *cache = cache_begin(1 << 20);
    struct name name;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_true(cache_insert(cache, make(names[i], ENTRY_POSITIVE)));
    assert_true(cache_insert(cache, make("c.a.example", ENTRY_FAILURE)));
    name_of(&name, "A.example");
    assert_int_equal(cache_flush(cache, &name, false), 1);
    assert_false(is_found("a.example", TYPE_A, 0));
    assert_true(is_found("b.a.example", TYPE_A, 0));
    assert_int_equal(cache_flush(cache, &name, true), 2);
    assert_true(is_found("xa.example", TYPE_A, 0));
    name_root(&name);
    assert_int_equal(cache_flush(cache, &name, true), 2);
    cache_end(cache);
}

static void a_void_entry_stands_for_those_inside_until_they_leave(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key key = key_of("www.example", TYPE_A);
    uint64_t empty = cache_stats(cache).octets;
    const struct entry *entry;

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    cache_enter(reader);
    entry = cache_find(reader, &key, NULL, NOW_MS);
    cache_void(cache, &key, entry);
    assert_null(cache_find(reader, &key, NULL, NOW_MS));
    cache_flush(cache, key.name, true); /* frees what it may */
    assert_int_equal(entry->type, TYPE_A);
    assert_int_equal(cache_stats(cache).entries, 0);
    assert_true(cache_stats(cache).octets > empty);
    cache_leave(reader);
    cache_flush(cache, key.name, true);
    assert_int_equal(cache_stats(cache).octets, empty);
    cache_end(cache);
}

static void an_entry_stored_meanwhile_is_not_made_void(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key key = key_of("www.example", TYPE_A);
    const struct entry *entry;

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    cache_enter(reader);
    entry = cache_find(reader, &key, NULL, NOW_MS);
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    cache_void(cache, &key, entry);
    assert_non_null(cache_find(reader, &key, NULL, NOW_MS));
    cache_leave(reader);
    cache_end(cache);
}

/* One who stays inside makes others refuse, not grow. */
static void what_waits_for_readers_is_bounded(void **state)
{
    size_t budget = 256 << 10;
    struct cache *cache = cache_begin(budget);
    uint64_t refused;

    (void)state;
    cache_enter(reader);
    for (unsigned i = 0; i < 5000; i++) {
        cache_insert(cache, make("www.example", ENTRY_POSITIVE));
        assert_true(cache_stats(cache).octets <= budget / 8);
    }
    refused = cache_stats(cache).refused;
    assert_true(refused > 1000);
    assert_true(is_found_inside("www.example"));
    cache_leave(reader);
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    assert_int_equal(cache_stats(cache).refused, refused);
    cache_end(cache);
}

/* A batch looks into the table that was there when it began. */
static void a_place_stands_while_its_table_is_replaced(void **state)
{
    struct cache *cache = cache_begin(256 << 10);
    struct cache_key key = key_of("www.example", TYPE_A);
    const struct cache_place *place;
    const struct entry *entry;
    char name[32];

    (void)state;
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    cache_enter(reader);
    place = cache_prefetch(reader, &key);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        assert_true(cache_insert(cache, make(name, ENTRY_POSITIVE)));
    }
    assert_ptr_not_equal(cache_prefetch(reader, &key), place);
    entry = cache_likely(reader, &key, place);
    assert_non_null(entry);
    assert_ptr_equal(cache_find(reader, &key, entry, NOW_MS), entry);
    cache_leave(reader);
    cache_end(cache);
}

static void a_hint_that_is_wrong_is_not_taken(void **state)
{
    struct cache *cache = cache_begin(1 << 20);
    struct cache_key key = key_of("www.example", TYPE_A);
    const struct entry *likely;
    struct cache_key other;

    (void)state;
    cache_enter(reader);
    assert_null(cache_likely(reader, &key, cache_prefetch(reader, &key)));
    assert_null(cache_find(reader, &key, NULL, NOW_MS));
    assert_true(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    likely = cache_likely(reader, &key, cache_prefetch(reader, &key));
    assert_non_null(likely);
    assert_ptr_equal(cache_find(reader, &key, likely, NOW_MS), likely);
    assert_ptr_equal(cache_find(reader, &key, NULL, NOW_MS), likely);
    other = key_of("wwx.example", TYPE_A);
    assert_null(cache_find(reader, &other, likely, NOW_MS));
    cache_leave(reader);
    cache_end(cache);
}

static void count_entry(void *owner, const struct entry *entry)
{
    size_t *count = owner;

    assert_true(entry->ttl_s > 0);
    ++*count;
}

static void a_visit_sees_every_entry(void **state)
{
    struct cache *cache = cache_begin(32 << 20);
    size_t count = 0;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "n%u.example", i);
        assert_true(cache_insert(cache, make(name, i % 2 ? ENTRY_POSITIVE : ENTRY_FAILURE)));
    }
    cache_visit(cache, count_entry, &count);
    assert_int_equal(count, 500);
    assert_int_equal(cache_stats(cache).entries, 500);
    assert_int_equal(cache_stats(cache).inserts, 500);
    cache_end(cache);
}

static void a_cache_without_budget_holds_nothing(void **state)
{
    struct cache *cache = cache_begin(0);

    (void)state;
    assert_false(cache_insert(cache, make("www.example", ENTRY_POSITIVE)));
    assert_false(is_found("www.example", TYPE_A, 0));
    cache_end(cache);
    cache_free(NULL);
}

/* The goal of 224 octets for a usual answer, with its share of tables and all: three addresses, 99 octets. */
static void an_entry_of_a_usual_answer_is_small(void **state)
{
    static const unsigned counts[] = {1000, 2500, 5000, 10000, 20000};
    struct cache *cache = cache_begin(8 << 20);
    unsigned stored = 0;
    char name[64];

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (; stored < counts[i]; stored++) {
            snprintf(name, sizeof(name), "n%08u.eu-west-1.amazonaws.com", stored);
            answer_begin(&a, name, TYPE_A, 0);
            for (int address = 0; address < 3; address++) {
                answer_count(&a, SECTION_ANSWER);
                wire_pointer(&a.w, MESSAGE_HEADER_OCTETS);
                wire_record(&a.w, TYPE_A, 300, ADDRESS);
            }
            assert_true(cache_insert(cache, answer_build(&a)));
            assert_int_equal(answer_entry(&a)->wire_len, 99);
        }
        assert_true(cache_stats(cache).octets / stored <= (i == 0 ? 240 : 224));
    }
    cache_end(cache);
}

/* --- a plain model: what was stored last under each name, without any limit of memory --- */

#define MODEL_NAMES 400
#define MODEL_STEPS 20000

struct model {
    uint64_t stored_ms[MODEL_NAMES]; /* of the last entry; 0 for none */
    uint8_t mark[MODEL_NAMES];       /* last octet of its address; 0 for a failure */
    struct rng rng;                  /* seeded */
    uint64_t now_ms;                 /* goes forward by up to 5 s a step */
};

static void model_store(struct model *model, struct cache *cache, unsigned number, bool must)
{
    char name[32];
    uint8_t mark = (uint8_t)rng_below(&model->rng, 256);
    uint8_t address[4] = {192, 0, 2, mark};
    bool fresh = model->stored_ms[number] != 0 && model->mark[number] > 0 &&
                 model->now_ms < model->stored_ms[number] + 60000;
    bool stored;

    snprintf(name, sizeof(name), "n%u.example", number);
    answer_begin(&a, name, TYPE_A, 0);
    a.source.now_ms = model->now_ms;
    answer_a(&a, name, 60, (struct bytes){address, 4});
    if (mark == 0)
        entry_build_failure(answer_entry(&a), sizeof(a.room), &a.source, EDE_NONE, 1);
    else
        answer_build(&a);
    stored = cache_insert(cache, answer_entry(&a));
    if (must)
        assert_int_equal(stored, mark > 0 || !fresh);
    if (stored) {
        model->stored_ms[number] = model->now_ms;
        model->mark[number] = mark;
    }
}

static void model_look(struct model *model, unsigned number, bool must)
{
    char name[32];
    const struct entry *entry;
    struct cache_key key;
    uint32_t life_ms = model->mark[number] > 0 ? 60000 : 1000;
    bool fresh =
        model->stored_ms[number] != 0 && model->now_ms < model->stored_ms[number] + life_ms;

    snprintf(name, sizeof(name), "n%u.example", number);
    key = key_of(name, TYPE_A);
    entry = find(&key, model->now_ms);
    assert_true(entry == NULL || fresh);
    assert_true(entry != NULL || !fresh || !must);
    if (entry != NULL) {
        assert_int_equal(entry->stored_ms, model->stored_ms[number]);
        assert_int_equal(entry->kind == ENTRY_FAILURE, model->mark[number] == 0);
        if (model->mark[number] > 0)
            assert_int_equal(entry_wire(entry)[entry->wire_len - 1], model->mark[number]);
    }
}

static void model_drop(struct model *model, struct cache *cache, unsigned number)
{
    char name[32];
    struct name flushed;

    snprintf(name, sizeof(name), "n%u.example", number);
    name_of(&flushed, name);
    assert_true(cache_flush(cache, &flushed, false) <= 1);
    model->stored_ms[number] = 0;
}

static void run_model(uint64_t seed, size_t budget, bool must)
{
    static struct model model;
    struct cache *cache = cache_begin(budget);

    model = (struct model){.now_ms = NOW_MS};
    rng_init_seeded(&model.rng, seed);
    for (unsigned step = 0; step < MODEL_STEPS; step++) {
        unsigned number = rng_below(&model.rng, MODEL_NAMES);
        uint32_t what = rng_below(&model.rng, 100);

        model.now_ms += rng_below(&model.rng, 100);
        if (what < 40)
            model_store(&model, cache, number, must);
        else if (what < 95)
            model_look(&model, number, must);
        else if (what < 99)
            model_drop(&model, cache, number);
        else if (!must)
            cache_resize(cache, budget / 2 + rng_below(&model.rng, (uint32_t)budget / 2));
        assert_true(cache_stats(cache).octets <= budget);
    }
    assert_int_equal(cache_stats(cache).evictions > 0, !must);
    cache_end(cache);
}

static void with_room_enough_everything_is_found(void **state)
{
    (void)state;
    run_model(1, 4 << 20, true);
    run_model(2, 1 << 20, true);
}

static void with_little_room_what_is_found_is_right(void **state)
{
    (void)state;
    run_model(3, 24 * 1024, false);
    run_model(4, 12 * 1024, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_found_until_its_time_is_over),
        cmocka_unit_test(do_and_cd_have_entries_of_their_own),
        cmocka_unit_test(the_whole_key_is_compared),
        cmocka_unit_test(what_cannot_be_kept_is_refused),
        cmocka_unit_test(an_answer_takes_out_the_names_nxdomain),
        cmocka_unit_test(a_failure_replaces_no_fresh_answer),
        cmocka_unit_test(failures_are_counted_after_their_time),
        cmocka_unit_test(older_rules_never_replace_newer),
        cmocka_unit_test(an_answer_of_older_rules_leaves_a_newer_nxdomain),
        cmocka_unit_test(a_name_that_is_asked_for_outlives_a_flood),
        cmocka_unit_test(a_void_entry_is_gone),
        cmocka_unit_test(a_void_entry_stands_for_those_inside_until_they_leave),
        cmocka_unit_test(an_entry_stored_meanwhile_is_not_made_void),
        cmocka_unit_test(what_waits_for_readers_is_bounded),
        cmocka_unit_test(a_place_stands_while_its_table_is_replaced),
        cmocka_unit_test(a_hint_that_is_wrong_is_not_taken),
        cmocka_unit_test(a_flush_takes_the_name_or_all_below_it),
        cmocka_unit_test(a_visit_sees_every_entry),
        cmocka_unit_test(an_entry_of_a_usual_answer_is_small),
        cmocka_unit_test(a_cache_without_budget_holds_nothing),
        cmocka_unit_test(with_room_enough_everything_is_found),
        cmocka_unit_test(with_little_room_what_is_found_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
