/* zone_answer: what one name of a private zone says to a question, put behind whatever of the reply is
 * written already: its records, the addresses it is an alias of, NODATA, NXDOMAIN, or a CNAME to follow
 * (RFC 1034 section 4.3.2). Composed from a snapshot; pure. */
#ifndef LOCAL53_SERVER_ZONE_ANSWER_H
#define LOCAL53_SERVER_ZONE_ANSWER_H

#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/dns/message.h"
#include "local53/rules/ruleset.h"
#include "local53/server/snapshot.h"

/* A reply that is put together name by name. */
struct answer {
    struct writer *w;                /* borrowed; the reply, header and question written */
    const struct request *request;   /* borrowed; of class IN */
    const struct snapshot *snapshot; /* borrowed; whose zones and addresses are told */
    uint32_t turn;                   /* rotates addresses: the first is turn % count */
    uint64_t now_ms;                 /* for TTLs that run */
    struct name at;        /* the name reached: the question's, then each CNAME's target */
    uint16_t owner;        /* where it stands in the reply, uncompressed; at most POINTER_MAX */
    uint32_t ttl_s;        /* no address gets more: the least TTL of the chain in front */
    uint16_t counts[3];    /* records written: answer, authority, additional */
    enum dns_rcode rcode;  /* what the last name says (RFC 6604) */
    const size_t *counted; /* metrics slot of the endpoint whose addresses were told, or NULL */
};

enum zone_said {
    ZONE_SAID_ALL,     /* the answer is whole but for reply_end */
    ZONE_SAID_CNAME,   /* a CNAME is written; at and owner are its target now */
    ZONE_SAID_NOT_YET, /* an alias of which no address is known yet: SERVFAIL */
};

/* Appends what the name at answer->at says, whose rule (of kind DECISION_ZONE) this is. Records have it
 * as their owner. What does not fit fails the writer. */
enum zone_said zone_answer(struct answer *answer, const struct decision *rule);

/* Appends an endpoint's addresses to A, AAAA and ANY, else NODATA with the constant SOA, which the last
 * rule_labels labels of answer->at own. False when no address is known yet. */
bool answer_endpoint(struct answer *answer, uint32_t endpoint, uint8_t rule_labels);

#endif
