/* svg_chart: one chart of an SVG page.
 * Owns: nothing; writes to the page's stream. Thread: any.
 * Bounds: TICKS_MAX ticks an axis, TAIL_STEPS points a curve. Fails: never; values out of range
 * are moved to the edge. */
#include "svg_chart.h"

#include <math.h>
#include <string.h>

#define TICKS_MAX 24
#define TICKS_WANTED 5
#define TAIL_STEPS 300
#define TAIL_END_MAX 6  /* 99.9999 % */
#define LOG_MARGIN 1.15 /* what is drawn stays off the edges */
#define EDGE_REACH 14   /* pixels a label at the right edge may stand beyond it */
#define LABEL_HEIGHT 16 /* pixels */
#define LEGEND_STEP 6.4 /* pixels a character */

/* ---- Axes ------------------------------------------------------------------------------------ */

/* 1, 2 or 5 times a power of ten, not below value (above 0). */
static double round_up(double value)
{
    double power = pow(10, floor(log10(value)));

    for (int i = 0; i < 3; i++) {
        double round = power * (double[]){1, 2, 5}[i];
        if (round >= value * (1 - 1e-9))
            return round;
    }
    return 10 * power;
}

static double round_down(double value)
{
    double power = pow(10, floor(log10(value) + 1e-9));

    for (int i = 2; i > 0; i--) {
        double round = power * (double[]){1, 2, 5}[i];
        if (round <= value * (1 + 1e-9))
            return round;
    }
    return power;
}

static double tick_step(double span)
{
    return round_up(span / TICKS_WANTED);
}

struct svg_axis svg_linear(double low, double high, enum svg_unit unit, const char *label)
{
    struct svg_axis axis = {.unit = unit, .label = label};

    axis.low = isfinite(low) ? low : 0;
    axis.high = isfinite(high) && high > axis.low ? high : axis.low + 1;
    return axis;
}

struct svg_axis svg_log(double low, double high, enum svg_unit unit, const char *label)
{
    struct svg_axis axis = {.log = true, .unit = unit, .label = label};

    axis.low = isfinite(low) && low > 0 ? round_down(low / LOG_MARGIN) : 1;
    axis.high = isfinite(high) && high > axis.low ? round_up(high * LOG_MARGIN) : axis.low;
    if (axis.high <= axis.low * (1 + 1e-9))
        axis.high = 10 * axis.low;
    return axis;
}

/* Where on an axis a value stands, 0..1. */
static double fraction(const struct svg_axis *axis, double value)
{
    double at = axis->log ? log(fmax(value, axis->low) / axis->low) / log(axis->high / axis->low)
                          : (value - axis->low) / (axis->high - axis->low);

    return isfinite(at) ? fmin(fmax(at, 0), 1) : 0;
}

double svg_x(const struct svg_chart *chart, double value)
{
    return chart->left + chart->width * fraction(&chart->x, value);
}

double svg_y(const struct svg_chart *chart, double value)
{
    return chart->top + chart->height * (1 - fraction(&chart->y, value));
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static void write_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        default: fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
        }
    }
}

void svg_text(FILE *out, double x, double y, const char *classes, const char *text)
{
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", classes, x, y);
    write_escaped(out, text);
    fputs("</text>\n", out);
}

static const char *write_scaled(double value, const char *const *suffixes, char *out, size_t size)
{
    size_t i = 0;

    for (; value >= 999.5 && suffixes[i + 1] != NULL; i++)
        value /= 1000;
    snprintf(out, size, "%.3g%s", value, suffixes[i]);
    return out;
}

/* Shares of the tail: 50 % and those with nines only. */
static const char *write_tail(double value, char *out, size_t size)
{
    int nines = (int)(value + 0.01);

    snprintf(out, size, "%.*f %%", nines > 2 ? nines - 2 : 0, 100 * (1 - pow(10, -value)));
    return out;
}

const char *svg_write_tick(enum svg_unit unit, double value, char *out, size_t size)
{
    static const char *const durations[] = {" ns", " µs", " ms", " s", NULL};
    static const char *const rates[] = {"", "k", "M", NULL};

    switch (unit) {
    case SVG_DURATION: return write_scaled(value, durations, out, size);
    case SVG_RATE: return write_scaled(value, rates, out, size);
    case SVG_TAIL: return write_tail(value, out, size);
    case SVG_SECONDS: snprintf(out, size, "%.6g s", value); break;
    case SVG_SHARE: snprintf(out, size, "%.3g %%", 100 * value); break;
    case SVG_RATIO: snprintf(out, size, "%.4g", value); break;
    }
    return out;
}

/* ---- Frame ----------------------------------------------------------------------------------- */

static size_t linear_ticks(const struct svg_axis *axis, double ticks[TICKS_MAX])
{
    double step = tick_step(axis->high - axis->low);
    double first = ceil(axis->low / step - 1e-9);
    size_t count = 0;

    for (; count < TICKS_MAX && (first + (double)count) * step <= axis->high + step * 1e-6; count++)
        ticks[count] = (first + (double)count) * step;
    return count;
}

/* Powers of ten; within three of them 2 and 5 times these too. */
static size_t log_ticks(const struct svg_axis *axis, double ticks[TICKS_MAX])
{
    int step = axis->high / axis->low <= 1000 * (1 + 1e-9) ? 1 : 3;
    double power = pow(10, floor(log10(axis->low) + 1e-9));
    size_t count = 0;

    for (int i = 0; count < TICKS_MAX; i += step) {
        int decade = i / 3;
        double tick = power * pow(10, decade) * (double[]){1, 2, 5}[i % 3];
        if (tick > axis->high * (1 + 1e-9))
            break;
        if (tick >= axis->low * (1 - 1e-9))
            ticks[count++] = tick;
    }
    return count;
}

static size_t tail_ticks(const struct svg_axis *axis, double ticks[TICKS_MAX])
{
    int nines = (int)(axis->high + 1e-9);
    size_t count = 0;

    ticks[count++] = 0;
    ticks[count++] = log10(2);
    for (int i = 1; i <= nines && count < TICKS_MAX; i++)
        ticks[count++] = i;
    return count;
}

static size_t axis_ticks(const struct svg_axis *axis, double ticks[TICKS_MAX])
{
    if (axis->unit == SVG_TAIL)
        return tail_ticks(axis, ticks);
    return axis->log ? log_ticks(axis, ticks) : linear_ticks(axis, ticks);
}

static void write_line(FILE *out, const char *classes, const double at[4])
{
    fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", classes, at[0], at[1], at[2],
            at[3]);
}

static void frame_x(const struct svg_chart *chart)
{
    double ticks[TICKS_MAX];
    double bottom = chart->top + chart->height;
    size_t count = chart->bare_x ? 0 : axis_ticks(&chart->x, ticks);
    char text[32];

    for (size_t i = 0; i < count; i++) {
        double x = svg_x(chart, ticks[i]);
        write_line(chart->out, "g", (double[]){x, chart->top, x, bottom});
        svg_write_tick(chart->x.unit, ticks[i], text, sizeof(text));
        if (x > chart->left + chart->width - 1)
            svg_text(chart->out, x + EDGE_REACH, bottom + 16, "k e", text);
        else
            svg_text(chart->out, x, bottom + 16, "k c", text);
    }
    svg_text(chart->out, chart->left + chart->width / 2, bottom + 34, "k c", chart->x.label);
}

static void frame_y(const struct svg_chart *chart)
{
    double ticks[TICKS_MAX];
    size_t count = chart->bare_y ? 0 : axis_ticks(&chart->y, ticks);
    char text[32];

    for (size_t i = 0; i < count; i++) {
        double y = svg_y(chart, ticks[i]);
        write_line(chart->out, "g", (double[]){chart->left, y, chart->left + chart->width, y});
        svg_text(chart->out, chart->left - 8, y + 4, "k e",
                 svg_write_tick(chart->y.unit, ticks[i], text, sizeof(text)));
    }
}

static void frame_title(const struct svg_chart *chart)
{
    fprintf(chart->out, "<text class=\"h\" x=\"%.1f\" y=\"%.1f\">", chart->left, chart->top - 12);
    write_escaped(chart->out, chart->title);
    if (chart->y.label[0] != '\0') {
        fputs(" <tspan class=\"k i\">", chart->out);
        write_escaped(chart->out, chart->y.label);
        fputs("</tspan>", chart->out);
    }
    fputs("</text>\n", chart->out);
}

void svg_frame(const struct svg_chart *chart)
{
    frame_title(chart);
    frame_x(chart);
    frame_y(chart);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

void svg_path_begin(struct svg_path *path, const struct svg_chart *chart, const char *classes)
{
    *path = (struct svg_path){.chart = chart};
    fprintf(chart->out, "<path class=\"%s\" d=\"", classes);
}

void svg_path_point(struct svg_path *path, double x, double y)
{
    fprintf(path->chart->out, "%s%.1f %.1f", path->drawing ? "L" : "M", svg_x(path->chart, x),
            svg_y(path->chart, y));
    path->drawing = true;
}

void svg_path_break(struct svg_path *path)
{
    path->drawing = false;
}

void svg_path_end(struct svg_path *path)
{
    fputs("\"/>\n", path->chart->out);
}

void svg_disc(const struct svg_chart *chart, const char *classes, double x, double y)
{
    fprintf(chart->out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>\n", classes,
            svg_x(chart, x), svg_y(chart, y));
}

void svg_level(const struct svg_chart *chart, double y, const char *classes, const char *label)
{
    double at = svg_y(chart, y);

    write_line(chart->out, classes, (double[]){chart->left, at, chart->left + chart->width, at});
    at += at < chart->top + LABEL_HEIGHT ? LABEL_HEIGHT - 2 : -5;
    svg_text(chart->out, chart->left + chart->width - 4, at, "k e o", label);
}

void svg_upright(const struct svg_chart *chart, double x, const char *classes, const char *label)
{
    double at = svg_x(chart, x);
    bool right = at > chart->left + chart->width / 2;

    write_line(chart->out, classes, (double[]){at, chart->top, at, chart->top + chart->height});
    svg_text(chart->out, at + (right ? -5 : 5), chart->top + 13, right ? "k e o" : "k o", label);
}

void svg_legend(const struct svg_chart *chart, const char *const *classes, const char *const *texts,
                size_t count)
{
    double x = chart->left + chart->width;
    double y = chart->top - 16;

    while (count-- > 0) {
        svg_text(chart->out, x, y + 4, "k e", texts[count]);
        x -= LEGEND_STEP * (double)strlen(texts[count]) + 12;
        write_line(chart->out, classes[count], (double[]){x - 24, y, x, y});
        x -= 42;
    }
}

/* ---- Tails ----------------------------------------------------------------------------------- */

double svg_tail_end(const struct histogram *h)
{
    double end = h->total > 1 ? log10((double)h->total) : 1;

    return fmin(fmax(end, 1), TAIL_END_MAX);
}

/* The part that was measured, or the part that is only known to be at least so much. */
static void tail_part(const struct svg_chart *chart, const struct histogram *h, const char *classes,
                      bool at_least)
{
    struct svg_path path;
    double end = svg_tail_end(h);

    svg_path_begin(&path, chart, classes);
    for (int i = 0; i <= TAIL_STEPS; i++) {
        double tail = end * i / TAIL_STEPS;
        struct quantile q = histogram_quantile(h, 1 - pow(10, -tail));
        if (q.at_least == at_least)
            svg_path_point(&path, tail, (double)q.ns);
    }
    svg_path_end(&path);
}

void svg_tail(const struct svg_chart *chart, const struct histogram *h, const char *classes)
{
    char dashed[64];

    if (h->total == 0)
        return;
    if (h->censored < h->total)
        tail_part(chart, h, classes, false);
    snprintf(dashed, sizeof(dashed), "%s q", classes);
    if (h->censored > 0)
        tail_part(chart, h, dashed, true);
}
