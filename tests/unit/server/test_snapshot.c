/* Snapshots: sharing of rules, copies, and the end of the last reference. The leak check of the address
 * sanitizer is the judge of what is freed. */
#include "server_test.h"

static void a_new_snapshot_knows_no_address_and_no_server(void **state)
{
    struct metrics_names *names = metrics_names_new();
    struct snapshot *snapshot = test_snapshot(7, names);
    (void)state;
    assert_int_equal(snapshot->rules->epoch, 7);
    assert_int_equal(snapshot->rules->endpoint_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(snapshot->addresses[i].state, ADDRESSES_NONE);
    assert_int_equal(snapshot->pools[0].count, 0);
    assert_int_equal(snapshot_resolver(snapshot)->count, 0);
    snapshot_release(snapshot);
    metrics_names_free(names);
}

static void an_endpoint_keeps_its_metrics_slot_over_reloads(void **state)
{
    struct metrics_names *names = metrics_names_new();
    struct snapshot *first = test_snapshot(1, names);
    struct snapshot *second = test_snapshot(2, names);
    (void)state;
    assert_int_not_equal(first->endpoint_slots[0], first->endpoint_slots[1]);
    assert_int_equal(first->endpoint_slots[0], second->endpoint_slots[0]);
    assert_int_equal(first->endpoint_slots[1], second->endpoint_slots[1]);
    snapshot_release(first);
    snapshot_release(second);
    metrics_names_free(names);
}

static void a_copy_shares_the_rules_and_has_addresses_and_pools_of_its_own(void **state)
{
    struct metrics_names *names = metrics_names_new();
    struct snapshot *first = test_snapshot(1, names);
    (void)state;
    first->addresses[1].state = ADDRESSES_LITERAL;
    first->pools[0].count = 3;
    struct snapshot *copy = snapshot_copy(first);
    assert_ptr_equal(copy->rules, first->rules);
    assert_int_equal(copy->addresses[1].state, ADDRESSES_LITERAL);
    assert_int_equal(copy->pools[0].count, 3);
    assert_int_equal(copy->endpoint_slots[1], first->endpoint_slots[1]);
    copy->addresses[0].state = ADDRESSES_FRESH;
    copy->pools[0].count = 1;
    assert_int_equal(first->addresses[0].state, ADDRESSES_NONE);
    assert_int_equal(first->pools[0].count, 3);
    snapshot_release(copy);
    snapshot_release(first);
    metrics_names_free(names);
}

static void the_rules_live_as_long_as_the_last_copy(void **state)
{
    struct metrics_names *names = metrics_names_new();
    struct snapshot *first = test_snapshot(9, names);
    struct snapshot *copy = snapshot_copy(first);
    struct decision decision;
    struct name name = test_name("a.example");
    (void)state;
    snapshot_release(first);
    assert_true(ruleset_find_rule(copy->rules, &name, &decision));
    assert_int_equal(copy->rules->epoch, 9);
    snapshot_release(copy);
    metrics_names_free(names);
}

static void a_held_snapshot_outlives_one_release(void **state)
{
    struct metrics_names *names = metrics_names_new();
    struct snapshot *snapshot = test_snapshot(4, names);
    (void)state;
    assert_ptr_equal(snapshot_hold(snapshot), snapshot);
    snapshot_release(snapshot);
    assert_int_equal(snapshot->rules->epoch, 4);
    snapshot_release(snapshot);
    snapshot_release(NULL);
    metrics_names_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_snapshot_knows_no_address_and_no_server),
        cmocka_unit_test(an_endpoint_keeps_its_metrics_slot_over_reloads),
        cmocka_unit_test(a_copy_shares_the_rules_and_has_addresses_and_pools_of_its_own),
        cmocka_unit_test(the_rules_live_as_long_as_the_last_copy),
        cmocka_unit_test(a_held_snapshot_outlives_one_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
