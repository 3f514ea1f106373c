/* json_fields: which members of the model the JSON has, and how one is written and read.
 * Owns: nothing; tables in static storage. Thread: any.
 * Bounds: texts as their arrays, whole numbers to 2^53. Fails: a value of another kind or range
 * is refused. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json_private.h"
#include "local53/base/check.h"

#define FIELD(type, member, code)                                                                  \
    {                                                                                              \
#member, JSON_KIND_##code, offsetof(type, member), sizeof(((type *)NULL)->member)          \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, JSON_KIND_TEXT, 0, 0                                                                 \
    }

/* ---- Tables ---------------------------------------------------------------------------------- */

const struct json_field json_study_fields[] = {
    FIELD(struct study, command, TEXT),
    FIELD(struct study, options, TEXT),
    FIELD(struct study, slo, TEXT),
    FIELD(struct study, answer, DOUBLE),
    FIELD(struct study, verdict, VERDICT),
    FIELD(struct study, reasons, LINES),
    END,
};

const struct json_field json_host_fields[] = {
    FIELD(struct host, tool, TEXT),
    FIELD(struct host, kernel, TEXT),
    FIELD(struct host, cpu, TEXT),
    FIELD(struct host, cpus, COUNT32),
    FIELD(struct host, started_wall_ms, COUNT),
    END,
};

const struct json_field json_comparison_fields[] = {
    FIELD(struct comparison, metric, TEXT),   FIELD(struct comparison, higher_is_better, BOOL),
    FIELD(struct comparison, ratio, DOUBLE),  FIELD(struct comparison, low, DOUBLE),
    FIELD(struct comparison, high, DOUBLE),   FIELD(struct comparison, alpha, DOUBLE),
    FIELD(struct comparison, pairs, COUNT32), END,
};

const struct json_field json_result_fields[] = {
    FIELD(struct result, name, TEXT),
    FIELD(struct result, elapsed_ns, COUNT),
    FIELD(struct result, interrupted, BOOL),
    FIELD(struct result, server_cpu_ns, COUNT),
    FIELD(struct result, verdict, VERDICT),
    FIELD(struct result, reasons, LINES),
    END,
};

const struct json_field json_setup_fields[] = {
    FIELD(struct setup, server, TEXT),
    FIELD(struct setup, transport, TEXT),
    FIELD(struct setup, arrival, TEXT),
    FIELD(struct setup, schedule, TEXT),
    FIELD(struct setup, workload, TEXT),
    FIELD(struct setup, rate, DOUBLE),
    FIELD(struct setup, duration_ns, COUNT),
    FIELD(struct setup, warmup_ns, COUNT),
    FIELD(struct setup, timeout_ns, COUNT),
    FIELD(struct setup, slo_ns, TIME),
    FIELD(struct setup, seed, WORD),
    FIELD(struct setup, workload_hash, HASH),
    FIELD(struct setup, memory_octets, COUNT),
    FIELD(struct setup, clients, COUNT32),
    FIELD(struct setup, threads, COUNT32),
    FIELD(struct setup, window, COUNT32),
    FIELD(struct setup, batch, COUNT32),
    FIELD(struct setup, lookups, BOOL),
    END,
};

const struct json_field json_tally_fields[] = {
    FIELD(struct tally, sent, COUNT),
    FIELD(struct tally, truncated, COUNT),
    FIELD(struct tally, retried, COUNT),
    FIELD(struct tally, duplicate, COUNT),
    FIELD(struct tally, stray, COUNT),
    FIELD(struct tally, octets_sent, COUNT),
    FIELD(struct tally, octets_received, COUNT),
    FIELD(struct tally, lookups, COUNT),
    FIELD(struct tally, lookups_failed, COUNT),
    END,
};

const struct json_field json_health_fields[] = {
    FIELD(struct health, open_loop, BOOL),        FIELD(struct health, planned, COUNT),
    FIELD(struct health, begun, COUNT),           FIELD(struct health, send_lag_p50_ns, COUNT),
    FIELD(struct health, send_lag_p99_ns, COUNT), FIELD(struct health, send_lag_max_ns, COUNT),
    FIELD(struct health, read_lag_p99_ns, COUNT), FIELD(struct health, windows, COUNT),
    FIELD(struct health, uneven, COUNT),          FIELD(struct health, own_drops, COUNT),
    FIELD(struct health, send_errors, COUNT),     FIELD(struct health, id_waits, COUNT),
    FIELD(struct health, run_delay_ns, COUNT),    FIELD(struct health, cpu_ns, COUNT),
    FIELD(struct health, thread_time_ns, COUNT),  END,
};

const struct json_field json_histogram_fields[] = {
    FIELD(struct histogram, total, COUNT),
    FIELD(struct histogram, censored, COUNT),
    FIELD(struct histogram, censored_min_ns, TIME),
    FIELD(struct histogram, min_ns, TIME),
    FIELD(struct histogram, max_ns, COUNT),
    FIELD(struct histogram, sum_ns, DOUBLE),
    END,
};

const struct json_field json_series_fields[] = {
    FIELD(struct series, length_ns, COUNT),
    FIELD(struct series, interval_ns, COUNT),
    FIELD(struct series, slo_ns, TIME),
    FIELD(struct series, first_sent_ns, TIME),
    END,
};

const struct json_field json_histograms[] = {
    FIELD(struct result, response, COUNT), FIELD(struct result, service, COUNT),
    FIELD(struct result, send_lag, COUNT), FIELD(struct result, read_lag, COUNT),
    FIELD(struct result, lookup, COUNT),   END,
};

const struct json_field json_window_columns[] = {
    FIELD(struct series_window, planned, COUNT32),
    FIELD(struct series_window, sent, COUNT32),
    FIELD(struct series_window, ok, COUNT32),
    FIELD(struct series_window, lost, COUNT32),
    FIELD(struct series_window, over, COUNT32),
    FIELD(struct series_window, max_ns, COUNT),
    END,
};

const char *const json_interval_columns[] = {"sent", "ok", "lost", "max_ns", "counts", NULL};

/* ---- Texts ----------------------------------------------------------------------------------- */

/* Octets of the printable character at text, 0 when there is none: control characters (also
 * U+0080 to U+009F, which move a terminal's cursor) and what is no UTF-8. */
static size_t printable_length(const unsigned char *text)
{
    size_t len = *text < 0x80 ? 1 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;

    if (*text < 0x80)
        return *text >= 0x20 && *text != 0x7f ? 1 : 0;
    if (strnlen((const char *)text, len) < len || (*text == 0xc2 && text[1] < 0xa0))
        return 0;
    json_t *probe = json_stringn((const char *)text, len);
    json_decref(probe);
    return probe != NULL ? len : 0;
}

/* Copies a text with '?' for each octet that may not stand in it. size is at least 1. */
static void clean_text(char *out, size_t size, const char *text, bool lines)
{
    size_t len = 0;

    while (*text != '\0' && len + 1 < size) {
        size_t part = printable_length((const unsigned char *)text);
        if (lines && *text == '\n')
            part = 1;
        if (part > size - 1 - len)
            break;
        if (part == 0)
            out[len] = '?';
        else
            memcpy(out + len, text, part);
        len += part == 0 ? 1 : part;
        text += part == 0 ? 1 : part;
    }
    out[len] = '\0';
}

static json_t *write_text(const struct json_field *field, const char *text)
{
    char clean[1024];

    CHECK(field->size <= sizeof(clean));
    clean_text(clean, field->size, text, field->kind == JSON_KIND_LINES);
    return json_string(clean);
}

static bool read_text(const struct json_field *field, char *text, const json_t *value)
{
    char clean[1024];
    const char *from = json_string_value(value);

    if (from == NULL || json_string_length(value) >= field->size)
        return false;
    clean_text(clean, field->size, from, field->kind == JSON_KIND_LINES);
    if (strcmp(clean, from) != 0)
        return false;
    memcpy(text, clean, strlen(clean) + 1);
    return true;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static json_t *write_number(enum json_kind kind, uint64_t number)
{
    char hex[24];

    if (kind == JSON_KIND_TIME && number == UINT64_MAX)
        return json_null();
    if (kind == JSON_KIND_HASH || (kind == JSON_KIND_WORD && number > JSON_NUMBER_MAX)) {
        snprintf(hex, sizeof(hex), "0x%016" PRIx64, number);
        return json_string(hex);
    }
    return json_integer((json_int_t)(number < JSON_NUMBER_MAX ? number : JSON_NUMBER_MAX));
}

static bool read_hex(uint64_t *number, const char *text)
{
    uint64_t value = 0;

    if (strlen(text) != 18 || memcmp(text, "0x", 2) != 0)
        return false;
    for (text += 2; *text != '\0'; text++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *text);
        if (digit == NULL)
            return false;
        value = value << 4 | (uint64_t)(digit - digits);
    }
    *number = value;
    return true;
}

static bool read_number(enum json_kind kind, uint64_t *number, const json_t *value)
{
    uint64_t max = kind == JSON_KIND_COUNT32 ? UINT32_MAX : JSON_NUMBER_MAX;

    if (kind == JSON_KIND_TIME && json_is_null(value)) {
        *number = UINT64_MAX;
        return true;
    }
    if (json_is_string(value))
        return (kind == JSON_KIND_WORD || kind == JSON_KIND_HASH) &&
               read_hex(number, json_string_value(value)) &&
               (kind == JSON_KIND_HASH || *number > JSON_NUMBER_MAX);
    if (!json_is_integer(value) || kind == JSON_KIND_HASH || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_double(double *number, const json_t *value)
{
    double read = json_is_null(value) ? NAN : json_number_value(value);

    if (!json_is_null(value) && (!json_is_number(value) || !(read >= 0 && read <= JSON_DOUBLE_MAX)))
        return false;
    *number = read;
    return true;
}

/* Numbers that are none, or out of all proportion, become null. */
static json_t *write_double(double number)
{
    return number >= 0 && number <= JSON_DOUBLE_MAX ? json_real(number) : json_null();
}

static bool read_verdict(enum verdict *verdict, const json_t *value)
{
    static const enum verdict known[] = {VERDICT_PASS, VERDICT_FAILED, VERDICT_INVALID,
                                         VERDICT_UNREACHABLE, VERDICT_WRONG};

    for (size_t i = 0; json_is_string(value) && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(json_string_value(value), verdict_name(known[i])) == 0) {
            *verdict = known[i];
            return true;
        }
    }
    return false;
}

/* ---- Members --------------------------------------------------------------------------------- */

json_t *json_field_write(const struct json_field *field, const void *of)
{
    const void *at = (const char *)of + field->offset;

    switch (field->kind) {
    case JSON_KIND_TEXT:
    case JSON_KIND_LINES: return write_text(field, at);
    case JSON_KIND_COUNT32: return write_number(field->kind, *(const uint32_t *)at);
    case JSON_KIND_COUNT:
    case JSON_KIND_TIME:
    case JSON_KIND_WORD:
    case JSON_KIND_HASH: return write_number(field->kind, *(const uint64_t *)at);
    case JSON_KIND_DOUBLE: return write_double(*(const double *)at);
    case JSON_KIND_BOOL: return json_boolean(*(const bool *)at);
    case JSON_KIND_VERDICT: return json_string(verdict_name(*(const enum verdict *)at));
    }
    return NULL;
}

bool json_field_read(const struct json_field *field, void *of, const json_t *value)
{
    void *at = (char *)of + field->offset;
    uint64_t number = 0;

    switch (field->kind) {
    case JSON_KIND_TEXT:
    case JSON_KIND_LINES: return read_text(field, at, value);
    case JSON_KIND_COUNT32:
        if (!read_number(field->kind, &number, value))
            return false;
        *(uint32_t *)at = (uint32_t)number;
        return true;
    case JSON_KIND_COUNT:
    case JSON_KIND_TIME:
    case JSON_KIND_WORD:
    case JSON_KIND_HASH: return read_number(field->kind, at, value);
    case JSON_KIND_DOUBLE: return read_double(at, value);
    case JSON_KIND_BOOL:
        if (!json_is_boolean(value))
            return false;
        *(bool *)at = json_is_true(value);
        return true;
    case JSON_KIND_VERDICT: return read_verdict(at, value);
    }
    return false;
}

const char *json_field_expected(enum json_kind kind)
{
    static const char *const texts[] = {
#define JSON_KIND_TEXT_OF(code, type, expected) expected,
        JSON_KIND_LIST(JSON_KIND_TEXT_OF)
#undef JSON_KIND_TEXT_OF
    };

    return texts[kind];
}
