/* rr: walking the records of a message without changing it, and writing single records. */
#ifndef LOCAL53_DNS_RR_H
#define LOCAL53_DNS_RR_H

#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "local53/dns/message.h"
#include "local53/dns/name.h"

#define RR_TTL_MAX 604800 /* 7 days; longer ones, the top bit set included, are cut (RFC 8767 4) */

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

/* One record as it stands in a message; offsets count from the message's start. */
struct rr {
    enum section section;  /* where it stands */
    uint16_t owner_offset; /* the owner name */
    uint16_t type;         /* any number */
    uint16_t class;        /* any number; the size field of an OPT */
    uint32_t ttl;          /* as written; see rr_ttl_cap */
    uint16_t ttl_offset;   /* where the TTL's four octets stand */
    uint16_t rdata_offset; /* first octet of RDATA */
    uint16_t rdata_len;    /* octets of RDATA */
};

/* Goes through the answer, authority and additional sections in order. */
struct rr_walk {
    struct reader reader; /* over the whole message */
    uint16_t left[3];     /* records not yet given, by section */
    enum err err;         /* why the walk ended early; ERR_OK at its proper end */
};

/* Starts behind the question section of a message whose header and questions are well-formed;
 * any failure is told by rr_next giving false with walk->err set. */
void rr_walk_init(struct rr_walk *walk, const uint8_t *message, size_t len);

/* The next record; false at the end or on malformed data (walk->err tells which). */
bool rr_next(struct rr_walk *walk, struct rr *out);

/* A TTL within 0..RR_TTL_MAX. */
static inline uint32_t rr_ttl_cap(uint32_t ttl)
{
    return ttl > RR_TTL_MAX ? RR_TTL_MAX : ttl;
}

/* The name at an offset of a message, folded and uncompressed. */
enum err rr_name_at(struct name *out, const uint8_t *message, size_t len, size_t offset);

/* Negative TTL of an SOA record: min(its TTL, MINIMUM) (RFC 2308 section 5); both capped; ERR_MALFORMED
 * when it or its RDATA is not an SOA. */
enum err rr_soa_negative_ttl(uint32_t *out, const uint8_t *message, size_t len,
                             const struct rr *rr);

/* Copies a record from a message to w at its end: names are uncompressed except that an owner equal
 * to the question name (the root aside) becomes the pointer 0xc00c; names inside RDATA of the types
 * that may hold compressed ones (RFC 3597 section 4: NS CNAME SOA PTR MX RP AFSDB SRV NAPTR ...) are
 * written out, in the case they have. The TTL is rr->ttl capped at RR_TTL_MAX; *ttl_offset gets where
 * it was written. ERR_TRUNCATED, ERR_MALFORMED or ERR_TOO_LONG when the record is not sound,
 * ERR_NO_SPACE when it does not fit w (which has then failed) or MESSAGE_MAX_OCTETS; w->len is then
 * as it was. */
enum err rr_copy(struct writer *w, struct bytes message, const struct rr *rr,
                 const struct name *qname, uint16_t *ttl_offset);

/* True for RRSIG, NSEC, NSEC3: records only shown to those who set DO (RFC 4035 section 3.2.1). */
bool rr_is_dnssec(uint16_t type);

/* Writes a record of class IN as one piece; owner is the offset of a name written earlier,
 * 0..0x3fff; rdata is at most 65535 octets, names in it uncompressed. */
void rr_write(struct writer *w, uint16_t owner, uint16_t type, uint32_t ttl, struct bytes rdata);

#endif
