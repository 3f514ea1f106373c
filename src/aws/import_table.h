/* import_table: a list of a document whose items are found by one of their members. */
#ifndef LOCAL53_AWS_IMPORT_TABLE_H
#define LOCAL53_AWS_IMPORT_TABLE_H

#include <stddef.h>

#include "json.h"
#include "local53/base/arena.h"

struct import_key {
    const char *text; /* borrowed from the document */
    size_t item;      /* index in the list */
};

struct import_table {
    struct json_at list;     /* the list; without a document: an empty table */
    struct import_key *keys; /* in the arena; sorted by text, then item */
    size_t count;            /* items of keys */
};

/* Reads the list that `member` of the document is: what is missing is a problem, and so is an item that is no object.
 * Items without the key are not found. */
void import_table_read(struct import_table *table, struct json_doc *doc, const char *member,
                       const char *key, struct arena *arena);

/* The first key that equals a text, or NULL; equal ones follow it, up to import_table_end. */
const struct import_key *import_table_find(const struct import_table *table, const char *text);
const struct import_key *import_table_end(const struct import_table *table);

#endif
