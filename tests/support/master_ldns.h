/* master_ldns: a record of a master file as ldns reads its octets. */
#ifndef LOCAL53_TESTS_MASTER_LDNS_H
#define LOCAL53_TESTS_MASTER_LDNS_H

#include <ldns/ldns.h>

#include "local53/base/check.h"
#include "local53/dns/master.h"

/* All of the record, which ldns must be able to read; the caller's (ldns_rr_free). */
static inline ldns_rr *master_ldns(const struct master_record *record)
{
    static uint8_t wire[NAME_MAX_OCTETS + 10 + 65535];
    struct writer w = writer_init(wire, sizeof(wire));
    ldns_rr *rr = NULL;
    size_t at = 0;

    writer_put(&w, record->owner->wire, record->owner->len);
    writer_u16(&w, record->type);
    writer_u16(&w, record->class);
    writer_u32(&w, record->ttl_s);
    writer_u16(&w, (uint16_t)record->rdata.len);
    writer_put(&w, record->rdata.data, record->rdata.len);
    CHECK(ldns_wire2rr(&rr, wire, w.len, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK);
    CHECK(at == w.len);
    return rr;
}

#endif
