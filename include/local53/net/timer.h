/* timer: time-outs by the class. All timers of a class have the same duration, so a class is a FIFO
 * list and starting or stopping one costs a list operation; one libuv timer a loop drives all
 * classes. Also single timers with a duration each, for rare things. */
#ifndef LOCAL53_NET_TIMER_H
#define LOCAL53_NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "local53/base/list.h"
#include "local53/net/loop.h"

struct timer_class;

/* Embedded in its owner, zero-initialised; in at most one class. */
struct timer {
    struct link link;    /* place in the class's list; unlinked when not running */
    uint64_t expires_ms; /* loop time at which on_expire is called */
};

/* One of the class's timers ran out; it is stopped already and may be started again or freed. */
typedef void (*timer_on_expire)(void *owner, struct timer *timer);

/* A class of timers that all last duration_ms (at least 1). owner is handed to on_expire. */
struct timer_class *timer_class_new(struct loop *loop, uint64_t duration_ms,
                                    timer_on_expire on_expire, void *owner);

/* Stops its timers and frees it; accepts NULL. Before its loop is freed. */
void timer_class_free(struct timer_class *class);

/* Starts (or restarts) a timer of the class; it fires once, at most 1 ms + one turn late. */
void timer_start(struct timer_class *class, struct timer *timer);

/* Stops it if it runs. */
void timer_stop(struct timer *timer);

/* A timer with a duration of its own; it may be set, cleared and freed when it fires. */
struct alarm;
typedef void (*alarm_on_fire)(void *owner);

/* An alarm that is not set; the caller owns it and gives it back with alarm_free. */
struct alarm *alarm_new(struct loop *loop, alarm_on_fire on_fire, void *owner);

/* Fires once after delay_ms (0: in a later turn, about 1 ms from now); setting it again replaces the
 * former time. */
void alarm_set(struct alarm *alarm, uint64_t delay_ms);

/* It will not fire; nothing when it was not set. */
void alarm_clear(struct alarm *alarm);

/* True from alarm_set until it fires or is cleared. */
bool alarm_is_set(const struct alarm *alarm);

/* Clears it; its memory goes by itself. Accepts NULL. */
void alarm_free(struct alarm *alarm);

#endif
