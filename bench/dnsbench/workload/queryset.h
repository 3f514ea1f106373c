/* queryset: the questions that may be asked, rendered once; a reference of 12 octets names one
 * message of it, also for names made up on the way (never-seen labels) and for search suffixes, so
 * that an answer's question can be compared octet by octet without keeping what was sent.
 * Immutable while the load runs; shared by the threads. */
#ifndef DNSBENCH_WORKLOAD_QUERYSET_H
#define DNSBENCH_WORKLOAD_QUERYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"

#define QUERYSET_ITEMS_MAX 4000000 /* names; 8 octets each and the name's wire form */
#define QUERYSET_SUFFIXES_MAX 1024
/* Longest line of a query file, without its end: a name with each octet escaped, and more. */
#define QUERYSET_LINE_MAX 2048
/* Room of a message: header, 255, 4, OPT with cookie, and what copying in steps writes behind. */
#define QUERY_MAX_OCTETS 512
/* What a serial puts in front of a name: a label of 16 hex digits. */
#define QUERYSET_SERIAL_OCTETS 17

/* Names one message. */
struct question_ref {
    uint32_t item; /* which name */
    /* Not 0: a label stands in front of the name, made from the set's seed, the item and this; no
     * two pairs of item and serial make the same. */
    uint32_t serial;
    uint16_t type;   /* QTYPE */
    uint16_t suffix; /* 0: the name as it is; n: suffix n - 1 is appended */
};

/* How every message is made. */
struct query_form {
    /* UDP size in the OPT; 0 for none, unless DO or a cookie asks for one: 1232 */
    uint16_t edns_size;
    bool dnssec_ok;         /* DO */
    bool cookie;            /* a client cookie (RFC 7873 section 4), one a set, from the seed */
    bool recursion_desired; /* RD */
    uint64_t seed;          /* of serial labels and the cookie */
};

struct queryset; /* opaque */

/* Where a file is wrong. */
struct text_fault {
    unsigned line;    /* from 1; 0 for the file as a whole */
    char reason[160]; /* "unknown type 'AAAAA'; did you mean 'AAAA'?" */
};

/* An empty set whose messages will have this form; owned by the caller. Out of memory is fatal. */
struct queryset *queryset_new(const struct query_form *form);
void queryset_free(struct queryset *set); /* accepts NULL */

/* Adds a name in uncompressed wire form (case kept); *item gets its number, counted from 0.
 * ERR_NO_SPACE past QUERYSET_ITEMS_MAX, ERR_INVALID or ERR_TOO_LONG for no domain name. type: what
 * references made by queryset_ref get. */
enum err queryset_add(struct queryset *set, struct bytes wire, uint16_t type, uint32_t *item);

/* As queryset_add from text, case kept, with or without the last dot. ERR_INVALID or ERR_TOO_LONG
 * for no domain name. */
enum err queryset_add_text(struct queryset *set, const char *name, uint16_t type, uint32_t *item);

/* Adds a search suffix; *number gets what struct question_ref wants (1 and up). Errors as above. */
enum err queryset_add_suffix(struct queryset *set, const char *name, uint16_t *number);

/* Reads dnsperf's query file: "NAME TYPE" a line; a word that begins with '#' or ';' starts a
 * comment, blank lines are skipped, lines may end in CR LF. "-" is stdin. Nothing may be wrong
 * with any line: the first fault ends it with ERR_INVALID (ERR_SYSTEM: cannot be read, errno's
 * text in reason; ERR_NOT_FOUND: not one query in it). Dynamic updates of dnsperf and zone
 * transfers are faults that say so. What was added before stays. Reasons are printable and do not
 * name the file. */
enum err queryset_load(struct queryset *set, const char *path, struct text_fault *fault);

/* As queryset_load, from an open file, which stays open. */
enum err queryset_read(struct queryset *set, FILE *file, struct text_fault *fault);

/* Names in the set; an item with its own type, no serial, no suffix; the set's memory in octets. */
size_t queryset_count(const struct queryset *set);
struct question_ref queryset_ref(const struct queryset *set, uint32_t item);
size_t queryset_octets(const struct queryset *set);

/* The name (wire form, as added) of an item, borrowed from the set until the next is added. */
struct bytes queryset_name(const struct queryset *set, uint32_t item);

/* True when the name with serial label and suffix is at most 255 octets. Checked when references
 * are made, not after. */
bool queryset_fits(const struct queryset *set, struct question_ref ref);

/* Writes the message with ID 0 to out (QUERY_MAX_OCTETS of room, all of which may be written) and
 * gives its length. No allocation; the path of every query. */
size_t queryset_render(const struct queryset *set, struct question_ref ref, uint8_t *out);

/* True when the question of a response (from octet 12 on, QDCOUNT 1 checked by the caller) is
 * octet by octet, case included, the one asked; *end gets the offset behind it. The path of every
 * answer. */
bool queryset_question_is(const struct queryset *set, struct question_ref ref, struct bytes message,
                          size_t *end);

/* The question of a reference as text, "www.example.com AAAA"; out has 1100 octets; gives out. Not
 * for the hot path. */
const char *queryset_write(const struct queryset *set, struct question_ref ref, char *out);

#endif
