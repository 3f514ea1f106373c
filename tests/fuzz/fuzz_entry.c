/* fuzz_entry: any message of an upstream. Input: an octet of switches, an octet of age, the message.
 * Properties of each entry and of replies made of it for several clients: nothing is longer than its
 * limit; ldns parses the reply when it parses the message; the question is the client's; RRsets have
 * one TTL, no larger than the caps or any of the originals, counted down by the age; there is no OPT
 * but ours and no DNSSEC record without DO; and an entry built of the reply is the same again. */
#include <ldns/ldns.h>
#include <stdint.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/cache/entry.h"
#include "local53/dns/rr.h"

#define SWITCH_DO 1
#define SWITCH_CD 2
#define SWITCH_FIXED 4 /* the question is www.example A, whatever the message says */
#define SWITCH_CAPS 8  /* short caps */
#define CUT_SHIFT 4

#define NOW_MS 5000000
#define RECORDS_MAX 48 /* records looked at one against another */

static const uint8_t FIXED_QUESTION[] = "\3www\7example\0\0\1\0\1";

/* One input and what is made of it. */
struct input {
    struct entry_source source; /* over the message */
    struct name qname;          /* what was asked */
    bool parses;                /* ldns takes the message */
};

/* A client. */
struct form {
    bool edns;       /* sends an OPT */
    bool dnssec_ok;  /* with DO */
    uint64_t age_ms; /* asks so long after the answer */
    size_t limit;    /* octets it takes */
};

/* ldns reads names in RDATA past its end, and forgets an OPT in memory when a record behind it is not
 * whole; so each record is first read alone, from a message that ends with it. */
static bool ldns_parses(const uint8_t *message, size_t len)
{
    ldns_pkt *packet = NULL;
    bool parses = true;
    struct rr_walk walk;
    struct rr rr;

    rr_walk_init(&walk, message, len);
    while (parses && rr_next(&walk, &rr)) {
        ldns_rr *record = NULL;
        size_t end = (size_t)rr.rdata_offset + rr.rdata_len;
        size_t at = rr.owner_offset;

        parses = ldns_wire2rr(&record, message, end, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK &&
                 at == end;
        ldns_rr_free(record);
    }
    parses = parses && walk.err == ERR_OK && ldns_wire2pkt(&packet, message, len) == LDNS_STATUS_OK;
    ldns_pkt_free(packet);
    return parses;
}

/* The type an RRSIG covers; 0 for other records and for one too short to say. */
static uint16_t covered(const struct rr *rr, const uint8_t *message)
{
    return rr->type == TYPE_RRSIG && rr->rdata_len >= 2 ? bytes_get_u16(message + rr->rdata_offset)
                                                        : 0;
}

static bool same_rrset(const struct rr *a, const uint8_t *message_a, const struct rr *b,
                       const uint8_t *message_b)
{
    return a->type == b->type && a->class == b->class &&
           covered(a, message_a) == covered(b, message_b);
}

/* Every record of `of` that is in the RRset of rr bounds its TTL; equal: has just that TTL. */
static void check_rrset(const struct rr *rr, struct bytes message, struct bytes of, bool equal)
{
    struct rr_walk walk;
    struct rr other;
    struct name owner;
    struct name other_owner;

    CHECK(rr_name_at(&owner, message.data, message.len, rr->owner_offset) == ERR_OK);
    rr_walk_init(&walk, of.data, of.len);
    for (size_t i = 0; i < RECORDS_MAX && rr_next(&walk, &other); i++) {
        if (!same_rrset(rr, message.data, &other, of.data) ||
            rr_name_at(&other_owner, of.data, of.len, other.owner_offset) != ERR_OK ||
            !name_equal(&owner, &other_owner))
            continue;
        CHECK(rr->ttl <= rr_ttl_cap(other.ttl));
        CHECK(!equal || rr->ttl == other.ttl);
    }
}

static void check_ttls(const struct entry *entry, const struct entry_source *source)
{
    struct bytes wire = {entry_wire(entry), entry->wire_len};
    struct bytes message = {source->message, source->len};
    bool cut = source->decision.cut > 0; /* further CNAMEs of a name are not kept then */
    struct rr_walk walk;
    struct rr rr;
    size_t count = 0;

    rr_walk_init(&walk, wire.data, wire.len);
    while (rr_next(&walk, &rr)) {
        bool denies = entry->kind != ENTRY_POSITIVE && rr.type == TYPE_SOA;

        CHECK(entry->offsets[count++] == rr.ttl_offset);
        CHECK(rr.ttl <= source->max_ttl_s || denies);
        CHECK(rr.ttl <= RR_TTL_MAX);
        CHECK(rr.section != SECTION_ANSWER || entry->ttl_s <= rr.ttl);
        CHECK(rr.type != TYPE_OPT && rr.type != TYPE_TSIG);
        CHECK(!rr_is_dnssec(rr.type) || source->dnssec_ok || rr.type == source->qtype);
        if (count <= RECORDS_MAX) {
            check_rrset(&rr, wire, wire, true);
            check_rrset(&rr, wire, cut ? wire : message, false);
        }
    }
    CHECK(walk.err == ERR_OK && count == entry->ttl_count);
    CHECK(walk.reader.pos == wire.len);
}

static void check_entry(const struct entry *entry, const struct entry_source *source)
{
    struct name name;
    uint32_t cap = entry->kind == ENTRY_FAILURE ? ENTRY_FAILURE_MAX_S : source->max_ttl_s;

    CHECK(entry->size == (size_t)(entry_wire(entry) - (const uint8_t *)entry) + entry->wire_len);
    CHECK(entry->size <= ENTRY_SCRATCH);
    CHECK(entry->ttl_s <= cap || entry->kind == ENTRY_NODATA || entry->kind == ENTRY_NXDOMAIN);
    CHECK(entry->ttl_s <= source->max_negative_ttl_s || entry->kind == ENTRY_POSITIVE ||
          entry->kind == ENTRY_FAILURE);
    entry_name(&name, entry);
    CHECK(name_equal(&name, source->qname));
    for (size_t i = 0; i < entry->chain_count; i++)
        CHECK(entry_chain_name(&name, entry, i) == ERR_OK);
    check_ttls(entry, source);
}

/* A query for the question of source, letters in mixed case. */
static void make_request(struct request *request, uint8_t packet[512], const struct form *form,
                         const struct entry_source *source)
{
    struct writer w = writer_init(packet, 512);
    struct outgoing query = {.id = 0x5353,
                             .recursion_desired = true,
                             .checking_disabled = source->checking_disabled,
                             .dnssec_ok = form->dnssec_ok,
                             .edns = form->edns};
    enum dns_rcode rcode;

    query_write(&w, &query, source->qname, source->qtype, source->qclass);
    for (size_t i = 12; i < 12 + (size_t)source->qname->len; i += 2)
        packet[i] = (uint8_t)(packet[i] - 'a') < 26 ? (uint8_t)(packet[i] - 0x20) : packet[i];
    request_parse(request, &rcode, packet, w.len);
    CHECK(request->has_question);
}

static void check_reply(const uint8_t *reply, size_t len, const struct entry *entry,
                        const struct request *request, const struct form *form)
{
    uint64_t age_s = form->age_ms / 1000;
    bool cut = (bytes_get_u16(reply + 2) & FLAG_TC) != 0;
    struct rr_walk walk;
    struct rr rr;
    size_t count = 0;
    size_t opts = 0;

    CHECK(len <= form->limit && bytes_get_u16(reply) == 0x5353);
    CHECK(memcmp(reply + 12, request->question, request->question_len) == 0);
    rr_walk_init(&walk, reply, len);
    while (rr_next(&walk, &rr)) {
        opts += rr.type == TYPE_OPT ? 1 : 0;
        if (rr.type != TYPE_OPT) {
            uint32_t stored = bytes_get_u32(entry_wire(entry) + entry->offsets[count++]);

            CHECK(rr.ttl == (stored > age_s ? stored - age_s : 0));
        }
    }
    CHECK(walk.err == ERR_OK && walk.reader.pos == len);
    CHECK(opts == (form->edns ? 1 : 0));
    CHECK(count == entry->ttl_count || (cut && count == 0));
}

/* What is built of our own reply is the same entry. */
static void check_again(const struct entry *entry, const struct input *input, struct bytes reply)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    struct entry *again = (struct entry *)(void *)room;
    struct entry_source source = input->source;
    size_t front = sizeof(uint32_t);

    source.message = reply.data;
    source.len = reply.len;
    CHECK(entry_build(again, sizeof(room), &source) == ERR_OK);
    CHECK(again->size == entry->size && again->kind == entry->kind && again->type == entry->type);
    CHECK(again->ttl_s == entry->ttl_s && again->chain_count == entry->chain_count);
    CHECK(memcmp(again->offsets, entry->offsets,
                 sizeof(uint16_t) * ((size_t)entry->ttl_count + entry->chain_count)) == 0);
    CHECK(memcmp(entry_wire(again) + front, entry_wire(entry) + front, entry->wire_len - front) ==
          0);
}

static void say(const struct entry *entry, const struct input *input, const struct form *form)
{
    static uint8_t reply[MESSAGE_MAX_OCTETS];
    struct writer w = writer_init(reply, sizeof(reply));
    uint8_t packet[512];
    struct request request;

    make_request(&request, packet, form, &input->source);
    entry_render(&w, entry, &request, NOW_MS + form->age_ms, form->limit);
    CHECK(!w.failed);
    check_reply(reply, w.len, entry, &request, form);
    CHECK(!input->parses || ldns_parses(reply, w.len));
    if (!form->edns && form->age_ms == 0 && form->limit == MESSAGE_MAX_OCTETS)
        check_again(entry, input, (struct bytes){reply, w.len});
}

static void say_chain(const struct entry *entry, const struct input *input)
{
    static uint8_t reply[MESSAGE_MAX_OCTETS];
    const struct form form = {true, false, 0, MESSAGE_MAX_OCTETS};
    struct reply_status status = {RCODE_NOERROR, EDE_NONE, NULL};
    const uint16_t counts[3] = {entry->chain_count, 0, 0};
    struct writer w = writer_init(reply, sizeof(reply));
    uint8_t packet[512];
    struct request request;
    uint16_t last = 0;

    make_request(&request, packet, &form, &input->source);
    entry_render_chain(&w, entry, &request, 7, &last);
    reply_end(&w, &request, &status, counts);
    CHECK(!w.failed && last < w.len && reply[last] < 64);
    CHECK(ldns_parses(reply, w.len));
}

static void read_input(struct input *input, const uint8_t *data, size_t size)
{
    struct reader r = reader_init(data + 2, size - 2);
    bool fixed = (data[0] & SWITCH_FIXED) != 0;
    bool short_caps = (data[0] & SWITCH_CAPS) != 0;

    reader_seek(&r, MESSAGE_HEADER_OCTETS);
    input->source = (struct entry_source){.message = r.data,
                                          .len = r.len,
                                          .qname = &input->qname,
                                          .qtype = TYPE_A,
                                          .qclass = CLASS_IN,
                                          .dnssec_ok = (data[0] & SWITCH_DO) != 0,
                                          .checking_disabled = (data[0] & SWITCH_CD) != 0,
                                          .max_ttl_s = short_caps ? 30 : RR_TTL_MAX,
                                          .max_negative_ttl_s = short_caps ? 5 : 900,
                                          .now_ms = NOW_MS,
                                          .epoch = 1};
    if (fixed || name_read_plain(&input->qname, &r) != ERR_OK || reader_left(&r) < 4) {
        CHECK(name_from_wire(&input->qname, FIXED_QUESTION, 13) == ERR_OK);
    } else {
        input->source.qtype = reader_u16(&r);
        input->source.qclass = reader_u16(&r);
    }
    input->parses = ldns_parses(data + 2, size - 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    static struct input input;
    struct entry *entry = (struct entry *)(void *)room;
    struct entry_chain chain;

    if (size < 2 || size - 2 > MESSAGE_MAX_OCTETS)
        return 0;
    read_input(&input, data, size);
    if (entry_scan_chain(&chain, &input.source) == ERR_OK && chain.count > 0)
        input.source.decision.cut = (uint8_t)((data[0] >> CUT_SHIFT) % (chain.count + 1));
    if (entry_build(entry, sizeof(room), &input.source) != ERR_OK)
        return 0;
    check_entry(entry, &input.source);
    if (input.source.decision.cut > 0) {
        CHECK(entry->kind == ENTRY_POSITIVE);
        say_chain(entry, &input);
        return 0;
    }
    const struct form forms[] = {
        {false, false, 0, MESSAGE_MAX_OCTETS},
        {false, false, 0, MESSAGE_UDP_MIN},
        {true, input.source.dnssec_ok, (uint64_t)data[1] * 1000, MESSAGE_UDP_MIN},
        {true, input.source.dnssec_ok, (uint64_t)data[1] * 500, EDNS_UDP_SIZE},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        say(entry, &input, &forms[i]);
    return 0;
}
