/* svg: the page around the panels: style, title, verdict, where it was measured.
 * Owns: the text while it writes. Thread: any.
 * Bounds: a few octets a row of the study. Fails: out of memory is fatal. */
#include "report/svg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "figures.h"
#include "local53/base/check.h"
#include "svg_chart.h"
#include "svg_private.h"

#define HEAD_HEIGHT 92
#define FOOT_HEIGHT 36

/* The palette is that of M. Okabe and K. Ito, which people who see colours differently can tell
 * apart; on dark grounds its lighter half. a, b, d, f: series (lines); A, B, D, F: the same as
 * areas. g: grid, k: small text, h and t: headings, i: the rest of a heading, o: text over lines,
 * c and e: anchors, q: dashed, p: thin. */
static const char style[] =
    "<style>\n"
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "fill:#24292f}\n"
    ".t{font-size:20px;font-weight:600}.h{font-size:13px;font-weight:600}.n{font-size:12.5px}"
    ".k{font-size:12px}.i{font-weight:400}.n,.k{fill:#57606a}\n"
    ".c{text-anchor:middle}.e{text-anchor:end}.z{fill:#ffffff}"
    ".o{paint-order:stroke;stroke:#ffffff;stroke-width:4px}\n"
    "path{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\n"
    ".g{stroke:#d8dee4;stroke-width:1}.w{stroke:#57606a;stroke-width:1.5}"
    ".q{stroke-dasharray:2 5}.p{stroke-width:1.4}\n"
    ".a{stroke:#0072b2}.b{stroke:#d55e00}.d{stroke:#009e73}.f{stroke:#8c959f}\n"
    ".A{fill:#0072b2}.B{fill:#d55e00}.D{fill:#009e73}.F{fill:#8c959f}.v0{fill:#00694d}.v1{fill:#"
    "b94700}\n"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n,.k{fill:#9da7b3}.z{fill:#0d1117}.o{"
    "stroke:#0d1117}"
    ".g{stroke:#2b323b}.w{stroke:#9da7b3}.a{stroke:#56b4e9}.b{stroke:#ff8f4a}.d{stroke:#35c99b}"
    ".f{stroke:#6e7781}.A{fill:#56b4e9}.B{fill:#ff8f4a}.D{fill:#35c99b}.F{fill:#6e7781}.v0{fill:#"
    "35c99b}"
    ".v1{fill:#ff8f4a}}\n"
    "</style>\n";

/* ---- Head and foot --------------------------------------------------------------------------- */

static void write_title(const struct study *study, char *out, size_t size)
{
    const struct result *a = figures_run(study, "A");
    const struct result *b = figures_run(study, "B");

    if (strcmp(study->command, "compare") == 0 && a != NULL && b != NULL)
        snprintf(out, size, "dnsbench compare: A %s, B %s", a->setup.server, b->setup.server);
    else
        snprintf(out, size, "dnsbench %s: %s over %s", study->command,
                 study->count > 0 ? study->runs[0].setup.server : "-",
                 study->count > 0 ? study->runs[0].setup.transport : "-");
}

static void write_load(const struct study *study, char *out, size_t size)
{
    char rate[UNITS_TEXT_MAX];
    char duration[UNITS_TEXT_MAX];

    out[0] = '\0';
    if (study->count == 0)
        return;
    const struct setup *setup = &study->runs[0].setup;
    units_write_duration(setup->duration_ns, duration);
    if (strcmp(study->command, "run") == 0 && setup->window == 0)
        snprintf(out, size, "%s · %s at %s, %s, for %s", setup->workload,
                 setup->lookups ? "lookups" : "queries", units_write_rate(setup->rate, rate),
                 setup->arrival, duration);
    else
        snprintf(out, size, "%s · %zu runs of %s", setup->workload, study->count, duration);
}

static void write_comparison(const struct comparison *c, char *out, size_t size)
{
    char sentence[RESULT_TEXT_MAX];

    snprintf(out, size, "%s: %s", c->metric,
             figures_write_comparison(c, sentence, sizeof(sentence)));
}

/* What the command found, in one line. */
static void write_finding(const struct study *study, char *out, size_t size)
{
    const char *reasons = study->reasons;
    char rate[UNITS_TEXT_MAX];
    const char *answer = study->answer > 0 ? units_write_rate(study->answer, rate) : "none";

    for (size_t i = 0; i < study->count && reasons[0] == '\0'; i++)
        reasons = study->runs[i].verdict == study->verdict ? study->runs[i].reasons : "";
    if (strcmp(study->command, "search") == 0)
        snprintf(out, size, "highest rate that met %s: %s", study->slo, answer);
    else if (strcmp(study->command, "max") == 0)
        snprintf(out, size, "highest clean throughput: %s", answer);
    else if (strcmp(study->command, "compare") == 0 && study->comparison_count > 0)
        write_comparison(&study->comparisons[0], out, size);
    else
        snprintf(out, size, "%.*s", (int)strcspn(reasons, "\n"), reasons);
}

static void write_head(struct svg_page *page, const struct study *study)
{
    char text[4 * RESULT_TEXT_MAX];
    char finding[3 * RESULT_TEXT_MAX];
    const char *word = figures_verdict(study->verdict);

    write_title(study, text, sizeof(text));
    svg_text(page->out, 24, 34, "t", text);
    write_load(study, text, sizeof(text));
    svg_text(page->out, 24, 56, "n", text);
    write_finding(study, finding, sizeof(finding));
    snprintf(text, sizeof(text), "%s%s%s", word, finding[0] != '\0' ? ": " : "", finding);
    svg_text(page->out, 24, 78, study->verdict == VERDICT_PASS ? "h v0" : "h v1", text);
    page->y += HEAD_HEIGHT;
}

static void write_foot(struct svg_page *page, const struct study *study)
{
    const struct host *host = &study->host;
    time_t seconds = (time_t)(host->started_wall_ms / 1000);
    char when[32] = "";
    char text[4 * RESULT_TEXT_MAX];
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &parts);
    snprintf(text, sizeof(text), "%s · %s · %s, %" PRIu32 " CPUs · Linux %s", host->tool, when,
             host->cpu, host->cpus, host->kernel);
    svg_text(page->out, 24, page->y + 14, "k", text);
    page->y += FOOT_HEIGHT;
}

/* ---- Page ------------------------------------------------------------------------------------ */

static void write_panels(struct svg_page *page, const struct study *study)
{
    if (strcmp(study->command, "compare") == 0)
        svg_compare(page, study);
    else if (strcmp(study->command, "search") == 0)
        svg_search(page, study);
    else if (strcmp(study->command, "max") == 0)
        svg_max(page, study);
    else if (study->count > 0)
        svg_run(page, &study->runs[0]);
}

/* The page's height is known once its panels are drawn. */
static char *write_body(const struct study *study, double *height)
{
    char *body = NULL;
    size_t size = 0;
    struct svg_page page = {.out = open_memstream(&body, &size)};

    CHECK(page.out != NULL);
    write_head(&page, study);
    write_panels(&page, study);
    write_foot(&page, study);
    CHECK(fclose(page.out) == 0);
    *height = page.y;
    return body;
}

char *svg_write(const struct study *study)
{
    char *text = NULL;
    size_t size = 0;
    double height = 0;
    char *body = write_body(study, &height);
    FILE *out = open_memstream(&text, &size);

    CHECK(out != NULL);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
            "height=\"%.0f\" role=\"img\">\n%s<rect class=\"z\" width=\"%.0f\" height=\"%.0f\"/>\n"
            "%s</svg>\n",
            SVG_WIDTH, height, SVG_WIDTH, height, style, SVG_WIDTH, height, body);
    CHECK(fclose(out) == 0);
    free(body);
    return text;
}
