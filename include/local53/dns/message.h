/* message: the header, numbers of the DNS, and the one parser of queries. Constants are the IANA
 * "Domain Name System (DNS) Parameters" values that the program decides on; all others pass as
 * plain numbers (RFC 3597). */
#ifndef LOCAL53_DNS_MESSAGE_H
#define LOCAL53_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "local53/dns/edns.h"
#include "local53/dns/name.h"

#define MESSAGE_HEADER_OCTETS 12
#define MESSAGE_MAX_OCTETS 65535
#define MESSAGE_UDP_MIN 512 /* RFC 1035 section 2.3.4 */

/* Where the fields of a header stand, behind its id (RFC 1035 section 4.1.1). */
#define FLAGS_OFFSET 2
#define QDCOUNT_OFFSET 4
#define ANCOUNT_OFFSET 6
#define NSCOUNT_OFFSET 8
#define ARCOUNT_OFFSET 10

/* QTYPE and QCLASS behind the name of a question (RFC 1035 section 4.1.2). */
#define QUESTION_TAIL_OCTETS 4

/* Header flags as they stand in octets 2..3 (RFC 1035 section 4.1.1, RFC 4035 section 3). */
#define FLAG_QR 0x8000
#define FLAG_AA 0x0400
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define FLAG_RA 0x0080
#define FLAG_Z 0x0040
#define FLAG_AD 0x0020
#define FLAG_CD 0x0010
#define FLAG_OPCODE_SHIFT 11
#define FLAG_OPCODE_MASK 0x7800
#define FLAG_RCODE_MASK 0x000f

enum dns_opcode { OPCODE_QUERY = 0, OPCODE_STATUS = 2, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };

enum dns_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_BADVERS = 16
};

enum dns_type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_MD = 3,
    TYPE_MF = 4,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_MB = 7,
    TYPE_MG = 8,
    TYPE_MR = 9,
    TYPE_PTR = 12,
    TYPE_HINFO = 13,
    TYPE_MINFO = 14,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_RP = 17,
    TYPE_AFSDB = 18,
    TYPE_RT = 21,
    TYPE_SIG = 24,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    TYPE_NAPTR = 35,
    TYPE_DNAME = 39,
    TYPE_OPT = 41,
    TYPE_DS = 43,
    TYPE_RRSIG = 46,
    TYPE_NSEC = 47,
    TYPE_DNSKEY = 48,
    TYPE_NSEC3 = 50,
    TYPE_SVCB = 64,
    TYPE_HTTPS = 65,
    TYPE_TKEY = 249,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_ANY = 255
};

enum dns_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_ANY = 255 };

struct header {
    uint16_t id;      /* octets 0..1 */
    uint16_t flags;   /* octets 2..3, FLAG_... */
    uint16_t qdcount; /* entries in the question section */
    uint16_t ancount; /* records in the answer section */
    uint16_t nscount; /* records in the authority section */
    uint16_t arcount; /* records in the additional section */
};

/* What a client asked, parsed and checked once at the border. Borrows the packet. */
struct request {
    struct header header;    /* as received */
    struct name qname;       /* folded; valid when has_question */
    const uint8_t *question; /* borrowed; the question as the client wrote it, case kept */
    uint16_t question_len;   /* octets at question: name, type and class; 0 when it has none */
    uint16_t qtype;          /* asked type */
    uint16_t qclass;         /* asked class */
    bool has_question;       /* the question section was read whole */
    struct edns edns;        /* the OPT record; present=false when there was none */
};

/* What to do with a packet from a client. */
enum request_verdict {
    REQUEST_ANSWER, /* well-formed query: answer it */
    REQUEST_REJECT, /* answer with the rcode told, nothing else */
    REQUEST_DROP    /* say nothing (under 12 octets, or QR=1) */
};

/* The flags, FLAG_..., of a message of at least MESSAGE_HEADER_OCTETS. */
static inline uint16_t message_flags(const uint8_t *message)
{
    return bytes_get_u16(message + FLAGS_OFFSET);
}

/* The rcode in the header of such a message: 0..15, without what an OPT may add. */
static inline unsigned message_rcode(const uint8_t *message)
{
    return message_flags(message) & FLAG_RCODE_MASK;
}

/* Reads the 12 header octets; the reader moves past them. ERR_TRUNCATED when they are not there. */
enum err header_read(struct header *out, struct reader *r);

/* Parses a packet from a client. REQUEST_REJECT fills *rcode (RCODE_BADVERS may need the OPT):
 *  - QR=1, under 12 octets or over 65535: REQUEST_DROP (RFC 1035 section 4.1.1), out is undefined
 *  - opcode other than QUERY: NOTIMP, the question echoed when it can be read (RFC 8906 3.1.4)
 *  - QDCOUNT other than 1, a question that cannot be read: FORMERR without a question; records that
 *    cannot be read, two OPTs, an OPT not owned by the root or outside the additional section, a
 *    TSIG before the last record, data after the last record: FORMERR (RFC 9619 section 4,
 *    RFC 6891 section 6.1.1, RFC 8945 section 5.1)
 *  - EDNS version above 0: BADVERS (RFC 6891 section 6.1.3)
 *  - TSIG or SIG(0) at the end: REFUSED, never altered (RFC 5625 section 4.5)
 *  - meta types that make no sense as a question: as message_type_rcode
 * The question and the OPT are kept in every case where they can be read, for the reply's frame.
 * The common shape (one question, at most one OPT) takes one pass without a record walk. */
enum request_verdict request_parse(struct request *out, enum dns_rcode *rcode,
                                   const uint8_t *packet, size_t len);

/* What a question of this type gets whatever its name is: FORMERR for the reserved 0 (RFC 6895 section 3.1) and OPT,
 * REFUSED for TKEY, TSIG, IXFR and AXFR, which no forwarder can give, RCODE_NOERROR for all that can be asked. */
enum dns_rcode message_type_rcode(uint16_t type);

/* UDP octets an answer to this request may have: the client's size (512 when there is no OPT or
 * it says less, RFC 6891 section 6.2.3), at most server_limit. */
size_t request_udp_limit(const struct request *request, size_t server_limit);

/* True when the question of a response (at offset 12 of an upstream's message) is this name, type and
 * class; case does not count. */
bool message_question_matches(const uint8_t *message, size_t len, const struct name *qname,
                              uint16_t qtype, uint16_t qclass);

#endif
