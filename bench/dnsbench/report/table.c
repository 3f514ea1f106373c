/* table: a study as text: the page, what was asked for, the verdict. The commands' own parts are in
 * table_run.c and table_studies.c.
 * Owns: the lines while it writes. Thread: any.
 * Bounds: TABLE_LINES_MAX lines; those worth least are left out. Fails: out of memory is fatal. */
#include "report/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "local53/base/check.h"
#include "table_private.h"

#define REASONS_MAX 4 /* lines */
#define REASON_COLUMNS (TABLE_COLUMNS - 4)
#define SCHEDULE_COLUMNS (TABLE_COLUMNS - 14)

void table_line(struct table *table, enum table_weight weight, const char *format, ...)
{
    char *line = table->lines[table->count % TABLE_COLLECTED_MAX];
    va_list arguments;

    if (table->count == TABLE_COLLECTED_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(line, TABLE_LINE_OCTETS, format, arguments);
    va_end(arguments);
    for (char *end = line + strlen(line); end > line && end[-1] == ' '; end--)
        end[-1] = '\0';
    table->weight[table->count++] = (unsigned char)weight;
}

void table_blank(struct table *table)
{
    table_line(table, TABLE_BLANK, "%s", "");
}

void table_cell(struct table_row *row, int columns, const char *text)
{
    int width = abs(columns);
    int used = (int)figures_columns(text);
    int pad = used < width ? width - used : 0;
    size_t room = sizeof(row->text) - row->len;
    int wrote = snprintf(row->text + row->len, room, "%*s%s%*s", columns > 0 ? pad : 0, "", text,
                         columns < 0 ? pad : 0, "");

    if (wrote > 0)
        row->len += (size_t)wrote < room ? (size_t)wrote : room - 1;
}

void table_server(struct table *table, const char *label, const struct result *run)
{
    table_line(table, TABLE_KEEP, "%-10s %s over %s", label, run->setup.server,
               run->setup.transport);
}

static void add_times(struct table *table, const struct result *run, const char *load)
{
    const struct setup *setup = &run->setup;
    char duration[UNITS_TEXT_MAX];
    char warmup[UNITS_TEXT_MAX];
    char timeout[UNITS_TEXT_MAX];
    char elapsed[UNITS_TEXT_MAX];

    table_line(table, TABLE_KEEP, "%-10s %s for %s after %s of warm-up; timeout %s", "load", load,
               units_write_duration(setup->duration_ns, duration),
               units_write_duration(setup->warmup_ns, warmup),
               units_write_duration(setup->timeout_ns, timeout));
    if (setup->schedule[0] != '\0')
        table_line(table, TABLE_KEEP, "%-10s %.*s%s", "schedule", SCHEDULE_COLUMNS, setup->schedule,
                   strlen(setup->schedule) > SCHEDULE_COLUMNS ? "..." : "");
    if (run->interrupted)
        table_line(table, TABLE_KEEP, "%-10s stopped after %s: what follows is of that time",
                   run->verdict == VERDICT_UNREACHABLE ? "cut short" : "interrupted",
                   units_write_duration(run->elapsed_ns, elapsed));
}

const char *table_write_load(const struct setup *setup, char *out, size_t size)
{
    char rate[UNITS_TEXT_MAX];
    const char *unit = setup->lookups ? "lookups" : "queries";

    units_write_rate(setup->rate, rate);
    if (setup->window > 0)
        snprintf(out, size, "%u %s kept in flight,", setup->window, unit);
    else if (setup->schedule[0] != '\0')
        snprintf(out, size, "%s averaging %s, %s,", unit, rate, setup->arrival);
    else
        snprintf(out, size, "%s at %s, %s,", unit, rate, setup->arrival);
    return out;
}

void table_setup(struct table *table, const struct result *run, const char *load)
{
    const struct setup *setup = &run->setup;

    add_times(table, run, load);
    table_line(table, TABLE_KEEP, "%-10s %s", "workload", setup->workload);
    table_line(table, TABLE_KEEP,
               "%-10s %u client%s, %u thread%s, batches of %u, at most %.1f MB; seed %llu, hash "
               "%016llx",
               "tester", setup->clients, setup->clients == 1 ? "" : "s", setup->threads,
               setup->threads == 1 ? "" : "s", setup->batch, (double)setup->memory_octets / 1e6,
               (unsigned long long)setup->seed, (unsigned long long)setup->workload_hash);
}

/* ---- The verdict ----------------------------------------------------------------------------- */

/* Where to break a text that is too long for a line: behind the last word that fits, or in its
 * middle. */
static size_t wrapped_length(const char *text, size_t len)
{
    size_t columns = 0;
    size_t space = 0;

    for (size_t i = 0; i < len; i++) {
        bool begins = ((unsigned char)text[i] & 0xc0) != 0x80;
        if (begins && ++columns > REASON_COLUMNS)
            return space > 0 ? space : i;
        if (text[i] == ' ')
            space = i;
    }
    return len;
}

/* Adds one reason, on as many lines as it needs; gives how many, one more than room if it is cut. */
static size_t add_reason(struct table *table, const char *text, size_t len, size_t room)
{
    size_t lines = 0;

    while (len > 0 && lines < room) {
        size_t part = wrapped_length(text, len);
        table_line(table, TABLE_KEEP, "%s%.*s", lines == 0 ? "  " : "    ", (int)part, text);
        lines++;
        text += part;
        len -= part;
        if (len > 0 && *text == ' ') {
            text++;
            len--;
        }
    }
    return lines + (len > 0);
}

static void add_reasons(struct table *table, const char *reasons)
{
    size_t used = 0;

    while (*reasons != '\0' && used < REASONS_MAX) {
        size_t len = strcspn(reasons, "\n");
        used += add_reason(table, reasons, len, REASONS_MAX - used);
        reasons += len + (reasons[len] == '\n');
    }
    if (*reasons != '\0' || used > REASONS_MAX)
        table_line(table, TABLE_KEEP, "  and more (--json has all)");
}

/* What mends it depends on what was short. */
static void add_hint(struct table *table, const struct result *run)
{
    unsigned breaches = run == NULL ? 0 : health_breaches(&run->health);
    unsigned sockets = 1U << HEALTH_IDS;

    if (breaches != 0 && (breaches & ~sockets) == 0)
        table_line(table, TABLE_KEEP, "  Try more sockets: a higher --clients.");
    else
        table_line(table, TABLE_KEEP,
                   "  Try: pin it away from the server (--cpus), a lower rate, more --threads, "
                   "another machine.");
}

/* The first run of that verdict, or NULL. */
static const struct result *run_of_verdict(const struct study *study, enum verdict verdict)
{
    for (size_t i = 0; i < study->count; i++) {
        if (study->runs[i].verdict == verdict)
            return &study->runs[i];
    }
    return NULL;
}

/* Of a search the reasons tell what is known in spite of the tester, or that it was interrupted; so
 * do those of a study none of whose runs is at fault. */
static bool is_nothing_known(const struct study *study, const struct result *invalid)
{
    return invalid != NULL && strcmp(study->command, "search") != 0;
}

/* A run passes when no condition failed; what no condition spoke of is said beside it. */
static void add_pass(struct table *table, const struct study *study)
{
    const struct tally *tally = &study->runs[0].measured;
    double lost = tally_loss(tally);
    double failed =
        figures_share((double)tally->answer[ANSWER_FAIL], (double)tally->outcome[OUTCOME_OK]);
    char share[2][UNITS_TEXT_MAX];

    if (lost > 0 || failed > 0)
        table_line(
            table, TABLE_KEEP,
            "PASS, with %s lost and %s of answers SERVFAIL or the like: --fail-if judges these",
            units_write_share(lost, share[0]), units_write_share(failed, share[1]));
    else
        table_line(table, TABLE_KEEP, "PASS");
}

static bool is_plain_pass(const struct study *study)
{
    return study->verdict == VERDICT_PASS && study->reasons[0] == '\0' && study->count == 1 &&
           study->runs[0].reasons[0] == '\0' && strcmp(study->command, "run") == 0;
}

/* A single reason that fits stands on the verdict's own line. */
static void add_verdict(struct table *table, const struct study *study)
{
    const char *word = figures_verdict(study->verdict);
    const char *reasons = study->reasons;
    const struct result *judged = run_of_verdict(study, study->verdict);
    bool is_invalid = study->verdict == VERDICT_INVALID;
    bool is_headed = is_invalid && is_nothing_known(study, judged);

    if (reasons[0] == '\0' && judged != NULL)
        reasons = judged->reasons;
    if (is_headed)
        table_line(table, TABLE_KEEP,
                   "INVALID: the tester was the limit, so nothing is known of the server");
    else if (reasons[0] == '\0')
        table_line(table, TABLE_KEEP, "%s", word);
    else if (strchr(reasons, '\n') == NULL &&
             figures_columns(reasons) + figures_columns(word) < TABLE_COLUMNS)
        table_line(table, TABLE_KEEP, "%s: %s", word, reasons);
    else
        table_line(table, TABLE_KEEP, "%s:", word);
    if (is_headed || strcmp(table->lines[table->count - 1] + strlen(word), ":") == 0)
        add_reasons(table, reasons);
    /* A comparison leaves out the runs that the tester spoilt; Ctrl-C is no limit of the tester. */
    if (is_invalid && strncmp(reasons, "interrupted", strlen("interrupted")) != 0 &&
        (judged != NULL || strstr(reasons, "spoilt") != NULL))
        add_hint(table, judged);
}

/* ---- The page -------------------------------------------------------------------------------- */

static void add_command(struct table *table, const struct study *study)
{
    if (strcmp(study->command, "compare") == 0)
        table_compare(table, study);
    else if (strcmp(study->command, "search") == 0)
        table_search(table, study);
    else if (strcmp(study->command, "max") == 0)
        table_max(table, study);
    else if (study->count > 0)
        table_run(table, &study->runs[0]);
}

static void drop_line(struct table *table, size_t at)
{
    size_t behind = table->count - at - 1;

    memmove(table->lines[at], table->lines[at + 1], behind * sizeof(table->lines[0]));
    memmove(table->weight + at, table->weight + at + 1, behind);
    table->count--;
}

/* The last line of the lowest weight. */
static size_t lightest_line(const struct table *table)
{
    size_t lightest = 0;

    for (size_t i = 1; i < table->count; i++) {
        if (table->weight[i] <= table->weight[lightest])
            lightest = i;
    }
    return lightest;
}

char *table_write(const struct study *study)
{
    struct table *table = calloc(1, sizeof(*table));
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    CHECK(table != NULL && out != NULL);
    add_command(table, study);
    table_line(table, TABLE_DETAIL, "%s", "");
    if (is_plain_pass(study))
        add_pass(table, study);
    else
        add_verdict(table, study);
    while (table->count > TABLE_LINES_MAX)
        drop_line(table, lightest_line(table));
    for (size_t i = 0; i < table->count; i++)
        fprintf(out, "%s\n", table->lines[i]);
    CHECK(fclose(out) == 0);
    free(table);
    return text;
}
