/* judge: question, flags, records, rcode, in this order. Owns nothing; any thread; pure. Bounds: one pass over
 * the message. Cannot fail: what cannot be read is a verdict. */
#include "judge.h"

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"

/* A bare header that says FORMERR or NOTIMP: what servers from before EDNS answer when they do not
 * read the question at all (RFC 8906 section 3.2). */
static bool is_bare_error(const uint8_t *message)
{
    unsigned rcode = message_rcode(message);
    return bytes_get_u16(message + QDCOUNT_OFFSET) == 0 &&
           bytes_get_u16(message + ANCOUNT_OFFSET) == 0 &&
           bytes_get_u16(message + NSCOUNT_OFFSET) == 0 &&
           (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP);
}

bool judge_says_question(struct bytes question, const uint8_t *message, size_t len)
{
    struct name qname;
    struct reader r = reader_init(question.data, question.len);
    CHECK(name_read_plain(&qname, &r) == ERR_OK);
    uint16_t qtype = reader_u16(&r);
    uint16_t qclass = reader_u16(&r);
    return message_question_matches(message, len, &qname, qtype, qclass);
}

/* What a walk over all records found. */
struct findings {
    unsigned rcode; /* with the upper bits an OPT tells */
    bool refers;    /* NS records in the authority section, and no SOA */
    bool negates;   /* an SOA there */
    bool aliases;   /* a CNAME record in the answer section */
};

/* Names that an answer stands or falls with: each owner, and where an alias leads. */
static bool names_are_sound(const uint8_t *message, size_t len, const struct rr *rr)
{
    struct name name;
    if (rr_name_at(&name, message, len, rr->owner_offset) != ERR_OK)
        return false;
    return rr->type != TYPE_CNAME || rr_name_at(&name, message, len, rr->rdata_offset) == ERR_OK;
}

/* An address is as long as its family says (RFC 1035 section 3.4.1, RFC 3596 section 2.2). */
static bool address_is_sound(const struct rr *rr)
{
    if (rr->class != CLASS_IN)
        return true;
    return (rr->type != TYPE_A || rr->rdata_len == 4) &&
           (rr->type != TYPE_AAAA || rr->rdata_len == 16);
}

/* Walks all records: false when one cannot be read. */
static bool records_are_sound(struct findings *found, const uint8_t *message, size_t len)
{
    struct rr_walk walk;
    struct rr rr;
    rr_walk_init(&walk, message, len);
    while (rr_next(&walk, &rr)) {
        if (!names_are_sound(message, len, &rr) || !address_is_sound(&rr))
            return false;
        if (rr.type == TYPE_OPT && rr.section == SECTION_ADDITIONAL)
            found->rcode |= (rr.ttl >> 24) << 4;
        found->refers = found->refers || (rr.type == TYPE_NS && rr.section == SECTION_AUTHORITY);
        found->negates = found->negates || (rr.type == TYPE_SOA && rr.section == SECTION_AUTHORITY);
        found->aliases = found->aliases || (rr.type == TYPE_CNAME && rr.section == SECTION_ANSWER);
    }
    return walk.err == ERR_OK;
}

/* A referral by a server that neither recurses nor has the zone: no data, but not for us to follow, and no
 * word about the name either (RFC 1034 section 4.3.2; stub resolvers go to the next server as well). */
static bool is_lame(const struct findings *found, const uint8_t *message)
{
    uint16_t flags = message_flags(message);
    return found->rcode == RCODE_NOERROR && (flags & (FLAG_AA | FLAG_RA)) == 0 &&
           bytes_get_u16(message + ANCOUNT_OFFSET) == 0 && found->refers && !found->negates;
}

/* A failure behind an alias is final, whoever else could be asked: the caller may answer itself for the name it
 * leads to, and what other servers say of the public name must not take the chain from it. */
static enum verdict judge_rcode(const struct findings *found, bool edns)
{
    unsigned rcode = found->rcode;
    bool names_edns = rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP || rcode == RCODE_BADVERS;
    if (names_edns && edns)
        return VERDICT_NO_EDNS;
    /* Codes that only an OPT can tell speak of options that we did not send. */
    if (rcode > FLAG_RCODE_MASK)
        return VERDICT_MALFORMED;
    bool refuses = rcode == RCODE_SERVFAIL || rcode == RCODE_REFUSED;
    return names_edns || (refuses && !found->aliases) ? VERDICT_REFUSAL : VERDICT_ANSWER;
}

enum verdict judge_message(const struct judge_asked *asked, const uint8_t *message, size_t len)
{
    uint16_t flags = message_flags(message);
    struct findings found = {.rcode = flags & FLAG_RCODE_MASK};
    if (is_bare_error(message))
        return asked->edns ? VERDICT_NO_EDNS : VERDICT_MALFORMED;
    if (!judge_says_question(asked->question, message, len))
        return VERDICT_FOREIGN;
    if ((flags & FLAG_TC) != 0)
        return asked->over_tcp ? VERDICT_MALFORMED : VERDICT_CUT;
    if (!records_are_sound(&found, message, len))
        return VERDICT_MALFORMED;
    if (is_lame(&found, message))
        return VERDICT_REFUSAL;
    return judge_rcode(&found, asked->edns);
}
