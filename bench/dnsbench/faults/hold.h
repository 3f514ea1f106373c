/* hold: answers that wait for their time, the earliest first, those due at the same time in the
 * order they came. Pure: times are arguments. */
#ifndef DNSBENCH_FAULTS_HOLD_H
#define DNSBENCH_FAULTS_HOLD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/responder.h"
#include "local53/base/addr.h"

/* Who asked, and which of our addresses was asked. */
struct asker {
    bool over_tcp;       /* connection and generation say which; else peer */
    uint16_t connection; /* slot of a TCP connection */
    uint32_t generation; /* of that slot, so that nobody else gets the answer */
    struct addr peer;    /* UDP: where the query came from */
    union {
        struct in_pktinfo v4;  /* UDP over v4 */
        struct in6_pktinfo v6; /* UDP over v6 */
    } local;                   /* where it was sent to, when the server listens on any address */
};

/* One answer, but for its octets. */
struct answer {
    struct asker asker;        /* who gets it */
    uint64_t received_ns;      /* receive stamp of its query */
    struct response_told told; /* what it says, and how long it is */
    bool duplicate;            /* to be sent twice */
};

struct hold_key; /* private: when, and which slot */

struct hold {
    struct hold_key *keys;  /* owned; a heap of count keys */
    struct answer *answers; /* owned; by slot */
    uint8_t *octets;        /* owned; octets_each by slot */
    uint32_t *unused;       /* owned; slots given back, a stack */
    size_t octets_each;     /* longest answer */
    uint32_t capacity;      /* slots */
    uint32_t count;         /* answers held */
    uint32_t touched;       /* slots ever used: memory grows with what is held at most */
    uint32_t unused_count;  /* slots in unused */
    uint32_t sequence;      /* of the next answer */
};

/* Room for capacity answers of octets_each. Out of memory is fatal. */
void hold_init(struct hold *hold, uint32_t capacity, size_t octets_each);
void hold_deinit(struct hold *hold); /* accepts a zeroed one */

/* Where the octets of the next answer go; NULL when there is no room. */
uint8_t *hold_room(struct hold *hold);

/* Keeps the answer whose octets are in hold_room, which gave room right before, until due_ns. */
void hold_put(struct hold *hold, uint64_t due_ns, const struct answer *answer);

/* When the earliest is due; UINT64_MAX when none is held. */
uint64_t hold_due(const struct hold *hold);

/* Takes the earliest out, which must be there; gives its octets, borrowed until the next
 * hold_room. */
const uint8_t *hold_take(struct hold *hold, struct answer *answer);

#endif
