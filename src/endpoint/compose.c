/* compose: answers for endpoint names, from addresses to wire.
 * Owns: nothing; writes into the caller's memory. Thread: any loop; no state. On the hot path.
 * Bounds: one RRset of at most TARGET_ADDRESSES_MAX addresses, or one SOA.
 * Fails: what does not fit fails the writer. */
#include "local53/endpoint/compose.h"

#include <netinet/in.h>
#include <string.h>

#include "local53/base/check.h"

/* A record in front of its RDATA: pointer, type, class, TTL, length. */
#define RECORD_HEAD_OCTETS 12

/* One RRset of addresses. */
struct rrset {
    uint16_t type;         /* TYPE_A or TYPE_AAAA */
    size_t count;          /* addresses; 0 for NODATA */
    const uint8_t *octets; /* borrowed; count addresses in a row */
    size_t len;            /* octets of one */
};

/* What the asked type gets; ANY gets A, or AAAA where there is no A (RFC 8482 section 4.1). */
static struct rrset rrset_for(const struct addresses *addresses, uint16_t qtype)
{
    struct rrset v4 = {TYPE_A, addresses->v4_count, addresses->v4[0], sizeof(addresses->v4[0])};
    struct rrset v6 = {TYPE_AAAA, addresses->v6_count, addresses->v6[0], sizeof(addresses->v6[0])};

    switch (qtype) {
    case TYPE_A: return v4;
    case TYPE_AAAA: return v6;
    case TYPE_ANY: return v4.count > 0 ? v4 : v6;
    default: return (struct rrset){0};
    }
}

/* Writes all records with the head given, beginning with the first-th address: room is asked for once.
 * len is that of the RRset, constant where this is called, so that an address is one store. */
static inline void write_records(struct writer *w, const struct rrset *rrset, const uint8_t *head,
                                 size_t first, size_t len)
{
    size_t octets = rrset->count * (RECORD_HEAD_OCTETS + len);
    size_t i = first;

    if (!writer_advance(w, octets))
        return;
    for (uint8_t *at = w->data + w->len - octets; at < w->data + w->len; at += len) {
        memcpy(at, head, RECORD_HEAD_OCTETS);
        at += RECORD_HEAD_OCTETS;
        memcpy(at, rrset->octets + i * len, len);
        i = i + 1 < rrset->count ? i + 1 : 0;
    }
}

/* Writes the RRset beginning with the address whose turn it is; one TTL for all (RFC 2181 5.2). */
static void write_rrset(struct writer *w, const struct rrset *rrset, uint16_t owner, uint32_t ttl,
                        uint32_t turn)
{
    uint8_t head[RECORD_HEAD_OCTETS];
    size_t first = turn % rrset->count;

    CHECK(owner <= POINTER_MAX);
    bytes_put_u16(head, (uint16_t)(POINTER_BITS | owner));
    bytes_put_u16(head + 2, rrset->type);
    bytes_put_u16(head + 4, CLASS_IN);
    bytes_put_u32(head + 6, ttl);
    bytes_put_u16(head + 10, (uint16_t)rrset->len);
    if (rrset->type == TYPE_A)
        write_records(w, rrset, head, first, sizeof(struct in_addr));
    else
        write_records(w, rrset, head, first, sizeof(struct in6_addr));
}

bool compose_append(struct writer *w, const struct request *request, const struct compose *compose,
                    const struct compose_chain *chain, uint16_t counts[3])
{
    struct rrset rrset = rrset_for(compose->addresses, request->qtype);
    uint32_t ttl_s;

    if (compose->addresses->state == ADDRESSES_NONE)
        return false;
    if (rrset.count == 0) {
        reply_write_soa(w, chain->rule_owner, COMPOSE_NEGATIVE_TTL_S);
        counts[1]++;
        return true;
    }
    ttl_s = addresses_ttl_s(compose->addresses, compose->now_ms);
    ttl_s = chain->ttl_s < ttl_s ? chain->ttl_s : ttl_s;
    write_rrset(w, &rrset, chain->owner, ttl_s, compose->turn);
    counts[0] = (uint16_t)(counts[0] + rrset.count);
    return true;
}

void compose_answer(struct writer *w, const struct request *request, const struct compose *compose)
{
    struct reply_status status = {.rcode = RCODE_NOERROR, .ede = EDE_NONE};
    struct compose_chain chain = {MESSAGE_HEADER_OCTETS, 0, UINT32_MAX};
    uint16_t counts[3] = {0, 0, 0};

    ASSERT(request->has_question && request->qclass == CLASS_IN);
    chain.rule_owner = reply_question_offset(request, compose->rule_labels);
    reply_begin(w, request);
    if (!compose_append(w, request, compose, &chain, counts)) {
        status.rcode = RCODE_SERVFAIL;
        status.ede = EDE_NOT_READY;
        status.ede_text = "no address of the endpoint is known yet";
    }
    reply_end(w, request, &status, counts);
}
