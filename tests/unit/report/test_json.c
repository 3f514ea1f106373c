/* JSON: nothing is lost on the way out and back, and nothing odd comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "report/hgrm.h"
#include "report/json.h"
#include "report/svg.h"
#include "report/table.h"
#include "same_histogram.h"
#include "sample_study.h"

static const struct sample small = {.rate = 500, .length_s = 0.3, .latency_us = 200, .loss = 0.02};
static const struct sample busy = {
    .rate = 3000, .length_s = 2, .latency_us = 200, .loss = 0.01, .lookups = true, .stall = true};

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* Reads what must be readable. */
static struct study read_back(const char *text)
{
    struct study study = {0};
    char error[256] = "";

    if (json_parse(&study, bytes_of(text), "f", error, sizeof(error)) != ERR_OK)
        fail_msg("%s", error);
    return study;
}

/* ---- Out and back ---------------------------------------------------------------------------- */

static void same_text(char *a, char *b)
{
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* Writes, reads, and compares all outputs of both; the study is given back. */
static void comes_back_whole(struct study *study)
{
    char *text = json_write(study);
    struct study again = read_back(text);

    same_text(text, json_write(&again));
    same_text(table_write(study), table_write(&again));
    same_text(svg_write(study), svg_write(&again));
    for (size_t i = 0; i < study->count; i++) {
        same_text(hgrm_write(&study->runs[i].response), hgrm_write(&again.runs[i].response));
        same_text(hgrm_write(&study->runs[i].lookup), hgrm_write(&again.runs[i].lookup));
    }
    study_deinit(&again);
    study_deinit(study);
}

static void studies_of_all_commands_come_back_and_render_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct study studies[] = {sample_study_run(&busy, seed), sample_study_run(&small, seed),
                                  sample_study_max(seed), sample_study_search(seed, 5),
                                  sample_study_compare(seed)};
        for (size_t i = 0; i < sizeof(studies) / sizeof(studies[0]); i++)
            comes_back_whole(&studies[i]);
    }
}

/* Octets of random numbers below 2^53, so that a member which is not written is seen. */
static void fill_numbers(void *at, size_t size, struct rng *rng)
{
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t number = rng_u64(rng) >> 12;
        memcpy((char *)at + i, &number, 8);
    }
}

static void fill_tally(struct tally *tally, struct rng *rng)
{
    fill_numbers(tally, sizeof(*tally), rng);
    tally->sent = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        tally->outcome[i] >>= 4;
        tally->sent += tally->outcome[i];
    }
}

static void every_number_of_the_model_comes_back(void **state)
{
    struct study study = sample_study_run(&small, 4);
    struct result *run = &study.runs[0];
    struct rng rng;
    (void)state;

    rng_init_seeded(&rng, 4);
    fill_tally(&run->measured, &rng);
    fill_tally(&run->warmup, &rng);
    fill_numbers(&run->health, sizeof(run->health), &rng);
    memset(&run->health, 0, offsetof(struct health, planned));
    run->setup.seed = UINT64_MAX - 1;
    run->setup.workload_hash = 7;
    run->setup.slo_ns = UINT64_MAX;
    run->setup.window = UINT32_MAX;
    run->setup.rate = 1.0 / 3;
    run->interrupted = true;
    char *text = json_write(&study);
    struct study again = read_back(text);
    struct result *back = &again.runs[0];
    assert_memory_equal(&back->measured, &run->measured, sizeof(run->measured));
    assert_memory_equal(&back->warmup, &run->warmup, sizeof(run->warmup));
    assert_memory_equal(&back->health, &run->health, sizeof(run->health));
    assert_memory_equal(&back->setup, &run->setup, sizeof(run->setup));
    assert_memory_equal(&again.host, &study.host, sizeof(study.host));
    assert_true(back->interrupted);
    assert_int_equal(back->server_cpu_ns, run->server_cpu_ns);
    free(text);
    study_deinit(&again);
    study_deinit(&study);
}

static void histograms_and_series_come_back_value_by_value(void **state)
{
    struct study study = sample_study_run(&busy, 5);
    const struct result *run = &study.runs[0];
    (void)state;

    char *text = json_write(&study);
    struct study again = read_back(text);
    const struct result *back = &again.runs[0];
    assert_same_histogram(&back->response, &run->response);
    assert_same_histogram(&back->service, &run->service);
    assert_same_histogram(&back->send_lag, &run->send_lag);
    assert_same_histogram(&back->read_lag, &run->read_lag);
    assert_same_histogram(&back->lookup, &run->lookup);
    for (int i = 0; i < ANSWER_COUNT; i++)
        assert_same_histogram(&back->answer[i], &run->answer[i]);
    assert_int_equal(back->kind_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(back->kinds[i].name, run->kinds[i].name);
        assert_same_histogram(&back->kinds[i].latency, &run->kinds[i].latency);
    }
    assert_true(series_same_shape(&back->series, &run->series));
    assert_int_equal(back->series.first_sent_ns, run->series.first_sent_ns);
    assert_memory_equal(back->series.windows, run->series.windows,
                        run->series.window_count * sizeof(*run->series.windows));
    assert_memory_equal(back->series.intervals, run->series.intervals,
                        run->series.interval_count * sizeof(*run->series.intervals));
    assert_memory_equal(back->series.heard, run->series.heard,
                        run->series.heard_words * sizeof(*run->series.heard));
    free(text);
    study_deinit(&again);
    study_deinit(&study);
}

static void an_interrupted_series_comes_back(void **state)
{
    struct study study = sample_study_run(&busy, 6);
    (void)state;

    series_cut(&study.runs[0].series, 1234567891);
    study.runs[0].elapsed_ns = 1234567891;
    study.runs[0].interrupted = true;
    comes_back_whole(&study);
}

static void numbers_that_are_none_come_back_as_none(void **state)
{
    struct study study = sample_study_compare(7);
    (void)state;

    study.comparisons[0].low = 0.0 / 0.0;
    study.comparisons[1].high = 1.0 / 0.0;
    char *text = json_write(&study);
    struct study again = read_back(text);
    assert_true(isnan(again.comparisons[0].low));
    assert_true(isnan(again.comparisons[1].high));
    same_text(text, json_write(&again));
    study_deinit(&again);
    study_deinit(&study);
}

static void texts_that_json_cannot_hold_are_made_printable(void **state)
{
    struct study study = sample_study_run(&small, 8);
    (void)state;

    sample_text(study.options, sizeof(study.options),
                "caf\xc3\xa9 \"\\\" \x1b[31m \xff \xc2\x9b |");
    study_judge(&study, VERDICT_FAILED, "two\tfigures");
    study_judge(&study, VERDICT_FAILED, "on two lines");
    char *text = json_write(&study);
    struct study again = read_back(text);
    assert_string_equal(again.options, "caf\xc3\xa9 \"\\\" ?[31m ? ?? |");
    assert_string_equal(again.reasons, "two?figures\non two lines");
    same_text(text, json_write(&again));
    study_deinit(&again);
    study_deinit(&study);
}

/* ---- Percentiles ----------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void is_near(double got, double truth)
{
    if (fabs(got - truth) > 0.001 * truth)
        fail_msg("%.0f, not %.0f", got, truth);
}

static void saved_percentiles_are_within_a_thousandth_of_the_sorted_values(void **state)
{
    enum { COUNT = 20000 };
    static const struct {
        const char *name; /* in the summary */
        double share;     /* the same as a number */
    } rows[] = {{"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p99_9_ns", 0.999}};
    uint64_t *values = malloc(COUNT * sizeof(*values));
    struct study study = sample_study_run(&small, 9);
    struct rng rng;
    (void)state;

    rng_init_seeded(&rng, 9);
    histogram_clear(&study.runs[0].response);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = sample_latency(&rng, (double)(1 + i % 5000));
        histogram_record(&study.runs[0].response, values[i]);
    }
    qsort(values, COUNT, sizeof(*values), by_value);
    char *text = json_write(&study);
    struct study again = read_back(text);
    json_t *root = json_loads(text, 0, NULL);
    const json_t *summary = json_object_get(
        json_object_get(json_array_get(json_object_get(root, "runs"), 0), "summary"), "response");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double truth = (double)values[(size_t)ceil(rows[i].share * COUNT - 1e-6) - 1];
        is_near((double)histogram_quantile(&again.runs[0].response, rows[i].share).ns, truth);
        is_near((double)json_integer_value(json_object_get(summary, rows[i].name)), truth);
    }
    assert_int_equal(json_integer_value(json_object_get(summary, "max_ns")), values[COUNT - 1]);
    json_decref(root);
    free(text);
    free(values);
    study_deinit(&again);
    study_deinit(&study);
}

/* ---- What is refused ------------------------------------------------------------------------- */

/* text with the first occurrence of a part replaced; malloc'd. */
static char *with(const char *text, const char *part, const char *instead)
{
    size_t size = strlen(text) + strlen(instead) + 1;
    const char *at = strstr(text, part);
    char *out = malloc(size);

    assert_non_null(out);
    if (at == NULL)
        fail_msg("'%s' is not in the JSON", part);
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, instead,
             text + (at - text) + strlen(part));
    return out;
}

static void is_refused(const char *text, enum err expected, const char *why)
{
    static const struct study zeroed;
    struct study study = {0};
    char error[256] = "";
    enum err err = json_parse(&study, bytes_of(text), "f", error, sizeof(error));

    if (err != expected || strstr(error, why) != error)
        fail_msg("%d '%s', not '%s'", (int)err, error, why);
    assert_memory_equal(&study, &zeroed, sizeof(study));
}

static void what_is_no_json_is_told_with_line_and_column(void **state)
{
    (void)state;
    is_refused("", ERR_MALFORMED, "f:1:0: ");
    is_refused("{\"schema\": 1,\n \"x\": }", ERR_MALFORMED, "f:2:7: ");
    is_refused("{\"schema\": 1, \"schema\": 1}", ERR_MALFORMED, "f:1:");
    is_refused("{\"schema\": \"\\u0000\"}", ERR_MALFORMED, "f:1:");
}

static void what_is_no_study_of_ours_is_told_so(void **state)
{
    (void)state;
    is_refused("[]", ERR_INVALID, "f: top level: expected an object of dnsbench");
    is_refused("{}", ERR_INVALID, "f: top level: expected an object of dnsbench");
    is_refused("{\"schema\": 2}", ERR_INVALID, "f: schema: expected 1");
    is_refused("{\"schema\": 1}", ERR_INVALID, "f: command: expected a text");
}

/* One change to a good file each, and what is said of it. */
static const struct {
    const char *part;    /* replaced */
    const char *instead; /* by this */
    const char *why;     /* how the error begins */
} changes[] = {
    {"\"command\": \"run\"", "\"command\": \"fly\"", "f: command: expected run, max, search or"},
    {"\"cpus\": 2", "\"cpus\": -1", "f: host.cpus: expected a whole number from 0 to 2^32"},
    {"\"cpus\": 2", "\"cpus\": 4294967296", "f: host.cpus: expected a whole number"},
    {"\"cpus\": 2", "\"cpus\": 2.5", "f: host.cpus: expected a whole number"},
    {"\"cpus\": 2", "\"cpu\": 2", "f:"},
    {"\"answer\": 0.0", "\"answer\": -0.5", "f: answer: expected a number"},
    {"\"answer\": 0.0", "\"answer\": 1e19", "f: answer: expected a number"},
    {"\"verdict\": \"pass\"", "\"verdict\": \"usage\"", "f: verdict: expected a verdict"},
    {"\"transport\": \"udp\"", "\"transport\": \"udp-long\"", "f: runs[0].setup.transport: "},
    {"\"transport\": \"udp\"", "\"transport\": \"\\u001b[2J\"", "f: runs[0].setup.transport: "},
    {"\"transport\": \"udp\"", "\"transport\": \"u\\np\"", "f: runs[0].setup.transport: "},
    {"\"lookups\": false", "\"lookups\": 0", "f: runs[0].setup.lookups: expected true or false"},
    {"\"slo_ns\": 5000000", "\"slo_ns\": \"5\"", "f: runs[0].setup.slo_ns: "},
    {"\"seed\": 1", "\"seed\": \"0x1\"", "f: runs[0].setup.seed: "},
    {"\"seed\": 1", "\"seed\": \"0x000000000000000g\"", "f: runs[0].setup.seed: "},
    {"\"workload_hash\": \"0x", "\"workload_hash\": \"0y", "f: runs[0].setup.workload_hash: "},
    {"\"timeout\": ", "\"timeout\": 1", "f: runs[0].measured: expected outcomes that add up"},
    {"\"rcodes\": [", "\"rcodes\": [[],", "f: runs[0].measured.rcodes: "},
    {"\"answers\": {\"found\"", "\"answers\": {\"lost\"", "f: runs[0].measured.answers.found: "},
    {"\"total\": ", "\"total\": 1", "f: runs[0].response: expected counts and censored to add up"},
    {"\"min_ns\": ", "\"min_ns\": 99999", "f: runs[0].response: expected min_ns"},
    {"\"counts\": [", "\"counts\": [[28672,1],", "f: runs[0].response.counts[0]: expected [bucket"},
    {"\"counts\": [", "\"counts\": [[28671,1],", "f: runs[0].response.counts[1]: expected [bucket"},
    {"\"counts\": [", "\"counts\": [[0,0],", "f: runs[0].response.counts[0]: expected [bucket"},
    {"\"counts\": [", "\"counts\": [0,", "f: runs[0].response.counts[0]: expected [bucket"},
    {"\"length_ns\": 300000000", "\"length_ns\": 86400000000000", "f: runs[0].series.heard_ms: "},
    {"\"length_ns\": 300000000", "\"length_ns\": 400000000", "f: runs[0].series.windows.rows: "},
    {"\"interval_ns\": 250000000", "\"interval_ns\": 1", "f: runs[0].series.intervals.rows: "},
    {"\"interval_ns\": 250000000", "\"interval_ns\": 0", "f: runs[0].series.interval_ns: "},
    {"\"heard_ms\": [", "\"heard_ms\": [9007199254740992,", "f: runs[0].series.heard_ms: "},
    {"\"heard_ms\": [", "\"heard_ms\": [1,", "f: runs[0].series.heard_ms: "},
    {"\"heard_ms\": [", "\"heard_ms\": [0,0,", "f: runs[0].series.heard_ms: "},
    {"[\"planned\",", "[\"plan\",", "f: runs[0].series.windows.columns: "},
    {"\"first_sent_ns\": ", "\"first_sent_ns\": 9999999999", "f: runs[0].series.first_sent_ns: "},
};

static void every_value_is_checked_and_named_when_it_is_refused(void **state)
{
    struct study study = sample_study_run(&small, 1);
    char *text = json_write(&study);
    (void)state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *changed = with(text, changes[i].part, changes[i].instead);
        is_refused(changed, strcmp(changes[i].why, "f:") == 0 ? ERR_MALFORMED : ERR_INVALID,
                   changes[i].why);
        free(changed);
    }
    free(text);
    study_deinit(&study);
}

static void a_text_cut_anywhere_is_refused(void **state)
{
    struct study study = sample_study_run(&small, 1);
    char *text = json_write(&study);
    size_t len = strlen(text);
    (void)state;

    for (size_t i = 1; i < 200; i++) {
        text[len * (200 - i) / 200] = '\0';
        is_refused(text, ERR_MALFORMED, "f:");
    }
    free(text);
    study_deinit(&study);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void a_file_is_read_and_one_that_is_missing_is_told(void **state)
{
    char path[] = "/tmp/dnsbench-test-json.XXXXXX";
    int fd = mkstemp(path);
    struct study study = sample_study_run(&small, 1);
    struct study again = {0};
    char *text = json_write(&study);
    char error[256] = "";
    (void)state;

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    assert_int_equal(json_read(&again, path, error, sizeof(error)), ERR_OK);
    same_text(text, json_write(&again));
    study_deinit(&again);
    unlink(path);
    assert_int_equal(json_read(&again, path, error, sizeof(error)), ERR_SYSTEM);
    assert_non_null(strstr(error, ": cannot be read: No such file"));
    assert_int_equal(json_read(&again, "/", error, sizeof(error)), ERR_SYSTEM);
    study_deinit(&study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(studies_of_all_commands_come_back_and_render_the_same),
        cmocka_unit_test(every_number_of_the_model_comes_back),
        cmocka_unit_test(histograms_and_series_come_back_value_by_value),
        cmocka_unit_test(an_interrupted_series_comes_back),
        cmocka_unit_test(numbers_that_are_none_come_back_as_none),
        cmocka_unit_test(texts_that_json_cannot_hold_are_made_printable),
        cmocka_unit_test(saved_percentiles_are_within_a_thousandth_of_the_sorted_values),
        cmocka_unit_test(what_is_no_json_is_told_with_line_and_column),
        cmocka_unit_test(what_is_no_study_of_ours_is_told_so),
        cmocka_unit_test(every_value_is_checked_and_named_when_it_is_refused),
        cmocka_unit_test(a_text_cut_anywhere_is_refused),
        cmocka_unit_test(a_file_is_read_and_one_that_is_missing_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
