/* timer: FIFO lists of time-outs, one a class, and single alarms. Owns no timer: they are embedded in
 * their owners. Starting one is a list append, since the first of a list is always its earliest; the
 * libuv timer that drives all classes is touched only when a list was empty. A stopped timer leaves the
 * driver alone: it wakes once for nothing and finds the next one. Loop's thread only. */
#include "local53/net/timer.h"

#include <stdlib.h>

#include "local53/base/check.h"
#include "uv_private.h"

struct timer_class {
    struct loop *loop;         /* borrowed */
    struct link link;          /* place in the loop's list of classes */
    struct link timers;        /* of struct timer; the earliest is first */
    uint64_t duration_ms;      /* at least 1 */
    timer_on_expire on_expire; /* told once a timer */
    void *owner;               /* borrowed */
};

struct alarm {
    uv_timer_t handle;     /* data points back here */
    alarm_on_fire on_fire; /* told when it fires */
    void *owner;           /* borrowed */
};

struct timer_class *timer_class_new(struct loop *loop, uint64_t duration_ms,
                                    timer_on_expire on_expire, void *owner)
{
    CHECK(duration_ms > 0);
    struct timer_class *class = calloc(1, sizeof(*class));
    CHECK(class != NULL);
    class->loop = loop;
    class->duration_ms = duration_ms;
    class->on_expire = on_expire;
    class->owner = owner;
    list_init(&class->timers);
    list_append(&loop->classes, &class->link);
    return class;
}

/* Without a class there is nothing to wake for: the driver must not keep the loop alive. */
static void disarm_driver(struct loop *loop)
{
    uv_timer_stop(&loop->driver);
    loop->driver_due_ms = UINT64_MAX;
}

void timer_class_free(struct timer_class *class)
{
    if (class == NULL)
        return;
    struct loop *loop = class->loop;
    while (list_take_first(&class->timers) != NULL) {}
    list_remove(&class->link);
    free(class);
    if (list_is_empty(&loop->classes))
        disarm_driver(loop);
}

/* Makes the driver fire at due_ms unless it fires earlier anyway. */
static void arm_driver(struct loop *loop, uint64_t due_ms)
{
    if (due_ms >= loop->driver_due_ms)
        return;
    uint64_t now_ms = uv_now(&loop->uv);
    loop->driver_due_ms = due_ms;
    uv_timer_start(&loop->driver, timer_on_driver, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void timer_start(struct timer_class *class, struct timer *timer)
{
    bool was_empty = list_is_empty(&class->timers);
    list_remove(&timer->link);
    timer->expires_ms = uv_now(&class->loop->uv) + class->duration_ms;
    list_append(&class->timers, &timer->link);
    if (was_empty)
        arm_driver(class->loop, timer->expires_ms);
}

void timer_stop(struct timer *timer)
{
    list_remove(&timer->link);
}

/* The earliest timer of a class; NULL when none runs. */
static struct timer *first_timer(const struct timer_class *class)
{
    struct link *first = list_first(&class->timers);
    return first == NULL ? NULL : LIST_ITEM(first, struct timer, link);
}

/* A class whose first timer is due, or NULL; *next_ms gets the earliest expiry of all classes. */
static struct timer_class *find_due(struct loop *loop, uint64_t now_ms, uint64_t *next_ms)
{
    *next_ms = UINT64_MAX;
    LIST_EACH(item, after, &loop->classes) {
        struct timer_class *class = LIST_ITEM(item, struct timer_class, link);
        const struct timer *first = first_timer(class);
        if (first == NULL)
            continue;
        if (first->expires_ms <= now_ms)
            return class;
        if (first->expires_ms < *next_ms)
            *next_ms = first->expires_ms;
    }
    return NULL;
}

void timer_on_driver(uv_timer_t *driver)
{
    struct loop *loop = UV_OWNER(driver);
    uint64_t now_ms = uv_now(&loop->uv);
    uint64_t next_ms = UINT64_MAX;
    struct timer_class *class;
    loop->driver_due_ms = UINT64_MAX;
    /* Looked up afresh each time: on_expire may start, stop and free anything. It ends, because a
     * timer started now expires after now. */
    while ((class = find_due(loop, now_ms, &next_ms)) != NULL) {
        struct timer *timer = first_timer(class);
        list_remove(&timer->link);
        class->on_expire(class->owner, timer);
    }
    if (next_ms != UINT64_MAX)
        arm_driver(loop, next_ms);
}

static void on_alarm(uv_timer_t *handle)
{
    struct alarm *alarm = UV_OWNER(handle);
    alarm->on_fire(alarm->owner);
}

struct alarm *alarm_new(struct loop *loop, alarm_on_fire on_fire, void *owner)
{
    struct alarm *alarm = calloc(1, sizeof(*alarm));
    CHECK(alarm != NULL);
    alarm->on_fire = on_fire;
    alarm->owner = owner;
    CHECK(uv_timer_init(&loop->uv, &alarm->handle) == 0);
    alarm->handle.data = alarm;
    return alarm;
}

void alarm_set(struct alarm *alarm, uint64_t delay_ms)
{
    /* libuv 1.44 fires a timer of 0 ms set by a timer in the same turn, over and over. */
    uv_timer_start(&alarm->handle, on_alarm, delay_ms > 0 ? delay_ms : 1, 0);
}

void alarm_clear(struct alarm *alarm)
{
    uv_timer_stop(&alarm->handle);
}

bool alarm_is_set(const struct alarm *alarm)
{
    return uv_is_active((const uv_handle_t *)&alarm->handle);
}

static void on_alarm_closed(uv_handle_t *handle)
{
    free(UV_OWNER(handle));
}

void alarm_free(struct alarm *alarm)
{
    if (alarm != NULL)
        uv_close((uv_handle_t *)&alarm->handle, on_alarm_closed);
}
