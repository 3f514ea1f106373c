/* reply: the frame every answer has: header, the client's question in the client's case, and at the
 * end the OPT if the client sent one. Sections in between are written by whoever has them. */
#ifndef LOCAL53_DNS_REPLY_H
#define LOCAL53_DNS_REPLY_H

#include "local53/base/bytes.h"
#include "local53/dns/message.h"

/* What the end of a reply says besides its records. */
struct reply_status {
    enum dns_rcode rcode; /* 0..4095 */
    enum ede_code ede;    /* EDE_NONE for none; only sent to clients with EDNS */
    const char *ede_text; /* borrowed; may be NULL */
};

/* Writes the header (ID, opcode, RD, CD from the request; QR and RA set, RFC 1035 section 4.1.1)
 * and the question as the client wrote it, if it was readable. Counts are patched later. */
void reply_begin(struct writer *w, const struct request *request);

/* Where in a reply the name made of the question's last `labels` labels stands: an owner for records. */
uint16_t reply_question_offset(const struct request *request, size_t labels);

/* Sets rcode and section counts and writes the OPT if the client had one. */
void reply_end(struct writer *w, const struct request *request, const struct reply_status *status,
               const uint16_t counts[3]);

/* Cuts a reply to header and question, sets TC and zero counts, and writes the OPT: what a client
 * gets whose size the answer does not fit (RFC 1035 section 4.2.1, RFC 2181 section 9). */
void reply_truncate(struct writer *w, const struct request *request);

/* A whole reply without records: errors, REFUSED, NOTIMP, BADVERS, SERVFAIL with its EDE.
 * w must be empty with room for the question and 11 + EDNS_EDE_MAX_TEXT + 6 octets more. */
void reply_write_error(struct writer *w, const struct request *request,
                       const struct reply_status *status);

/* A whole reply to ANY by one who does not know the name in full: one made-up HINFO (RFC 8482 section 4.2). */
void reply_write_any(struct writer *w, const struct request *request);

/* Writes one SOA record into the authority section of a negative answer we compose: the owner's
 * offset, constant MNAME "local53." and RNAME "hostmaster.local53.", TTL and MINIMUM as told. */
void reply_write_soa(struct writer *w, uint16_t owner, uint32_t ttl);

/* A query to an upstream: random id by the caller, RD as told, AD=1 (RFC 6840 section 5.7), CD and
 * DO as asked, an OPT of EDNS_UDP_SIZE unless edns is false. question is name, type and class. */
struct outgoing {
    uint16_t id;            /* chosen by the caller at random */
    bool recursion_desired; /* RD */
    bool checking_disabled; /* CD */
    bool dnssec_ok;         /* DO; without EDNS it cannot be said */
    bool edns;              /* write an OPT */
};
void query_write(struct writer *w, const struct outgoing *out, const struct name *qname,
                 uint16_t qtype, uint16_t qclass);

#endif
