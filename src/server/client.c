/* client: what is kept of a client while its question waits. Plain copies, no memory of its own;
 * belongs to the loop of the question. */
#include "local53/server/client.h"

#include <string.h>

#include "local53/base/check.h"

void waiter_fill(struct waiter *waiter, const struct client *client, const struct request *request)
{
    CHECK(request->question_len <= sizeof(waiter->question));
    waiter->client = *client;
    waiter->header = request->header;
    waiter->edns = request->edns;
    waiter->question_len = request->question_len;
    memcpy(waiter->question, request->question, request->question_len);
}

void waiter_request(struct request *out, const struct waiter *waiter, const struct name *qname)
{
    size_t name_octets = waiter->question_len - (size_t)QUESTION_TAIL_OCTETS;
    const uint8_t *tail = waiter->question + name_octets;
    out->header = waiter->header;
    out->edns = waiter->edns;
    if (name_equals_wire(qname, waiter->question, name_octets))
        out->qname = *qname;
    else
        CHECK(name_from_wire(&out->qname, waiter->question, name_octets) == ERR_OK);
    out->question = waiter->question;
    out->question_len = waiter->question_len;
    out->qtype = bytes_get_u16(tail);
    out->qclass = bytes_get_u16(tail + 2);
    out->has_question = true;
}
