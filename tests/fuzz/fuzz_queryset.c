/* fuzz_queryset: any octets as a query file. What is taken renders to messages that ldns reads as
 * the same name and type, and is recognised in an answer; what is refused names a line that there
 * is, or 0, and has a printable reason. */
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "workload/queryset.h"

/* Longest text of a question: queryset_write. */
#define QUESTION_TEXT 1100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ldns reads the message's question as this name (wire form, case kept) and type. */
static void check_ldns(const uint8_t *message, size_t len, struct bytes name, uint16_t type)
{
    ldns_pkt *packet = NULL;

    CHECK(ldns_wire2pkt(&packet, message, len) == LDNS_STATUS_OK);
    CHECK(ldns_pkt_qdcount(packet) == 1 && ldns_pkt_edns(packet) && ldns_pkt_size(packet) == len);
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    const ldns_rdf *owner = ldns_rr_owner(question);
    CHECK(ldns_rdf_size(owner) == name.len);
    CHECK(memcmp(ldns_rdf_data(owner), name.data, name.len) == 0);
    CHECK(ldns_rr_get_type(question) == (ldns_rr_type)type);
    ldns_pkt_free(packet);
}

/* The question as text is read by ldns as the same name. */
static void check_text(const struct queryset *set, struct question_ref ref, struct bytes name)
{
    char text[QUESTION_TEXT];
    ldns_rdf *rdf = NULL;

    queryset_write(set, ref, text);
    CHECK(strlen(text) < sizeof(text));
    *strchr(text, ' ') = '\0';
    CHECK(ldns_str2rdf_dname(&rdf, text) == LDNS_STATUS_OK);
    CHECK(ldns_rdf_size(rdf) == name.len);
    CHECK(memcmp(ldns_rdf_data(rdf), name.data, name.len) == 0);
    ldns_rdf_deep_free(rdf);
}

static void check_item(const struct queryset *set, uint32_t item)
{
    struct question_ref ref = queryset_ref(set, item);
    struct bytes name = queryset_name(set, item);
    uint8_t message[QUERY_MAX_OCTETS];
    size_t len = queryset_render(set, ref, message);
    size_t end = 0;

    check_ldns(message, len, name, ref.type);
    check_text(set, ref, name);
    CHECK(queryset_question_is(set, ref, (struct bytes){message, len}, &end));
    CHECK(end == MESSAGE_HEADER_OCTETS + name.len + QUESTION_TAIL_OCTETS && end < len);
}

static void check_fault(const struct text_fault *fault, const uint8_t *data, size_t size)
{
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    CHECK(fault->line <= lines);
    CHECK(fault->reason[0] != '\0' && strlen(fault->reason) < sizeof(fault->reason));
    for (const char *c = fault->reason; *c != '\0'; c++)
        CHECK(*c >= ' ' && *c < 0x7f);
}

/* The octets as an open file; fmemopen(3) takes no empty memory. */
static FILE *open_input(const uint8_t *data, size_t size)
{
    FILE *file = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "r");

    CHECK(file != NULL);
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query_form form = {.edns_size = 1232, .cookie = true, .seed = size};
    struct queryset *set = queryset_new(&form);
    struct text_fault fault;
    FILE *file = open_input(data, size);
    enum err err = queryset_read(set, file, &fault);
    if (err == ERR_OK)
        CHECK(fault.line == 0 && fault.reason[0] == '\0' && queryset_count(set) > 0);
    else
        check_fault(&fault, data, size);
    CHECK((err == ERR_INVALID) == (fault.line > 0));
    CHECK(err != ERR_NOT_FOUND || queryset_count(set) == 0);
    for (size_t i = 0; i < queryset_count(set); i++)
        check_item(set, (uint32_t)i);
    fclose(file);
    queryset_free(set);
    return 0;
}
