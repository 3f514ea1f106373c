/* message: the header, and the one parser of queries.
 * Owns: nothing; a request borrows its packet.
 * Thread: any; no state. The common shape of a query is on the hot path, all else goes the long way.
 * Bounds: one question, and the records that fit a message of MESSAGE_MAX_OCTETS.
 * Fails: a verdict with an rcode for the client; header_read with ERR_TRUNCATED. */
#include "local53/dns/message.h"

#include "local53/base/check.h"
#include "local53/dns/rr.h"

/* Owner (the root) and TYPE of an OPT. */
#define OPT_HEAD_OCTETS 3

/* What a walk through all records of a query found. */
struct findings {
    enum err err;     /* why it is malformed; ERR_OK when every octet has its place */
    size_t opts;      /* OPT records met */
    bool sealed;      /* the last record is a transaction signature: TSIG or SIG(0) */
    bool seal_broken; /* a TSIG that is not the last record of the message */
};

static inline bool header_take(struct header *out, struct reader *r)
{
    const uint8_t *octets = reader_octets(r, MESSAGE_HEADER_OCTETS);

    if (octets == NULL)
        return false;
    out->id = bytes_get_u16(octets);
    out->flags = bytes_get_u16(octets + FLAGS_OFFSET);
    out->qdcount = bytes_get_u16(octets + QDCOUNT_OFFSET);
    out->ancount = bytes_get_u16(octets + ANCOUNT_OFFSET);
    out->nscount = bytes_get_u16(octets + NSCOUNT_OFFSET);
    out->arcount = bytes_get_u16(octets + ARCOUNT_OFFSET);
    return true;
}

enum err header_read(struct header *out, struct reader *r)
{
    return header_take(out, r) ? ERR_OK : ERR_TRUNCATED;
}

static inline bool question_take(struct request *out, struct reader *r)
{
    size_t start = r->pos;
    const uint8_t *tail;

    if (name_read_plain(&out->qname, r) != ERR_OK)
        return false;
    tail = reader_octets(r, QUESTION_TAIL_OCTETS);
    if (tail == NULL)
        return false;
    out->question = r->data + start;
    out->question_len = (uint16_t)(r->pos - start);
    out->qtype = bytes_get_u16(tail);
    out->qclass = bytes_get_u16(tail + 2);
    out->has_question = true;
    return true;
}

enum dns_rcode message_type_rcode(uint16_t type)
{
    if (type == 0 || type == TYPE_OPT)
        return RCODE_FORMERR;
    return type >= TYPE_TKEY && type <= TYPE_AXFR ? RCODE_REFUSED : RCODE_NOERROR;
}

/* A query of one question, no answer; no authority, one additional record at most: the counts stand in pairs. */
static bool header_is_common(const uint8_t *header)
{
    return (header[2] & (FLAG_OPCODE_MASK >> 8)) == 0 && bytes_get_u32(header + 4) == 1U << 16 &&
           bytes_get_u32(header + 8) <= 1;
}

/* The common shape, in one pass: a question, at most one OPT of version 0, nothing behind it. False
 * for everything else, which the long way judges from the start. */
static bool parse_common(struct request *out, struct reader r)
{
    out->edns = (struct edns){0};
    if (!question_take(out, &r) || message_type_rcode(out->qtype) != RCODE_NOERROR)
        return false;
    if (out->header.arcount == 1) {
        const uint8_t *head = reader_octets(&r, OPT_HEAD_OCTETS);

        if (head == NULL || head[0] != 0 || bytes_get_u16(head + 1) != TYPE_OPT ||
            edns_read(&out->edns, &r) != ERR_OK || out->edns.version != 0)
            return false;
    }
    return reader_left(&r) == 0;
}

/* A transaction signature as it stands in the additional section (RFC 8945, RFC 2931 section 3). */
static bool rr_is_seal(const struct rr *rr, const uint8_t *packet)
{
    if (rr->section != SECTION_ADDITIONAL)
        return false;
    return rr->type == TYPE_TSIG ||
           (rr->type == TYPE_SIG && packet[rr->owner_offset] == 0 && rr->rdata_len >= 2 &&
            bytes_get_u16(packet + rr->rdata_offset) == 0);
}

/* Takes the OPT at rr into out unless one was taken already; it must be owned by the root and stand
 * in the additional section (RFC 6891 section 6.1.1). */
static enum err opt_take(struct request *out, struct reader packet, const struct rr *rr)
{
    struct edns edns = {0};
    enum err err;

    if (rr->section != SECTION_ADDITIONAL || packet.data[rr->owner_offset] != 0)
        return ERR_MALFORMED;
    reader_seek(&packet, (size_t)rr->ttl_offset - sizeof(rr->class));
    err = edns_read(&edns, &packet);
    if (err == ERR_OK && !out->edns.present)
        out->edns = edns;
    return err;
}

static struct findings records_scan(struct request *out, struct reader packet)
{
    struct findings found = {0};
    struct rr_walk walk;
    struct rr rr;

    rr_walk_init(&walk, packet.data, packet.len);
    while (found.err == ERR_OK && rr_next(&walk, &rr)) {
        found.seal_broken = found.seal_broken || (found.sealed && rr.section == SECTION_ADDITIONAL);
        found.sealed = rr_is_seal(&rr, packet.data);
        if (rr.type == TYPE_OPT) {
            found.opts++;
            found.err = opt_take(out, packet, &rr);
        }
    }
    if (found.err == ERR_OK)
        found.err = walk.err;
    if (found.err == ERR_OK && walk.reader.pos != packet.len)
        found.err = ERR_MALFORMED;
    return found;
}

/* What is wrong with a query that is well-formed; RCODE_NOERROR when nothing is. */
static enum dns_rcode request_judge(const struct request *request, const struct findings *found)
{
    if (request->edns.present && request->edns.version > 0)
        return RCODE_BADVERS;
    enum dns_rcode rcode = message_type_rcode(request->qtype);
    return rcode == RCODE_NOERROR && found->sealed ? RCODE_REFUSED : rcode;
}

static void request_clear(struct request *out)
{
    out->has_question = false;
    out->question = NULL;
    out->question_len = 0;
    out->qtype = 0;
    out->qclass = 0;
    out->edns = (struct edns){0};
}

/* The long way, kept out of the common one: every record is walked. The OPT is taken where it can be
 * found, even if the query is refused for another reason, because the refusal carries one in turn
 * (RFC 6891 section 7). */
__attribute__((noinline, cold)) static enum dns_rcode parse_any(struct request *out,
                                                                struct reader r)
{
    const struct reader whole = reader_init(r.data, r.len);
    struct findings found;
    bool has_one;

    CHECK(whole.data != NULL);
    request_clear(out);
    has_one = out->header.qdcount == 1 && question_take(out, &r);
    found = records_scan(out, whole);
    if ((out->header.flags & FLAG_OPCODE_MASK) != 0)
        return RCODE_NOTIMP;
    if (!has_one || found.err != ERR_OK || found.opts > 1 || found.seal_broken)
        return RCODE_FORMERR;
    return request_judge(out, &found);
}

enum request_verdict request_parse(struct request *out, enum dns_rcode *rcode,
                                   const uint8_t *packet, size_t len)
{
    struct reader r = reader_init(packet, len);

    *rcode = RCODE_NOERROR;
    if (len > MESSAGE_MAX_OCTETS || !header_take(&out->header, &r) ||
        (out->header.flags & FLAG_QR) != 0)
        return REQUEST_DROP;
    if (header_is_common(packet) && parse_common(out, r))
        return REQUEST_ANSWER;
    *rcode = parse_any(out, r);
    return *rcode == RCODE_NOERROR ? REQUEST_ANSWER : REQUEST_REJECT;
}

size_t request_udp_limit(const struct request *request, size_t server_limit)
{
    size_t limit = MESSAGE_UDP_MIN;

    if (request->edns.present && request->edns.udp_size > MESSAGE_UDP_MIN)
        limit = request->edns.udp_size;
    return limit < server_limit ? limit : server_limit;
}

bool message_question_matches(const uint8_t *message, size_t len, const struct name *qname,
                              uint16_t qtype, uint16_t qclass)
{
    struct reader r = reader_init(message, len);
    struct header header;
    const uint8_t *name;
    const uint8_t *tail;

    if (header_read(&header, &r) != ERR_OK || header.qdcount != 1)
        return false;
    name = reader_octets(&r, qname->len);
    tail = reader_octets(&r, QUESTION_TAIL_OCTETS);
    return name != NULL && tail != NULL && name_equals_wire(qname, name, qname->len) &&
           bytes_get_u16(tail) == qtype && bytes_get_u16(tail + 2) == qclass;
}
