/* edns: the OPT pseudo record (RFC 6891) and the extended errors it carries (RFC 8914). */
#ifndef LOCAL53_DNS_EDNS_H
#define LOCAL53_DNS_EDNS_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"

#define EDNS_UDP_SIZE 1232   /* what we advertise (RFC 9715) */
#define EDNS_OPT_OCTETS 11   /* an OPT without options */
#define EDNS_EDE_MAX_TEXT 80 /* longest extra text we write */
#define EDNS_FLAG_DO 0x8000  /* RFC 3225 */

/* INFO-CODEs of RFC 8914 that we send; -1 for none. */
enum ede_code {
    EDE_NONE = -1,
    EDE_OTHER = 0,
    EDE_CACHED_ERROR = 13,
    EDE_NOT_READY = 14,
    EDE_NO_REACHABLE_AUTHORITY = 22,
    EDE_NETWORK_ERROR = 23,
    EDE_INVALID_DATA = 24
};

struct edns {
    bool present;       /* an OPT was there */
    uint8_t version;    /* 0 is the only one known */
    uint8_t rcode_high; /* upper 8 bits of an extended rcode (responses) */
    bool dnssec_ok;     /* DO */
    uint16_t udp_size;  /* as written by the sender */
};

/* Reads the fixed part of an OPT whose owner and type were read already (the reader stands at
 * CLASS) and checks that the options of version 0 are whole; the reader moves past the record.
 * Options are hop-by-hop and none is relayed (RFC 6891 section 6.1.1), so their content is not kept.
 * ERR_TRUNCATED or ERR_MALFORMED: out is as it was and the reader failed. */
enum err edns_read(struct edns *out, struct reader *r);

/* Octets that edns_write will write for this error and text. */
size_t edns_octets(enum ede_code ede, const char *text);

/* Appends an OPT: our size, version 0, the upper bits of rcode, DO as told, and an extended error
 * with its text (may be NULL; cut at EDNS_EDE_MAX_TEXT) unless ede is EDE_NONE. */
void edns_write(struct writer *w, uint16_t rcode, bool dnssec_ok, enum ede_code ede,
                const char *text);

#endif
