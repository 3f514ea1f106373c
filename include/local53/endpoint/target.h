/* target: the addresses behind an endpoint and how they are kept. Pure: fed with answers, failures and
 * the time, it says what is known and when to ask again. Owned by the main thread; what is published
 * to the loops is an immutable struct addresses. */
#ifndef LOCAL53_ENDPOINT_TARGET_H
#define LOCAL53_ENDPOINT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/dns/name.h"

#define TARGET_NAMES_MAX 16     /* DNS names merged into one endpoint */
#define TARGET_ADDRESSES_MAX 32 /* addresses a family kept for one endpoint; more are counted */
#define TARGET_TTL_MIN_S 5      /* what clients see */
#define TARGET_TTL_MAX_S 60
#define TARGET_TTL_LAST_GOOD_S 30
#define TARGET_TTL_LITERAL_S 60

enum addresses_state {
    ADDRESSES_NONE,     /* nothing known yet: SERVFAIL, never the public name */
    ADDRESSES_LITERAL,  /* from the configuration, no target to ask */
    ADDRESSES_FRESH,    /* from DNS, within their TTL */
    ADDRESSES_LAST_GOOD /* the refresh failed, or literals stand in for a target not yet answered */
};

/* What loops see of an endpoint; a value, sorted, without doubles. */
struct addresses {
    enum addresses_state state;           /* where they come from */
    uint64_t expires_ms;                  /* FRESH: end of their TTL, monotonic */
    uint64_t confirmed_ms;                /* when last confirmed, monotonic; 0 for never */
    uint8_t v4_count;                     /* 0..TARGET_ADDRESSES_MAX */
    uint8_t v6_count;                     /* 0..TARGET_ADDRESSES_MAX */
    uint8_t v4[TARGET_ADDRESSES_MAX][4];  /* A */
    uint8_t v6[TARGET_ADDRESSES_MAX][16]; /* AAAA */
};

/* TTL a client gets now: what is left, clamped to 5..60 s; 30 s for last good (and for FRESH ones past
 * their end); 60 s for literals. */
uint32_t addresses_ttl_s(const struct addresses *addresses, uint64_t now_ms);

/* The refresh of one target name and family: which answer it last had. */
struct target_part {
    bool answered;                            /* an answer came at least once */
    bool failing;                             /* the last try failed */
    uint8_t count;                            /* addresses in octets */
    uint8_t octets[TARGET_ADDRESSES_MAX][16]; /* 4 or 16 used */
    uint64_t expires_ms;                      /* end of the answer's TTL */
    uint64_t next_ms;                         /* when to ask again */
    bool asked;        /* a question is under way; next_ms is when it counts as lost */
    uint32_t failures; /* tries failed in a row */
};

struct target {
    size_t name_count;                             /* names to ask */
    struct name names[TARGET_NAMES_MAX];           /* copied */
    struct target_part parts[TARGET_NAMES_MAX][2]; /* A and AAAA of each */
    struct addresses literals;                     /* given in the configuration */
    uint64_t confirmed_ms;                         /* last answer with an address; 0 for never */
    uint64_t shed; /* addresses over TARGET_ADDRESSES_MAX, all told */
};

/* Names and literal addresses as configured; everything is due at once. */
void target_init(struct target *target, const struct name *names, size_t name_count,
                 const struct addr *literals, size_t literal_count);

/* What one name has for one family, as upstream said. */
struct target_answer {
    size_t name;                 /* index in names */
    int family;                  /* 0: A, 1: AAAA */
    const uint8_t (*octets)[16]; /* borrowed; an address each, 4 or 16 octets used */
    size_t count;                /* addresses; 0 for NODATA and NXDOMAIN */
    uint32_t ttl_s;              /* the least of the records, or the negative TTL */
};

/* An answer. Without addresses it clears that part only when another part still has one, so that an
 * endpoint never becomes empty: otherwise what is kept is the last good, and it is asked again as
 * after a failure. Else asked again at 3/4 of the TTL, 5..45 s. The answer is held for at least 10 s, so
 * that a TTL of 0 leaves time for the refresh. */
void target_answer(struct target *target, const struct target_answer *answer, uint64_t now_ms);

/* A try that failed (timeout, SERVFAIL, REFUSED, malformed): last good stays; asked again after 1, 2,
 * 4, 5, 5.. seconds. */
void target_failure(struct target *target, size_t i, int family, uint64_t now_ms);

/* The part that is due soonest: *i, *family and the time; false when there is nothing to ask. */
bool target_next(const struct target *target, size_t *i, int *family, uint64_t *due_ms);

/* Marks a part as being asked: it is not due again until an answer or failure, or 10 s. */
void target_asked(struct target *target, size_t i, int family, uint64_t now_ms);

/* What to publish now: all parts merged; without any address from DNS the literals. */
void target_addresses(const struct target *target, uint64_t now_ms, struct addresses *out);

/* Takes over, for the names that both have, what was known and when it is due: the endpoint goes on
 * with its last good addresses after a reload. Addresses of names no longer configured are not taken
 * over: they are another endpoint's. */
void target_adopt(struct target *target, const struct target *before);

#endif
