/* special: names that are answered here and never forwarded (RFC 6761, 6303, 7686, 8375, 9462). */
#ifndef LOCAL53_RULES_SPECIAL_H
#define LOCAL53_RULES_SPECIAL_H

#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/dns/message.h"
#include "local53/dns/reply.h"

enum special_kind {
    SPECIAL_LOOPBACK,         /* localhost and below: 127.0.0.1 and ::1 (RFC 6761 section 6.3) */
    SPECIAL_LOOPBACK_REVERSE, /* PTR localhost (RFC 6761, 6303) */
    SPECIAL_NXDOMAIN,         /* invalid, test, onion, local, ... */
    SPECIAL_NODATA            /* resolver.arpa (RFC 9462 section 6.4) */
};

struct special_row {
    const char *name;       /* presentation form; it and all below */
    enum special_kind kind; /* how it is answered */
    const char *source;     /* RFC and section, for explain */
};

/* All rows. The reverse zones of private networks are not among them: in a VPC the VPC resolver
 * answers those. A forward zone configured at or below a row's name takes precedence over it. */
const struct special_row *special_rows(size_t *count);

/* Writes the whole reply for a special name. rule_labels: labels of the row's name (owner of the SOA
 * in negative answers). It may pass the client's limit: the caller truncates. */
void special_answer(struct writer *w, const struct request *request, enum special_kind kind,
                    uint8_t rule_labels);

#endif
