/* readers: who is looking into the cache, and since when. What is taken out gets the time of a clock that
 * goes on with each such event; it may be freed when everybody inside came later than that. A reader that
 * is outside holds nothing up. */
#ifndef LOCAL53_CACHE_READERS_H
#define LOCAL53_CACHE_READERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "local53/cache/cache.h"

/* Octets of a cache line: what different threads write stands on different ones. */
#define CACHE_LINE 64

struct cache_reader {
    _Alignas(CACHE_LINE) _Atomic uint64_t since; /* clock when it went inside; 0 while outside */
    _Atomic bool taken;                          /* somebody's */
    struct cache *cache;                         /* borrowed; what is looked into */
};

struct readers {
    _Alignas(CACHE_LINE) _Atomic uint64_t clock; /* from 1 */
    _Atomic uint64_t count;                      /* places ever taken, the first in `places` */
    struct cache_reader places[CACHE_READERS_MAX];
};

/* Nobody yet. */
void readers_init(struct readers *readers);

/* A free place, or NULL. */
struct cache_reader *readers_add(struct readers *readers, struct cache *cache);

/* Gives it back; it must be outside. */
void readers_remove(struct cache_reader *reader);

/* True when no place is taken. */
bool readers_are_gone(const struct readers *readers);

/* Goes inside and outside. */
void readers_enter(struct readers *readers, struct cache_reader *reader);
void readers_leave(struct cache_reader *reader);

/* True while inside; the reader's own thread. */
bool readers_is_inside(const struct cache_reader *reader);

/* The time of something that cannot be found any more from now on; each call another. */
uint64_t readers_tick(struct readers *readers);

/* What has a time below this one is held by nobody. */
uint64_t readers_passed(const struct readers *readers);

#endif
