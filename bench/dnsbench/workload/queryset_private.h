/* queryset_private: what the rooms of the layer that read text share. */
#ifndef DNSBENCH_WORKLOAD_QUERYSET_PRIVATE_H
#define DNSBENCH_WORKLOAD_QUERYSET_PRIVATE_H

#include "workload/queryset.h"

/* Presentation form, with or without the last dot, to uncompressed wire form (255 octets of room),
 * case kept. ERR_INVALID or ERR_TOO_LONG, and *reason completes "the name has ..."; static
 * storage. */
enum err queryset_read_name(uint8_t *wire, size_t *len, const char *text, const char **reason);

/* Longest word that queryset_quote shows whole, and the room it wants. */
#define QUOTE_SHOWN 40
#define QUOTE_ROOM (QUOTE_SHOWN + 4)

/* A word of others as it may stand in a message: octets that a terminal would obey are '?', the
 * end of a long one is "..."; gives out, which has QUOTE_ROOM octets. */
const char *queryset_quote(const char *word, char *out);

#endif
