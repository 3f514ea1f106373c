/* entry_private: what the rooms that build an entry share. */
#ifndef LOCAL53_CACHE_ENTRY_PRIVATE_H
#define LOCAL53_CACHE_ENTRY_PRIVATE_H

#include "local53/cache/entry.h"
#include "local53/dns/rr.h"

/* Names that later owners are compressed to when a message is written anew. */
#define KNOWN_MAX 16

/* What one walk over an answer tells. */
struct survey {
    uint16_t counts[3];  /* records kept, by section */
    size_t end;          /* where the last of them ends */
    bool in_place;       /* they are in one piece and in order: the wire can stay as it is */
    bool answered;       /* a record of the asked type stands at the end of the chain */
    uint16_t rcode_high; /* upper bits of the rcode, from the OPT, in place */
};

/* A name written already. */
struct known {
    uint32_t hash;   /* of its octets */
    uint16_t offset; /* where it stands in the wire */
};

struct build {
    const struct entry_source *source; /* borrowed */
    struct entry *entry;               /* borrowed; what is built */
    struct entry_chain chain;          /* of the answer; without links when too long */
    struct survey survey;              /* what is kept */
    struct writer wire;                /* over the entry's wire */
    struct known known[KNOWN_MAX];     /* names to point to */
    size_t known_count;                /* of them in use */
};

/* True for MAILB, MAILA and ANY, which ask for several types at once (RFC 1035 section 3.2.3). */
bool entry_several_types_asked(uint16_t qtype);

/* True when a record's class is what the source asked for. */
bool entry_class_is_asked(uint16_t class, const struct entry_source *source);

/* True for a record that a client may see. */
bool entry_record_is_kept(const struct rr *rr, const struct entry_source *source);

/* Finds the chain and the name at its end; ERR_MALFORMED. */
enum err entry_chain_find(struct entry_chain *chain, struct name *last,
                          const struct entry_source *source);

/* Writes header and question of an entry. */
void entry_write_frame(struct writer *w, const struct entry_source *source, uint16_t flags,
                       const uint16_t counts[3]);

/* Takes the wire over as it is and fills the offsets; false when a name in it does not bear that. */
bool entry_copy_in_place(struct build *build, uint16_t flags);

/* Writes the kept records: the chain first, in its order, then the others in theirs. */
enum err entry_copy_anew(struct build *build, uint16_t flags);

/* Writes the frame and the first links of the chain, whose targets stand there uncompressed. */
enum err entry_copy_links(struct build *build, uint16_t flags, const uint16_t counts[3],
                          size_t links);

/* Fills the TTL offsets from the wire. */
void entry_index_ttls(struct build *build);

#endif
