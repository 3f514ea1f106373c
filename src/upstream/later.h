/* later: work put off to the loop's next turn: what must not happen inside the call or the callback
 * that finds it necessary (telling an owner, freeing what a caller further up still uses). Items are
 * embedded in their owners and run once, in order; one loop's thread. */
#ifndef LOCAL53_UPSTREAM_LATER_H
#define LOCAL53_UPSTREAM_LATER_H

#include "local53/base/list.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"

struct later {
    struct alarm *alarm; /* owned; set while items wait */
    struct link items;   /* of struct later_item, borrowed */
};

/* Embedded in its owner, zero-initialised. */
struct later_item {
    struct link link;                      /* place in the list while it waits */
    void (*run)(struct later_item *later); /* what to do; the item is out of the list then */
};

/* Starts empty. */
void later_init(struct later *later, struct loop *loop);

/* Runs item in the next turn; nothing when it waits already. */
void later_add(struct later *later, struct later_item *item, void (*run)(struct later_item *));

/* Takes an item back; nothing when it does not wait. */
void later_cancel(struct later_item *item);

/* Runs what waits now; items added meanwhile wait for the next turn. */
void later_run(struct later *later);

/* Runs everything, what is added meanwhile too, and gives the alarm back. */
void later_deinit(struct later *later);

#endif
