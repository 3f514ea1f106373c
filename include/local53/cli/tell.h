/* tell: one account, for people ("key:      value" lines) or for programs (one JSON object), from the same
 * calls. */
#ifndef LOCAL53_CLI_TELL_H
#define LOCAL53_CLI_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct tell {
    FILE *out;       /* borrowed */
    bool json;       /* for programs */
    bool has_member; /* JSON: the next member needs a comma */
    bool has_row;    /* JSON: the next row needs one */
};

/* Begins and ends the account; JSON is then whole. */
void tell_begin(struct tell *tell, FILE *out, bool json);
void tell_end(struct tell *tell);

/* A text; the key (at most 8 letters) is the line's word too. */
void tell_text(struct tell *tell, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Only for people, or only for programs: the same where the other needs no such thing. */
void tell_people(struct tell *tell, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tell_programs(struct tell *tell, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A number of seconds. */
void tell_seconds(struct tell *tell, const char *key, uint64_t seconds);

/* One column of a row; made with the TELL_... helpers, lives only during the call. */
struct tell_column {
    const char *key;  /* borrowed; for programs */
    const char *text; /* borrowed; "" is left out for people */
    bool number;      /* text is a number to programs */
};
#define TELL_TEXT(k, v) ((struct tell_column){(k), (v), false})
#define TELL_NUMBER(k, v) ((struct tell_column){(k), (v), true})

/* A list under a key: rows follow, then the end. For programs an array of objects, or of texts where rows have one
 * column; for people a line a row, each beginning with `word`. */
void tell_rows_begin(struct tell *tell, const char *key);
void tell_row(struct tell *tell, const char *word, const struct tell_column *columns, size_t count);
void tell_rows_end(struct tell *tell);

#endif
