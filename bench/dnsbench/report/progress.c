/* progress: the live line on stderr.
 * Owns: nothing but the line on the terminal. Thread: one (that which called crew_run).
 * Bounds: at most the terminal's width, LINE_MAX_COLUMNS. Fails: never; a terminal that takes
 * nothing is left alone. */
#include "report/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "figures.h"

#define LINE_MAX_COLUMNS 120
#define LINE_COLUMNS 80 /* where the terminal does not say */
#define BAR_COLUMNS 20
#define ERASE_REST "\033[K" /* ECMA-48 EL: from the cursor to the line's end */

void progress_init(struct progress *progress, bool quiet)
{
    *progress = (struct progress){.enabled = !quiet && isatty(STDERR_FILENO) == 1};
}

void progress_label(struct progress *progress, const char *label)
{
    snprintf(progress->label, sizeof(progress->label), "%s", label);
    progress->before = (struct progress_figures){0};
}

static void write_bar(char bar[BAR_COLUMNS + 1], const struct progress_figures *now)
{
    double done = figures_share((double)now->elapsed_ns, (double)now->total_ns);
    size_t full = (size_t)(BAR_COLUMNS * (done < 1 ? done : 1));

    memset(bar, '-', BAR_COLUMNS);
    memset(bar, '#', full);
    bar[BAR_COLUMNS] = '\0';
}

/* Answers a second, share lost and mean response of what ended since the last draw. A figure
 * below the last one means that another step has begun: it counts from zero. */
static void write_recent(const struct progress *progress, const struct progress_figures *now,
                         char *out, size_t size)
{
    struct progress_figures from = progress->before;
    char rate[UNITS_TEXT_MAX];
    char loss[UNITS_TEXT_MAX];
    char mean[FIGURES_TEXT_MAX];

    if (now->elapsed_ns < from.elapsed_ns || now->ok < from.ok || now->lost < from.lost)
        from = (struct progress_figures){0};
    double ok = (double)(now->ok - from.ok);
    double lost = (double)(now->lost - from.lost);
    double sum_us = (double)now->response_sum_us - (double)from.response_sum_us;
    units_write_rate(figures_share(ok * 1e9, (double)(now->elapsed_ns - from.elapsed_ns)), rate);
    units_write_share(figures_share(lost, ok + lost), loss);
    figures_write_ns(ok > 0 ? 1e3 * sum_us / ok : -1, mean);
    snprintf(out, size, "%s ok, lost %s, mean %s", rate, loss, mean);
}

const char *progress_write(const struct progress *progress, const struct progress_figures *now,
                           char *out, unsigned size)
{
    char bar[BAR_COLUMNS + 1];
    char elapsed[UNITS_TEXT_MAX];
    char total[UNITS_TEXT_MAX];
    char recent[3 * FIGURES_TEXT_MAX];

    write_bar(bar, now);
    write_recent(progress, now, recent, sizeof(recent));
    units_write_duration(now->elapsed_ns, elapsed);
    units_write_duration(now->total_ns, total);
    snprintf(out, size, "%s%s[%s] %s of %s  %s", progress->label,
             progress->label[0] != '\0' ? " " : "", bar, elapsed, total, recent);
    return out;
}

/* The last column stays free: terminals wrap when it is written. */
static unsigned line_columns(void)
{
    struct winsize window = {0};
    unsigned columns = LINE_COLUMNS;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
        columns = window.ws_col;
    return columns < LINE_MAX_COLUMNS ? columns - 1 : LINE_MAX_COLUMNS - 1;
}

void progress_draw(struct progress *progress, const struct progress_figures *now)
{
    char line[LINE_MAX_COLUMNS];

    if (!progress->enabled)
        return;
    fprintf(stderr, "\r%s" ERASE_REST, progress_write(progress, now, line, line_columns() + 1));
    fflush(stderr);
    progress->before = *now;
    progress->shown = true;
}

void progress_clear(struct progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r" ERASE_REST, stderr);
    fflush(stderr);
    progress->shown = false;
}
