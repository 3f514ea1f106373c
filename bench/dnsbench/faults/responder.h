/* responder: the answer to one query, with its fault. Pure; no allocation. */
#ifndef DNSBENCH_FAULTS_RESPONDER_H
#define DNSBENCH_FAULTS_RESPONDER_H

#include <stddef.h>
#include <stdint.h>

#include "faults/plan.h"
#include "local53/base/bytes.h"

#define RESPONDER_MAX_OCTETS 4096

/* What was said, for the truth. */
struct response_told {
    size_t len;     /* octets written; 0: nothing is to be sent (not a query) */
    uint8_t rcode;  /* in the header */
    bool truncated; /* TC */
};

/* Writes the answer to out (RESPONDER_MAX_OCTETS of room). Malformed queries get FORMERR. over_tcp: never truncated. EDNS in the query
 * gets EDNS in the answer. */
struct response_told responder_answer(const struct fault_plan *plan, const struct fault_draw *draw,
                                      struct bytes query, bool over_tcp, uint8_t *out);

#endif
