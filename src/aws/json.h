/* json: a JSON document that is read strictly, member by member, with the path of where one is: the door to
 * jansson. The first thing that is not as expected is kept as the problem, and everything after gives nothing: so
 * one asks once, at the end, as with base/bytes.h's reader. */
#ifndef LOCAL53_AWS_JSON_H
#define LOCAL53_AWS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/aws/import.h"
#include "local53/base/err.h"

#define JSON_PATH_MAX 160 /* longer paths are cut in messages */

struct json_doc;

/* A value, and where it stands. */
struct json_at {
    struct json_doc *doc;     /* borrowed */
    const void *value;        /* borrowed; NULL: missing, or JSON's null */
    char path[JSON_PATH_MAX]; /* "VpcEndpoints[3].DnsEntries[0]"; "" for the whole */
};

/* Parses a file of at most IMPORT_OCTETS_MAX octets of UTF-8; keys twice in one object are refused (RFC 8259 section
 * 4). ERR_INVALID with the problem told, place included. *out is the caller's: json_close. */
enum err json_open(struct json_doc **out, const struct import_file *file,
                   struct import_problem *problem);

/* Accepts NULL. */
void json_close(struct json_doc *doc);

/* The document itself. */
struct json_at json_whole(struct json_doc *doc);

/* A member of an object. One that is missing or null has no value; that `of` is something else than an object is a
 * problem. Of a missing value every member is missing. */
struct json_at json_member(const struct json_at *of, const char *name);

/* Items of a list; 0 of a missing one. Anything else is a problem. */
size_t json_count(const struct json_at *list);
struct json_at json_item(const struct json_at *list, size_t i);

/* Text without control characters; NULL when it is missing. Anything else is a problem. Lives as long as the document. */
const char *json_text(const struct json_at *at);

/* The same for what must be there: missing is a problem, and gives "". */
const char *json_text_needed(const struct json_at *at);

/* fallback when it is missing. */
bool json_bool(const struct json_at *at, bool fallback);
long long json_number(const struct json_at *at, long long fallback);

/* Tells a problem of one's own at a place: "found X, expected Y". Only the first is kept. */
void json_refuse(const struct json_at *at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* True once there was a problem; it stands in what json_open was given. */
bool json_failed(const struct json_doc *doc);

#endif
