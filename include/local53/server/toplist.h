/* toplist: the questions asked most, of more names than there is room for (Space-Saving: Metwally, Agrawal and
 * El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005): a name that is new
 * when the list is full takes the place of the one asked least, and its count as possible error. Counts are
 * halved once a period, so that they tell of now. Pure: no clock, no lock; nothing allocates but
 * toplist_new and toplist_items. */
#ifndef LOCAL53_SERVER_TOPLIST_H
#define LOCAL53_SERVER_TOPLIST_H

#include <stddef.h>
#include <stdint.h>

#include "local53/base/hash.h"
#include "local53/dns/name.h"

struct toplist;

/* One question of the list. */
struct toplist_item {
    struct name name; /* folded */
    uint16_t type;    /* asked type */
    uint64_t count;   /* how often at most */
    uint64_t error;   /* at least count - error */
};

struct toplist_setup {
    uint32_t capacity; /* questions kept, at least 1; each name asked more often than all together
                             * divided by it is among them */
    uint64_t halve_ms; /* counts are halved (rounded down) each such period; 0 for never */
    struct hash_key secret; /* names come from clients: theirs must not be the order of a bucket */
};

/* An empty list, some 300 octets a question; the caller frees it. Out of memory is fatal. */
struct toplist *toplist_new(const struct toplist_setup *setup);

/* Accepts NULL. */
void toplist_free(struct toplist *list);

/* Counts a question. O(log capacity), and O(capacity) once a period. now_ms never runs backwards. */
void toplist_add(struct toplist *list, const struct name *name, uint16_t type, uint64_t now_ms);

/* Adds what another list has counted, of whatever capacity: counts and errors stay the bounds they are. */
void toplist_merge(struct toplist *into, const struct toplist *from);

/* Makes a list the same as another of the same capacity; each keeps its secret and its period. */
void toplist_copy(struct toplist *into, const struct toplist *from);

/* Halves what is to be halved by now; toplist_add does it by itself. */
void toplist_tick(struct toplist *list, uint64_t now_ms);

/* Copies the first at most cap questions, most asked first (by name where equal); gives how many. */
size_t toplist_items(const struct toplist *list, struct toplist_item *out, size_t cap);

/* Questions in the list: what toplist_items has at most. */
size_t toplist_count(const struct toplist *list);

#endif
