/* judge: what a message is that came with the id of a query: an answer to it, one that sends the question
 * elsewhere, or none. Pure. */
#ifndef LOCAL53_UPSTREAM_JUDGE_H
#define LOCAL53_UPSTREAM_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"

enum verdict {
    VERDICT_FOREIGN,   /* not an answer to the question */
    VERDICT_MALFORMED, /* an answer that cannot be read */
    VERDICT_CUT,       /* TC=1: to be asked over TCP */
    VERDICT_NO_EDNS,   /* EDNS was not understood (RFC 6891 section 7) */
    VERDICT_REFUSAL,   /* SERVFAIL or REFUSED and no alias, a lame referral: ask another server */
    VERDICT_ANSWER     /* records, or their absence, as the server knows them */
};

/* What was asked. */
struct judge_asked {
    struct bytes question; /* borrowed; name (folded), type and class as they were sent */
    bool edns;             /* the query carried an OPT */
    bool over_tcp;         /* it left over a connection, where nothing is cut */
};

/* True when a message of any length says the question; case does not count. */
bool judge_says_question(struct bytes question, const uint8_t *message, size_t len);

/* Judges a message of at least 12 octets whose id, QR and opcode are right (RFC 5452 section 9.1 asks for
 * the question besides). All of it is read but RDATA. */
enum verdict judge_message(const struct judge_asked *asked, const uint8_t *message, size_t len);

#endif
