/* loop: one event loop a thread and the time its turn began. All of the net layer's objects belong
 * to one loop and are used on its thread only; mailbox_post is the exception.
 * Doors of this layer never show libuv: scenario tests put a fake network and clock behind them. */
#ifndef LOCAL53_NET_LOOP_H
#define LOCAL53_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Called at the end of each turn: after every callback of the turn, before the loop sleeps, and once
 * more when loop_run returns. Datagrams queued in it still leave in the same turn. */
typedef void (*loop_on_turn)(void *owner);

/* Makes a loop; out of memory or descriptors is fatal. SIGPIPE is ignored from then on, so that a peer
 * that goes away is an error of the write. */
struct loop *loop_new(void);

/* Runs until loop_stop, or until no socket, mailbox, watch or running timer is left. */
void loop_run(struct loop *loop);

/* Makes loop_run return after this turn. This thread only. */
void loop_stop(struct loop *loop);

/* Frees a loop none of whose objects is open any more: runs the close callbacks that are left and
 * CHECKs that nothing else is. */
void loop_free(struct loop *loop);

/* Monotonic milliseconds, read once a turn (coarse: as exact as a DNS TTL or time-out needs). */
uint64_t loop_now_ms(const struct loop *loop);

/* Monotonic microseconds, read now; for latencies. */
uint64_t loop_now_us(const struct loop *loop);

/* Registers the one end-of-turn hook: for tests and measurements, which see whole turns by it. */
void loop_set_on_turn(struct loop *loop, loop_on_turn on_turn, void *owner);

/* Calls on_signal(owner, number) on this loop when the process gets the signal; a loop keeps the
 * watchers itself and closes them in loop_free. */
void loop_on_signal(struct loop *loop, int number, void (*on_signal)(void *owner, int number),
                    void *owner);

/* The event library's own loop (uv_loop_t), for the one file of another layer that drives a library with
 * sockets of its own (upstream/bootstrap.c). NULL where there is none. */
void *loop_native(struct loop *loop);

#endif
