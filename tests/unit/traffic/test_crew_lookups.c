/* A crew whose unit is the lookup: its questions, its search list, its losses. */
#include "crew_trial.h"

#define TRIES 5

static uint64_t failed_of(const struct trial *trial)
{
    return trial->result.measured.lookups_failed + trial->result.warmup.lookups_failed;
}

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

/* Questions of the measured time that were sent after it, while a thousand lookups a second are under way. */
static uint64_t sent_behind_the_end(void)
{
    struct trial trial;
    uint64_t within = 0;
    set_up(&trial, "k8s-aws",
           &(struct echo_rules){.rcode = 3, .hold_ns = 40 * NS_PER_MS, .hold_each = 1});
    run(&trial);
    const struct result *result = &trial.result;
    for (size_t i = 0; i < result->series.window_count; i++)
        within += result->series.windows[i].sent;
    assert_int_equal(sent_of(&trial), 250 * 10);
    assert_true(within > 0);
    uint64_t behind = result->measured.sent - within;
    tear_down(&trial);
    return behind;
}

static void what_lookups_ask_after_the_measured_time_is_told_apart(void **state)
{
    uint64_t behind = UINT64_MAX;
    (void)state;
    /* Those due right before its end are sent right behind it: many, where we are away at that moment. */
    for (int tries = 0; behind > 20 && tries < TRIES; tries++)
        behind = sent_behind_the_end();
    assert_in_range(behind, 0, 20);
}

static void a_lookup_with_a_lost_question_has_failed(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.records = 1, .lose_each = 1});
    trial.plan.timeout_ns = 2 * NS_PER_S;
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
    int tries = 0;
    (void)state;
    /* Who is away for 20 ms presumes that questions are lost, and their lookups fail. */
    do {
        if (tries > 0)
            tear_down(&trial);
        set_up(&trial, "k8s-aws", &(struct echo_rules){.rcode = 3});
        set_window(&trial, 8);
        run(&trial);
    } while (failed_of(&trial) > 0 && ++tries < TRIES);
    const struct result *result = &trial.result;
    assert_true(result->measured.lookups > 8);
    assert_int_equal(failed_of(&trial), 0);
    assert_int_equal(sent_of(&trial), 10 * (result->measured.lookups + result->warmup.lookups));
    tear_down(&trial);
}

static void a_lookup_with_a_question_presumed_lost_frees_its_place(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "k8s-aws", &(struct echo_rules){.records = 1, .lose_each = 2});
    set_window(&trial, 4);
    trial.plan.timeout_ns = 3 * NS_PER_S;
    trial.plan.duration_ns = 2 * NS_PER_S;
    run(&trial);
    /* Each loses one of its two questions; kept for the whole timeout, the first four were all. */
    assert_true(failed_of(&trial) > 12);
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
