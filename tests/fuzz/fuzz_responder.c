/* fuzz_responder: any datagram under any fault; the first octet of the input chooses the fault,
 * the transport and the names that exist. Properties: whatever is a query is answered and
 * nothing else is; an answer has QR, its query's id unless that is the fault told, fits the room
 * told and the client's size, and is walked to its last octet; with NOERROR its question is the
 * one asked unless that is the fault told. */
#include <stdint.h>

#include "faults/responder.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"

/* The first octet of an input. */
#define CHOICE_FAULT 0x07
#define CHOICE_TCP 0x08
#define CHOICE_ALL_NAMES 0x10
#define CHOICE_MANY_ADDRESSES 0x20

static struct fault_plan plan_of(uint8_t choice)
{
    struct fault_plan plan;

    fault_plan_init(&plan);
    plan.cluster = (choice & CHOICE_ALL_NAMES) == 0;
    if ((choice & CHOICE_MANY_ADDRESSES) == 0)
        return plan;
    plan.address_count = FAULTS_ADDRESSES_MAX;
    for (size_t i = 0; i < FAULTS_ADDRESSES_MAX; i++)
        CHECK(addr_parse(&plan.addresses[i], i % 4 == 0 ? "192.0.2.7" : "2001:db8::7", 0) ==
              ERR_OK);
    return plan;
}

static void check_records(const uint8_t *answer, size_t len)
{
    struct rr_walk walk;
    struct rr rr;

    rr_walk_init(&walk, answer, len);
    while (rr_next(&walk, &rr))
        ;
    CHECK(walk.err == ERR_OK && walk.reader.pos == len);
}

/* An answer to a query that request_parse takes. */
static void check_answer(const struct request *request, const struct response_told *told,
                         const uint8_t *answer, bool over_tcp)
{
    bool same = message_question_matches(answer, told->len, &request->qname, request->qtype,
                                         request->qclass);

    CHECK(same == (told->fault != FAULT_WRONG_QUESTION));
    CHECK(over_tcp || told->len <= request_udp_limit(request, EDNS_UDP_SIZE));
    CHECK(!(over_tcp && told->truncated));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t choice = size > 0 ? data[0] : 0;
    struct bytes query = {data + (size > 0), size - (size > 0)};
    bool over_tcp = (choice & CHOICE_TCP) != 0;
    struct fault_plan plan = plan_of(choice);
    struct fault_draw draw = {.fault = (enum fault)(choice & CHOICE_FAULT), .rcode = 2};
    uint8_t answer[RESPONDER_MAX_OCTETS];
    struct response_told told = responder_answer(&plan, &draw, query, over_tcp, answer);
    struct request request;
    enum dns_rcode rcode;

    if (query.len > MESSAGE_MAX_OCTETS)
        return 0;
    CHECK((told.len > 0) == responder_is_query(query));
    CHECK(told.fault == FAULT_NONE || told.fault == draw.fault);
    if (told.len == 0)
        return 0;
    CHECK(told.len <= responder_longest(&plan));
    CHECK((message_flags(answer) & FLAG_QR) != 0 && message_rcode(answer) == told.rcode);
    CHECK((uint16_t)(bytes_get_u16(query.data) + (told.fault == FAULT_WRONG_ID)) ==
          bytes_get_u16(answer));
    check_records(answer, told.len);
    if (request_parse(&request, &rcode, query.data, query.len) == REQUEST_ANSWER)
        check_answer(&request, &told, answer, over_tcp);
    return 0;
}
