/* Whole runs over loopback against a small answering thread: what is counted, never how fast. */
#include "crew_trial.h"

#define TRIES 4

/* ---- Open loop ---- */

static void each_arrival_of_a_schedule_is_sent_answered_and_counted_once(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    run(&trial);
    const struct result *result = &trial.result;
    assert_int_equal(result->warmup.sent, 50);
    assert_int_equal(result->measured.sent, 200);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    assert_int_equal(trial.server->counts.received, 250);
    assert_int_equal(result->response.total, 200);
    assert_int_equal(result->service.total, 200);
    assert_int_equal(result->send_lag.total, 200);
    assert_int_equal(result->read_lag.total, 200);
    assert_int_equal(result->answer[ANSWER_NODATA].total, 200);
    assert_int_equal(result->health.planned, 200);
    assert_int_equal(result->health.begun, 200);
    assert_int_equal(result->health.windows, 2);
    assert_int_equal(result->elapsed_ns, 200 * NS_PER_MS);
    assert_int_equal(result->series.windows[0].planned + result->series.windows[1].planned, 200);
    assert_int_equal(result->series.windows[0].ok + result->series.windows[1].ok, 200);
    assert_int_equal(result->measured.octets_sent, result->measured.octets_received);
    assert_false(result->interrupted);
    assert_true(result->send_lag.max_ns > 0); /* from the schedule, and nobody wakes in no time */
    /* The headline counts from when each was due: how late it left is in it. */
    assert_true(result->response.sum_ns > result->service.sum_ns + result->send_lag.sum_ns / 2);
    assert_true(result->health.cpu_ns > 0);
    assert_true(result->health.thread_time_ns > 100 * NS_PER_MS);
    tear_down(&trial);
}

static void queries_never_answered_are_timeouts_exactly(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.lose_each = 10});
    trial.plan.timeout_ns = 2 * NS_PER_S;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_TIMEOUT), 25);
    assert_int_equal(count_of(&trial, OUTCOME_OK), trial.server->counts.answered);
    assert_int_equal(trial.result.response.total, 200);
    assert_int_equal(trial.result.response.censored,
                     trial.result.measured.outcome[OUTCOME_TIMEOUT]);
    tear_down(&trial);
}

static void answers_after_the_timeout_are_late_and_taken_for_no_other_query(void **state)
{
    struct trial trial;
    int tries = 0;
    (void)state;
    do {
        if (tries > 0)
            tear_down(&trial);
        set_up(&trial, "hit", &(struct echo_rules){.hold_ns = 700 * NS_PER_MS});
        trial.plan.timeout_ns =
            600 * NS_PER_MS; /* and a drain of 1 s: who is away for so long tries again */
        run(&trial);
    } while (count_of(&trial, OUTCOME_TIMEOUT) > 0 && ++tries < TRIES);
    assert_int_equal(count_of(&trial, OUTCOME_LATE), 250);
    assert_int_equal(trial.result.measured.stray + trial.result.measured.duplicate, 0);
    assert_int_equal(trial.result.response.censored, 200);
    assert_int_equal(trial.result.service.total, 0);
    tear_down(&trial);
}

static void answers_after_the_drain_count_for_nothing(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.hold_ns = 140 * NS_PER_MS});
    trial.plan.timeout_ns = 10 * NS_PER_MS; /* and a drain of 100 ms */
    run(&trial);
    /* Who is kept from sending until 10 ms behind the end sends no more. */
    assert_true(sent_of(&trial) > 0);
    assert_int_equal(count_of(&trial, OUTCOME_TIMEOUT), sent_of(&trial));
    assert_true(unmatched_of(&trial) > 0);
    tear_down(&trial);
}

static void another_question_than_asked_is_a_mismatch(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.other_case_each = 1});
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_MISMATCH), 250);
    tear_down(&trial);
}

static void answers_with_another_id_match_nothing_and_their_queries_are_timeouts(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.other_id_each = 5});
    trial.plan.timeout_ns = 2 * NS_PER_S;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_TIMEOUT), 50);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 200);
    assert_int_equal(unmatched_of(&trial), 50);
    tear_down(&trial);
}

static void second_answers_are_duplicates_and_count_for_nothing_else(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.twice_each = 2});
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    /* The last one may come when nobody listens any more. */
    uint64_t duplicates = trial.result.measured.duplicate + trial.result.warmup.duplicate;
    assert_in_range(duplicates, 124, 125);
    assert_int_equal(trial.result.measured.stray + trial.result.warmup.stray, 0);
    tear_down(&trial);
}

static void rcodes_are_counted_as_they_were_sent(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.rcode = 3});
    run(&trial);
    assert_int_equal(trial.result.measured.rcode[3] + trial.result.warmup.rcode[3], 250);
    assert_int_equal(trial.result.measured.answer[ANSWER_NX], 200);
    tear_down(&trial);
}

static void a_schedule_is_the_same_whatever_the_number_of_threads(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.threads = 3;
    trial.plan.clients = 10;
    run(&trial);
    assert_int_equal(trial.result.measured.sent, 200);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    assert_int_equal(trial.result.setup.threads, 3);
    assert_int_equal(trial.server->counts.sources, 10);
    assert_int_equal(trial.server->counts.ports, 10);
    tear_down(&trial);
}

static void answers_lost_in_our_own_buffer_are_ours(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.receive_octets = 2048;
    trial.plan.timeout_ns = 2 * NS_PER_S;
    trial.plan.clients = 1;
    trial.plan.pacing.arrival = ARRIVAL_BURST;
    trial.plan.pacing.burst = 50;
    run(&trial);
    uint64_t dropped = count_of(&trial, OUTCOME_TESTER_DROPPED);
    assert_true(dropped > 0);
    assert_int_equal(count_of(&trial, OUTCOME_TIMEOUT), 0);
    assert_int_equal(count_of(&trial, OUTCOME_OK) + dropped, 250);
    assert_true(trial.result.health.own_drops >=
                trial.result.measured.outcome[OUTCOME_TESTER_DROPPED]);
    assert_int_equal(trial.result.verdict, VERDICT_INVALID);
    tear_down(&trial);
}

/* ---- Nobody there ---- */

static void a_port_where_nobody_listens_ends_the_run_soon_and_unreachable(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.no_udp = true});
    trial.plan.duration_ns = 60 * NS_PER_S;
    trial.plan.pacing.stages[0].length_ns = trial.plan.duration_ns + trial.plan.warmup_ns;
    uint64_t before_ns = clock_monotonic_ns();
    run(&trial);
    assert_true(clock_monotonic_ns() - before_ns < 10 * NS_PER_S);
    assert_true(trial.result.interrupted);
    assert_int_equal(count_of(&trial, OUTCOME_REFUSED), sent_of(&trial));
    assert_true(sent_of(&trial) > 0);
    assert_int_equal(trial.result.verdict, VERDICT_UNREACHABLE);
    tear_down(&trial);
}

static void a_source_that_is_not_ours_is_told_before_anything_is_sent(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    assert_int_equal(addr_parse(&trial.plan.source, "192.0.2.7", 0), ERR_OK);
    trial.plan.source_bits = 32;
    assert_int_equal(crew_run(&trial.result, &trial.plan, NULL, trial.why), ERR_INVALID);
    assert_non_null(strstr(trial.why, "192.0.2.7 is no address of this host that reaches"));
    assert_int_equal(trial.server->counts.received, 0);
    tear_down(&trial);
}

static void a_cpu_that_is_not_ours_is_told_before_anything_is_sent(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.cpus = (const unsigned[]){1023};
    trial.plan.cpu_count = 1;
    assert_int_equal(crew_run(&trial.result, &trial.plan, NULL, trial.why), ERR_INVALID);
    assert_non_null(strstr(trial.why, "CPU"));
    assert_int_equal(trial.server->counts.received, 0);
    tear_down(&trial);
}

static void stop_at_the_first_interval(void *context, const struct run_live *live)
{
    assert_true(atomic_load(&live->elapsed_ns) >= 100 * NS_PER_MS);
    assert_true(atomic_load(&live->sent) > 0);
    atomic_store((_Atomic bool *)context, true);
}

static void a_stop_ends_the_run_with_what_was_measured_so_far(void **state)
{
    struct trial trial;
    _Atomic bool stop = false;
    struct run_watch watch = {&stop, stop_at_the_first_interval, &stop};
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.duration_ns = 60 * NS_PER_S;
    trial.plan.pacing.stages[0].length_ns = trial.plan.duration_ns + trial.plan.warmup_ns;
    assert_int_equal(crew_run(&trial.result, &trial.plan, &watch, trial.why), ERR_OK);
    assert_true(trial.result.interrupted);
    assert_int_equal(count_of(&trial, OUTCOME_OK), sent_of(&trial));
    /* What was due before the stop, whether or not it could still be begun, and nothing behind it. */
    assert_int_equal(trial.result.measured.sent, trial.result.health.begun);
    assert_in_range(trial.result.health.planned, trial.result.health.begun,
                    trial.result.elapsed_ns / NS_PER_MS + 1);
    assert_in_range(trial.result.elapsed_ns, 50 * NS_PER_MS, 20 * NS_PER_S);
    tear_down(&trial);
}

/* ---- Closed loop ---- */

static void a_window_is_refilled_as_answers_come(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    set_window(&trial, 20);
    trial.plan.duration_ns = 2 * NS_PER_S;
    trial.plan.threads = 2;
    run(&trial);
    assert_true(sent_of(&trial) > 100);
    assert_int_equal(count_of(&trial, OUTCOME_OK), sent_of(&trial));
    assert_int_equal(trial.result.setup.window, 20);
    assert_int_equal(trial.result.health.planned, 0);
    tear_down(&trial);
}

static void lost_queries_free_their_place_in_the_window(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.lose_each = 2});
    set_window(&trial, 10);
    trial.plan.timeout_ns = 3 * NS_PER_S;
    trial.plan.duration_ns = 2 * NS_PER_S;
    run(&trial);
    /* Kept for the whole timeout, ten of them would have been the end after some 20 queries. */
    assert_true(sent_of(&trial) > 40);
    assert_int_equal(count_of(&trial, OUTCOME_TIMEOUT), sent_of(&trial) / 2);
    tear_down(&trial);
}

static void a_query_presumed_lost_that_is_answered_in_time_was_not_lost(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.hold_ns = 2 * NS_PER_S, .hold_each = 50});
    set_window(&trial, 10);
    trial.plan.duration_ns = 2 * NS_PER_S;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_OK), sent_of(&trial));
    assert_in_range(trial.result.response.max_ns, 2 * NS_PER_S, trial.plan.timeout_ns);
    /* Had the held ones kept their places, they would have stopped it after some 500 queries. */
    assert_true(sent_of(&trial) > 600);
    tear_down(&trial);
}

/* ---- Ports and transports ---- */

static void fresh_ports_are_used_for_each_query_and_for_each_lookup(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.ports = PORTS_PER_LOOKUP;
    trial.plan.clients = 3;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    assert_true(trial.server->counts.ports > 200); /* one may be given twice */
    assert_int_equal(trial.server->counts.sources, 3);
    tear_down(&trial);
    set_up(&trial, "k8s-aws", &(struct echo_rules){.rcode = 3});
    trial.plan.ports = PORTS_PER_LOOKUP;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 2500);
    assert_in_range(trial.server->counts.ports, 200, 250);
    tear_down(&trial);
}

static void what_is_cut_over_udp_is_asked_again_over_tcp(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.cut = true, .records = 1});
    trial.plan.transport = TRANSPORT_UDP_TC;
    run(&trial);
    const struct result *result = &trial.result;
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    assert_int_equal(result->measured.retried, 200);
    assert_int_equal(result->measured.truncated, 200);
    assert_int_equal(trial.server->counts.over_tcp, 250);
    assert_int_equal(sent_of(&trial), 250);
    assert_int_equal(result->response.total, 200);
    tear_down(&trial);
}

static void a_cut_answer_without_tcp_is_an_answer(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.cut = true});
    run(&trial);
    assert_int_equal(trial.result.measured.truncated, 200);
    assert_int_equal(trial.result.measured.retried, 0);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    tear_down(&trial);
}

static void streams_carry_queries_as_datagrams_do(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.transport = TRANSPORT_TCP;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_OK), 250);
    assert_int_equal(trial.server->counts.over_tcp, 250);
    tear_down(&trial);
}

/* It closes while the next queries are being written: they were refused, by no fault of ours. */
static void a_stream_closed_by_the_server_is_opened_again(void **state)
{
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){.close_after = 3});
    trial.plan.transport = TRANSPORT_TCP;
    trial.plan.pacing.stages[0].rate = 5000;
    run(&trial);
    assert_int_equal(count_of(&trial, OUTCOME_SEND_ERROR), 0);
    assert_int_equal(count_of(&trial, OUTCOME_OK) + count_of(&trial, OUTCOME_REFUSED), 1250);
    assert_true(count_of(&trial, OUTCOME_OK) > 4 * 3);
    tear_down(&trial);
}

/* The server is a thread of this process, whose CPU time is told. */
static void the_servers_cpu_is_read_to_the_end_however_the_threads_are_woken(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct trial trial;
        set_up(&trial, "hit", &(struct echo_rules){0});
        trial.plan.server_pid = getpid();
        /* Many ticks of CPU, the unit of what ended threads used, and longer than a machine is away. */
        trial.plan.duration_ns = NS_PER_S;
        trial.plan.pacing.stages[0] =
            (struct pacer_stage){.length_ns = 1050 * NS_PER_MS, .rate = 5000};
        run(&trial);
        assert_in_range(trial.result.server_cpu_ns, 1, 4 * trial.result.elapsed_ns);
        tear_down(&trial);
    }
}

static void what_was_run_stands_in_the_setup(void **state)
{
    struct trial trial;
    char server[ADDR_TEXT_MAX];
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.pacing.stage_count = 2;
    trial.plan.pacing.stages[0] = (struct pacer_stage){.length_ns = 50 * NS_PER_MS, .rate = 500};
    trial.plan.pacing.stages[1] = (struct pacer_stage){.length_ns = 200 * NS_PER_MS, .rate = 2000};
    run(&trial);
    const struct setup *setup = &trial.result.setup;
    assert_string_equal(setup->server, addr_format(&trial.server->addr, server));
    assert_string_equal(setup->transport, "udp");
    assert_string_equal(setup->arrival, "constant");
    assert_string_equal(setup->schedule, "0.05s@500,0.2s@2k");
    assert_true(setup->rate > 1999.9 && setup->rate < 2000.1);
    assert_int_equal(setup->workload_hash, workload_hash(trial.workload, 1));
    assert_int_equal(setup->memory_octets, crew_octets(&trial.plan));
    tear_down(&trial);
}

static void a_schedule_too_long_to_be_told_is_cut_between_its_stages(void **state)
{
    static const char all_the_same[] = "0.005s@1k,0.005s@1k,0.005s@1k,";
    struct trial trial;
    (void)state;
    set_up(&trial, "hit", &(struct echo_rules){0});
    trial.plan.pacing.stage_count = 40;
    for (size_t i = 0; i < trial.plan.pacing.stage_count; i++)
        trial.plan.pacing.stages[i] =
            (struct pacer_stage){.length_ns = 5 * NS_PER_MS, .rate = 1000};
    trial.plan.warmup_ns = 0;
    run(&trial);
    const char *told = trial.result.setup.schedule;
    assert_memory_equal(told, all_the_same, sizeof(all_the_same) - 1);
    assert_string_equal(told + strlen(told) - strlen("@1k,..."), "@1k,...");
    assert_int_equal((strlen(told) - strlen("0.005s@1k,...")) % strlen(",0.005s@1k"), 0);
    assert_true(strlen(told) > sizeof(trial.result.setup.schedule) / 2);
    tear_down(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_arrival_of_a_schedule_is_sent_answered_and_counted_once),
        cmocka_unit_test(queries_never_answered_are_timeouts_exactly),
        cmocka_unit_test(answers_after_the_timeout_are_late_and_taken_for_no_other_query),
        cmocka_unit_test(answers_after_the_drain_count_for_nothing),
        cmocka_unit_test(another_question_than_asked_is_a_mismatch),
        cmocka_unit_test(answers_with_another_id_match_nothing_and_their_queries_are_timeouts),
        cmocka_unit_test(second_answers_are_duplicates_and_count_for_nothing_else),
        cmocka_unit_test(rcodes_are_counted_as_they_were_sent),
        cmocka_unit_test(a_schedule_is_the_same_whatever_the_number_of_threads),
        cmocka_unit_test(answers_lost_in_our_own_buffer_are_ours),
        cmocka_unit_test(a_port_where_nobody_listens_ends_the_run_soon_and_unreachable),
        cmocka_unit_test(a_source_that_is_not_ours_is_told_before_anything_is_sent),
        cmocka_unit_test(a_cpu_that_is_not_ours_is_told_before_anything_is_sent),
        cmocka_unit_test(a_stop_ends_the_run_with_what_was_measured_so_far),
        cmocka_unit_test(a_window_is_refilled_as_answers_come),
        cmocka_unit_test(lost_queries_free_their_place_in_the_window),
        cmocka_unit_test(a_query_presumed_lost_that_is_answered_in_time_was_not_lost),
        cmocka_unit_test(fresh_ports_are_used_for_each_query_and_for_each_lookup),
        cmocka_unit_test(what_is_cut_over_udp_is_asked_again_over_tcp),
        cmocka_unit_test(a_cut_answer_without_tcp_is_an_answer),
        cmocka_unit_test(streams_carry_queries_as_datagrams_do),
        cmocka_unit_test(a_stream_closed_by_the_server_is_opened_again),
        cmocka_unit_test(the_servers_cpu_is_read_to_the_end_however_the_threads_are_woken),
        cmocka_unit_test(what_was_run_stands_in_the_setup),
        cmocka_unit_test(a_schedule_too_long_to_be_told_is_cut_between_its_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
