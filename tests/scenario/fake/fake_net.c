/* fake_net: loops, timers and mailboxes over a clock that the test moves. Owns the loops' bookkeeping;
 * one network at a time, in static memory because the doors it stands behind hand no context. */
#include "fake_net.h"

#include <stdlib.h>

#include "fake_private.h"
#include "local53/base/check.h"
#include "local53/net/mailbox.h"
#include "local53/net/timer.h"

/* Turns of one run after which something must be spinning. */
#define TURNS_MAX 100000

struct timer_class {
    struct loop *loop;         /* borrowed */
    struct link link;          /* place in the loop's list */
    struct link timers;        /* of struct timer; the earliest is first */
    uint64_t duration_ms;      /* at least 1 */
    timer_on_expire on_expire; /* told once a timer */
    void *owner;               /* borrowed */
};

struct alarm {
    struct loop *loop;     /* borrowed */
    struct link link;      /* place in the loop's list */
    uint64_t expires_ms;   /* UINT64_MAX while not set */
    alarm_on_fire on_fire; /* told when it fires */
    void *owner;           /* borrowed */
};

struct message {
    struct link link; /* place in the mailbox */
    int kind;         /* the receiver's numbering */
    void *payload;    /* goes to the receiver */
};

struct mailbox {
    struct link link;              /* place in the loop's list */
    struct link messages;          /* of struct message; owned */
    mailbox_on_message on_message; /* told each message */
    void *owner;                   /* borrowed */
    bool closing;                  /* freed at the end of the turn */
};

struct signal_watcher {
    struct link link;                           /* place in the loop's list */
    int number;                                 /* the signal */
    bool pending;                               /* not told yet */
    void (*on_signal)(void *owner, int number); /* told on the loop */
    void *owner;                                /* borrowed */
};

static struct fake_net {
    bool is_open;      /* between init and deinit */
    uint64_t now_ms;   /* the clock of all loops */
    uint64_t last_id;  /* last name given by fake_next_id */
    struct link loops; /* of struct loop */
} net;

/* --- the network --- */

void *fake_new(size_t size)
{
    void *memory = calloc(1, size);
    CHECK(memory != NULL);
    return memory;
}

struct link *fake_loops(void)
{
    return &net.loops;
}

uint64_t fake_next_id(void)
{
    return ++net.last_id;
}

void fake_net_init(void)
{
    CHECK(!net.is_open);
    net = (struct fake_net){.is_open = true, .now_ms = FAKE_NET_START_MS};
    list_init(&net.loops);
    fake_udp_init();
    fake_stream_init();
}

void fake_net_deinit(void)
{
    CHECK(net.is_open);
    CHECK(list_is_empty(&net.loops));
    fake_udp_deinit();
    fake_stream_deinit();
    net.is_open = false;
}

uint64_t fake_net_now_ms(void)
{
    return net.now_ms;
}

/* --- timers --- */

/* The earlier of what is found so far and what this loop has. */
struct next_timer {
    uint64_t due_ms;           /* UINT64_MAX when nothing runs */
    struct timer_class *class; /* its first timer is the one; NULL when it is an alarm */
    struct alarm *alarm;       /* the one; NULL when it is a class's */
};

static void find_next(struct loop *loop, struct next_timer *next)
{
    LIST_EACH(item, after, &loop->classes) {
        struct timer_class *class = LIST_ITEM(item, struct timer_class, link);
        struct link *first = list_first(&class->timers);
        if (first == NULL)
            continue;
        uint64_t due_ms = LIST_ITEM(first, struct timer, link)->expires_ms;
        if (due_ms < next->due_ms)
            *next = (struct next_timer){due_ms, class, NULL};
    }
    LIST_EACH(item, after, &loop->alarms) {
        struct alarm *alarm = LIST_ITEM(item, struct alarm, link);
        if (alarm->expires_ms < next->due_ms)
            *next = (struct next_timer){alarm->expires_ms, NULL, alarm};
    }
}

static struct next_timer next_of_all(void)
{
    struct next_timer next = {UINT64_MAX, NULL, NULL};
    LIST_EACH(item, after, &net.loops)
        find_next(LIST_ITEM(item, struct loop, link), &next);
    return next;
}

uint64_t fake_net_next_timer_ms(void)
{
    uint64_t due_ms = next_of_all().due_ms;
    if (due_ms == UINT64_MAX)
        return UINT64_MAX;
    return due_ms > net.now_ms ? due_ms - net.now_ms : 0;
}

static void fire(struct next_timer next)
{
    if (next.alarm != NULL) {
        next.alarm->expires_ms = UINT64_MAX;
        next.alarm->on_fire(next.alarm->owner);
        return;
    }
    struct link *first = list_take_first(&next.class->timers);
    next.class->on_expire(next.class->owner, LIST_ITEM(first, struct timer, link));
}

/* Timers of a loop that are due now. */
static size_t count_due(const struct loop *loop)
{
    size_t count = 0;
    LIST_EACH(item, after, &loop->classes) {
        struct timer_class *class = LIST_ITEM(item, struct timer_class, link);
        LIST_EACH(inner, inner_after, &class->timers)
            count += LIST_ITEM(inner, struct timer, link)->expires_ms <= net.now_ms ? 1 : 0;
    }
    LIST_EACH(item, after, &loop->alarms)
        count += LIST_ITEM(item, struct alarm, link)->expires_ms <= net.now_ms ? 1 : 0;
    return count;
}

/* Fires as many as were due when the turn began, so that an alarm set for "now" waits a turn. */
static bool timer_turn(struct loop *loop)
{
    size_t due = count_due(loop);
    for (size_t fired = 0; fired < due; fired++) {
        struct next_timer next = {UINT64_MAX, NULL, NULL};
        find_next(loop, &next);
        if (next.due_ms > net.now_ms)
            break; /* what was due was stopped by what fired */
        fire(next);
    }
    return due > 0;
}

struct timer_class *timer_class_new(struct loop *loop, uint64_t duration_ms,
                                    timer_on_expire on_expire, void *owner)
{
    CHECK(duration_ms > 0);
    struct timer_class *class = fake_new(sizeof(*class));
    *class = (struct timer_class){
        .loop = loop, .duration_ms = duration_ms, .on_expire = on_expire, .owner = owner};
    list_init(&class->timers);
    list_append(&loop->classes, &class->link);
    return class;
}

void timer_class_free(struct timer_class *class)
{
    if (class == NULL)
        return;
    while (list_take_first(&class->timers) != NULL) {}
    list_remove(&class->link);
    free(class);
}

void timer_start(struct timer_class *class, struct timer *timer)
{
    list_remove(&timer->link);
    timer->expires_ms = net.now_ms + class->duration_ms;
    list_append(&class->timers, &timer->link);
}

void timer_stop(struct timer *timer)
{
    list_remove(&timer->link);
}

struct alarm *alarm_new(struct loop *loop, alarm_on_fire on_fire, void *owner)
{
    struct alarm *alarm = fake_new(sizeof(*alarm));
    *alarm =
        (struct alarm){.loop = loop, .expires_ms = UINT64_MAX, .on_fire = on_fire, .owner = owner};
    list_append(&loop->alarms, &alarm->link);
    return alarm;
}

void alarm_set(struct alarm *alarm, uint64_t delay_ms)
{
    alarm->expires_ms = net.now_ms + delay_ms;
}

void alarm_clear(struct alarm *alarm)
{
    alarm->expires_ms = UINT64_MAX;
}

bool alarm_is_set(const struct alarm *alarm)
{
    return alarm->expires_ms != UINT64_MAX;
}

void alarm_free(struct alarm *alarm)
{
    if (alarm == NULL)
        return;
    list_remove(&alarm->link);
    free(alarm);
}

/* --- mailboxes --- */

struct mailbox *mailbox_new(struct loop *loop, mailbox_on_message on_message, void *owner)
{
    struct mailbox *mailbox = fake_new(sizeof(*mailbox));
    mailbox->on_message = on_message;
    mailbox->owner = owner;
    list_init(&mailbox->messages);
    list_append(&loop->mailboxes, &mailbox->link);
    return mailbox;
}

void mailbox_post(struct mailbox *mailbox, int kind, void *payload)
{
    CHECK(!mailbox->closing);
    struct message *message = fake_new(sizeof(*message));
    message->kind = kind;
    message->payload = payload;
    list_append(&mailbox->messages, &message->link);
}

static bool dispatch(struct mailbox *mailbox)
{
    struct link *link;
    bool worked = false;
    while ((link = list_take_first(&mailbox->messages)) != NULL) {
        struct message *message = LIST_ITEM(link, struct message, link);
        mailbox->on_message(mailbox->owner, message->kind, message->payload);
        free(message);
        worked = true;
    }
    return worked;
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    (void)dispatch(mailbox);
    mailbox->closing = true;
}

static bool mailbox_turn(struct loop *loop)
{
    bool worked = false;
    LIST_EACH(item, after, &loop->mailboxes) {
        struct mailbox *mailbox = LIST_ITEM(item, struct mailbox, link);
        worked = dispatch(mailbox) || worked;
        after = item->next;
        if (!mailbox->closing)
            continue;
        list_remove(item);
        free(mailbox);
        worked = true;
    }
    return worked;
}

/* --- loops --- */

struct loop *loop_new(void)
{
    CHECK(net.is_open);
    struct loop *loop = fake_new(sizeof(*loop));
    list_init(&loop->classes);
    list_init(&loop->alarms);
    list_init(&loop->mailboxes);
    list_init(&loop->signals);
    list_init(&loop->udp_servers);
    list_init(&loop->udp_clients);
    list_init(&loop->listeners);
    list_init(&loop->streams);
    list_append(&net.loops, &loop->link);
    return loop;
}

static bool signal_turn(struct loop *loop)
{
    bool worked = false;
    LIST_EACH(item, after, &loop->signals) {
        struct signal_watcher *watcher = LIST_ITEM(item, struct signal_watcher, link);
        if (!watcher->pending)
            continue;
        watcher->pending = false;
        watcher->on_signal(watcher->owner, watcher->number);
        worked = true;
    }
    return worked;
}

/* One turn, in libuv's order: timers, then what came from outside, then the end of the turn. */
static bool turn(struct loop *loop)
{
    bool worked = timer_turn(loop);
    worked = fake_udp_turn(loop) || worked;
    worked = fake_stream_turn(loop) || worked;
    worked = mailbox_turn(loop) || worked;
    worked = signal_turn(loop) || worked;
    if (loop->on_turn != NULL)
        loop->on_turn(loop->on_turn_owner);
    fake_udp_end_turn(loop);
    return worked;
}

void fake_net_run(void)
{
    bool worked = true;
    for (unsigned turns = 0; worked; turns++) {
        CHECK(turns < TURNS_MAX); /* else the loops never come to rest */
        worked = false;
        LIST_EACH(item, after, &net.loops)
            worked = turn(LIST_ITEM(item, struct loop, link)) || worked;
    }
}

void fake_net_advance(uint64_t ms)
{
    uint64_t until_ms = net.now_ms + ms;
    fake_net_run();
    for (;;) {
        uint64_t due_ms = next_of_all().due_ms;
        if (due_ms > until_ms)
            break;
        net.now_ms = due_ms;
        fake_net_run();
    }
    net.now_ms = until_ms;
    fake_net_run();
}

void fake_net_signal(int number)
{
    LIST_EACH(item, after, &net.loops) {
        struct loop *loop = LIST_ITEM(item, struct loop, link);
        LIST_EACH(inner, inner_after, &loop->signals) {
            struct signal_watcher *watcher = LIST_ITEM(inner, struct signal_watcher, link);
            watcher->pending = watcher->pending || watcher->number == number;
        }
    }
}

void loop_run(struct loop *loop)
{
    (void)loop;
    fake_net_run();
}

void loop_stop(struct loop *loop)
{
    (void)loop;
}

void loop_free(struct loop *loop)
{
    struct link *link;
    if (loop == NULL)
        return;
    /* Closing one object may close others: as many turns as there is something to end. */
    while (turn(loop)) {}
    CHECK(list_is_empty(&loop->classes) && list_is_empty(&loop->alarms));
    CHECK(list_is_empty(&loop->mailboxes) && list_is_empty(&loop->listeners));
    CHECK(list_is_empty(&loop->udp_servers) && list_is_empty(&loop->udp_clients));
    CHECK(list_is_empty(&loop->streams));
    while ((link = list_take_first(&loop->signals)) != NULL)
        free(LIST_ITEM(link, struct signal_watcher, link));
    list_remove(&loop->link);
    free(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return net.now_ms;
}

uint64_t loop_now_us(const struct loop *loop)
{
    (void)loop;
    return net.now_ms * 1000;
}

void loop_set_on_turn(struct loop *loop, loop_on_turn on_turn, void *owner)
{
    loop->on_turn = on_turn;
    loop->on_turn_owner = owner;
}

/* Nothing to drive a foreign library with: scenarios resolve no host names. */
void *loop_native(struct loop *loop)
{
    (void)loop;
    return NULL;
}

void loop_on_signal(struct loop *loop, int number, void (*on_signal)(void *owner, int number),
                    void *owner)
{
    struct signal_watcher *watcher = fake_new(sizeof(*watcher));
    watcher->number = number;
    watcher->on_signal = on_signal;
    watcher->owner = owner;
    list_append(&loop->signals, &watcher->link);
}
