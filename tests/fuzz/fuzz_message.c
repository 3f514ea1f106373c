/* fuzz_message: any packet from a client. Properties: a query that is answered has exactly the
 * question that stands in it, and ldns reads the same question and OPT; a query without records that
 * is a format error is one for ldns too, or has a reason that ldns does not know; every reply to it
 * is well-formed for ldns and fits its reserve. */
#include <ldns/ldns.h>
#include <stdint.h>

#include "local53/base/check.h"
#include "local53/dns/reply.h"

/* Room for a header, the longest question, and an OPT with the longest extended error. */
#define REPLY_MAX (12 + 255 + 4 + 11 + 6 + EDNS_EDE_MAX_TEXT)

/* Read by the leak sanitizer: ldns 1.8.3 loses the records of a packet with several OPTs that it goes
 * on to reject. Nothing in the code under test allocates. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libldns\n";
}

static void check_question(const struct request *request, const uint8_t *data, size_t size)
{
    uint8_t wire[NAME_MAX_OCTETS + 4];
    struct writer w = writer_init(wire, sizeof(wire));

    CHECK(request->question == data + MESSAGE_HEADER_OCTETS);
    CHECK(MESSAGE_HEADER_OCTETS + (size_t)request->question_len <= size);
    writer_put(&w, request->qname.wire, request->qname.len);
    writer_u16(&w, request->qtype);
    writer_u16(&w, request->qclass);
    CHECK(!w.failed && w.len == request->question_len);
    for (size_t i = 0; i < request->qname.len; i++)
        CHECK(name_fold(request->question[i]) == wire[i]);
    CHECK(memcmp(wire + w.len - 4, request->question + w.len - 4, 4) == 0);
    CHECK(message_question_matches(data, size, &request->qname, request->qtype, request->qclass));
}

/* ldns on a query that is answered. Records other than an OPT are opaque to us, not to ldns. */
static void check_oracle(const struct request *request, const ldns_pkt *packet)
{
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    const ldns_rdf *owner = ldns_rr_owner(question);

    CHECK(ldns_rr_get_type(question) == (ldns_rr_type)request->qtype);
    CHECK(ldns_rr_get_class(question) == (ldns_rr_class)request->qclass);
    CHECK(ldns_rdf_size(owner) == request->qname.len);
    CHECK(name_equals_wire(&request->qname, ldns_rdf_data(owner), ldns_rdf_size(owner)));
    CHECK(ldns_pkt_edns(packet) == request->edns.present);
    if (request->edns.present) {
        CHECK(ldns_pkt_edns_udp_size(packet) == request->edns.udp_size);
        CHECK(ldns_pkt_edns_do(packet) == request->edns.dnssec_ok);
        CHECK(request->edns.version == 0 && ldns_pkt_edns_version(packet) == 0);
    }
}

/* A query without records that ldns reads and we do not: a compressed question, octets behind the
 * question, or a question for an OPT. */
static void check_excused(const ldns_pkt *packet, const uint8_t *data, size_t size)
{
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    size_t at = MESSAGE_HEADER_OCTETS;

    while (data[at] != 0 && data[at] < 0xc0)
        at += data[at] + (size_t)1;
    CHECK(data[at] >= 0xc0 || at + 5 < size || ldns_rr_get_type(question) == LDNS_RR_TYPE_OPT);
}

static void check_reply(const struct request *request, enum dns_rcode rcode)
{
    const struct reply_status status = {rcode, EDE_OTHER, "reason"};
    uint8_t octets[REPLY_MAX];
    struct writer w = writer_init(octets, sizeof(octets));
    ldns_pkt *packet = NULL;

    reply_write_error(&w, request, &status);
    CHECK(!w.failed);
    CHECK(w.len == MESSAGE_HEADER_OCTETS + (size_t)request->question_len +
                       (request->edns.present ? edns_octets(EDE_OTHER, "reason") : 0));
    CHECK(ldns_wire2pkt(&packet, octets, w.len) == LDNS_STATUS_OK);
    CHECK(ldns_pkt_qr(packet) && ldns_pkt_ra(packet) && !ldns_pkt_aa(packet));
    CHECK(ldns_pkt_id(packet) == request->header.id);
    CHECK(ldns_pkt_edns(packet) == request->edns.present);
    CHECK(ldns_pkt_qdcount(packet) == (request->has_question ? 1 : 0));
    ldns_pkt_free(packet);
    reply_truncate(&w, request);
    CHECK(!w.failed);
    CHECK(ldns_wire2pkt(&packet, octets, w.len) == LDNS_STATUS_OK);
    CHECK(ldns_pkt_tc(packet));
    ldns_pkt_free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request request;
    enum dns_rcode rcode;
    enum request_verdict verdict = request_parse(&request, &rcode, data, size);
    const struct header *header = &request.header;
    ldns_pkt *packet = NULL;
    unsigned records;

    CHECK((verdict == REQUEST_REJECT) == (rcode != RCODE_NOERROR));
    if (verdict == REQUEST_DROP) {
        CHECK(size < MESSAGE_HEADER_OCTETS || size > MESSAGE_MAX_OCTETS || (data[2] & 0x80) != 0);
        return 0;
    }
    records = (unsigned)header->ancount + header->nscount + header->arcount;
    if (ldns_wire2pkt(&packet, data, size) != LDNS_STATUS_OK)
        packet = NULL;
    if (verdict == REQUEST_ANSWER) {
        CHECK(header->qdcount == 1 && request.has_question);
        CHECK(packet != NULL || records > (request.edns.present ? 1 : 0));
    }
    if (request.has_question)
        check_question(&request, data, size);
    if (packet != NULL && verdict == REQUEST_ANSWER)
        check_oracle(&request, packet);
    if (packet != NULL && rcode == RCODE_FORMERR && header->qdcount == 1 && records == 0)
        check_excused(packet, data, size);
    check_reply(&request, rcode);
    ldns_pkt_free(packet);
    return 0;
}
