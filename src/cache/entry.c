/* entry: says again what an upstream said, with the client's own header, question and OPT.
 * Owns: nothing; writes into the caller's memory.
 * Thread: any; entries are immutable. entry_render is on the hot path: no record is walked.
 * Bounds: the client's limit; what does not fit becomes TC.
 * Fails: the caller's writer. An entry that was not made by entry_build trips a CHECK. */
#include "local53/cache/entry.h"

#include "local53/base/check.h"
#include "local53/base/hot.h"
#include "local53/cache/key.h"
#include "local53/dns/rr.h"

#define MS_PER_S 1000

/* Most failures in a row that are counted. */
#define FAILURES_MAX 127U

static uint64_t entry_age_ms(const struct entry *entry, uint64_t now_ms)
{
    return now_ms > entry->stored_ms ? now_ms - entry->stored_ms : 0;
}

static uint64_t entry_life_ms(const struct entry *entry)
{
    return (uint64_t)entry->ttl_s * MS_PER_S;
}

bool entry_is_fresh(const struct entry *entry, uint64_t now_ms)
{
    return entry_age_ms(entry, now_ms) < entry_life_ms(entry);
}

uint32_t entry_ttl_left(const struct entry *entry, uint64_t now_ms)
{
    uint64_t age_ms = entry_age_ms(entry, now_ms);
    uint64_t life_ms = entry_life_ms(entry);

    return age_ms >= life_ms ? 0 : (uint32_t)((life_ms - age_ms + MS_PER_S - 1) / MS_PER_S);
}

const uint8_t *entry_wire(const struct entry *entry)
{
    return (const uint8_t *)(entry->offsets + entry->ttl_count + entry->chain_count);
}

void entry_name(struct name *out, const struct entry *entry)
{
    enum err err = name_from_wire(out, entry_wire(entry) + MESSAGE_HEADER_OCTETS, entry->qname_len);

    CHECK(err == ERR_OK);
}

enum err entry_chain_name(struct name *out, const struct entry *entry, size_t i)
{
    CHECK(i < entry->chain_count);
    return rr_name_at(out, entry_wire(entry), entry->wire_len,
                      entry->offsets[entry->ttl_count + i]);
}

void entry_back_off(struct entry *entry, unsigned failures)
{
    uint32_t ttl_s = ENTRY_FAILURE_MIN_S;

    CHECK(failures > 0);
    for (unsigned i = 1; i < failures && ttl_s < ENTRY_FAILURE_MAX_S; i++)
        ttl_s *= 2;
    if (failures > FAILURES_MAX)
        failures = FAILURES_MAX;
    entry->failures = failures & FAILURES_MAX;
    entry->ttl_s = ttl_s < ENTRY_FAILURE_MAX_S ? ttl_s : ENTRY_FAILURE_MAX_S;
}

/* The flags of a reply to one who sent a request: the entry's AD and rcode (and TC of an answer that was never whole), the
 * client's opcode, RD and CD. AD goes only to those who understand it (RFC 6840 section 5.8). */
static uint32_t reply_flags(uint32_t flags, const struct request *request)
{
    if ((request->header.flags & FLAG_AD) == 0 && !request->edns.dnssec_ok)
        flags &= ~(uint32_t)FLAG_AD;
    return flags | (request->header.flags & (FLAG_OPCODE_MASK | FLAG_RD | FLAG_CD));
}

static void count_down(uint8_t *wire, const struct entry *entry, uint64_t now_ms)
{
    uint64_t age_s = entry_age_ms(entry, now_ms) / MS_PER_S;

    for (size_t i = 0; i < entry->ttl_count; i++) {
        uint8_t *at = wire + entry->offsets[i];
        uint32_t ttl_s = bytes_get_u32(at);

        bytes_put_u32(at, ttl_s > age_s ? ttl_s - (uint32_t)age_s : 0);
    }
}

static enum ede_code failure_ede(const struct entry *entry, uint64_t now_ms)
{
    if (entry->kind != ENTRY_FAILURE)
        return EDE_NONE;
    return now_ms <= entry->stored_ms ? (enum ede_code)entry->ede : EDE_CACHED_ERROR;
}

static void check_question(const struct entry *entry, const struct request *request)
{
    CHECK(request->question_len == entry->qname_len + QUESTION_TAIL_OCTETS &&
          MESSAGE_HEADER_OCTETS + request->question_len <= entry->wire_len);
}

/* Only the flags are there when the rest is cut: reply_truncate takes the rcode from them. */
RARE static void render_truncated(struct writer *w, const struct entry *entry,
                                  const struct request *request)
{
    writer_put(w, entry_wire(entry), MESSAGE_HEADER_OCTETS);
    reply_truncate(w, request);
}

void entry_render(struct writer *w, const struct entry *entry, const struct request *request,
                  uint64_t now_ms, size_t limit)
{
    enum ede_code ede = failure_ede(entry, now_ms);
    size_t opt_octets = request->edns.present ? edns_octets(ede, NULL) : 0;
    const uint8_t *stored = entry_wire(entry);
    uint8_t *wire = w->data;

    CHECK(w->len == 0);
    check_question(entry, request);
    if (entry->wire_len + opt_octets > limit) {
        render_truncated(w, entry, request);
        return;
    }
    writer_put(w, stored, entry->wire_len);
    if (w->failed)
        return;
    bytes_put_u32(wire,
                  (uint32_t)request->header.id << 16 | reply_flags(message_flags(stored), request));
    memcpy(wire + MESSAGE_HEADER_OCTETS, request->question, request->question_len);
    count_down(wire, entry, now_ms);
    if (opt_octets > 0) {
        uint8_t *arcount = wire + ARCOUNT_OFFSET;

        bytes_put_u16(arcount, (uint16_t)(bytes_get_u16(arcount) + 1));
        edns_write(w, RCODE_NOERROR, request->edns.dnssec_ok, ede, NULL);
    }
}

void entry_render_below(struct writer *w, const struct entry *entry, const struct request *request,
                        uint64_t now_ms)
{
    struct reply_status status = {.rcode = RCODE_NXDOMAIN, .ede = EDE_NONE};
    struct bytes stored = {entry_wire(entry), entry->wire_len};
    uint16_t counts[3] = {0, 0, 0};
    uint16_t ttl_offset;
    struct rr_walk walk;
    struct rr rr;

    reply_begin(w, request);
    rr_walk_init(&walk, stored.data, stored.len);
    while (counts[1] == 0 && rr_next(&walk, &rr)) {
        if (rr.type == TYPE_SOA && rr.section == SECTION_AUTHORITY &&
            rr_copy(w, stored, &rr, &request->qname, &ttl_offset) == ERR_OK) {
            bytes_put_u32(w->data + ttl_offset, entry_ttl_left(entry, now_ms));
            counts[1] = 1;
        }
    }
    reply_end(w, request, &status, counts);
}

void entry_render_chain(struct writer *w, const struct entry *entry, const struct request *request,
                        uint32_t ttl_s, uint16_t *last)
{
    size_t records_at = MESSAGE_HEADER_OCTETS + (size_t)request->question_len;

    CHECK(entry->chain_count > 0);
    check_question(entry, request);
    *last = entry->offsets[entry->ttl_count + entry->chain_count - 1];
    reply_begin(w, request);
    writer_put(w, entry_wire(entry) + records_at, entry->wire_len - records_at);
    for (size_t i = 0; i < entry->ttl_count && !w->failed; i++)
        bytes_put_u32(w->data + entry->offsets[i], ttl_s);
}
