/* Several results in one view: merged, or side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/units.h"
#include "report/combine.h"

#define ANSWERS 1000

/* A tester's result: so many answers of this latency in one second. */
static void make_study(struct study *study, uint64_t latency_ns, uint64_t started_wall_ms)
{
    struct series_shape shape = {
        .length_ns = NS_PER_S, .interval_ns = NS_PER_S, .slo_ns = UINT64_MAX};
    struct result *run;

    *study = (struct study){.command = "run", .host = {.started_wall_ms = started_wall_ms}};
    run = study_add(study);
    result_init(run, &shape);
    snprintf(run->setup.server, sizeof(run->setup.server), "127.0.0.1:53");
    snprintf(run->setup.transport, sizeof(run->setup.transport), "udp");
    run->setup.rate = ANSWERS;
    run->setup.clients = 4;
    run->setup.threads = 1;
    run->setup.duration_ns = NS_PER_S;
    run->elapsed_ns = NS_PER_S;
    run->measured.sent = ANSWERS;
    run->measured.outcome[OUTCOME_OK] = ANSWERS;
    for (unsigned i = 0; i < ANSWERS; i++)
        histogram_record(&run->response, latency_ns);
}

/* A whole with one tester in it. */
static void begin_whole(struct study *whole)
{
    struct study part;
    char why[128];

    *whole = (struct study){0};
    make_study(&part, NS_PER_MS, 5000);
    assert_int_equal(combine_merge(whole, &part, why, sizeof(why)), ERR_OK);
    assert_int_equal(part.count, 0);
}

static void testers_beside_each_other_add_up(void **state)
{
    struct study whole;
    struct study part;
    char why[128];

    (void)state;
    begin_whole(&whole);
    make_study(&part, 3 * NS_PER_MS, 5100);
    assert_int_equal(combine_merge(&whole, &part, why, sizeof(why)), ERR_OK);
    assert_int_equal(whole.count, 1);
    assert_int_equal(whole.runs[0].measured.sent, 2 * ANSWERS);
    assert_int_equal(whole.runs[0].response.total, 2 * ANSWERS);
    assert_int_equal(whole.runs[0].setup.clients, 8);
    assert_true(whole.runs[0].setup.rate == 2 * ANSWERS);
    assert_in_range(histogram_quantile(&whole.runs[0].response, 0.99).ns, 2997000, 3003000);
    study_deinit(&part);
    study_deinit(&whole);
}

static void repetitions_are_one_longer_measurement(void **state)
{
    struct study whole = {0};
    struct study part;
    char why[128];

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        make_study(&part, NS_PER_MS, 5000 + 9000 * i);
        assert_int_equal(combine_merge(&whole, &part, why, sizeof(why)), ERR_OK);
        study_deinit(&part);
    }
    assert_int_equal(whole.runs[0].measured.sent, 3 * ANSWERS);
    assert_int_equal(whole.runs[0].elapsed_ns, 3 * NS_PER_S);
    assert_int_equal(whole.runs[0].setup.clients, 4);
    assert_true(whole.runs[0].setup.rate == ANSWERS);
    assert_int_equal(whole.verdict, VERDICT_PASS);
    study_deinit(&whole);
}

static void the_worst_verdict_and_its_reason_stay(void **state)
{
    struct study whole;
    struct study part;
    char why[128];

    (void)state;
    begin_whole(&whole);
    make_study(&part, NS_PER_MS, 5000);
    study_judge(&part, VERDICT_INVALID, "send lag");
    assert_int_equal(combine_merge(&whole, &part, why, sizeof(why)), ERR_OK);
    assert_int_equal(whole.verdict, VERDICT_INVALID);
    assert_non_null(strstr(whole.reasons, "send lag"));
    study_deinit(&part);
    study_deinit(&whole);
}

static void different_loads_are_refused_with_what_differs(void **state)
{
    struct study whole;
    struct study part;
    char why[128];

    (void)state;
    begin_whole(&whole);
    make_study(&part, NS_PER_MS, 9000);
    part.runs[0].setup.rate /= 2;
    assert_int_equal(combine_merge(&whole, &part, why, sizeof(why)), ERR_INVALID);
    assert_non_null(strstr(why, "rates"));
    part.host.started_wall_ms = 5000;
    snprintf(part.runs[0].setup.transport, sizeof(part.runs[0].setup.transport), "tcp");
    assert_int_equal(combine_merge(&whole, &part, why, sizeof(why)), ERR_INVALID);
    assert_non_null(strstr(why, "transports"));
    snprintf(part.command, sizeof(part.command), "search");
    assert_int_equal(combine_merge(&whole, &part, why, sizeof(why)), ERR_INVALID);
    assert_non_null(strstr(why, "'run'"));
    assert_int_equal(whole.runs[0].measured.sent, ANSWERS);
    study_deinit(&part);
    study_deinit(&whole);
}

static void a_diff_tells_both_figures_and_their_ratio(void **state)
{
    struct study old;
    struct study now;
    char *text;
    char *row;

    (void)state;
    make_study(&old, NS_PER_MS, 5000);
    make_study(&now, 3 * NS_PER_MS, 9000);
    snprintf(now.runs[0].setup.server, sizeof(now.runs[0].setup.server), "127.0.0.2:53");
    text = combine_diff(&old, &now);
    assert_non_null(strstr(text, "note: the server differs: 127.0.0.1:53, 127.0.0.2:53\n"));
    assert_null(strstr(text, "transport"));
    row = strstr(text, "response p99 ");
    assert_non_null(row);
    *strchr(row, '\n') = '\0';
    assert_non_null(strstr(row, "1.00 ms"));
    assert_non_null(strstr(row, "3.00 ms"));
    assert_non_null(strstr(row, " 3.0"));
    free(text);
    study_deinit(&old);
    study_deinit(&now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(testers_beside_each_other_add_up),
        cmocka_unit_test(repetitions_are_one_longer_measurement),
        cmocka_unit_test(the_worst_verdict_and_its_reason_stay),
        cmocka_unit_test(different_loads_are_refused_with_what_differs),
        cmocka_unit_test(a_diff_tells_both_figures_and_their_ratio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
