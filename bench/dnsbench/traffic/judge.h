/* judge: what an incoming message is, before and after its query is known. Pure, no allocation;
 * the path of every answer. */
#ifndef DNSBENCH_TRAFFIC_JUDGE_H
#define DNSBENCH_TRAFFIC_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "measure/tally.h"
#include "workload/expect.h"
#include "workload/queryset.h"

/* What can be told from the header alone. */
struct answer_head {
    uint16_t id;      /* DNS id */
    uint16_t flags;   /* octets 2..3 */
    uint16_t answers; /* ANCOUNT */
};

/* False for what is no response to a query: under 12 octets, QR=0, another opcode than QUERY. */
bool judge_head(struct answer_head *out, struct bytes message);

/* What answers are compared with. */
struct judge {
    const struct queryset *set;              /* borrowed; questions */
    const struct expectations *expectations; /* borrowed; NULL: only questions are checked */
    const struct expectation **bound; /* borrowed; from expectations_bind; NULL as well then */
};

/* OUTCOME_OK, OUTCOME_MISMATCH (QDCOUNT other than 1, or not the question asked, octet by octet)
 * or OUTCOME_WRONG (not as expected, or sections malformed where an expectation made us read
 * them). A truncated answer (TC) is judged by its question alone. A FORMERR or NOTIMP without
 * any question is OK (its rcode is counted), and WRONG where there are expectations at all. */
enum outcome judge_answer(const struct judge *judge, struct question_ref asked,
                          const struct answer_head *head, struct bytes message);

#endif
