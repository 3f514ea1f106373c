/* table_studies: the tables of commands that make several runs: max, search, compare.
 * Owns: nothing. Thread: any.
 * Bounds: ROWS_MAX rows of runs; the rest is counted. Fails: never. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figures.h"
#include "table_private.h"

#define ROWS_MAX 15
#define ROWS_FIRST 4 /* of a longer list: these, and the last ones */
#define NAME_COLUMNS (-12)
#define VALUE_COLUMNS 13 /* of windows, whose headings are long */
#define STEP_COLUMNS 11  /* of steps and slices */

/* ---- Rows of runs ---------------------------------------------------------------------------- */

static void add_heads(struct table *table, const char *const *heads, size_t count, int columns)
{
    struct table_row row = {0};

    for (size_t i = 0; i < count; i++)
        table_cell(&row, i == 0 ? NAME_COLUMNS : columns, heads[i]);
    table_line(table, TABLE_KEEP, "%s", row.text);
}

/* Adds a row a run; of a long list the first and the last ones, which decided. */
static void add_rows(struct table *table, const struct study *study,
                     void (*add)(struct table *table, const struct result *run))
{
    size_t left_out = study->count > ROWS_MAX ? study->count - ROWS_MAX : 0;

    for (size_t i = 0; i < study->count; i++) {
        if (left_out > 0 && i == ROWS_FIRST) {
            table_line(table, TABLE_KEEP, "... %zu not shown (--json has all)", left_out);
            i += left_out;
        }
        add(table, &study->runs[i]);
    }
}

/* The first of the reasons, cut to the line. */
static void first_reason(const struct result *run, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)strcspn(run->reasons, "\n"), run->reasons);
}

/* The tester itself: its drops in all runs, else the worst of them. */
static void add_tester(struct table *table, const struct study *study)
{
    struct health worst = {0};
    double delay = 0;
    double busy = 0;
    char lag[UNITS_TEXT_MAX], waited[UNITS_TEXT_MAX], cpu[UNITS_TEXT_MAX], drops[UNITS_TEXT_MAX];
    char late[UNITS_TEXT_MAX + 24] = "";

    for (size_t i = 0; i < study->count; i++) {
        const struct health *health = &study->runs[i].health;
        double whole = (double)health->thread_time_ns;

        worst.open_loop = worst.open_loop || health->open_loop;
        worst.own_drops += health->own_drops;
        if (health->send_lag_p99_ns > worst.send_lag_p99_ns)
            worst.send_lag_p99_ns = health->send_lag_p99_ns;
        delay = fmax(delay, figures_share((double)health->run_delay_ns, whole));
        busy = fmax(busy, figures_share((double)health->cpu_ns, whole));
    }
    if (worst.open_loop)
        snprintf(late, sizeof(late), "left %s late (p99), ",
                 units_write_duration(worst.send_lag_p99_ns, lag));
    table_line(table, TABLE_DETAIL,
               "%-10s worst of all: %swaited for a CPU %s, busy %s; %s own drops", "tester", late,
               units_write_share(delay, waited), units_write_share(busy, cpu),
               units_write_count(worst.own_drops, drops));
}

/* ---- max ------------------------------------------------------------------------------------- */

static void add_window(struct table *table, const struct result *run)
{
    struct table_row row = {0};
    char text[FIGURES_TEXT_MAX];
    double server_ns = figures_server_cpu_ns(run);

    table_cell(&row, NAME_COLUMNS, run->name);
    table_cell(&row, VALUE_COLUMNS,
               units_write_rate(figures_per_second(run, run->measured.outcome[OUTCOME_OK]), text));
    table_cell(&row, VALUE_COLUMNS, units_write_share(tally_loss(&run->measured), text));
    table_cell(&row, VALUE_COLUMNS, figures_write_ns(figures_tester_cpu_ns(run), text));
    table_cell(&row, VALUE_COLUMNS, figures_write_ns(server_ns > 0 ? server_ns : -1, text));
    table_cell(&row, VALUE_COLUMNS, figures_write_quantile(&run->service, 0.5, text));
    table_cell(&row, 0, "  ");
    table_cell(&row, 0, run->verdict == VERDICT_PASS ? "" : verdict_name(run->verdict));
    table_line(table, TABLE_KEEP, "%s", row.text);
}

void table_max(struct table *table, const struct study *study)
{
    static const char *const heads[] = {"in flight",  "queries/s",  "loss",
                                        "tester CPU", "server CPU", "service p50"};
    char answer[UNITS_TEXT_MAX];

    if (study->count == 0)
        return;
    table_server(table, "server", &study->runs[0]);
    table_setup(table, &study->runs[0], "as much as is answered; each window");
    table_blank(table);
    add_heads(table, heads, sizeof(heads) / sizeof(heads[0]), VALUE_COLUMNS);
    add_rows(table, study, add_window);
    add_tester(table, study);
    table_line(table, TABLE_DETAIL,
               "CPU is that of one query. The service time is only how many "
               "queries were kept waiting:");
    table_line(table, TABLE_DETAIL,
               "latency belongs to `dnsbench run`, at a rate below this one (Little's law).");
    table_blank(table);
    table_line(table, TABLE_KEEP, "highest clean throughput: %s",
               study->answer > 0 ? units_write_rate(study->answer, answer) : "none");
}

/* ---- search ---------------------------------------------------------------------------------- */

static const char *step_word(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_PASS: return "met";
    case VERDICT_INVALID: return "tester was the limit";
    default: return "not met";
    }
}

static void add_step(struct table *table, const struct result *run)
{
    struct table_row row = {0};
    char text[FIGURES_TEXT_MAX];
    char reason[42];

    table_cell(&row, NAME_COLUMNS, units_write_rate(run->setup.rate, text));
    table_cell(&row, STEP_COLUMNS,
               units_write_rate(figures_per_second(run, run->measured.outcome[OUTCOME_OK]), text));
    table_cell(&row, STEP_COLUMNS, figures_write_quantile(&run->response, 0.5, text));
    table_cell(&row, STEP_COLUMNS, figures_write_quantile(&run->response, 0.99, text));
    table_cell(&row, STEP_COLUMNS, units_write_share(tally_loss(&run->measured), text));
    table_cell(&row, 0, "   ");
    first_reason(run, reason, sizeof(reason));
    table_cell(&row, 0, step_word(run->verdict));
    if (run->verdict == VERDICT_FAILED && reason[0] != '\0') {
        table_cell(&row, 0, ": ");
        table_cell(&row, 0, reason);
    }
    table_line(table, TABLE_KEEP, "%s", row.text);
}

void table_search(struct table *table, const struct study *study)
{
    static const char *const heads[] = {"rate", "ok", "p50", "p99", "loss"};
    char answer[UNITS_TEXT_MAX];

    char load[64];

    if (study->count == 0)
        return;
    const struct setup *setup = &study->runs[0].setup;
    table_server(table, "server", &study->runs[0]);
    snprintf(load, sizeof(load), "%s, %s; each rate", setup->lookups ? "lookups" : "queries",
             setup->arrival);
    table_setup(table, &study->runs[0], load);
    table_blank(table);
    add_heads(table, heads, sizeof(heads) / sizeof(heads[0]), STEP_COLUMNS);
    add_rows(table, study, add_step);
    add_tester(table, study);
    table_blank(table);
    table_line(table, TABLE_KEEP, "highest rate that met %s: %s", study->slo,
               study->answer > 0 ? units_write_rate(study->answer, answer) : "none");
}

/* ---- compare --------------------------------------------------------------------------------- */

/* A rate for throughput, else a duration; "-" when the run does not have it. */
static const char *write_metric(const struct result *run, const char *metric, char *out)
{
    double value = 0;

    if (run == NULL || !figures_metric(run, metric, &value))
        return "-";
    return strcmp(metric, "throughput") == 0 ? units_write_rate(value, out)
                                             : figures_write_ns(value, out);
}

static void add_comparison(struct table *table, const struct study *study,
                           const struct comparison *c)
{
    struct table_row row = {0};
    char text[FIGURES_TEXT_MAX];

    table_cell(&row, NAME_COLUMNS, c->metric);
    table_cell(&row, STEP_COLUMNS, write_metric(figures_run(study, "A"), c->metric, text));
    table_cell(&row, STEP_COLUMNS, write_metric(figures_run(study, "B"), c->metric, text));
    snprintf(text, sizeof(text), "%.4f", c->ratio);
    table_cell(&row, STEP_COLUMNS, text);
    snprintf(text, sizeof(text), "   %.4f..%.4f", c->low, c->high);
    table_cell(&row, 0, text);
    table_line(table, TABLE_KEEP, "%s", row.text);
}

static void add_sentence(struct table *table, const struct comparison *c)
{
    char sentence[TABLE_LINE_OCTETS / 2];

    figures_write_comparison(c, sentence, sizeof(sentence));
    table_line(table, TABLE_KEEP, "%-10s %s", c->metric, sentence);
}

static void add_loss(struct table *table, const struct study *study)
{
    struct table_row row = {0};
    char text[UNITS_TEXT_MAX];

    table_cell(&row, NAME_COLUMNS, "loss");
    for (const char *name = "AB"; *name != '\0'; name++) {
        const struct result *run = figures_run(study, (char[]){*name, '\0'});
        table_cell(&row, STEP_COLUMNS,
                   run == NULL ? "-" : units_write_share(tally_loss(&run->measured), text));
    }
    table_line(table, TABLE_KEEP, "%s", row.text);
}

void table_compare(struct table *table, const struct study *study)
{
    static const char *const heads[] = {"", "A", "B", "B/A"};
    const struct result *a = figures_run(study, "A");
    char load[TABLE_LINE_OCTETS];
    const struct result *b = figures_run(study, "B");

    if (a == NULL || b == NULL)
        return;
    table_server(table, "A", a);
    table_server(table, "B", b);
    table_setup(table, a, table_write_load(&a->setup, load, sizeof(load)));
    table_blank(table);
    add_heads(table, heads, sizeof(heads) / sizeof(heads[0]), STEP_COLUMNS);
    for (size_t i = 0; i < study->comparison_count; i++)
        add_comparison(table, study, &study->comparisons[i]);
    add_loss(table, study);
    add_tester(table, study);
    if (study->comparison_count > 0)
        table_line(
            table, TABLE_DETAIL,
            "B/A is the trimmed mean of %u pairs of slices in the order ABBA, with its interval.",
            study->comparisons[0].pairs);
    table_blank(table);
    for (size_t i = 0; i < study->comparison_count; i++)
        add_sentence(table, &study->comparisons[i]);
}
