/* compose: the answer of an endpoint name, written from its addresses (HOT PATH). Owner is the name
 * asked in the case asked, no CNAME; other types get NODATA; ANY gets one RRset (RFC 8482). */
#ifndef LOCAL53_ENDPOINT_COMPOSE_H
#define LOCAL53_ENDPOINT_COMPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/dns/message.h"
#include "local53/dns/reply.h"
#include "local53/endpoint/target.h"

#define COMPOSE_NEGATIVE_TTL_S 60 /* TTL and MINIMUM of the SOA */

/* Who answers and how. */
struct compose {
    const struct addresses *addresses; /* borrowed; state NONE gives SERVFAIL with EDE Not Ready */
    uint8_t rule_labels;               /* labels of the rule's name: where the SOA is owned */
    uint32_t turn;                     /* rotates the order: the first address is turn % count */
    uint64_t now_ms;                   /* for the TTL */
};

/* Writes the whole reply to a question of class IN for an endpoint name (rules are about class IN
 * alone: the caller answers other classes). It may pass the client's limit: the caller truncates. */
void compose_answer(struct writer *w, const struct request *request, const struct compose *compose);

/* A CNAME chain that enters a rule: where it ends. */
struct compose_chain {
    uint16_t owner; /* offset in the reply of the last CNAME's target: owner of the addresses */
    uint16_t rule_owner; /* offset of the rule's name within it: owner of the SOA of NODATA */
    uint32_t ttl_s;      /* the least of the chain's records */
};

/* Appends to a reply whose CNAME chain is written already: the addresses for A and AAAA, the SOA in
 * the authority section for other types (so records of that section may follow, none stand before);
 * the TTL is the least of the chain and the target. Adds to counts (answer, authority, additional).
 * Returns false when no address is known: the caller answers SERVFAIL instead. HOT PATH. */
bool compose_append(struct writer *w, const struct request *request, const struct compose *compose,
                    const struct compose_chain *chain, uint16_t counts[3]);

#endif
