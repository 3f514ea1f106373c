/* json_reader: walks a JSON tree from outside with a sticky failure and the path of what is
 * read, for errors that say where. */
#ifndef DNSBENCH_REPORT_JSON_READER_H
#define DNSBENCH_REPORT_JSON_READER_H

#include "json_private.h"

#define JSON_PATH_OCTETS 192

/* Where in the tree the reader is, and what it has to complain of. */
struct json_reader {
    const char *file;            /* borrowed; for errors */
    char path[JSON_PATH_OCTETS]; /* of the value being read, "runs[0].setup.rate" */
    char *error;                 /* borrowed; the first complaint */
    size_t size;                 /* of error */
    bool failed;                 /* sticky; what follows is not read */
};

/* One [bucket, count] of a list, in rising order. */
struct json_sparse {
    const json_t *list;    /* borrowed */
    size_t index;          /* of the next pair */
    uint64_t bucket;       /* of the pair before */
    uint64_t bucket_limit; /* buckets there are */
    uint64_t count_max;    /* of one pair */
};

/* Keeps the first complaint: "FILE: PATH: expected ...", of the value being read or of a member
 * of it. */
void json_complain(struct json_reader *reader, const char *expected);
void json_complain_of(struct json_reader *reader, const char *name, const char *expected);

/* Steps into a member, an element, or an element of a member; json_leave takes what they gave. */
size_t json_enter(struct json_reader *reader, const char *name);
size_t json_enter_index(struct json_reader *reader, size_t index);
size_t json_enter_element(struct json_reader *reader, const char *name, size_t index);
void json_leave(struct json_reader *reader, size_t len);

/* All fields of a struct: from an object, or from the member of that name. */
void json_read_fields(struct json_reader *reader, const struct json_field *fields, void *of,
                      const json_t *object);
void json_read_part(struct json_reader *reader, const struct json_field *fields, void *of,
                    const json_t *parent, const char *name);

/* A member that is an object, or a list of at most max; NULL with a complaint when it is not. */
json_t *json_object_member(struct json_reader *reader, const json_t *object, const char *name);
json_t *json_array_member(struct json_reader *reader, const json_t *object, const char *name,
                          size_t max);

/* A whole number from 0 to max; false when it is none. And one that is a member, with a
 * complaint. */
bool json_read_count(uint64_t *out, const json_t *value, uint64_t max);
void json_read_count_member(struct json_reader *reader, const json_t *object, const char *name,
                            uint64_t *out);

/* The next pair; false at the end, or with a complaint. */
bool json_sparse_next(struct json_reader *reader, struct json_sparse *sparse, uint64_t *count);

/* A series, which decides how large a run is: makes the run (result_init) unless it complains. */
void json_read_series(struct json_reader *reader, struct result *run, const json_t *parent);

#endif
