/* slab: three arrays made at start: the items, a generation each, and a stack of free indexes.
 * Owns them; one thread. Bounds: the capacity; when full, slab_take gives NULL and counts.
 * A generation is odd while its item is taken, so an id of generation 0 names nothing; it comes
 * round after 2^31 uses of one place, long after any wait that holds an id is over.
 * Fails: a pointer that is not a taken item of this slab stops the process. */
#include "local53/base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/poison.h"

/* Items start at multiples of this many octets, enough for any type. */
#define SLAB_ALIGNMENT 16

static unsigned char *slab_item(const struct slab *slab, uint32_t index)
{
    return slab->items + (size_t)index * slab->stride;
}

/* Index of a taken item. */
static uint32_t slab_index_of(const struct slab *slab, const void *item)
{
    uintptr_t offset = (uintptr_t)item - (uintptr_t)slab->items;
    size_t index = offset / slab->stride;

    CHECK(offset % slab->stride == 0 && index < slab->capacity);
    CHECK(slab->generations[index] % 2 == 1);
    return (uint32_t)index;
}

void slab_init(struct slab *slab, size_t item_size, uint32_t capacity)
{
    CHECK(item_size > 0 && item_size <= SIZE_MAX - SLAB_ALIGNMENT);
    CHECK(capacity > 0 && capacity <= (uint32_t)1 << 31);
    *slab = (struct slab){.item_size = item_size, .capacity = capacity, .free_count = capacity};
    slab->stride = (item_size + SLAB_ALIGNMENT - 1) / SLAB_ALIGNMENT * SLAB_ALIGNMENT;
    slab->items = calloc(capacity, slab->stride);
    slab->generations = calloc(capacity, sizeof(*slab->generations));
    slab->free = calloc(capacity, sizeof(*slab->free));
    CHECK(slab->items != NULL && slab->generations != NULL && slab->free != NULL);
    /* Low places on top: the memory in use stays together. */
    for (uint32_t i = 0; i < capacity; i++)
        slab->free[i] = capacity - 1 - i;
    POISON(slab->items, capacity * slab->stride);
}

void slab_deinit(struct slab *slab)
{
    UNPOISON(slab->items, slab->capacity * slab->stride);
    free(slab->items);
    free(slab->generations);
    free(slab->free);
    *slab = (struct slab){0};
}

void *slab_take(struct slab *slab)
{
    uint32_t index;
    unsigned char *item;

    if (slab->free_count == 0) {
        slab->refused++;
        return NULL;
    }
    index = slab->free[--slab->free_count];
    slab->generations[index]++;
    item = slab_item(slab, index);
    UNPOISON(item, slab->item_size);
    memset(item, 0, slab->item_size);
    return item;
}

void slab_give(struct slab *slab, void *item)
{
    uint32_t index = slab_index_of(slab, item);

    slab->generations[index]++;
    slab->free[slab->free_count++] = index;
    POISON(item, slab->item_size);
}

slab_id slab_id_of(const struct slab *slab, const void *item)
{
    uint32_t index = slab_index_of(slab, item);

    return (slab_id)slab->generations[index] << 32 | index;
}

void *slab_find(const struct slab *slab, slab_id id)
{
    uint32_t index = (uint32_t)id;
    uint32_t generation = (uint32_t)(id >> 32);

    if (generation % 2 == 0 || index >= slab->capacity || slab->generations[index] != generation)
        return NULL;
    return slab_item(slab, index);
}

uint32_t slab_used(const struct slab *slab)
{
    return slab->capacity - slab->free_count;
}
