/* What an upstream sends, judged against the question www.example.com A. Properties: an answer repeats the
 * question (RFC 5452 section 9.1), is whole and not cut, and its rcode is none that sends the question
 * elsewhere, unless an alias stands before it; the case of the question changes nothing (RFC 4343); over TCP
 * nothing is cut. */
#include <stdlib.h>
#include <string.h>

#include "../../src/upstream/judge.h"
#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"

static const uint8_t QUESTION[] = "\3www\7example\3com\0\0\1\0\1";
#define QUESTION_OCTETS (sizeof(QUESTION) - 1)

static void check_answer(const uint8_t *message, size_t len)
{
    uint16_t flags = bytes_get_u16(message + 2);
    unsigned rcode = flags & FLAG_RCODE_MASK;
    bool has_alias = false;
    struct rr_walk walk;
    struct rr rr;
    CHECK(len >= MESSAGE_HEADER_OCTETS + QUESTION_OCTETS && (flags & FLAG_TC) == 0);
    CHECK(bytes_get_u16(message + 4) == 1);
    for (size_t i = 0; i < QUESTION_OCTETS; i++)
        CHECK(name_fold(message[MESSAGE_HEADER_OCTETS + i]) == name_fold(QUESTION[i]));
    CHECK(rcode != RCODE_FORMERR && rcode != RCODE_NOTIMP);
    rr_walk_init(&walk, message, len);
    while (rr_next(&walk, &rr))
        has_alias = has_alias || (rr.section == SECTION_ANSWER && rr.type == TYPE_CNAME);
    CHECK(walk.err == ERR_OK);
    CHECK(has_alias || (rcode != RCODE_SERVFAIL && rcode != RCODE_REFUSED));
}

/* The same verdict with the letters of the question in the other case. */
static void check_case(const struct judge_asked *asked, uint8_t *message, size_t len,
                       enum verdict verdict)
{
    if (len < MESSAGE_HEADER_OCTETS + QUESTION_OCTETS || verdict == VERDICT_FOREIGN)
        return;
    uint8_t first = message[MESSAGE_HEADER_OCTETS + 1];
    if (name_fold(first) != 'w')
        return;
    message[MESSAGE_HEADER_OCTETS + 1] = first ^ 0x20;
    CHECK(judge_message(asked, message, len) == verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + MESSAGE_HEADER_OCTETS || size > MESSAGE_MAX_OCTETS)
        return 0;
    const struct judge_asked asked = {
        {QUESTION, QUESTION_OCTETS}, (data[0] & 1) != 0, (data[0] & 2) != 0};
    size_t len = size - 1;
    /* Memory of its own size, so that a read past its end is seen. */
    uint8_t *message = malloc(len);
    CHECK(message != NULL);
    memcpy(message, data + 1, len);
    enum verdict verdict = judge_message(&asked, message, len);
    if (verdict == VERDICT_ANSWER)
        check_answer(message, len);
    CHECK(!asked.over_tcp || verdict != VERDICT_CUT);
    CHECK(asked.edns || verdict != VERDICT_NO_EDNS);
    check_case(&asked, message, len, verdict);
    free(message);
    return 0;
}
