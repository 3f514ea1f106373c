/* master: reads master files (RFC 1035 section 5): the records of a zone, with names made absolute and RDATA in
 * wire form. $ORIGIN, $TTL (RFC 2308 section 4) and $INCLUDE, parentheses, quotes, escapes, records of unknown
 * types (RFC 3597). At load only: blocks on files and allocates. */
#ifndef LOCAL53_DNS_MASTER_H
#define LOCAL53_DNS_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "local53/dns/name.h"

/* What a file may have, those it includes counted in; more is an error. */
#define MASTER_OCTETS_MAX ((size_t)16 << 20)
#define MASTER_RECORDS_MAX 100000
#define MASTER_DEPTH_MAX 8 /* files included in one another */

/* After so many errors the rest of a file is not read. */
#define MASTER_ERRORS_MAX 20

/* Longest text of an error in octets, terminator included; longer ones are cut. */
#define MASTER_TEXT_MAX 320

/* A place in a file. */
struct master_place {
    const char *file; /* as written: in the configuration, or behind $INCLUDE; borrowed */
    unsigned line;    /* where the entry begins, from 1; 0: the file as a whole */
};

/* A record; borrowed until the call that gives it returns. */
struct master_record {
    const struct name *owner; /* folded */
    uint16_t type;            /* never one of questions alone (RFC 6895 section 3.1) */
    uint16_t class;           /* CLASS_IN, or another's number: rdata is then not read, and empty */
    uint32_t ttl_s;           /* as written, up to 2^31 - 1 */
    struct bytes rdata;       /* names uncompressed, in the case they are written in */
    struct master_place place; /* where it stands */
};

/* What to do with a file. */
struct master_setup {
    const struct name *origin; /* of names without a last dot, until the file says $ORIGIN */
    uint32_t default_ttl_s;    /* of records without one before any is told */
    /* Each record, in file order; false: it is not wanted, nothing more is read. */
    bool (*on_record)(void *owner, const struct master_record *record);
    /* Each error: what was found and what would be right; a line, borrowed. */
    void (*on_error)(void *owner, const struct master_place *place, const char *text);
    /* Each file before it is read, as it is opened; may be NULL. */
    void (*on_file)(void *owner, const char *path);
    void *owner; /* borrowed; for all of them */
};

/* Reads the file at path; label is how it is called in places. Files that it includes must be in its folder or
 * below, symlinks followed. ERR_OK: every record was given; else an error was told or a record not wanted. */
enum err master_read_file(const struct master_setup *setup, const char *path, const char *label);

/* The same from memory; $INCLUDE is then an error. */
enum err master_read_text(const struct master_setup *setup, struct bytes text, const char *label);

#endif
