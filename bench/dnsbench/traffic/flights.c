/* flights: records in one array, a free stack, one list in order of sending, and an index from
 * lane and id to record (open addressing, at most half full). Ids of a lane come from a Feistel
 * network over 16 bits (Luby and Rackoff 1988) that turns a counter into a permutation; when the
 * counter comes round, an id waits until its quarantine is over. One thread. */
#include "traffic/flights.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

/* Ids are let out of quarantine by chunks: one time is kept for the last use of each. */
#define CHUNK_BITS 10
#define CHUNK_IDS (1U << CHUNK_BITS)
#define CHUNKS (65536U >> CHUNK_BITS)

/* Neighbours of one lane's counter share a run of the index, so a batch touches one line of the
 * cache. A place that is taken is passed in odd steps past the run: they reach every place. */
#define RUN_BITS 4
#define RUN_PLACES (1U << RUN_BITS)
#define STEP (RUN_PLACES + 1)
#define STEP_INVERSE 0xf0f0f0f1U /* STEP times this is 1 modulo 2^32 */

_Static_assert(FLIGHTS_AT_ONCE_MAX <= CHUNK_IDS, "may reach into one more chunk, no further");

struct lane_ids {
    uint16_t position;        /* of the next id in the permutation */
    uint8_t keys[4];          /* of the permutation's rounds */
    uint64_t free_ns[CHUNKS]; /* when a chunk's quarantine is over; 0: never used */
};

struct flights {
    struct flight *records;  /* owned; capacity of them */
    uint32_t *index;         /* owned; slot + 1, 0 where none is; mask + 1 of them */
    struct lane_ids *lanes;  /* owned; lane_count of them */
    uint32_t mask;           /* places of the index - 1 */
    uint32_t block_shift;    /* a hash's upper bits that choose a run */
    uint32_t capacity;       /* records */
    uint32_t lane_count;     /* lanes */
    uint32_t free;           /* first record that was given back, linked by newer */
    uint32_t fresh;          /* records from here on were never used, nor was their memory */
    uint32_t oldest;         /* list in order of sending */
    uint32_t newest;         /* its other end */
    uint32_t oldest_waiting; /* all before it are OVERDUE, all from it on WAITING */
    uint32_t used;           /* records in use */
    uint32_t waiting;        /* of these, WAITING */
    uint64_t quarantine_ns;  /* after an id's use */
    uint8_t box[256];        /* random function of the permutations' rounds */
};

static uint32_t index_places(uint32_t capacity)
{
    uint32_t places = 4 * RUN_PLACES;
    while (places < 2 * capacity)
        places *= 2;
    return places;
}

size_t flights_octets(uint32_t capacity, uint32_t lanes)
{
    return sizeof(struct flights) + (size_t)capacity * sizeof(struct flight) +
           (size_t)index_places(capacity) * sizeof(uint32_t) + lanes * sizeof(struct lane_ids);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    return memory;
}

static void draw_keys(struct flights *flights, struct rng *rng)
{
    for (size_t i = 0; i < sizeof(flights->box); i++)
        flights->box[i] = (uint8_t)rng_u16(rng);
    for (uint32_t i = 0; i < flights->lane_count; i++) {
        uint32_t keys = rng_u32(rng);
        memcpy(flights->lanes[i].keys, &keys, sizeof(keys));
    }
}

struct flights *flights_new(uint32_t capacity, uint32_t lanes, uint64_t quarantine_ns,
                            struct rng *rng)
{
    CHECK(capacity > 0 && capacity <= FLIGHTS_MAX && lanes > 0 && lanes <= FLIGHT_LANES_MAX);
    struct flights *flights = allocate(1, sizeof(*flights));
    uint32_t places = index_places(capacity);
    flights->records = allocate(capacity, sizeof(*flights->records));
    flights->index = allocate(places, sizeof(*flights->index));
    flights->lanes = allocate(lanes, sizeof(*flights->lanes));
    flights->mask = places - 1;
    flights->block_shift = 64 - (uint32_t)__builtin_ctz(places >> RUN_BITS);
    flights->capacity = capacity;
    flights->lane_count = lanes;
    flights->quarantine_ns = quarantine_ns;
    flights->free = FLIGHT_NONE;
    flights->oldest = FLIGHT_NONE;
    flights->newest = FLIGHT_NONE;
    flights->oldest_waiting = FLIGHT_NONE;
    draw_keys(flights, rng);
    return flights;
}

void flights_free(struct flights *flights)
{
    if (flights == NULL)
        return;
    free(flights->records);
    free(flights->index);
    free(flights->lanes);
    free(flights);
}

/* ---- Ids ---- */

static uint16_t id_at(const struct flights *flights, const struct lane_ids *lane, uint16_t position)
{
    uint8_t left = (uint8_t)(position >> 8);
    uint8_t right = (uint8_t)position;
    for (int round = 0; round < 4; round++) {
        uint8_t next = left ^ flights->box[right ^ lane->keys[round]];
        left = right;
        right = next;
    }
    return (uint16_t)((left << 8) | right);
}

/* The inverse of id_at. */
static uint16_t position_of(const struct flights *flights, const struct lane_ids *lane, uint16_t id)
{
    uint8_t left = (uint8_t)(id >> 8);
    uint8_t right = (uint8_t)id;
    for (int round = 3; round >= 0; round--) {
        uint8_t before = right ^ flights->box[left ^ lane->keys[round]];
        right = left;
        left = before;
    }
    return (uint16_t)((left << 8) | right);
}

/* ---- Index ---- */

/* Where the search for the query begins that has the id at this position of its lane. */
static uint32_t home_at(const struct flights *flights, uint16_t lane, uint16_t position)
{
    uint64_t run = ((uint64_t)lane << (16 - RUN_BITS)) | (position >> RUN_BITS);
    uint32_t block = (uint32_t)((run * 0x9e3779b97f4a7c15ULL) >> flights->block_shift);
    return (block << RUN_BITS) | (position & (RUN_PLACES - 1));
}

static uint32_t home_of(const struct flights *flights, uint16_t lane, uint16_t id)
{
    return home_at(flights, lane, position_of(flights, &flights->lanes[lane], id));
}

/* FLIGHT_NONE, which is -1, where there is none. */
static uint32_t slot_in(const struct flights *flights, uint32_t place)
{
    return flights->index[place] - 1;
}

static void put_in(struct flights *flights, uint32_t place, uint32_t slot)
{
    flights->index[place] = slot + 1;
    flights->records[slot].place = place;
}

/* The place of a query from its home on, or the free one where it would be put. There is always
 * one: the index is half empty. */
static uint32_t place_from(const struct flights *flights, uint32_t place, uint16_t lane,
                           uint16_t id)
{
    for (;;) {
        uint32_t slot = slot_in(flights, place);
        if (slot == FLIGHT_NONE)
            return place;
        const struct flight *flight = &flights->records[slot];
        if (flight->lane == lane && flight->id == id)
            return place;
        place = (place + STEP) & flights->mask;
    }
}

/* Steps from one place to another. */
static uint32_t steps_between(const struct flights *flights, uint32_t from, uint32_t to)
{
    return ((to - from) * STEP_INVERSE) & flights->mask;
}

/* Empties a place and moves those behind it forward that would not be found any more (Knuth,
 * TAOCP 6.4, algorithm R). */
static void clear_place(struct flights *flights, uint32_t hole)
{
    uint32_t place = hole;
    for (;;) {
        place = (place + STEP) & flights->mask;
        uint32_t slot = slot_in(flights, place);
        if (slot == FLIGHT_NONE)
            break;
        const struct flight *flight = &flights->records[slot];
        uint32_t home = home_of(flights, flight->lane, flight->id);
        if (steps_between(flights, home, place) < steps_between(flights, hole, place))
            continue;
        put_in(flights, hole, slot);
        hole = place;
    }
    flights->index[hole] = 0;
}

/* ---- Beginning and ending ---- */

/* The next id is in a chunk whose quarantine is over. Once a chunk is begun, so are all of its
 * ids. */
static bool chunk_is_free(const struct lane_ids *lane, uint16_t position, uint64_t now_ns)
{
    return position % CHUNK_IDS != 0 || lane->free_ns[position >> CHUNK_BITS] <= now_ns;
}

/* The lane's next id, registered for the slot; false when it must not be used yet. */
static bool take_id(struct flights *flights, uint32_t slot, uint16_t lane_number, uint64_t now_ns)
{
    struct lane_ids *lane = &flights->lanes[lane_number];
    if (!chunk_is_free(lane, lane->position, now_ns))
        return false;
    uint16_t id = id_at(flights, lane, lane->position);
    uint32_t home = home_at(flights, lane_number, lane->position);
    uint32_t place = place_from(flights, home, lane_number, id);
    if (slot_in(flights, place) != FLIGHT_NONE)
        return false;
    lane->free_ns[lane->position >> CHUNK_BITS] = now_ns + flights->quarantine_ns;
    lane->position++;
    put_in(flights, place, slot);
    flights->records[slot].lane = lane_number;
    flights->records[slot].id = id;
    return true;
}

static void link_newest(struct flights *flights, uint32_t slot)
{
    struct flight *flight = &flights->records[slot];
    flight->older = flights->newest;
    flight->newer = FLIGHT_NONE;
    if (flights->newest != FLIGHT_NONE)
        flights->records[flights->newest].newer = slot;
    else
        flights->oldest = slot;
    flights->newest = slot;
    if (flights->oldest_waiting == FLIGHT_NONE)
        flights->oldest_waiting = slot;
}

uint32_t flights_begin(struct flights *flights, uint16_t lane, uint64_t now_ns)
{
    bool reused = flights->free != FLIGHT_NONE;
    uint32_t slot = reused ? flights->free : flights->fresh;
    ASSERT(lane < flights->lane_count);
    if (slot == flights->capacity || !take_id(flights, slot, lane, now_ns))
        return FLIGHT_NONE;
    struct flight *flight = &flights->records[slot];
    if (reused)
        flights->free = flight->newer;
    else
        flights->fresh++;
    *flight = (struct flight){.lane = lane,
                              .id = flight->id,
                              .place = flight->place,
                              .intended_ns = now_ns,
                              .sent_ns = now_ns,
                              .lookup = FLIGHT_NONE,
                              .state = FLIGHT_WAITING};
    link_newest(flights, slot);
    flights->used++;
    flights->waiting++;
    return slot;
}

bool flights_can_begin(const struct flights *flights, uint16_t lane_number, uint32_t count,
                       uint64_t now_ns)
{
    const struct lane_ids *lane = &flights->lanes[lane_number];
    ASSERT(count > 0 && count <= FLIGHTS_AT_ONCE_MAX);
    if (flights->capacity - flights->used < count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t position = (uint16_t)(lane->position + i);
        uint16_t id = id_at(flights, lane, position);
        if (!chunk_is_free(lane, position, now_ns) ||
            flights_find(flights, lane_number, id) != FLIGHT_NONE)
            return false;
    }
    return true;
}

struct flight *flights_at(struct flights *flights, uint32_t slot)
{
    ASSERT(slot < flights->capacity);
    return &flights->records[slot];
}

uint32_t flights_find(const struct flights *flights, uint16_t lane, uint16_t id)
{
    return slot_in(flights, place_from(flights, home_of(flights, lane, id), lane, id));
}

bool flights_is_resting(const struct flights *flights, uint16_t lane_number, uint16_t id,
                        uint64_t now_ns)
{
    const struct lane_ids *lane = &flights->lanes[lane_number];
    uint16_t position = position_of(flights, lane, id);
    bool is_present_chunk = (position ^ lane->position) < CHUNK_IDS;
    /* What lies ahead in the present chunk was used a round ago, or never: its time is that of
     * the ids before it. */
    if (is_present_chunk && position >= lane->position)
        return false;
    return lane->free_ns[position >> CHUNK_BITS] > now_ns;
}

bool flights_move(struct flights *flights, uint32_t slot, uint16_t lane, uint64_t now_ns)
{
    struct flight *flight = &flights->records[slot];
    uint16_t old_lane = flight->lane;
    uint16_t old_id = flight->id;
    CHECK(flight->state != FLIGHT_FREE);
    /* The record changes its name in take_id: the index must not lead to it by the old one then. */
    clear_place(flights, flight->place);
    if (take_id(flights, slot, lane, now_ns))
        return true;
    uint32_t home = home_of(flights, old_lane, old_id);
    put_in(flights, place_from(flights, home, old_lane, old_id), slot);
    return false;
}

static void unlink_record(struct flights *flights, const struct flight *flight)
{
    if (flight->older != FLIGHT_NONE)
        flights->records[flight->older].newer = flight->newer;
    else
        flights->oldest = flight->newer;
    if (flight->newer != FLIGHT_NONE)
        flights->records[flight->newer].older = flight->older;
    else
        flights->newest = flight->older;
}

void flights_end(struct flights *flights, uint32_t slot)
{
    struct flight *flight = &flights->records[slot];
    CHECK(flight->state != FLIGHT_FREE);
    clear_place(flights, flight->place);
    if (flights->oldest_waiting == slot)
        flights->oldest_waiting = flight->newer;
    unlink_record(flights, flight);
    if (flight->state == FLIGHT_WAITING)
        flights->waiting--;
    flights->used--;
    flight->state = FLIGHT_FREE;
    flight->newer = flights->free;
    flights->free = slot;
}

/* ---- Order of sending ---- */

uint32_t flights_oldest_waiting(const struct flights *flights)
{
    return flights->oldest_waiting;
}

void flights_mark_overdue(struct flights *flights, uint32_t slot)
{
    struct flight *flight = &flights->records[slot];
    CHECK(slot == flights->oldest_waiting && flight->state == FLIGHT_WAITING);
    flight->state = FLIGHT_OVERDUE;
    flights->oldest_waiting = flight->newer;
    flights->waiting--;
}

uint32_t flights_oldest(const struct flights *flights)
{
    return flights->oldest;
}

uint32_t flights_waiting(const struct flights *flights)
{
    return flights->waiting;
}

uint32_t flights_used(const struct flights *flights)
{
    return flights->used;
}
