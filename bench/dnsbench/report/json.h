/* json: a study as JSON and back; the door to jansson for results. Schema: README "JSON".
 * Numbers are integers where the model has integers; histograms are sparse lists of [bucket,
 * count], so nothing is lost. */
#ifndef DNSBENCH_REPORT_JSON_H
#define DNSBENCH_REPORT_JSON_H

#include <stddef.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "measure/result.h"

#define JSON_SCHEMA 1                 /* "schema"; raised when a member changes its meaning */
#define JSON_MAX_OCTETS (256UL << 20) /* longest file read */

/* The text, malloc'd, owned by the caller, one object and a newline. Besides the exact model it
 * has percentiles under "summary" for scripts: those are written, never read back. */
char *json_write(const struct study *study);

/* Reads a text into a zeroed study; file is its name for errors. Errors as of json_read. */
enum err json_parse(struct study *study, struct bytes text, const char *file, char *error,
                    size_t size);

/* Reads a file ("-" is stdin) into a zeroed study. ERR_SYSTEM (cannot be read), ERR_TOO_LONG,
 * ERR_MALFORMED (no JSON), ERR_INVALID (no study of ours, another schema): error gets
 * "FILE:LINE:COLUMN: why" or "FILE: runs[0].setup.rate: expected ..."; study stays zeroed. */
enum err json_read(struct study *study, const char *path, char *error, size_t size);

#endif
