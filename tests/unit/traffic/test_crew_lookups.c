/* A crew whose unit is the lookup: its questions, its search list, its losses. */
#include "crew_trial.h"

static void a_lookup_that_finds_its_first_name_costs_two_queries(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.records = 1});
    run(&trial);
    const struct result *result = &trial.result;
    assert_int_equal(result->measured.lookups, 200);
    assert_int_equal(result->measured.sent, 400);
    assert_int_equal(result->lookup.total, 200);
    assert_int_equal(result->health.begun, 200);
    uint64_t kinds = 0;
    for (size_t i = 0; i < result->kind_count; i++)
        kinds += result->kinds[i].latency.total;
    assert_int_equal(kinds, 200);
    assert_true(result->setup.lookups);
    tear_down(&trial);
}

static void a_lookup_that_finds_nothing_walks_through_its_whole_search_list(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.rcode = 3});
    run(&trial);
    const struct result *result = &trial.result;
    assert_int_equal(result->measured.lookups + result->warmup.lookups, 250);
    assert_int_equal(sent_of(&trial), 250 * 10);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250 * 10);
    assert_int_equal(result->lookup.total, 200);
    assert_int_equal(result->lookup.censored, 0);
    tear_down(&trial);
}

static void what_lookups_ask_after_the_measured_time_is_told_apart(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws",
           &(struct echo_rules){.rcode = 3, .hold_ns = 40 * NS_PER_MS, .hold_each = 1});
    run(&trial);
    const struct result *result = &trial.result;
    uint64_t within = 0;
    for (size_t i = 0; i < result->series.window_count; i++)
        within += result->series.windows[i].sent;
    assert_int_equal(sent_of(&trial), 250 * 10);
    assert_true(within > 0);
    /* Those due right before its end are sent right behind it. */
    assert_in_range(result->measured.sent - within, 0, 20);
    tear_down(&trial);
}

static void a_lookup_with_a_lost_question_has_failed(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.records = 1, .lose_each = 1});
    trial.plan.timeout_ns = 60 * NS_PER_MS;
    run(&trial);
    const struct result *result = &trial.result;
    assert_int_equal(result->measured.lookups_failed, 200);
    assert_int_equal(result->warmup.lookups_failed, 50);
    assert_int_equal(result->lookup.censored, 200);
    assert_true(result->lookup.min_ns >= trial.plan.timeout_ns);
    assert_int_equal(sent_of(&trial), 500);
    tear_down(&trial);
}

static void lookups_fill_a_window_too(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.rcode = 3});
    set_window(&trial, 8);
    run(&trial);
    const struct result *result = &trial.result;
    assert_true(result->measured.lookups > 8);
    assert_int_equal(sent_of(&trial), 10 * (result->measured.lookups + result->warmup.lookups));
    tear_down(&trial);
}

static void a_lookup_with_a_question_presumed_lost_frees_its_place(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.records = 1, .lose_each = 2});
    set_window(&trial, 4);
    trial.plan.duration_ns = 300 * NS_PER_MS;
    run(&trial);
    /* Each loses one of its two questions; kept for the whole timeout, the first four were all. */
    assert_true(trial.result.measured.lookups_failed + trial.result.warmup.lookups_failed > 12);
    tear_down(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_that_finds_its_first_name_costs_two_queries),
        cmocka_unit_test(a_lookup_that_finds_nothing_walks_through_its_whole_search_list),
        cmocka_unit_test(what_lookups_ask_after_the_measured_time_is_told_apart),
        cmocka_unit_test(a_lookup_with_a_lost_question_has_failed),
        cmocka_unit_test(lookups_fill_a_window_too),
        cmocka_unit_test(a_lookup_with_a_question_presumed_lost_frees_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
