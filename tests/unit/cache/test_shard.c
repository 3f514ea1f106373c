/* shard: unit tests of eviction order, accounting and the table's growth. */
#include "cache_test.h"

#include <stdio.h>

#include "../../../src/cache/shard.h"
#include "local53/base/rng.h"

static const struct hash_key secret = {3, 4};
static struct answer a;
static struct shard shard;
static struct heap heap;
static struct readers readers;
static _Atomic table_view view;

/* Octets that one entry of make_entry takes, the heap's share included. */
#define NODE_OCTETS 144

/* Octets that the smallest table takes, and a budget that has so many for what is found. */
#define TABLE_OCTETS heap_octets(table_octets(0))
#define BUDGET_FOR(octets) ((octets)*LIMBO_PART / (LIMBO_PART - 1) + 1)

static void make_entry(unsigned number, enum entry_kind kind)
{
    char name[32];

    snprintf(name, sizeof(name), "n%07u.example", number);
    answer_begin(&a, name, TYPE_A, 0);
    answer_count(&a, SECTION_ANSWER);
    wire_pointer(&a.w, 12);
    wire_record(&a.w, TYPE_A, 60, ADDRESS);
    if (kind == ENTRY_FAILURE) {
        a.source.message = a.octets;
        entry_build_failure(answer_entry(&a), sizeof(a.room), &a.source, EDE_NONE, 1);
    } else {
        answer_build(&a);
    }
}

static struct cache_key key_of(unsigned number)
{
    char name[32];
    struct cache_key key = {&a.qname, TYPE_A, CLASS_IN, false, false, 0};

    snprintf(name, sizeof(name), "n%07u.example", number);
    name_of(&a.qname, name);
    cache_key_hash(&key, &secret);
    return key;
}

static bool put(unsigned number, enum entry_kind kind)
{
    struct cache_key key;

    make_entry(number, kind);
    key = key_of(number);
    return shard_insert(&shard, &key, answer_entry(&a));
}

/* Stores an answer with so many addresses. */
static bool put_sized(unsigned number, unsigned addresses)
{
    struct cache_key key;
    char name[32];

    snprintf(name, sizeof(name), "n%07u.example", number);
    answer_begin(&a, name, TYPE_A, 0);
    for (unsigned i = 0; i < addresses; i++)
        answer_a(&a, name, 60, ADDRESS);
    answer_build(&a);
    key = key_of(number);
    return shard_insert(&shard, &key, answer_entry(&a));
}

static struct node *find(unsigned number)
{
    struct cache_key key = key_of(number);

    return shard_find(&shard, &key);
}

static void begin(size_t budget)
{
    struct shard_setup common = {&heap, &readers};

    readers_init(&readers);
    heap_init(&heap, budget + (1 << 20));
    shard_init(&shard, budget, &common, &view);
}

static void end(void)
{
    shard_deinit(&shard);
    heap_deinit(&heap);
}

static void a_node_costs_what_its_block_takes(void **state)
{
    (void)state;
    begin(1 << 20);
    assert_true(put(1, ENTRY_POSITIVE));
    assert_int_equal(shard.octets, TABLE_OCTETS + NODE_OCTETS);
    assert_int_equal(sizeof(struct bucket), 64);
    shard_remove(&shard, find(1));
    assert_int_equal(shard.octets, TABLE_OCTETS);
    assert_int_equal(shard.entries, 0);
    end();
}

static void sieve_spares_once_what_was_visited(void **state)
{
    (void)state;
    begin(BUDGET_FOR(TABLE_OCTETS + 3 * NODE_OCTETS));
    for (unsigned i = 1; i <= 3; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    find(1)->visited = true;
    assert_true(put(4, ENTRY_POSITIVE));
    assert_non_null(find(1));
    assert_null(find(2));
    assert_true(put(5, ENTRY_POSITIVE));
    assert_null(find(3));
    assert_true(put(6, ENTRY_POSITIVE));
    assert_non_null(find(1));
    assert_null(find(4));
    assert_int_equal(shard.evictions, 3);
    end();
}

/* What nobody can be told any more is not spared, however often it was asked for. */
static void sieve_spares_nothing_whose_time_is_over(void **state)
{
    struct cache_key key;

    (void)state;
    begin(BUDGET_FOR(TABLE_OCTETS + 3 * NODE_OCTETS));
    for (unsigned i = 1; i <= 3; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    find(1)->visited = true;
    make_entry(4, ENTRY_POSITIVE);
    answer_entry(&a)->stored_ms = NOW_MS + 60000;
    key = key_of(4);
    assert_true(shard_insert(&shard, &key, answer_entry(&a)));
    assert_null(find(1));
    assert_non_null(find(2));
    end();
}

static void a_hot_name_that_is_stored_again_stays_hot(void **state)
{
    unsigned number = 0;

    (void)state;
    begin(16 * 1024);
    while (shard.evictions == 0)
        assert_true(put(number++, ENTRY_POSITIVE));
    find(number - 1)->visited = true;
    assert_true(put(number - 1, ENTRY_POSITIVE));
    for (unsigned i = 0; i < shard.entries + 5; i++)
        assert_true(put(number + i, ENTRY_POSITIVE));
    assert_non_null(find(number - 1));
    assert_null(find(number));
    end();
}

/* Where the heap has no block although the budget has room. */
static void a_full_heap_evicts_too(void **state)
{
    struct shard_setup common = {&heap, &readers};

    (void)state;
    readers_init(&readers);
    heap_init(&heap, 32 * 1024);
    shard_init(&shard, 1 << 20, &common, &view);
    for (unsigned i = 0; i < 2000; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    assert_true(shard.evictions > 1500);
    assert_non_null(find(1999));
    end();
}

static void a_flood_of_one_shot_names_leaves_the_hot_ones(void **state)
{
    (void)state;
    begin(64 * 1024);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(put(i, ENTRY_POSITIVE));
        find(i)->visited = true;
    }
    for (unsigned i = 1000; i < 6000; i++) {
        assert_true(put(i, ENTRY_POSITIVE));
        find(i % 100)->visited = true;
    }
    for (unsigned i = 0; i < 100; i++)
        assert_non_null(find(i));
    assert_true(shard.octets <= shard.budget);
    end();
}

static void the_table_grows_and_finds_all(void **state)
{
    (void)state;
    begin(1 << 20);
    for (unsigned i = 0; i < 3000; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    assert_true(table_count(shard.table) >= 600);
    for (unsigned i = 0; i < 3000; i++)
        assert_non_null(find(i));
    for (unsigned i = 0; i < 3000; i += 2)
        shard_remove(&shard, find(i));
    for (unsigned i = 0; i < 3000; i++)
        assert_int_equal(find(i) != NULL, i % 2);
    assert_int_equal(shard.evictions, 0);
    end();
}

/* A sixteenth is kept for what they may hold, so storing goes on for a while. */
static void a_full_shard_takes_answers_while_a_reader_is_inside(void **state)
{
    struct cache_reader *reader;
    unsigned taken = 0;

    (void)state;
    begin(64 * 1024);
    reader = readers_add(&readers, NULL);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    readers_enter(&readers, reader);
    while (put(1000 + taken, ENTRY_POSITIVE))
        taken++;
    assert_in_range(taken, 64 * 1024 / 16 / NODE_OCTETS - 1, 64 * 1024 / 16 / NODE_OCTETS + 1);
    readers_leave(reader);
    assert_true(put(5000, ENTRY_POSITIVE));
    end();
}

/* Whatever is stored, renewed and made void while readers come and go. */
static void what_readers_hold_counts_within_the_budget(void **state)
{
    struct cache_reader *reader;
    struct rng rng;
    bool inside = false;

    (void)state;
    begin(24 * 1024);
    reader = readers_add(&readers, NULL);
    rng_init_seeded(&rng, 17);
    for (unsigned i = 0; i < 40000; i++) {
        unsigned number = rng_below(&rng, i < 20000 ? 90 : 2000);

        if (rng_below(&rng, 60) == 0) {
            inside ? readers_leave(reader) : readers_enter(&readers, reader);
            inside = !inside;
        }
        if (rng_below(&rng, 20) > 0)
            put_sized(number, 1 + rng_below(&rng, 20));
        else if (find(number) != NULL)
            shard_remove(&shard, find(number));
        assert_true(shard.octets + shard.limbo_octets <= shard.budget + HEAP_UNIT);
    }
    assert_true(shard.refused > 0 && shard.evictions > 0);
    end();
}

/* So many large ones are held by a reader when small ones come, until one is refused. */
static void grow_beside(unsigned held)
{
    struct cache_reader *reader;
    unsigned number = 1000;

    begin(64 * 1024);
    reader = readers_add(&readers, NULL);
    for (unsigned i = 0; i < held; i++)
        assert_true(put_sized(i, 20));
    readers_enter(&readers, reader);
    for (unsigned i = 0; i < held; i++)
        shard_remove(&shard, find(i));
    while (put(number, ENTRY_POSITIVE))
        number++;
    assert_true(shard.octets + shard.limbo_octets <= shard.budget + HEAP_UNIT);
    readers_leave(reader);
    end();
}

static void a_table_grows_within_what_readers_leave(void **state)
{
    (void)state;
    for (unsigned held = 1; held <= 60; held++)
        grow_beside(held);
}

/* RFC 9520 section 3.2: failures cannot evict answers without limit. */
static void failures_hold_an_eighth_at_most(void **state)
{
    size_t answers = 0;

    (void)state;
    begin(64 * 1024);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    answers = shard.entries;
    for (unsigned i = 2000; i < 9000; i++) {
        assert_true(put(i, ENTRY_FAILURE));
        assert_true(shard.failed_octets <= shard.budget / 8);
    }
    assert_non_null(find(8999));
    assert_null(find(2000));
    for (unsigned i = 0; i < 1000; i++)
        answers -= find(i) == NULL ? 0 : 1;
    assert_true(answers * NODE_OCTETS <= shard.budget / 8 + NODE_OCTETS);
    end();
}

static void failures_that_are_over_go_before_answers(void **state)
{
    (void)state;
    begin(16 * 1024);
    assert_true(put(1, ENTRY_FAILURE));
    for (unsigned i = 100; shard.evictions == 0; i++) {
        make_entry(i, ENTRY_POSITIVE);
        answer_entry(&a)->stored_ms = NOW_MS + 1000;
        struct cache_key key = key_of(i);
        assert_true(shard_insert(&shard, &key, answer_entry(&a)));
    }
    assert_null(find(1));
    assert_non_null(find(100));
    end();
}

static void a_fresh_failure_outlives_a_full_cache(void **state)
{
    (void)state;
    begin(16 * 1024);
    assert_true(put(1, ENTRY_FAILURE));
    for (unsigned i = 100; i < 1000; i++)
        assert_true(put(i, ENTRY_POSITIVE));
    assert_non_null(find(1));
    end();
}

static void a_smaller_budget_evicts_and_shrinks_the_table(void **state)
{
    size_t buckets;

    (void)state;
    begin(1 << 20);
    for (unsigned i = 0; i < 3000; i++)
        put(i, i % 10 == 0 ? ENTRY_FAILURE : ENTRY_POSITIVE);
    buckets = table_count(shard.table);
    shard_resize(&shard, 32 * 1024);
    assert_true(shard.octets <= 32 * 1024);
    assert_true(shard.octets > 24 * 1024);
    assert_true(table_count(shard.table) < buckets);
    assert_true(shard.failed_octets <= 4 * 1024);
    for (struct link *at = shard.good.next; at != &shard.good; at = at->next) {
        struct entry *entry = node_entry(LIST_ITEM(at, struct node, ring));
        struct name name;
        struct cache_key key = {&name, TYPE_A, CLASS_IN, false, false, 0};

        entry_name(&name, entry);
        cache_key_hash(&key, &secret);
        assert_ptr_equal(node_entry(shard_find(&shard, &key)), entry);
    }
    shard_resize(&shard, 0);
    assert_int_equal(shard.entries, 0);
    assert_false(put(1, ENTRY_POSITIVE));
    end();
}

/* Sizes change all the time and what is common changes too; holes stay few. */
static void after_much_change_little_memory_is_lost_in_holes(void **state)
{
    struct rng rng;

    (void)state;
    begin(1 << 20);
    rng_init_seeded(&rng, 5);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned most = i / 20000 == 1 ? 20 : 3;

        assert_true(put_sized(i, 1 + rng_below(&rng, most)));
        if (i % 1000 == 999 && i > 10000)
            assert_true(heap_extent(&heap) <= shard.octets * 6 / 5);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_costs_what_its_block_takes),
        cmocka_unit_test(sieve_spares_once_what_was_visited),
        cmocka_unit_test(sieve_spares_nothing_whose_time_is_over),
        cmocka_unit_test(a_hot_name_that_is_stored_again_stays_hot),
        cmocka_unit_test(a_full_heap_evicts_too),
        cmocka_unit_test(a_flood_of_one_shot_names_leaves_the_hot_ones),
        cmocka_unit_test(the_table_grows_and_finds_all),
        cmocka_unit_test(a_full_shard_takes_answers_while_a_reader_is_inside),
        cmocka_unit_test(what_readers_hold_counts_within_the_budget),
        cmocka_unit_test(a_table_grows_within_what_readers_leave),
        cmocka_unit_test(failures_hold_an_eighth_at_most),
        cmocka_unit_test(failures_that_are_over_go_before_answers),
        cmocka_unit_test(a_fresh_failure_outlives_a_full_cache),
        cmocka_unit_test(after_much_change_little_memory_is_lost_in_holes),
        cmocka_unit_test(a_smaller_budget_evicts_and_shrinks_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
