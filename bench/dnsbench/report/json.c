/* json: JSON from outside to a study. Every member must be there, of its type and within its
 * limits, and what must agree has to agree; members of other names are left alone.
 * Owns: file and tree while it reads. Thread: any.
 * Bounds: JSON_MAX_OCTETS, JSON_RUNS_MAX; memory only for what the file spells out. Fails: as
 * json_read says. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_reader.h"
#include "local53/base/file.h"
#include "report/json.h"

/* ---- Histograms ------------------------------------------------------------------------------ */

/* Smallest and largest agree with the buckets in use (first, last), and with each other. */
static bool range_is_right(const struct histogram *h, size_t first, size_t last)
{
    uint64_t measured = h->total - h->censored;

    if (h->total == 0)
        return h->min_ns == UINT64_MAX && h->censored_min_ns == UINT64_MAX && h->max_ns == 0;
    if (h->min_ns > h->max_ns || (h->censored == 0) != (h->censored_min_ns == UINT64_MAX))
        return false;
    if (h->censored > 0 && (h->censored_min_ns < h->min_ns || h->censored_min_ns > h->max_ns))
        return false;
    return measured == 0 ||
           (histogram_bucket(h->min_ns) <= first && histogram_bucket(h->max_ns) >= last);
}

static void read_histogram(struct json_reader *reader, struct histogram *h, const json_t *object)
{
    json_read_fields(reader, json_histogram_fields, h, object);
    struct json_sparse sparse = {.list =
                                     json_array_member(reader, object, "counts", HISTOGRAM_BUCKETS),
                                 .bucket_limit = HISTOGRAM_BUCKETS,
                                 .count_max = JSON_NUMBER_MAX};
    uint64_t sum = h->censored;
    uint64_t count = 0;
    size_t first = 0;
    size_t at = json_enter(reader, "counts");
    while (json_sparse_next(reader, &sparse, &count)) {
        first = sparse.index == 1 ? (size_t)sparse.bucket : first;
        h->counts[sparse.bucket] = count;
        sum += count;
        if (sum > JSON_NUMBER_MAX)
            json_complain(reader, "a sum of at most 2^53");
    }
    json_leave(reader, at);
    if (!reader->failed && (sum != h->total || !isfinite(h->sum_ns)))
        json_complain(reader, "counts and censored to add up to total, and a sum_ns");
    if (!reader->failed && !range_is_right(h, first, (size_t)sparse.bucket))
        json_complain(reader, "min_ns, censored_min_ns and max_ns to agree with counts");
}

static void read_histogram_member(struct json_reader *reader, struct histogram *h,
                                  const json_t *parent, const char *name)
{
    const json_t *object = json_object_member(reader, parent, name);
    size_t at = json_enter(reader, name);

    if (object != NULL)
        read_histogram(reader, h, object);
    json_leave(reader, at);
}

/* ---- Tally ----------------------------------------------------------------------------------- */

static void read_rcodes(struct json_reader *reader, struct tally *tally, const json_t *object)
{
    const json_t *list = json_array_member(reader, object, "rcodes", TALLY_RCODES);

    for (size_t i = 0; i < TALLY_RCODES && !reader->failed; i++) {
        if (!json_read_count(&tally->rcode[i], json_array_get(list, i), JSON_NUMBER_MAX))
            json_complain_of(reader, "rcodes", "24 whole numbers");
    }
}

static void read_outcomes(struct json_reader *reader, struct tally *tally, const json_t *parent)
{
    const json_t *outcomes = json_object_member(reader, parent, "outcomes");
    size_t at = json_enter(reader, "outcomes");

    for (int i = 0; i < OUTCOME_COUNT && !reader->failed; i++)
        json_read_count_member(reader, outcomes, outcome_name((enum outcome)i), &tally->outcome[i]);
    json_leave(reader, at);
}

static void read_answers(struct json_reader *reader, struct tally *tally, const json_t *parent)
{
    const json_t *answers = json_object_member(reader, parent, "answers");
    size_t at = json_enter(reader, "answers");

    for (int i = 0; i < ANSWER_COUNT && !reader->failed; i++)
        json_read_count_member(reader, answers, answer_name((enum answer_class)i),
                               &tally->answer[i]);
    json_leave(reader, at);
}

static void read_tally(struct json_reader *reader, struct tally *tally, const json_t *parent,
                       const char *name)
{
    const json_t *object = json_object_member(reader, parent, name);
    size_t at = json_enter(reader, name);

    json_read_fields(reader, json_tally_fields, tally, object);
    read_outcomes(reader, tally, object);
    read_answers(reader, tally, object);
    read_rcodes(reader, tally, object);
    if (!reader->failed && !tally_is_whole(tally))
        json_complain(reader, "outcomes that add up to sent");
    json_leave(reader, at);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static void read_kind(struct json_reader *reader, struct lookup_kind *kind, const json_t *object)
{
    static const struct json_field name[] = {{"name", JSON_KIND_TEXT,
                                              offsetof(struct lookup_kind, name),
                                              sizeof(((struct lookup_kind *)NULL)->name)},
                                             {NULL, JSON_KIND_TEXT, 0, 0}};

    json_read_fields(reader, name, kind, object);
    read_histogram_member(reader, &kind->latency, object, "latency");
}

static void read_kinds(struct json_reader *reader, struct result *run, const json_t *object)
{
    const json_t *list = json_array_member(reader, object, "kinds", RESULT_KINDS_MAX);
    size_t index;
    json_t *value;

    json_array_foreach(list, index, value)
    {
        size_t at = json_enter_element(reader, "kinds", index);
        read_kind(reader, &run->kinds[index], value);
        json_leave(reader, at);
        run->kind_count++;
    }
}

static void read_histograms(struct json_reader *reader, struct result *run, const json_t *object)
{
    for (const struct json_field *field = json_histograms; field->name != NULL; field++)
        read_histogram_member(reader, (struct histogram *)(void *)((char *)run + field->offset),
                              object, field->name);
    const json_t *answers = json_object_member(reader, object, "answer");
    size_t at = json_enter(reader, "answer");
    for (int i = 0; i < ANSWER_COUNT && !reader->failed; i++)
        read_histogram_member(reader, &run->answer[i], answers, answer_name((enum answer_class)i));
    json_leave(reader, at);
}

static void read_run(struct json_reader *reader, struct result *run, const json_t *object)
{
    json_read_series(reader, run, object);
    if (reader->failed)
        return;
    json_read_fields(reader, json_result_fields, run, object);
    json_read_part(reader, json_setup_fields, &run->setup, object, "setup");
    json_read_part(reader, json_health_fields, &run->health, object, "health");
    read_tally(reader, &run->measured, object, "measured");
    read_tally(reader, &run->warmup, object, "warmup");
    read_histograms(reader, run, object);
    read_kinds(reader, run, object);
}

static void read_runs(struct json_reader *reader, struct study *study, const json_t *root)
{
    const json_t *list = json_array_member(reader, root, "runs", JSON_RUNS_MAX);

    for (size_t i = 0; i < json_array_size(list) && !reader->failed; i++) {
        size_t at = json_enter_element(reader, "runs", i);
        read_run(reader, study_add(study), json_array_get(list, i));
        json_leave(reader, at);
    }
}

/* ---- The study ------------------------------------------------------------------------------- */

static void read_comparisons(struct json_reader *reader, struct study *study, const json_t *root)
{
    const json_t *list = json_array_member(reader, root, "comparisons", STUDY_COMPARISONS_MAX);

    for (size_t i = 0; i < json_array_size(list) && !reader->failed; i++) {
        size_t at = json_enter_element(reader, "comparisons", i);
        json_read_fields(reader, json_comparison_fields, &study->comparisons[i],
                         json_array_get(list, i));
        json_leave(reader, at);
        study->comparison_count++;
    }
}

static bool command_is_known(const char *command)
{
    static const char *const known[] = {"run", "max", "search", "compare"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(command, known[i]) == 0)
            return true;
    }
    return false;
}

static void read_study(struct json_reader *reader, struct study *study, const json_t *root)
{
    const json_t *schema = json_object_get(root, "schema");

    if (!json_is_object(root) || !json_is_integer(schema))
        json_complain(reader, "an object of dnsbench, with a member schema");
    if (json_integer_value(schema) != JSON_SCHEMA)
        json_complain_of(reader, "schema", "1, the only one this dnsbench reads");
    if (reader->failed)
        return;
    json_read_fields(reader, json_study_fields, study, root);
    if (!reader->failed && !command_is_known(study->command))
        json_complain_of(reader, "command", "run, max, search or compare");
    json_read_part(reader, json_host_fields, &study->host, root, "host");
    read_comparisons(reader, study, root);
    read_runs(reader, study, root);
}

/* ---- The file -------------------------------------------------------------------------------- */

enum err json_parse(struct study *study, struct bytes text, const char *file, char *error,
                    size_t size)
{
    struct json_reader reader = {.file = file, .error = error, .size = size};
    json_error_t why;
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);

    if (root == NULL) {
        snprintf(error, size, "%s:%d:%d: %s", file, why.line, why.column, why.text);
        return ERR_MALFORMED;
    }
    read_study(&reader, study, root);
    json_decref(root);
    if (reader.failed) {
        study_deinit(study);
        *study = (struct study){0};
    }
    return reader.failed ? ERR_INVALID : ERR_OK;
}

enum err json_read(struct study *study, const char *path, char *error, size_t size)
{
    const char *file = strcmp(path, "-") == 0 ? "stdin" : path;
    size_t len = 0;
    enum err err;
    char *text = file_read_or_stdin(path, JSON_MAX_OCTETS, &len);

    if (text == NULL) {
        err = ERR_SYSTEM;
        snprintf(error, size, "%s: cannot be read: %s", file, strerror(errno));
    } else if (len > JSON_MAX_OCTETS) {
        err = ERR_TOO_LONG;
        snprintf(error, size, "%s: longer than %lu octets", file, JSON_MAX_OCTETS);
    } else {
        err = json_parse(study, (struct bytes){(const uint8_t *)text, len}, file, error, size);
    }
    free(text);
    return err;
}
