/* responder: one answer, composed from its query, the plan and the draw.
 * Owns: nothing; writes into the caller's memory. Thread: any; no state. On the path of every
 * query.
 * Bounds: responder_longest.
 * Fails: what cannot be read gets an rcode; what is no query nothing. */
#include "faults/responder.h"

#include <string.h>

#include "local53/base/check.h"
#include "local53/dns/reply.h"
#include "local53/dns/rr.h"

/* Octets of one AAAA with a compressed owner, and of the SOA of reply_write_soa with some to
 * spare. */
#define AAAA_OCTETS (2 + 10 + 16)
#define SOA_OCTETS 72

/* What a name has. */
enum existence {
    NAME_MISSING,     /* nothing, nor has any name below it: NXDOMAIN */
    NAME_WITHOUT,     /* names below it, no records */
    NAME_WITH_RECORDS /* A and AAAA */
};

/* The end of a name in wire form, the root included. */
struct suffix {
    const char *wire; /* folded */
    size_t octets;    /* of wire */
    size_t labels;    /* without the root */
};
#define SUFFIX(literal, labels)                                                                    \
    {                                                                                              \
        literal, sizeof(literal), labels                                                           \
    }
static const struct suffix CLUSTER = SUFFIX("\7cluster\5local", 2);
static const struct suffix INTERNAL = SUFFIX("\7compute\10internal", 2);
static const struct suffix NOWHERE = SUFFIX("\2nx\10dnsbench\7example", 3);

/* RFC 5737 and RFC 3849: addresses of examples. */
static const uint8_t RIGHT_A[4] = {192, 0, 2, 1};
static const uint8_t WRONG_A[4] = {192, 0, 2, 66};
static const uint8_t RIGHT_AAAA[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x01};
static const uint8_t WRONG_AAAA[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x66};

bool responder_is_query(struct bytes message)
{
    return message.len >= MESSAGE_HEADER_OCTETS && (message_flags(message.data) & FLAG_QR) == 0;
}

size_t responder_longest(const struct fault_plan *plan)
{
    size_t records = (plan->address_count == 0 ? 1 : plan->address_count) * AAAA_OCTETS;

    return MESSAGE_HEADER_OCTETS + NAME_MAX_OCTETS + QUESTION_TAIL_OCTETS +
           (records > SOA_OCTETS ? records : SOA_OCTETS) + EDNS_OPT_OCTETS;
}

static bool ends_in(const struct name *name, const struct suffix *suffix)
{
    size_t start;

    if (name->labels < suffix->labels || name->len < suffix->octets)
        return false;
    start = name_suffix_offset(name, suffix->labels);
    return name->len - start == suffix->octets &&
           memcmp(name->wire + start, suffix->wire, suffix->octets) == 0;
}

/* True for "svc-12" and the like: the prefix, and digits. */
static bool label_is_numbered(struct bytes label, const char *prefix)
{
    size_t start = strlen(prefix);

    if (label.len <= start || memcmp(label.data, prefix, start) != 0)
        return false;
    for (size_t i = start; i < label.len; i++) {
        if (label.data[i] < '0' || label.data[i] > '9')
            return false;
    }
    return true;
}

/* A name at or below cluster.local: label by label, from the right. */
static enum existence exists_in_cluster(const struct name *name)
{
    size_t left = name->labels - CLUSTER.labels;

    if (left == 0)
        return NAME_WITHOUT;
    struct bytes zone = name_label(name, left - 1);
    if (zone.len != 3 || memcmp(zone.data, "svc", 3) != 0)
        return NAME_MISSING;
    if (left == 1)
        return NAME_WITHOUT;
    if (!label_is_numbered(name_label(name, left - 2), "ns-"))
        return NAME_MISSING;
    if (left == 2)
        return NAME_WITHOUT;
    return left == 3 && label_is_numbered(name_label(name, 0), "svc-") ? NAME_WITH_RECORDS
                                                                       : NAME_MISSING;
}

/* What the name has, and how many of its last labels are the zone that a denial is told by. */
static enum existence exists(const struct fault_plan *plan, const struct name *name, size_t *zone)
{
    *zone = name->labels;
    if (!plan->cluster)
        return NAME_WITH_RECORDS;
    if (ends_in(name, &CLUSTER)) {
        *zone = CLUSTER.labels;
        return exists_in_cluster(name);
    }
    if (ends_in(name, &INTERNAL)) {
        *zone = INTERNAL.labels;
        return NAME_MISSING;
    }
    if (ends_in(name, &NOWHERE)) {
        *zone = NOWHERE.labels;
        return NAME_MISSING;
    }
    return NAME_WITH_RECORDS;
}

static uint16_t write_address(struct writer *w, const struct fault_plan *plan,
                              const struct request *request, struct bytes octets)
{
    rr_write(w, MESSAGE_HEADER_OCTETS, request->qtype, plan->ttl, octets);
    return 1;
}

/* Writes the addresses of the type asked; gives how many. */
static uint16_t write_addresses(struct writer *w, const struct fault_plan *plan,
                                const struct request *request)
{
    size_t wanted = request->qtype == TYPE_A ? sizeof(RIGHT_A) : sizeof(RIGHT_AAAA);
    uint16_t count = 0;

    if (plan->address_count == 0)
        return write_address(
            w, plan, request,
            (struct bytes){wanted == sizeof(RIGHT_A) ? RIGHT_A : RIGHT_AAAA, wanted});
    for (size_t i = 0; i < plan->address_count; i++) {
        size_t len;
        const uint8_t *octets = addr_octets(&plan->addresses[i], &len);

        if (len == wanted)
            count =
                (uint16_t)(count + write_address(w, plan, request, (struct bytes){octets, len}));
    }
    return count;
}

static bool asks_for_addresses(const struct request *request)
{
    return request->qtype == TYPE_A || request->qtype == TYPE_AAAA;
}

/* What the names of the plan say: addresses, or a denial. */
static void write_truth(struct writer *w, const struct fault_plan *plan,
                        const struct request *request)
{
    struct reply_status status = {RCODE_NOERROR, EDE_NONE, NULL};
    uint16_t counts[3] = {0};
    size_t zone;
    enum existence existence = exists(plan, &request->qname, &zone);

    reply_begin(w, request);
    if (existence == NAME_WITH_RECORDS && asks_for_addresses(request))
        counts[SECTION_ANSWER] = write_addresses(w, plan, request);
    if (existence == NAME_MISSING)
        status.rcode = RCODE_NXDOMAIN;
    if (counts[SECTION_ANSWER] == 0) {
        reply_write_soa(w, reply_question_offset(request, zone), plan->ttl);
        counts[SECTION_AUTHORITY] = 1;
    }
    reply_end(w, request, &status, counts);
}

static void write_wrong_address(struct writer *w, const struct fault_plan *plan,
                                const struct request *request)
{
    static const struct reply_status status = {RCODE_NOERROR, EDE_NONE, NULL};
    const struct bytes wrong = request->qtype == TYPE_A
                                   ? (struct bytes){WRONG_A, sizeof(WRONG_A)}
                                   : (struct bytes){WRONG_AAAA, sizeof(WRONG_AAAA)};

    reply_begin(w, request);
    reply_end(w, request, &status, (uint16_t[3]){write_address(w, plan, request, wrong), 0, 0});
}

/* Whether the fault drawn can befall this query. */
static enum fault fault_of(const struct fault_draw *draw, const struct request *request,
                           bool over_tcp)
{
    if ((draw->fault == FAULT_TRUNCATED && over_tcp) ||
        (draw->fault == FAULT_WRONG_ADDRESS && !asks_for_addresses(request)) ||
        (draw->fault == FAULT_WRONG_QUESTION && request->qname.labels == 0))
        return FAULT_NONE;
    return draw->fault;
}

static void write_records(struct writer *w, const struct fault_plan *plan,
                          const struct request *request, const struct fault_draw *draw,
                          enum fault fault)
{
    struct reply_status status = {RCODE_NOERROR, EDE_NONE, NULL};

    if (fault == FAULT_RCODE)
        status.rcode = draw->rcode;
    if (fault == FAULT_RCODE || fault == FAULT_EMPTY)
        reply_write_error(w, request, &status);
    else if (fault == FAULT_WRONG_ADDRESS)
        write_wrong_address(w, plan, request);
    else
        write_truth(w, plan, request);
}

/* Another name of the same length, whatever the case: its first letter is another. */
static void change_question(uint8_t *answer)
{
    uint8_t *letter = answer + MESSAGE_HEADER_OCTETS + 1;

    *letter = name_fold(*letter) == 'x' ? 'y' : 'x';
}

static void change_id(uint8_t *answer)
{
    bytes_put_u16(answer, (uint16_t)(bytes_get_u16(answer) + 1));
}

/* An answer to a query that was read whole. */
static enum fault answer_request(struct writer *w, const struct fault_plan *plan,
                                 const struct request *request, const struct fault_draw *draw,
                                 bool over_tcp)
{
    enum fault fault = fault_of(draw, request, over_tcp);

    write_records(w, plan, request, draw, fault);
    CHECK(!w->failed);
    if (fault == FAULT_TRUNCATED ||
        (!over_tcp && w->len > request_udp_limit(request, EDNS_UDP_SIZE)))
        reply_truncate(w, request);
    if (fault == FAULT_WRONG_QUESTION)
        change_question(w->data);
    if (fault == FAULT_WRONG_ID)
        change_id(w->data);
    return fault;
}

struct response_told responder_answer(const struct fault_plan *plan, const struct fault_draw *draw,
                                      struct bytes query, bool over_tcp, uint8_t *out)
{
    struct response_told told = {.fault = FAULT_NONE};
    struct reply_status status = {RCODE_REFUSED, EDE_NONE, NULL};
    struct writer w = writer_init(out, responder_longest(plan));
    struct request request;
    enum request_verdict verdict = request_parse(&request, &status.rcode, query.data, query.len);

    if (verdict == REQUEST_DROP)
        return told;
    if (verdict == REQUEST_ANSWER && request.qclass == CLASS_IN) {
        told.fault = answer_request(&w, plan, &request, draw, over_tcp);
    } else {
        if (verdict == REQUEST_ANSWER)
            status.rcode = RCODE_REFUSED;
        reply_write_error(&w, &request, &status);
    }
    CHECK(!w.failed);
    told.len = w.len;
    told.rcode = (uint8_t)message_rcode(out);
    told.truncated = (message_flags(out) & FLAG_TC) != 0;
    return told;
}
