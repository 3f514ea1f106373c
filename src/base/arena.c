/* arena: chunks in a chain, the newest one filled from its front. Owns the chunks; one thread
 * while it is filled. Bounds: those of the caller's data (configuration files, zones).
 * Fails: out of memory is fatal, at start and at a reload. */
#include "local53/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

/* Octets of an ordinary chunk; larger requests get a chunk of their own size. */
#define ARENA_CHUNK_SIZE ((size_t)64 * 1024)
#define ARENA_ALIGNMENT 16

struct arena_chunk {
    struct arena_chunk *next;                /* owned; older chunk */
    size_t size;                             /* octets of data */
    size_t used;                             /* octets of data handed out, a multiple of 16 */
    alignas(ARENA_ALIGNMENT) uint8_t data[]; /* zeroed until handed out */
};

static void arena_grow(struct arena *arena, size_t least)
{
    size_t size = least > ARENA_CHUNK_SIZE ? least : ARENA_CHUNK_SIZE;
    struct arena_chunk *chunk;

    CHECK(size <= SIZE_MAX - sizeof(*chunk));
    chunk = calloc(1, sizeof(*chunk) + size);
    CHECK(chunk != NULL);
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded;
    uint8_t *at;

    CHECK(size <= SIZE_MAX - ARENA_ALIGNMENT);
    rounded = (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    if (arena->chunks == NULL || rounded > arena->chunks->size - arena->chunks->used)
        arena_grow(arena, rounded);
    at = arena->chunks->data + arena->chunks->used;
    arena->chunks->used += rounded;
    arena->used += rounded;
    return at;
}

char *arena_copy_text_len(struct arena *arena, const char *text, size_t len)
{
    char *copy;

    CHECK(len < SIZE_MAX);
    copy = arena_take(arena, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
    return arena_copy_text_len(arena, text, strlen(text));
}

void arena_deinit(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;

    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
    *arena = (struct arena){0};
}
