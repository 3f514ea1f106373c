/* table_private: the lines of a table while it is written, and its parts. Lines have a weight:
 * when there are too many, the lightest go first, the last of equals before the others. */
#ifndef DNSBENCH_REPORT_TABLE_PRIVATE_H
#define DNSBENCH_REPORT_TABLE_PRIVATE_H

#include <stddef.h>

#include "measure/result.h"

#define TABLE_COLUMNS 98
#define TABLE_LINE_OCTETS 256
#define TABLE_COLLECTED_MAX 96 /* lines collected; more are not taken */

enum table_weight {
    TABLE_BLANK,  /* between paragraphs */
    TABLE_EXTRA,  /* also in the JSON, seldom needed at once */
    TABLE_DETAIL, /* worth its line */
    TABLE_KEEP    /* never dropped; a command has fewer than TABLE_LINES_MAX of these */
};

struct table {
    size_t count;                                       /* lines in use */
    unsigned char weight[TABLE_COLLECTED_MAX];          /* enum table_weight of each */
    char lines[TABLE_COLLECTED_MAX][TABLE_LINE_OCTETS]; /* without line ends */
};

/* Adds a line, cut to fit. */
void table_line(struct table *table, enum table_weight weight, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds an empty line. */
void table_blank(struct table *table);

/* One line of cells, each flushed right in its columns (negative: left). */
struct table_row {
    size_t len;                   /* octets used */
    char text[TABLE_LINE_OCTETS]; /* so far */
};

/* Appends a cell of so many columns; the text is printed as it is when it is wider. */
void table_cell(struct table_row *row, int columns, const char *text);

/* What was asked for: the server, and beneath it load, workload and tester. */
void table_server(struct table *table, const char *label, const struct result *run);
void table_setup(struct table *table, const struct result *run, const char *load);

/* "queries at 20.0k/s, poisson,": the load of one run. out has size octets; gives out. */
const char *table_write_load(const struct setup *setup, char *out, size_t size);

/* The tables of the commands, without the verdict. */
void table_run(struct table *table, const struct result *run);
void table_max(struct table *table, const struct study *study);
void table_search(struct table *table, const struct study *study);
void table_compare(struct table *table, const struct study *study);

#endif
