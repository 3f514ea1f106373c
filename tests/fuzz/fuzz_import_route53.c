/* Any octets as record sets of Route 53: one line says what came of it. Refused, nothing is written; taken, the
 * configuration is lines of printable ASCII, and ldns and our own reader both find as many records in the master file
 * as it has lines for them. */
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/aws/import.h"
#include "local53/base/check.h"
#include "local53/dns/master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines that are no comment and no directive. */
static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text = strchr(text, '\n') + 1) {
        CHECK(strchr(text, '\n') != NULL);
        if (*text != ';' && *text != '$')
            count++;
    }
    return count;
}

static void check_printable(const char *text)
{
    for (; *text != '\0'; text++)
        CHECK(*text == '\n' || (*text >= ' ' && *text <= '~'));
}

static bool on_record(void *owner, const struct master_record *record)
{
    CHECK(record->class == 1);
    *(size_t *)owner += 1;
    return true;
}

static void on_error(void *owner, const struct master_place *place, const char *text)
{
    (void)owner;
    fprintf(stderr, "%u: %s\n", place->line, text);
}

static size_t count_records(const char *master)
{
    size_t count = 0;
    struct name root;
    struct master_setup setup = {
        .origin = &root, .on_record = on_record, .on_error = on_error, .owner = &count};

    name_root(&root);
    CHECK(master_read_text(&setup, (struct bytes){(const uint8_t *)master, strlen(master)}, "m") ==
          ERR_OK);
    return count;
}

static size_t count_oracle(char *master)
{
    FILE *file = fmemopen(master, strlen(master), "r");
    ldns_rdf *origin = NULL;
    ldns_rdf *previous = NULL;
    size_t count = 0;

    CHECK(file != NULL);
    while (!feof(file)) {
        ldns_rr *rr = NULL;
        ldns_status status = ldns_rr_new_frm_fp(&rr, file, NULL, &origin, &previous);

        CHECK(status == LDNS_STATUS_OK || status == LDNS_STATUS_SYNTAX_EMPTY ||
              status == LDNS_STATUS_SYNTAX_ORIGIN);
        count += status == LDNS_STATUS_OK ? 1 : 0;
        ldns_rr_free(rr);
    }
    ldns_rdf_deep_free(origin);
    ldns_rdf_deep_free(previous);
    fclose(file);
    return count;
}

static void check_taken(const char *yaml, char *master)
{
    size_t lines = count_lines(master);

    CHECK(yaml[0] != '\0');
    check_printable(yaml);
    check_printable(master);
    if (master[0] == '\0')
        return;
    CHECK(count_records(master) == lines);
    CHECK(count_oracle(master) == lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_route53 from = {.records = {"f", (const char *)data, size}, .file = "z.zone"};
    struct import_problem problem = {.text = ""};
    char *texts[2] = {NULL, NULL};
    size_t lens[2] = {0, 0};
    FILE *yaml = open_memstream(&texts[0], &lens[0]);
    FILE *master = open_memstream(&texts[1], &lens[1]);
    enum err err;

    CHECK(yaml != NULL && master != NULL);
    err = import_route53(yaml, master, &from, &problem);
    fclose(yaml);
    fclose(master);
    CHECK(problem.text[0] != '\0');
    CHECK(strchr(problem.text, '\n') == NULL);
    if (err == ERR_OK)
        check_taken(texts[0], texts[1]);
    else
        CHECK(lens[0] == 0 && lens[1] == 0);
    free(texts[0]);
    free(texts[1]);
    return 0;
}
