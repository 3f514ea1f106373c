/* watched: the files that a configuration is made of, watched together: itself and what its zones are read from.
 * Several that change at once, as in a ConfigMap, are told once. Main thread. */
#ifndef LOCAL53_APP_WATCHED_H
#define LOCAL53_APP_WATCHED_H

#include "local53/net/loop.h"
#include "local53/rules/zones.h"

/* Files of zones that are watched; what is over them is taken at the next reload alone. */
#define WATCHED_ZONE_FILES_MAX 256

struct watched;

/* Watches the configuration's file; on_change(owner) is told when it or another has changed. */
struct watched *watched_new(struct loop *loop, const char *file, void (*on_change)(void *owner),
                            void *owner);

/* From now on also the files of these zones (NULL: none), and no others'. */
void watched_follow(struct watched *watched, const struct zones *zones);

/* Accepts NULL. */
void watched_free(struct watched *watched);

#endif
