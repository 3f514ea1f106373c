/* reply: the frame of every answer to a client, and queries to upstreams.
 * Owns: nothing; writes into the caller's memory.
 * Thread: any; no state. On the hot path.
 * Bounds: the caller's writer.
 * Fails: what does not fit fails the writer; reply_truncate makes it usable again. */
#include "local53/dns/reply.h"

#include "local53/base/check.h"
#include "local53/dns/rr.h"

/* Highest rcode that fits the header alone (RFC 6891 section 6.1.3). */
#define RCODE_HEADER_MAX 15

/* RDATA of the SOA of answers that we make up; only its MINIMUM varies (RFC 2308 section 5). */
static const uint8_t SOA_NAMES[] = "\7local53\0\12hostmaster\7local53";
#define SOA_SERIAL 1
#define SOA_REFRESH_S 3600
#define SOA_RETRY_S 600
#define SOA_EXPIRE_S 604800
#define SOA_NUMBERS_OCTETS 20

/* RDATA of the HINFO that answers ANY: CPU "RFC8482", an empty OS; and for how long. */
static const uint8_t ANY_HINFO[] = "\7RFC8482";
#define ANY_TTL_S 3600

void reply_begin(struct writer *w, const struct request *request)
{
    uint16_t copied = request->header.flags & (FLAG_OPCODE_MASK | FLAG_RD | FLAG_CD);
    uint8_t header[MESSAGE_HEADER_OCTETS] = {0};

    CHECK(w->len == 0);
    bytes_put_u16(header, request->header.id);
    bytes_put_u16(header + FLAGS_OFFSET, (uint16_t)(FLAG_QR | FLAG_RA | copied));
    bytes_put_u16(header + QDCOUNT_OFFSET, request->has_question ? 1 : 0);
    writer_put(w, header, sizeof(header));
    if (request->has_question)
        writer_put(w, request->question, request->question_len);
}

uint16_t reply_question_offset(const struct request *request, size_t labels)
{
    return (uint16_t)(MESSAGE_HEADER_OCTETS + name_suffix_offset(&request->qname, labels));
}

/* The rcode's part in the flags: one that needs an OPT is told as SERVFAIL to those who sent none. */
static uint16_t rcode_bits(const struct request *request, enum dns_rcode rcode)
{
    if (rcode > RCODE_HEADER_MAX && !request->edns.present)
        return RCODE_SERVFAIL;
    return (uint16_t)rcode & FLAG_RCODE_MASK;
}

void reply_end(struct writer *w, const struct request *request, const struct reply_status *status,
               const uint16_t counts[3])
{
    uint8_t *header = w->data;
    uint16_t flags;

    if (w->failed)
        return;
    CHECK(w->len >= MESSAGE_HEADER_OCTETS);
    flags = message_flags(header) | rcode_bits(request, status->rcode);
    bytes_put_u16(header + FLAGS_OFFSET, flags);
    for (size_t i = 0; i < 3; i++)
        bytes_put_u16(header + ANCOUNT_OFFSET + i * sizeof(uint16_t), counts[i]);
    if (request->edns.present) {
        bytes_put_u16(header + ARCOUNT_OFFSET, (uint16_t)(counts[2] + 1));
        edns_write(w, (uint16_t)status->rcode, request->edns.dnssec_ok, status->ede,
                   status->ede_text);
    }
}

void reply_truncate(struct writer *w, const struct request *request)
{
    static const uint16_t no_records[3] = {0, 0, 0};
    struct reply_status status = {RCODE_NOERROR, EDE_NONE, NULL};

    if (w->len >= MESSAGE_HEADER_OCTETS)
        status.rcode = message_rcode(w->data);
    *w = writer_init(w->data, w->cap);
    reply_begin(w, request);
    if (!w->failed)
        writer_patch_u16(w, FLAGS_OFFSET, message_flags(w->data) | FLAG_TC);
    reply_end(w, request, &status, no_records);
}

void reply_write_error(struct writer *w, const struct request *request,
                       const struct reply_status *status)
{
    static const uint16_t no_records[3] = {0, 0, 0};

    reply_begin(w, request);
    reply_end(w, request, status, no_records);
}

void reply_write_any(struct writer *w, const struct request *request)
{
    struct reply_status status = {.rcode = RCODE_NOERROR, .ede = EDE_NONE};

    reply_begin(w, request);
    rr_write(w, MESSAGE_HEADER_OCTETS, TYPE_HINFO, ANY_TTL_S,
             (struct bytes){ANY_HINFO, sizeof(ANY_HINFO)});
    reply_end(w, request, &status, (const uint16_t[3]){1, 0, 0});
}

void reply_write_soa(struct writer *w, uint16_t owner, uint32_t ttl)
{
    uint8_t rdata[sizeof(SOA_NAMES) + SOA_NUMBERS_OCTETS];
    struct writer soa = writer_init(rdata, sizeof(rdata));

    writer_put(&soa, SOA_NAMES, sizeof(SOA_NAMES));
    writer_u32(&soa, SOA_SERIAL);
    writer_u32(&soa, SOA_REFRESH_S);
    writer_u32(&soa, SOA_RETRY_S);
    writer_u32(&soa, SOA_EXPIRE_S);
    writer_u32(&soa, ttl);
    rr_write(w, owner, TYPE_SOA, ttl, (struct bytes){rdata, soa.len});
}

void query_write(struct writer *w, const struct outgoing *out, const struct name *qname,
                 uint16_t qtype, uint16_t qclass)
{
    unsigned flags =
        FLAG_AD | (out->recursion_desired ? FLAG_RD : 0U) | (out->checking_disabled ? FLAG_CD : 0U);

    writer_u16(w, out->id);
    writer_u16(w, (uint16_t)flags);
    writer_u16(w, 1);
    writer_u32(w, 0);
    writer_u16(w, out->edns ? 1 : 0);
    writer_put(w, qname->wire, qname->len);
    writer_u16(w, qtype);
    writer_u16(w, qclass);
    if (out->edns)
        edns_write(w, RCODE_NOERROR, out->dnssec_ok, EDE_NONE, NULL);
}
