/* fuzz_rr: the records of any message, each copied to a new one. Properties: what ldns reads in the
 * original it reads as an equal record in the copy; RDATA of types that hold no compressed names is
 * bit-exact; a copy of the copy is the same; a record not copied leaves nothing behind. */
#include <ldns/ldns.h>
#include <stdint.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/dns/rr.h"

/* Records looked at in one input. */
#define MAX_RECORDS 64

/* Room for any one record: RDATA of 65535 octets may grow by names written out. */
#define COPY_MAX ((size_t)70 * 1000)

/* A message with the question asked and then one record. */
struct copy {
    uint8_t *octets;     /* owned; COPY_MAX octets */
    struct writer w;     /* over octets */
    struct name qname;   /* name of the question */
    size_t start;        /* where the record begins */
    uint16_t ttl_offset; /* of the record */
};

/* The original's first question's name, or the root, as the only question. */
static void copy_start(struct copy *copy, const uint8_t *data, size_t size)
{
    struct reader r = reader_init(data, size);

    reader_seek(&r, MESSAGE_HEADER_OCTETS);
    if (name_read(&copy->qname, &r) != ERR_OK)
        name_root(&copy->qname);
    copy->w = writer_init(copy->octets, COPY_MAX);
    writer_u32(&copy->w, 0);
    writer_u16(&copy->w, 1);
    writer_u16(&copy->w, 1);
    writer_u32(&copy->w, 0);
    writer_put(&copy->w, copy->qname.wire, copy->qname.len);
    writer_u32(&copy->w, 0x00010001);
    copy->start = copy->w.len;
}

/* Types whose RDATA may hold compressed names: RFC 1035, RFC 3597 section 4, and DNAME. */
static bool type_may_compress(uint16_t type)
{
    static const uint8_t types[] = {2,  3,  4,  5,  6,  7,  8,  9,  12, 14,
                                    15, 17, 18, 21, 24, 26, 30, 33, 35, 39};

    return type <= UINT8_MAX && memchr(types, type, sizeof(types)) != NULL;
}

static ldns_rr *oracle_read(const uint8_t *message, size_t len, size_t pos)
{
    ldns_rr *rr = NULL;

    return ldns_wire2rr(&rr, message, len, &pos, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK ? rr : NULL;
}

/* Owners equal but for case, all else octet by octet; the TTL was capped. */
static void check_equal(const ldns_rr *a, const ldns_rr *b)
{
    CHECK(ldns_dname_compare(ldns_rr_owner(a), ldns_rr_owner(b)) == 0);
    CHECK(ldns_rr_get_type(a) == ldns_rr_get_type(b));
    CHECK(ldns_rr_get_class(a) == ldns_rr_get_class(b));
    CHECK(rr_ttl_cap(ldns_rr_ttl(a)) == ldns_rr_ttl(b));
    CHECK(ldns_rr_rd_count(a) == ldns_rr_rd_count(b));
    for (size_t i = 0; i < ldns_rr_rd_count(a); i++)
        CHECK(ldns_rdf_compare(ldns_rr_rdf(a, i), ldns_rr_rdf(b, i)) == 0);
}

static void check_oracle(const struct copy *copy, struct bytes message, const struct rr *rr)
{
    ldns_rr *original = oracle_read(message.data, message.len, rr->owner_offset);
    ldns_rr *copied = oracle_read(copy->octets, copy->w.len, copy->start);

    if (original != NULL) {
        CHECK(copied != NULL);
        check_equal(original, copied);
    }
    ldns_rr_free(original);
    ldns_rr_free(copied);
}

/* The copy walked and copied to its own end: the same octets once more. */
static void check_copy(struct copy *copy, struct bytes message, const struct rr *rr)
{
    size_t end = copy->w.len;
    uint16_t ttl_offset;
    struct rr_walk walk;
    struct rr again;

    rr_walk_init(&walk, copy->octets, end);
    CHECK(rr_next(&walk, &again));
    CHECK(again.type == rr->type && again.class == rr->class);
    CHECK(again.ttl == rr_ttl_cap(rr->ttl) && again.ttl_offset == copy->ttl_offset);
    CHECK((size_t)again.rdata_offset + again.rdata_len == end);
    if (!type_may_compress(rr->type)) {
        CHECK(again.rdata_len == rr->rdata_len);
        CHECK(rr->rdata_len == 0 || memcmp(copy->octets + again.rdata_offset,
                                           message.data + rr->rdata_offset, rr->rdata_len) == 0);
    }
    if (type_may_compress(rr->type) || rr->type == TYPE_A || rr->type == TYPE_TXT)
        check_oracle(copy, message, rr);
    if (2 * end - copy->start <= MESSAGE_MAX_OCTETS) {
        CHECK(rr_copy(&copy->w, (struct bytes){copy->octets, end}, &again, &copy->qname,
                      &ttl_offset) == ERR_OK);
        CHECK(copy->w.len - end == end - copy->start);
        CHECK(memcmp(copy->octets + copy->start, copy->octets + end, end - copy->start) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct copy copy = {.octets = malloc(COPY_MAX)};
    struct bytes message = {data, size};
    struct rr_walk walk;
    struct rr rr;
    uint32_t ttl;

    CHECK(copy.octets != NULL);
    rr_walk_init(&walk, data, size);
    for (int i = 0; i < MAX_RECORDS && rr_next(&walk, &rr); i++) {
        copy_start(&copy, data, size);
        if (rr_soa_negative_ttl(&ttl, data, size, &rr) == ERR_OK)
            CHECK(rr.type == TYPE_SOA && ttl <= RR_TTL_MAX && ttl <= rr_ttl_cap(rr.ttl));
        if (rr_copy(&copy.w, message, &rr, &copy.qname, &copy.ttl_offset) == ERR_OK)
            check_copy(&copy, message, &rr);
        else
            CHECK(copy.w.len == copy.start);
    }
    free(copy.octets);
    return 0;
}
