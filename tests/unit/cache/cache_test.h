/* cache_test: answers of upstreams built record by record, entries made of them, and replies made of
 * those, for the tests of this layer. */
#ifndef LOCAL53_TESTS_CACHE_TEST_H
#define LOCAL53_TESTS_CACHE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/cache/entry.h"
#include "local53/cache/key.h"
#include "local53/dns/rr.h"
#include "wire.h"

#define NOW_MS 1000000
#define ADDRESS WIRE_BYTES("\300\0\2\1")
#define ADDRESS_TWO WIRE_BYTES("\300\0\2\2")

/* An answer under construction and what became of it. */
struct answer {
    uint8_t octets[8192];              /* the message */
    struct writer w;                   /* over octets */
    uint16_t counts[3];                /* records so far, by section */
    struct name qname;                 /* what was asked */
    struct entry_source source;        /* how it is built; tests change it before answer_build */
    uint8_t query[512];                /* a client's packet */
    struct request request;            /* read from it */
    uint8_t reply[MESSAGE_MAX_OCTETS]; /* what the client gets */
    struct writer out;                 /* over reply */
    _Alignas(8) uint8_t room[ENTRY_SCRATCH];
};

static inline struct entry *answer_entry(struct answer *a)
{
    return (struct entry *)(void *)a->room;
}

static inline void name_of(struct name *out, const char *dotted)
{
    uint8_t wire[NAME_MAX_OCTETS];
    struct writer w = writer_init(wire, sizeof(wire));

    wire_name(&w, dotted);
    assert_int_equal(name_from_wire(out, wire, w.len), ERR_OK);
}

/* Starts a response without records. */
static inline void answer_begin(struct answer *a, const char *qname, uint16_t qtype, unsigned flags)
{
    const uint16_t counts[4] = {1, 0, 0, 0};

    a->w = writer_init(a->octets, sizeof(a->octets));
    a->counts[0] = a->counts[1] = a->counts[2] = 0;
    wire_header(&a->w, (uint16_t)(FLAG_QR | FLAG_RD | FLAG_RA | flags), counts);
    wire_question(&a->w, qname, qtype);
    name_of(&a->qname, qname);
    a->source = (struct entry_source){.qname = &a->qname,
                                      .qtype = qtype,
                                      .qclass = CLASS_IN,
                                      .max_ttl_s = 86400,
                                      .max_negative_ttl_s = 900,
                                      .now_ms = NOW_MS,
                                      .epoch = 1};
}

/* Counts a record that is written next. */
static inline void answer_count(struct answer *a, enum section section)
{
    a->counts[section]++;
    writer_patch_u16(&a->w, 6 + 2 * (size_t)section, a->counts[section]);
}

static inline void answer_add(struct answer *a, enum section section, const char *owner,
                              uint16_t type, struct bytes rdata)
{
    answer_count(a, section);
    wire_name(&a->w, owner);
    wire_record(&a->w, type, 300, rdata);
}

/* An A record with a TTL. */
static inline void answer_a(struct answer *a, const char *owner, uint32_t ttl, struct bytes address)
{
    answer_count(a, SECTION_ANSWER);
    wire_name(&a->w, owner);
    wire_record(&a->w, TYPE_A, ttl, address);
}

static inline void answer_cname(struct answer *a, const char *owner, uint32_t ttl,
                                const char *target)
{
    uint8_t rdata[NAME_MAX_OCTETS];
    struct writer w = writer_init(rdata, sizeof(rdata));

    wire_name(&w, target);
    answer_count(a, SECTION_ANSWER);
    wire_name(&a->w, owner);
    wire_record(&a->w, TYPE_CNAME, ttl, (struct bytes){rdata, w.len});
}

static inline void answer_soa(struct answer *a, const char *owner, uint32_t ttl, uint32_t minimum)
{
    uint8_t rdata[64];
    struct writer w = writer_init(rdata, sizeof(rdata));

    wire_name(&w, "ns.example");
    wire_name(&w, "host.example");
    for (uint32_t i = 1; i < 5; i++)
        writer_u32(&w, i);
    writer_u32(&w, minimum);
    answer_count(a, SECTION_AUTHORITY);
    wire_name(&a->w, owner);
    wire_record(&a->w, TYPE_SOA, ttl, (struct bytes){rdata, w.len});
}

static inline void answer_opt(struct answer *a, uint32_t ttl)
{
    answer_count(a, SECTION_ADDITIONAL);
    wire_opt(&a->w, 1232, ttl, (struct bytes){NULL, 0});
}

static inline enum err answer_try(struct answer *a)
{
    assert_false(a->w.failed);
    a->source.message = a->octets;
    a->source.len = a->w.len;
    return entry_build(answer_entry(a), sizeof(a->room), &a->source);
}

static inline struct entry *answer_build(struct answer *a)
{
    assert_int_equal(answer_try(a), ERR_OK);
    return answer_entry(a);
}

/* A client's query becomes a->request; flags are or-ed into the header. */
static inline void answer_ask(struct answer *a, const char *qname, uint16_t qtype, bool edns,
                              unsigned flags)
{
    struct writer w = writer_init(a->query, sizeof(a->query));
    enum dns_rcode rcode;

    wire_query(&w, qname, qtype, edns);
    writer_patch_u16(&w, 2, (uint16_t)(bytes_get_u16(a->query + 2) | flags));
    assert_int_equal(request_parse(&a->request, &rcode, a->query, w.len), REQUEST_ANSWER);
}

/* The reply to a->request at so many milliseconds after NOW_MS; gives its flags. */
static inline uint16_t answer_render(struct answer *a, uint64_t after_ms, size_t limit)
{
    a->out = writer_init(a->reply, sizeof(a->reply));
    entry_render(&a->out, answer_entry(a), &a->request, NOW_MS + after_ms, limit);
    assert_false(a->out.failed);
    return bytes_get_u16(a->reply + 2);
}

/* Record number `index` of a wire. */
static inline struct rr record_of(const uint8_t *wire, size_t len, size_t index)
{
    struct rr_walk walk;
    struct rr rr = {0};

    rr_walk_init(&walk, wire, len);
    for (size_t i = 0; i <= index; i++)
        assert_true(rr_next(&walk, &rr));
    return rr;
}

static inline struct rr entry_record(struct answer *a, size_t index)
{
    const struct entry *entry = answer_entry(a);

    return record_of(entry_wire(entry), entry->wire_len, index);
}

static inline struct rr reply_record(struct answer *a, size_t index)
{
    return record_of(a->reply, a->out.len, index);
}

/* The owner of entry's record `index` is this name. */
static inline void assert_owner(struct answer *a, size_t index, const char *dotted)
{
    const struct entry *entry = answer_entry(a);
    struct rr rr = entry_record(a, index);
    struct name expected;
    struct name owner;

    name_of(&expected, dotted);
    assert_int_equal(rr_name_at(&owner, entry_wire(entry), entry->wire_len, rr.owner_offset),
                     ERR_OK);
    assert_true(name_equal(&owner, &expected));
}

#endif
