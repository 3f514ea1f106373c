/* heap: boundary tags and segregated lists of free blocks (Masmano et al., "TLSF", ECRTS 2004, in its idea:
 * a bitmap finds the list, any block on it is large enough, so taking and giving are of bounded time).
 * Owns: the mapping. Thread: any, under the heap's mutex; readers of blocks take none.
 * Bounds: limit octets, HEAP_OCTETS_MAX at most. Fails: NULL when nothing fits; no address space is fatal. */
#include "heap.h"

#include <string.h>
#include <sys/mman.h>

#include "local53/base/check.h"
#include "local53/base/poison.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* A remainder below this stays with its block: it could not hold a free block's own data. */
#define UNITS_MIN 2

/* Of a head: what is free, and what stands in front is. */
#define IS_FREE 1U
#define BEFORE_IS_FREE 2U

/* In front of each block. */
struct head {
    uint32_t units; /* of the whole block, this head included */
    uint32_t flags; /* IS_FREE, BEFORE_IS_FREE */
};

/* A free block: linked into the bin of its size; its last four octets say its units again. */
struct hole {
    struct head head;
    uint32_t next; /* place of the next in the bin; 0 for none */
    uint32_t prev; /* place of the one before; 0 for the first */
};

static struct hole *hole_at(const struct heap *heap, uint64_t place)
{
    return (struct hole *)(void *)(heap->base + place * HEAP_UNIT);
}

static struct head *head_at(const struct heap *heap, uint64_t place)
{
    return &hole_at(heap, place)->head;
}

/* Where a hole in front of a place says its units. */
static uint8_t *foot_before(const struct heap *heap, uint64_t place)
{
    return heap->base + place * HEAP_UNIT - sizeof(uint32_t);
}

/* --- the mapping --- */

/* Address space alone costs nothing; so as much as can ever be asked for is reserved, and less only
 * where the system does not give that (a limit of the process). */
static void reserve(struct heap *heap, size_t least)
{
    void *mapping = MAP_FAILED;
    size_t size = HEAP_OCTETS_MAX + HUGE_PAGE;

    for (; mapping == MAP_FAILED && size >= least; size = size / 2 + 1) {
        heap->mapped = size;
        mapping = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    CHECK(mapping != MAP_FAILED);
    heap->mapping = mapping;
    heap->base = (uint8_t *)mapping + (HUGE_PAGE - (uintptr_t)mapping % HUGE_PAGE) % HUGE_PAGE;
}

static size_t room(const struct heap *heap)
{
    return heap->mapped - (size_t)(heap->base - (uint8_t *)heap->mapping);
}

/* Makes the space up to the limit usable; whole huge pages. Without them it works as well, slower. */
static void open_space(struct heap *heap, size_t limit)
{
    size_t octets = (limit + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    size_t most = room(heap) < HEAP_OCTETS_MAX ? room(heap) : HEAP_OCTETS_MAX;

    octets = octets < most ? octets : most / HUGE_PAGE * HUGE_PAGE;
    heap->limit = (limit < octets ? limit : octets) / HEAP_UNIT;
    CHECK(octets == 0 || mprotect(heap->base, octets, PROT_READ | PROT_WRITE) == 0);
    if (octets > 0)
        (void)madvise(heap->base, octets, MADV_HUGEPAGE);
}

void heap_init(struct heap *heap, size_t limit)
{
    memset(heap, 0, sizeof(*heap));
    reserve(heap, limit + HUGE_PAGE);
    open_space(heap, limit);
    heap->top = 1;
    heap->looked_at = 1;
    CHECK(pthread_mutex_init(&heap->lock, NULL) == 0);
}

void heap_deinit(struct heap *heap)
{
    if (heap->mapping == NULL)
        return;
    UNPOISON(heap->base, heap->top * HEAP_UNIT);
    CHECK(munmap(heap->mapping, heap->mapped) == 0);
    CHECK(pthread_mutex_destroy(&heap->lock) == 0);
    memset(heap, 0, sizeof(*heap));
}

static void lock(struct heap *heap)
{
    CHECK(pthread_mutex_lock(&heap->lock) == 0);
}

static void unlock(struct heap *heap)
{
    CHECK(pthread_mutex_unlock(&heap->lock) == 0);
}

/* Gives the kernel back what stands behind the end of what is in use. */
static void trim(struct heap *heap, uint64_t before)
{
    size_t from = (heap->top * HEAP_UNIT + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    size_t to = before * HEAP_UNIT / HUGE_PAGE * HUGE_PAGE;

    if (from < to)
        (void)madvise(heap->base + from, to - from, MADV_DONTNEED);
}

void heap_resize(struct heap *heap, size_t limit)
{
    uint64_t before;

    lock(heap);
    before = heap->limit;
    open_space(heap, limit);
    if (heap->limit < before)
        trim(heap, before);
    unlock(heap);
}

/* Kernels before 5.14 do not know the advice; then whoever comes first waits, as without. */
void heap_prepare(struct heap *heap)
{
    size_t ahead;
    size_t from;
    size_t to;

    lock(heap);
    from = heap->top * HEAP_UNIT;
    ahead = heap->top > heap->looked_at ? (heap->top - heap->looked_at) * HEAP_UNIT * 2 : 0;
    ahead = ahead < HEAP_AHEAD_MAX ? ahead : HEAP_AHEAD_MAX;
    to = from + (ahead > HEAP_AHEAD_MIN ? ahead : HEAP_AHEAD_MIN);
    to = to < heap->limit * HEAP_UNIT ? to : heap->limit * HEAP_UNIT;
    heap->looked_at = heap->top;
    unlock(heap);
    from = from / HUGE_PAGE * HUGE_PAGE;
    if (from < to)
        (void)madvise(heap->base + from, to - from, MADV_POPULATE_WRITE);
}

size_t heap_extent(struct heap *heap)
{
    size_t extent;

    lock(heap);
    extent = heap->top * HEAP_UNIT;
    unlock(heap);
    return extent;
}

/* --- bins --- */

/* The bin that a hole of so many units is on: the largest whose blocks are all at most as large. */
static unsigned bin_of(uint64_t units)
{
    unsigned power;

    if (units < HEAP_BINS_EXACT)
        return (unsigned)units;
    power = 63U - (unsigned)__builtin_clzll(units);
    return HEAP_BINS_EXACT + (power - 6) * HEAP_BINS_A_POWER + (unsigned)(units >> (power - 3) & 7);
}

/* The first bin from this on that has a hole; HEAP_BINS for none. */
static unsigned bin_next(const struct heap *heap, unsigned bin)
{
    unsigned word = bin / 64;
    uint64_t bits;

    if (bin >= HEAP_BINS)
        return HEAP_BINS;
    bits = heap->filled[word] & ~(uint64_t)0 << bin % 64;
    while (bits == 0 && ++word < sizeof(heap->filled) / sizeof(heap->filled[0]))
        bits = heap->filled[word];
    return bits == 0 ? HEAP_BINS : word * 64 + (unsigned)__builtin_ctzll(bits);
}

/* A bin whose first hole has at least so many units: the size's own, where the first alone is looked at, or
 * any of the larger; HEAP_BINS for none. */
static unsigned bin_for(const struct heap *heap, uint64_t units)
{
    unsigned bin = bin_of(units);

    if (heap->bins[bin] != 0 && hole_at(heap, heap->bins[bin])->head.units >= units)
        return bin;
    return bin_next(heap, bin + 1);
}

static void hole_link(struct heap *heap, uint64_t place, uint64_t units)
{
    struct hole *hole = hole_at(heap, place);
    unsigned bin = bin_of(units);
    uint32_t size = (uint32_t)units;

    UNPOISON(hole, sizeof(*hole));
    UNPOISON(foot_before(heap, place + units), sizeof(size));
    *hole = (struct hole){.head = {.units = size, .flags = IS_FREE}, .next = heap->bins[bin]};
    if (hole->next != 0)
        hole_at(heap, hole->next)->prev = (uint32_t)place;
    heap->bins[bin] = (uint32_t)place;
    heap->filled[bin / 64] |= (uint64_t)1 << bin % 64;
    memcpy(foot_before(heap, place + units), &size, sizeof(size));
    head_at(heap, place + units)->flags |= BEFORE_IS_FREE;
    POISON(hole + 1, units * HEAP_UNIT - sizeof(*hole) - HEAP_HEAD);
}

static void hole_unlink(struct heap *heap, uint64_t place)
{
    struct hole *hole = hole_at(heap, place);
    unsigned bin = bin_of(hole->head.units);

    if (hole->next != 0)
        hole_at(heap, hole->next)->prev = hole->prev;
    if (hole->prev != 0)
        hole_at(heap, hole->prev)->next = hole->next;
    else
        heap->bins[bin] = hole->next;
    if (heap->bins[bin] == 0)
        heap->filled[bin / 64] &= ~((uint64_t)1 << bin % 64);
    head_at(heap, place + hole->head.units)->flags &= ~BEFORE_IS_FREE;
}

/* --- blocks --- */

size_t heap_octets(size_t octets)
{
    size_t whole = (octets + HEAP_HEAD + HEAP_UNIT - 1) / HEAP_UNIT * HEAP_UNIT;

    return whole < (size_t)UNITS_MIN * HEAP_UNIT ? (size_t)UNITS_MIN * HEAP_UNIT : whole;
}

size_t heap_block_octets(const void *block)
{
    const struct head *head = (const struct head *)block - 1;

    return (size_t)head->units * HEAP_UNIT;
}

/* Takes a hole and leaves what is not needed of it free. */
static uint64_t take_hole(struct heap *heap, unsigned bin, uint64_t units)
{
    uint64_t place = heap->bins[bin];
    uint64_t all = hole_at(heap, place)->head.units;

    hole_unlink(heap, place);
    UNPOISON(head_at(heap, place), all * HEAP_UNIT);
    if (all - units >= UNITS_MIN) {
        hole_link(heap, place + units, all - units);
        all = units;
    }
    *head_at(heap, place) = (struct head){.units = (uint32_t)all, .flags = 0};
    return place;
}

/* Takes from the end; 0 at the limit. */
static uint64_t take_top(struct heap *heap, uint64_t units)
{
    uint64_t place = heap->top;

    if (place + units + 1 > heap->limit) /* behind the last block stands one head more */
        return 0;
    heap->top += units;
    UNPOISON(head_at(heap, place), units * HEAP_UNIT + HEAP_HEAD);
    *head_at(heap, place) = (struct head){.units = (uint32_t)units, .flags = 0};
    *head_at(heap, heap->top) = (struct head){.units = 0, .flags = 0};
    return place;
}

void *heap_take(struct heap *heap, size_t octets)
{
    uint64_t units = heap_octets(octets) / HEAP_UNIT;
    uint64_t place;
    unsigned bin;

    if (octets > HEAP_BLOCK_MAX)
        return NULL;
    lock(heap);
    bin = bin_for(heap, units);
    place = bin < HEAP_BINS ? take_hole(heap, bin, units) : take_top(heap, units);
    unlock(heap);
    return place == 0 ? NULL : heap_at(heap, (uint32_t)place);
}

/* What was the end is free now, so the end is here. */
static void lower_top(struct heap *heap, uint64_t place)
{
    POISON(head_at(heap, place), (heap->top - place) * HEAP_UNIT + HEAP_HEAD);
    UNPOISON(head_at(heap, place), HEAP_HEAD);
    *head_at(heap, place) = (struct head){.units = 0, .flags = 0};
    heap->top = place;
}

void heap_give(struct heap *heap, void *block)
{
    uint64_t place = heap_place(heap, block);
    struct head *head = head_at(heap, place);
    uint64_t end;
    uint32_t before;

    lock(heap);
    CHECK((head->flags & IS_FREE) == 0 && head->units >= UNITS_MIN);
    end = place + head->units;
    if ((head->flags & BEFORE_IS_FREE) != 0) {
        memcpy(&before, foot_before(heap, place), sizeof(before));
        place -= before;
        hole_unlink(heap, place);
    }
    if ((head_at(heap, end)->flags & IS_FREE) != 0) {
        uint64_t hole = end;

        end += head_at(heap, hole)->units;
        hole_unlink(heap, hole);
    }
    if (end == heap->top)
        lower_top(heap, place);
    else
        hole_link(heap, place, end - place);
    unlock(heap);
}
