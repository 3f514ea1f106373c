/* slab: a fixed number of items of one size, made once at start. An item is named across a wait
 * by a slab_id (index and generation), never by a pointer: the id of a freed item finds nothing,
 * even after its place was given out again. Not thread-safe: each slab belongs to one thread.
 * When it is full slab_take gives NULL, the caller sheds, and `refused` counts it. */
#ifndef LOCAL53_BASE_SLAB_H
#define LOCAL53_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

/* Names an item: generation in the upper 32 bits, index in the lower. 0 names nothing. */
typedef uint64_t slab_id;

struct slab {
    unsigned char *items;  /* owned; capacity * stride octets */
    uint32_t *generations; /* owned; one an item, odd while the item is taken */
    uint32_t *free;        /* owned; stack of free indexes */
    size_t stride;         /* octets from one item to the next, a multiple of 16 */
    size_t item_size;      /* octets that are zeroed when an item is taken */
    uint32_t capacity;     /* items in all */
    uint32_t free_count;   /* items on the free stack */
    uint64_t refused;      /* slab_take calls that found it full */
};

/* Makes room for capacity items (1..2^31) of item_size octets. Out of memory is fatal. */
void slab_init(struct slab *slab, size_t item_size, uint32_t capacity);

/* Gives the memory back; items still taken are simply gone. Accepts a zeroed slab. */
void slab_deinit(struct slab *slab);

/* A zeroed item, or NULL when all are taken. O(1). */
void *slab_take(struct slab *slab);

/* Gives an item back; it must have come from slab_take of this slab and be taken. */
void slab_give(struct slab *slab, void *item);

/* The id of a taken item. */
slab_id slab_id_of(const struct slab *slab, const void *item);

/* The item an id names, or NULL when it was given back since (or the id is 0). */
void *slab_find(const struct slab *slab, slab_id id);

/* Number of items taken now. */
uint32_t slab_used(const struct slab *slab);

#endif
