/* json_private: the members of the model as rows, from which they are written and read back.
 * Arrays and what depends on other members are written out in json_write.c, json.c and
 * json_series.c. */
#ifndef DNSBENCH_REPORT_JSON_PRIVATE_H
#define DNSBENCH_REPORT_JSON_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "measure/result.h"

/* Whole numbers are exact in every JSON reader up to here (RFC 8259 section 6); nothing counted
 * or timed gets there. */
#define JSON_NUMBER_MAX (1ULL << 53)
#define JSON_DOUBLE_MAX 1e18
#define JSON_RUNS_MAX 256 /* of one study */

/* X(code, C type, what is expected there) */
#define JSON_KIND_LIST(X)                                                                          \
    X(TEXT, char, "a text of printable characters that fits")                                      \
    X(LINES, char, "a text of printable characters and line ends that fits")                       \
    X(COUNT, uint64_t, "a whole number from 0 to 2^53")                                            \
    X(COUNT32, uint32_t, "a whole number from 0 to 2^32 - 1")                                      \
    X(TIME, uint64_t, "a whole number from 0 to 2^53, or null")                                    \
    X(WORD, uint64_t, "a whole number from 0 to 2^53, or a text such as \"0x0123456789abcdef\"")   \
    X(HASH, uint64_t, "a text such as \"0x0123456789abcdef\"")                                     \
    X(DOUBLE, double, "a number from 0 to 10^18, or null")                                         \
    X(BOOL, bool, "true or false")                                                                 \
    X(VERDICT, enum verdict, "a verdict (pass, failed, invalid, unreachable, wrong)")

enum json_kind {
#define JSON_KIND_ENUM(code, type, expected) JSON_KIND_##code,
    JSON_KIND_LIST(JSON_KIND_ENUM)
#undef JSON_KIND_ENUM
};

/* One member of a struct. */
struct json_field {
    const char *name;    /* in the JSON: that of the member */
    enum json_kind kind; /* how it is written and what is accepted */
    size_t offset;       /* in its struct */
    size_t size;         /* octets of a text with its terminator */
};

/* The members of one struct, ended by a row without a name. */
extern const struct json_field json_study_fields[];
extern const struct json_field json_host_fields[];
extern const struct json_field json_comparison_fields[];
extern const struct json_field json_result_fields[];
extern const struct json_field json_setup_fields[];
extern const struct json_field json_tally_fields[];
extern const struct json_field json_health_fields[];
extern const struct json_field json_histogram_fields[];
extern const struct json_field json_series_fields[];

/* The histograms of a result, ended by a row without a name; kind and size are not used. */
extern const struct json_field json_histograms[];

/* The columns of a window of a series, of struct series_window; and of an interval, the last
 * being its sketch. */
extern const struct json_field json_window_columns[];
extern const char *const json_interval_columns[];

/* Value of a member, and back: false when it is not what the kind expects, then nothing is
 * stored. */
json_t *json_field_write(const struct json_field *field, const void *of);
bool json_field_read(const struct json_field *field, void *of, const json_t *value);

/* What json_field_read expects, for errors; static storage. */
const char *json_field_expected(enum json_kind kind);

#endif
