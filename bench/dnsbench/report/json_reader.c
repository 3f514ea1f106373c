/* json_reader: members of a JSON tree from outside, each checked for its type and range.
 * Owns: nothing; the tree is the caller's. Thread: any.
 * Bounds: a path of JSON_PATH_OCTETS. Fails: the first complaint stays, what follows is not
 * read. */
#include "json_reader.h"

#include <stdio.h>
#include <string.h>

/* ---- Path and complaints --------------------------------------------------------------------- */

void json_complain(struct json_reader *reader, const char *expected)
{
    if (reader->failed)
        return;
    reader->failed = true;
    snprintf(reader->error, reader->size, "%s: %s: expected %s", reader->file,
             reader->path[0] == '\0' ? "top level" : reader->path, expected);
}

/* Steps into a member or an element; gives what path_leave needs. */
size_t json_enter(struct json_reader *reader, const char *name)
{
    size_t len = strlen(reader->path);

    snprintf(reader->path + len, sizeof(reader->path) - len, "%s%s", len > 0 ? "." : "", name);
    return len;
}

size_t json_enter_index(struct json_reader *reader, size_t index)
{
    size_t len = strlen(reader->path);

    snprintf(reader->path + len, sizeof(reader->path) - len, "[%zu]", index);
    return len;
}

size_t json_enter_element(struct json_reader *reader, const char *name, size_t index)
{
    size_t len = json_enter(reader, name);

    json_enter_index(reader, index);
    return len;
}

void json_leave(struct json_reader *reader, size_t len)
{
    reader->path[len] = '\0';
}

/* Complains of a member of the object being read. */
void json_complain_of(struct json_reader *reader, const char *name, const char *expected)
{
    size_t at = json_enter(reader, name);

    json_complain(reader, expected);
    json_leave(reader, at);
}

/* ---- Members --------------------------------------------------------------------------------- */

/* All fields of a struct, from an object. */
void json_read_fields(struct json_reader *reader, const struct json_field *fields, void *of,
                      const json_t *object)
{
    for (; fields->name != NULL && !reader->failed; fields++) {
        const json_t *value = json_object_get(object, fields->name);
        if (value == NULL || !json_field_read(fields, of, value))
            json_complain_of(reader, fields->name, json_field_expected(fields->kind));
    }
}

/* A member that is an object, or an array; NULL and a complaint when it is not. */
json_t *json_object_member(struct json_reader *reader, const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    if (json_is_object(value))
        return value;
    json_complain_of(reader, name, "an object");
    return NULL;
}

json_t *json_array_member(struct json_reader *reader, const json_t *object, const char *name,
                          size_t max)
{
    json_t *value = json_object_get(object, name);
    char expected[64];

    if (json_is_array(value) && json_array_size(value) <= max)
        return value;
    snprintf(expected, sizeof(expected), "a list of at most %zu", max);
    json_complain_of(reader, name, expected);
    return NULL;
}

/* All fields of a struct, from a member that is an object. */
void json_read_part(struct json_reader *reader, const struct json_field *fields, void *of,
                    const json_t *parent, const char *name)
{
    const json_t *object = json_object_member(reader, parent, name);
    size_t at = json_enter(reader, name);

    json_read_fields(reader, fields, of, object);
    json_leave(reader, at);
}

/* A whole number from 0 to max. */
bool json_read_count(uint64_t *out, const json_t *value, uint64_t max)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > max)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

void json_read_count_member(struct json_reader *reader, const json_t *object, const char *name,
                            uint64_t *out)
{
    if (!json_read_count(out, json_object_get(object, name), JSON_NUMBER_MAX))
        json_complain_of(reader, name, json_field_expected(JSON_KIND_COUNT));
}

/* ---- Sparse counts --------------------------------------------------------------------------- */

/* The next pair; false at the end, or with a complaint. */
bool json_sparse_next(struct json_reader *reader, struct json_sparse *sparse, uint64_t *count)
{
    const json_t *pair = json_array_get(sparse->list, sparse->index);
    uint64_t least = sparse->index == 0 ? 0 : sparse->bucket + 1;

    if (pair == NULL || reader->failed)
        return false;
    if (json_array_size(pair) == 2 && least < sparse->bucket_limit &&
        json_read_count(&sparse->bucket, json_array_get(pair, 0), sparse->bucket_limit - 1) &&
        json_read_count(count, json_array_get(pair, 1), sparse->count_max) &&
        sparse->bucket >= least && *count > 0) {
        sparse->index++;
        return true;
    }
    size_t at = json_enter_index(reader, sparse->index);
    json_complain(reader, "[bucket, count], buckets in rising order, counts above 0");
    json_leave(reader, at);
    return false;
}
