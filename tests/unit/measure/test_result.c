/* One run's figures: merged, judged; and a study of several runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dies.h"
#include "measure/result.h"

#define MS 1000000ULL

static const struct series_shape shape = {
    .length_ns = 1000 * MS, .interval_ns = 500 * MS, .tail_ns = 500 * MS, .slo_ns = UINT64_MAX};

/* A run of 100 queries, all answered in time. */
static void init_good(struct result *result)
{
    result_init(result, &shape);
    result->measured.sent = 100;
    result->measured.outcome[OUTCOME_OK] = 100;
    result->health = (struct health){.open_loop = true,
                                     .planned = 100,
                                     .begun = 100,
                                     .windows = 10,
                                     .cpu_ns = 100 * MS,
                                     .thread_time_ns = 1000 * MS};
}

/* Of those answered in time, count end otherwise. */
static void end_otherwise(struct tally *tally, enum outcome outcome, uint64_t count)
{
    tally->outcome[OUTCOME_OK] -= count;
    tally->outcome[outcome] += count;
}

static void assert_judged(struct result *result, enum verdict verdict, const char *reasons)
{
    result_judge_figures(result);
    assert_string_equal(result->reasons, reasons);
    assert_int_equal(result->verdict, verdict);
    result_deinit(result);
}

static void a_zeroed_result_may_be_freed(void **state)
{
    struct result *result = calloc(1, sizeof(*result));

    (void)state;
    result_deinit(result);
    free(result);
}

static void threads_are_merged_figure_by_figure(void **state)
{
    struct result into, from;

    (void)state;
    init_good(&into);
    init_good(&from);
    into.elapsed_ns = 900 * MS;
    from.elapsed_ns = 1000 * MS;
    from.interrupted = true;
    from.warmup.sent = from.warmup.outcome[OUTCOME_LATE] = 7;
    histogram_record(&into.response, 1 * MS);
    histogram_record(&from.response, 2 * MS);
    histogram_record(&from.service, 2 * MS);
    histogram_record(&from.lookup, 3 * MS);
    histogram_record(&from.answer[ANSWER_NX], 4 * MS);
    series_plan(&into.series, 10 * MS);
    series_plan(&from.series, 20 * MS);
    from.server_cpu_ns = 2;
    from.health.uneven = 2;
    from.health.own_drops = 3;
    from.health.send_errors = 4;
    from.health.id_waits = 5;
    from.health.run_delay_ns = 6;
    result_merge(&into, &from);
    assert_int_equal(into.elapsed_ns, 1000 * MS);
    assert_true(into.interrupted);
    assert_int_equal(into.measured.sent, 200);
    assert_int_equal(into.warmup.outcome[OUTCOME_LATE], 7);
    assert_int_equal(into.response.total, 2);
    assert_int_equal(into.service.total, 1);
    assert_int_equal(into.lookup.total, 1);
    assert_int_equal(into.answer[ANSWER_NX].total, 1);
    assert_int_equal(into.series.windows[0].planned, 2);
    assert_int_equal(into.health.planned, 200);
    assert_int_equal(into.health.begun, 200);
    assert_int_equal(into.health.windows, 20);
    assert_int_equal(into.server_cpu_ns, 2);
    assert_int_equal(into.health.uneven, 2);
    assert_int_equal(into.health.own_drops, 3);
    assert_int_equal(into.health.send_errors, 4);
    assert_int_equal(into.health.id_waits, 5);
    assert_int_equal(into.health.run_delay_ns, 6);
    assert_int_equal(into.health.cpu_ns, 200 * MS);
    assert_int_equal(into.health.thread_time_ns, 2000 * MS);
    result_deinit(&into);
    result_deinit(&from);
}

/* A second of 100 queries, and another: 200 in two seconds are as many a second as before. */
static void runs_one_after_the_other_add_up_in_time_too(void **state)
{
    struct result into, from;

    (void)state;
    init_good(&into);
    init_good(&from);
    result_append(&into, &from);
    assert_int_equal(into.measured.sent, 200);
    assert_int_equal(into.elapsed_ns, 2 * from.elapsed_ns);
    assert_int_equal(into.verdict, VERDICT_PASS);
    from.measured.outcome[OUTCOME_OK]--;
    from.measured.outcome[OUTCOME_WRONG]++;
    result_append(&into, &from);
    assert_int_equal(into.elapsed_ns, 3 * from.elapsed_ns);
    assert_int_equal(into.verdict, VERDICT_WRONG);
    assert_non_null(strstr(into.reasons, "wrong answers: 1 with other content"));
    result_append(&into, &from);
    assert_non_null(strstr(into.reasons, "wrong answers: 2 with other content"));
    assert_null(strchr(into.reasons, '\n'));
    result_deinit(&into);
    result_deinit(&from);
}

/* 98 sends in time and two 100 ms late: the p99 of both is late, the mean of two p99s would not
 * be. */
static void lag_quantiles_are_taken_anew_from_the_merged_histograms(void **state)
{
    struct result into, from;

    (void)state;
    init_good(&into);
    init_good(&from);
    for (int i = 0; i < 98; i++)
        histogram_record(&into.send_lag, 1000);
    histogram_record(&from.send_lag, 100 * MS);
    histogram_record(&from.send_lag, 100 * MS);
    histogram_record(&from.read_lag, 50 * MS);
    result_merge(&into, &from);
    assert_in_range(into.health.send_lag_p50_ns, 1000, 1001);
    assert_in_range(into.health.send_lag_p99_ns, 100 * MS, 101 * MS);
    assert_int_equal(into.health.send_lag_max_ns, 100 * MS);
    assert_in_range(into.health.read_lag_p99_ns, 50 * MS, 51 * MS);
    result_deinit(&into);
    result_deinit(&from);
}

static void add_kind(struct result *result, const char *name, uint64_t ns)
{
    struct lookup_kind *kind = &result->kinds[result->kind_count++];

    strcpy(kind->name, name);
    histogram_record(&kind->latency, ns);
}

static void kinds_of_lookups_are_matched_by_name_and_made_where_missing(void **state)
{
    struct result into, from;

    (void)state;
    init_good(&into);
    init_good(&from);
    add_kind(&into, "svc", 1 * MS);
    add_kind(&into, "aws", 2 * MS);
    add_kind(&from, "aws", 3 * MS);
    add_kind(&from, "never-seen", 4 * MS);
    result_merge(&into, &from);
    assert_int_equal(into.kind_count, 3);
    assert_int_equal(into.kinds[0].latency.total, 1);
    assert_int_equal(into.kinds[1].latency.total, 2);
    assert_string_equal(into.kinds[2].name, "never-seen");
    assert_int_equal(into.kinds[2].latency.max_ns, 4 * MS);
    result_deinit(&into);
    result_deinit(&from);
}

static void the_worse_verdict_hides_the_other(void **state)
{
    static const enum verdict order[] = {VERDICT_USAGE,   VERDICT_UNREACHABLE, VERDICT_WRONG,
                                         VERDICT_INVALID, VERDICT_FAILED,      VERDICT_PASS};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = i; j < 6; j++) {
            assert_int_equal(verdict_worse(order[i], order[j]), order[i]);
            assert_int_equal(verdict_worse(order[j], order[i]), order[i]);
        }
    }
    assert_string_equal(verdict_name(VERDICT_PASS), "pass");
    assert_string_equal(verdict_name(VERDICT_FAILED), "failed");
    assert_string_equal(verdict_name(VERDICT_USAGE), "usage");
    assert_string_equal(verdict_name(VERDICT_INVALID), "invalid");
    assert_string_equal(verdict_name(VERDICT_UNREACHABLE), "unreachable");
    assert_string_equal(verdict_name(VERDICT_WRONG), "wrong");
}

static void the_most_important_reason_stands_first(void **state)
{
    struct result result = {0};

    (void)state;
    result_judge(&result, VERDICT_PASS, "note %d", 1);
    result_judge(&result, VERDICT_FAILED, "p99 is too high");
    result_judge(&result, VERDICT_WRONG, "wrong");
    result_judge(&result, VERDICT_INVALID, "drops");
    assert_int_equal(result.verdict, VERDICT_WRONG);
    assert_string_equal(result.reasons, "wrong\np99 is too high\nnote 1\ndrops");
    result_judge(&result, VERDICT_UNREACHABLE, "%s", "");
    assert_int_equal(result.verdict, VERDICT_UNREACHABLE);
    assert_string_equal(result.reasons, "wrong\np99 is too high\nnote 1\ndrops");
}

static void reasons_that_do_not_fit_lose_the_least_important(void **state)
{
    struct result result = {0};

    (void)state;
    for (int i = 0; i < 40; i++)
        result_judge(&result, VERDICT_FAILED, "a line of twenty-six octets");
    assert_int_equal(strlen(result.reasons), sizeof(result.reasons) - 1);
    result_judge(&result, VERDICT_INVALID, "drops");
    assert_memory_equal(result.reasons, "drops\na line", 12);
    assert_int_equal(strlen(result.reasons), sizeof(result.reasons) - 1);
}

static void good_figures_pass_without_a_word(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    assert_judged(&result, VERDICT_PASS, "");
}

static void a_host_that_refuses_everything_is_unreachable(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_REFUSED, 60);
    end_otherwise(&result.measured, OUTCOME_TIMEOUT, 40);
    assert_judged(&result, VERDICT_UNREACHABLE,
                  "nobody listens there: the host refused 60 of 100 queries");
}

static void silence_is_unreachable_and_told_apart_from_a_refusal(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_TIMEOUT, 100);
    result_judge_figures(&result);
    assert_string_equal(result.reasons, "no answer came to any of 100 queries");
    result.reasons[0] = '\0';
    result.measured.duplicate = 90;
    result.warmup.stray = 8;
    assert_judged(&result, VERDICT_UNREACHABLE,
                  "no answer came to any of 100 queries while it was waited for; 98 messages came "
                  "too late or were no answers");
}

/* A dead port stops the run before the measured time begins. */
static void a_run_that_ends_in_its_warm_up_is_judged_by_it(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    result.warmup = result.measured;
    memset(&result.measured, 0, sizeof(result.measured));
    end_otherwise(&result.warmup, OUTCOME_REFUSED, 100);
    assert_judged(&result, VERDICT_UNREACHABLE,
                  "nobody listens there: the host refused 100 of 100 queries");
}

static void what_was_never_measured_does_not_pass(void **state)
{
    struct result result;

    (void)state;
    result_init(&result, &shape);
    assert_judged(&result, VERDICT_FAILED, "nothing was measured: no query was due in that time");
    result_init(&result, &shape);
    result.interrupted = true;
    result.warmup.sent = result.warmup.outcome[OUTCOME_OK] = 7;
    assert_judged(&result, VERDICT_FAILED, "interrupted before anything was measured");
}

/* All answers are lost in the tester's own buffers: of the server nothing is known. */
static void answers_that_the_tester_lost_are_never_the_servers_fault(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_TESTER_DROPPED, 100);
    result.health.own_drops = 100;
    assert_judged(&result, VERDICT_INVALID,
                  "own drops: 100 answers, limit 0 (answers were lost in the tester's socket "
                  "buffers)");
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_TESTER_DROPPED, 2);
    assert_judged(&result, VERDICT_INVALID, "2 answers were lost in the tester's socket buffers");
}

static void queries_that_the_kernel_did_not_take_tell_nothing_of_the_server(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_SEND_ERROR, 100);
    result.health.send_errors = 100;
    assert_judged(&result, VERDICT_INVALID,
                  "send errors: 100 queries, limit 0 (the kernel did not take queries)");
}

static void each_breach_of_health_is_a_reason(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    result.health.uneven = 1;
    result.health.run_delay_ns = 100 * MS;
    assert_judged(&result, VERDICT_INVALID,
                  "100 ms windows: 1 of 10 uneven, limit 2.00 % (the rate was uneven)\n"
                  "run delay: 10.00 % of the threads' time, limit 5.00 % (the tester waited for a "
                  "CPU)");
}

static void wrong_answers_are_counted_by_what_was_wrong(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_WRONG, 12);
    end_otherwise(&result.measured, OUTCOME_MISMATCH, 3);
    assert_judged(&result, VERDICT_WRONG,
                  "wrong answers: 12 with other content than expected, 3 with another question");
}

static void a_run_of_wrong_answers_alone_is_wrong_and_not_slow(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_MISMATCH, 100);
    assert_judged(&result, VERDICT_WRONG,
                  "wrong answers: 0 with other content than expected, 100 with another question");
}

static void wrong_answers_of_the_warm_up_count_as_well(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    result.warmup.sent = result.warmup.outcome[OUTCOME_WRONG] = 1;
    assert_judged(&result, VERDICT_WRONG,
                  "wrong answers in the warm-up: 1 with other content than expected, 0 with "
                  "another question");
}

static void late_answers_alone_fail_and_are_not_unreachable(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    end_otherwise(&result.measured, OUTCOME_LATE, 90);
    end_otherwise(&result.measured, OUTCOME_TIMEOUT, 10);
    assert_judged(&result, VERDICT_FAILED,
                  "none of 100 queries was answered in time, 90 were late");
}

static void a_server_that_dies_after_the_warm_up_has_failed(void **state)
{
    struct result result;

    (void)state;
    init_good(&result);
    result.warmup = result.measured;
    end_otherwise(&result.measured, OUTCOME_TIMEOUT, 100);
    assert_judged(&result, VERDICT_FAILED, "none of 100 queries was answered in time, 0 were late");
}

static void judge_it(void *arg)
{
    result_judge_figures(arg);
}

static void a_query_without_an_outcome_is_our_own_error(void **state)
{
    struct result result;
    char told[256];

    (void)state;
    init_good(&result);
    result.measured.sent++;
    assert_int_not_equal(dies_by(judge_it, &result, told, sizeof(told)), 0);
    assert_non_null(strstr(told, "tally_is_whole"));
    result.measured.sent--;
    result.warmup.sent++;
    assert_int_not_equal(dies_by(judge_it, &result, NULL, 0), 0);
    result_deinit(&result);
}

static void a_study_is_as_bad_as_its_worst_run(void **state)
{
    struct study study = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        result_init(study_add(&study), &shape);
    assert_int_equal(study.count, 3);
    study.runs[1].verdict = VERDICT_INVALID;
    study_judge(&study, VERDICT_FAILED, "B is %d %% slower", 5);
    assert_int_equal(study.verdict, VERDICT_FAILED);
    assert_string_equal(study.reasons, "B is 5 % slower");
    study_conclude(&study);
    assert_int_equal(study.verdict, VERDICT_INVALID);
    assert_string_equal(study.reasons, "B is 5 % slower");
    study_deinit(&study);
    assert_int_equal(study.count, 0);
    study_deinit(&study);
}

static void a_study_takes_the_reasons_of_its_runs_over_with_their_names(void **state)
{
    struct study study = {0};
    struct result *run;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run = study_add(&study);
        result_init(run, &shape);
        snprintf(run->name, sizeof(run->name), "window %zu", i);
    }
    result_judge(&study.runs[0], VERDICT_FAILED, "loss is 2 %%");
    result_judge(&study.runs[1], VERDICT_FAILED, "loss is 3 %%");
    result_judge(&study.runs[1], VERDICT_INVALID, "own CPU");
    study_conclude(&study);
    assert_int_equal(study.verdict, VERDICT_INVALID);
    assert_string_equal(study.reasons, "window 1: own CPU\n"
                                       "window 0: loss is 2 %\n"
                                       "window 1: loss is 3 %");
    study_deinit(&study);
}

static void b_is_worse_only_when_its_whole_interval_is(void **state)
{
    static const struct {
        struct comparison comparison;
        bool worse;
    } cases[] = {
        {{.higher_is_better = true, .low = 0.90, .ratio = 0.95, .high = 0.99}, true},
        {{.higher_is_better = true, .low = 0.90, .ratio = 0.95, .high = 1.00}, false},
        {{.higher_is_better = true, .low = 1.01, .ratio = 1.05, .high = 1.09}, false},
        {{.low = 1.01, .ratio = 1.05, .high = 1.09}, true},
        {{.low = 1.00, .ratio = 1.05, .high = 1.09}, false},
        {{.low = 0.90, .ratio = 0.95, .high = 0.99}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(comparison_is_worse(&cases[i].comparison), cases[i].worse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_result_may_be_freed),
        cmocka_unit_test(a_study_takes_the_reasons_of_its_runs_over_with_their_names),
        cmocka_unit_test(threads_are_merged_figure_by_figure),
        cmocka_unit_test(runs_one_after_the_other_add_up_in_time_too),
        cmocka_unit_test(lag_quantiles_are_taken_anew_from_the_merged_histograms),
        cmocka_unit_test(kinds_of_lookups_are_matched_by_name_and_made_where_missing),
        cmocka_unit_test(the_worse_verdict_hides_the_other),
        cmocka_unit_test(the_most_important_reason_stands_first),
        cmocka_unit_test(reasons_that_do_not_fit_lose_the_least_important),
        cmocka_unit_test(good_figures_pass_without_a_word),
        cmocka_unit_test(a_host_that_refuses_everything_is_unreachable),
        cmocka_unit_test(silence_is_unreachable_and_told_apart_from_a_refusal),
        cmocka_unit_test(a_run_that_ends_in_its_warm_up_is_judged_by_it),
        cmocka_unit_test(what_was_never_measured_does_not_pass),
        cmocka_unit_test(answers_that_the_tester_lost_are_never_the_servers_fault),
        cmocka_unit_test(queries_that_the_kernel_did_not_take_tell_nothing_of_the_server),
        cmocka_unit_test(each_breach_of_health_is_a_reason),
        cmocka_unit_test(wrong_answers_are_counted_by_what_was_wrong),
        cmocka_unit_test(a_run_of_wrong_answers_alone_is_wrong_and_not_slow),
        cmocka_unit_test(wrong_answers_of_the_warm_up_count_as_well),
        cmocka_unit_test(late_answers_alone_fail_and_are_not_unreachable),
        cmocka_unit_test(a_server_that_dies_after_the_warm_up_has_failed),
        cmocka_unit_test(a_query_without_an_outcome_is_our_own_error),
        cmocka_unit_test(b_is_worse_only_when_its_whole_interval_is),
        cmocka_unit_test(a_study_is_as_bad_as_its_worst_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
