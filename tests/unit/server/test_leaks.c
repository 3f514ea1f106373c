/* Names of AWS that left for an upstream: what is noted, and what is none. */
#include "local53/server/leaks.h"

#include "server_test.h"

#define ITEMS 8

static const char CONFIG[] = "listen: [127.0.0.1:5353]\n"
                             "metrics: []\n"
                             "endpoints:\n"
                             "  - names: ['*.s3.eu-west-1.amazonaws.com']\n"
                             "    except: [logs.s3.eu-west-1.amazonaws.com]\n"
                             "    addresses: [10.0.0.1]\n"
                             "forward:\n"
                             "  - {zone: ., servers: [10.0.0.53]}\n"
                             "  - {zone: eu-west-3.amazonaws.com, servers: [10.0.0.54]}\n"
                             "  - {zone: s3.eu-west-3.amazonaws.com, servers: [10.0.0.54]}\n";

struct fixture {
    struct leaks *leaks;
    struct ruleset *rules;
    struct metrics *metrics;
    struct toplist_item items[ITEMS];
};

static int set_up(void **state)
{
    static struct fixture fixture;
    static const struct hash_key secret = {1, 2};
    fixture.leaks = leaks_new(&secret);
    leaks_begin(fixture.leaks);
    fixture.rules = test_rules(CONFIG, 1);
    fixture.metrics = metrics_new();
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    leaks_free(fixture->leaks);
    ruleset_free(fixture->rules);
    metrics_free(fixture->metrics);
    return 0;
}

static void note(struct fixture *fixture, const char *name, uint16_t type)
{
    uint8_t packet[512];
    struct request request;
    test_request(&request, packet, name, type);
    leaks_note(fixture->leaks, fixture->rules, &request, fixture->metrics, 1);
}

static size_t items(struct fixture *fixture, enum services_kind kind, uint64_t now_ms)
{
    return leaks_items(fixture->leaks, kind, fixture->items, ITEMS, now_ms);
}

static uint64_t counted(const struct fixture *fixture)
{
    return metrics_get(fixture->metrics, METRICS_AWS_LEAKS, 0);
}

static void what_an_endpoint_service_would_take_is_noted_and_counted(void **state)
{
    struct fixture *fixture = *state;
    struct name sqs = test_name("sqs.eu-west-1.amazonaws.com");
    note(fixture, "kms.eu-west-1.amazonaws.com", TYPE_AAAA);
    note(fixture, "sqs.eu-west-1.amazonaws.com", TYPE_A);
    note(fixture, "SQS.eu-west-1.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 2);
    assert_true(name_equal(&fixture->items[0].name, &sqs));
    assert_int_equal(fixture->items[0].count, 2);
    assert_int_equal(fixture->items[1].type, TYPE_AAAA);
    assert_int_equal(counted(fixture), 3);
    assert_int_equal(items(fixture, SERVICES_OTHER, 1), 0);
}

static void other_names_of_aws_stand_apart_and_are_not_counted(void **state)
{
    struct fixture *fixture = *state;
    note(fixture, "ABC.gr7.eu-west-1.eks.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 0);
    assert_int_equal(items(fixture, SERVICES_OTHER, 1), 1);
    assert_int_equal(counted(fixture), 0);
}

static void targets_exceptions_and_other_names_are_no_leaks(void **state)
{
    struct fixture *fixture = *state;
    note(fixture, "vpce-1-2.s3.eu-west-1.vpce.amazonaws.com", TYPE_A);
    note(fixture, "vpce-1.s3.eu-west-1.amazonaws.com", TYPE_A);
    note(fixture, "logs.s3.eu-west-1.amazonaws.com", TYPE_A);
    note(fixture, "www.example.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 0);
    assert_int_equal(items(fixture, SERVICES_OTHER, 1), 0);
    assert_int_equal(counted(fixture), 0);
    note(fixture, "logs.s3.eu-west-2.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 1);
}

static void a_service_with_a_forward_zone_of_its_own_is_no_leak(void **state)
{
    struct fixture *fixture = *state;
    const struct services *services = leaks_services(fixture->leaks);
    struct name bucket = test_name("b.s3.eu-west-3.amazonaws.com");
    struct name kms = test_name("kms.eu-west-3.amazonaws.com");
    note(fixture, "b.s3.eu-west-3.amazonaws.com", TYPE_A);
    note(fixture, "s3.eu-west-3.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1) + counted(fixture), 0);
    assert_false(leaks_are_of(services, fixture->rules, &bucket));
    note(fixture, "kms.eu-west-3.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 1);
    assert_true(leaks_are_of(services, fixture->rules, &kms));
}

/* What left under older rules may have one by now, or be meant. */
static void names_with_a_rule_or_an_exception_are_no_leaks_any_more(void **state)
{
    struct fixture *fixture = *state;
    const struct services *services = leaks_services(fixture->leaks);
    struct name ruled = test_name("b.s3.eu-west-1.amazonaws.com");
    struct name excepted = test_name("logs.s3.eu-west-1.amazonaws.com");
    struct name neither = test_name("b.s3.eu-west-2.amazonaws.com");
    assert_false(leaks_are_of(services, fixture->rules, &ruled));
    assert_false(leaks_are_of(services, fixture->rules, &excepted));
    assert_true(leaks_are_of(services, fixture->rules, &neither));
}

static void questions_of_other_classes_are_no_leaks(void **state)
{
    struct fixture *fixture = *state;
    uint8_t packet[512];
    struct request request;
    test_request(&request, packet, "sqs.eu-west-1.amazonaws.com", TYPE_A);
    request.qclass = CLASS_CH;
    leaks_note(fixture->leaks, fixture->rules, &request, fixture->metrics, 1);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 0);
}

static void a_leak_that_has_ended_is_forgotten_hour_by_hour(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++)
        note(fixture, "sqs.eu-west-1.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1 + LEAKS_HALVE_MS), 1);
    assert_int_equal(fixture->items[0].count, 1);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1 + 2 * LEAKS_HALVE_MS), 0);
    assert_int_equal(counted(fixture), 3);
}

static void without_a_list_nothing_is_noted(void **state)
{
    struct fixture *fixture = *state;
    uint8_t packet[512];
    struct request request;
    test_request(&request, packet, "sqs.eu-west-1.amazonaws.com", TYPE_A);
    leaks_note(NULL, fixture->rules, &request, fixture->metrics, 1);
    assert_int_equal(counted(fixture), 0);
}

/* Loops may run already. */
static void before_names_can_be_told_nothing_is_noted(void **state)
{
    struct fixture *fixture = *state;
    const struct hash_key secret = {1, 2};
    leaks_free(fixture->leaks);
    fixture->leaks = leaks_new(&secret);
    note(fixture, "sqs.eu-west-1.amazonaws.com", TYPE_A);
    leaks_begin(fixture->leaks);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1) + counted(fixture), 0);
    note(fixture, "sqs.eu-west-1.amazonaws.com", TYPE_A);
    assert_int_equal(items(fixture, SERVICES_KNOWN, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_an_endpoint_service_would_take_is_noted_and_counted,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_names_of_aws_stand_apart_and_are_not_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(targets_exceptions_and_other_names_are_no_leaks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_service_with_a_forward_zone_of_its_own_is_no_leak, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_with_a_rule_or_an_exception_are_no_leaks_any_more,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(questions_of_other_classes_are_no_leaks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_leak_that_has_ended_is_forgotten_hour_by_hour, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_list_nothing_is_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(before_names_can_be_told_nothing_is_noted, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
