/* udp: datagrams in batches. A server socket hands over up to 32 packets at once and sends what was
 * queued in one system call at the end of the batch or turn (HOT PATH). A client socket is connected
 * to one upstream, so the kernel gives only its datagrams and its ICMP errors. */
#ifndef LOCAL53_NET_UDP_H
#define LOCAL53_NET_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/net/loop.h"

#define UDP_BATCH 32               /* packets a receive call; more costs more (cache) */
#define UDP_REPLY_MAX 4096         /* octets a queued datagram may have */
#define UDP_RECEIVE_MAX 4096       /* longer datagrams are cut, which their parser will see */
#define UDP_BUFFER_BYTES (4 << 20) /* socket buffers asked for */

/* --- server side --- */
struct udp_server;

/* One received packet; borrowed until on_batch returns. */
struct udp_packet {
    uint8_t *data;    /* borrowed; may be written to */
    size_t len;       /* octets received */
    struct addr peer; /* who sent it */
};

typedef void (*udp_on_batch)(void *owner, struct udp_server *server, struct udp_packet *packets,
                             size_t count);

/* Opens a socket bound to addr (explicit address; SO_REUSEPORT among loops of this user, DF set,
 * 4 MiB buffers) and starts receiving; replies leave from the same address through a second socket, where
 * a trial says that it works, which costs a few datagrams over loopback. *out owned by the caller.
 * ERR_IN_USE, ERR_DENIED, ERR_UNREACHABLE (address not on this machine), ERR_SYSTEM. Port 0 picks one: see
 * udp_server_addr. */
enum err udp_server_open(struct udp_server **out, struct loop *loop, const struct addr *addr,
                         udp_on_batch on_batch, void *owner);

/* The same, where one socket does both. */
enum err udp_server_open_single(struct udp_server **out, struct loop *loop, const struct addr *addr,
                                udp_on_batch on_batch, void *owner);

/* Once all servers of the address are open: no other process can bind it any more, not even one that
 * asks for sharing; nor can we. */
void udp_server_seal(struct udp_server *server);

/* From now on datagrams to the server's address go to servers first..first + count - 1 (count 1 or more) of those
 * open there, in whatever process, counted in the order of their opening, by the datagram's first two octets (in DNS
 * its id) modulo count; none is lost by a change. What was received before stays where it is. A server's close moves
 * the last one into its place. By default, and where the one chosen is not open, the kernel spreads over all by the
 * client's address and port. Any thread, while the server is open. ERR_SYSTEM and others as err_from_errno: nothing
 * has changed. */
enum err udp_server_steer(const struct udp_server *server, size_t first, size_t count);

/* The address it is bound to. */
struct addr udp_server_addr(const struct udp_server *server);

/* Where to write the next reply (UDP_REPLY_MAX octets); valid until udp_server_commit or the next
 * call of this. Flushes by itself when 32 replies are queued. Never NULL. */
uint8_t *udp_server_reserve(struct udp_server *server);

/* Queues len octets written at udp_server_reserve for peer; sent at the end of the batch or turn.
 * A full socket buffer drops it and counts (send_drops). */
void udp_server_commit(struct udp_server *server, const struct addr *peer, size_t len);

/* Sends what is queued now. on_batch's end and the loop's end of turn do it anyway. */
void udp_server_flush(struct udp_server *server);

/* Numbers for metrics; read by the owning thread. Costs a system call: once a second, not a turn. */
struct udp_stats {
    uint64_t kernel_drops; /* datagrams lost to a full receive buffer (SO_MEMINFO) */
    uint64_t send_drops;   /* replies the kernel did not take */
};
struct udp_stats udp_server_stats(const struct udp_server *server);

/* Hands over, calling on_batch, what has been received and not read yet, as much as the buffer holds; before a close
 * that is to lose nothing. */
void udp_server_read_out(struct udp_server *server);

/* Stops receiving, sends what is queued, closes; the memory goes when libuv's close ran. */
void udp_server_close(struct udp_server *server);

/* --- client side --- */
struct udp_client;

/* What a client socket tells its owner. It may be closed inside both. */
struct udp_client_events {
    /* A datagram from the peer, data borrowed until return. */
    void (*on_datagram)(void *owner, struct udp_client *client, const uint8_t *data, size_t len);
    /* The peer's port or host answered with an ICMP error (ERR_REFUSED, ERR_UNREACHABLE). */
    void (*on_error)(void *owner, struct udp_client *client, enum err err);
};

/* Opens a socket on a random port of the kernel's choice, connected to peer. events and owner are
 * borrowed until udp_client_close. Errors as err_from_errno. */
enum err udp_client_open(struct udp_client **out, struct loop *loop, const struct addr *peer,
                         const struct udp_client_events *events, void *owner);

/* Sends one datagram now; an error of the kernel is given back, nothing is queued. */
enum err udp_client_send(struct udp_client *client, const uint8_t *data, size_t len);

#define UDP_CLIENT_QUEUE_MAX 32     /* datagrams that leave together */
#define UDP_CLIENT_QUEUE_OCTETS 512 /* longest datagram that is queued; a query has at most 283 */

/* Sends one datagram (longer ones: CHECK) together with others of this socket, at the latest at the end of the loop's
 * turn. What the kernel has no room for is lost, as on the way; another error comes by on_error, at the turn's end:
 * then some of what was queued was not sent. */
void udp_client_queue(struct udp_client *client, const uint8_t *data, size_t len);

/* True while datagrams of this socket are queued. */
bool udp_client_is_queueing(const struct udp_client *client);

/* Closes; no callback comes afterwards, what is queued is not sent. */
void udp_client_close(struct udp_client *client);

#endif
