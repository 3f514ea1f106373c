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

/* Longest word that nearness is looked at for, in octets. */
#define NEAREST_WORD_MAX 64

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

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter + ('a' - 'A')) : letter;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Two neighbours of a stand in b the other way round. */
static bool is_swapped(const char *a, const char *b)
{
    return lower(a[0]) == lower(b[1]) && lower(a[1]) == lower(b[0]);
}

/* Edits from a to b: one octet put in, taken out or changed, or two neighbours swapped ("optimal string
 * alignment"). Rows i-2, i-1 and i of its table are kept. Both at most NEAREST_WORD_MAX long. */
static size_t count_edits(const char *a, const char *b)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);

            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (same ? 0 : 1));
            bool swapped = i > 1 && j > 1 && is_swapped(a + i - 2, b + j - 2);
            row[j] = least(row[j], swapped ? rows[(i - 2) % 3][j - 2] + 1 : SIZE_MAX);
        }
    }
    return rows[a_len % 3][b_len];
}

static const char *first_with_prefix(const char *word, const char *const *words, size_t count)
{
    size_t len = strlen(word);

    for (size_t i = 0; len > 0 && i < count; i++) {
        if (strncmp(words[i], word, len) == 0 && words[i][len] == '.')
            return words[i];
    }
    return NULL;
}

const char *report_nearest(const char *word, const char *const *words, size_t count)
{
    size_t len = strlen(word);
    size_t limit = len / 3 > 2 ? len / 3 : 2;
    const char *nearest = first_with_prefix(word, words, count);

    if (nearest != NULL || len > NEAREST_WORD_MAX)
        return nearest;
    limit = len > 0 ? least(limit, len - 1) : 0;
    for (size_t i = 0; i < count; i++) {
        size_t edits =
            strlen(words[i]) <= NEAREST_WORD_MAX ? count_edits(word, words[i]) : SIZE_MAX;

        if (edits <= limit && (nearest == NULL || edits < limit)) {
            nearest = words[i];
            limit = edits;
        }
    }
    return nearest;
}
