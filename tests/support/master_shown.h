/* master_shown: what a master file gave, as text: its records as ldns reads them, and its errors between them. */
#ifndef LOCAL53_TESTS_MASTER_SHOWN_H
#define LOCAL53_TESTS_MASTER_SHOWN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "master_ldns.h"

#define SHOWN_MAX 8192

/* What a file gave, a line each; errors in place among the records. */
struct shown {
    char text[SHOWN_MAX];
    size_t len;
    size_t records;
    size_t wanted; /* records after which no more are wanted */
};

static inline void show(struct shown *shown, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void show(struct shown *shown, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    shown->len +=
        (size_t)vsnprintf(shown->text + shown->len, SHOWN_MAX - shown->len, format, arguments);
    va_end(arguments);
    assert_true(shown->len < SHOWN_MAX);
}

/* A record of class IN as ldns reads its octets: "www.example. 60 A 10.0.0.1". */
static inline void show_data(struct shown *shown, const struct master_record *record)
{
    ldns_rr *rr = master_ldns(record);
    char *text = ldns_rr2str(rr);

    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\t' ? ' ' : *c;
    show(shown, "%s", text);
    free(text);
    ldns_rr_free(rr);
}

static inline bool on_record(void *owner, const struct master_record *record)
{
    struct shown *shown = owner;
    char text[TEXT_NAME_MAX];

    if (record->class == CLASS_IN)
        show_data(shown, record);
    else
        show(shown, "%s class %u type %u octets %zu\n", text_write_name(record->owner, text),
             record->class, record->type, record->rdata.len);
    return ++shown->records != shown->wanted;
}

static inline void on_error(void *owner, const struct master_place *place, const char *text)
{
    show(owner, "%s:%u: %s\n", place->file, place->line, text);
}

static inline struct name origin_of(const char *text)
{
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return name;
}

#endif
