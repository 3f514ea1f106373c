/* table: a study as text for people: at most 30 lines, the verdict last. */
#ifndef DNSBENCH_REPORT_TABLE_H
#define DNSBENCH_REPORT_TABLE_H

#include "measure/result.h"

#define TABLE_LINES_MAX 29

/* The text of a study of any command (run, max, search, compare), malloc'd, owned by the caller.
 * Only what is in the study decides, so a saved one gives the same octets. */
char *table_write(const struct study *study);

#endif
