/* value: numbers, words and texts of the configuration, and why one is not taken.
 * Owns: nothing. Thread: any; no state. Bounds: VALUE_TEXT_MAX, and the rows' own ranges.
 * Fails: false with a sentence for the author of the file. */
#include "local53/config/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "local53/base/check.h"

/* Quoted parts of what was found are cut to this. */
#define FOUND "%.80s"

/* Digits of a number that surely fits 64 bits. */
#define DIGITS_MAX 18

/* A unit and how much it stands for; tables go from small to large. */
struct unit {
    const char *text; /* as written behind the number */
    uint64_t factor;  /* in seconds or octets */
};

static const struct unit DURATION_UNITS[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
static const struct unit SIZE_UNITS[] = {
    {"KiB", (uint64_t)1 << 10}, {"MiB", (uint64_t)1 << 20}, {"GiB", (uint64_t)1 << 30}};

struct unit_table {
    const struct unit *units; /* smallest first */
    size_t count;             /* units */
    const char *what;         /* "a duration" */
    const char *example;      /* "5s, 10m, 1h or 7d" */
};

static const struct unit_table DURATIONS = {DURATION_UNITS, 4, "a duration", "5s, 10m, 1h or 7d"};
static const struct unit_table SIZES = {SIZE_UNITS, 3, "a size", "512KiB, 32MiB or 1GiB"};

bool value_refuse(struct value_fault *fault, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return false;
}

/* Reads the digits text begins with; gives how many, 0 when there are none or too many. */
static size_t read_digits(uint64_t *out, const char *text)
{
    size_t len = strspn(text, "0123456789");

    if (len > DIGITS_MAX)
        return 0;
    *out = 0;
    for (size_t i = 0; i < len; i++)
        *out = *out * 10 + (uint64_t)(text[i] - '0');
    return len;
}

static const char *write_units(uint64_t number, const struct unit_table *table, char *out)
{
    const struct unit *best = &table->units[0];

    for (size_t i = 1; i < table->count && number > 0; i++) {
        if (number % table->units[i].factor == 0)
            best = &table->units[i];
    }
    snprintf(out, VALUE_TEXT_MAX, "%llu%s", (unsigned long long)(number / best->factor),
             best->text);
    return out;
}

const char *value_write_duration(uint64_t seconds, char *out)
{
    return write_units(seconds, &DURATIONS, out);
}

const char *value_write_size(uint64_t octets, char *out)
{
    return write_units(octets, &SIZES, out);
}

static const struct unit *find_unit(const struct unit_table *table, const char *text)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->units[i].text, text) == 0)
            return &table->units[i];
    }
    return NULL;
}

static bool read_units(uint64_t *out, const char *text, const struct schema_row *row,
                       struct value_fault *fault)
{
    const struct unit_table *table = row->type == SCHEMA_SIZE ? &SIZES : &DURATIONS;
    char min[VALUE_TEXT_MAX];
    char max[VALUE_TEXT_MAX];
    size_t digits = read_digits(out, text);
    const struct unit *unit = find_unit(table, text + digits);

    write_units(row->min, table, min);
    write_units(row->max, table, max);
    if (digits > 0 && text[digits] == '\0')
        return value_refuse(fault, FOUND " has no unit; write %s%s (%s to %s)", text, text,
                            row->type == SCHEMA_SIZE ? "MiB" : "s", min, max);
    if (digits == 0 || unit == NULL)
        return value_refuse(fault, "\"" FOUND "\" is not %s; write one number and one unit: %s",
                            text, table->what, table->example);
    if (*out > row->max / unit->factor || *out * unit->factor < row->min)
        return value_refuse(fault, FOUND " is out of range; allowed: %s to %s", text, min, max);
    *out *= unit->factor;
    return true;
}

bool value_read_duration(uint64_t *out, const char *text, const struct schema_row *row,
                         struct value_fault *fault)
{
    return read_units(out, text, row, fault);
}

bool value_read_size(uint64_t *out, const char *text, const struct schema_row *row,
                     struct value_fault *fault)
{
    return read_units(out, text, row, fault);
}

bool value_read_integer(uint64_t *out, const char *text, const struct schema_row *row,
                        struct value_fault *fault)
{
    unsigned long long min = row->min;
    unsigned long long max = row->max;
    const char *word = row->words != NULL ? row->words : "";
    size_t digits;

    if (row->words != NULL && strcmp(text, row->words) == 0) {
        *out = 0;
        return true;
    }
    digits = read_digits(out, text);
    if (digits > 0 && text[digits] == '\0' && *out >= row->min && *out <= row->max)
        return true;
    if (digits == 0 || text[digits] != '\0')
        return value_refuse(fault, "\"" FOUND "\" is not a whole number; allowed: %s%s%llu to %llu",
                            text, word, *word != '\0' ? " or " : "", min, max);
    return value_refuse(fault, FOUND " is out of range; allowed: %s%s%llu to %llu", text, word,
                        *word != '\0' ? " or " : "", min, max);
}

/* The len octets of word number i in a blank-separated list; NULL behind the last. */
static const char *word_at(const char *words, uint64_t i, size_t *len)
{
    for (; i > 0; i--) {
        words += strcspn(words, " ");
        words += *words == ' ';
    }
    *len = strcspn(words, " ");
    return *len > 0 ? words : NULL;
}

bool value_read_word(uint64_t *out, const char *text, const struct schema_row *row,
                     struct value_fault *fault)
{
    const char *word;
    size_t len;

    for (*out = 0; (word = word_at(row->words, *out, &len)) != NULL; (*out)++) {
        if (strlen(text) == len && memcmp(text, word, len) == 0)
            return true;
    }
    return value_refuse(fault, "\"" FOUND "\" is not known; one of: %s", text, row->words);
}

const char *value_write_word(uint64_t number, const struct schema_row *row, char *out)
{
    size_t len;
    const char *word = word_at(row->words, number, &len);

    CHECK(word != NULL && len < VALUE_TEXT_MAX);
    memcpy(out, word, len);
    out[len] = '\0';
    return out;
}

/* What YAML 1.1 readers take for true and false; asked for by their right spelling. */
static const char *bool_meant(const char *text)
{
    static const char *const yes[] = {"yes", "Yes", "YES", "on",   "On",   "ON",
                                      "y",   "Y",   "1",   "True", "TRUE", "enabled"};
    static const char *const no[] = {"no", "No", "NO", "off",   "Off",   "OFF",
                                     "n",  "N",  "0",  "False", "FALSE", "disabled"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(text, yes[i]) == 0)
            return "true";
        if (strcmp(text, no[i]) == 0)
            return "false";
    }
    return "true or false";
}

bool value_read_bool(bool *out, const char *text, struct value_fault *fault)
{
    *out = strcmp(text, "true") == 0;
    if (*out || strcmp(text, "false") == 0)
        return true;
    return value_refuse(fault, "\"" FOUND "\" is not true or false; write %s", text,
                        bool_meant(text));
}

bool value_is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

/* As the SDKs check a region: it becomes a label of host names (RFC 1123 section 2.1). */
static bool check_region(const char *text, const struct schema_row *row, struct value_fault *fault)
{
    size_t len = strlen(text);
    const char *word = row->words;

    if (word != NULL && strcmp(text, word) == 0)
        return true;
    if (len < 4 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len ||
        strchr(text, '-') == NULL || text[len - 1] < '0' || text[len - 1] > '9')
        return value_refuse(fault, "\"" FOUND "\" is not a region; write one like eu-west-1%s%s",
                            text, word != NULL ? ", or " : "", word != NULL ? word : "");
    return true;
}

bool value_check_text(const char *text, const struct schema_row *row, struct value_fault *fault)
{
    size_t len = strlen(text);

    if (len > row->max)
        return value_refuse(fault, "the text has %zu octets; at most %llu", len,
                            (unsigned long long)row->max);
    if (len == 0)
        return value_refuse(fault, "the text is empty; write a value or take the key out");
    if (!value_is_printable(text))
        return value_refuse(fault, "\"" FOUND "\" holds a character outside printable ASCII", text);
    if (row->type == SCHEMA_PATH && text[0] != '/')
        return value_refuse(fault, "\"" FOUND "\" is not an absolute path; begin it with /", text);
    return row->type != SCHEMA_REGION || check_region(text, row, fault);
}
