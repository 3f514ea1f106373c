/* listener: a loop's sockets towards clients: UDP on each address, TCP on each address, and the TCP
 * connections with their bounds: idle time, queries pending each, connections in all. */
#ifndef LOCAL53_SERVER_LISTENER_H
#define LOCAL53_SERVER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/base/list.h"
#include "local53/base/slab.h"
#include "local53/dns/frame.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"
#include "local53/net/udp.h"

#define LISTENER_ADDRESSES_MAX 32     /* listen addresses */
#define LISTENER_DROPS_PERIOD_MS 1000 /* how often the kernel is asked for its drops */
#define CONNECTION_INPUT_MAX 4096     /* longest query over TCP; a longer one closes it */
#define CONNECTION_PENDING_MAX 256    /* queries waiting on one connection; then it is not read */
#define CONNECTION_LEAVING_MS 200     /* how long one may be idle while the worker drains */
#define CONNECTION_CLOSING_MAX 16     /* closed ones not yet gone; beyond, new ones are refused */
#define CONNECTION_QUEUED_MAX 262144  /* octets not yet taken by the client; then it is not read */

struct worker;

/* One TCP client. */
struct connection {
    struct stream *stream; /* borrowed from the net layer until on_end */
    struct worker *worker; /* borrowed; whose loop it is on */
    struct timer idle;     /* closes it when no query came for tcp_idle */
    struct link open;      /* in the worker's list, longest idle first */
    struct frame frame;    /* input not yet whole, in `input` */
    uint32_t pending;      /* its queries waiting for an answer */
    bool paused;           /* at a bound: neither read nor worked on until it is over */
    bool finished;         /* the client sends no more; closed once all is answered */
    bool closing;          /* told to close; its place comes free with on_end */
    uint8_t input[CONNECTION_INPUT_MAX + 2]; /* the frame's buffer: one whole query at least */
};

struct listeners {
    struct udp_server *udp[LISTENER_ADDRESSES_MAX];      /* owned; NULL once closed */
    struct stream_listener *tcp[LISTENER_ADDRESSES_MAX]; /* owned; NULL once closed */
    size_t count;                                        /* addresses */
    struct slab connections;                             /* struct connection, closing ones too */
    uint32_t connections_max;                            /* open ones allowed */
    uint32_t connections_open;                           /* open and not closing */
    struct link open;                                    /* open connections, longest idle first */
    uint64_t send_drops;      /* replies the kernel refused, counted so far */
    uint64_t drops_due_ms;    /* when drops are counted again */
    uint64_t idle_ms;         /* what idle lasts */
    struct timer_class *idle; /* owned; class of connection.idle */
};

/* Opens everything on worker->loop. On error *failed gets the address; what was opened before it stays so
 * until listeners_close. */
enum err listeners_open(struct worker *worker, const struct addr *addresses, size_t count,
                        uint32_t connections, struct addr *failed);

/* No other process can bind any of the addresses by sharing it (udp_server_seal). */
void listeners_seal(struct worker *worker);

/* Queries over UDP go to the first `active` of the loops, by their id (udp_server_steer); the first
 * address that cannot be steered ends it with its error. */
enum err listeners_steer(const struct worker *worker, size_t active);

/* What comes to one of the addresses (by its place in the list at listeners_open), queries over UDP as well as new
 * connections, goes to `count` of the loops open there, those of other processes too, from `first` on in the order of
 * their opening (udp_server_steer, stream_listener_steer). While the listeners are open; any thread. */
enum err listeners_lead(const struct worker *worker, size_t address, size_t first, size_t count);

/* Works on the queries over UDP that have come and were not read yet (udp_server_read_out). */
void listeners_read_out(struct worker *worker);

/* Takes what the worker's current configuration says, and its phase: the idle time, which begins anew. */
void listeners_configure(struct worker *worker);

/* No new connections; idle ones are closed; the others as soon as they are answered. */
void listeners_drain(struct worker *worker);

/* Closes all that is left; the loop must run on until the closes are through. */
void listeners_close(struct worker *worker);

/* Gives the tables back, once the loop has ended. */
void listeners_deinit(struct worker *worker);

/* Sends a reply written by the caller to a connection; a client that went away is no error. */
void connection_reply(struct worker *worker, slab_id id, const uint8_t *message, size_t len);

/* Tells that a query which waited in flight has got its reply. */
void connection_answered(struct worker *worker, slab_id id);

#endif
