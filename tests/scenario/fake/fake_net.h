/* fake_net: a network and a clock for scenarios. It defines every symbol of the doors loop, timer,
 * mailbox, udp and stream, so that the whole server runs over it in one thread, with no socket and no
 * waiting. Nothing happens by itself: a test puts things in (a client's packet, an upstream's answer,
 * time), calls fake_net_run or fake_net_advance, and takes things out (replies, upstream queries).
 * All loops are run by these calls; loop_run of a scenario only does what fake_net_run does.
 *
 *     fake_net_init();
 *     ... open the server on 127.0.0.1:53 ...
 *     fake_udp_deliver(fake_udp_server(&at, 0), &client, query, query_len);
 *     fake_net_run();
 *     assert_true(fake_upstream_take(NULL, &asked));
 *     fake_upstream_answer(asked.socket, answer, answer_len);
 *     fake_net_advance(12);
 *     assert_true(fake_udp_take_reply(&client, &reply));
 *     ... close the server, free its loops ...
 *     fake_net_deinit();
 */
#ifndef LOCAL53_TESTS_FAKE_NET_H
#define LOCAL53_TESTS_FAKE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/net/udp.h"

/* Loop time at fake_net_init, in milliseconds. */
#define FAKE_NET_START_MS 1000000

/* A datagram that left the code under test. */
struct fake_packet {
    struct addr from;              /* our side: a server's address, or a client socket's own */
    struct addr to;                /* a DNS client, or an upstream server */
    uint64_t socket;               /* names the client socket; 0 for a reply of a server socket */
    uint64_t at_ms;                /* loop time at which it left */
    size_t len;                    /* octets in data */
    uint8_t data[UDP_RECEIVE_MAX]; /* the datagram */
};

/* A TCP connection the code under test asked for. */
struct fake_connect {
    uint64_t id;    /* names the connection in the calls below */
    struct addr to; /* where it wants to connect */
    uint64_t at_ms; /* when it asked */
};

/* --- time --- */

/* An empty network, the clock at FAKE_NET_START_MS. Once a test, before any loop is made. */
void fake_net_init(void);

/* Forgets what was not taken. CHECKs that every loop was freed (and with them every object). */
void fake_net_deinit(void);

/* Delivers all that is pending at the present time, and what that brings about, with the end-of-turn
 * hooks, until nothing is left to do. A CHECK fails after 100,000 turns: something spins. */
void fake_net_run(void);

/* Lets time pass: each timer fires at its own time, in order, with a run in between; a run at the end. */
void fake_net_advance(uint64_t ms);

/* The present loop time. */
uint64_t fake_net_now_ms(void);

/* Milliseconds until the next timer of any loop; UINT64_MAX when none runs. */
uint64_t fake_net_next_timer_ms(void);

/* The process gets a signal: told by the next run. */
void fake_net_signal(int number);

/* --- UDP clients of the server under test --- */

/* The nth (from 0, in the order opened) server socket bound to addr, or NULL. */
struct udp_server *fake_udp_server(const struct addr *addr, size_t nth);

/* A client's datagram. Those delivered before one run come in one batch, up to UDP_BATCH. */
void fake_udp_deliver(struct udp_server *server, const struct addr *from, const void *data,
                      size_t len);

/* One datagram from each of count clients. */
struct fake_datagram {
    struct addr from; /* the client */
    const void *data; /* borrowed */
    size_t len;       /* octets */
};
void fake_udp_deliver_batch(struct udp_server *server, const struct fake_datagram *datagrams,
                            size_t count);

/* Takes the oldest reply to that client (NULL: to anyone); false when there is none. */
bool fake_udp_take_reply(const struct addr *to, struct fake_packet *out);

/* From now on the kernel takes no reply of the socket (a full buffer), or takes them again. */
void fake_udp_refuse_replies(struct udp_server *server, bool refuse);

/* --- UDP upstreams asked by the code under test --- */

/* Takes the oldest query to that server (NULL: to anyone); false when there is none. */
bool fake_upstream_take(const struct addr *to, struct fake_packet *out);

/* The asked server answers to the socket of a taken query; false when that socket is closed. Not
 * calling it is silence. Any octets go: a wrong id, a cut message, twice. */
bool fake_upstream_answer(uint64_t socket, const void *data, size_t len);

/* An ICMP error comes back to the socket; false when it is closed. */
bool fake_upstream_error(uint64_t socket, enum err err);

/* Sends to that server fail with err from now on; ERR_OK lets them pass again. At most 16 servers. */
void fake_upstream_fail_sends(const struct addr *to, enum err err);

/* Client sockets open now. */
size_t fake_upstream_sockets(void);

/* --- TCP, both ways: an id names the connection until fake_net_deinit --- */

/* A client connects to a listener of the code under test; 0 when nobody listens there. The connection
 * is told by the next run. */
uint64_t fake_tcp_connect(const struct addr *listener, const struct addr *from);

/* The same for a Unix listener. */
uint64_t fake_unix_connect(const char *path);

/* Takes the oldest connection the code under test asked for; false when there is none. */
bool fake_tcp_take_connect(struct fake_connect *out);

/* That connection is established. */
void fake_tcp_accept(uint64_t id);

/* The connection fails (ERR_REFUSED while connecting, ERR_CLOSED for a reset, ...): what is on its
 * way is lost. */
void fake_tcp_fail(uint64_t id, enum err err);

/* The peer sends one segment; segments of `step` octets. Each is one on_data if its buffer suffices. */
void fake_tcp_send(uint64_t id, const void *data, size_t len);
void fake_tcp_send_split(uint64_t id, const void *data, size_t len, size_t step);

/* The peer closes its sending side in order after what it sent; it still reads. */
void fake_tcp_close(uint64_t id);

/* Takes up to cap octets of what the code under test wrote and the peer got; how many. */
size_t fake_tcp_take(uint64_t id, void *out, size_t cap);

/* How many times stream_write was called for it. */
unsigned fake_tcp_writes(uint64_t id);

/* The peer stops reading (what is written stays queued), or reads again. */
void fake_tcp_stall(uint64_t id, bool stall);

/* True until the code under test was told the end or has closed it. */
bool fake_tcp_is_open(uint64_t id);

#endif
