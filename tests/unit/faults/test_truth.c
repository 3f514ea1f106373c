/* The truth as JSON, read by jansson itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "faults/server.h"

static json_t *read_truth(const struct fault_truth *truth, const struct fault_plan *plan)
{
    char *text = fault_truth_json(truth, plan);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    free(text);
    assert_non_null(root);
    return root;
}

static json_int_t figure(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void every_count_stands_under_its_own_name(void **state)
{
    struct fault_truth truth = {.received = 1,
                                .answered = 2,
                                .dropped = 3,
                                .overflowed = 4,
                                .socket_drops = 5,
                                .send_failed = 6,
                                .malformed = 7,
                                .truncated = 8,
                                .wrong_address = 9,
                                .wrong_question = 10,
                                .wrong_id = 11,
                                .empty = 12,
                                .duplicated = 13,
                                .tcp = 14,
                                .first_ns = 15,
                                .last_ns = 16,
                                .busy_ns = 17,
                                .stalled_ns = 18,
                                .cpu_ns = 19};
    static const char *const names[] = {
        "received",    "answered",  "dropped",    "overflowed",    "socket_drops",
        "send_failed", "malformed", "truncated",  "wrong_address", "wrong_question",
        "wrong_id",    "empty",     "duplicated", "tcp",           "first_ns",
        "last_ns",     "busy_ns",   "stalled_ns", "cpu_ns"};
    struct fault_plan plan;
    (void)state;

    fault_plan_init(&plan);
    histogram_init(&truth.hold);
    truth.rcode[0] = 90;
    truth.rcode[15] = 91;
    json_t *root = read_truth(&truth, &plan);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(figure(root, names[i]), i + 1);
    json_t *rcode = json_object_get(root, "rcode");
    assert_int_equal(figure(rcode, "0"), 90);
    assert_int_equal(figure(rcode, "3"), 0);
    assert_int_equal(figure(rcode, "15"), 91);
    json_decref(root);
    histogram_deinit(&truth.hold);
}

static void hold_times_are_told_by_their_percentiles(void **state)
{
    struct fault_truth truth = {0};
    struct fault_plan plan;
    (void)state;

    fault_plan_init(&plan);
    histogram_init(&truth.hold);
    for (uint64_t i = 1; i <= 100; i++)
        histogram_record(&truth.hold, i * 10);
    json_t *root = read_truth(&truth, &plan);
    json_t *hold = json_object_get(root, "hold");
    assert_int_equal(figure(hold, "count"), 100);
    assert_int_equal(figure(hold, "min_ns"), 10);
    assert_int_equal(figure(hold, "p50_ns"), 500);
    assert_int_equal(figure(hold, "p90_ns"), 900);
    assert_int_equal(figure(hold, "p99_ns"), 990);
    assert_int_equal(figure(hold, "max_ns"), 1000);
    json_decref(root);
    histogram_deinit(&truth.hold);
}

static void without_answers_all_hold_times_are_zero(void **state)
{
    struct fault_truth truth = {0};
    struct fault_plan plan;
    (void)state;

    fault_plan_init(&plan);
    histogram_init(&truth.hold);
    json_t *root = read_truth(&truth, &plan);
    json_t *hold = json_object_get(root, "hold");
    assert_int_equal(figure(hold, "min_ns"), 0);
    assert_int_equal(figure(hold, "p50_ns"), 0);
    json_decref(root);
    histogram_deinit(&truth.hold);
}

static void the_plan_is_told_beside_what_came_of_it(void **state)
{
    struct fault_truth truth = {0};
    struct fault_plan plan;
    char why[FAULTS_WHY_OCTETS];
    (void)state;

    fault_plan_init(&plan);
    assert_int_equal(fault_plan_set(&plan, "delay", "2ms", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "loss", "5%", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "rcode", "SERVFAIL:2%", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "stall", "500ms@2s", why), ERR_OK);
    assert_int_equal(fault_plan_set(&plan, "answer", "192.0.2.7", why), ERR_OK);
    histogram_init(&truth.hold);
    json_t *root = read_truth(&truth, &plan);
    json_t *told = json_object_get(root, "plan");
    assert_int_equal(figure(told, "delay_ns"), 2000000);
    assert_int_equal(figure(told, "queue"), 4096);
    assert_true(json_real_value(json_object_get(told, "loss")) == 0.05);
    json_t *rcode = json_array_get(json_object_get(told, "rcodes"), 0);
    assert_int_equal(figure(rcode, "rcode"), 2);
    json_t *stall = json_array_get(json_object_get(told, "stalls"), 0);
    assert_int_equal(figure(stall, "at_ns"), 2000000000);
    assert_int_equal(figure(stall, "length_ns"), 500000000);
    json_t *address = json_array_get(json_object_get(told, "addresses"), 0);
    assert_string_equal(json_string_value(address), "192.0.2.7");
    assert_true(json_is_true(json_object_get(told, "cluster")));
    json_decref(root);
    histogram_deinit(&truth.hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_stands_under_its_own_name),
        cmocka_unit_test(hold_times_are_told_by_their_percentiles),
        cmocka_unit_test(without_answers_all_hold_times_are_zero),
        cmocka_unit_test(the_plan_is_told_beside_what_came_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
