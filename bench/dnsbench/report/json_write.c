/* json_write: a study as JSON.
 * Owns: the tree while it writes. Thread: any.
 * Bounds: what the study holds. Fails: out of memory is fatal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "json_private.h"
#include "local53/base/check.h"
#include "report/json.h"

#define LINE_COLUMNS 100
#define DUMP_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))

/* ---- Tree ------------------------------------------------------------------------------------ */

/* Both take value over; the only failure left is memory. */
static void put(json_t *object, const char *name, json_t *value)
{
    CHECK(json_object_set_new(object, name, value) == 0);
}

static void append(json_t *array, json_t *value)
{
    CHECK(json_array_append_new(array, value) == 0);
}

static json_t *count_value(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *pair(uint64_t a, uint64_t b)
{
    json_t *array = json_array();

    append(array, count_value(a));
    append(array, count_value(b));
    return array;
}

static void put_fields(json_t *object, const struct json_field *fields, const void *of)
{
    for (; fields->name != NULL; fields++)
        put(object, fields->name, json_field_write(fields, of));
}

static json_t *fields_object(const struct json_field *fields, const void *of)
{
    json_t *object = json_object();

    put_fields(object, fields, of);
    return object;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

static json_t *histogram_object(const struct histogram *h)
{
    json_t *object = fields_object(json_histogram_fields, h);
    json_t *counts = json_array();

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->counts[i] > 0)
            append(counts, pair(i, h->counts[i]));
    }
    put(object, "counts", counts);
    return object;
}

static json_t *tally_object(const struct tally *tally)
{
    json_t *object = fields_object(json_tally_fields, tally);
    json_t *outcomes = json_object();
    json_t *answers = json_object();
    json_t *rcodes = json_array();

    for (int i = 0; i < OUTCOME_COUNT; i++)
        put(outcomes, outcome_name((enum outcome)i), count_value(tally->outcome[i]));
    for (int i = 0; i < ANSWER_COUNT; i++)
        put(answers, answer_name((enum answer_class)i), count_value(tally->answer[i]));
    for (int i = 0; i < TALLY_RCODES; i++)
        append(rcodes, count_value(tally->rcode[i]));
    put(object, "outcomes", outcomes);
    put(object, "answers", answers);
    put(object, "rcodes", rcodes);
    return object;
}

static json_t *windows_object(const struct series *series)
{
    json_t *object = json_object();
    json_t *columns = json_array();
    json_t *rows = json_array();

    for (const struct json_field *column = json_window_columns; column->name != NULL; column++)
        append(columns, json_string(column->name));
    for (size_t i = 0; i < series->window_count; i++) {
        json_t *row = json_array();
        for (const struct json_field *column = json_window_columns; column->name != NULL; column++)
            append(row, json_field_write(column, &series->windows[i]));
        append(rows, row);
    }
    put(object, "columns", columns);
    put(object, "rows", rows);
    return object;
}

static json_t *interval_row(const struct series_interval *interval)
{
    json_t *row = json_array();
    json_t *counts = json_array();

    for (size_t i = 0; i < SKETCH_BUCKETS; i++) {
        if (interval->latency.counts[i] > 0)
            append(counts, pair(i, interval->latency.counts[i]));
    }
    append(row, count_value(interval->sent));
    append(row, count_value(interval->ok));
    append(row, count_value(interval->lost));
    append(row, count_value(interval->latency.max_ns));
    append(row, counts);
    return row;
}

static json_t *intervals_object(const struct series *series)
{
    json_t *object = json_object();
    json_t *columns = json_array();
    json_t *rows = json_array();

    for (size_t i = 0; json_interval_columns[i] != NULL; i++)
        append(columns, json_string(json_interval_columns[i]));
    for (size_t i = 0; i < series->interval_count; i++)
        append(rows, interval_row(&series->intervals[i]));
    put(object, "columns", columns);
    put(object, "rows", rows);
    return object;
}

/* Lengths of runs of equal bits, beginning with those of 0. */
static json_t *heard_array(const struct series *series)
{
    json_t *array = json_array();
    uint64_t before = 0;
    size_t length = 0;

    for (size_t bit = 0; bit < series->heard_words * 64; bit++) {
        uint64_t is = series->heard[bit / 64] >> (bit % 64) & 1;
        if (is != before) {
            append(array, count_value(length));
            length = 0;
            before = is;
        }
        length++;
    }
    append(array, count_value(length));
    return array;
}

static json_t *series_object(const struct series *series)
{
    json_t *object = fields_object(json_series_fields, series);

    put(object, "windows", windows_object(series));
    put(object, "intervals", intervals_object(series));
    put(object, "heard_ms", heard_array(series));
    return object;
}

/* ---- Summary: for scripts, never read back --------------------------------------------------- */

static json_t *histogram_summary(const struct histogram *h)
{
    static const struct {
        const char *ns;       /* name of the value */
        const char *at_least; /* whether more is not known */
        double share;         /* of the values at or below it */
    } rows[] = {{"p50_ns", "p50_at_least", 0.5},
                {"p90_ns", "p90_at_least", 0.9},
                {"p99_ns", "p99_at_least", 0.99},
                {"p99_9_ns", "p99_9_at_least", 0.999},
                {"max_ns", "max_at_least", 1}};
    json_t *object = json_object();

    put(object, "count", count_value(h->total));
    put(object, "mean_ns", json_real(histogram_mean(h)));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct quantile q = histogram_quantile(h, rows[i].share);
        put(object, rows[i].ns, count_value(q.ns));
        put(object, rows[i].at_least, json_boolean(q.at_least));
    }
    return object;
}

static void put_histogram_summaries(json_t *object, const struct result *run)
{
    for (const struct json_field *at = json_histograms; at->name != NULL; at++)
        put(object, at->name,
            histogram_summary(
                (const struct histogram *)(const void *)((const char *)run + at->offset)));
    for (int i = 0; i < ANSWER_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "class_%s", answer_name((enum answer_class)i));
        put(object, name, histogram_summary(&run->answer[i]));
    }
}

static json_t *summary_object(const struct result *run)
{
    json_t *object = json_object();
    const struct tally *tally = &run->measured;

    put(object, "ok_per_second", json_real(figures_per_second(run, tally->outcome[OUTCOME_OK])));
    put(object, "sent_per_second", json_real(figures_per_second(run, tally->sent)));
    put(object, "loss", json_real(tally_loss(tally)));
    put(object, "tester_cpu_ns_per_query", json_real(figures_tester_cpu_ns(run)));
    put(object, "server_cpu_ns_per_answer", json_real(figures_server_cpu_ns(run)));
    put(object, "longest_silence_ns", count_value(series_longest_silence(&run->series)));
    put(object, "above_slo_ns", count_value(series_above_slo(&run->series)));
    put_histogram_summaries(object, run);
    return object;
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static json_t *kinds_array(const struct result *run)
{
    json_t *kinds = json_array();
    static const struct json_field name = {"name", JSON_KIND_TEXT,
                                           offsetof(struct lookup_kind, name),
                                           sizeof(((struct lookup_kind *)NULL)->name)};

    for (size_t i = 0; i < run->kind_count; i++) {
        json_t *kind = json_object();
        put(kind, name.name, json_field_write(&name, &run->kinds[i]));
        put(kind, "latency", histogram_object(&run->kinds[i].latency));
        append(kinds, kind);
    }
    return kinds;
}

static json_t *run_object(const struct result *run)
{
    json_t *object = fields_object(json_result_fields, run);
    json_t *answers = json_object();

    put(object, "setup", fields_object(json_setup_fields, &run->setup));
    put(object, "summary", summary_object(run));
    put(object, "measured", tally_object(&run->measured));
    put(object, "warmup", tally_object(&run->warmup));
    put(object, "health", fields_object(json_health_fields, &run->health));
    for (const struct json_field *at = json_histograms; at->name != NULL; at++)
        put(object, at->name,
            histogram_object(
                (const struct histogram *)(const void *)((const char *)run + at->offset)));
    for (int i = 0; i < ANSWER_COUNT; i++)
        put(answers, answer_name((enum answer_class)i), histogram_object(&run->answer[i]));
    put(object, "answer", answers);
    put(object, "kinds", kinds_array(run));
    put(object, "series", series_object(&run->series));
    return object;
}

static json_t *study_object(const struct study *study)
{
    json_t *object = json_object();
    json_t *comparisons = json_array();
    json_t *runs = json_array();

    put(object, "schema", json_integer(JSON_SCHEMA));
    put_fields(object, json_study_fields, study);
    put(object, "host", fields_object(json_host_fields, &study->host));
    for (size_t i = 0; i < study->comparison_count; i++)
        append(comparisons, fields_object(json_comparison_fields, &study->comparisons[i]));
    for (size_t i = 0; i < study->count; i++)
        append(runs, run_object(&study->runs[i]));
    put(object, "comparisons", comparisons);
    put(object, "runs", runs);
    return object;
}

/* ---- Layout: what fits stands on one line ---------------------------------------------------- */

static void dump(FILE *out, json_t *value, size_t indent);

/* How wide a value is that has no parts; of others, its brackets. */
static size_t own_columns(const json_t *value)
{
    size_t columns = 1;

    if (json_is_string(value))
        return json_string_length(value) + 2;
    if (!json_is_integer(value))
        return json_is_real(value) ? 18 : json_is_object(value) || json_is_array(value) ? 2 : 5;
    for (json_int_t left = json_integer_value(value); left >= 10; left /= 10)
        columns++;
    return columns;
}

/* Columns left of a line after a value, at a guess; 0 as soon as there are none, however much
 * follows. */
static size_t columns_left(json_t *value, size_t columns)
{
    size_t index;
    const char *name;
    json_t *part;
    size_t own = own_columns(value) + 1;

    columns = columns > own ? columns - own : 0;
    json_array_foreach(value, index, part)
    {
        if (columns > 0)
            columns = columns_left(part, columns);
        else
            return 0;
    }
    json_object_foreach(value, name, part)
    {
        size_t len = strlen(name) + 3;
        columns = columns > len ? columns_left(part, columns - len) : 0;
    }
    return columns;
}

static char *line_of(const json_t *value)
{
    char *text = json_dumps(value, DUMP_FLAGS);

    CHECK(text != NULL);
    return text;
}

/* As many elements on a line as fit. */
static void dump_array(FILE *out, json_t *array, size_t indent)
{
    size_t column = LINE_COLUMNS;
    size_t index;
    json_t *value;

    json_array_foreach(array, index, value)
    {
        char *line = columns_left(value, LINE_COLUMNS - indent) > 0 ? line_of(value) : NULL;
        size_t width = line != NULL ? strlen(line) + 1 : LINE_COLUMNS;
        fputs(index > 0 ? "," : "", out);
        if (column + width > LINE_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (line != NULL)
            fputs(line, out);
        else
            dump(out, value, indent);
        column += width;
        free(line);
    }
}

static void dump_object(FILE *out, json_t *object, size_t indent)
{
    const char *separator = "";
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        fprintf(out, "%s\n%*s\"%s\": ", separator, (int)indent, "", name);
        dump(out, value, indent);
        separator = ",";
    }
}

static void dump(FILE *out, json_t *value, size_t indent)
{
    bool is_object = json_is_object(value);

    if (columns_left(value, LINE_COLUMNS - indent) > 0 || (!is_object && !json_is_array(value))) {
        char *line = line_of(value);
        fputs(line, out);
        free(line);
        return;
    }
    fputc(is_object ? '{' : '[', out);
    if (is_object)
        dump_object(out, value, indent + 1);
    else
        dump_array(out, value, indent + 1);
    fprintf(out, "\n%*s%c", (int)indent, "", is_object ? '}' : ']');
}

char *json_write(const struct study *study)
{
    json_t *tree = study_object(study);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    CHECK(out != NULL);
    dump(out, tree, 0);
    fputc('\n', out);
    CHECK(fclose(out) == 0);
    json_decref(tree);
    return text;
}
