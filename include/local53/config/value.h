/* value: single values of the configuration, from text and back: durations, sizes, numbers, words
 * and texts. A reader gives false with one sentence of what was found and what would be right; a
 * writer gives text that its reader takes. Pure. */
#ifndef LOCAL53_CONFIG_VALUE_H
#define LOCAL53_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/config/schema.h"

/* Room for what any writer here writes, terminator included. */
#define VALUE_TEXT_MAX 1200

/* Why a reader said no: the part of the message behind "key: ". */
struct value_fault {
    char text[256]; /* one sentence, no full stop */
};

/* Puts a sentence into the fault and gives false. */
bool value_refuse(struct value_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "5s", "10m", "1h", "7d" within the row's min..max; *out in seconds. */
bool value_read_duration(uint64_t *out, const char *text, const struct schema_row *row,
                         struct value_fault *fault);

/* "512KiB", "32MiB", "1GiB" within the row's min..max; *out in octets. */
bool value_read_size(uint64_t *out, const char *text, const struct schema_row *row,
                     struct value_fault *fault);

/* Decimal digits within the row's min..max, or the row's word, which gives 0. */
bool value_read_integer(uint64_t *out, const char *text, const struct schema_row *row,
                        struct value_fault *fault);

/* One of the row's words; *out gets its number, from 0. */
bool value_read_word(uint64_t *out, const char *text, const struct schema_row *row,
                     struct value_fault *fault);

/* true or false and nothing else. */
bool value_read_bool(bool *out, const char *text, struct value_fault *fault);

/* Free text, a path or a region, as the row's type says; printable ASCII, not empty, at most the
 * row's max octets; the text itself is the value. */
bool value_check_text(const char *text, const struct schema_row *row, struct value_fault *fault);

/* True when the text has printable ASCII characters only. */
bool value_is_printable(const char *text);

/* Writers: out has VALUE_TEXT_MAX octets; they give out. A duration and a size take the largest unit
 * that needs no fraction. */
const char *value_write_duration(uint64_t seconds, char *out);
const char *value_write_size(uint64_t octets, char *out);
const char *value_write_word(uint64_t number, const struct schema_row *row, char *out);

#endif
