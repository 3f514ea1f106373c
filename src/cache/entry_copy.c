/* entry_copy: puts an upstream's records into an entry: the wire as it is where that is sound, else
 * written anew record by record.
 * Owns: nothing; writes into the entry being built. Thread: any; no state.
 * Bounds: JUMPS_MAX pointers a name of a wire kept as it is, KNOWN_MAX names compressed to.
 * Fails: ERR_MALFORMED or ERR_NO_SPACE; nothing an upstream says trips a CHECK. */
#include "entry_private.h"

#include "local53/base/check.h"
#include "local53/base/hash.h"

/* From a record's TTL to its RDATA: the TTL and RDLENGTH. */
#define RDATA_BEHIND_TTL 6

/* The first octet of a compression pointer, as far as it is not offset. */
#define POINTER_KIND (POINTER_BITS >> 8)

/* Pointers followed for one name before the message is rather written anew. */
#define JUMPS_MAX 16

/* --- the wire as it is --- */

/* Octets from..to stay the same in every reply: not the header, the client's QTYPE, or a TTL. */
static bool run_is_settled(const struct build *build, size_t from, size_t to)
{
    const struct entry *entry = build->entry;
    size_t tail = MESSAGE_HEADER_OCTETS + (size_t)entry->qname_len;
    size_t low = 0;
    size_t high = entry->ttl_count;

    if (from < MESSAGE_HEADER_OCTETS || (from < tail + QUESTION_TAIL_OCTETS && to > tail))
        return false;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (entry->offsets[middle] + sizeof(uint32_t) <= from)
            low = middle + 1;
        else
            high = middle;
    }
    return low == entry->ttl_count || entry->offsets[low] >= to;
}

/* Moves past the labels of one run and the octet that ends it, which is given: 0 for the root, else
 * the first octet of a pointer. Whatever is neither fails the reader. Adds to the name's octets. */
static uint8_t run_skip(struct reader *r, size_t *octets)
{
    uint8_t length = reader_u8(r);

    while (length > 0 && length <= LABEL_MAX_OCTETS && *octets <= NAME_MAX_OCTETS) {
        *octets += (size_t)length + 1;
        reader_skip(r, length);
        length = reader_u8(r);
    }
    r->failed = r->failed || *octets > NAME_MAX_OCTETS || (length > 0 && length < POINTER_KIND);
    return length;
}

/* True when the name at *at is sound and every run of labels it points to is settled; *at moves past
 * the name as it stands. */
static bool name_is_settled(const struct build *build, size_t *at)
{
    struct reader r = reader_init(build->wire.data, build->wire.len);
    size_t run = *at;
    size_t octets = 1;

    for (size_t jumps = 0; jumps <= JUMPS_MAX; jumps++) {
        uint8_t end;
        size_t target;

        reader_seek(&r, run);
        end = run_skip(&r, &octets);
        target = end == 0 ? 0 : (size_t)(end & ~POINTER_KIND) << 8 | reader_u8(&r);
        if (r.failed || (jumps > 0 && !run_is_settled(build, run, r.pos)))
            return false;
        *at = jumps == 0 ? r.pos : *at;
        if (end == 0 || target >= run)
            return end == 0;
        run = target;
    }
    return false;
}

/* Where names stand in the RDATA of the types that are usual in answers: after so many octets, so
 * many names, then so many octets. False for all others, which are written anew. */
static bool shape_of(uint16_t type, size_t shape[3])
{
    shape[0] = 0;
    shape[1] = 0;
    shape[2] = 0;
    switch (type) {
    case TYPE_A:
    case TYPE_AAAA:
    case TYPE_TXT:
    case TYPE_SVCB:
    case TYPE_HTTPS:
    case TYPE_DS:
    case TYPE_DNSKEY:
    case TYPE_RRSIG:
    case TYPE_NSEC:
    case TYPE_NSEC3: return true;
    case TYPE_CNAME:
    case TYPE_NS:
    case TYPE_PTR: shape[1] = 1; return true;
    case TYPE_SOA:
        shape[1] = 2;
        shape[2] = 20;
        return true;
    case TYPE_MX:
        shape[0] = 2;
        shape[1] = 1;
        return true;
    case TYPE_SRV:
        shape[0] = 6;
        shape[1] = 1;
        return true;
    default: return false;
    }
}

static bool record_is_settled(const struct build *build, const struct rr *rr)
{
    size_t shape[3];
    size_t at = rr->owner_offset;

    if (!name_is_settled(build, &at) || !shape_of(rr->type, shape))
        return false;
    at = rr->rdata_offset + shape[0];
    for (size_t i = 0; i < shape[1]; i++) {
        if (!name_is_settled(build, &at))
            return false;
    }
    return shape[1] == 0 || at + shape[2] == (size_t)rr->rdata_offset + rr->rdata_len;
}

void entry_index_ttls(struct build *build)
{
    struct rr_walk walk;
    struct rr rr;

    rr_walk_init(&walk, build->wire.data, build->wire.len);
    for (size_t i = 0; i < build->entry->ttl_count && rr_next(&walk, &rr); i++)
        build->entry->offsets[i] = rr.ttl_offset;
}

/* Takes the wire over as it is; false when a name in it does not bear that. */
bool entry_copy_in_place(struct build *build, uint16_t flags)
{
    struct writer *w = &build->wire;
    struct rr_walk walk;
    struct rr rr;
    bool settled = true;

    writer_put(w, build->source->message, build->survey.end);
    if (w->failed)
        return true;
    w->len = 0;
    entry_write_frame(w, build->source, flags, build->survey.counts);
    w->len = build->survey.end;
    entry_index_ttls(build);
    rr_walk_init(&walk, w->data, w->len);
    while (settled && rr_next(&walk, &rr))
        settled = record_is_settled(build, &rr);
    for (size_t i = 0; i < build->chain.count; i++)
        build->entry->offsets[build->entry->ttl_count + i] = build->chain.target_offset[i];
    return settled;
}

/* --- the wire written anew --- */

static uint32_t name_hash(const struct name *name)
{
    uint64_t hash = hash_fnv(HASH_FNV_START, name->wire, name->len);

    return (uint32_t)(hash ^ hash >> 32);
}

static void known_add(struct build *build, const struct name *name, size_t offset)
{
    if (build->known_count < KNOWN_MAX && offset <= POINTER_MAX)
        build->known[build->known_count++] =
            (struct known){.hash = name_hash(name), .offset = (uint16_t)offset};
}

/* Where the name was written before; 0 when it was not. */
static uint16_t known_find(const struct build *build, const struct name *name)
{
    uint32_t hash = name_hash(name);
    struct name other;

    for (size_t i = 0; i < build->known_count; i++) {
        if (build->known[i].hash == hash &&
            rr_name_at(&other, build->wire.data, build->wire.len, build->known[i].offset) ==
                ERR_OK &&
            name_equal(&other, name))
            return build->known[i].offset;
    }
    return 0;
}

/* Copies a record with all names in its RDATA written out and its owner pointing to where it was
 * written before. rr_copy makes the owner a pointer to the question when told that this is its name;
 * then only the place it points to has to be put right. */
static enum err copy_record(struct build *build, const struct rr *rr, uint16_t *ttl_offset)
{
    const struct entry_source *source = build->source;
    struct writer *w = &build->wire;
    size_t start = w->len;
    struct name owner;
    struct name none;
    uint16_t earlier;
    enum err err = rr_name_at(&owner, source->message, source->len, rr->owner_offset);

    if (err != ERR_OK)
        return err;
    name_root(&none);
    earlier = known_find(build, &owner);
    err = rr_copy(w, (struct bytes){source->message, source->len}, rr, earlier > 0 ? &owner : &none,
                  ttl_offset);
    if (err == ERR_OK && earlier > 0)
        writer_patch_u16(w, start, POINTER_BITS | earlier);
    else if (err == ERR_OK && owner.len > 1)
        known_add(build, &owner, start);
    return err;
}

static enum err copy_link(struct build *build, size_t link)
{
    const struct entry_source *source = build->source;
    uint16_t *offset = &build->entry->offsets[build->entry->ttl_count + link];
    struct rr_walk walk;
    struct name target;
    struct rr rr;
    uint16_t ttl_offset = 0;
    enum err err;

    rr_walk_init(&walk, source->message, source->len);
    do {
        CHECK(rr_next(&walk, &rr));
    } while (rr.rdata_offset != build->chain.target_offset[link]);
    err = copy_record(build, &rr, &ttl_offset);
    if (err != ERR_OK)
        return err;
    *offset = (uint16_t)(ttl_offset + RDATA_BEHIND_TTL);
    err = rr_name_at(&target, build->wire.data, build->wire.len, *offset);
    if (err == ERR_OK && target.len > 1)
        known_add(build, &target, *offset);
    return err;
}

/* Writes frame and the first links of the chain. */
enum err entry_copy_links(struct build *build, uint16_t flags, const uint16_t counts[3],
                          size_t links)
{
    enum err err = ERR_OK;

    build->wire = writer_init(build->wire.data, build->wire.cap);
    entry_write_frame(&build->wire, build->source, flags, counts);
    build->known_count = 0;
    if (build->source->qname->len > 1)
        known_add(build, build->source->qname, MESSAGE_HEADER_OCTETS);
    for (size_t i = 0; err == ERR_OK && i < links; i++)
        err = copy_link(build, i);
    return err;
}

static bool record_is_link(const struct build *build, const struct rr *rr)
{
    for (size_t i = 0; i < build->chain.count; i++) {
        if (rr->rdata_offset == build->chain.target_offset[i])
            return true;
    }
    return false;
}

/* Writes the kept records: the chain first, in its order, then the others in theirs. */
enum err entry_copy_anew(struct build *build, uint16_t flags)
{
    struct rr_walk walk;
    struct rr rr;
    uint16_t ttl_offset;
    enum err err = entry_copy_links(build, flags, build->survey.counts, build->chain.count);

    rr_walk_init(&walk, build->source->message, build->source->len);
    while (err == ERR_OK && rr_next(&walk, &rr)) {
        if (entry_record_is_kept(&rr, build->source) && !record_is_link(build, &rr))
            err = copy_record(build, &rr, &ttl_offset);
    }
    return err;
}
