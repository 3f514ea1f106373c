/* chase: goes from name to name and copies what each has. Owns nothing; any loop, not on the hot path.
 * Bounds: CHASE_LINKS_MAX CNAMEs of rules and cut answers; an answer's own chain behind them as it is stored.
 * Fails: an extended error for SERVFAIL; a reply too long fails the writer, and the caller truncates. */
#include "local53/server/chase.h"

#include "local53/base/check.h"
#include "local53/dns/rr.h"
#include "local53/rules/special.h"

#define MS_PER_S 1000

/* From a record's TTL to its RDATA: the TTL and RDLENGTH. */
#define RDATA_BEHIND_TTL 6

/* Room for header, question, one record with its owner and a short RDATA. */
#define SPECIAL_REPLY_OCTETS 1024

static enum chase_end fail(struct chase *chase, enum ede_code ede, const char *text)
{
    chase->ede = ede;
    chase->ede_text = text;
    return CHASE_FAILED;
}

static void find_rule(struct chase *chase)
{
    const struct answer *answer = &chase->answer;
    chase->is_ruled = ruleset_find_rule(answer->snapshot->rules, &answer->at, &chase->rule);
}

/* --- records of other messages --- */

/* Copies a record behind the chain. An owner that is the name reached becomes a pointer to where that
 * stands; a CNAME of it moves there, so that what it leads to is short as well. */
static void copy_record(struct answer *answer, struct bytes message, const struct rr *rr)
{
    struct writer *w = answer->w;
    size_t start = w->len;
    uint16_t ttl_offset = 0;
    struct name owner;
    bool is_at = rr_name_at(&owner, message.data, message.len, rr->owner_offset) == ERR_OK &&
                 name_equal(&owner, &answer->at) && owner.len > 1;
    if (rr_copy(w, message, rr, &answer->at, &ttl_offset) != ERR_OK) {
        w->failed = true;
        return;
    }
    answer->counts[rr->section]++;
    if (!is_at)
        return;
    writer_patch_u16(w, start, (uint16_t)(POINTER_BITS | answer->owner));
    size_t target = (size_t)ttl_offset + RDATA_BEHIND_TTL;
    if (rr->type != TYPE_CNAME || target > POINTER_MAX)
        return;
    CHECK(rr_name_at(&answer->at, w->data, w->len, target) == ERR_OK);
    answer->owner = (uint16_t)target;
}

/* Copies answer and authority of a message, as old as told. */
static void copy_records(struct answer *answer, struct bytes message, uint64_t age_s)
{
    struct rr_walk walk;
    struct rr rr;
    rr_walk_init(&walk, message.data, message.len);
    while (!answer->w->failed && rr_next(&walk, &rr) && rr.section != SECTION_ADDITIONAL) {
        rr.ttl = rr.ttl > age_s ? rr.ttl - (uint32_t)age_s : 0;
        copy_record(answer, message, &rr);
    }
}

static void copy_entry(struct answer *answer, const struct entry *entry)
{
    struct bytes wire = {entry_wire(entry), entry->wire_len};
    uint64_t age_ms = answer->now_ms > entry->stored_ms ? answer->now_ms - entry->stored_ms : 0;
    copy_records(answer, wire, age_ms / MS_PER_S);
    answer->rcode = (enum dns_rcode)message_rcode(wire.data);
}

/* --- what each kind of name says --- */

/* TTL of a chain of which nothing stands in front: what is left of it, and no more than that of the
 * addresses behind it. */
static uint32_t chain_ttl_s(const struct chase *chase, const struct entry *entry)
{
    const struct answer *answer = &chase->answer;
    uint32_t ttl_s = entry_ttl_left(entry, answer->now_ms);
    if (!chase->is_ruled || chase->rule.kind != DECISION_ENDPOINT)
        return ttl_s;
    uint32_t target_s =
        addresses_ttl_s(&answer->snapshot->addresses[chase->rule.index], answer->now_ms);
    return ttl_s < target_s ? ttl_s : target_s;
}

/* The kept links of a cut answer to the question itself, in one piece. */
static void begin_with_links(struct chase *chase, const struct entry *entry)
{
    struct answer *answer = &chase->answer;
    CHECK(entry_chain_name(&answer->at, entry, entry->decision.cut - 1U) == ERR_OK);
    find_rule(chase);
    answer->ttl_s = chain_ttl_s(chase, entry);
    entry_render_chain(answer->w, entry, answer->request, answer->ttl_s, &answer->owner);
    answer->counts[SECTION_ANSWER] = entry->decision.cut;
}

/* A cut answer's links; at the last one's target a rule takes over. */
static enum chase_end follow_links(struct chase *chase, const struct entry *entry)
{
    chase->links += entry->decision.cut;
    if (chase->answer.w->len == 0) {
        begin_with_links(chase, entry);
        return CHASE_ON;
    }
    copy_entry(&chase->answer, entry);
    find_rule(chase);
    return CHASE_ON;
}

/* The reason of a failure for those who wait for it, and that it was a stored one for those who come later. */
static enum ede_code failure_ede(const struct entry *entry, uint64_t now_ms)
{
    if (now_ms > entry->stored_ms)
        return EDE_CACHED_ERROR;
    return entry->ede != EDE_NONE ? (enum ede_code)entry->ede : EDE_OTHER;
}

static enum chase_end at_forwarded(struct chase *chase)
{
    struct answer *answer = &chase->answer;
    const struct entry *entry = chase->find(chase->owner, &answer->at);
    if (entry == NULL)
        return CHASE_ASK;
    if (entry->kind == ENTRY_FAILURE)
        return fail(chase, failure_ede(entry, answer->now_ms),
                    "the name behind an alias failed to resolve");
    if (entry->decision.cut > 0)
        return follow_links(chase, entry);
    if (answer->w->len == 0)
        reply_begin(answer->w, answer->request);
    copy_entry(answer, entry);
    return CHASE_ANSWERED;
}

/* A special name is told as if it had been asked for, its rcode included. */
static enum chase_end at_special(struct chase *chase)
{
    struct answer *answer = &chase->answer;
    uint8_t room[SPECIAL_REPLY_OCTETS];
    uint8_t question[NAME_MAX_OCTETS + QUESTION_TAIL_OCTETS];
    struct writer tail = writer_init(question, sizeof(question));
    struct writer reply = writer_init(room, sizeof(room));
    struct request request = {.qname = answer->at,
                              .question = question,
                              .qtype = answer->request->qtype,
                              .qclass = CLASS_IN,
                              .has_question = true};
    size_t count;
    const struct special_row *rows = special_rows(&count);
    ASSERT(chase->rule.index < count);
    writer_put(&tail, answer->at.wire, answer->at.len);
    writer_u16(&tail, request.qtype);
    writer_u16(&tail, request.qclass);
    request.question_len = (uint16_t)tail.len;
    special_answer(&reply, &request, rows[chase->rule.index].kind, chase->rule.rule_labels);
    CHECK(!reply.failed);
    copy_records(answer, (struct bytes){room, reply.len}, 0);
    answer->rcode = (enum dns_rcode)message_rcode(room);
    return CHASE_ANSWERED;
}

static enum chase_end at_zone(struct chase *chase)
{
    static const char not_yet[] = "no address of the alias is known yet";
    switch (zone_answer(&chase->answer, &chase->rule)) {
    case ZONE_SAID_CNAME:
        chase->links++;
        find_rule(chase);
        return CHASE_ON;
    case ZONE_SAID_NOT_YET: return fail(chase, EDE_NOT_READY, not_yet);
    case ZONE_SAID_ALL:
    default: return CHASE_ANSWERED;
    }
}

static enum chase_end at_endpoint(struct chase *chase)
{
    if (answer_endpoint(&chase->answer, chase->rule.index, chase->rule.rule_labels))
        return CHASE_ANSWERED;
    return fail(chase, EDE_NOT_READY, "endpoint addresses not known yet");
}

static enum chase_end at_name(struct chase *chase)
{
    if (!chase->is_ruled)
        return at_forwarded(chase);
    if (chase->answer.w->len == 0)
        reply_begin(chase->answer.w, chase->answer.request);
    switch (chase->rule.kind) {
    case DECISION_ENDPOINT: return at_endpoint(chase);
    case DECISION_ZONE: return at_zone(chase);
    case DECISION_SPECIAL: return at_special(chase);
    case DECISION_FORWARD:
    default: return at_forwarded(chase);
    }
}

static void begin(struct chase *chase)
{
    struct answer *answer = &chase->answer;
    answer->at = answer->request->qname;
    answer->owner = MESSAGE_HEADER_OCTETS;
    answer->ttl_s = UINT32_MAX;
    answer->rcode = RCODE_NOERROR;
    if (!chase->is_ruled)
        find_rule(chase);
    chase->is_zone = chase->is_ruled && chase->rule.kind == DECISION_ZONE;
}

enum chase_end chase_run(struct chase *chase)
{
    struct answer *answer = &chase->answer;
    enum chase_end end = CHASE_ON;
    begin(chase);
    while (end == CHASE_ON && !answer->w->failed) {
        end = chase->links <= CHASE_LINKS_MAX
                  ? at_name(chase)
                  : fail(chase, EDE_OTHER, "an alias leads over too many others");
    }
    if (end == CHASE_ON)
        return CHASE_ANSWERED; /* too long already: truncated whatever comes behind */
    if (end == CHASE_ANSWERED) {
        struct reply_status status = {.rcode = answer->rcode, .ede = EDE_NONE};
        reply_end(answer->w, answer->request, &status, answer->counts);
    }
    return end;
}
