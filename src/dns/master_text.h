/* master_text: the entries of a master file as single lines, and their words (RFC 1035 section 5.1). Pure. */
#ifndef LOCAL53_DNS_MASTER_TEXT_H
#define LOCAL53_DNS_MASTER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/bytes.h"

/* A text on its way through. */
struct master_text {
    struct bytes text; /* borrowed */
    size_t at;         /* next octet */
    unsigned line;     /* of that octet, from 1 */
    char *room;        /* borrowed; text.len + 1 octets, where entries are put */
};

/* One entry. */
struct master_entry {
    char *text;        /* in the room, until the next: words with one blank between, comments and
                        * parentheses gone; quotes and escapes as written */
    bool indented;     /* begins with a blank: the owner of the last record is meant */
    unsigned line;     /* where it begins */
    const char *fault; /* what is wrong with it, static; NULL: nothing */
};

/* The next entry that is not empty; false at the end. One with a fault has no text. */
bool master_text_next(struct master_text *text, struct master_entry *out);

/* Cuts the first word off: ends it with a terminator and moves *rest behind it; NULL when none is left. */
char *master_take_word(char **rest);

#endif
