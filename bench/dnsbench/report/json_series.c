/* json_series: a series from JSON, and with it a run's room.
 * Owns: nothing. Thread: any.
 * Bounds: nothing is allocated for a length whose rows are not in the file. Fails: a complaint
 * of the reader's. */
#include <string.h>

#include "json_reader.h"
#include "measure/units.h"

/* The columns are as we write them: the rows mean what we take them for. */
static bool columns_are_ours(const json_t *columns, size_t index, const char *name)
{
    const char *text = json_string_value(json_array_get(columns, index));

    return name == NULL ? json_array_size(columns) == index
                        : text != NULL && strcmp(text, name) == 0;
}

static void read_window(struct json_reader *reader, struct series_window *window, const json_t *row)
{
    size_t i = 0;

    for (; json_window_columns[i].name != NULL; i++) {
        if (!json_field_read(&json_window_columns[i], window, json_array_get(row, i)))
            json_complain(reader, "a whole number for each column");
    }
}

static void read_windows(struct json_reader *reader, struct series *series, const json_t *object)
{
    const json_t *columns = json_array_member(reader, object, "columns", 16);
    const json_t *rows = json_object_get(object, "rows");
    size_t i = 0;

    for (; json_window_columns[i].name != NULL; i++) {
        if (!columns_are_ours(columns, i, json_window_columns[i].name))
            json_complain_of(reader, "columns", "planned, sent, ok, lost, over, max_ns");
    }
    for (size_t row = 0; row < series->window_count && !reader->failed; row++) {
        size_t at = json_enter_index(reader, row);
        read_window(reader, &series->windows[row], json_array_get(rows, row));
        json_leave(reader, at);
    }
}

static void read_sketch(struct json_reader *reader, struct sketch *sketch, const json_t *list)
{
    struct json_sparse sparse = {
        .list = list, .bucket_limit = SKETCH_BUCKETS, .count_max = UINT32_MAX};
    uint64_t count = 0;
    uint64_t total = 0;

    if (!json_is_array(list))
        json_complain(reader, "a list of [bucket, count]");
    while (json_sparse_next(reader, &sparse, &count)) {
        sketch->counts[sparse.bucket] = (uint32_t)count;
        total += count;
    }
    if (total > UINT32_MAX)
        json_complain(reader, "counts of at most 2^32 - 1 in all");
    sketch->total = (uint32_t)total;
}

static void read_interval(struct json_reader *reader, struct series_interval *interval,
                          const json_t *row)
{
    if (!json_read_count(&interval->sent, json_array_get(row, 0), JSON_NUMBER_MAX) ||
        !json_read_count(&interval->ok, json_array_get(row, 1), JSON_NUMBER_MAX) ||
        !json_read_count(&interval->lost, json_array_get(row, 2), JSON_NUMBER_MAX) ||
        !json_read_count(&interval->latency.max_ns, json_array_get(row, 3), JSON_NUMBER_MAX))
        json_complain(reader, "[sent, ok, lost, max_ns, counts]");
    else
        read_sketch(reader, &interval->latency, json_array_get(row, 4));
}

static void read_intervals(struct json_reader *reader, struct series *series, const json_t *object)
{
    const json_t *columns = json_array_member(reader, object, "columns", 16);
    const json_t *rows = json_object_get(object, "rows");

    for (size_t i = 0; json_interval_columns[i] != NULL; i++) {
        if (!columns_are_ours(columns, i, json_interval_columns[i]))
            json_complain_of(reader, "columns", "sent, ok, lost, max_ns, counts");
    }
    for (size_t row = 0; row < series->interval_count && !reader->failed; row++) {
        size_t at = json_enter_index(reader, row);
        read_interval(reader, &series->intervals[row], json_array_get(rows, row));
        json_leave(reader, at);
    }
}

static void set_heard(struct series *series, uint64_t from, uint64_t length)
{
    for (uint64_t bit = from; bit < from + length; bit++)
        series->heard[bit / 64] |= 1ULL << (bit % 64);
}

/* Room was made for as many bits as the runs have together. */
static void read_heard(struct series *series, const json_t *list)
{
    uint64_t bit = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        uint64_t length = (uint64_t)json_integer_value(json_array_get(list, i));
        if (i % 2 == 1)
            set_heard(series, bit, length);
        bit += length;
    }
}

/* Milliseconds that the runs cover together; false when they are no runs. */
static bool heard_length(const json_t *list, uint64_t *length)
{
    uint64_t run = 0;

    *length = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_read_count(&run, json_array_get(list, i), SERIES_MAX_NS / NS_PER_MS) ||
            (run == 0 && i > 0))
            return false;
        *length += run;
        if (*length > 2 * SERIES_MAX_NS / NS_PER_MS)
            return false;
    }
    return json_is_array(list) && *length % 64 == 0;
}

static size_t rows_of(const json_t *series, const char *name)
{
    return json_array_size(json_object_get(json_object_get(series, name), "rows"));
}

/* As many intervals as the length has, and no more than a series may have. */
static bool intervals_cover(const struct series *series)
{
    return series->interval_ns > 0 && series->interval_count <= SERIES_MAX_INTERVALS &&
           series->interval_count ==
               (series->length_ns + series->interval_ns - 1) / series->interval_ns;
}

/* The shape of a series; nothing may be allocated for it unless the file has all of its rows. */
static void read_shape(struct json_reader *reader, struct series *series, const json_t *object)
{
    uint64_t heard_ms = 0;

    json_read_fields(reader, json_series_fields, series, object);
    if (reader->failed)
        return;
    if (series->length_ns > SERIES_MAX_NS)
        json_complain_of(reader, "length_ns", "at most a day");
    if (series->interval_ns == 0 || series->interval_ns > SERIES_MAX_INTERVAL_NS)
        json_complain_of(reader, "interval_ns", "1 to 600000000000");
    if (!heard_length(json_object_get(object, "heard_ms"), &heard_ms) ||
        heard_ms * NS_PER_MS < series->length_ns ||
        heard_ms * NS_PER_MS - series->length_ns > SERIES_MAX_NS)
        json_complain_of(reader, "heard_ms", "runs of milliseconds that cover length_ns");
    series->heard_words = heard_ms / 64;
    if (rows_of(object, "windows") != (series->length_ns + SERIES_WINDOW_NS - 1) / SERIES_WINDOW_NS)
        json_complain_of(reader, "windows.rows", "a row for each 100 ms of length_ns");
    series->interval_count = rows_of(object, "intervals");
    if (!intervals_cover(series))
        json_complain_of(reader, "intervals.rows",
                         "a row for each interval_ns of length_ns, 3600 at most");
}

/* What its length makes impossible would be told as a silence longer than the run. */
static bool first_sent_is_right(const struct series *series)
{
    return series->first_sent_ns == SERIES_NOTHING_SENT ||
           series->first_sent_ns < series->length_ns;
}

static void read_rows(struct json_reader *reader, struct series *series, const json_t *object)
{
    const json_t *windows = json_object_member(reader, object, "windows");
    const json_t *intervals = json_object_member(reader, object, "intervals");
    size_t at = json_enter(reader, "windows");

    read_windows(reader, series, windows);
    json_leave(reader, at);
    at = json_enter(reader, "intervals");
    read_intervals(reader, series, intervals);
    json_leave(reader, at);
    read_heard(series, json_object_get(object, "heard_ms"));
}

/* Makes the result, for its series' shape decides how large it is. */
void json_read_series(struct json_reader *reader, struct result *run, const json_t *parent)
{
    const json_t *object = json_object_member(reader, parent, "series");
    size_t at = json_enter(reader, "series");
    struct series read = {0};

    if (object != NULL)
        read_shape(reader, &read, object);
    if (!reader->failed && !first_sent_is_right(&read))
        json_complain_of(reader, "first_sent_ns", "less than length_ns, or null");
    if (!reader->failed) {
        struct series_shape shape = series_shape_of(&read);
        result_init(run, &shape);
        run->series.first_sent_ns = read.first_sent_ns;
        if (run->series.heard_words != read.heard_words ||
            run->series.interval_count != read.interval_count)
            json_complain(reader, "a shape that a run can have");
    }
    if (!reader->failed)
        read_rows(reader, &run->series, object);
    json_leave(reader, at);
}
