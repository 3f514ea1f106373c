/* report: errors and warnings of a configuration, kept in the order of their places.
 * Owns: the items and their texts, in the report's arena. Thread: one, the one that builds.
 * Bounds: REPORT_MAX items, REPORT_TEXT_MAX octets each; more are counted, not kept.
 * Fails: never; out of memory is fatal. */
#include "local53/config/report.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

/* Octets a line of report_text has beside the file's name and the item's text. */
#define LINE_EXTRA_MAX 96

static bool is_continuation(char octet)
{
    return ((unsigned char)octet & 0xc0) == 0x80;
}

/* Ends a text that was cut with dots, never inside a UTF-8 character. */
static void mark_cut(char *text)
{
    size_t at = REPORT_TEXT_MAX - sizeof("...");

    while (at > 0 && is_continuation(text[at]))
        at--;
    memcpy(text + at, "...", sizeof("..."));
}

static void hide_control_characters(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

static bool stands_before(struct config_mark a, struct config_mark b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Behind all items at or before its place, so that items of one place stay in the order told. */
static void insert(struct report *report, struct report_item *item)
{
    struct report_item **at = &report->first;

    while (*at != NULL && !stands_before(item->mark, (*at)->mark))
        at = &(*at)->next;
    item->next = *at;
    *at = item;
}

void report_add(struct report *report, enum report_level level, struct config_mark mark,
                const char *format, ...)
{
    char text[REPORT_TEXT_MAX];
    struct report_item *item;
    va_list arguments;
    int len;

    *(level == REPORT_ERROR ? &report->errors : &report->warnings) += 1;
    if (report->errors + report->warnings > REPORT_MAX)
        return;
    va_start(arguments, format);
    len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(len >= 0);
    if ((size_t)len >= sizeof(text))
        mark_cut(text);
    hide_control_characters(text);
    item = ARENA_NEW(&report->arena, struct report_item, 1);
    *item = (struct report_item){level, mark, arena_copy_text(&report->arena, text), NULL};
    insert(report, item);
}

static size_t line_max(const struct report *report)
{
    return strlen(report->file != NULL ? report->file : "") + REPORT_TEXT_MAX + LINE_EXTRA_MAX;
}

static size_t write_item(char *out, size_t cap, const struct report *report,
                         const struct report_item *item)
{
    const char *file = report->file != NULL ? report->file : "";
    const char *level = item->level == REPORT_ERROR ? "error" : "warning";
    int len;

    if (item->mark.line == 0)
        len = snprintf(out, cap, "%s: %s: %s\n", file, level, item->text);
    else
        len = snprintf(out, cap, "%s:%u:%u: %s: %s\n", file, item->mark.line, item->mark.column,
                       level, item->text);
    CHECK(len > 0 && (size_t)len < cap);
    return (size_t)len;
}

char *report_text(const struct report *report)
{
    size_t total = report->errors + report->warnings;
    size_t kept = total < REPORT_MAX ? total : REPORT_MAX;
    size_t cap = line_max(report) * (kept + 1) + 1;
    size_t used = 0;
    char *out = malloc(cap);

    CHECK(out != NULL);
    out[0] = '\0';
    for (const struct report_item *item = report->first; item != NULL; item = item->next)
        used += write_item(out + used, cap - used, report, item);
    if (total > kept)
        snprintf(out + used, cap - used, "%s: and %zu more\n",
                 report->file != NULL ? report->file : "", total - kept);
    return out;
}

void report_deinit(struct report *report)
{
    arena_deinit(&report->arena);
    report->first = NULL;
    report->errors = 0;
    report->warnings = 0;
}
