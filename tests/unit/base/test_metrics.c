/* metrics: cells add up over threads, and the text keeps the exposition format's rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dies.h"
#include "local53/base/metrics.h"

/* ---- A strict reader of the format (prometheus.io, "Exposition formats", version 0.0.4) ---- */

#define NAME "[a-zA-Z_:][a-zA-Z0-9_:]*"
#define LABEL "[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\]|\\\\\\\\|\\\\\"|\\\\n)*\""
#define LABELS "(\\{" LABEL "(," LABEL ")*\\})?"
#define SAMPLE "^" NAME LABELS " [0-9]+(\\.[0-9]+)?$"

/* Most families and most series a test may print. */
#define FAMILIES_MAX 64
#define SERIES_MAX 4096

struct reader_state {
    regex_t sample;                   /* a sample line */
    char families[FAMILIES_MAX][128]; /* names, the one being read last */
    size_t family_count;              /* families seen */
    char type[16];                    /* of the family being read; "" before its TYPE line */
    const char *series[SERIES_MAX];   /* names with labels, as far as seen; borrowed */
    size_t series_count;              /* series seen */
};

/* Each reading function gives NULL, or the rule that is broken. */
static const char *read_comment(struct reader_state *s, const char *line)
{
    char name[128];

    if (sscanf(line, "# HELP %127s", name) == 1) {
        for (size_t i = 0; i < s->family_count; i++)
            if (strcmp(s->families[i], name) == 0)
                return "a family stands in two places";
        snprintf(s->families[s->family_count++], sizeof(name), "%s", name);
        s->type[0] = '\0';
        return s->family_count < FAMILIES_MAX ? NULL : "too many families";
    }
    if (sscanf(line, "# TYPE %127s %15s", name, s->type) != 2 || s->family_count == 0 ||
        strcmp(s->families[s->family_count - 1], name) != 0)
        return "TYPE of another family";
    return strcmp(s->type, "counter") == 0 || strcmp(s->type, "gauge") == 0 ||
                   strcmp(s->type, "histogram") == 0
               ? NULL
               : "no such type";
}

/* What may stand behind the family's name in its samples. */
static bool is_suffix_of_type(const char *suffix, const char *type)
{
    if (strcmp(type, "histogram") == 0)
        return strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_sum") == 0 ||
               strcmp(suffix, "_count") == 0;
    return suffix[0] == '\0';
}

static const char *read_sample(struct reader_state *s, char *line)
{
    char name[128];
    const char *family;

    if (regexec(&s->sample, line, 0, NULL, 0) != 0 || sscanf(line, "%127[^{ ]", name) != 1)
        return "not a sample";
    if (s->type[0] == '\0')
        return "a sample before its TYPE";
    family = s->families[s->family_count - 1];
    if (strncmp(name, family, strlen(family)) != 0 ||
        !is_suffix_of_type(name + strlen(family), s->type))
        return "a sample of another family";
    *strrchr(line, ' ') = '\0';
    for (size_t i = 0; i < s->series_count; i++)
        if (strcmp(s->series[i], line) == 0)
            return "the same series twice";
    s->series[s->series_count++] = line;
    return s->series_count < SERIES_MAX ? NULL : "too many series";
}

static const char *read_lines(struct reader_state *s, char *text)
{
    size_t len = strlen(text);
    const char *problem = NULL;
    char *line;

    if (len == 0 || text[len - 1] != '\n')
        return "no line feed at the end";
    text[len - 1] = '\0';
    while (problem == NULL && (line = strsep(&text, "\n")) != NULL)
        problem = line[0] == '#' ? read_comment(s, line) : read_sample(s, line);
    return problem;
}

static const char *problem_of(const char *text)
{
    struct reader_state *s = calloc(1, sizeof(*s));
    char *copy = strdup(text);
    const char *problem;

    assert_int_equal(regcomp(&s->sample, SAMPLE, REG_EXTENDED | REG_NOSUB), 0);
    problem = read_lines(s, copy);
    regfree(&s->sample);
    free(copy);
    free(s);
    return problem;
}

static void the_reader_itself_refuses_what_breaks_the_format(void **state)
{
    static const char *const rows[][2] = {
        {"a 1\n", "a sample before its TYPE"},
        {"# HELP a b\na 1\n", "a sample before its TYPE"},
        {"# HELP a b\n# TYPE c counter\n", "TYPE of another family"},
        {"# HELP a b\n# TYPE a counter\nb 1\n", "a sample of another family"},
        {"# HELP a b\n# TYPE a histogram\na 1\n", "a sample of another family"},
        {"# HELP a b\n# TYPE a meter\na 1\n", "no such type"},
        {"# HELP a b\n# TYPE a counter\na{b=\"c\"} 1\na{b=\"c\"} 2\n", "the same series twice"},
        {"# HELP a b\n# TYPE a counter\na{b=\"c\"d\"} 1\n", "not a sample"},
        {"# HELP a b\n# TYPE a counter\na{b=\"\\d\"} 1\n", "not a sample"},
        {"# HELP a b\n# TYPE a counter\na{b-c=\"d\"} 1\n", "not a sample"},
        {"# HELP a b\n# TYPE a counter\na x\n", "not a sample"},
        {"# HELP a b\n# TYPE a counter\n\na 1\n", "not a sample"},
        {"# HELP a b\n# HELP c d\n# HELP a b\n", "a family stands in two places"},
        {"# HELP a b\n# TYPE a counter\na 1", "no line feed at the end"},
    };

    (void)state;
    assert_null(problem_of("# HELP a b\n# TYPE a counter\na 1\na{b=\"\\\"\\\\\\n\",c=\"\"} 2.5\n"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *problem = problem_of(rows[i][0]);

        assert_non_null(problem);
        assert_string_equal(problem, rows[i][1]);
    }
}

/* ---- The module ---- */

struct fixture {
    struct metrics *sets[2];     /* two threads' */
    struct metrics_names *names; /* shared */
    char *text;                  /* last rendering */
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){{metrics_new(), metrics_new()}, metrics_names_new(), NULL};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free(f->text);
    metrics_free(f->sets[0]);
    metrics_free(f->sets[1]);
    metrics_names_free(f->names);
    return 0;
}

/* Renders and checks the format. */
static void render(struct fixture *f)
{
    const char *problem;

    free(f->text);
    f->text = metrics_render(f->sets, 2, f->names, NULL);
    problem = problem_of(f->text);
    if (problem != NULL)
        fail_msg("%s in:\n%s", problem, f->text);
}

/* The line stands in the text, whole. */
static void assert_line(const struct fixture *f, const char *line)
{
    char whole[512];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (strstr(f->text, whole) == NULL)
        fail_msg("no line %s in:\n%s", line, f->text);
}

static void every_row_has_help_and_type_even_before_anything_happened(void **state)
{
    struct fixture *f = *state;

    render(f);
#define ROW_HELP(id, kind, dimension, name, help)                                                  \
    assert_non_null(strstr(f->text, "# HELP " name " " help "\n# TYPE " name " "));
    METRICS_LIST(ROW_HELP)
#undef ROW_HELP
#define HISTOGRAM_HELP(id, dimension, name, help)                                                  \
    assert_non_null(strstr(f->text, "# HELP " name " " help "\n# TYPE " name " histogram\n"));
    METRICS_HISTOGRAM_LIST(HISTOGRAM_HELP)
#undef HISTOGRAM_HELP
    assert_line(f, "# TYPE local53_cache_hits_total counter");
    assert_line(f, "# TYPE local53_cache_entries gauge");
    assert_line(f, "# TYPE local53_udp_receive_drops_total counter");
    assert_line(f, "local53_cache_hits_total 0");
    assert_line(f, "local53_dropped_total{reason=\"short\"} 0");
    assert_null(strstr(f->text, "rcode="));
    assert_null(strstr(f->text, "server="));
    assert_null(strstr(f->text, "endpoint=\""));
}

static void counts_of_all_threads_are_summed(void **state)
{
    struct fixture *f = *state;

    metrics_add(f->sets[0], METRICS_CACHE_HITS, 0, 2);
    metrics_add(f->sets[0], METRICS_CACHE_HITS, 0, 3);
    metrics_add(f->sets[1], METRICS_CACHE_HITS, 0, 10);
    metrics_set(f->sets[0], METRICS_CACHE_ENTRIES, 0, 99);
    metrics_set(f->sets[0], METRICS_CACHE_ENTRIES, 0, 7);
    assert_int_equal(metrics_get(f->sets[0], METRICS_CACHE_HITS, 0), 5);
    assert_int_equal(metrics_get(f->sets[1], METRICS_CACHE_HITS, 0), 10);
    render(f);
    assert_line(f, "local53_cache_hits_total 15");
    assert_line(f, "local53_cache_entries 7");
}

/* Every cell gets a value of its own: rows that overlapped would overwrite one another. */
static void no_two_rows_share_a_cell(void **state)
{
    struct fixture *f = *state;
    uint64_t value = 1;
    size_t cells[] = {
#define CELLS(id, label, count) (count),
        METRICS_DIMENSION_LIST(CELLS)
#undef CELLS
    };
    size_t counts[] = {
#define COUNT(id, kind, dimension, name, help) cells[METRICS_DIMENSION_##dimension],
        METRICS_LIST(COUNT)
#undef COUNT
    };

    for (size_t id = 0; id < METRICS_ID_COUNT; id++)
        for (size_t cell = 0; cell < counts[id]; cell++)
            metrics_set(f->sets[0], (enum metrics_id)id, cell, value++);
    metrics_observe(f->sets[0], METRICS_HISTOGRAM_LATENCY_LOCAL, 0, 1);
    value = 1;
    for (size_t id = 0; id < METRICS_ID_COUNT; id++)
        for (size_t cell = 0; cell < counts[id]; cell++)
            assert_int_equal(metrics_get(f->sets[0], (enum metrics_id)id, cell), value++);
}

static void labels_with_known_values_are_told_by_their_texts(void **state)
{
    struct fixture *f = *state;

    metrics_add(f->sets[0], METRICS_QUERIES, METRICS_TRANSPORT_TCP, 4);
    metrics_add(f->sets[0], METRICS_ANSWERS, METRICS_SOURCE_CHAIN, 5);
    metrics_add(f->sets[0], METRICS_DROPPED, METRICS_DROP_CONNECTIONS_FULL, 6);
    metrics_add(f->sets[0], METRICS_RELOADS, METRICS_RELOADED_FAILURE, 7);
    metrics_add(f->sets[0], METRICS_RESPONSES, metrics_rcode_cell(METRICS_TRANSPORT_UDP, 0), 8);
    metrics_add(f->sets[0], METRICS_RESPONSES, metrics_rcode_cell(METRICS_TRANSPORT_TCP, 3), 9);
    metrics_add(f->sets[0], METRICS_RESPONSES, metrics_rcode_cell(METRICS_TRANSPORT_TCP, 16), 1);
    metrics_add(f->sets[0], METRICS_RESPONSES, metrics_rcode_cell(METRICS_TRANSPORT_TCP, 4095), 1);
    render(f);
    assert_line(f, "local53_queries_total{transport=\"tcp\"} 4");
    assert_line(f, "local53_answers_total{source=\"chain\"} 5");
    assert_line(f, "local53_dropped_total{reason=\"connections_full\"} 6");
    assert_line(f, "local53_reloads_total{result=\"failure\"} 7");
    assert_line(f, "local53_responses_total{transport=\"udp\",rcode=\"NOERROR\"} 8");
    assert_line(f, "local53_responses_total{transport=\"tcp\",rcode=\"NXDOMAIN\"} 9");
    assert_line(f, "local53_responses_total{transport=\"tcp\",rcode=\"OTHER\"} 2");
}

static void a_named_slot_is_told_and_keeps_its_place(void **state)
{
    struct fixture *f = *state;
    size_t a = metrics_slot_for(f->names, METRICS_DIMENSION_SERVER, "10.0.0.2:53");
    size_t b = metrics_slot_for(f->names, METRICS_DIMENSION_SERVER, "[::1]:53");

    assert_int_not_equal(a, b);
    assert_int_equal(metrics_slot_for(f->names, METRICS_DIMENSION_SERVER, "10.0.0.2:53"), a);
    assert_int_equal(metrics_slot_for(f->names, METRICS_DIMENSION_ENDPOINT, "[::1]:53"), 0);
    metrics_add(f->sets[1], METRICS_UPSTREAM_QUERIES, b, 3);
    render(f);
    assert_line(f, "local53_upstream_queries_total{server=\"10.0.0.2:53\"} 0");
    assert_line(f, "local53_upstream_queries_total{server=\"[::1]:53\"} 3");
    assert_line(f, "local53_upstream_rtt_seconds_count{server=\"[::1]:53\"} 0");
    assert_null(strstr(f->text, "other"));
}

static void a_label_value_is_escaped(void **state)
{
    struct fixture *f = *state;

    metrics_slot_for(f->names, METRICS_DIMENSION_ENDPOINT, "a\"b\\c\nd");
    render(f);
    assert_line(f, "local53_endpoint_addresses{endpoint=\"a\\\"b\\\\c\\nd\"} 0");
}

static void the_last_slot_is_shared_by_all_that_found_none_free(void **state)
{
    struct fixture *f = *state;
    char name[32];

    for (size_t i = 0; i < METRICS_SERVER_SLOTS + 2; i++) {
        size_t expected = i < METRICS_SERVER_SLOTS - 1 ? i : METRICS_SERVER_SLOTS - 1;

        snprintf(name, sizeof(name), "10.0.0.%zu", i);
        assert_int_equal(metrics_slot_for(f->names, METRICS_DIMENSION_SERVER, name), expected);
    }
    metrics_add(f->sets[0], METRICS_UPSTREAM_TIMEOUTS, METRICS_SERVER_SLOTS - 1, 1);
    render(f);
    assert_line(f, "local53_upstream_timeouts_total{server=\"10.0.0.62\"} 0");
    assert_line(f, "local53_upstream_timeouts_total{server=\"other\"} 1");
    assert_null(strstr(f->text, "local53_upstream_queries_total{server=\"other\"}"));
}

static void a_histogram_is_cumulative_in_seconds(void **state)
{
    struct fixture *f = *state;
    const uint64_t observed[] = {0, 16, 17, 32, 33, 4194304, 4194305, 60000000};

    for (size_t i = 0; i < sizeof(observed) / sizeof(observed[0]); i++)
        metrics_observe(f->sets[i % 2], METRICS_HISTOGRAM_LATENCY_LOCAL, 0, observed[i]);
    render(f);
    assert_line(f, "local53_local_latency_seconds_bucket{le=\"0.000016\"} 2");
    assert_line(f, "local53_local_latency_seconds_bucket{le=\"0.000032\"} 4");
    assert_line(f, "local53_local_latency_seconds_bucket{le=\"0.000064\"} 5");
    assert_line(f, "local53_local_latency_seconds_bucket{le=\"2.097152\"} 5");
    assert_line(f, "local53_local_latency_seconds_bucket{le=\"4.194304\"} 6");
    assert_line(f, "local53_local_latency_seconds_bucket{le=\"+Inf\"} 8");
    assert_line(f, "local53_local_latency_seconds_sum 68.388707");
    assert_line(f, "local53_local_latency_seconds_count 8");
}

static void a_series_of_a_labelled_histogram_has_both_labels(void **state)
{
    struct fixture *f = *state;
    size_t slot = metrics_slot_for(f->names, METRICS_DIMENSION_SERVER, "10.0.0.2:53");

    metrics_observe(f->sets[0], METRICS_HISTOGRAM_UPSTREAM_RTT, slot, 1000);
    render(f);
    assert_line(f, "local53_upstream_rtt_seconds_bucket{server=\"10.0.0.2:53\",le=\"0.001024\"} 1");
    assert_line(f, "local53_upstream_rtt_seconds_sum{server=\"10.0.0.2:53\"} 0.001000");
    assert_line(f, "local53_upstream_rtt_seconds_count{server=\"10.0.0.2:53\"} 1");
}

static void many_observations_count_as_each_alone(void **state)
{
    struct fixture *f = *state;

    metrics_observe(f->sets[0], METRICS_HISTOGRAM_LATENCY_FORWARDED, 0, 5000);
    metrics_observe_many(f->sets[0], METRICS_HISTOGRAM_LATENCY_FORWARDED, 0, 5000, 31);
    metrics_observe_many(f->sets[0], METRICS_HISTOGRAM_LATENCY_FORWARDED, 0, 5000, 0);
    render(f);
    assert_line(f, "local53_forwarded_latency_seconds_bucket{le=\"0.004096\"} 0");
    assert_line(f, "local53_forwarded_latency_seconds_bucket{le=\"0.008192\"} 32");
    assert_line(f, "local53_forwarded_latency_seconds_sum 0.160000");
}

static void info_lines_are_appended_as_they_are(void **state)
{
    struct fixture *f = *state;
    const char *info = "# HELP local53_build_info Build\n# TYPE local53_build_info gauge\n"
                       "local53_build_info{version=\"0.1.0\"} 1\n";

    f->text = metrics_render(f->sets, 2, f->names, info);
    assert_null(problem_of(f->text));
    assert_string_equal(f->text + strlen(f->text) - strlen(info), info);
}

static void add_outside_the_row(void *arg)
{
    metrics_add(arg, METRICS_QUERIES, 2, 1);
}

static void observe_outside_the_row(void *arg)
{
    metrics_observe(arg, METRICS_HISTOGRAM_LATENCY_LOCAL, 1, 1);
}

static void a_cell_outside_its_row_stops_the_process(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(dies_by(add_outside_the_row, f->sets[0], NULL, 0), SIGABRT);
    assert_int_equal(dies_by(observe_outside_the_row, f->sets[0], NULL, 0), SIGABRT);
}

enum { THREAD_ROUNDS = 20000 };

static void *count_queries(void *arg)
{
    for (int i = 0; i < THREAD_ROUNDS; i++) {
        metrics_add(arg, METRICS_QUERIES, METRICS_TRANSPORT_UDP, 1);
        metrics_observe(arg, METRICS_HISTOGRAM_LATENCY_LOCAL, 0, 20);
    }
    return NULL;
}

/* The thread sanitizer sees the scrape beside the writers. */
static void a_scrape_beside_the_writers_is_well_formed_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_queries, f->sets[i]), 0);
    render(f);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    render(f);
    assert_line(f, "local53_queries_total{transport=\"udp\"} 40000");
    assert_line(f, "local53_local_latency_seconds_count 40000");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_itself_refuses_what_breaks_the_format),
        WITH_FIXTURE(every_row_has_help_and_type_even_before_anything_happened),
        WITH_FIXTURE(counts_of_all_threads_are_summed),
        WITH_FIXTURE(no_two_rows_share_a_cell),
        WITH_FIXTURE(labels_with_known_values_are_told_by_their_texts),
        WITH_FIXTURE(a_named_slot_is_told_and_keeps_its_place),
        WITH_FIXTURE(a_label_value_is_escaped),
        WITH_FIXTURE(the_last_slot_is_shared_by_all_that_found_none_free),
        WITH_FIXTURE(a_histogram_is_cumulative_in_seconds),
        WITH_FIXTURE(a_series_of_a_labelled_histogram_has_both_labels),
        WITH_FIXTURE(many_observations_count_as_each_alone),
        WITH_FIXTURE(info_lines_are_appended_as_they_are),
        WITH_FIXTURE(a_cell_outside_its_row_stops_the_process),
        WITH_FIXTURE(a_scrape_beside_the_writers_is_well_formed_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
