/* entry_build: makes an entry of an upstream's answer: what kind it is, which records are kept, and for
 * how long.
 * Owns: nothing; builds in the caller's memory. Thread: any; no state.
 * Bounds: ENTRY_CHAIN_MAX links, GROUPS_MAX RRsets told apart.
 * Fails: ERR_MALFORMED or ERR_NO_SPACE; nothing an upstream says trips a CHECK. */
#include "entry_private.h"

#include "local53/base/check.h"
#include "local53/base/hash.h"
#include "local53/cache/key.h"

/* RRsets with a TTL of their own; the rest of a larger message share the least TTL among them. */
#define GROUPS_MAX 64

/* An RRset, or (the last one) all that found no place. */
struct group {
    uint32_t hash; /* of owner, type, class and covered type; who shares it shares the TTL */
    uint32_t ttl;  /* the least of its records */
    bool decides;  /* its TTL bounds how long the entry is fresh */
};

struct groups {
    struct group of[GROUPS_MAX]; /* in the order they were met */
    size_t count;                /* of them in use */
    uint16_t owner_pointer;      /* last owner that was a mere pointer, 0 for none */
    uint64_t owner_hash;         /* its hash */
};

/* --- what is kept --- */

/* A pointer to the question is qname. */
static bool owner_is_ours(const struct rr *rr, const struct entry_source *source)
{
    struct name owner;

    if (source->is_ours == NULL || rr->section == SECTION_AUTHORITY ||
        bytes_get_u16(source->message + rr->owner_offset) == (POINTER_BITS | MESSAGE_HEADER_OCTETS))
        return false;
    return rr_name_at(&owner, source->message, source->len, rr->owner_offset) == ERR_OK &&
           source->is_ours(source->rules, &owner);
}

/* The OPT and a TSIG are between us and the upstream (RFC 6891 section 6.1.1, RFC 8945 section 5.5);
 * DNSSEC records are for those who set DO or asked for that very type (RFC 4035 section 3.2.1). */
bool entry_record_is_kept(const struct rr *rr, const struct entry_source *source)
{
    if (rr->type == TYPE_OPT || rr->type == TYPE_TSIG || owner_is_ours(rr, source))
        return false;
    return source->dnssec_ok || rr->type == source->qtype || !rr_is_dnssec(rr->type);
}

static enum err record_answers(bool *answers, const struct rr *rr, const struct name *last,
                               const struct entry_source *source)
{
    struct name owner;
    enum err err;

    *answers = entry_several_types_asked(source->qtype);
    if (*answers || rr->type != source->qtype || !entry_class_is_asked(rr->class, source))
        return ERR_OK;
    err = rr_name_at(&owner, source->message, source->len, rr->owner_offset);
    *answers = err == ERR_OK && name_equal(&owner, last);
    return err;
}

/* Looks at a kept record of the answer section. Stub resolvers read an answer front to back, so a
 * CNAME must stand before what it leads to: *links is how many have been met in their order. */
static enum err survey_answer(struct build *build, const struct rr *rr, const struct name *last,
                              size_t *links)
{
    struct survey *survey = &build->survey;

    if (*links < build->chain.count) {
        if (rr->rdata_offset == build->chain.target_offset[*links])
            (*links)++;
        else if (rr->type == build->source->qtype)
            survey->in_place = false;
    }
    return survey->answered ? ERR_OK : record_answers(&survey->answered, rr, last, build->source);
}

static enum err survey_records(struct build *build, const struct name *last)
{
    struct survey *survey = &build->survey;
    struct rr_walk walk;
    struct rr rr;
    size_t links = 0;
    bool gap = false;
    enum err err = ERR_OK;

    *survey = (struct survey){.in_place = true};
    rr_walk_init(&walk, build->source->message, build->source->len);
    survey->end = walk.reader.pos;
    while (err == ERR_OK && rr_next(&walk, &rr)) {
        if (rr.type == TYPE_OPT)
            survey->rcode_high = (uint16_t)(rr.ttl >> 24 << 4);
        if (!entry_record_is_kept(&rr, build->source)) {
            gap = true;
            continue;
        }
        survey->in_place = survey->in_place && !gap;
        survey->end = walk.reader.pos;
        survey->counts[rr.section]++;
        if (rr.section == SECTION_ANSWER)
            err = survey_answer(build, &rr, last, &links);
    }
    survey->in_place = survey->in_place && links == build->chain.count;
    return err != ERR_OK || walk.err != ERR_OK ? ERR_MALFORMED : ERR_OK;
}

/* --- the frame --- */

/* Fills the header and finds the place of the wire behind as many offsets. */
static enum err entry_begin(struct build *build, size_t cap, size_t records, size_t links)
{
    const struct entry_source *source = build->source;
    struct entry *entry = build->entry;
    size_t wire_at = sizeof(*entry) + (records + links) * sizeof(entry->offsets[0]);

    CHECK(source->epoch <= UINT32_MAX && links <= ENTRY_CHAIN_MAX);
    if (wire_at >= cap || records > UINT16_MAX)
        return ERR_NO_SPACE;
    *entry = (struct entry){.stored_ms = source->now_ms,
                            .decision = source->decision,
                            .epoch = (uint32_t)source->epoch,
                            .size = (uint32_t)wire_at,
                            .ttl_count = (uint16_t)records,
                            .type = source->qtype,
                            .class = source->qclass,
                            .qname_len = source->qname->len,
                            .dnssec_ok = source->dnssec_ok,
                            .checking_disabled = source->checking_disabled,
                            .chain_count = (uint8_t)(links & 15),
                            .ede = EDE_NONE};
    cap -= wire_at;
    build->wire = writer_init((uint8_t *)entry + wire_at,
                              cap < MESSAGE_MAX_OCTETS ? cap : MESSAGE_MAX_OCTETS);
    return ERR_OK;
}

static void write_header(struct writer *w, uint16_t flags, const uint16_t counts[3])
{
    writer_u16(w, 0);
    writer_u16(w, flags);
    writer_u16(w, 1);
    for (size_t i = 0; i < 3; i++)
        writer_u16(w, counts[i]);
}

void entry_write_frame(struct writer *w, const struct entry_source *source, uint16_t flags,
                       const uint16_t counts[3])
{
    write_header(w, flags, counts);
    writer_put(w, source->qname->wire, source->qname->len);
    writer_u16(w, source->qtype);
    writer_u16(w, source->qclass);
}

static enum err entry_end(struct build *build)
{
    if (build->wire.failed)
        return ERR_NO_SPACE;
    build->entry->wire_len = (uint16_t)build->wire.len;
    build->entry->size += (uint32_t)build->wire.len;
    return ERR_OK;
}

static enum err build_failed(struct build *build, size_t cap, uint16_t rcode)
{
    static const uint16_t no_records[3] = {0, 0, 0};
    enum err err = entry_begin(build, cap, 0, 0);

    if (err != ERR_OK)
        return err;
    build->entry->kind = ENTRY_FAILURE;
    entry_back_off(build->entry, 1);
    entry_write_frame(&build->wire, build->source, FLAG_QR | FLAG_RA | rcode, no_records);
    return ERR_OK;
}

void entry_build_failure(struct entry *out, size_t cap, const struct entry_source *source,
                         enum ede_code ede, unsigned failures)
{
    struct build build = {.source = source, .entry = out};
    enum err err = build_failed(&build, cap, RCODE_SERVFAIL);

    CHECK(err == ERR_OK && !build.wire.failed);
    entry_end(&build);
    entry_back_off(out, failures);
    out->ede = (int8_t)ede;
}

/* --- TTLs --- */

/* The group of a hash; the last one takes all that find no place. */
static size_t group_find(struct groups *groups, uint32_t hash)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->of[i].hash == hash)
            return i;
    }
    if (groups->count < GROUPS_MAX) {
        groups->of[groups->count] = (struct group){hash, RR_TTL_MAX, false};
        return groups->count++;
    }
    return GROUPS_MAX - 1;
}

/* Hash of the owner. Most owners are a pointer to the same place as the one before. */
static enum err owner_hash(uint64_t *hash, struct groups *groups, const struct writer *wire,
                           const struct rr *rr)
{
    uint16_t pointer = bytes_get_u16(wire->data + rr->owner_offset);
    struct name owner;
    enum err err;

    if (pointer >= POINTER_BITS && pointer == groups->owner_pointer) {
        *hash = groups->owner_hash;
        return ERR_OK;
    }
    err = rr_name_at(&owner, wire->data, wire->len, rr->owner_offset);
    if (err != ERR_OK)
        return err;
    *hash = hash_fnv(HASH_FNV_START, owner.wire, owner.len);
    if (pointer >= POINTER_BITS) {
        groups->owner_pointer = pointer;
        groups->owner_hash = *hash;
    }
    return ERR_OK;
}

/* Which RRset a record belongs to: owner, type, class, and for an RRSIG the type it covers. */
static enum err group_of(size_t *group, struct groups *groups, const struct writer *wire,
                         const struct rr *rr)
{
    uint16_t rest[3] = {rr->type, rr->class, 0};
    uint64_t hash = 0;
    enum err err = owner_hash(&hash, groups, wire, rr);

    if (err != ERR_OK)
        return err;
    if (rr->type == TYPE_RRSIG && rr->rdata_len >= sizeof(rest[2]))
        rest[2] = bytes_get_u16(wire->data + rr->rdata_offset);
    hash = hash_fnv(hash, rest, sizeof(rest));
    *group = group_find(groups, (uint32_t)(hash ^ hash >> 32));
    return ERR_OK;
}

/* True for the SOA of a negative answer: it tells how long (RFC 2308 section 3). */
static bool record_denies(const struct build *build, const struct rr *rr)
{
    return build->entry->kind != ENTRY_POSITIVE && rr->section == SECTION_AUTHORITY &&
           rr->type == TYPE_SOA;
}

/* The TTL a record may have at most. */
static enum err record_ttl(uint32_t *ttl, const struct build *build, const struct rr *rr)
{
    uint32_t cap = build->source->max_ttl_s;
    enum err err = ERR_OK;

    *ttl = rr_ttl_cap(rr->ttl);
    if (record_denies(build, rr)) {
        cap = build->source->max_negative_ttl_s;
        err = rr_soa_negative_ttl(ttl, build->wire.data, build->wire.len, rr);
    }
    *ttl = *ttl < cap ? *ttl : cap;
    return err;
}

/* Puts a record into its group, whose number stands in place of the TTL until all are known. */
static enum err group_join(struct groups *groups, struct build *build, const struct rr *rr)
{
    struct group *group;
    size_t number = 0;
    uint32_t ttl = 0;
    enum err err = group_of(&number, groups, &build->wire, rr);

    if (err == ERR_OK)
        err = record_ttl(&ttl, build, rr);
    if (err != ERR_OK)
        return err;
    group = &groups->of[number];
    group->ttl = ttl < group->ttl ? ttl : group->ttl;
    group->decides = group->decides || rr->section == SECTION_ANSWER || record_denies(build, rr);
    bytes_put_u32(build->wire.data + rr->ttl_offset, (uint32_t)number);
    return ERR_OK;
}

/* How long the entry is fresh: the least TTL of the answer section and the SOA that denies. Without
 * that SOA a negative answer is not kept (RFC 2308 section 5). */
static uint32_t groups_ttl(const struct groups *groups, const struct build *build, bool denied)
{
    uint32_t ttl = RR_TTL_MAX;

    if (build->entry->kind != ENTRY_POSITIVE && !denied)
        return 0;
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->of[i].decides && groups->of[i].ttl < ttl)
            ttl = groups->of[i].ttl;
    }
    return ttl;
}

/* Gives all records of an RRset its least TTL, writes down where the TTLs stand, and sets how long
 * the entry is fresh. TTLs of authority and additional records count down too but do not shorten
 * that: they stop at 0. */
static enum err settle_ttls(struct build *build)
{
    struct groups groups = {.count = 0};
    struct rr_walk walk;
    struct rr rr;
    bool denied = false;
    enum err err = ERR_OK;

    entry_index_ttls(build);
    rr_walk_init(&walk, build->wire.data, build->wire.len);
    while (err == ERR_OK && rr_next(&walk, &rr)) {
        denied = denied || record_denies(build, &rr);
        err = group_join(&groups, build, &rr);
    }
    if (err != ERR_OK || walk.err != ERR_OK)
        return ERR_MALFORMED;
    for (size_t i = 0; i < build->entry->ttl_count; i++) {
        uint8_t *at = build->wire.data + build->entry->offsets[i];

        bytes_put_u32(at, groups.of[bytes_get_u32(at)].ttl);
    }
    build->entry->ttl_s = groups_ttl(&groups, build, denied);
    return ERR_OK;
}

/* --- the whole --- */

static enum err build_cut(struct build *build, size_t cap)
{
    uint8_t cut = build->source->decision.cut;
    const uint16_t counts[3] = {cut, 0, 0};
    enum err err;

    CHECK(cut <= build->chain.count);
    err = entry_begin(build, cap, cut, cut);
    if (err == ERR_OK) {
        build->entry->kind = ENTRY_POSITIVE;
        err = entry_copy_links(build, FLAG_QR | FLAG_RA, counts, cut);
    }
    return err == ERR_OK ? settle_ttls(build) : err;
}

static enum entry_kind kind_of(const struct survey *survey, uint16_t rcode)
{
    if (rcode == RCODE_NXDOMAIN)
        return ENTRY_NXDOMAIN;
    return survey->answered ? ENTRY_POSITIVE : ENTRY_NODATA;
}

/* True when the question's own name does not exist, whatever the type (RFC 2308 section 5). Not when an alias
 * led away from it, and not when AAAA was asked: servers that know A alone say NXDOMAIN to it (RFC 4074
 * section 4.2), and that must not take the A away. */
static bool denies_all_types(const struct build *build)
{
    return build->survey.counts[SECTION_ANSWER] == 0 && build->source->qtype != TYPE_AAAA;
}

static enum err build_answer(struct build *build, size_t cap, uint16_t flags)
{
    const uint16_t *counts = build->survey.counts;
    size_t records = (size_t)counts[0] + counts[1] + counts[2];
    enum entry_kind kind = kind_of(&build->survey, flags & FLAG_RCODE_MASK);
    enum err err = entry_begin(build, cap, records, build->chain.count);

    if (err != ERR_OK)
        return err;
    build->entry->kind = (uint8_t)(kind & 3);
    if (kind == ENTRY_NXDOMAIN && denies_all_types(build))
        build->entry->type = CACHE_TYPE_NXDOMAIN;
    flags = FLAG_QR | FLAG_RA | (flags & (FLAG_AD | FLAG_TC | FLAG_RCODE_MASK));
    if (!build->survey.in_place || !entry_copy_in_place(build, flags))
        err = entry_copy_anew(build, flags);
    return err == ERR_OK ? settle_ttls(build) : err;
}

static enum err build_any(struct build *build, size_t cap)
{
    const struct entry_source *source = build->source;
    struct reader r = reader_init(source->message, source->len);
    struct header header = {0};
    struct name last;
    uint16_t rcode;
    enum err err = header_read(&header, &r);

    if (err == ERR_OK)
        err = entry_chain_find(&build->chain, &last, source);
    if (err == ERR_OK && source->decision.cut > 0)
        return build_cut(build, cap);
    if (build->chain.too_long)
        build->chain.count = 0;
    if (err == ERR_OK)
        err = survey_records(build, &last);
    if (err != ERR_OK)
        return err;
    rcode = (header.flags & FLAG_RCODE_MASK) | build->survey.rcode_high;
    if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
        return build_failed(build, cap, rcode <= FLAG_RCODE_MASK ? rcode : RCODE_SERVFAIL);
    if (!message_question_matches(source->message, source->len, source->qname, source->qtype,
                                  source->qclass))
        return ERR_MALFORMED;
    err = build_answer(build, cap, header.flags);
    if (err == ERR_OK && (build->chain.too_long || (header.flags & FLAG_TC) != 0))
        build->entry->ttl_s = 0;
    return err;
}

enum err entry_build(struct entry *out, size_t cap, const struct entry_source *source)
{
    struct build build = {.source = source, .entry = out};
    enum err err = build_any(&build, cap);

    if (build.wire.failed)
        return ERR_NO_SPACE;
    if (err == ERR_OK)
        entry_end(&build);
    return err == ERR_OK || err == ERR_NO_SPACE ? err : ERR_MALFORMED;
}
