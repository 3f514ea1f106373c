/* table: unit tests of finding what was put in, wherever it had to go. */
#include "cache_test.h"

#include "../../../src/cache/table.h"

#define NODES 24 /* in four buckets of seven */
#define POWER 2

static struct heap heap;
static struct answer a;
static struct node *nodes[NODES];

/* A node whose name tells its number, under a hash of the test's choice. */
static struct node *node_make(char number, uint32_t hash)
{
    char name[] = "x.example";
    struct node *node;

    name[0] = number;
    answer_begin(&a, name, TYPE_A, 0);
    answer_a(&a, name, 60, ADDRESS);
    answer_build(&a);
    node = heap_take(&heap, sizeof(*node) + answer_entry(&a)->size);
    assert_non_null(node);
    *node = (struct node){.hash = hash};
    memcpy(node_entry(node), answer_entry(&a), answer_entry(&a)->size);
    return node;
}

static struct node *find(const struct table *table, char number, uint32_t hash)
{
    char dotted[] = "x.example";
    struct cache_key key = {&a.qname, TYPE_A, CLASS_IN, false, false, hash};

    dotted[0] = number;
    name_of(&a.qname, dotted);
    return table_find(table_view_of(table), &heap, &key);
}

static char number_of(size_t i)
{
    return (char)('a' + i);
}

static uint32_t same_hash(size_t i)
{
    (void)i;
    return 3;
}

static uint32_t other_hash(size_t i)
{
    return (uint32_t)(i * 5);
}

static void check_all(const struct table *table, uint32_t (*hash)(size_t), size_t from)
{
    for (size_t i = 0; i < NODES; i++) {
        struct node *found = find(table, number_of(i), hash(i));

        assert_ptr_equal(found, i < from ? NULL : nodes[i]);
    }
}

/* Puts in all, copies to a larger table, takes out one after the other. */
static void play(uint32_t (*hash)(size_t))
{
    struct table *table;
    struct table *larger;

    heap_init(&heap, 1 << 20);
    table = table_new(&heap, POWER);
    larger = table_new(&heap, POWER + 1);
    assert_int_equal(table_count(larger), 2 * table_count(table));
    for (size_t i = 0; i < NODES; i++) {
        nodes[i] = node_make(number_of(i), hash(i));
        table_put(table, &heap, nodes[i]);
    }
    check_all(table, hash, 0);
    table_copy(larger, table);
    check_all(larger, hash, 0);
    for (size_t i = 0; i < NODES; i++) {
        table_take(table, &heap, nodes[i]);
        check_all(table, hash, i + 1);
    }
    check_all(larger, hash, 0);
    heap_deinit(&heap);
}

static void nodes_are_found_whatever_their_hashes(void **state)
{
    (void)state;
    play(other_hash);
    play(same_hash);
}

static void a_replaced_node_is_found_in_its_place(void **state)
{
    struct table *table;
    struct node *second;

    (void)state;
    heap_init(&heap, 1 << 20);
    table = table_new(&heap, 0);
    nodes[0] = node_make('a', 0);
    second = node_make('a', 0);
    table_put(table, &heap, nodes[0]);
    table_replace(table, &heap, nodes[0], second);
    assert_ptr_equal(find(table, 'a', 0), second);
    table_take(table, &heap, second);
    assert_null(find(table, 'a', 0));
    heap_deinit(&heap);
}

static void what_is_likely_has_the_hash(void **state)
{
    struct table *table;

    (void)state;
    heap_init(&heap, 1 << 20);
    table = table_new(&heap, POWER);
    assert_null(bucket_likely(table_home(table_view_of(table), 0), &heap, 0));
    nodes[0] = node_make('a', 5);
    table_put(table, &heap, nodes[0]);
    assert_ptr_equal(bucket_likely(table_home(table_view_of(table), 5), &heap, 5), nodes[0]);
    assert_null(bucket_likely(table_home(table_view_of(table), 1), &heap, 1));
    assert_null(find(table, 'b', 5));
    heap_deinit(&heap);
}

static void a_table_that_has_no_room_is_none(void **state)
{
    (void)state;
    heap_init(&heap, 4096);
    assert_null(table_new(&heap, 8));
    heap_deinit(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_found_whatever_their_hashes),
        cmocka_unit_test(a_replaced_node_is_found_in_its_place),
        cmocka_unit_test(what_is_likely_has_the_hash),
        cmocka_unit_test(a_table_that_has_no_room_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
