/* log: composes a line in a buffer of its own stack and gives it away in one write(2).
 * Owns the process's one mutable global, the settings: they are atomics, so a reload may change
 * them while other threads log. Any thread.
 * Bounds: LINE_MAX_LEN octets a line; a value that does not fit is cut between two characters, the
 * fields behind it are left out, and the line stays well-formed. A write that fails is not
 * repeated: nothing better can be done, and the service matters more than its log. */
#include "local53/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "local53/base/bytes.h"
#include "local53/base/clock.h"

/* Octets of a line with its end; below PIPE_BUF, so that a pipe never mixes two lines. */
#define LINE_MAX_LEN 2048

/* Octets kept for what closes a line: quote, brace, line feed. */
#define LINE_CLOSING 3

static struct {
    _Atomic int lowest;     /* enum log_level */
    _Atomic int format;     /* enum log_format */
    _Atomic int descriptor; /* borrowed */
} settings = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT, STDERR_FILENO};

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

static void put_text(struct writer *w, const char *text)
{
    writer_put(w, text, strlen(text));
}

/* An octet the reserve was kept for: it fits even when the line is full. */
static void put_closing(struct writer *w, char c)
{
    w->data[w->len++] = (uint8_t)c;
}

/* Octets of the UTF-8 character at text (RFC 3629 section 4), or 0 when there is none. The
 * terminator is no continuation, so nothing behind it is read. */
static size_t utf8_len(const uint8_t *text)
{
    uint8_t least = 0x80;
    uint8_t most = 0xbf;
    size_t len;

    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    len = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    switch (text[0]) {
    case 0xe0: least = 0xa0; break; /* shorter forms exist below */
    case 0xed: most = 0x9f; break;  /* surrogates above */
    case 0xf0: least = 0x90; break; /* shorter forms exist below */
    case 0xf4: most = 0x8f; break;  /* U+10FFFF is the last */
    default: break;
    }
    if (text[1] < least || text[1] > most)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Control characters of ASCII and of Latin-1: a terminal would obey both. */
static bool is_control(const uint8_t *text, size_t len)
{
    return (len == 1 && (text[0] < 0x20 || text[0] == 0x7f)) ||
           (len == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

/* The character at text as it stands inside a JSON string (RFC 8259 section 7); gives its length
 * in text. What is not UTF-8 becomes U+FFFD. */
static size_t put_character(struct writer *w, const uint8_t *text)
{
    size_t len = utf8_len(text);
    char escape[sizeof("\\u0000")];

    if (len == 0) {
        writer_put(w, "\xef\xbf\xbd", 3);
        return 1;
    }
    if (is_control(text, len)) {
        snprintf(escape, sizeof(escape), "\\u%04x", text[len - 1]);
        put_text(w, escape);
    } else if (text[0] == '"' || text[0] == '\\') {
        writer_put(w, (const char[]){'\\', (char)text[0]}, 2);
    } else {
        writer_put(w, text, len);
    }
    return len;
}

/* A JSON string, cut when the line is full; all or nothing of its opening quote. */
static void put_quoted(struct writer *w, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;

    writer_u8(w, '"');
    if (w->failed)
        return;
    while (*at != '\0' && !w->failed)
        at += put_character(w, at);
    writer_u8(w, '"');
    if (w->failed)
        put_closing(w, '"');
}

/* True when the value could be misread without quotes in the text form. */
static bool needs_quotes(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t len;

    for (; *at != '\0'; at += len) {
        len = utf8_len(at);
        if (len == 0 || is_control(at, len) || strchr(" \"\\=", *at) != NULL)
            return true;
    }
    return text[0] == '\0';
}

static void put_string(struct writer *w, enum log_format format, const char *text)
{
    if (format == LOG_FORMAT_JSON || needs_quotes(text)) {
        put_quoted(w, text);
        return;
    }
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0' && !w->failed;)
        at += put_character(w, at);
}

static void put_value(struct writer *w, enum log_format format, const struct log_field *field)
{
    char text[ADDR_TEXT_MAX];

    switch (field->kind) {
    case LOG_KIND_TEXT: put_string(w, format, field->text != NULL ? field->text : ""); return;
    case LOG_KIND_ADDR: put_string(w, format, addr_format(field->addr, text)); return;
    case LOG_KIND_UNSIGNED: snprintf(text, sizeof(text), "%" PRIu64, field->number); break;
    case LOG_KIND_SIGNED: snprintf(text, sizeof(text), "%" PRId64, (int64_t)field->number); break;
    }
    put_text(w, text);
}

/* " key=value" or ",\"key\":value". A field whose value does not even begin is left out. */
static void put_field(struct writer *w, enum log_format format, const struct log_field *field)
{
    size_t before = w->len;
    size_t value;

    put_text(w, format == LOG_FORMAT_JSON ? ",\"" : " ");
    put_text(w, field->key);
    put_text(w, format == LOG_FORMAT_JSON ? "\":" : "=");
    value = w->len;
    put_value(w, format, field);
    if (w->failed && w->len == value)
        w->len = before;
}

/* RFC 3339, UTC, milliseconds. */
static void put_time(struct writer *w, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[sizeof("2026-11-21T10:00:00")];
    char fraction[sizeof(".123Z")];

    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(fraction, sizeof(fraction), ".%03uZ", (unsigned)(wall_ms % 1000));
    put_text(w, text);
    put_text(w, fraction);
}

static void put_head(struct writer *w, enum log_format format, enum log_level level,
                     const char *event)
{
    bool json = format == LOG_FORMAT_JSON;

    put_text(w, json ? "{\"time\":\"" : "");
    put_time(w, clock_wall_ms());
    put_text(w, json ? "\",\"level\":\"" : " ");
    put_text(w, level_names[level]);
    put_text(w, json ? "\",\"event\":\"" : " ");
    put_text(w, event);
    put_text(w, json ? "\"" : "");
}

/* One write, begun again only when a signal came before anything was written. */
static void write_line(const struct writer *w)
{
    int descriptor = atomic_load_explicit(&settings.descriptor, memory_order_relaxed);
    ssize_t written;

    do {
        written = write(descriptor, w->data, w->len);
    } while (written < 0 && errno == EINTR);
}

/* The whole line; suppressed is told when it is not 0. */
static void log_line(const struct log_record *record, uint64_t suppressed)
{
    uint8_t buffer[LINE_MAX_LEN];
    struct writer w = writer_init(buffer, sizeof(buffer) - LINE_CLOSING);
    enum log_format format =
        (enum log_format)atomic_load_explicit(&settings.format, memory_order_relaxed);
    int saved_errno = errno;

    put_head(&w, format, record->level, record->event);
    if (suppressed > 0)
        put_field(&w, format, &LOG_UINT("suppressed", suppressed));
    for (size_t i = 0; i < record->count && !w.failed; i++)
        put_field(&w, format, &record->fields[i]);
    if (format == LOG_FORMAT_JSON)
        put_closing(&w, '}');
    put_closing(&w, '\n');
    write_line(&w);
    errno = saved_errno;
}

void log_setup(enum log_level lowest, enum log_format format, int descriptor)
{
    atomic_store_explicit(&settings.lowest, (int)lowest, memory_order_relaxed);
    atomic_store_explicit(&settings.format, (int)format, memory_order_relaxed);
    atomic_store_explicit(&settings.descriptor, descriptor, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&settings.lowest, memory_order_relaxed);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if (log_enabled(level))
        log_line(&(const struct log_record){level, event, fields, count}, 0);
}

void log_limited(struct log_limit *limit, uint64_t now_ms, const struct log_record *record)
{
    if (!log_enabled(record->level))
        return;
    if (now_ms < limit->next_ms) {
        limit->suppressed++;
        return;
    }
    log_line(record, limit->suppressed);
    limit->next_ms = now_ms + LOG_LIMIT_PERIOD_MS;
    limit->suppressed = 0;
}
