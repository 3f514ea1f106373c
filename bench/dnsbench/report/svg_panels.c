/* svg_panels: what is drawn of a run and of studies.
 * Owns: nothing. Thread: any.
 * Bounds: a point an interval, a mark a run. Fails: never; a panel without data is left out. */
#include <math.h>
#include <string.h>

#include "figures.h"
#include "svg_chart.h"
#include "svg_private.h"

#define TITLE_HEIGHT 44
#define AXIS_HEIGHT 46
#define BARS_MAX 24
#define RATIO_LEFT 30   /* room for the longest metric */
#define RATIO_RIGHT 160 /* room for the figures */
#define RATIO_ROW 34
#define DISCS_MAX 60 /* points over time that get a disc each; more are a line only */

/* The next chart of a page, so high. */
static struct svg_chart next_chart(struct svg_page *page, const char *title, double height)
{
    struct svg_chart chart = {
        .out = page->out,
        .title = title,
        .left = SVG_LEFT,
        .top = page->y + TITLE_HEIGHT,
        .width = SVG_PLOT_WIDTH,
        .height = height,
    };

    page->y += TITLE_HEIGHT + height + AXIS_HEIGHT;
    return chart;
}

/* Smallest and largest of what is drawn. */
struct range {
    double low;  /* infinite while there is nothing */
    double high; /* the same */
};

static const struct range range_empty = {HUGE_VAL, -HUGE_VAL};

static void range_add(struct range *range, double value)
{
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* ---- A run over time ------------------------------------------------------------------------- */

/* What a line over time shows of an interval; below 0 leaves a gap. */
typedef double interval_value(const struct series *series, size_t index);

static double interval_seconds(const struct series *series, size_t index)
{
    uint64_t begin = index * series->interval_ns;
    uint64_t left = series->length_ns - begin;

    return (double)(left < series->interval_ns ? left : series->interval_ns) / 1e9;
}

static double p50_of(const struct series *series, size_t index)
{
    const struct sketch *sketch = &series->intervals[index].latency;

    return sketch->total > 0 ? (double)sketch_quantile(sketch, 0.5) : -1;
}

static double p99_of(const struct series *series, size_t index)
{
    const struct sketch *sketch = &series->intervals[index].latency;

    return sketch->total > 0 ? (double)sketch_quantile(sketch, 0.99) : -1;
}

static double max_of(const struct series *series, size_t index)
{
    const struct sketch *sketch = &series->intervals[index].latency;

    return sketch->total > 0 ? (double)sketch->max_ns : -1;
}

static double sent_rate(const struct series *series, size_t index)
{
    return (double)series->intervals[index].sent / interval_seconds(series, index);
}

static double ok_rate(const struct series *series, size_t index)
{
    return (double)series->intervals[index].ok / interval_seconds(series, index);
}

static double lost_rate(const struct series *series, size_t index)
{
    return (double)series->intervals[index].lost / interval_seconds(series, index);
}

/* The middle of an interval, in seconds. */
static double interval_middle(const struct series *series, size_t index)
{
    return (double)(index * series->interval_ns) / 1e9 + interval_seconds(series, index) / 2;
}

static void time_discs(const struct svg_chart *chart, const struct series *series,
                       interval_value *value, const char *classes)
{
    for (size_t i = 0; i < series->interval_count && series->interval_count <= DISCS_MAX; i++) {
        if (value(series, i) >= 0)
            svg_disc(chart, classes, interval_middle(series, i), value(series, i));
    }
}

static void time_line(const struct svg_chart *chart, const struct series *series,
                      interval_value *value, const char *classes)
{
    struct svg_path path;

    svg_path_begin(&path, chart, classes);
    for (size_t i = 0; i < series->interval_count; i++) {
        if (value(series, i) < 0)
            svg_path_break(&path);
        else
            svg_path_point(&path, interval_middle(series, i), value(series, i));
    }
    svg_path_end(&path);
}

static void time_range(struct range *range, const struct series *series, interval_value *value)
{
    for (size_t i = 0; i < series->interval_count; i++) {
        if (value(series, i) >= 0)
            range_add(range, value(series, i));
    }
}

static struct svg_axis time_axis(const struct series *series)
{
    return svg_linear(0, (double)series->length_ns / 1e9, SVG_SECONDS,
                      "time since the start of the measurement");
}

static void latency_over_time(struct svg_page *page, const struct series *series)
{
    static const char *const classes[] = {"a", "b", "d p"};
    static const char *const texts[] = {"p50", "p99", "max"};
    struct range range = range_empty;
    char figure[FIGURES_TEXT_MAX];
    char label[2 * FIGURES_TEXT_MAX];

    time_range(&range, series, p50_of);
    time_range(&range, series, max_of);
    if (series->slo_ns != UINT64_MAX)
        range_add(&range, (double)series->slo_ns);
    struct svg_chart chart = next_chart(page, "Response time", 220);
    chart.x = time_axis(series);
    snprintf(label, sizeof(label), "from when a query was due; a point each %s",
             units_write_duration(series->interval_ns, figure));
    chart.y = svg_log(range.low, range.high, SVG_DURATION, label);
    svg_frame(&chart);
    svg_legend(&chart, classes, texts, 3);
    time_line(&chart, series, max_of, "d p");
    time_line(&chart, series, p99_of, "b");
    time_line(&chart, series, p50_of, "a");
    time_discs(&chart, series, max_of, "D");
    time_discs(&chart, series, p99_of, "B");
    time_discs(&chart, series, p50_of, "A");
    if (series->slo_ns == UINT64_MAX)
        return;
    snprintf(label, sizeof(label), "SLO %s", figures_write_ns((double)series->slo_ns, figure));
    svg_level(&chart, (double)series->slo_ns, "w q", label);
}

static void rate_over_time(struct svg_page *page, const struct series *series)
{
    static const char *const classes[] = {"f p", "a"};
    static const char *const texts[] = {"sent", "answered in time"};
    struct range range = {0, 0};
    struct svg_chart chart = next_chart(page, "Rate", 110);

    time_range(&range, series, sent_rate);
    time_range(&range, series, ok_rate);
    chart.x = time_axis(series);
    chart.y = svg_linear(0, 1.1 * range.high, SVG_RATE, "queries/s");
    svg_frame(&chart);
    svg_legend(&chart, classes, texts, 2);
    time_line(&chart, series, sent_rate, "f p");
    time_line(&chart, series, ok_rate, "a");
    time_discs(&chart, series, ok_rate, "A");
}

/* Bars from the ground up, one an interval. */
static void losses_over_time(struct svg_page *page, const struct series *series)
{
    struct range range = {0, 0};

    time_range(&range, series, lost_rate);
    if (range.high <= 0)
        return;
    struct svg_chart chart = next_chart(page, "Not answered in time and as expected", 60);
    chart.x = time_axis(series);
    chart.y = svg_linear(0, range.high, SVG_RATE, "queries/s");
    svg_frame(&chart);
    for (size_t i = 0; i < series->interval_count; i++) {
        double begin = (double)(i * series->interval_ns) / 1e9;
        double left = svg_x(&chart, begin);
        double right = svg_x(&chart, begin + interval_seconds(series, i));
        double top = svg_y(&chart, lost_rate(series, i));
        if (series->intervals[i].lost > 0)
            fprintf(page->out,
                    "<rect class=\"B\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                    left, top, fmax(right - left - 1, 0.8), chart.top + chart.height - top);
    }
}

/* ---- Percentiles ----------------------------------------------------------------------------- */

struct curve {
    const struct histogram *h; /* borrowed */
    const char *classes;       /* borrowed */
    const char *text;          /* borrowed; of the legend */
};

/* Up to four curves over each other; those without values are left out. */
static void percentile_panel(struct svg_page *page, const struct curve *curves, size_t count)
{
    const char *classes[4];
    const char *texts[4];
    struct range range = range_empty;
    double end = 1;
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (curves[i].h->total == 0)
            continue;
        range_add(&range, (double)curves[i].h->min_ns);
        range_add(&range, (double)curves[i].h->max_ns);
        end = fmax(end, svg_tail_end(curves[i].h));
        classes[used] = curves[i].classes;
        texts[used++] = curves[i].text;
    }
    if (used == 0)
        return;
    struct svg_chart chart = next_chart(page, "Latency by percentile", 240);
    chart.x =
        svg_linear(0, end, SVG_TAIL, "share at or below (dotted: known only to be at least this)");
    chart.y = svg_log(range.low, range.high, SVG_DURATION, "");
    svg_frame(&chart);
    svg_legend(&chart, classes, texts, used);
    for (size_t i = 0; i < count; i++)
        svg_tail(&chart, curves[i].h, curves[i].classes);
}

void svg_run(struct svg_page *page, const struct result *run)
{
    const struct curve curves[] = {
        {&run->service, "d p", "service (from when sent)"},
        {&run->response, "a", "response (from when due)"},
        {&run->lookup, "b", "whole lookups"},
    };

    if (run->series.interval_count > 0) {
        latency_over_time(page, &run->series);
        rate_over_time(page, &run->series);
        losses_over_time(page, &run->series);
    }
    percentile_panel(page, curves, sizeof(curves) / sizeof(curves[0]));
}

/* ---- max ------------------------------------------------------------------------------------- */

/* One bar of count, with its figure above and its name below. */
static void draw_bar(const struct svg_chart *chart, const struct result *run, size_t index,
                     size_t count)
{
    double rate = figures_per_second(run, run->measured.outcome[OUTCOME_OK]);
    double step = chart->width / (double)count;
    double width = fmin(0.6 * step, 120);
    double middle = chart->left + ((double)index + 0.5) * step;
    double top = svg_y(chart, rate);
    double bottom = chart->top + chart->height;
    char text[UNITS_TEXT_MAX + 16];
    char written[UNITS_TEXT_MAX];

    fprintf(chart->out,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
            run->verdict == VERDICT_PASS ? "A" : "F", middle - width / 2, top, width, bottom - top);
    snprintf(text, sizeof(text), "%s%s", units_write_rate(rate, written),
             run->verdict == VERDICT_PASS ? "" : " (not clean)");
    svg_text(chart->out, middle, top - 6, "h c", text);
    svg_text(chart->out, middle, bottom + 16, "k c", run->name);
}

void svg_max(struct svg_page *page, const struct study *study)
{
    size_t count = study->count < BARS_MAX ? study->count : BARS_MAX;
    struct range range = {0, 0};

    for (size_t i = 0; i < count; i++)
        range_add(&range,
                  figures_per_second(&study->runs[i], study->runs[i].measured.outcome[OUTCOME_OK]));
    if (count == 0)
        return;
    struct svg_chart chart = next_chart(page, "Throughput", 260);
    chart.x = svg_linear(0, 1, SVG_RATIO, "queries kept in flight");
    chart.y = svg_linear(0, 1.12 * range.high, SVG_RATE, "queries/s answered in time");
    chart.bare_x = true;
    svg_frame(&chart);
    for (size_t i = 0; i < count; i++)
        draw_bar(&chart, &study->runs[i], i, count);
}

/* ---- search ---------------------------------------------------------------------------------- */

static double step_p99(const struct result *run)
{
    return (double)histogram_quantile(&run->response, 0.99).ns;
}

/* A disc met the SLO, a cross did not, a ring says nothing. */
static void draw_step(const struct svg_chart *chart, const struct result *run)
{
    double x = svg_x(chart, run->setup.rate);
    double y = svg_y(chart, step_p99(run));

    if (run->verdict == VERDICT_PASS)
        fprintf(chart->out, "<circle class=\"A\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x, y);
    else if (run->verdict == VERDICT_INVALID)
        fprintf(chart->out, "<path class=\"f\" d=\"M%.1f %.1fa5 5 0 1 0 10 0a5 5 0 1 0 -10 0\"/>\n",
                x - 5, y);
    else
        fprintf(chart->out, "<path class=\"b\" d=\"M%.1f %.1fl10 10M%.1f %.1fl10 -10\"/>\n", x - 5,
                y - 5, x - 5, y + 5);
}

static void search_legend(const struct svg_chart *chart)
{
    double x = chart->left + chart->width - 330;
    double y = chart->top - 16;

    fprintf(chart->out, "<circle class=\"A\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x, y);
    svg_text(chart->out, x + 11, y + 4, "k", "met");
    fprintf(chart->out, "<path class=\"b\" d=\"M%.1f %.1fl10 10M%.1f %.1fl10 -10\"/>\n", x + 60,
            y - 5, x + 60, y + 5);
    svg_text(chart->out, x + 76, y + 4, "k", "not met");
    fprintf(chart->out, "<path class=\"f\" d=\"M%.1f %.1fa5 5 0 1 0 10 0a5 5 0 1 0 -10 0\"/>\n",
            x + 148, y);
    svg_text(chart->out, x + 164, y + 4, "k", "the tester was the limit");
}

static void search_marks(const struct svg_chart *chart, const struct study *study)
{
    uint64_t slo_ns = study->runs[0].setup.slo_ns;
    char figure[FIGURES_TEXT_MAX];
    char label[RESULT_TEXT_MAX];

    if (slo_ns != UINT64_MAX) {
        snprintf(label, sizeof(label), "SLO %s", figures_write_ns((double)slo_ns, figure));
        svg_level(chart, (double)slo_ns, "w q", label);
    }
    if (study->answer > 0) {
        snprintf(label, sizeof(label), "highest that met it: %s",
                 units_write_rate(study->answer, figure));
        svg_upright(chart, study->answer, "a q", label);
    }
}

void svg_search(struct svg_page *page, const struct study *study)
{
    struct range rates = range_empty;
    struct range latencies = range_empty;

    for (size_t i = 0; i < study->count; i++) {
        range_add(&rates, study->runs[i].setup.rate);
        if (study->runs[i].response.total > 0)
            range_add(&latencies, step_p99(&study->runs[i]));
    }
    if (study->count == 0)
        return;
    if (study->runs[0].setup.slo_ns != UINT64_MAX)
        range_add(&latencies, (double)study->runs[0].setup.slo_ns);
    struct svg_chart chart = next_chart(page, "p99 of responses by rate", 320);
    chart.x =
        rates.high > 5 * rates.low
            ? svg_log(rates.low, rates.high, SVG_RATE, "queries/s asked for")
            : svg_linear(0.95 * rates.low, 1.05 * rates.high, SVG_RATE, "queries/s asked for");
    chart.y = svg_log(latencies.low, latencies.high, SVG_DURATION, "");
    svg_frame(&chart);
    search_legend(&chart);
    search_marks(&chart, study);
    for (size_t i = 0; i < study->count; i++)
        draw_step(&chart, &study->runs[i]);
}

/* ---- compare --------------------------------------------------------------------------------- */

/* Ratio and interval of a metric on their own line. */
static void draw_ratio(const struct svg_chart *chart, const struct comparison *c, double y)
{
    double low = svg_x(chart, c->low);
    double high = svg_x(chart, c->high);
    bool found = c->low > 1 || c->high < 1;
    char text[64];

    fprintf(chart->out,
            "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1fM%.1f %.1fv10M%.1f %.1fv10\"/>\n",
            found ? "b" : "f", low, y, high, y, low, y - 5, high, y - 5);
    fprintf(chart->out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n",
            found ? "B" : "F", svg_x(chart, c->ratio), y);
    svg_text(chart->out, chart->left - 8, y + 4, "k e", c->metric);
    snprintf(text, sizeof(text), "%.4f (%.4f..%.4f)", c->ratio, c->low, c->high);
    svg_text(chart->out, chart->left + chart->width + 12, y + 4, "k", text);
}

static void ratio_panel(struct svg_page *page, const struct study *study)
{
    struct range range = {0.98, 1.02};
    size_t count = study->comparison_count;

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        range_add(&range, study->comparisons[i].low);
        range_add(&range, study->comparisons[i].high);
    }
    double reach = 1.15 * fmax(range.high - 1, 1 - range.low);
    struct svg_chart chart =
        next_chart(page, "B over A: median ratio and its interval", RATIO_ROW * (double)count);
    chart.left += RATIO_LEFT;
    chart.width -= RATIO_LEFT + RATIO_RIGHT;
    chart.x = svg_linear(1 - reach, 1 + reach, SVG_RATIO, "1 is equal; grey: no difference found");
    chart.y = svg_linear(0, 1, SVG_RATIO, "");
    chart.bare_y = true;
    svg_frame(&chart);
    svg_upright(&chart, 1, "w", "");
    for (size_t i = 0; i < count; i++)
        draw_ratio(&chart, &study->comparisons[i], chart.top + RATIO_ROW * ((double)i + 0.5));
}

void svg_compare(struct svg_page *page, const struct study *study)
{
    const struct result *a = figures_run(study, "A");
    const struct result *b = figures_run(study, "B");

    ratio_panel(page, study);
    if (a == NULL || b == NULL)
        return;
    const struct curve curves[] = {{&a->response, "a", "A"}, {&b->response, "b", "B"}};
    percentile_panel(page, curves, sizeof(curves) / sizeof(curves[0]));
}
