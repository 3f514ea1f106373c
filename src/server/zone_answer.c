/* zone_answer: looks at one node of a zone and copies its rendered records. Owns nothing; any loop, not on
 * the hot path. Bounds: one RRset, or one SOA. Fails: the caller's writer. */
#include "local53/server/zone_answer.h"

#include "local53/base/check.h"
#include "local53/dns/reply.h"
#include "local53/dns/rr.h"
#include "local53/endpoint/compose.h"

/* A rendered record in front of its RDATA: pointer, type, class, TTL, length. */
#define RECORD_HEAD_OCTETS 12

/* Octets of a rendered record. */
static size_t record_octets(const uint8_t *record)
{
    return RECORD_HEAD_OCTETS + (size_t)bytes_get_u16(record + RECORD_HEAD_OCTETS - 2);
}

/* Records are rendered for the question's name: those of a later name of a chain point to where it stands. */
static void set_owners(uint8_t *record, const uint8_t *end, uint16_t owner)
{
    for (; record < end; record += record_octets(record))
        bytes_put_u16(record, (uint16_t)(POINTER_BITS | owner));
}

/* Octets in front of the record whose turn it is: addresses rotate, all of one length; others stay as they
 * stand in the file. */
static size_t rotated_octets(const struct zone_rrset *rrset, uint32_t turn)
{
    if (rrset->type != TYPE_A && rrset->type != TYPE_AAAA)
        return 0;
    return turn % rrset->count * (rrset->records.len / rrset->count);
}

static void append_rrset(struct answer *answer, const struct zone_rrset *rrset)
{
    struct writer *w = answer->w;
    size_t start = w->len;
    size_t first = rotated_octets(rrset, answer->turn);
    ASSERT(rrset->count > 0 && answer->owner <= POINTER_MAX);
    writer_put(w, rrset->records.data + first, rrset->records.len - first);
    writer_put(w, rrset->records.data, first);
    if (w->failed)
        return;
    if (answer->owner != MESSAGE_HEADER_OCTETS)
        set_owners(w->data + start, w->data + w->len, answer->owner);
    answer->counts[0] = (uint16_t)(answer->counts[0] + rrset->count);
}

/* The zone's SOA, or ours for a zone without; its owner is the end of the name reached. */
static void append_soa(struct answer *answer, const struct decision *rule,
                       const struct zone_apex *apex, uint32_t ttl_s)
{
    uint16_t owner = (uint16_t)(answer->owner + name_suffix_offset(&answer->at, rule->rule_labels));
    if (apex->soa.len > 0)
        rr_write(answer->w, owner, TYPE_SOA, ttl_s, apex->soa);
    else
        reply_write_soa(answer->w, owner, ttl_s);
}

/* NODATA or NXDOMAIN (RFC 2308 section 2). */
static enum zone_said deny(struct answer *answer, const struct decision *rule,
                           const struct zone_apex *apex, enum dns_rcode rcode)
{
    append_soa(answer, rule, apex, apex->negative_ttl_s);
    answer->counts[1]++;
    answer->rcode = rcode;
    return ZONE_SAID_ALL;
}

/* True when the addresses of an alias are to be told, or the lack of them. */
static bool alias_answers(const struct answer *answer, const struct zone_node *node)
{
    uint16_t qtype = answer->request->qtype;
    if (node->alias == ZONES_NO_ALIAS ||
        (qtype != TYPE_A && qtype != TYPE_AAAA && qtype != TYPE_ANY))
        return false;
    const struct addresses *addresses = &answer->snapshot->addresses[node->alias];
    return addresses->state == ADDRESSES_NONE || (qtype != TYPE_AAAA && addresses->v4_count > 0) ||
           (qtype != TYPE_A && addresses->v6_count > 0);
}

/* The RRset that answers: of the type asked; to ANY the first one (RFC 8482 section 4.1). */
static const struct zone_rrset *rrset_for(const struct zone_node *node, uint16_t qtype)
{
    if (qtype == TYPE_ANY)
        return node->rrset_count > 0 ? &node->rrsets[0] : NULL;
    return zones_rrset(node, qtype);
}

/* Where a CNAME leads when it is to be followed: it is told itself to those who ask for it (RFC 1034 section
 * 3.6.2) or for ANY. */
static const struct zone_rrset *cname_to_follow(const struct zone_node *node, uint16_t qtype)
{
    return qtype == TYPE_CNAME || qtype == TYPE_ANY ? NULL : zones_rrset(node, TYPE_CNAME);
}

static enum zone_said follow_cname(struct answer *answer, const struct zone_rrset *cname)
{
    size_t target = answer->w->len + RECORD_HEAD_OCTETS;
    append_rrset(answer, cname);
    answer->owner = (uint16_t)target;
    answer->at = *cname->target;
    return ZONE_SAID_CNAME;
}

/* True for the SOA, which stands beside the apex' records: asked for, or all there is for ANY. */
static bool soa_answers(const struct answer *answer, const struct decision *rule,
                        const struct zone_rrset *rrset)
{
    uint16_t qtype = answer->request->qtype;
    return answer->at.labels == rule->rule_labels &&
           (qtype == TYPE_SOA || (qtype == TYPE_ANY && rrset == NULL));
}

enum zone_said zone_answer(struct answer *answer, const struct decision *rule)
{
    const struct zones *zones = answer->snapshot->rules->private_zones;
    const struct zone_node *node = zones_node(zones, rule->index);
    const struct zone_apex *apex = zones_apex(zones, node->zone);
    uint16_t qtype = answer->request->qtype;
    if (!node->exists)
        return deny(answer, rule, apex, RCODE_NXDOMAIN);
    const struct zone_rrset *cname = cname_to_follow(node, qtype);
    if (cname != NULL)
        return follow_cname(answer, cname);
    if (alias_answers(answer, node))
        return answer_endpoint(answer, node->alias, rule->rule_labels) ? ZONE_SAID_ALL
                                                                       : ZONE_SAID_NOT_YET;
    const struct zone_rrset *rrset = rrset_for(node, qtype);
    if (soa_answers(answer, rule, rrset)) {
        append_soa(answer, rule, apex, apex->soa_ttl_s);
        answer->counts[0]++;
        return ZONE_SAID_ALL;
    }
    if (rrset == NULL)
        return deny(answer, rule, apex, RCODE_NOERROR);
    append_rrset(answer, rrset);
    return ZONE_SAID_ALL;
}

bool answer_endpoint(struct answer *answer, uint32_t endpoint, uint8_t rule_labels)
{
    const struct snapshot *snapshot = answer->snapshot;
    struct compose compose = {.addresses = &snapshot->addresses[endpoint],
                              .rule_labels = rule_labels,
                              .turn = answer->turn,
                              .now_ms = answer->now_ms};
    struct compose_chain chain = {
        .owner = answer->owner,
        .rule_owner = (uint16_t)(answer->owner + name_suffix_offset(&answer->at, rule_labels)),
        .ttl_s = answer->ttl_s};
    answer->counted = &snapshot->endpoint_slots[endpoint];
    return compose_append(answer->w, answer->request, &compose, &chain, answer->counts);
}
