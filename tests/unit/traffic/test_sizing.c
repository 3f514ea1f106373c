/* What a run needs, from its plan alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/units.h"
#include "traffic/sizing.h"

#define MANY_FILES 1000000

static struct workload *make_workload(const char *profile)
{
    struct workload_options options = {.profile = profile, .zipf = -1, .names = 10, .seed = 1};
    struct text_fault fault;
    struct workload *workload = workload_new(&options, &fault);
    assert_non_null(workload);
    return workload;
}

static struct run_plan open_loop(const struct workload *workload, double rate)
{
    struct run_plan plan = {.workload = workload,
                            .open_loop = true,
                            .duration_ns = NS_PER_S,
                            .timeout_ns = NS_PER_S,
                            .interval_ns = NS_PER_S,
                            .threads = 1,
                            .batch = 16};
    plan.pacing.stage_count = 1;
    plan.pacing.stages[0] = (struct pacer_stage){.length_ns = NS_PER_S, .rate = rate};
    assert_int_equal(addr_parse(&plan.server, "127.0.0.1:53", 0), ERR_OK);
    return plan;
}

static struct run_plan closed_loop(const struct workload *workload, uint32_t window)
{
    struct run_plan plan = open_loop(workload, 1);
    plan.open_loop = false;
    plan.window = window;
    return plan;
}

static void the_drain_is_two_timeouts_within_its_bounds(void **state)
{
    (void)state;
    assert_int_equal(crew_drain_ns(1), 100 * NS_PER_MS);
    assert_int_equal(crew_drain_ns(300 * NS_PER_MS), 600 * NS_PER_MS);
    assert_int_equal(crew_drain_ns(50 * NS_PER_MS), 100 * NS_PER_MS);
    assert_int_equal(crew_drain_ns(500 * NS_PER_MS), NS_PER_S);
    assert_int_equal(crew_drain_ns(UINT64_MAX), NS_PER_S);
}

static void ids_and_records_last_for_timeout_and_drain_when_nothing_is_answered(void **state)
{
    struct workload *workload = make_workload("hit");
    (void)state;
    for (double rate = 10; rate < 1e6; rate *= 7) {
        struct run_plan plan = open_loop(workload, rate);
        struct sizing sizing = sizing_of(&plan, MANY_FILES);
        assert_true(sizing.lanes * 65536.0 >= rate * 2);
        assert_true(sizing.flights >= rate * 2);
        assert_true(sizing.quarantine_ns > 2 * NS_PER_S);
        assert_int_equal(sizing.lookups, 0);
    }
    workload_free(workload);
}

static void a_slow_rate_still_gets_some_sockets_a_thread(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan plan = open_loop(workload, 1);
    (void)state;
    plan.threads = 3;
    struct sizing sizing = sizing_of(&plan, MANY_FILES);
    assert_int_equal(sizing.lanes, 4);
    assert_int_equal(sizing.clients, 12);
    workload_free(workload);
}

static void a_burst_and_a_window_fit_into_the_records(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan plan = open_loop(workload, 1);
    (void)state;
    plan.pacing.arrival = ARRIVAL_BURST;
    plan.pacing.burst = 50000;
    assert_true(sizing_of(&plan, MANY_FILES).flights >= 50000);
    plan = closed_loop(workload, 1000);
    /* Losing all: each is presumed lost after 20 ms and stays for 2 s. */
    assert_true(sizing_of(&plan, MANY_FILES).flights >= 1000 * 101);
    workload_free(workload);
}

static void there_are_never_more_threads_than_clients_or_places_in_the_window(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan plan = closed_loop(workload, 3);
    (void)state;
    plan.threads = 8;
    assert_int_equal(sizing_of(&plan, MANY_FILES).threads, 3);
    plan.window = 100;
    plan.clients = 5;
    assert_int_equal(sizing_of(&plan, MANY_FILES).threads, 5);
    assert_int_equal(sizing_of(&plan, MANY_FILES).lanes, 1);
    workload_free(workload);
}

static void lookups_have_clients_places_and_pairs_in_a_batch(void **state)
{
    struct workload *workload = make_workload(NULL);
    struct run_plan plan = open_loop(workload, 100);
    (void)state;
    plan.batch = 1;
    struct sizing sizing = sizing_of(&plan, MANY_FILES);
    assert_int_equal(sizing.clients, 60);
    assert_int_equal(sizing.batch, 2);
    assert_true(sizing.lookups > 0);
    assert_true(sizing.flights >= 2 * 100 * workload_queries_per_lookup(workload));
    workload_free(workload);
}

static void fresh_ports_stay_below_the_files_that_may_be_open(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan plan = open_loop(workload, 100);
    (void)state;
    plan.ports = PORTS_PER_LOOKUP;
    plan.transport = TRANSPORT_UDP_TC;
    plan.threads = 2;
    assert_int_equal(sizing_of(&plan, MANY_FILES).lanes, 4095);
    struct sizing sizing = sizing_of(&plan, 1024);
    assert_true(sizing.lanes > 400);
    assert_true(sizing.descriptors <= 1024);
    assert_true(sizing_of(&plan, 10).lanes >= 1);
    workload_free(workload);
}

static void expect_source(const struct run_plan *plan, uint32_t client, const char *text)
{
    char buffer[ADDR_TEXT_MAX];
    struct addr source = sizing_source(plan, client);
    assert_string_equal(addr_format(&source, buffer), text);
}

static void clients_of_a_server_on_loopback_have_addresses_of_their_own(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan plan = open_loop(workload, 1);
    (void)state;
    expect_source(&plan, 0, "127.1.0.1");
    expect_source(&plan, 254, "127.1.0.255");
    expect_source(&plan, 4095, "127.1.16.0");
    assert_int_equal(addr_parse(&plan.server, "192.0.2.1:53", 0), ERR_OK);
    assert_int_equal(sizing_source(&plan, 0).sa.sa_family, AF_UNSPEC);
    workload_free(workload);
}

static void clients_walk_through_the_prefix_and_begin_anew(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan plan = open_loop(workload, 1);
    (void)state;
    assert_int_equal(addr_parse(&plan.source, "10.0.0.0", 0), ERR_OK);
    plan.source_bits = 29;
    expect_source(&plan, 0, "10.0.0.1");
    expect_source(&plan, 5, "10.0.0.6");
    expect_source(&plan, 6, "10.0.0.1");
    assert_int_equal(addr_parse(&plan.source, "10.0.0.4", 0), ERR_OK);
    expect_source(&plan, 0, "10.0.0.4");
    expect_source(&plan, 3, "10.0.0.1");
    plan.source_bits = 32;
    expect_source(&plan, 9, "10.0.0.4");
    plan.source_bits = 31;
    expect_source(&plan, 3, "10.0.0.5");
    assert_int_equal(addr_parse(&plan.source, "fd00::ff", 0), ERR_OK);
    plan.source_bits = 64;
    expect_source(&plan, 1, "fd00::100");
    workload_free(workload);
}

static void memory_grows_with_records_and_sockets(void **state)
{
    struct workload *workload = make_workload("hit");
    struct run_plan small = open_loop(workload, 1000);
    struct run_plan large = open_loop(workload, 100000);
    (void)state;
    /* Histograms alone: of the thread, and of the whole. */
    assert_true(crew_octets(&small) > 17 * HISTOGRAM_BUCKETS * sizeof(uint64_t) * 2);
    assert_true(crew_octets(&large) - crew_octets(&small) > 190000UL * (56 + 8));
    workload_free(workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_drain_is_two_timeouts_within_its_bounds),
        cmocka_unit_test(ids_and_records_last_for_timeout_and_drain_when_nothing_is_answered),
        cmocka_unit_test(a_slow_rate_still_gets_some_sockets_a_thread),
        cmocka_unit_test(a_burst_and_a_window_fit_into_the_records),
        cmocka_unit_test(there_are_never_more_threads_than_clients_or_places_in_the_window),
        cmocka_unit_test(lookups_have_clients_places_and_pairs_in_a_batch),
        cmocka_unit_test(fresh_ports_stay_below_the_files_that_may_be_open),
        cmocka_unit_test(clients_of_a_server_on_loopback_have_addresses_of_their_own),
        cmocka_unit_test(clients_walk_through_the_prefix_and_begin_anew),
        cmocka_unit_test(memory_grows_with_records_and_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
