/* stream: TCP and Unix stream sockets: a listener hands over connections; a connection hands over
 * bytes as they come and takes whole writes. What is written in one call leaves in one write
 * (RFC 7766 section 8). Every connection has a bound on what may be queued for it. */
#ifndef LOCAL53_NET_STREAM_H
#define LOCAL53_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/net/loop.h"

#define STREAM_QUEUE_MAX                                                                           \
    (1 << 20) /* octets queued for a peer that does not read; then it is closed */
#define STREAM_BACKLOG 511

struct stream;          /* one connection */
struct stream_listener; /* accepts connections */

/* What a connection tells its owner. All on the loop's thread; the stream may be closed inside. */
struct stream_events {
    /* Where to read to: gives a buffer and sets *cap; a cap of 0 pauses reading until
     * stream_resume. */
    uint8_t *(*on_space)(void *owner, struct stream *stream, size_t *cap);
    /* len octets were put there. */
    void (*on_data)(void *owner, struct stream *stream, size_t len);
    /* The peer sends no more but may still read (a half-close); the owner closes when it has answered.
     * NULL: the stream ends by itself with ERR_CLOSED after what is queued. */
    void (*on_eof)(void *owner, struct stream *stream);
    /* All that was written has left (may be NULL). */
    void (*on_drained)(void *owner, struct stream *stream);
    /* The connection is gone: ERR_CLOSED for an orderly end, else why. The memory of the stream goes
     * after this call. It comes exactly once for each stream, also after a stream_close of our own, and
     * never from inside a call or another callback. */
    void (*on_end)(void *owner, struct stream *stream, enum err err);
};

/* A new connection; the callee calls stream_accept with an owner or stream_refuse. */
typedef void (*stream_on_connection)(void *owner, struct stream_listener *listener,
                                     struct stream *stream);

/* Listens on a TCP address (SO_REUSEPORT among our own loops; port 0 picks one). */
enum err stream_listen_tcp(struct stream_listener **out, struct loop *loop, const struct addr *addr,
                           stream_on_connection on_connection, void *owner);

/* Listens on a Unix path: replaces a stale socket file nobody answers on, mode 0660. ERR_IN_USE when
 * somebody does answer. The file is unlinked at close. */
enum err stream_listen_unix(struct stream_listener **out, struct loop *loop, const char *path,
                            stream_on_connection on_connection, void *owner);

/* The bound address (TCP only). */
struct addr stream_listener_addr(const struct stream_listener *listener);

/* From now on new connections to a TCP listener's address go to listeners first..first + count - 1 by chance, counted
 * and errors as for udp_server_steer. */
enum err stream_listener_steer(const struct stream_listener *listener, size_t first, size_t count);

/* Accepts no more; open connections stay. */
void stream_listener_close(struct stream_listener *listener);

/* Takes a connection handed over by on_connection; events and owner are borrowed until on_end. */
void stream_accept(struct stream *stream, const struct stream_events *events, void *owner);

/* Closes one at once, without events. */
void stream_refuse(struct stream *stream);

/* Connects to a TCP address; on_connected is told through on_drained-like first call: writes may be
 * queued at once and leave when it is connected; a failure comes as on_end. */
enum err stream_connect_tcp(struct stream **out, struct loop *loop, const struct addr *peer,
                            const struct stream_events *events, void *owner);

/* Queues two pieces as one write (a length and a body, say); copies what does not leave at once.
 * false when the queue bound is passed: the stream is then closing with ERR_NO_SPACE. */
bool stream_write(struct stream *stream, const void *head, size_t head_len, const void *body,
                  size_t body_len);

/* Reads again after on_space gave 0. */
void stream_resume(struct stream *stream);

/* Octets queued and not yet taken by the kernel. */
size_t stream_queued(const struct stream *stream);

/* Closes after what is queued has left (at most 1 s), or at once. on_end follows with ERR_OK. */
void stream_close(struct stream *stream);
void stream_abort(struct stream *stream);

/* The peer's uid (Unix, SO_PEERCRED); ERR_SYSTEM when unknown. */
enum err stream_peer_uid(const struct stream *stream, uid_t *uid);

#endif
