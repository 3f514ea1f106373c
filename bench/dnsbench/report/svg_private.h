/* svg_private: the panels of each command; each takes the page's next free row and gives where
 * the row after it begins. Private to svg. */
#ifndef DNSBENCH_REPORT_SVG_PRIVATE_H
#define DNSBENCH_REPORT_SVG_PRIVATE_H

#include <stdio.h>

#include "measure/result.h"

#define SVG_WIDTH 960.0
#define SVG_LEFT 76.0                              /* of the plots */
#define SVG_PLOT_WIDTH (SVG_WIDTH - SVG_LEFT - 28) /* the same */

/* A panel's way down the page. */
struct svg_page {
    FILE *out; /* borrowed */
    double y;  /* first free pixel */
};

/* The panels of a command. */
void svg_run(struct svg_page *page, const struct result *run);
void svg_max(struct svg_page *page, const struct study *study);
void svg_search(struct svg_page *page, const struct study *study);
void svg_compare(struct svg_page *page, const struct study *study);

#endif
