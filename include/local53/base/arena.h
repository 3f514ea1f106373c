/* arena: memory that is taken piece by piece and given back all at once; what an immutable
 * snapshot (configuration, rules) is built in. Grows in chunks; out of memory is fatal.
 * Not thread-safe while it is being filled. */
#ifndef LOCAL53_BASE_ARENA_H
#define LOCAL53_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* owned; newest first */
    size_t used;                /* octets handed out, for accounting */
};

/* size octets, zeroed, aligned to 16; lives until arena_deinit. Accepts a zeroed arena. */
void *arena_take(struct arena *arena, size_t size);

/* Copy of a C string, or of len octets with a terminator added. */
char *arena_copy_text(struct arena *arena, const char *text);
char *arena_copy_text_len(struct arena *arena, const char *text, size_t len);

/* Room for count items of the given type, zeroed. */
#define ARENA_NEW(arena, type, count) ((type *)arena_take((arena), sizeof(type) * (count)))

/* Gives all memory back; the arena is empty and usable again. Accepts a zeroed arena. */
void arena_deinit(struct arena *arena);

#endif
