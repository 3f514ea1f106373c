/* report: what is wrong with a configuration, in the words its author needs: file:line:column, the
 * key's path, what was found, what would be right. Filled by config and by rules while they build. */
#ifndef LOCAL53_CONFIG_REPORT_H
#define LOCAL53_CONFIG_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/arena.h"

/* Where a value stands in the file; both count from 1; 0 when it stands nowhere. */
struct config_mark {
    unsigned line;   /* line of the first character */
    unsigned column; /* column of the first character */
};

enum report_level { REPORT_WARNING, REPORT_ERROR };

struct report_item {
    enum report_level level;  /* a warning never refuses a configuration */
    struct config_mark mark;  /* where */
    const char *text;         /* in the report's arena: "endpoints[2].service: unknown ..." */
    struct report_item *next; /* in file order; NULL at the end */
};

/* At most REPORT_MAX items are kept; the rest are counted. Zero-initialise with a file name. */
#define REPORT_MAX 100
struct report {
    const char *file;          /* borrowed; for the lines of text */
    struct arena arena;        /* owned; the items and their texts */
    struct report_item *first; /* sorted by place */
    size_t errors;             /* errors found, kept or not */
    size_t warnings;           /* warnings found, kept or not */
};

/* Longest text of an item in octets, terminator included; longer ones are cut with "...". */
#define REPORT_TEXT_MAX 512

/* Adds one item; printf-like text without place and without a newline. Control characters in it (from
 * a value that is quoted) are shown as '?', so an item is always one line. */
void report_add(struct report *report, enum report_level level, struct config_mark mark,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Writes "file:line:column: error: text" lines, without line and column for what stands nowhere, and
 * how many were not kept; gives malloc'd text owned by the caller. */
char *report_text(const struct report *report);

/* Gives the memory back. Accepts a zeroed report. */
void report_deinit(struct report *report);

#endif
