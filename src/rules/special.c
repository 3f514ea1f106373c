/* special: the table of special names and their answers.
 * Owns: nothing. Thread: any; no state.
 * Bounds: the rows below; an answer has one record.
 * Fails: an answer that does not fit fails the writer. */
#include "local53/rules/special.h"

#include "local53/base/check.h"
#include "local53/dns/name.h"
#include "local53/dns/rr.h"

/* TTL of the addresses of localhost and of its PTR, which never change. */
#define POSITIVE_TTL_S 600

/* TTL of negative answers: short, since a forward zone may take the name over at a reload. */
#define NEGATIVE_TTL_S 60

/* ::1 as a name, RFC 6303 section 4.3. */
#define SIX_ZEROS "0.0.0.0.0.0."
#define ZEROS_30 SIX_ZEROS SIX_ZEROS SIX_ZEROS SIX_ZEROS SIX_ZEROS
#define LOOPBACK_V6 "1.0." ZEROS_30 "ip6.arpa"
#define UNSPECIFIED_V6 "0.0." ZEROS_30 "ip6.arpa"

/* Left out on purpose, although RFC 6303 section 4.1 and 4.4 and RFC 7793 have them: the reverse zones
 * of 10/8, 172.16/12, 192.168/16, 100.64/10 and fd00::/8. VPCs, pods and services have such addresses,
 * and the VPC resolver or the cluster's DNS answers for them.
 * home.arpa is here because RFC 8375 section 4 (point 4) has resolvers and proxies treat it as a locally
 * served zone and not forward it unless configured otherwise; a forward zone is that configuration. */
static const struct special_row ROWS[] = {
    {"localhost", SPECIAL_LOOPBACK, "RFC 6761 section 6.3"},
    {"127.in-addr.arpa", SPECIAL_LOOPBACK_REVERSE, "RFC 6303 section 4.2"},
    {LOOPBACK_V6, SPECIAL_LOOPBACK_REVERSE, "RFC 6303 section 4.3"},
    {"invalid", SPECIAL_NXDOMAIN, "RFC 6761 section 6.4"},
    {"test", SPECIAL_NXDOMAIN, "RFC 6761 section 6.2"},
    {"onion", SPECIAL_NXDOMAIN, "RFC 7686 section 2"},
    {"local", SPECIAL_NXDOMAIN, "RFC 6762 section 22.1"},
    {"home.arpa", SPECIAL_NXDOMAIN, "RFC 8375 section 4"},
    {"resolver.arpa", SPECIAL_NODATA, "RFC 9462 section 6.4"},
    {"0.in-addr.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.2"},
    {"254.169.in-addr.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.2"},
    {"2.0.192.in-addr.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.2"},
    {"100.51.198.in-addr.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.2"},
    {"113.0.203.in-addr.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.2"},
    {"255.255.255.255.in-addr.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.2"},
    {UNSPECIFIED_V6, SPECIAL_NXDOMAIN, "RFC 6303 section 4.3"},
    {"8.e.f.ip6.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.5"},
    {"9.e.f.ip6.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.5"},
    {"a.e.f.ip6.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.5"},
    {"b.e.f.ip6.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.5"},
    {"8.b.d.0.1.0.0.2.ip6.arpa", SPECIAL_NXDOMAIN, "RFC 6303 section 4.6"},
};

const struct special_row *special_rows(size_t *count)
{
    *count = sizeof(ROWS) / sizeof(ROWS[0]);
    return ROWS;
}

/* NODATA or NXDOMAIN with the SOA of the row's name (RFC 2308 section 3). */
static void answer_negative(struct writer *w, const struct request *request, enum dns_rcode rcode,
                            uint8_t rule_labels)
{
    struct reply_status status = {.rcode = rcode, .ede = EDE_NONE};
    static const uint16_t counts[3] = {0, 1, 0};

    reply_begin(w, request);
    reply_write_soa(w, reply_question_offset(request, rule_labels), NEGATIVE_TTL_S);
    reply_end(w, request, &status, counts);
}

static void answer_record(struct writer *w, const struct request *request, uint16_t type,
                          struct bytes rdata)
{
    struct reply_status status = {.rcode = RCODE_NOERROR, .ede = EDE_NONE};
    static const uint16_t counts[3] = {1, 0, 0};

    reply_begin(w, request);
    rr_write(w, MESSAGE_HEADER_OCTETS, type, POSITIVE_TTL_S, rdata);
    reply_end(w, request, &status, counts);
}

/* A and AAAA; ANY gets the A alone (RFC 8482 section 4.1). */
static void answer_loopback(struct writer *w, const struct request *request, uint8_t rule_labels)
{
    static const uint8_t v4[4] = {127, 0, 0, 1};
    static const uint8_t v6[16] = {[15] = 1};

    switch (request->qtype) {
    case TYPE_A:
    case TYPE_ANY: answer_record(w, request, TYPE_A, (struct bytes){v4, sizeof(v4)}); break;
    case TYPE_AAAA: answer_record(w, request, TYPE_AAAA, (struct bytes){v6, sizeof(v6)}); break;
    default: answer_negative(w, request, RCODE_NOERROR, rule_labels); break;
    }
}

/* The name of 127.0.0.1 stands below its row, that of ::1 is the row itself. Names between the row and
 * the address exist, so they get NODATA: NXDOMAIN there would deny the address too (RFC 8020). */
static void answer_loopback_reverse(struct writer *w, const struct request *request,
                                    uint8_t rule_labels)
{
    static const uint8_t v4_wire[] = "\1"
                                     "1"
                                     "\1"
                                     "0"
                                     "\1"
                                     "0"
                                     "\3"
                                     "127"
                                     "\7"
                                     "in-addr"
                                     "\4"
                                     "arpa";
    static const uint8_t localhost[] = "\11localhost";
    const struct name *qname = &request->qname;
    bool wanted = request->qtype == TYPE_PTR || request->qtype == TYPE_ANY;
    struct name row;
    struct name address;

    CHECK(rule_labels <= qname->labels);
    name_parent(&row, qname, (size_t)(qname->labels - rule_labels));
    CHECK(name_from_wire(&address, v4_wire, sizeof(v4_wire)) == ERR_OK);
    if (!name_is_at_or_below(&address, &row))
        address = row;
    if (name_equal(qname, &address) && wanted)
        answer_record(w, request, TYPE_PTR, (struct bytes){localhost, sizeof(localhost)});
    else if (name_is_at_or_below(&address, qname))
        answer_negative(w, request, RCODE_NOERROR, rule_labels);
    else
        answer_negative(w, request, RCODE_NXDOMAIN, rule_labels);
}

void special_answer(struct writer *w, const struct request *request, enum special_kind kind,
                    uint8_t rule_labels)
{
    switch (kind) {
    case SPECIAL_LOOPBACK: answer_loopback(w, request, rule_labels); break;
    case SPECIAL_LOOPBACK_REVERSE: answer_loopback_reverse(w, request, rule_labels); break;
    case SPECIAL_NXDOMAIN: answer_negative(w, request, RCODE_NXDOMAIN, rule_labels); break;
    case SPECIAL_NODATA: answer_negative(w, request, RCODE_NOERROR, rule_labels); break;
    }
}
