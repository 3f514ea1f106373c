/* uv_private: what the rooms of the net layer share: the loop with its libuv handle and the hooks by
 * which timers and datagram sockets take part in a turn. Never included outside src/net. */
#ifndef LOCAL53_NET_UV_PRIVATE_H
#define LOCAL53_NET_UV_PRIVATE_H

#include <uv.h>

#include "local53/base/err.h"
#include "local53/base/list.h"
#include "local53/net/loop.h"

struct udp_client_pool;

struct loop {
    uv_loop_t uv;                    /* owned; its time is the loop's coarse clock */
    uv_prepare_t prepare;            /* owned; the end of a turn, see loop.c */
    uv_timer_t driver;               /* owned; wakes the loop for the earliest timer of any class */
    uint64_t driver_due_ms;          /* when driver fires; UINT64_MAX while it is stopped */
    struct link classes;             /* of struct timer_class; owned by their makers */
    struct link udp_servers;         /* of struct udp_server; owned by their openers */
    struct link signals;             /* of struct signal_watcher; owned */
    struct udp_client_pool *clients; /* owned; made at the first udp_client_open */
    loop_on_turn on_turn;            /* may be NULL */
    void *on_turn_owner;             /* borrowed */
};

/* The part of a handle's owner: libuv gives back what was stored in its data member. */
#define UV_OWNER(handle) ((handle)->data)

/* Fires timers that are due and arms the driver for the next one. */
void timer_on_driver(uv_timer_t *driver);

/* Sends what every server socket of the loop has queued. */
void udp_servers_end_turn(struct loop *loop);

/* Sends what client sockets of the loop have queued, and tells of what could not be sent. */
void udp_clients_end_turn(struct loop *loop);

/* Gives back recycled client sockets and their buffers; accepts NULL. All must be closed. */
void udp_client_pool_free(struct udp_client_pool *pool);

/* The error a libuv status (negative) stands for. */
enum err loop_err_from_uv(int status);

#endif
