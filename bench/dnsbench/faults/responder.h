/* responder: the answer to one query, with its fault. Pure; no allocation. */
#ifndef DNSBENCH_FAULTS_RESPONDER_H
#define DNSBENCH_FAULTS_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/plan.h"
#include "local53/base/bytes.h"

/* Room for any answer: header, the longest question, FAULTS_ADDRESSES_MAX AAAA records or an
 * SOA, OPT. */
#define RESPONDER_MAX_OCTETS 768

/* What was said, for the truth. */
struct response_told {
    size_t len;     /* octets written; 0: nothing is to be sent (not a query) */
    uint8_t rcode;  /* in the header */
    bool truncated; /* TC */
    enum fault
        fault; /* what of the draw came true: FAULT_NONE where the fault cannot befall this query */
};

/* True for what may be answered: a header, and QR says query. All else is malformed and gets
 * nothing. */
bool responder_is_query(struct bytes message);

/* Octets the longest answer under this plan has, at most RESPONDER_MAX_OCTETS. */
size_t responder_longest(const struct fault_plan *plan);

/* Writes the answer to out (responder_longest of room). Queries that cannot be read get FORMERR
 * or what request_parse says, those of another class than IN REFUSED; no fault befalls these. An
 * answer longer than the client takes (RFC 6891 section 6.2.3) has TC over UDP. over_tcp: never
 * truncated. EDNS in the query gets EDNS in the answer. FAULT_LOSS is the caller's to see to. */
struct response_told responder_answer(const struct fault_plan *plan, const struct fault_draw *draw,
                                      struct bytes query, bool over_tcp, uint8_t *out);

#endif
