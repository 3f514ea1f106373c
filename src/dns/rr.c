/* rr: walks the records of a message, copies and writes single ones.
 * Owns: nothing; a walk borrows its message.
 * Thread: any; no state.
 * Bounds: messages of MESSAGE_MAX_OCTETS; the section counts of the header, each record at least 11
 * octets, so a walk ends with the message.
 * Fails: an error code, kept in the walk; a record that cannot be copied leaves no octet behind. */
#include "local53/dns/rr.h"

#include "local53/base/check.h"

/* Behind the names of an SOA: serial, refresh, retry, expire, minimum (RFC 1035 section 3.3.13). */
#define SOA_NUMBERS_OCTETS 20

/* Any number of octets may follow the names. */
#define REST_ANY UINT8_MAX

/* How RDATA with domain names that may be compressed is built. */
struct layout {
    uint16_t type;   /* the record type */
    uint8_t fixed;   /* octets in front */
    uint8_t strings; /* then character-strings */
    uint8_t names;   /* then names */
    uint8_t rest;    /* then octets to the end, or REST_ANY */
};

/* The well-known types of RFC 1035 and those which RFC 3597 section 4 wants decompressed on receipt
 * (PX 26 and NXT 30 have no other use here); DNAME as well, since old servers compressed it. In all
 * others a name is never compressed and the RDATA is opaque. */
static const struct layout LAYOUTS[] = {
    {TYPE_NS, 0, 0, 1, 0},    {TYPE_MD, 0, 0, 1, 0},    {TYPE_MF, 0, 0, 1, 0},
    {TYPE_CNAME, 0, 0, 1, 0}, {TYPE_MB, 0, 0, 1, 0},    {TYPE_SOA, 0, 0, 2, SOA_NUMBERS_OCTETS},
    {TYPE_MG, 0, 0, 1, 0},    {TYPE_MR, 0, 0, 1, 0},    {TYPE_PTR, 0, 0, 1, 0},
    {TYPE_MINFO, 0, 0, 2, 0}, {TYPE_MX, 2, 0, 1, 0},    {TYPE_RP, 0, 0, 2, 0},
    {TYPE_AFSDB, 2, 0, 1, 0}, {TYPE_RT, 2, 0, 1, 0},    {TYPE_SIG, 18, 0, 1, REST_ANY},
    {26, 2, 0, 2, 0},         {30, 0, 0, 1, REST_ANY},  {TYPE_SRV, 6, 0, 1, 0},
    {TYPE_NAPTR, 4, 3, 1, 0}, {TYPE_DNAME, 0, 0, 1, 0},
};

static enum err questions_skip(struct reader *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum err err = name_skip(r);

        reader_skip(r, sizeof(uint16_t) * 2);
        if (err != ERR_OK || r->failed)
            return err != ERR_OK ? err : ERR_TRUNCATED;
    }
    return ERR_OK;
}

void rr_walk_init(struct rr_walk *walk, const uint8_t *message, size_t len)
{
    struct header header = {0};

    walk->reader = reader_init(message, len);
    walk->err = len > MESSAGE_MAX_OCTETS ? ERR_TOO_LONG : header_read(&header, &walk->reader);
    if (walk->err == ERR_OK)
        walk->err = questions_skip(&walk->reader, header.qdcount);
    walk->left[SECTION_ANSWER] = header.ancount;
    walk->left[SECTION_AUTHORITY] = header.nscount;
    walk->left[SECTION_ADDITIONAL] = header.arcount;
}

/* The next section with a record left; false when there is none. */
static bool section_next(struct rr_walk *walk, enum section *section)
{
    for (int i = SECTION_ANSWER; i <= SECTION_ADDITIONAL; i++) {
        if (walk->left[i] > 0) {
            walk->left[i]--;
            *section = (enum section)i;
            return true;
        }
    }
    return false;
}

bool rr_next(struct rr_walk *walk, struct rr *out)
{
    struct reader *r = &walk->reader;

    if (walk->err != ERR_OK || !section_next(walk, &out->section))
        return false;
    out->owner_offset = (uint16_t)r->pos;
    walk->err = name_skip(r);
    out->type = reader_u16(r);
    out->class = reader_u16(r);
    out->ttl_offset = (uint16_t)r->pos;
    out->ttl = reader_u32(r);
    out->rdata_len = reader_u16(r);
    out->rdata_offset = (uint16_t)r->pos;
    reader_skip(r, out->rdata_len);
    if (walk->err == ERR_OK && r->failed)
        walk->err = ERR_TRUNCATED;
    return walk->err == ERR_OK;
}

enum err rr_name_at(struct name *out, const uint8_t *message, size_t len, size_t offset)
{
    struct reader r = reader_init(message, len);

    reader_seek(&r, offset);
    return r.failed ? ERR_TRUNCATED : name_read(out, &r);
}

/* A reader at the RDATA of rr that ends with it. Names in it may point backwards into the message, so
 * the view begins where the message does; len is the message's. */
static struct reader rdata_reader(const uint8_t *message, size_t len, const struct rr *rr)
{
    size_t end = (size_t)rr->rdata_offset + rr->rdata_len;
    struct reader r = reader_init(message, end < len ? end : len);

    reader_seek(&r, rr->rdata_offset);
    r.failed = r.failed || end > len;
    return r;
}

enum err rr_soa_negative_ttl(uint32_t *out, const uint8_t *message, size_t len, const struct rr *rr)
{
    struct reader r = rdata_reader(message, len, rr);
    uint32_t minimum;

    if (rr->type != TYPE_SOA || r.failed || name_skip(&r) != ERR_OK || name_skip(&r) != ERR_OK ||
        reader_left(&r) != SOA_NUMBERS_OCTETS)
        return ERR_MALFORMED;
    reader_skip(&r, SOA_NUMBERS_OCTETS - sizeof(minimum));
    minimum = rr_ttl_cap(reader_u32(&r));
    *out = rr_ttl_cap(rr->ttl) < minimum ? rr_ttl_cap(rr->ttl) : minimum;
    return ERR_OK;
}

static const struct layout *layout_find(uint16_t type)
{
    for (size_t i = 0; i < sizeof(LAYOUTS) / sizeof(LAYOUTS[0]); i++) {
        if (LAYOUTS[i].type == type)
            return &LAYOUTS[i];
    }
    return NULL;
}

static enum err octets_copy(struct writer *w, struct reader *r, size_t len)
{
    struct bytes octets = reader_take(r, len);

    if (r->failed)
        return ERR_MALFORMED;
    if (octets.len > 0)
        writer_put(w, octets.data, octets.len);
    return ERR_OK;
}

static enum err name_copy(struct writer *w, struct reader *r)
{
    uint8_t wire[NAME_MAX_OCTETS];
    size_t len;
    enum err err = name_copy_wire(wire, &len, r);

    if (err == ERR_OK)
        writer_put(w, wire, len);
    return err;
}

/* A character-string: its length octet and as many octets (RFC 1035 section 3.3). */
static enum err string_copy(struct writer *w, struct reader *r)
{
    uint8_t length = reader_u8(r);

    if (r->failed)
        return ERR_MALFORMED;
    writer_u8(w, length);
    return octets_copy(w, r, length);
}

static enum err layout_copy(struct writer *w, struct reader *r, const struct layout *layout)
{
    enum err err = octets_copy(w, r, layout->fixed);

    for (size_t i = 0; err == ERR_OK && i < layout->strings; i++)
        err = string_copy(w, r);
    for (size_t i = 0; err == ERR_OK && i < layout->names; i++)
        err = name_copy(w, r);
    if (err == ERR_OK && layout->rest != REST_ANY && reader_left(r) != layout->rest)
        err = ERR_MALFORMED;
    return err == ERR_OK ? octets_copy(w, r, reader_left(r)) : err;
}

/* Writes RDLENGTH and RDATA. An empty RDATA stays empty whatever the type (RFC 2136 has such). */
static enum err rdata_copy(struct writer *w, struct reader *r, uint16_t type)
{
    const struct layout *layout = layout_find(type);
    size_t length_at = w->len;
    enum err err;

    writer_u16(w, 0);
    if (layout == NULL || reader_left(r) == 0)
        err = octets_copy(w, r, reader_left(r));
    else
        err = layout_copy(w, r, layout);
    if (err != ERR_OK || w->failed)
        return err;
    if (w->len - length_at - sizeof(uint16_t) > UINT16_MAX)
        return ERR_TOO_LONG;
    writer_patch_u16(w, length_at, (uint16_t)(w->len - length_at - sizeof(uint16_t)));
    return ERR_OK;
}

static enum err owner_copy(struct writer *w, struct reader r, const struct name *qname)
{
    uint8_t wire[NAME_MAX_OCTETS];
    size_t len;
    enum err err = name_copy_wire(wire, &len, &r);

    if (err != ERR_OK)
        return err;
    if (qname->len > 1 && name_equals_wire(qname, wire, len))
        writer_u16(w, POINTER_BITS | MESSAGE_HEADER_OCTETS);
    else
        writer_put(w, wire, len);
    return ERR_OK;
}

/* Everything behind the owner; *ttl_at gets where the TTL stands. */
static enum err rest_copy(struct writer *w, struct reader rdata, const struct rr *rr,
                          size_t *ttl_at)
{
    writer_u16(w, rr->type);
    writer_u16(w, rr->class);
    *ttl_at = w->len;
    writer_u32(w, rr_ttl_cap(rr->ttl));
    return rdata_copy(w, &rdata, rr->type);
}

enum err rr_copy(struct writer *w, struct bytes message, const struct rr *rr,
                 const struct name *qname, uint16_t *ttl_offset)
{
    struct reader owner = reader_init(message.data, message.len);
    struct reader rdata = rdata_reader(message.data, message.len, rr);
    size_t start = w->len;
    size_t ttl_at = 0;
    enum err err = ERR_TRUNCATED;

    reader_seek(&owner, rr->owner_offset);
    if (!owner.failed && !rdata.failed)
        err = owner_copy(w, owner, qname);
    if (err == ERR_OK)
        err = rest_copy(w, rdata, rr, &ttl_at);
    if (err == ERR_OK && (w->failed || w->len > MESSAGE_MAX_OCTETS))
        err = ERR_NO_SPACE;
    if (err != ERR_OK) {
        w->len = start;
        return err;
    }
    *ttl_offset = (uint16_t)ttl_at;
    return ERR_OK;
}

bool rr_is_dnssec(uint16_t type)
{
    return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3;
}

void rr_write(struct writer *w, uint16_t owner, uint16_t type, uint32_t ttl, struct bytes rdata)
{
    CHECK(owner <= POINTER_MAX && rdata.len <= UINT16_MAX);
    writer_u16(w, (uint16_t)(POINTER_BITS | owner));
    writer_u16(w, type);
    writer_u16(w, CLASS_IN);
    writer_u32(w, ttl);
    writer_u16(w, (uint16_t)rdata.len);
    writer_put(w, rdata.data, rdata.len);
}
