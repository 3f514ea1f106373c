/* The tables of all commands, as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/table.h"
#include "sample_study.h"

static const struct sample quiet = {.rate = 2000, .length_s = 1, .latency_us = 200};
static const struct sample busy = {
    .rate = 4000, .length_s = 4, .latency_us = 200, .loss = 0.001, .lookups = true, .stall = true};

/* The study's table; the study is given back. */
static char *table_of(struct study *study)
{
    char *text = table_write(study);

    study_deinit(study);
    return text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        print_error("...%s", text + (strlen(text) > 700 ? strlen(text) - 700 : 0));
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in it", part);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        print_error("%s", text);
    if (strstr(text, part) != NULL)
        fail_msg("'%s' is in it", part);
}

/* How often a part occurs. */
static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

/* At most TABLE_LINES_MAX lines of at most 100 columns, without trailing blanks. */
static void fits(const char *text)
{
    int lines = 0;

    for (const char *at = text; *at != '\0'; lines++) {
        size_t len = strcspn(at, "\n");
        size_t columns = 0;
        for (size_t i = 0; i < len; i++)
            columns += ((unsigned char)at[i] & 0xc0) != 0x80;
        if (columns > 100 || (len > 0 && at[len - 1] == ' '))
            fail_msg("too wide, or blank at its end: %.*s", (int)len, at);
        at += len + 1;
    }
    assert_in_range(lines, 1, TABLE_LINES_MAX);
}

static void a_run_tells_what_was_asked_what_came_and_ends_with_the_verdict(void **state)
{
    struct study study = sample_study_run(&quiet, 1);
    (void)state;

    study.runs[0].measured.answer[ANSWER_FAIL] = 0;
    char *text = table_of(&study);
    fits(text);
    has(text, "server     127.0.0.1:5353 over udp\n");
    has(text, "queries at 2.00k/s, poisson, for 1.00 s after 1.00 s of warm-up; timeout 5.00 s");
    has(text, "at most 12.3 MB; seed 1, hash fedcba9876543211\n");
    has(text, "rcodes     NOERROR 1,2");
    has(text, "\n  response ");
    has(text, "from when each query was due\n");
    has(text, "from when each query was due\n    found "); /* classes are of responses */
    has(text, "\n    nx ");
    has(text, "more than 1 % above 5.00 ms or lost: ");
    has_not(text, "timeout  ");
    has_not(text, "lookup");
    assert_string_equal(text + strlen(text) - 6, "\nPASS\n");
    free(text);
}

static void a_schedule_has_a_line_of_its_own_however_long(void **state)
{
    struct study study = sample_study_run(&quiet, 1);
    char *schedule = study.runs[0].setup.schedule;
    (void)state;

    snprintf(schedule, sizeof(study.runs[0].setup.schedule), "10s@1k,5s@20k");
    char *text = table_write(&study);
    fits(text);
    has(text, "queries averaging 2.00k/s, poisson, for 1.00 s after ");
    has(text, "\nschedule   10s@1k,5s@20k\n");
    free(text);
    memset(schedule, '7', sizeof(study.runs[0].setup.schedule) - 1);
    text = table_of(&study);
    fits(text);
    has(text, "7...\n");
    free(text);
}

/* Nobody set a condition: the figures are told, and that nobody judged them. */
static void a_pass_with_losses_says_that_they_were_not_judged(void **state)
{
    struct study study = sample_study_run(&quiet, 1);
    (void)state;

    study.runs[0].measured.outcome[OUTCOME_OK] -= 5;
    study.runs[0].measured.outcome[OUTCOME_TIMEOUT] += 5;
    study.runs[0].measured.answer[ANSWER_FAIL] = study.runs[0].measured.outcome[OUTCOME_OK] / 10;
    char *text = table_of(&study);
    fits(text);
    has(text, "\nPASS, with 0.");
    has(text, " % lost and 9.");
    has(text, " SERVFAIL or the like: --fail-if judges these\n");
    free(text);
}

static void only_outcomes_that_occurred_have_a_line(void **state)
{
    struct study study = sample_study_run(&busy, 2);
    uint64_t lost = study.runs[0].measured.outcome[OUTCOME_TIMEOUT];
    char expected[64];
    (void)state;

    assert_true(lost > 0);
    snprintf(expected, sizeof(expected), "\n  timeout        %11llu ", (unsigned long long)lost);
    char *text = table_of(&study);
    has(text, expected);
    has(text, "no answer while one was waited for\n");
    has_not(text, "mismatch");
    has_not(text, "tester_dropped");
    free(text);
}

static void answers_that_came_for_ended_queries_are_called_by_what_is_known_of_them(void **state)
{
    struct study study = sample_study_run(&quiet, 2);
    (void)state;

    study.runs[0].measured.duplicate = 7;
    char *text = table_write(&study);
    has(text, "; duplicates 7\n");
    free(text);
    study.runs[0].measured.outcome[OUTCOME_TIMEOUT] = 3;
    text = table_of(&study);
    has(text, "; duplicates or far too late 7\n");
    free(text);
}

static void of_a_run_without_answers_nothing_is_said_that_was_not_seen(void **state)
{
    struct study study = sample_study_run(&quiet, 2);
    struct result *run = &study.runs[0];
    (void)state;

    memset(run->series.windows, 0, run->series.window_count * sizeof(*run->series.windows));
    memset(run->measured.rcode, 0, sizeof(run->measured.rcode));
    run->series.windows[4].lost = 60;
    run->measured.outcome[OUTCOME_MISMATCH] = 60;
    char *text = table_of(&study);
    has(text, "worst 100 ms began at 0.4 s: no good answer, 60 lost\n");
    has(text, "\nrcodes     none: no answer came to what was asked\n");
    free(text);
}

static void values_of_lost_queries_are_told_as_at_least(void **state)
{
    struct study study = sample_study_run(&busy, 2);
    (void)state;

    char *text = table_of(&study);
    has(text, "  ≥ 5.00 s   from when each query was due\n");
    free(text);
}

static void only_classes_that_occurred_have_a_row(void **state)
{
    struct study study = sample_study_run(&quiet, 1);
    (void)state;

    histogram_clear(&study.runs[0].answer[ANSWER_NODATA]);
    char *text = table_write(&study);
    has(text, "\n    found ");
    has_not(text, "\n    nodata ");
    free(text);
    histogram_clear(&study.runs[0].answer[ANSWER_NX]);
    histogram_clear(&study.runs[0].answer[ANSWER_FAIL]);
    text = table_of(&study);
    has_not(text, "\n    found ");
    free(text);
}

static void lookups_have_rows_of_their_own(void **state)
{
    struct study study = sample_study_run(&busy, 3);
    (void)state;

    char *text = table_of(&study);
    fits(text);
    has(text, "lookups at 4.00k/s");
    has(text, " begun, 4.00 queries each; 0 failed");
    /* One line too many: the last blank line inside the page went, not the first. */
    has(text, "\n\nqueries ");
    has_not(text, "\n\nover time ");
    has(text, "\n    svc.ns ");
    has(text, "\n    miss ");
    free(text);
}

/* Everything that can have a line has one. */
static void however_much_happened_it_fits_and_ends_with_the_verdict(void **state)
{
    struct study study = sample_study_run(&busy, 4);
    struct result *run = &study.runs[0];
    (void)state;

    for (int i = 0; i < OUTCOME_COUNT; i++) {
        run->measured.outcome[i] += 123456789;
        run->measured.sent += 123456789;
    }
    for (int i = 0; i < TALLY_RCODES; i++)
        run->measured.rcode[i] += 1000000;
    run->interrupted = true;
    for (int i = 0; i < 9; i++)
        study_judge(&study, VERDICT_FAILED, "p%d is 32.1 ms, not < 5.00 ms", 90 + i);
    char *text = table_of(&study);
    fits(text);
    has(text, "tester_dropped");
    has(text, "\nFAILED:\n  p90 is 32.1 ms, not < 5.00 ms\n");
    has(text, "\n  and more (--json has all)\n");
    free(text);
}

static void a_run_that_ended_since_nobody_listens_was_interrupted_by_nobody(void **state)
{
    struct study study = sample_study_run(&quiet, 1);
    (void)state;

    study.runs[0].interrupted = true;
    char *text = table_write(&study);
    has(text, "\ninterrupted stopped after ");
    free(text);
    study.runs[0].verdict = VERDICT_UNREACHABLE;
    text = table_of(&study);
    has(text, "\ncut short  stopped after ");
    has_not(text, "interrupted");
    free(text);
}

static void a_single_reason_stands_on_the_verdicts_line(void **state)
{
    struct study study = sample_study_run(&quiet, 5);
    (void)state;

    study_judge(&study, VERDICT_FAILED, "p99 is 32.1 ms, not < 5.00 ms");
    char *text = table_of(&study);
    has(text, "\n\nFAILED: p99 is 32.1 ms, not < 5.00 ms\n");
    free(text);
}

static void an_invalid_run_says_that_the_tester_was_the_limit_and_what_helps(void **state)
{
    struct study study = sample_study_run(&quiet, 6);
    (void)state;

    result_judge(&study.runs[0], VERDICT_INVALID, "send lag: p99 3.20 ms, limit 1.00 ms");
    study_judge(&study, VERDICT_INVALID, "%s", "");
    char *text = table_of(&study);
    has(text, "\nINVALID: the tester was the limit, so nothing is known of the server\n"
              "  send lag: p99 3.20 ms, limit 1.00 ms\n");
    has(text, "(--cpus)");
    free(text);
}

static void what_was_interrupted_is_not_laid_on_the_tester(void **state)
{
    struct study study = sample_study_search(9, 8);
    (void)state;

    study_judge(&study, VERDICT_INVALID, "interrupted before the search came to its end");
    char *text = table_of(&study);
    has(text, "\nINVALID: interrupted before the search came to its end\n");
    has_not(text, "Try:");
    free(text);
    study = sample_study_search(9, 8);
    study.runs[3].verdict = VERDICT_INVALID; /* a step that was, is not why */
    study_judge(&study, VERDICT_INVALID, "interrupted before the search came to its end");
    text = table_of(&study);
    has_not(text, "Try:");
    free(text);
}

static void the_best_that_a_limited_search_met_is_known(void **state)
{
    struct study study = sample_study_search(9, 8);
    (void)state;

    study.runs[3].verdict = VERDICT_INVALID;
    study_judge(&study, VERDICT_INVALID, "above 3.45k/s the tester was the limit");
    char *text = table_of(&study);
    has(text, "\nINVALID: above 3.45k/s the tester was the limit\n  Try: ");
    free(text);
}

static void without_free_ids_more_clients_are_the_hint(void **state)
{
    struct study study = sample_study_run(&quiet, 6);
    (void)state;

    study.runs[0].health.id_waits = 1000000;
    assert_int_equal(health_breaches(&study.runs[0].health), 1U << HEALTH_IDS);
    result_judge_figures(&study.runs[0]);
    study_judge(&study, VERDICT_INVALID, "%s", "");
    char *text = table_of(&study);
    has(text, "a higher --clients.\n");
    has_not(text, "--cpus");
    free(text);
}

static void long_reasons_are_wrapped_at_words(void **state)
{
    struct study study = sample_study_run(&quiet, 7);
    (void)state;

    for (int i = 0; i < 3; i++)
        study_judge(&study, VERDICT_WRONG,
                    "a reason of many words that goes on and on until it is far longer than what a "
                    "terminal of a hundred columns shows on one of its lines, number %d",
                    i);
    char *text = table_of(&study);
    fits(text);
    has(text, "\nWRONG:\n  a reason of many words");
    has(text, "number 1\n  and more (--json has all)\n");
    free(text);
    study = sample_study_run(&quiet, 7);
    study_judge(&study, VERDICT_WRONG, "a short one");
    for (int i = 0; i < 2; i++)
        study_judge(&study, VERDICT_WRONG,
                    "a reason of many words that goes on and on until it is far longer than what a "
                    "terminal of a hundred columns shows on one of its lines, number %d",
                    i);
    text = table_of(&study);
    has(text, "number 0\n  a reason of many words");
    has_not(text, "number 1");
    has(text, "\n  and more (--json has all)\n"); /* of the one that was cut */
    free(text);
}

static void max_has_a_row_a_window_and_sends_who_wants_latency_to_run(void **state)
{
    struct study study = sample_study_max(8);
    (void)state;

    char *text = table_of(&study);
    fits(text);
    has(text, "\nwindow 16 ");
    has(text, "\nwindow 256 ");
    has(text, "  invalid\n");
    has(text, "latency belongs to `dnsbench run`");
    has(text, "\ntester     worst of all: waited for a CPU ");
    has(text, "\nhighest clean throughput: 5.50k/s\n");
    free(text);
}

static void search_has_a_row_a_step_and_the_answer(void **state)
{
    struct study study = sample_study_search(9, 8);
    (void)state;

    for (size_t i = 0; i < study.count; i++) {
        struct health *health = &study.runs[i].health;
        *health = (struct health){.open_loop = true, .thread_time_ns = 4 * NS_PER_S};
        health->send_lag_p99_ns = i == 2 ? 1500000 : 1000;
        health->run_delay_ns = i == 3 ? NS_PER_S : 0;
        health->own_drops = i < 2 ? i + 3 : 0;
    }

    char *text = table_of(&study);
    fits(text);
    has(text, "\n500/s ");
    has(text, "   met\n");
    has(text, "   not met: p99 is 32.1 ms, not < 5.00 ms\n");
    has(text,
        "\ntester     worst of all: left 1.50 ms late (p99), waited for a CPU 25.00 %, busy ");
    has(text, "; 7 own drops\n");
    has(text, "\nhighest rate that met p99<5ms,loss<0.1%: 3.45k/s\n");
    has_not(text, "not shown");
    free(text);
}

static void of_many_steps_the_first_and_the_last_are_shown(void **state)
{
    struct study study = sample_study_search(10, 22);
    (void)state;

    sample_text(study.runs[21].reasons, sizeof(study.runs[21].reasons), "the last");
    study.runs[21].verdict = VERDICT_FAILED;
    char *text = table_of(&study);
    fits(text);
    has(text, "\n500/s ");
    has(text, "\n... 7 not shown (--json has all)\n");
    has(text, "not met: the last\n");
    assert_int_equal(count_of(text, "   met\n") + count_of(text, "   not met: "), 15);
    free(text);
}

static void a_search_that_found_nothing_says_none(void **state)
{
    struct study study = sample_study_search(11, 1);
    (void)state;

    study.answer = 0;
    char *text = table_of(&study);
    has(text, "highest rate that met p99<5ms,loss<0.1%: none\n");
    free(text);
}

static void compare_has_both_values_the_ratio_its_interval_and_a_sentence(void **state)
{
    struct study study = sample_study_compare(12);
    (void)state;

    char *text = table_of(&study);
    fits(text);
    has(text, "A          127.0.0.1:5301 over udp\nB          127.0.0.1:5302 over udp\n");
    has(text, "   0.9510   0.9420..0.9590\n");
    has(text, "B/A is the trimmed mean of ");
    has(text, "\ntester     worst of all: ");
    has(text, "\nthroughput B is 4.9 % slower (95 % interval 4.1..5.8 %)\n");
    has(text, "\np99        no difference found; differences above 5.0 % would have been\n");
    has(text, "\ncpu        B costs 4.0 % more");
    free(text);
}

static void a_study_without_runs_has_a_verdict(void **state)
{
    static const char *const commands[] = {"run", "max", "search", "compare"};
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        struct study study = sample_study_of(commands[i]);
        study_judge(&study, VERDICT_UNREACHABLE, "no route to the host");
        char *text = table_of(&study);
        has(text, "UNREACHABLE: no route to the host\n");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_tells_what_was_asked_what_came_and_ends_with_the_verdict),
        cmocka_unit_test(a_schedule_has_a_line_of_its_own_however_long),
        cmocka_unit_test(a_pass_with_losses_says_that_they_were_not_judged),
        cmocka_unit_test(only_outcomes_that_occurred_have_a_line),
        cmocka_unit_test(answers_that_came_for_ended_queries_are_called_by_what_is_known_of_them),
        cmocka_unit_test(of_a_run_without_answers_nothing_is_said_that_was_not_seen),
        cmocka_unit_test(values_of_lost_queries_are_told_as_at_least),
        cmocka_unit_test(only_classes_that_occurred_have_a_row),
        cmocka_unit_test(lookups_have_rows_of_their_own),
        cmocka_unit_test(however_much_happened_it_fits_and_ends_with_the_verdict),
        cmocka_unit_test(a_run_that_ended_since_nobody_listens_was_interrupted_by_nobody),
        cmocka_unit_test(a_single_reason_stands_on_the_verdicts_line),
        cmocka_unit_test(an_invalid_run_says_that_the_tester_was_the_limit_and_what_helps),
        cmocka_unit_test(what_was_interrupted_is_not_laid_on_the_tester),
        cmocka_unit_test(the_best_that_a_limited_search_met_is_known),
        cmocka_unit_test(without_free_ids_more_clients_are_the_hint),
        cmocka_unit_test(long_reasons_are_wrapped_at_words),
        cmocka_unit_test(max_has_a_row_a_window_and_sends_who_wants_latency_to_run),
        cmocka_unit_test(search_has_a_row_a_step_and_the_answer),
        cmocka_unit_test(of_many_steps_the_first_and_the_last_are_shown),
        cmocka_unit_test(a_search_that_found_nothing_says_none),
        cmocka_unit_test(compare_has_both_values_the_ratio_its_interval_and_a_sentence),
        cmocka_unit_test(a_study_without_runs_has_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
