/* SVG pages: well-formed, self-contained, the same each time. How they look is for eyes. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/svg.h"
#include "sample_study.h"

#define DEPTH_MAX 16
#define NAME_MAX_OCTETS 16

static const struct sample sample = {
    .rate = 2000, .length_s = 2, .latency_us = 200, .loss = 0.001, .lookups = true, .stall = true};

static char *svg_of(struct study *study)
{
    char *text = svg_write(study);

    study_deinit(study);
    return text;
}

/* Every element is closed in order, and nothing is left of a '<' or '&' that meant itself. */
static void is_well_formed(const char *text)
{
    char open[DEPTH_MAX][NAME_MAX_OCTETS];
    size_t depth = 0;

    for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at + 1, '<')) {
        const char *end = strpbrk(at + 1, "<>");
        assert_true(end != NULL && *end == '>');
        char name[NAME_MAX_OCTETS] = "";
        bool closes = at[1] == '/';
        size_t len = strcspn(at + 1 + closes, " />\n");
        assert_true(len > 0 && len < sizeof(name));
        memcpy(name, at + 1 + closes, len);
        if (closes) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < DEPTH_MAX);
            memcpy(open[depth++], name, sizeof(name));
        }
    }
    assert_int_equal(depth, 0);
    for (const char *at = strchr(text, '&'); at != NULL; at = strchr(at + 1, '&'))
        assert_true(strncmp(at, "&lt;", 4) == 0 || strncmp(at, "&gt;", 4) == 0 ||
                    strncmp(at, "&amp;", 5) == 0);
}

/* No figure that is none, no script, nothing from elsewhere. */
static void is_self_contained(const char *text)
{
    static const char *const foreign[] = {"<script", "href",  "url(", "@import", "onload",
                                          "<image",  "\"nan", " nan", "Lnan",    "inf "};

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_null(strstr(text, foreign[i]));
    assert_memory_equal(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 40);
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
}

static void check(const char *text)
{
    is_well_formed(text);
    is_self_contained(text);
}

static void a_run_has_latency_rate_losses_and_percentiles(void **state)
{
    struct study study = sample_study_run(&sample, 1);
    (void)state;

    char *text = svg_of(&study);
    check(text);
    assert_non_null(strstr(text, ">dnsbench run: 127.0.0.1:5353 over udp<"));
    assert_non_null(strstr(text, ">Response time "));
    assert_non_null(strstr(text, ">Rate "));
    assert_non_null(strstr(text, ">Not answered in time and as expected "));
    assert_non_null(strstr(text, ">Latency by percentile<"));
    assert_non_null(strstr(text, ">whole lookups<"));
    assert_non_null(strstr(text, ">SLO 5.00 ms<"));
    assert_non_null(strstr(text, ">99.9 %<"));
    assert_non_null(strstr(text, "prefers-color-scheme:dark"));
    free(text);
}

static void what_did_not_happen_has_no_panel(void **state)
{
    struct study study =
        sample_study_run(&(struct sample){.rate = 1000, .length_s = 1, .latency_us = 50}, 2);
    (void)state;

    char *text = svg_of(&study);
    check(text);
    assert_null(strstr(text, "Not answered"));
    assert_null(strstr(text, "whole lookups"));
    free(text);
}

static void every_run_of_a_max_has_a_bar(void **state)
{
    struct study study = sample_study_max(3);
    (void)state;

    char *text = svg_of(&study);
    check(text);
    assert_non_null(strstr(text, ">window 16<"));
    assert_non_null(strstr(text, ">window 256<"));
    assert_non_null(strstr(text, " (not clean)<"));
    assert_non_null(strstr(text, "highest clean throughput: 5.50k/s<"));
    free(text);
}

/* How often a part occurs. */
static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void every_step_of_a_search_has_a_mark_beside_the_slo(void **state)
{
    struct study study = sample_study_search(4, 9);
    size_t met = 0;
    (void)state;

    for (size_t i = 0; i < study.count; i++)
        met += study.runs[i].verdict == VERDICT_PASS;
    char *text = svg_of(&study);
    check(text);
    assert_int_equal(count_of(text, "<circle class=\"A\""), met + 1);
    assert_int_equal(count_of(text, "<path class=\"b\""), 9 - met + 1);
    assert_non_null(strstr(text, ">SLO 5.00 ms<"));
    assert_non_null(strstr(text, "highest rate that met p99&lt;5ms,loss&lt;0.1%: 3.45k/s<"));
    free(text);
}

static void a_compare_has_a_ratio_for_each_metric_and_both_curves(void **state)
{
    struct study study = sample_study_compare(5);
    (void)state;

    char *text = svg_of(&study);
    check(text);
    assert_non_null(strstr(text, ">0.9510 (0.9420..0.9590)<"));
    assert_non_null(strstr(text, ">cpu<"));
    assert_non_null(strstr(text, ">A<"));
    assert_non_null(strstr(text, ">B<"));
    free(text);
}

static void the_same_study_gives_the_same_octets(void **state)
{
    struct study a = sample_study_run(&sample, 6);
    struct study b = sample_study_run(&sample, 6);
    (void)state;

    char *first = svg_of(&a);
    char *second = svg_of(&b);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void texts_from_outside_cannot_become_markup(void **state)
{
    struct study study = sample_study_run(&sample, 7);
    (void)state;

    sample_text(study.runs[0].setup.server, sizeof(study.runs[0].setup.server),
                "<script>&\"x\"</script>");
    study_judge(&study, VERDICT_FAILED, "a < b && c > d");
    char *text = svg_of(&study);
    check(text);
    assert_non_null(strstr(text, "&lt;script&gt;&amp;"));
    free(text);
}

/* Studies that have nothing to draw, or figures that are none, are drawn all the same. */
static void empty_and_odd_studies_are_pages_too(void **state)
{
    static const char *const commands[] = {"run", "max", "search", "compare"};
    (void)state;

    for (size_t i = 0; i < 4; i++) {
        struct study study = sample_study_of(commands[i]);
        study.comparison_count = 1;
        study.comparisons[0] =
            (struct comparison){"p50", false, 0.0 / 0.0, -1.0 / 0.0, 1.0 / 0.0, 0, 0};
        for (size_t run = 0; run < 2; run++) {
            struct result *result = study_add(&study);
            result_init(result, &(struct series_shape){.length_ns = run * 50 * NS_PER_MS,
                                                       .interval_ns = 1,
                                                       .slo_ns = UINT64_MAX});
            sample_text(result->name, sizeof(result->name), run == 0 ? "A" : "B");
            result->setup.rate = run == 0 ? 0 : 1e18;
            result->setup.slo_ns = UINT64_MAX;
        }
        char *text = svg_of(&study);
        check(text);
        free(text);
        study = sample_study_of(commands[i]);
        text = svg_of(&study);
        check(text);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_has_latency_rate_losses_and_percentiles),
        cmocka_unit_test(what_did_not_happen_has_no_panel),
        cmocka_unit_test(every_run_of_a_max_has_a_bar),
        cmocka_unit_test(every_step_of_a_search_has_a_mark_beside_the_slo),
        cmocka_unit_test(a_compare_has_a_ratio_for_each_metric_and_both_curves),
        cmocka_unit_test(the_same_study_gives_the_same_octets),
        cmocka_unit_test(texts_from_outside_cannot_become_markup),
        cmocka_unit_test(empty_and_odd_studies_are_pages_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
