/* query_file: reads dnsperf's query files into a queryset, line by line, and tells the first fault.
 * Owns: the file it opened; one line. Thread: the one that makes the set.
 * Bounds: QUERYSET_LINE_MAX octets a line, QUERYSET_ITEMS_MAX lines.
 * Fails: with the line's number and a reason for people. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "local53/base/check.h"
#include "local53/base/nearest.h"
#include "local53/dns/message.h"
#include "local53/dns/name.h"
#include "local53/dns/text.h"
#include "workload/queryset_private.h"

#define BLANKS " \t"

/* Types that are looked up here: the usual ones first, for speed; all of them are what a mistyped
 * one may have meant. */
static const struct {
    const char *name;
    uint16_t type;
} TYPES[] = {
    {"A", TYPE_A},
    {"AAAA", TYPE_AAAA},
    {"HTTPS", TYPE_HTTPS},
    {"SRV", TYPE_SRV},
    {"TXT", TYPE_TXT},
    {"CNAME", TYPE_CNAME},
    {"MX", TYPE_MX},
    {"NS", TYPE_NS},
    {"PTR", TYPE_PTR},
    {"SOA", TYPE_SOA},
    {"SVCB", TYPE_SVCB},
    {"DS", TYPE_DS},
    {"DNSKEY", TYPE_DNSKEY},
    {"NAPTR", TYPE_NAPTR},
    {"ANY", TYPE_ANY},
    {"DNAME", TYPE_DNAME},
    {"HINFO", TYPE_HINFO},
    {"RRSIG", TYPE_RRSIG},
    {"NSEC", TYPE_NSEC},
    {"NSEC3", TYPE_NSEC3},
    {"CAA", 257},
    {"TLSA", 52},
    {"SSHFP", 44},
};
#define TYPES_COUNT (sizeof(TYPES) / sizeof(TYPES[0]))

/* What dnsperf -u writes in its files beside the names of zones. */
static const char *const UPDATE_WORDS[] = {"add", "delete", "prohibit", "require", "send"};

struct file_reader {
    FILE *file;                       /* borrowed */
    struct text_fault *fault;         /* the caller's; line is where the reader stands */
    size_t len;                       /* octets of line */
    char line[QUERYSET_LINE_MAX + 1]; /* the present line without its end, terminated */
};

__attribute__((format(printf, 2, 3))) static enum err refuse(struct text_fault *fault,
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, args);
    va_end(args);
    return ERR_INVALID;
}

/* Takes the next line. ERR_NOT_FOUND at the end of the file; faults are told. */
static enum err next_line(struct file_reader *r)
{
    int c = getc_unlocked(r->file);

    if (c == EOF)
        return ERR_NOT_FOUND;
    r->fault->line++;
    for (r->len = 0; c != EOF && c != '\n'; c = getc_unlocked(r->file)) {
        if (c == '\0')
            return refuse(r->fault, "a NUL octet: this is no text file");
        if (r->len == QUERYSET_LINE_MAX)
            return refuse(r->fault, "longer than %d octets", QUERYSET_LINE_MAX);
        r->line[r->len++] = (char)c;
    }
    if (r->len > 0 && r->line[r->len - 1] == '\r')
        r->len--;
    r->line[r->len] = '\0';
    return ERR_OK;
}

/* Cuts the next word off; NULL at the end of the line or where a comment starts. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, BLANKS);
    size_t len = strcspn(word, BLANKS);

    if (*word == '\0' || *word == '#' || *word == ';')
        return NULL;
    *at = word[len] == '\0' ? word + len : word + len + 1;
    word[len] = '\0';
    return word;
}

static bool is_update(const char *word)
{
    for (size_t i = 0; i < sizeof(UPDATE_WORDS) / sizeof(UPDATE_WORDS[0]); i++) {
        if (strcasecmp(word, UPDATE_WORDS[i]) == 0)
            return true;
    }
    return false;
}

static enum err refuse_type(struct text_fault *fault, const char *word)
{
    const char *names[TYPES_COUNT];
    char quoted[QUOTE_ROOM];
    const char *nearest;

    queryset_quote(word, quoted);
    if (strcasecmp(word, "IN") == 0 || strcasecmp(word, "CH") == 0)
        return refuse(fault, "'%s' is a class; a line is NAME TYPE, without one", quoted);
    for (size_t i = 0; i < TYPES_COUNT; i++)
        names[i] = TYPES[i].name;
    nearest = nearest_word(word, names, TYPES_COUNT);
    if (nearest != NULL)
        return refuse(fault, "unknown type '%s'; did you mean '%s'?", quoted, nearest);
    return refuse(fault, "unknown type '%s'; a line is NAME TYPE, as 'www.example.com A'", quoted);
}

static enum err read_type(uint16_t *type, const char *word, struct text_fault *fault)
{
    for (size_t i = 0; i < TYPES_COUNT; i++) {
        if (strcasecmp(word, TYPES[i].name) == 0) {
            *type = TYPES[i].type;
            return ERR_OK;
        }
    }
    if (text_read_type(type, word) != ERR_OK)
        return refuse_type(fault, word);
    if (*type == TYPE_AXFR || *type == TYPE_IXFR)
        return refuse(fault, "a zone transfer has many answers; it cannot be asked here");
    return ERR_OK;
}

/* The line as a dynamic update, if it is one; otherwise what its words are not. */
static enum err refuse_words(struct text_fault *fault, const char *name, const char *third)
{
    char quoted[QUOTE_ROOM];

    if (is_update(name))
        return refuse(fault, "'%s' is a dynamic update of dnsperf; only queries are sent",
                      queryset_quote(name, quoted));
    if (third == NULL)
        return refuse(fault, "no type behind '%s'; a line is NAME TYPE, as 'www.example.com A'",
                      queryset_quote(name, quoted));
    return refuse(fault, "a third word '%s'; a line is NAME TYPE, and '#' starts a comment",
                  queryset_quote(third, quoted));
}

static enum err add_name(struct queryset *set, const char *name, uint16_t type,
                         struct text_fault *fault)
{
    uint8_t wire[NAME_MAX_OCTETS];
    char quoted[QUOTE_ROOM];
    const char *reason;
    uint32_t item;
    size_t len;

    if (queryset_read_name(wire, &len, name, &reason) != ERR_OK)
        return refuse(fault, "the name '%s' has %s", queryset_quote(name, quoted), reason);
    if (queryset_add(set, (struct bytes){wire, len}, type, &item) != ERR_OK)
        return refuse(fault, "more than %d queries", QUERYSET_ITEMS_MAX);
    return ERR_OK;
}

static enum err take_line(struct queryset *set, struct file_reader *r)
{
    char *at = r->line;
    const char *name = next_word(&at);
    const char *type_word = name == NULL ? NULL : next_word(&at);
    const char *third = type_word == NULL ? NULL : next_word(&at);
    uint16_t type;
    enum err err;

    if (name == NULL)
        return ERR_OK;
    if (type_word == NULL)
        return refuse_words(r->fault, name, third);
    err = read_type(&type, type_word, r->fault);
    if (err != ERR_OK)
        return is_update(name) ? refuse_words(r->fault, name, third) : err;
    if (third != NULL)
        return refuse_words(r->fault, name, third);
    return add_name(set, name, type, r->fault);
}

static enum err fault_whole(struct text_fault *fault, const char *reason, enum err err)
{
    *fault = (struct text_fault){0};
    snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
    return err;
}

enum err queryset_read(struct queryset *set, FILE *file, struct text_fault *fault)
{
    struct file_reader r = {.file = file, .fault = fault};
    size_t before = queryset_count(set);
    enum err err;

    *fault = (struct text_fault){0};
    do {
        err = next_line(&r);
        if (err == ERR_OK)
            err = take_line(set, &r);
    } while (err == ERR_OK);
    if (err != ERR_NOT_FOUND)
        return err;
    if (ferror(file))
        return fault_whole(fault, strerror(errno), ERR_SYSTEM);
    if (queryset_count(set) == before)
        return fault_whole(fault, "not one query in it", ERR_NOT_FOUND);
    *fault = (struct text_fault){0};
    return ERR_OK;
}

enum err queryset_load(struct queryset *set, const char *path, struct text_fault *fault)
{
    FILE *file;
    enum err err;

    if (strcmp(path, "-") == 0)
        return queryset_read(set, stdin, fault);
    file = fopen(path, "r");
    if (file == NULL)
        return fault_whole(fault, strerror(errno), ERR_SYSTEM);
    err = queryset_read(set, file, fault);
    fclose(file);
    return err;
}
