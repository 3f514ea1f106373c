/* judge: what an incoming message is, before and after its query is known.
 * Owns: nothing; set, expectations and message are borrowed.
 * Thread: any; no state. On the path of every answer: allocates nothing.
 * Bounds: one message. Fails: never; what cannot be read is a mismatch or wrong. */
#include "traffic/judge.h"

#include "local53/dns/message.h"
#include "local53/dns/name.h"

bool judge_head(struct answer_head *out, struct bytes message)
{
    uint16_t flags;

    if (message.len < MESSAGE_HEADER_OCTETS)
        return false;
    flags = message_flags(message.data);
    if ((flags & FLAG_QR) == 0 || (flags & FLAG_OPCODE_MASK) != OPCODE_QUERY << FLAG_OPCODE_SHIFT)
        return false;
    out->id = bytes_get_u16(message.data);
    out->flags = flags;
    out->answers = bytes_get_u16(message.data + ANCOUNT_OFFSET);
    return true;
}

/* The line for a name that was made up on the way, or for an item asked with another type than
 * its own; the message's question is known to be the one asked. */
static const struct expectation *find_by_question(const struct judge *judge, uint16_t type,
                                                  struct bytes message)
{
    struct reader r = reader_init(message.data, message.len);
    struct name name;

    r.pos = MESSAGE_HEADER_OCTETS;
    if (name_read_plain(&name, &r) != ERR_OK)
        return NULL;
    return expectations_find(judge->expectations, &name, type);
}

static const struct expectation *find_expectation(const struct judge *judge,
                                                  struct question_ref asked, struct bytes message)
{
    if (judge->bound != NULL && asked.serial == 0 && asked.suffix == 0 &&
        asked.type == queryset_ref(judge->set, asked.item).type)
        return judge->bound[asked.item];
    return find_by_question(judge, asked.type, message);
}

/* A server that could not read the query, or what it asks for, may answer without its question
 * (RFC 1035 section 4.1.1: FORMERR, NOTIMP); socket and id still say whose it is. */
static bool is_bare_error(const struct answer_head *head, struct bytes message)
{
    unsigned rcode = head->flags & FLAG_RCODE_MASK;

    return (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP) && head->answers == 0 &&
           bytes_get_u16(message.data + QDCOUNT_OFFSET) == 0;
}

enum outcome judge_answer(const struct judge *judge, struct question_ref asked,
                          const struct answer_head *head, struct bytes message)
{
    const struct expectation *expectation;
    size_t end;

    if (is_bare_error(head, message))
        return judge->expectations == NULL ? OUTCOME_OK : OUTCOME_WRONG;
    if (bytes_get_u16(message.data + QDCOUNT_OFFSET) != 1 ||
        !queryset_question_is(judge->set, asked, message, &end))
        return OUTCOME_MISMATCH;
    /* What was cut is asked again over TCP, or counted as truncated: its records say nothing. */
    if (judge->expectations == NULL || (head->flags & FLAG_TC) != 0)
        return OUTCOME_OK;
    expectation = find_expectation(judge, asked, message);
    if (expectation != NULL && !expectation_met(expectation, message, asked.type))
        return OUTCOME_WRONG;
    return OUTCOME_OK;
}
