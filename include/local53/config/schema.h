/* schema: every configuration key, one row each: path, type, range, default, help, and whether a
 * reload can change it. The parser's checks and messages, `check`'s normalised form, the sample file's
 * test and the reference in the documentation come from these rows and from nowhere else. */
#ifndef LOCAL53_CONFIG_SCHEMA_H
#define LOCAL53_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From SCHEMA_LISTEN_LIST on: lists, of which one item may stand without brackets. */
enum schema_type {
    SCHEMA_MAP,         /* a mapping; its keys are rows of their own */
    SCHEMA_MAP_LIST,    /* a list of mappings; path "endpoints", its keys "endpoints[].service" */
    SCHEMA_BOOL,        /* true or false */
    SCHEMA_INTEGER,     /* within min..max */
    SCHEMA_DURATION,    /* "5s", "2m", "1h": seconds within min..max */
    SCHEMA_SIZE,        /* "32MiB": octets within min..max */
    SCHEMA_WORD,        /* one of `words`, blank separated; the member holds its number */
    SCHEMA_TEXT,        /* free text, at most `max` octets */
    SCHEMA_PATH,        /* an absolute path, at most `max` octets */
    SCHEMA_REGION,      /* the name of an AWS region, or the word in `words` */
    SCHEMA_NAME,        /* one domain name, "." for the root */
    SCHEMA_ALIAS_MAP,   /* a mapping of domain names, "*." allowed, each to one or several others */
    SCHEMA_LISTEN_LIST, /* addresses, port 53 unless told, no wildcard address */
    SCHEMA_HTTP_LIST,   /* addresses, port 9453 unless told */
    SCHEMA_HOST_LIST,   /* addresses without a port */
    SCHEMA_NAME_LIST,   /* domain names, "*." allowed */
    SCHEMA_SERVER_LIST  /* servers of a pool */
};

/* Where a value lives, in octets from the start of its struct: struct config for keys of the file and
 * of its maps, struct config_endpoint, struct config_zone or struct config_forward for keys of their lists. */
#define SCHEMA_NOWHERE UINT16_MAX
struct schema_slot {
    uint16_t value; /* the member; a pointer for lists and texts; SCHEMA_NOWHERE for SCHEMA_MAP */
    uint16_t size;  /* octets of the member, or of one item for SCHEMA_MAP_LIST */
    uint16_t also;  /* lists: the size_t of their length; SCHEMA_REGION: the flag of its word */
    uint16_t
        mark; /* a struct config_mark for the value, or SCHEMA_NOWHERE; MAP_LIST: in the item */
};

struct schema_row {
    const char *path;      /* "cache.max_ttl", "endpoints[].service" */
    enum schema_type type; /* what a value must be */
    uint64_t min;          /* lowest value (INTEGER, DURATION, SIZE) or fewest items (lists) */
    uint64_t max;          /* highest value, most items, or most octets of text */
    const char *fallback;  /* default as it would be written; NULL: required, "": none, or a map */
    const char *words;     /* WORD: what is allowed; INTEGER, REGION: the word allowed beside */
    bool reload;           /* a reload may change it */
    struct schema_slot slot; /* where the value lives */
    const char *help;        /* one sentence for the reference */
};

/* All rows in file order. */
const struct schema_row *schema_rows(size_t *count);

/* The row of a path ("endpoints[].service"), or NULL. */
const struct schema_row *schema_find(const char *path);

/* True when `row` is a key directly inside `parent`, a SCHEMA_MAP or SCHEMA_MAP_LIST (NULL: the file). */
bool schema_is_inside(const struct schema_row *row, const struct schema_row *parent);

/* The last word of a row's path, which is how the key is written. */
const char *schema_key(const struct schema_row *row);

/* The keys directly inside `parent`, in the order of the rows, to keys (room for cap: CHECK); gives how
 * many. */
size_t schema_keys(const struct schema_row *parent, const char **keys, size_t cap);

/* The path of the first row that ends in this key, or NULL. */
const char *schema_path_of_key(const char *key);

#endif
