/* svg_chart: axes, lines and marks of one chart on an SVG page. Private to this layer.
 * Coordinates are written with one decimal, so the same values give the same octets. */
#ifndef DNSBENCH_REPORT_SVG_CHART_H
#define DNSBENCH_REPORT_SVG_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "measure/histogram.h"

/* What an axis shows. */
enum svg_unit {
    SVG_SECONDS,  /* since the start of the measured time */
    SVG_DURATION, /* nanoseconds */
    SVG_RATE,     /* events a second */
    SVG_SHARE,    /* 0..1, told in percent */
    SVG_RATIO,    /* of two figures */
    SVG_TAIL      /* log10(1 / (1 - share)): 0 is 0 %, 1 is 90 %, 2 is 99 % */
};

struct svg_axis {
    double low;         /* value at the left or lower end */
    double high;        /* at the other; above low */
    bool log;           /* logarithmic; low is above 0 */
    enum svg_unit unit; /* of the values */
    const char *label;  /* borrowed; with the unit */
};

struct svg_chart {
    FILE *out;         /* borrowed */
    const char *title; /* borrowed */
    double left;       /* of the plot in pixels */
    double top;        /* the same */
    double width;      /* the same */
    double height;     /* the same */
    struct svg_axis x; /* from left to right */
    struct svg_axis y; /* from the bottom up */
    bool bare_x;       /* no ticks along x: the caller labels what stands there */
    bool bare_y;       /* the same along y */
};

/* An axis that holds these values, its ends at round numbers; linear ones begin at low itself.
 * What is not finite or above 0 where it has to be is replaced, so that there always is an axis. */
struct svg_axis svg_linear(double low, double high, enum svg_unit unit, const char *label);
struct svg_axis svg_log(double low, double high, enum svg_unit unit, const char *label);

/* Where a value stands in pixels; values beyond an end stand at the end. */
double svg_x(const struct svg_chart *chart, double value);
double svg_y(const struct svg_chart *chart, double value);

/* Title, grid, ticks and labels of the axes. */
void svg_frame(const struct svg_chart *chart);

/* A line through points: begin, any number of points, end. A break leaves a gap. */
struct svg_path {
    const struct svg_chart *chart; /* borrowed */
    bool drawing;                  /* the pen is down */
};
void svg_path_begin(struct svg_path *path, const struct svg_chart *chart, const char *classes);
void svg_path_point(struct svg_path *path, double x, double y);
void svg_path_break(struct svg_path *path);
void svg_path_end(struct svg_path *path);

/* A small disc at a value. */
void svg_disc(const struct svg_chart *chart, const char *classes, double x, double y);

/* A level line over the whole chart with a label at its right end; and an upright one with the
 * label at its top. */
void svg_level(const struct svg_chart *chart, double y, const char *classes, const char *label);
void svg_upright(const struct svg_chart *chart, double x, const char *classes, const char *label);

/* Legend entries at the chart's upper right, from right to left; classes and texts are count
 * strings each. */
void svg_legend(const struct svg_chart *chart, const char *const *classes, const char *const *texts,
                size_t count);

/* A histogram's quantiles over SVG_TAIL, dashed from where they are only known to be at least so
 * much. */
void svg_tail(const struct svg_chart *chart, const struct histogram *h, const char *classes);

/* How far to the right that curve goes. */
double svg_tail_end(const struct histogram *h);

/* A text; anchor is start, middle or end. What SVG would take for its own is escaped. */
void svg_text(FILE *out, double x, double y, const char *classes, const char *text);

/* Writes a value as the ticks have it. out has size octets; gives out. */
const char *svg_write_tick(enum svg_unit unit, double value, char *out, size_t size);

#endif
