/* table_run: the table of one open-loop run: queries, rcodes, latency, time, tester.
 * Owns: nothing. Thread: any.
 * Bounds: 28 lines that are always kept at most, and the rows of classes and kinds. Fails:
 * never. */
#include <stdio.h>
#include <string.h>

#include "figures.h"
#include "table_private.h"

#define LABEL_COLUMNS (-14)
#define VALUE_COLUMNS 10
#define RCODES_COLUMNS (TABLE_COLUMNS - 16)

/* ---- Queries --------------------------------------------------------------------------------- */

static void add_outcome(struct table *table, const struct tally *tally, enum outcome outcome)
{
    char count[UNITS_TEXT_MAX];
    char share[UNITS_TEXT_MAX];
    double part = (double)tally->outcome[outcome];

    if (outcome == OUTCOME_OK || tally->outcome[outcome] == 0)
        return;
    table_line(table, TABLE_KEEP, "  %-14s %11s %7s %s", outcome_name(outcome),
               units_write_count(tally->outcome[outcome], count),
               units_write_share(figures_share(part, (double)tally->sent), share),
               outcome_help(outcome));
}

static void add_lookups(struct table *table, const struct tally *tally)
{
    char lookups[UNITS_TEXT_MAX];
    char failed[UNITS_TEXT_MAX];
    char share[UNITS_TEXT_MAX];

    if (tally->lookups == 0)
        return;
    table_line(table, TABLE_KEEP, "%-10s %s begun, %.2f queries each; %s failed (%s)", "lookups",
               units_write_count(tally->lookups, lookups),
               figures_share((double)tally->sent, (double)tally->lookups),
               units_write_count(tally->lookups_failed, failed),
               units_write_share(
                   figures_share((double)tally->lookups_failed, (double)tally->lookups), share));
}

static void add_queries(struct table *table, const struct result *run)
{
    const struct tally *tally = &run->measured;
    char sent[UNITS_TEXT_MAX];
    char ok[UNITS_TEXT_MAX];
    char share[UNITS_TEXT_MAX];
    char rate[UNITS_TEXT_MAX];
    double part = (double)tally->outcome[OUTCOME_OK];

    table_line(table, TABLE_KEEP, "%-10s %s sent, %s ok (%s, in time, to what was asked), %s",
               "queries", units_write_count(tally->sent, sent),
               units_write_count(tally->outcome[OUTCOME_OK], ok),
               units_write_share(figures_share(part, (double)tally->sent), share),
               units_write_rate(figures_per_second(run, tally->outcome[OUTCOME_OK]), rate));
    for (int i = 0; i < OUTCOME_COUNT; i++)
        add_outcome(table, tally, (enum outcome)i);
    add_lookups(table, tally);
}

/* ---- Rcodes ---------------------------------------------------------------------------------- */

/* IANA's DNS RCODEs (RFC 6895 section 2.3); those without a name by number. */
static const char *rcode_name(size_t rcode, char *out, size_t size)
{
    static const char *const names[] = {"NOERROR", "FORMERR",   "SERVFAIL", "NXDOMAIN",  "NOTIMP",
                                        "REFUSED", "YXDOMAIN",  "YXRRSET",  "NXRRSET",   "NOTAUTH",
                                        "NOTZONE", "DSOTYPENI", NULL,       NULL,        NULL,
                                        NULL,      "BADVERS",   "BADKEY",   "BADTIME",   "BADMODE",
                                        "BADNAME", "BADALG",    "BADTRUNC", "BADCOOKIE+"};
    _Static_assert(sizeof(names) / sizeof(names[0]) == TALLY_RCODES, "a name for each rcode");

    if (names[rcode] != NULL)
        return names[rcode];
    snprintf(out, size, "RCODE%zu", rcode);
    return out;
}

/* Appends a count unless it is 0; false when the line has no room for it. */
static bool append(struct table_row *row, const char *separator, const char *name, uint64_t count)
{
    char number[UNITS_TEXT_MAX];
    size_t columns = figures_columns(row->text) + strlen(name);

    if (count == 0)
        return true;
    if (columns + UNITS_TEXT_MAX / 2 > RCODES_COLUMNS)
        return false;
    table_cell(row, 0, row->len == 0 ? "" : separator);
    table_cell(row, 0, name);
    table_cell(row, 0, " ");
    table_cell(row, 0, units_write_count(count, number));
    return true;
}

/* Answers to queries that had ended. Unless all were answered, some may be first ones. */
static const char *duplicates_word(const struct tally *tally)
{
    return tally->outcome[OUTCOME_TIMEOUT] == 0 ? "duplicates" : "duplicates or far too late";
}

static void add_rcodes(struct table *table, const struct tally *tally)
{
    struct table_row row = {0};
    char number[16];
    bool all = true;

    for (size_t i = 0; i < TALLY_RCODES; i++)
        all = append(&row, ", ", rcode_name(i, number, sizeof(number)), tally->rcode[i]) && all;
    all = append(&row, "; ", "truncated", tally->truncated) && all;
    all = append(&row, "; ", "asked again over TCP", tally->retried) && all;
    all = append(&row, "; ", duplicates_word(tally), tally->duplicate) && all;
    all = append(&row, "; ", "strays", tally->stray) && all;
    table_line(table, TABLE_KEEP, "%-10s %s%s", "rcodes",
               row.len == 0 ? "none: no answer came to what was asked" : row.text,
               all ? "" : ", ...");
}

/* ---- Latency --------------------------------------------------------------------------------- */

static void add_latency(struct table *table, enum table_weight weight, const char *label,
                        const struct histogram *h, const char *comment)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};
    struct table_row row = {0};
    char text[FIGURES_TEXT_MAX];

    table_cell(&row, LABEL_COLUMNS, label);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        table_cell(&row, VALUE_COLUMNS, figures_write_quantile(h, shares[i], text));
    if (comment[0] != '\0')
        table_cell(&row, 0, "   ");
    table_cell(&row, 0, comment);
    table_line(table, weight, "%s", row.text);
}

/* By class where there was more than one. */
static void add_classes(struct table *table, const struct result *run)
{
    static const char *const comments[ANSWER_COUNT] = {
        [ANSWER_FOUND] = "of answers with records",
        [ANSWER_NODATA] = "of answers without records",
        [ANSWER_NX] = "of NXDOMAIN answers",
        [ANSWER_FAIL] = "of answers with another rcode",
    };
    size_t occurred = 0;
    char label[32];

    for (int i = 0; i < ANSWER_COUNT; i++)
        occurred += run->answer[i].total > 0;
    for (int i = 0; i < ANSWER_COUNT && occurred > 1; i++) {
        if (run->answer[i].total == 0)
            continue;
        snprintf(label, sizeof(label), "    %s", answer_name((enum answer_class)i));
        add_latency(table, TABLE_DETAIL, label, &run->answer[i], comments[i]);
    }
}

static void add_kinds(struct table *table, const struct result *run)
{
    char label[32];

    if (run->lookup.total == 0)
        return;
    add_latency(table, TABLE_KEEP, "  lookup", &run->lookup, "of whole lookups");
    for (size_t i = 0; i < run->kind_count; i++) {
        if (run->kinds[i].latency.total == 0)
            continue;
        snprintf(label, sizeof(label), "    %s", run->kinds[i].name);
        add_latency(table, TABLE_EXTRA, label, &run->kinds[i].latency, "");
    }
}

static void add_latencies(struct table *table, const struct result *run)
{
    static const char *const heads[] = {"p50", "p90", "p99", "p99.9", "max"};
    struct table_row row = {0};

    table_cell(&row, LABEL_COLUMNS, "latency");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        table_cell(&row, VALUE_COLUMNS, heads[i]);
    table_line(table, TABLE_KEEP, "%s", row.text);
    add_latency(table, TABLE_KEEP, "  response", &run->response, "from when each query was due");
    add_classes(table, run);
    add_latency(table, TABLE_KEEP, "  service", &run->service, "from when it was sent");
    add_kinds(table, run);
}

/* ---- Time and tester ------------------------------------------------------------------------- */

/* How long the latency stood above the SLO's. */
static void add_above_slo(struct table *table, const struct series *series)
{
    char above[UNITS_TEXT_MAX];
    char slo[UNITS_TEXT_MAX];
    uint64_t above_ns = series_above_slo(series);

    if (series->slo_ns == UINT64_MAX)
        return;
    units_write_duration(series->slo_ns, slo);
    if (above_ns == 0)
        table_line(table, TABLE_KEEP, "%-10s more than 1 %% above %s or lost: never", "", slo);
    else
        table_line(table, TABLE_KEEP, "%-10s more than 1 %% above %s or lost: for %s in all", "",
                   slo, units_write_duration(above_ns, above));
}

/* "slowest 904 ms, 68 lost". out has size octets; gives out. */
static const char *write_window(const struct series_window *window, char *out, size_t size)
{
    char slowest[UNITS_TEXT_MAX];
    char lost[UNITS_TEXT_MAX];

    units_write_count(window->lost, lost);
    if (window->ok == 0)
        snprintf(out, size, "no good answer, %s lost", lost);
    else
        snprintf(out, size, "slowest %s, %s lost", units_write_duration(window->max_ns, slowest),
                 lost);
    return out;
}

static void add_time(struct table *table, const struct result *run)
{
    const struct series *series = &run->series;
    char silence[UNITS_TEXT_MAX];
    char window[2 * UNITS_TEXT_MAX + 32];

    if (series->window_count == 0 || run->measured.sent == 0)
        return;
    size_t worst = series_worst_window(series);
    units_write_duration(series_longest_silence(series), silence);
    table_line(table, TABLE_KEEP, "%-10s longest silence %s; worst 100 ms began at %.1f s: %s",
               "over time", silence, (double)worst * (double)SERIES_WINDOW_NS / 1e9,
               write_window(&series->windows[worst], window, sizeof(window)));
    add_above_slo(table, series);
}

static void add_schedule_health(struct table *table, const struct health *health)
{
    char lag[UNITS_TEXT_MAX];
    char begun[UNITS_TEXT_MAX];
    char planned[UNITS_TEXT_MAX];

    table_line(table, TABLE_KEEP,
               "%-10s queries left %s late (p99), %s of %s planned; %llu of %llu windows uneven",
               "tester", units_write_duration(health->send_lag_p99_ns, lag),
               units_write_count(health->begun, begun), units_write_count(health->planned, planned),
               (unsigned long long)health->uneven, (unsigned long long)health->windows);
}

static void add_health(struct table *table, const struct health *health)
{
    char drops[UNITS_TEXT_MAX];
    char delay[UNITS_TEXT_MAX];
    char cpu[UNITS_TEXT_MAX];
    double whole = (double)health->thread_time_ns;

    if (health->open_loop)
        add_schedule_health(table, health);
    units_write_share(figures_share((double)health->run_delay_ns, whole), delay);
    units_write_share(figures_share((double)health->cpu_ns, whole), cpu);
    table_line(table, TABLE_KEEP, "%-10s own drops %s, waited for a CPU %s of the time, own CPU %s",
               health->open_loop ? "" : "tester", units_write_count(health->own_drops, drops),
               delay, cpu);
}

void table_run(struct table *table, const struct result *run)
{
    char load[TABLE_LINE_OCTETS];

    table_server(table, "server", run);
    table_setup(table, run, table_write_load(&run->setup, load, sizeof(load)));
    table_blank(table);
    add_queries(table, run);
    add_rcodes(table, &run->measured);
    table_blank(table);
    add_latencies(table, run);
    table_blank(table);
    add_time(table, run);
    add_health(table, &run->health);
}
