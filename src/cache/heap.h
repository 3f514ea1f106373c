/* heap: the memory of the cache's entries and tables. One piece of address space is used from its
 * beginning, in huge pages where the kernel has them, so that a million entries need few places in the
 * processor's table of pages; what lies beyond the most ever used is not there at all. Blocks are
 * multiples of 16 octets; one given back is joined with its free neighbours and taken again where it
 * fits. A block has a number of 32 bits, its place, half the size of a pointer. Any thread. */
#ifndef LOCAL53_CACHE_HEAP_H
#define LOCAL53_CACHE_HEAP_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_UNIT 16                      /* octets that places and sizes count */
#define HEAP_OCTETS_MAX ((size_t)1 << 36) /* 2^32 places: as much as cache.memory may be */
#define HEAP_BLOCK_MAX ((size_t)1 << 34)  /* the largest block that can be had */

#define HEAP_AHEAD_MIN ((size_t)1 << 20)  /* made ready at least: some thousand entries */
#define HEAP_AHEAD_MAX ((size_t)64 << 20) /* and at most, each time */

/* Lists of free blocks: one a size up to 63 units, then 8 to each power of two. */
#define HEAP_BINS_EXACT 64
#define HEAP_BINS_A_POWER 8
#define HEAP_BINS (HEAP_BINS_EXACT + HEAP_BINS_A_POWER * 26)

struct heap {
    uint8_t *base;                          /* owned; place 0, which no block has */
    void *mapping;                          /* owned; what the kernel gave, base within */
    size_t mapped;                          /* octets of mapping */
    _Alignas(64) pthread_mutex_t lock;      /* over all that follows; apart from what readers use */
    uint64_t limit;                         /* places that may be used */
    uint64_t top;                           /* the first place never used or given back */
    uint64_t looked_at;                     /* top when heap_prepare was last called */
    uint64_t filled[(HEAP_BINS + 63) / 64]; /* a bit for each bin that is not empty */
    uint32_t bins[HEAP_BINS];               /* first free block of each size; 0 for none */
};

/* An empty heap that may grow to limit octets. */
void heap_init(struct heap *heap, size_t limit);

/* Gives all memory back, blocks in use too. Accepts a zeroed one. */
void heap_deinit(struct heap *heap);

/* Changes the limit. What stands beyond a lower one stays; what is free at the end then goes back to the
 * kernel. */
void heap_resize(struct heap *heap, size_t limit);

/* Octets that a block of so many takes. */
size_t heap_octets(size_t octets);

/* A block of at least so many octets, 8-aligned; NULL when there is none. */
void *heap_take(struct heap *heap, size_t octets);

/* Gives a block back. */
void heap_give(struct heap *heap, void *block);

/* Octets that a block takes; at least heap_octets of what was asked. */
size_t heap_block_octets(const void *block);

/* Makes memory ready that is taken next: as much as twice what was since the last call, HEAP_AHEAD_MIN at
 * least. For a thread that nobody waits for, now and then: the first touch of a huge page takes a
 * millisecond and more where a machine is itself given memory only then. */
void heap_prepare(struct heap *heap);

/* Octets from the beginning to the end of what is in use, holes included: at most this is resident. */
size_t heap_extent(struct heap *heap);

/* What stands in front of a block, and where a place is. */
#define HEAP_HEAD 8

/* The block at a place that heap_place gave. */
static inline void *heap_at(const struct heap *heap, uint32_t place)
{
    return heap->base + (size_t)place * HEAP_UNIT + HEAP_HEAD;
}

/* The place of a block; never 0. */
static inline uint32_t heap_place(const struct heap *heap, const void *block)
{
    return (uint32_t)((size_t)((const uint8_t *)block - heap->base) / HEAP_UNIT);
}

#endif
