/* log: one line an event, to one descriptor, in one write(2): "time level event key=value ..."
 * or a JSON object. Any thread may log; level and format are set once before threads start and
 * may be changed at a reload. Errors that repeat are counted and told once a period: log_limit. */
#ifndef LOCAL53_BASE_LOG_H
#define LOCAL53_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_TEXT, LOG_KIND_UNSIGNED, LOG_KIND_SIGNED, LOG_KIND_ADDR };

/* One key and its value; made with the LOG_... helpers below, lives only during the call. */
struct log_field {
    const char *key;         /* borrowed; lower case words with underscores */
    enum log_kind kind;      /* which member below counts */
    const char *text;        /* borrowed; LOG_KIND_TEXT; NULL is written as "" */
    uint64_t number;         /* LOG_KIND_UNSIGNED, or the bits of a signed number */
    const struct addr *addr; /* borrowed; LOG_KIND_ADDR */
};

#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_TEXT, .text = (v)})
#define LOG_UINT(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_UNSIGNED, .number = (v)})
#define LOG_INT(k, v)                                                                              \
    ((struct log_field){.key = (k), .kind = LOG_KIND_SIGNED, .number = (uint64_t)(int64_t)(v)})
#define LOG_ADDR(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_ADDR, .addr = (v)})

/* Told once a period: zero-initialised, owned by whoever logs the event, one thread each. */
struct log_limit {
    uint64_t next_ms;    /* the next line may be written from then on */
    uint64_t suppressed; /* events not told since the last line */
};

/* Period of log_limited, in milliseconds. */
#define LOG_LIMIT_PERIOD_MS 10000

/* Sets the lowest level written, the form, and the descriptor (2 unless told). */
void log_setup(enum log_level lowest, enum log_format format, int descriptor);

/* True when a line of that level would be written. */
bool log_enabled(enum log_level level);

/* Writes one event. event: dotted lower-case words ("reload.failed"). Lines are cut at 2 KiB. */
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

/* One event as log_event takes it; lives only during the call. */
struct log_record {
    enum log_level level;           /* of the line */
    const char *event;              /* borrowed; dotted lower-case words */
    const struct log_field *fields; /* borrowed; count of them */
    size_t count;                   /* fields */
};

/* As log_event, at most once a period; the line tells suppressed=N when some were left out. */
void log_limited(struct log_limit *limit, uint64_t now_ms, const struct log_record *record);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__})
#define LOG_COUNT(...) (sizeof(LOG_FIELDS(__VA_ARGS__)) / sizeof(struct log_field))
#define LOG_AT(level, event, ...)                                                                  \
    log_event((level), (event), LOG_FIELDS(__VA_ARGS__), LOG_COUNT(__VA_ARGS__))
#define LOG_INFO(event, ...) LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define LOG_WARN(event, ...) LOG_AT(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define LOG_ERROR(event, ...) LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define LOG_LIMITED(limit, now_ms, level, event, ...)                                              \
    log_limited((limit), (now_ms),                                                                 \
                &(const struct log_record){(level), (event), LOG_FIELDS(__VA_ARGS__),              \
                                           LOG_COUNT(__VA_ARGS__)})

#endif
