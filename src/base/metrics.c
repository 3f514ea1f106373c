/* metrics: all cells of one thread in one block, found by offsets that the rows of the door give.
 * Owns the blocks and the slot names. One writer a block: a cell is loaded and stored, never
 * read-modified-written, and any thread may read it. Names: main thread only.
 * Bounds: the counts of the dimensions; a label value that finds no free slot shares "other".
 * Fails: a cell outside its row stops the process, as does lack of memory. */
#include "local53/base/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

/* A thread's block begins and ends on a cache line: no writer disturbs another. */
#define CACHE_LINE 64

/* First bucket's upper bound, in microseconds; each further one is twice as wide. */
#define FIRST_BUCKET_US 16

/* Cells of one histogram series: the buckets, what lies above them, the sum of microseconds. */
#define BUCKET_CELLS (METRICS_BUCKET_COUNT + 1)
#define SUM_CELL BUCKET_CELLS
#define HISTOGRAM_SPAN (BUCKET_CELLS + 1)

/* Cells of each dimension. */
enum {
#define DIMENSION_CELLS(id, label, count) CELLS_##id = (count),
    METRICS_DIMENSION_LIST(DIMENSION_CELLS)
#undef DIMENSION_CELLS
};

/* Where each row's cells begin: the row before it ends at AT_..._LAST. */
enum {
#define ROW_AT(id, kind, dimension, name, help)                                                    \
    AT_##id, AT_##id##_LAST = AT_##id + CELLS_##dimension - 1,
    METRICS_LIST(ROW_AT)
#undef ROW_AT
#define HISTOGRAM_AT(id, dimension, name, help)                                                    \
    AT_HISTOGRAM_##id,                                                                             \
        AT_HISTOGRAM_##id##_LAST = AT_HISTOGRAM_##id + CELLS_##dimension * HISTOGRAM_SPAN - 1,
        METRICS_HISTOGRAM_LIST(HISTOGRAM_AT)
#undef HISTOGRAM_AT
            CELL_COUNT
};

struct metrics {
    _Atomic uint64_t cells[CELL_COUNT]; /* all rows, then all histograms */
};

/* One row of the door, with its place. */
struct row {
    const char *name;                 /* family name */
    const char *help;                 /* one sentence */
    enum metrics_kind kind;           /* type of the family */
    enum metrics_dimension dimension; /* its labels */
    uint32_t first;                   /* its first cell */
};

static const struct row rows[METRICS_ID_COUNT] = {
#define ROW(id, kind, dimension, name, help)                                                       \
    {(name), (help), METRICS_KIND_##kind, METRICS_DIMENSION_##dimension, AT_##id},
    METRICS_LIST(ROW)
#undef ROW
};

static const struct row histograms[METRICS_HISTOGRAM_COUNT] = {
#define HISTOGRAM(id, dimension, name, help)                                                       \
    {(name), (help), METRICS_KIND_COUNTER, METRICS_DIMENSION_##dimension, AT_HISTOGRAM_##id},
    METRICS_HISTOGRAM_LIST(HISTOGRAM)
#undef HISTOGRAM
};

static const char *const type_names[] = {
    [METRICS_KIND_COUNTER] = "counter",
    [METRICS_KIND_GAUGE] = "gauge",
    [METRICS_KIND_GAUGE_COUNTER] = "counter",
};

/* Texts of the labels whose values are known beforehand, in the order of their enums. */
#define VALUE_TEXT(id, text) (text),
static const char *const transports[] = {METRICS_TRANSPORT_LIST(VALUE_TEXT)};
static const char *const sources[] = {METRICS_SOURCE_LIST(VALUE_TEXT)};
static const char *const drops[] = {METRICS_DROP_LIST(VALUE_TEXT)};
static const char *const reloads[] = {METRICS_RELOADED_LIST(VALUE_TEXT)};
#undef VALUE_TEXT

/* RFC 6895 section 2.3; the last stands for all above 15, which need EDNS. */
static const char *const rcodes[METRICS_RCODES] = {
    "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "DSOTYPENI",
    "RCODE12",  "RCODE13", "RCODE14",  "RCODE15",  "OTHER",
};

static const char *const *const known_values[] = {
    [METRICS_DIMENSION_TRANSPORT] = transports, [METRICS_DIMENSION_RCODE] = rcodes,
    [METRICS_DIMENSION_SOURCE] = sources,       [METRICS_DIMENSION_DROP] = drops,
    [METRICS_DIMENSION_RELOAD] = reloads,
};

/* What is printed for each dimension, and its cells. */
static const struct {
    const char *label; /* label name; "" for none */
    size_t cells;      /* series of a family */
} dimensions[] = {
#define DIMENSION(id, label, cells) {(label), (cells)},
    METRICS_DIMENSION_LIST(DIMENSION)
#undef DIMENSION
};

/* Names of the dynamic slots but the last, which is always "other"; taken front to back. */
struct metrics_names {
    char *endpoints[METRICS_ENDPOINT_SLOTS - 1]; /* owned; NULL while free */
    char *servers[METRICS_SERVER_SLOTS - 1];     /* owned; NULL while free */
};

/* One rendering. */
struct scrape {
    FILE *out;                         /* owned by metrics_render; grows in memory */
    struct metrics *const *sets;       /* borrowed */
    size_t count;                      /* sets */
    const struct metrics_names *names; /* borrowed */
};

/* ---- Cells ---- */

struct metrics *metrics_new(void)
{
    size_t size = (sizeof(struct metrics) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    struct metrics *metrics = aligned_alloc(CACHE_LINE, size);

    CHECK(metrics != NULL);
    memset(metrics, 0, size);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

static _Atomic uint64_t *cell_of(struct metrics *metrics, enum metrics_id id, size_t cell)
{
    CHECK((size_t)id < METRICS_ID_COUNT && cell < dimensions[rows[id].dimension].cells);
    return &metrics->cells[rows[id].first + cell];
}

/* One writer: a load and a store lose nothing and cost less than a locked addition. */
static void cell_add(_Atomic uint64_t *cell, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(cell, memory_order_relaxed);

    atomic_store_explicit(cell, value + amount, memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, enum metrics_id id, size_t cell, uint64_t amount)
{
    cell_add(cell_of(metrics, id, cell), amount);
}

void metrics_set(struct metrics *metrics, enum metrics_id id, size_t cell, uint64_t value)
{
    atomic_store_explicit(cell_of(metrics, id, cell), value, memory_order_relaxed);
}

uint64_t metrics_get(const struct metrics *metrics, enum metrics_id id, size_t cell)
{
    CHECK((size_t)id < METRICS_ID_COUNT && cell < dimensions[rows[id].dimension].cells);
    return atomic_load_explicit(&metrics->cells[rows[id].first + cell], memory_order_relaxed);
}

/* The bucket whose upper bound, 16 us times a power of two, is the least not below us. */
static size_t bucket_of(uint64_t us)
{
    size_t bucket;

    if (us <= FIRST_BUCKET_US)
        return 0;
    bucket = (size_t)(64 - __builtin_clzll((us - 1) / FIRST_BUCKET_US));
    return bucket < METRICS_BUCKET_COUNT ? bucket : METRICS_BUCKET_COUNT;
}

void metrics_observe_many(struct metrics *metrics, enum metrics_histogram_id id, size_t cell,
                          uint64_t us, uint64_t count)
{
    _Atomic uint64_t *span;

    CHECK((size_t)id < METRICS_HISTOGRAM_COUNT);
    CHECK(cell < dimensions[histograms[id].dimension].cells);
    span = &metrics->cells[histograms[id].first + cell * HISTOGRAM_SPAN];
    cell_add(&span[bucket_of(us)], count);
    cell_add(&span[SUM_CELL], us * count);
}

void metrics_observe(struct metrics *metrics, enum metrics_histogram_id id, size_t cell,
                     uint64_t us)
{
    metrics_observe_many(metrics, id, cell, us, 1);
}

/* ---- Slot names ---- */

struct metrics_names *metrics_names_new(void)
{
    struct metrics_names *names = calloc(1, sizeof(*names));

    CHECK(names != NULL);
    return names;
}

void metrics_names_free(struct metrics_names *names)
{
    if (names == NULL)
        return;
    for (size_t i = 0; i < METRICS_ENDPOINT_SLOTS - 1; i++)
        free(names->endpoints[i]);
    for (size_t i = 0; i < METRICS_SERVER_SLOTS - 1; i++)
        free(names->servers[i]);
    free(names);
}

static bool is_dynamic(enum metrics_dimension dimension)
{
    return dimension == METRICS_DIMENSION_ENDPOINT || dimension == METRICS_DIMENSION_SERVER;
}

size_t metrics_slot_for(struct metrics_names *names, enum metrics_dimension dimension,
                        const char *value)
{
    size_t last = dimensions[dimension].cells - 1;
    char **slots = dimension == METRICS_DIMENSION_ENDPOINT ? names->endpoints : names->servers;
    size_t slot = 0;

    CHECK(is_dynamic(dimension));
    while (slot < last && slots[slot] != NULL && strcmp(slots[slot], value) != 0)
        slot++;
    if (slot < last && slots[slot] == NULL) {
        slots[slot] = strdup(value);
        CHECK(slots[slot] != NULL);
    }
    return slot;
}

/* The name of a dynamic slot, or NULL while it is free. */
static const char *slot_name(const struct metrics_names *names, enum metrics_dimension dimension,
                             size_t slot)
{
    if (slot == dimensions[dimension].cells - 1)
        return "other";
    return dimension == METRICS_DIMENSION_ENDPOINT ? names->endpoints[slot] : names->servers[slot];
}

/* ---- Text ---- */

/* Text of the (last) label. */
static const char *label_value(const struct scrape *s, enum metrics_dimension dimension,
                               size_t cell)
{
    if (is_dynamic(dimension))
        return slot_name(s->names, dimension, cell);
    return known_values[dimension]
                       [dimension == METRICS_DIMENSION_RCODE ? cell % METRICS_RCODES : cell];
}

static void put_label(FILE *out, const char *separator, const char *label, const char *value)
{
    fprintf(out, "%s%s=\"", separator, label);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

/* The labels of a series in braces, nothing when it has none; le is a bucket's bound or NULL. */
static void put_labels(const struct scrape *s, enum metrics_dimension dimension, size_t cell,
                       const char *le)
{
    const char *separator = "{";

    if (dimension == METRICS_DIMENSION_RCODE) {
        put_label(s->out, "{", "transport", transports[cell / METRICS_RCODES]);
        put_label(s->out, ",", "rcode", label_value(s, dimension, cell));
        separator = ",";
    } else if (dimension != METRICS_DIMENSION_NONE) {
        put_label(s->out, "{", dimensions[dimension].label, label_value(s, dimension, cell));
        separator = ",";
    }
    if (le != NULL) {
        put_label(s->out, separator, "le", le);
        separator = ",";
    }
    fputs(separator[0] == ',' ? "} " : " ", s->out);
}

/* A series that does not exist until it counts breaks a rate() over it, so zeros are told too,
 * but for unnamed slots and for the response codes, most of which never occur. */
static bool is_shown(const struct scrape *s, enum metrics_dimension dimension, size_t cell,
                     uint64_t value)
{
    if (is_dynamic(dimension)) {
        bool is_other = cell == dimensions[dimension].cells - 1;

        return is_other ? value != 0 : slot_name(s->names, dimension, cell) != NULL;
    }
    return value != 0 || dimension != METRICS_DIMENSION_RCODE;
}

static uint64_t sum_of(const struct scrape *s, size_t index)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->count; i++)
        sum += atomic_load_explicit(&s->sets[i]->cells[index], memory_order_relaxed);
    return sum;
}

static void put_head(const struct scrape *s, const struct row *row, const char *type)
{
    fprintf(s->out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, type);
}

static void put_row(const struct scrape *s, const struct row *row)
{
    put_head(s, row, type_names[row->kind]);
    for (size_t cell = 0; cell < dimensions[row->dimension].cells; cell++) {
        uint64_t value = sum_of(s, row->first + cell);

        if (is_shown(s, row->dimension, cell, value)) {
            fputs(row->name, s->out);
            put_labels(s, row->dimension, cell, NULL);
            fprintf(s->out, "%" PRIu64 "\n", value);
        }
    }
}

/* Microseconds as seconds, exactly. out has room for any number. */
static const char *format_seconds(uint64_t us, char *out, size_t size)
{
    snprintf(out, size, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
    return out;
}

/* One series. Buckets are read once and told cumulatively, so that _count is the last of them
 * even while their writer goes on. */
static void put_histogram_series(const struct scrape *s, const struct row *row, size_t cell)
{
    size_t first = row->first + cell * HISTOGRAM_SPAN;
    uint64_t below[BUCKET_CELLS];
    uint64_t total = 0;
    char seconds[32];

    for (size_t i = 0; i < BUCKET_CELLS; i++) {
        total += sum_of(s, first + i);
        below[i] = total;
    }
    if (!is_shown(s, row->dimension, cell, total))
        return;
    for (size_t i = 0; i < BUCKET_CELLS; i++) {
        bool is_last = i == METRICS_BUCKET_COUNT;

        format_seconds((uint64_t)FIRST_BUCKET_US << i, seconds, sizeof(seconds));
        fprintf(s->out, "%s_bucket", row->name);
        put_labels(s, row->dimension, cell, is_last ? "+Inf" : seconds);
        fprintf(s->out, "%" PRIu64 "\n", below[i]);
    }
    fprintf(s->out, "%s_sum", row->name);
    put_labels(s, row->dimension, cell, NULL);
    fprintf(s->out, "%s\n", format_seconds(sum_of(s, first + SUM_CELL), seconds, sizeof(seconds)));
    fprintf(s->out, "%s_count", row->name);
    put_labels(s, row->dimension, cell, NULL);
    fprintf(s->out, "%" PRIu64 "\n", total);
}

static void put_histogram(const struct scrape *s, const struct row *row)
{
    put_head(s, row, "histogram");
    for (size_t cell = 0; cell < dimensions[row->dimension].cells; cell++)
        put_histogram_series(s, row, cell);
}

char *metrics_render(struct metrics *const *sets, size_t count, const struct metrics_names *names,
                     const char *info)
{
    char *text = NULL;
    size_t size = 0;
    struct scrape s = {open_memstream(&text, &size), sets, count, names};
    bool has_failed;

    CHECK(s.out != NULL);
    for (size_t i = 0; i < METRICS_ID_COUNT; i++)
        put_row(&s, &rows[i]);
    for (size_t i = 0; i < METRICS_HISTOGRAM_COUNT; i++)
        put_histogram(&s, &histograms[i]);
    fputs(info != NULL ? info : "", s.out);
    has_failed = ferror(s.out) != 0;
    CHECK(fclose(s.out) == 0 && !has_failed);
    return text;
}
