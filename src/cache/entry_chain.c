/* entry_chain: follows the CNAMEs of an answer from the name that was asked.
 * Owns: nothing. Thread: any; no state.
 * Bounds: ENTRY_CHAIN_MAX links; as many walks over the answer at most.
 * Fails: ERR_MALFORMED for what cannot be walked. */
#include "entry_private.h"

/* RFC 1035 section 3.2.3: MAILB, MAILA and ANY. */
#define QTYPE_SEVERAL_FIRST 253
#define QTYPE_SEVERAL_LAST 255

bool entry_class_is_asked(uint16_t class, const struct entry_source *source)
{
    return class == source->qclass || source->qclass == CLASS_ANY;
}

bool entry_several_types_asked(uint16_t qtype)
{
    return qtype >= QTYPE_SEVERAL_FIRST && qtype <= QTYPE_SEVERAL_LAST;
}

static void chain_add(struct entry_chain *chain, const struct rr *rr)
{
    if (chain->count == ENTRY_CHAIN_MAX) {
        chain->too_long = true;
        return;
    }
    chain->target_offset[chain->count] = rr->rdata_offset;
    chain->count++;
}

/* The target of a CNAME: a name that fills its RDATA. */
static enum err target_read(struct name *out, const struct rr *rr,
                            const struct entry_source *source)
{
    struct reader r = reader_init(source->message, (size_t)rr->rdata_offset + rr->rdata_len);
    enum err err;

    reader_seek(&r, rr->rdata_offset);
    err = name_read(out, &r);
    return err == ERR_OK && reader_left(&r) > 0 ? ERR_MALFORMED : err;
}

/* One walk over the answer section that follows the chain as far as it stands in order; *at is the
 * name reached. */
static enum err chain_follow(struct entry_chain *chain, struct name *at,
                             const struct entry_source *source)
{
    struct rr_walk walk;
    struct name owner;
    struct rr rr;
    enum err err = ERR_OK;

    rr_walk_init(&walk, source->message, source->len);
    while (err == ERR_OK && !chain->too_long && rr_next(&walk, &rr) &&
           rr.section == SECTION_ANSWER) {
        if (rr.type != TYPE_CNAME || !entry_class_is_asked(rr.class, source))
            continue;
        err = rr_name_at(&owner, source->message, source->len, rr.owner_offset);
        if (err == ERR_OK && name_equal(&owner, at)) {
            chain_add(chain, &rr);
            err = target_read(at, &rr, source);
        }
    }
    return err != ERR_OK || walk.err != ERR_OK ? ERR_MALFORMED : ERR_OK;
}

/* Finds the chain and the name at its end. Each further walk finds at least one more link, so there
 * are few; a loop comes to ENTRY_CHAIN_MAX. */
enum err entry_chain_find(struct entry_chain *chain, struct name *last,
                          const struct entry_source *source)
{
    enum err err;
    size_t before;

    *chain = (struct entry_chain){0};
    *last = *source->qname;
    if (source->qtype == TYPE_CNAME || entry_several_types_asked(source->qtype))
        return ERR_OK;
    do {
        before = chain->count;
        err = chain_follow(chain, last, source);
    } while (err == ERR_OK && !chain->too_long && chain->count > before);
    return err;
}

enum err entry_scan_chain(struct entry_chain *chain, const struct entry_source *source)
{
    struct name last;

    return entry_chain_find(chain, &last, source);
}
