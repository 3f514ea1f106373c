/* entry: what an upstream said, made ready to be said again: one flat value with the wire answer
 * (question folded, OPT and, without DO, DNSSEC records removed), where its TTLs stand, its CNAME
 * chain, and the decision it was stored under. Built once per answer, immutable once published;
 * serving copies the wire, puts back the client's question, and subtracts the age at each TTL. The
 * same form serves the client whose query caused it. No I/O, no allocation, no rules. */
#ifndef LOCAL53_CACHE_ENTRY_H
#define LOCAL53_CACHE_ENTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"
#include "local53/dns/message.h"
#include "local53/dns/reply.h"

#define ENTRY_CHAIN_MAX 8    /* CNAME links followed; a longer chain is not kept */
#define ENTRY_CACHE_MAX 4096 /* longest entry the cache keeps, header included */
#define ENTRY_SCRATCH (MESSAGE_MAX_OCTETS + 16384) /* room entry_build needs at most */
#define ENTRY_FAILURE_MIN_S 1                      /* RFC 9520 section 3.2: at least 1 s */
#define ENTRY_FAILURE_MAX_S 5 /* doubling up to here; recovery is never later than this */

enum entry_kind {
    ENTRY_POSITIVE, /* an answer */
    ENTRY_NODATA,   /* the name is there, the type is not (RFC 2308 section 2.2) */
    ENTRY_NXDOMAIN, /* the name is not there; kept for all types when no CNAME led there */
    ENTRY_FAILURE   /* resolution failed (RFC 9520); rcode SERVFAIL or what upstream said */
};

/* The CNAME chain of an upstream's answer, starting at the question name (RFC 1034 section 3.6.2). */
struct entry_chain {
    uint8_t count;                           /* links found, 0..ENTRY_CHAIN_MAX */
    bool too_long;                           /* there were more, or a loop: not to be cached */
    uint16_t target_offset[ENTRY_CHAIN_MAX]; /* where each link's target stands in the message */
};

/* Under which configuration an entry is valid: compared when the epoch differs. */
struct entry_decision {
    uint64_t pool; /* fingerprint of the pool that was asked */
    uint8_t cut;   /* chain links kept, the last of which enters a rule; 0: no rule in the chain */
};

/* The header has 48 octets. Immutable once in the cache but for epoch, which only cache_confirm changes. */
struct entry {
    uint64_t stored_ms;             /* monotonic time of the answer */
    struct entry_decision decision; /* under which it was stored */
    _Atomic uint32_t epoch;         /* rules epoch under which the decision was last confirmed */
    uint32_t size;                  /* octets of the whole value, header included */
    uint32_t ttl_s;                 /* fresh for so long after stored_ms; 0: not to be kept */
    uint16_t wire_len;              /* octets of wire: header, question, records */
    uint16_t ttl_count;             /* TTL offsets; 0 for one without records */
    uint16_t type;                  /* key: asked type, or CACHE_TYPE_NXDOMAIN */
    uint16_t class;                 /* key */
    uint8_t qname_len;              /* key: octets of the name at the start of the question */
    bool dnssec_ok : 1;             /* key: DO */
    bool checking_disabled : 1;     /* key: CD */
    uint8_t kind : 2;               /* enum entry_kind */
    uint8_t chain_count : 4;        /* chain offsets into wire, 0..ENTRY_CHAIN_MAX */
    uint8_t failures : 7;           /* ENTRY_FAILURE: failures in a row, at least 1 */
    int8_t ede;                     /* ENTRY_FAILURE: enum ede_code to tell on the first answer */
    /* ttl_count offsets of TTLs in wire, chain_count offsets of the chain's targets, then the wire */
    uint16_t offsets[];
};

/* What entry_build works from. */
struct entry_source {
    const uint8_t *message;         /* borrowed; the upstream's answer, question checked already */
    size_t len;                     /* octets of message */
    const struct name *qname;       /* what was asked */
    uint16_t qtype;                 /* asked type */
    uint16_t qclass;                /* asked class */
    bool dnssec_ok;                 /* DO was asked */
    bool checking_disabled;         /* CD was asked */
    uint32_t max_ttl_s;             /* cap of positive TTLs */
    uint32_t max_negative_ttl_s;    /* cap of negative ones */
    uint64_t now_ms;                /* becomes stored_ms */
    struct entry_decision decision; /* what the rules said about the chain */
    uint64_t epoch;                 /* of the rules the decision was taken with; below 2^32 */
    /* Names whose records are left out of answer and additional section: */
    bool (*is_ours)(const void *rules, const struct name *name); /* true for them; NULL: none */
    const void *rules;                                           /* borrowed; for is_ours */
};

/* Finds the CNAME chain of an answer without building anything. qtype CNAME and ANY have none.
 * ERR_MALFORMED when the message cannot be walked. */
enum err entry_scan_chain(struct entry_chain *chain, const struct entry_source *source);

/* Builds an entry in out (8-aligned, cap octets; ENTRY_SCRATCH is always enough). With
 * decision.cut > 0 (at most the chain's count) only the first `cut` CNAMEs are kept, rcode NOERROR, AD
 * cleared. Sets kind, ttl_s (0 for what is not to be kept: TTL 0, no SOA in a negative answer, TC,
 * chain too long), equal TTLs within each RRset (RFC 2181 section 5.2), TTLs capped at max_ttl_s,
 * negative ones at min(SOA TTL, MINIMUM, max_negative_ttl_s) (RFC 2308 5). CNAMEs stand in front of
 * what they lead to. Every rcode but NOERROR and NXDOMAIN becomes ENTRY_FAILURE without records, with
 * the upstream's rcode (SERVFAIL for extended ones, BADVERS and so on), no EDE, and ttl_s
 * ENTRY_FAILURE_MIN_S. ERR_MALFORMED, or ERR_NO_SPACE when cap is too small or the answer written anew
 * passes 65535 octets: out is then undefined and the caller treats the answer as failed. */
enum err entry_build(struct entry *out, size_t cap, const struct entry_source *source);

/* A failure of our own (timeout, no reachable server): SERVFAIL with this EDE. failures: how often in
 * a row, 1..; its ttl_s doubles with it (1, 2, 4, 5, 5 s). */
void entry_build_failure(struct entry *out, size_t cap, const struct entry_source *source,
                         enum ede_code ede, unsigned failures);

/* Tells an ENTRY_FAILURE that it is the failures-th in a row (1..): sets failures and ttl_s (RFC 9520
 * section 3.2: repeated failures back off). */
void entry_back_off(struct entry *entry, unsigned failures);

/* True as long as the entry may be told at now_ms. */
bool entry_is_fresh(const struct entry *entry, uint64_t now_ms);

/* Seconds the entry is still fresh at now_ms, a begun one counted; 0 when it is over. */
uint32_t entry_ttl_left(const struct entry *entry, uint64_t now_ms);

/* The wire answer, wire_len octets: header (id 0), question folded, records with TTLs as stored. */
const uint8_t *entry_wire(const struct entry *entry);

/* The name an entry is stored under: its own question's. */
void entry_name(struct name *out, const struct entry *entry);

/* Target of chain link i (0..chain_count-1), folded. */
enum err entry_chain_name(struct name *out, const struct entry *entry, size_t i);

/* Writes the whole reply into the empty w: the client's id, opcode, RD, CD, question case, EDNS, TTLs
 * counted down, AD only for those who asked; TC when it does not fit limit. The request must be for the
 * entry's name (the type may differ for NXDOMAIN). A failure tells its own EDE at stored_ms, to those
 * who caused it, and EDE Cached Error later. HOT PATH. */
void entry_render(struct writer *w, const struct entry *entry, const struct request *request,
                  uint64_t now_ms, size_t limit);

/* Writes an NXDOMAIN for a name below the entry's own, which does not exist either (RFC 8020), into the
 * empty w: the entry's SOA, with what is left of its time. */
void entry_render_below(struct writer *w, const struct entry *entry, const struct request *request,
                        uint64_t now_ms);

/* Writes header, question and the kept CNAMEs of a cut entry (chain_count of them) into the empty w,
 * each with TTL ttl_s; *last gets the offset of the last target: where the endpoint's addresses are
 * owned. reply_end, with the counts, completes it. */
void entry_render_chain(struct writer *w, const struct entry *entry, const struct request *request,
                        uint32_t ttl_s, uint16_t *last);

#endif
