/* findings: the list of findings, as a table or as JSON. Owns nothing. Thread: main.
 * Bounds: FINDINGS_MAX findings, texts of FINDING_TEXT_MAX octets. Never fails; what cannot be written is the
 * caller's to notice (ferror). */
#include "findings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/cli/json_text.h"

/* Columns of the table: 8 + 2 + 13 + 2 + 46 + 2 + 47 = 120. */
#define LEVEL_WIDTH 8
#define KEY_WIDTH 13
#define WHAT_WIDTH 46
#define REMEDY_WIDTH 47

static const char *const LEVELS[] = {
    [FINDING_OK] = "ok", [FINDING_NOTE] = "note", [FINDING_PROBLEM] = "problem"};

/* --- list --- */

static void write_text(char out[FINDING_TEXT_MAX], const char *format, va_list words)
{
    vsnprintf(out, FINDING_TEXT_MAX, format, words);
    for (char *c = out; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    }
}

void findings_add(struct findings *findings, enum finding_level level, const char *key,
                  const char *format, ...)
{
    va_list words;
    if (findings->count == FINDINGS_MAX) {
        findings->left_out++;
        return;
    }
    struct finding *finding = &findings->items[findings->count++];
    *finding = (struct finding){.key = key, .level = level};
    va_start(words, format);
    write_text(finding->what, format, words);
    va_end(words);
}

void findings_remedy(struct findings *findings, const char *format, ...)
{
    va_list words;
    CHECK(findings->count > 0);
    if (findings->left_out > 0)
        return;
    va_start(words, format);
    write_text(findings->items[findings->count - 1].remedy, format, words);
    va_end(words);
}

size_t findings_count(const struct findings *findings, enum finding_level level)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].level == level;
    return count;
}

/* Calls `each` for all, worst first, else in the order they were found. */
static void in_order(FILE *out, const struct findings *findings,
                     void (*each)(FILE *out, const struct finding *finding, size_t index))
{
    size_t index = 0;
    for (int level = FINDING_PROBLEM; level >= FINDING_OK; level--) {
        for (size_t i = 0; i < findings->count; i++) {
            if (findings->items[i].level == (enum finding_level)level)
                each(out, &findings->items[i], index++);
        }
    }
}

/* --- table --- */

/* Octets of text that make a line of at most `width`: whole words, or a part of one that is longer. */
static size_t line_length(const char *text, size_t width)
{
    size_t len = strlen(text);
    if (len <= width)
        return len;
    for (size_t at = width; at > 0; at--) {
        if (text[at] == ' ')
            return at;
    }
    return width;
}

/* Takes the next line off a text. */
static const char *take_line(const char **text, size_t width, size_t *len)
{
    const char *line = *text;
    *len = line_length(line, width);
    *text += *len;
    *text += **text == ' ';
    return line;
}

static void print_row(FILE *out, const struct finding *finding, size_t index)
{
    const char *what = finding->what;
    const char *remedy = finding->remedy;
    bool first = true;
    (void)index;
    while (first || *what != '\0' || *remedy != '\0') {
        size_t what_len;
        size_t remedy_len;
        const char *what_line = take_line(&what, WHAT_WIDTH, &what_len);
        const char *remedy_line = take_line(&remedy, REMEDY_WIDTH, &remedy_len);
        fprintf(out, "%-*s  %-*s  ", LEVEL_WIDTH, first ? LEVELS[finding->level] : "", KEY_WIDTH,
                first ? finding->key : "");
        if (remedy_len == 0)
            fprintf(out, "%.*s\n", (int)what_len, what_line);
        else
            fprintf(out, "%.*s%*s  %.*s\n", (int)what_len, what_line, WHAT_WIDTH - (int)what_len,
                    "", (int)remedy_len, remedy_line);
        first = false;
    }
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_sum(FILE *out, const struct findings *findings, const struct findings_head *head)
{
    size_t problems = findings_count(findings, FINDING_PROBLEM);
    size_t notes = findings_count(findings, FINDING_NOTE);
    if (problems == 0)
        fputs("\nnothing is in the way", out);
    else
        fprintf(out, "\n%zu problem%s", problems, plural(problems));
    fprintf(out, ", %zu note%s, %zu ok", notes, plural(notes),
            findings_count(findings, FINDING_OK));
    if (findings->left_out > 0)
        fprintf(out, ", %zu more not told", findings->left_out);
    fprintf(out, "; %" PRIu64 ".%" PRIu64 " s\n", head->took_ms / 1000, head->took_ms % 1000 / 100);
}

void findings_print_table(FILE *out, const struct findings *findings,
                          const struct findings_head *head)
{
    if (head->file != NULL)
        fprintf(out, "this node, for %s\n\n", head->file);
    else
        fprintf(out, "this node without a configuration, as for listen: [%s]\n\n", head->listen);
    fprintf(out, "%-*s  %-*s  %-*s  %s\n", LEVEL_WIDTH, "FINDING", KEY_WIDTH, "ABOUT", WHAT_WIDTH,
            "WHAT", "WHAT TO DO");
    in_order(out, findings, print_row);
    print_sum(out, findings, head);
}

/* --- JSON --- */

static void print_object(FILE *out, const struct finding *finding, size_t index)
{
    fprintf(out, "%s\n    {\"key\": \"%s\", \"finding\": \"%s\"", index > 0 ? "," : "",
            finding->key, LEVELS[finding->level]);
    fputs(", ", out);
    json_text_member(out, "what", finding->what);
    fputs(", ", out);
    json_text_member(out, "remedy", finding->remedy);
    fputc('}', out);
}

void findings_print_json(FILE *out, const struct findings *findings,
                         const struct findings_head *head)
{
    fprintf(out, "{\"problems\": %zu, \"notes\": %zu, \"ok\": %zu, \"left_out\": %zu",
            findings_count(findings, FINDING_PROBLEM), findings_count(findings, FINDING_NOTE),
            findings_count(findings, FINDING_OK), findings->left_out);
    fprintf(out, ", \"took_ms\": %" PRIu64 ", ", head->took_ms);
    json_text_member(out, "config", head->file);
    fputs(",\n  \"findings\": [", out);
    in_order(out, findings, print_object);
    fputs("]}\n", out);
}
