/* loop: one libuv loop a thread. Owns the loop, its end-of-turn hook, the timer driver and the signal
 * watchers. The end of a turn is libuv's prepare phase: timers, socket callbacks and close callbacks
 * all run before it and only the sleep comes after, so whatever any of them queued leaves in time.
 * The loop's clock is libuv's own, which is read once after each sleep. Out of memory is fatal. */
#include "local53/net/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "uv_private.h"

/* Turns loop_free gives to the close callbacks that are left. */
#define CLOSING_TURNS 64

struct signal_watcher {
    uv_signal_t handle;                         /* data points back here */
    struct link link;                           /* place in the loop's list */
    void (*on_signal)(void *owner, int number); /* told on the loop's thread */
    void *owner;                                /* borrowed */
};

static void end_turn(struct loop *loop)
{
    if (loop->on_turn != NULL)
        loop->on_turn(loop->on_turn_owner);
    udp_clients_end_turn(loop);
    udp_servers_end_turn(loop);
}

static void on_prepare(uv_prepare_t *handle)
{
    end_turn(UV_OWNER(handle));
}

struct loop *loop_new(void)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    CHECK(loop != NULL);
    CHECK(uv_loop_init(&loop->uv) == 0);
    list_init(&loop->classes);
    list_init(&loop->udp_servers);
    list_init(&loop->signals);
    CHECK(uv_prepare_init(&loop->uv, &loop->prepare) == 0);
    loop->prepare.data = loop;
    CHECK(uv_prepare_start(&loop->prepare, on_prepare) == 0);
    uv_unref((uv_handle_t *)&loop->prepare);
    CHECK(uv_timer_init(&loop->uv, &loop->driver) == 0);
    loop->driver.data = loop;
    loop->driver_due_ms = UINT64_MAX;
    /* A peer that goes away while we write is an error of that write, not a signal. */
    signal(SIGPIPE, SIG_IGN);
    return loop;
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    /* A stopped loop leaves before its last turn reached the prepare phase. */
    end_turn(loop);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static void on_signal_closed(uv_handle_t *handle)
{
    free(UV_OWNER(handle));
}

static void close_own_handles(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->driver, NULL);
    LIST_EACH(item, after, &loop->signals) {
        struct signal_watcher *watcher = LIST_ITEM(item, struct signal_watcher, link);
        uv_close((uv_handle_t *)&watcher->handle, on_signal_closed);
    }
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    CHECK(list_is_empty(&loop->classes));
    close_own_handles(loop);
    for (int turn = 0; turn < CLOSING_TURNS && uv_loop_alive(&loop->uv); turn++)
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    CHECK(uv_loop_close(&loop->uv) == 0);
    udp_client_pool_free(loop->clients);
    free(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

uint64_t loop_now_us(const struct loop *loop)
{
    (void)loop;
    return clock_monotonic_us();
}

void loop_set_on_turn(struct loop *loop, loop_on_turn on_turn, void *owner)
{
    loop->on_turn = on_turn;
    loop->on_turn_owner = owner;
}

static void on_signal_delivered(uv_signal_t *handle, int number)
{
    struct signal_watcher *watcher = UV_OWNER(handle);
    watcher->on_signal(watcher->owner, number);
}

void loop_on_signal(struct loop *loop, int number, void (*on_signal)(void *owner, int number),
                    void *owner)
{
    struct signal_watcher *watcher = calloc(1, sizeof(*watcher));
    CHECK(watcher != NULL);
    watcher->on_signal = on_signal;
    watcher->owner = owner;
    CHECK(uv_signal_init(&loop->uv, &watcher->handle) == 0);
    uv_unref((uv_handle_t *)&watcher->handle); /* to wait for a signal alone is no reason to run */
    watcher->handle.data = watcher;
    CHECK(uv_signal_start(&watcher->handle, on_signal_delivered, number) == 0);
    uv_unref((uv_handle_t *)&watcher->handle);
    list_append(&loop->signals, &watcher->link);
}

void *loop_native(struct loop *loop)
{
    return &loop->uv;
}

enum err loop_err_from_uv(int status)
{
    if (status == UV_EOF)
        return ERR_CLOSED;
    return err_from_errno(-status);
}
