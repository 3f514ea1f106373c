/* fuzz_master: a text as a master file. Properties: each record of class IN is read by ldns as a record with
 * just these octets, has a type that can stand in a zone, and written in the way of RFC 3597 it is read back as
 * the same; a text that is not taken has an error told, on a line it has. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/text.h"
#include "master_ldns.h"

#define RDATA_MAX 65535

/* Longest text of a record in the way of RFC 3597. */
#define LINE_MAX_OCTETS (4 * NAME_MAX_OCTETS + 128 + 2 * RDATA_MAX)

/* What one text gave. */
struct seen {
    size_t records;                     /* all told */
    size_t errors;                      /* all told */
    unsigned lines;                     /* lines of the text */
    const struct master_record *wanted; /* the record that must come; NULL: any */
};

static bool on_again(void *owner, const struct master_record *record)
{
    struct seen *seen = owner;
    const struct master_record *wanted = seen->wanted;

    seen->records++;
    CHECK(name_equal(record->owner, wanted->owner));
    CHECK(record->type == wanted->type && record->class == wanted->class);
    CHECK(record->ttl_s == wanted->ttl_s && record->rdata.len == wanted->rdata.len);
    CHECK(memcmp(record->rdata.data, wanted->rdata.data, record->rdata.len) == 0);
    return true;
}

static void on_error(void *owner, const struct master_place *place, const char *text)
{
    struct seen *seen = owner;

    seen->errors++;
    CHECK(place->line >= 1 && place->line <= seen->lines);
    CHECK(text[0] != '\0' && strlen(text) < MASTER_TEXT_MAX);
}

/* Every octet of a name as a number, since ldns leaves some that mean something here as they are. */
static size_t write_numbers(const struct name *name, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < name->labels; i++) {
        struct bytes label = name_label(name, i);

        for (size_t j = 0; j < label.len; j++)
            len += (size_t)sprintf(out + len, "\\%03u", label.data[j]);
        out[len++] = '.';
    }
    len += name->labels == 0 ? (size_t)sprintf(out, ".") : 0;
    return len;
}

static void check_again(const struct master_record *record)
{
    static char line[LINE_MAX_OCTETS];
    struct name root;
    struct seen seen = {.lines = 1, .wanted = record};
    struct master_setup setup = {&root, 0, on_again, on_error, NULL, &seen};
    size_t len = write_numbers(record->owner, line);

    name_root(&root);
    len += (size_t)sprintf(line + len, " %u TYPE%u \\# %zu ", record->ttl_s, record->type,
                           record->rdata.len);
    for (size_t i = 0; i < record->rdata.len; i++)
        len += (size_t)sprintf(line + len, "%02x", record->rdata.data[i]);
    CHECK(len < sizeof(line));
    CHECK(master_read_text(&setup, (struct bytes){(const uint8_t *)line, len}, "again") == ERR_OK);
    CHECK(seen.records == 1);
}

static void check_with_ldns(const struct master_record *record)
{
    ldns_rr *rr = master_ldns(record);
    size_t len = 0;

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

        CHECK(memcmp(record->rdata.data + len, ldns_rdf_data(rdf), ldns_rdf_size(rdf)) == 0);
        len += ldns_rdf_size(rdf);
    }
    CHECK(len == record->rdata.len);
    ldns_rr_free(rr);
}

static bool on_record(void *owner, const struct master_record *record)
{
    struct seen *seen = owner;

    seen->records++;
    CHECK(record->type != 0 && record->ttl_s <= INT32_MAX);
    CHECK(record->place.line >= 1 && record->place.line <= seen->lines);
    if (record->class == CLASS_IN) {
        check_with_ldns(record);
        check_again(record);
    } else {
        CHECK(record->rdata.len == 0);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct name origin;
    struct seen seen = {.lines = 1};
    struct master_setup setup = {&origin, 300, on_record, on_error, NULL, &seen};
    enum err err;

    CHECK(text_read_name(&origin, "corp.internal") == ERR_OK);
    for (size_t i = 0; i < size; i++)
        seen.lines += data[i] == '\n' ? 1 : 0;
    err = master_read_text(&setup, (struct bytes){data, size}, "fuzz");
    CHECK((err == ERR_OK) == (seen.errors == 0));
    return 0;
}
