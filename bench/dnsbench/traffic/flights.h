/* flights: the queries of one thread that are on their way. A query is found by socket and id;
 * ids are drawn without repeating until timeout and drain are over, so nothing that comes late
 * can be taken for the answer to another. Pure: times are arguments.
 * Bounds: a fixed number of records (56 octets each, and 8 to 16 in the index) and 520 octets a
 * lane, made at the start. */
#ifndef DNSBENCH_TRAFFIC_FLIGHTS_H
#define DNSBENCH_TRAFFIC_FLIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/rng.h"
#include "workload/queryset.h"

#define FLIGHT_NONE UINT32_MAX
#define FLIGHT_LANES_MAX 4096
#define FLIGHTS_MAX (1U << 30) /* records of one table */
#define FLIGHTS_AT_ONCE_MAX 64 /* queries that one flights_can_begin may speak for */

enum flight_state {
    FLIGHT_FREE,    /* record not in use */
    FLIGHT_WAITING, /* on its way */
    FLIGHT_OVERDUE  /* holds no place in the window any more; still matched */
};

struct flight {
    struct question_ref question; /* what was asked */
    uint64_t intended_ns;         /* when it was due, monotonic clock */
    uint64_t sent_ns;             /* when it was sent, monotonic clock */
    uint32_t lookup; /* slot of the lookup it belongs to; FLIGHT_NONE without lookups */
    uint32_t older;  /* in order of sending; FLIGHT_NONE at the end */
    uint32_t newer;  /* the same */
    uint16_t lane;   /* on which socket */
    uint16_t id;     /* DNS id */
    uint8_t state;   /* enum flight_state */
    bool measured;   /* its intended time lies in the measured time */
    bool again;      /* the caller's: to be asked again over TCP, not done yet */
    uint32_t place;  /* its own: where it stands in the index */
};

struct flights; /* opaque */

/* capacity records; lanes sockets (1..FLIGHT_LANES_MAX); an id is not used again on its socket
 * for quarantine_ns. Out of memory is fatal. */
struct flights *flights_new(uint32_t capacity, uint32_t lanes, uint64_t quarantine_ns,
                            struct rng *rng);
void flights_free(struct flights *flights); /* accepts NULL */

/* Octets a table of this size takes. */
size_t flights_octets(uint32_t capacity, uint32_t lanes);

/* Begins a query on a lane: the slot of a new record (zeroed but for lane, id and times;
 * WAITING, intended_ns = sent_ns = now_ns, newest in the order), its id drawn from a permutation
 * of all 65,536 ids that is keyed at random. FLIGHT_NONE when no record is free or the lane's
 * next id is still in quarantine: take another lane. */
uint32_t flights_begin(struct flights *flights, uint16_t lane, uint64_t now_ns);

/* True when flights_begin on this lane would succeed count times (1..FLIGHTS_AT_ONCE_MAX) from
 * now on. */
bool flights_can_begin(const struct flights *flights, uint16_t lane, uint32_t count,
                       uint64_t now_ns);

/* The record of a slot; the slot on lane with id, FLIGHT_NONE when there is none. */
struct flight *flights_at(struct flights *flights, uint32_t slot);
uint32_t flights_find(const struct flights *flights, uint16_t lane, uint16_t id);

/* True when this id was used on the lane of late: it rests, or the last of the 1,024 used beside it
 * does. An answer with it, of which flights_find knows nothing, is to a query that has ended: one
 * more, or one after the drain. */
bool flights_is_resting(const struct flights *flights, uint16_t lane, uint16_t id, uint64_t now_ns);

/* Moves a query to another lane with a new id (udp+tc: asked again over TCP); same slot, same
 * times, same place in the order. false when that lane has no id to give; nothing is changed
 * then. */
bool flights_move(struct flights *flights, uint32_t slot, uint16_t lane, uint64_t now_ns);

/* Ends a query: the record is free, its id stays in quarantine. */
void flights_end(struct flights *flights, uint32_t slot);

/* The oldest WAITING query, for overdue checks: the only one that may be marked OVERDUE (it
 * stays matchable). The oldest of all, for the end of its drain. FLIGHT_NONE when there is none. */
uint32_t flights_oldest_waiting(const struct flights *flights);
void flights_mark_overdue(struct flights *flights, uint32_t slot);
uint32_t flights_oldest(const struct flights *flights);

/* Queries in state WAITING, and records in use at all. */
uint32_t flights_waiting(const struct flights *flights);
uint32_t flights_used(const struct flights *flights);

#endif
