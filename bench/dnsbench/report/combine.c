/* combine: merges results of one load, and sets two results side by side.
 * Owns nothing that lasts. Thread: one. Bounds: a diff's table has at most DIFF_MAX_OCTETS.
 * Fails: results that cannot be one load are refused with what differs. */
#include "report/combine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "report/figures.h"

#define DIFF_MAX_OCTETS 4096

/* ---- Merge --------------------------------------------------------------------------------------- */

static bool ran_together(const struct study *a, const struct study *b)
{
    uint64_t first = a->host.started_wall_ms;
    uint64_t second = b->host.started_wall_ms;
    uint64_t apart_ms = first < second ? second - first : first - second;

    return apart_ms <= a->runs[0].setup.duration_ns / NS_PER_MS / 2;
}

/* What makes two results measurements of different loads; NULL when nothing does. */
static const char *difference(const struct study *whole, const struct study *part)
{
    const struct setup *a = &whole->runs[0].setup;
    const struct setup *b = &part->runs[0].setup;

    if (strcmp(a->server, b->server) != 0)
        return "the servers differ";
    if (strcmp(a->transport, b->transport) != 0)
        return "the transports differ";
    if (a->lookups != b->lookups)
        return "one counts lookups, the other queries";
    if (a->timeout_ns != b->timeout_ns)
        return "the timeouts differ";
    if (!series_same_shape(&whole->runs[0].series, &part->runs[0].series))
        return "measured time, interval or SLO differ";
    if (!ran_together(whole, part) && a->rate != b->rate)
        return "they ran at several times, and the rates differ";
    return NULL;
}

static bool refuse(char *why, size_t size, const char *text)
{
    snprintf(why, size, "%s", text);
    return false;
}

static bool can_merge(const struct study *whole, const struct study *part, char *why, size_t size)
{
    const char *differs;

    if (strcmp(part->command, "run") != 0 || part->count != 1)
        return refuse(why, size, "only results of 'run' can be merged");
    if (whole->count == 0)
        return true;
    differs = difference(whole, part);
    return differs == NULL || refuse(why, size, differs);
}

/* Another tester of the same load. */
static void add_tester(struct study *whole, const struct study *part)
{
    struct setup *setup = &whole->runs[0].setup;
    const struct setup *added = &part->runs[0].setup;

    setup->rate += added->rate;
    setup->clients += added->clients;
    setup->threads += added->threads;
    setup->window += added->window;
    setup->memory_octets += added->memory_octets;
    result_merge(&whole->runs[0], &part->runs[0]);
}

/* The same load once more. */
static void add_repetition(struct study *whole, const struct study *part)
{
    result_append(&whole->runs[0], &part->runs[0]);
    study_judge(whole, whole->runs[0].verdict, "%s", whole->runs[0].reasons);
}

enum err combine_merge(struct study *whole, struct study *part, char *why, size_t size)
{
    if (!can_merge(whole, part, why, size))
        return ERR_INVALID;
    if (whole->count == 0) {
        *whole = *part;
        *part = (struct study){0};
        return ERR_OK;
    }
    if (ran_together(whole, part))
        add_tester(whole, part);
    else
        add_repetition(whole, part);
    study_judge(whole, part->verdict, "%s", part->reasons);
    return ERR_OK;
}

/* ---- Diff ---------------------------------------------------------------------------------------- */

struct diff {
    char *text;               /* DIFF_MAX_OCTETS of it */
    size_t len;               /* written */
    const struct result *old; /* borrowed */
    const struct result *now; /* borrowed */
};

static void say(struct diff *diff, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct diff *diff, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(diff->text + diff->len, DIFF_MAX_OCTETS - diff->len, format, arguments);
    va_end(arguments);
    CHECK(n >= 0);
    diff->len += (size_t)n;
    if (diff->len >= DIFF_MAX_OCTETS)
        diff->len = DIFF_MAX_OCTETS - 1;
}

/* Columns and not octets make a cell: "≥" has three. */
static void say_cell(struct diff *diff, const char *text)
{
    int blanks = 16 - (int)figures_columns(text);

    say(diff, "%*s%s", blanks > 0 ? blanks : 1, "", text);
}

static void say_row(struct diff *diff, const char *label, const char *cells[2], double ratio)
{
    char text[UNITS_TEXT_MAX] = "-";

    if (ratio > 0)
        snprintf(text, sizeof(text), "%.3f", ratio);
    say(diff, "%-18s", label);
    say_cell(diff, cells[0]);
    say_cell(diff, cells[1]);
    say_cell(diff, text);
    say(diff, "\n");
}

static double ratio_of(double old, double now)
{
    return old > 0 && now > 0 ? now / old : 0;
}

static void say_rate(struct diff *diff, const char *label, uint64_t old, uint64_t now)
{
    double a = figures_per_second(diff->old, old);
    double b = figures_per_second(diff->now, now);
    char text[2][UNITS_TEXT_MAX];

    say_row(diff, label,
            (const char *[]){units_write_rate(a, text[0]), units_write_rate(b, text[1])},
            ratio_of(a, b));
}

static void say_share(struct diff *diff, const char *label, double old, double now)
{
    char text[2][UNITS_TEXT_MAX];

    say_row(diff, label,
            (const char *[]){units_write_share(old, text[0]), units_write_share(now, text[1])},
            ratio_of(old, now));
}

static void say_quantiles(struct diff *diff, const char *what, const struct histogram *old,
                          const struct histogram *now)
{
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        struct quantile a = histogram_quantile(old, shares[i].share);
        struct quantile b = histogram_quantile(now, shares[i].share);
        bool known = !a.at_least && !b.at_least;
        char text[2][FIGURES_TEXT_MAX];
        char label[32];

        snprintf(label, sizeof(label), "%s %s", what, shares[i].name);
        say_row(diff, label,
                (const char *[]){figures_write_quantile(old, shares[i].share, text[0]),
                                 figures_write_quantile(now, shares[i].share, text[1])},
                known ? ratio_of((double)a.ns, (double)b.ns) : 0);
    }
}

static void say_difference(struct diff *diff, const char *what, const char *old, const char *now)
{
    if (strcmp(old, now) != 0)
        say(diff, "note: %s differs: %s, %s\n", what, old, now);
}

static void say_differences(struct diff *diff)
{
    const struct setup *a = &diff->old->setup;
    const struct setup *b = &diff->now->setup;
    char text[2][UNITS_TEXT_MAX];

    say_difference(diff, "the server", a->server, b->server);
    say_difference(diff, "the transport", a->transport, b->transport);
    say_difference(diff, "the workload", a->workload, b->workload);
    say_difference(diff, "the rate", units_write_rate(a->rate, text[0]),
                   units_write_rate(b->rate, text[1]));
    say_difference(diff, "the arrival", a->arrival, b->arrival);
}

char *combine_diff(const struct study *old, const struct study *now)
{
    struct diff diff = {
        .text = calloc(1, DIFF_MAX_OCTETS), .old = &old->runs[0], .now = &now->runs[0]};
    const struct result *a = diff.old;
    const struct result *b = diff.now;

    CHECK(diff.text != NULL);
    say_differences(&diff);
    say(&diff, "%-18s%16s%16s%16s\n", "", "old", "new", "new / old");
    say_rate(&diff, "sent", a->measured.sent, b->measured.sent);
    say_rate(&diff, "answered", a->measured.outcome[OUTCOME_OK], b->measured.outcome[OUTCOME_OK]);
    say_share(&diff, "loss", tally_loss(&a->measured), tally_loss(&b->measured));
    say_quantiles(&diff, "response", &a->response, &b->response);
    say_quantiles(&diff, "service", &a->service, &b->service);
    if (a->lookup.total > 0 && b->lookup.total > 0)
        say_quantiles(&diff, "lookup", &a->lookup, &b->lookup);
    say(&diff, "verdict            %s, %s\n", verdict_name(a->verdict), verdict_name(b->verdict));
    return diff.text;
}
