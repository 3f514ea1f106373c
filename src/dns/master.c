/* master: directives and records of master files; the second door to ldns, which reads the RDATA.
 * Owns: the texts of the files it is in, until it leaves them. Thread: any; no state between calls.
 * Bounds: MASTER_OCTETS_MAX, MASTER_RECORDS_MAX, MASTER_DEPTH_MAX and MASTER_ERRORS_MAX.
 * Fails: errors are told with file and line, and reading goes on to find more; out of memory is fatal. */
#include "local53/dns/master.h"

#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "master_file.h"
#include "master_number.h"
#include "master_text.h"

/* Longest RDATA (RFC 1035 section 3.2.1), and what is in front of it, the owner being the root. */
#define RDATA_MAX 65535
#define FRONT_OCTETS 11

/* What is the same for a file and all that it includes. */
struct reading {
    const struct master_setup *setup; /* borrowed */
    char *folder;                     /* owned; where included files must be; NULL: nowhere */
    size_t octets;                    /* of all files read so far */
    size_t records;                   /* given so far */
    size_t errors;                    /* told so far */
    size_t depth;                     /* files included in one another now */
    bool stopped;                     /* nothing more is read */
    uint8_t *record;                  /* owned; FRONT_OCTETS + RDATA_MAX octets */
};

/* What holds from one entry of a file to the next. Files included begin with it and do not change it (RFC 1035
 * section 5.1: the origin of the parent file is not affected). */
struct context {
    struct name origin; /* of relative names */
    struct name owner;  /* of the last record */
    bool has_owner;     /* there was one */
    uint32_t ttl_s;     /* of records that tell none */
    bool has_default;   /* it is $TTL's; else the last that was told (RFC 1035 section 5.1) */
    struct master_place place; /* of the entry at hand */
};

/* --- words about mistakes --- */

static void tell(struct reading *reading, const struct master_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct reading *reading, const struct master_place *place, const char *format, ...)
{
    char text[MASTER_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reading->setup->on_error(reading->setup->owner, place, text);
    if (++reading->errors == MASTER_ERRORS_MAX)
        reading->stopped = true;
}

/* --- names --- */

/* A name without a last dot: one that ends in a dot which no escape takes in has an even number of "\"
 * before it. */
static bool is_relative(const char *text)
{
    size_t len = strlen(text);
    size_t escapes = 0;

    if (len == 0 || text[len - 1] != '.')
        return true;
    while (escapes + 1 < len && text[len - 2 - escapes] == '\\')
        escapes++;
    return escapes % 2 == 1;
}

static bool has_strange_octet(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            return true;
    }
    return false;
}

/* The relative name made absolute; false when it is too long. */
static bool append_origin(struct name *name, const struct name *origin)
{
    uint8_t wire[2 * NAME_MAX_OCTETS];
    size_t front = (size_t)name->len - 1;

    memcpy(wire, name->wire, front);
    memcpy(wire + front, origin->wire, origin->len);
    return name_from_wire(name, wire, front + origin->len) == ERR_OK;
}

/* Reads a name as master files have it; a mistake is told. */
static bool read_name(struct reading *reading, const struct context *context, const char *word,
                      struct name *out)
{
    if (strcmp(word, "@") == 0) {
        *out = context->origin;
        return true;
    }
    if (has_strange_octet(word)) {
        tell(reading, &context->place, "\"%.80s\" is not ASCII; write the name in its xn-- form",
             word);
        return false;
    }
    if (text_read_name(out, word) != ERR_OK) {
        tell(reading, &context->place, "\"%.80s\" is not a domain name", word);
        return false;
    }
    if (is_relative(word) && !append_origin(out, &context->origin)) {
        tell(reading, &context->place, "\"%.80s\" with the origin is longer than a name can be",
             word);
        return false;
    }
    return true;
}

/* --- records --- */

/* The words in front of the RDATA. */
struct prefix {
    uint16_t class;   /* IN unless told */
    uint32_t ttl_s;   /* when has_ttl */
    bool has_ttl;     /* the record tells its TTL */
    const char *type; /* borrowed; as written */
    uint16_t number;  /* of the type */
};

/* [TTL] [class] or [class] [TTL], then the type (RFC 1035 section 5.1). */
static bool read_prefix(struct reading *reading, const struct context *context, char **rest,
                        struct prefix *out)
{
    bool has_class = false;
    char *word;

    *out = (struct prefix){.class = CLASS_IN};
    while ((word = master_take_word(rest)) != NULL) {
        if (!out->has_ttl && master_read_ttl(word, &out->ttl_s)) {
            out->has_ttl = true;
        } else if (!has_class && master_read_class(word, &out->class)) {
            has_class = true;
        } else {
            break;
        }
    }
    out->type = word;
    if (word == NULL)
        tell(reading, &context->place, "the entry ends before a type");
    else if (text_read_type(&out->number, word) != ERR_OK)
        tell(reading, &context->place, "\"%.40s\" is not a TTL, class or type known here", word);
    else if (!master_is_data(out->number))
        tell(reading, &context->place, "%.40s stands in questions or messages alone, not in zones",
             word);
    else
        return true;
    return false;
}

/* ldns's word for what is wrong, without its own prefix. */
static const char *reason_of(ldns_status status)
{
    static const char prefix[] = "Syntax error, ";
    const char *text = ldns_get_errorstr_by_id(status);

    if (text == NULL)
        return "not understood";
    return strncmp(text, prefix, sizeof(prefix) - 1) == 0 ? text + sizeof(prefix) - 1 : text;
}

/* True when ldns reads the octets it wrote: it takes some texts whose octets it does not. */
static bool reads_back(uint8_t *record, uint16_t type, size_t rdata_len)
{
    struct writer w = writer_init(record, FRONT_OCTETS);
    ldns_rr *rr = NULL;
    size_t at = 0;
    ldns_status status;

    writer_u8(&w, 0);
    writer_u16(&w, type);
    writer_u16(&w, CLASS_IN);
    writer_u32(&w, 0);
    writer_u16(&w, (uint16_t)rdata_len);
    status = ldns_wire2rr(&rr, record, FRONT_OCTETS + rdata_len, &at, LDNS_SECTION_ANSWER);
    CHECK(status != LDNS_STATUS_MEM_ERR);
    ldns_rr_free(rr);
    return status == LDNS_STATUS_OK && at == FRONT_OCTETS + rdata_len;
}

/* RDATA as ldns has it, field by field; false when it is too long, or no record of the type. */
static bool copy_rdata(struct reading *reading, uint16_t type, const ldns_rr *rr, struct bytes *out)
{
    struct writer w = writer_init(reading->record + FRONT_OCTETS, RDATA_MAX);

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

        writer_put(&w, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
    }
    *out = (struct bytes){w.data, w.len};
    return !w.failed && reads_back(reading->record, type, w.len);
}

/* What ldns reads from "\# <length> <octets>" (RFC 3597 section 5) must be as long as it says. */
static bool length_fits(const char *text, size_t len)
{
    return strncmp(text, "\\# ", 3) != 0 || strtoul(text + 3, NULL, 10) == len;
}

/* The largest number of a field of RDATA; 0 for fields of another kind. */
static uint64_t field_max(ldns_rdf_type field)
{
    switch (field) {
    case LDNS_RDF_TYPE_INT8: return UINT8_MAX;
    case LDNS_RDF_TYPE_INT16: return UINT16_MAX;
    case LDNS_RDF_TYPE_INT32: return UINT32_MAX;
    default: return 0;
    }
}

static bool word_fits(const char *word, ldns_rdf_type field)
{
    uint32_t period;
    char *end = NULL;
    unsigned long long number;

    if (field == LDNS_RDF_TYPE_PERIOD)
        return master_read_ttl(word, &period);
    if (field_max(field) == 0)
        return true;
    number = strtoull(word, &end, 10);
    return *end == '\0' && number <= field_max(field);
}

/* ldns lets numbers run over: MX 65536 would be 0. Numbers stand in front of what may be of several words, so
 * word and field go together. */
static bool numbers_fit(uint16_t type, const char *text)
{
    const ldns_rr_descriptor *descriptor = ldns_rr_descript(type);
    char *copy = strdup(text);
    char *rest = copy;
    bool fit = true;

    CHECK(copy != NULL);
    for (size_t i = 0; i < ldns_rr_descriptor_minimum(descriptor) && fit; i++) {
        const char *word = master_take_word(&rest);

        if (word == NULL || strcmp(word, "\\#") == 0)
            break;
        fit = word_fits(word, ldns_rr_descriptor_field_type(descriptor, i));
    }
    free(copy);
    return fit;
}

/* The record's data, borrowed from reading->record; a mistake is told. */
static bool read_rdata(struct reading *reading, const struct context *context,
                       const struct prefix *prefix, const char *text, struct bytes *out)
{
    size_t cap = strlen(text) + strlen(prefix->type) + sizeof(". 0 IN  ");
    char *line = malloc(cap);
    ldns_rdf *origin =
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, context->origin.len, context->origin.wire);
    ldns_rr *rr = NULL;
    ldns_status status;
    bool good;

    CHECK(line != NULL && origin != NULL);
    snprintf(line, cap, ". 0 IN %s %s", prefix->type, text);
    status = ldns_rr_new_frm_str(&rr, line, 0, origin, NULL);
    CHECK(status != LDNS_STATUS_MEM_ERR);
    good = status == LDNS_STATUS_OK && copy_rdata(reading, prefix->number, rr, out) &&
           length_fits(text, out->len) && numbers_fit(prefix->number, text);
    if (!good)
        tell(reading, &context->place, "%s: %s: \"%.120s\"", prefix->type,
             status != LDNS_STATUS_OK ? reason_of(status) : "a number or length is out of range",
             text);
    ldns_rr_free(rr);
    ldns_rdf_deep_free(origin);
    free(line);
    return good;
}

/* The TTL that a record has, by what it and those before it tell. */
static uint32_t ttl_of(struct context *context, const struct prefix *prefix)
{
    if (!prefix->has_ttl)
        return context->ttl_s;
    if (!context->has_default)
        context->ttl_s = prefix->ttl_s;
    return prefix->ttl_s;
}

static void give_record(struct reading *reading, struct context *context,
                        const struct prefix *prefix, struct bytes rdata)
{
    struct master_record record = {.owner = &context->owner,
                                   .type = prefix->number,
                                   .class = prefix->class,
                                   .ttl_s = ttl_of(context, prefix),
                                   .rdata = rdata,
                                   .place = context->place};

    if (++reading->records > MASTER_RECORDS_MAX) {
        tell(reading, &context->place, "more than %d records in a zone", MASTER_RECORDS_MAX);
        reading->stopped = true;
        return;
    }
    if (!reading->setup->on_record(reading->setup->owner, &record))
        reading->stopped = true;
}

static void take_record(struct reading *reading, struct context *context,
                        const struct master_entry *entry)
{
    struct bytes rdata = {0};
    struct prefix prefix;
    char *rest = entry->text;

    if (!entry->indented) {
        context->has_owner = read_name(reading, context, master_take_word(&rest), &context->owner);
    } else if (!context->has_owner) {
        tell(reading, &context->place,
             "begins with a blank, so it is a record of the name before, but there is none");
    }
    if (!context->has_owner || !read_prefix(reading, context, &rest, &prefix))
        return;
    if (prefix.class != CLASS_IN || read_rdata(reading, context, &prefix, rest, &rdata))
        give_record(reading, context, &prefix, rdata);
}

/* --- directives --- */

static void read_octets(struct reading *reading, const struct context *context, struct bytes text);

static void take_origin(struct reading *reading, struct context *context, char *rest)
{
    const char *word = master_take_word(&rest);
    struct name origin;

    if (word == NULL || *rest != '\0')
        tell(reading, &context->place, "$ORIGIN wants one domain name");
    else if (read_name(reading, context, word, &origin))
        context->origin = origin;
}

static void take_ttl(struct reading *reading, struct context *context, char *rest)
{
    const char *word = master_take_word(&rest);

    if (word == NULL || *rest != '\0' || !master_read_ttl(word, &context->ttl_s))
        tell(reading, &context->place, "$TTL wants one number of seconds, or 1h30m and its like");
    else
        context->has_default = true;
}

/* Reads a whole file in the given context. */
static void read_file(struct reading *reading, const struct context *context, const char *path)
{
    uint8_t *octets = NULL;
    size_t len = 0;
    const char *problem;

    if (reading->setup->on_file != NULL)
        reading->setup->on_file(reading->setup->owner, path);
    problem = master_file_read(path, MASTER_OCTETS_MAX - reading->octets, &octets, &len);

    if (problem != NULL) {
        tell(reading, &context->place, "cannot read %.120s: %s", context->place.file, problem);
        return;
    }
    reading->octets += len;
    read_octets(reading, context, (struct bytes){octets, len});
    free(octets);
}

/* A file inside the folder, in a context of its own. */
static void include(struct reading *reading, const struct context *context,
                    const struct name *origin, const char *name)
{
    struct context inner = *context;
    const char *problem;
    char *path = NULL;

    if (reading->depth == MASTER_DEPTH_MAX) {
        tell(reading, &context->place, "files are included more than %d deep", MASTER_DEPTH_MAX);
        return;
    }
    problem = master_file_inside(reading->folder, name, &path);
    if (problem != NULL) {
        tell(reading, &context->place, "cannot include \"%.80s\": %s", name, problem);
        return;
    }
    inner.origin = *origin;
    inner.place = (struct master_place){name, 0};
    reading->depth++;
    read_file(reading, &inner, path);
    reading->depth--;
    free(path);
}

static void take_include(struct reading *reading, struct context *context, char *rest)
{
    struct name origin = context->origin;
    char *word = master_take_word(&rest);
    const char *told = word == NULL ? NULL : master_take_word(&rest);
    char *name;

    if (word == NULL || *rest != '\0') {
        tell(reading, &context->place, "$INCLUDE wants a file, and an origin if another is meant");
        return;
    }
    if (told != NULL && !read_name(reading, context, told, &origin))
        return;
    name = strdup(master_unquote(word));
    CHECK(name != NULL);
    include(reading, context, &origin, name);
    free(name);
}

static void take_directive(struct reading *reading, struct context *context, char *text)
{
    char *rest = text;
    const char *word = master_take_word(&rest);

    if (strcasecmp(word, "$ORIGIN") == 0)
        take_origin(reading, context, rest);
    else if (strcasecmp(word, "$TTL") == 0)
        take_ttl(reading, context, rest);
    else if (strcasecmp(word, "$INCLUDE") == 0)
        take_include(reading, context, rest);
    else
        tell(reading, &context->place,
             "\"%.40s\" is not known here; $ORIGIN, $TTL and $INCLUDE are", word);
}

/* --- texts and files --- */

static void take_entry(struct reading *reading, struct context *context,
                       const struct master_entry *entry)
{
    context->place.line = entry->line;
    if (entry->fault != NULL)
        tell(reading, &context->place, "%s", entry->fault);
    else if (entry->text[0] == '$' && !entry->indented)
        take_directive(reading, context, entry->text);
    else
        take_record(reading, context, entry);
}

/* Without the mark that some editors put in front of UTF-8. */
static struct bytes without_mark(struct bytes octets)
{
    if (octets.len >= 3 && memcmp(octets.data, "\xef\xbb\xbf", 3) == 0)
        return (struct bytes){octets.data + 3, octets.len - 3};
    return octets;
}

static void read_octets(struct reading *reading, const struct context *context, struct bytes octets)
{
    struct context own = *context;
    struct master_text text = {
        .text = without_mark(octets), .line = 1, .room = malloc(octets.len + 1)};
    struct master_entry entry;

    CHECK(text.room != NULL);
    while (!reading->stopped && master_text_next(&text, &entry))
        take_entry(reading, &own, &entry);
    free(text.room);
}

static struct context first_context(const struct master_setup *setup, const char *label)
{
    return (struct context){
        .origin = *setup->origin, .ttl_s = setup->default_ttl_s, .place = {label, 0}};
}

static enum err finish(struct reading *reading)
{
    free(reading->record);
    free(reading->folder);
    return reading->errors == 0 && !reading->stopped ? ERR_OK : ERR_INVALID;
}

enum err master_read_file(const struct master_setup *setup, const char *path, const char *label)
{
    struct reading reading = {.setup = setup, .folder = master_file_folder(path)};
    struct context context = first_context(setup, label);

    reading.record = malloc(FRONT_OCTETS + RDATA_MAX);
    CHECK(reading.record != NULL);
    read_file(&reading, &context, path);
    return finish(&reading);
}

enum err master_read_text(const struct master_setup *setup, struct bytes text, const char *label)
{
    struct reading reading = {.setup = setup};
    struct context context = first_context(setup, label);

    reading.record = malloc(FRONT_OCTETS + RDATA_MAX);
    CHECK(reading.record != NULL);
    read_octets(&reading, &context, text);
    return finish(&reading);
}
