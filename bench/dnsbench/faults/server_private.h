/* server_private: what the files of the server share: one struct server owns all, on one thread.
 * server.c decides what befalls a query and counts; server_udp.c and server_tcp.c move octets. */
#ifndef DNSBENCH_FAULTS_SERVER_PRIVATE_H
#define DNSBENCH_FAULTS_SERVER_PRIVATE_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "faults/hold.h"
#include "faults/schedule.h"
#include "faults/server.h"
#include "local53/base/rng.h"

#define SERVER_QUERY_MAX 4096     /* longest query read, UDP and TCP */
#define SERVER_CONTROL_OCTETS 128 /* a time stamp and an address */

struct udp_port; /* server_udp.c */
struct tcp_port; /* server_tcp.c */

/* Places of the descriptors waited for; connections follow. */
enum { POLL_UDP, POLL_SIGNAL, POLL_TCP, POLL_CONNECTIONS };
#define POLL_COUNT (POLL_CONNECTIONS + FAULT_SERVER_CONNECTIONS)

struct server {
    const struct fault_server_config *config; /* borrowed */
    _Atomic bool *stop;                       /* borrowed; set by others */
    struct fault_truth *truth;                /* borrowed; what it counts */
    struct schedule schedule;                 /* when answers are due */
    struct hold hold;                         /* answers that wait */
    struct rng rng;                           /* of the draws */
    struct udp_port *udp;                     /* owned */
    struct tcp_port *tcp;                     /* owned; NULL without TCP */
    struct addr address;                      /* listened on, with its port */
    bool prompt;                              /* nothing is ever held */
    uint64_t end_ns;                          /* ends by itself then; UINT64_MAX: never */
    uint64_t turns;                           /* of the loop */
    uint64_t expire_ns;                       /* silent connections are looked for then */
    size_t polled_count;                      /* places of polled ever used */
    struct pollfd polled[POLL_COUNT];         /* fd -1: nothing to wait for there */
};

/* One message that was read. */
struct arrival {
    struct asker asker;   /* from whom */
    uint64_t received_ns; /* kernel's receive stamp */
    struct bytes message; /* borrowed */
};

/* Counts a message, draws its fault, and answers it now, later or never. */
void server_take(struct server *server, const struct arrival *arrival);

/* Counts an answer that the kernel took, or did not take. before_ns: right before it was handed
 * over. */
void server_sent(struct server *server, const struct answer *answer, uint64_t before_ns);
void server_unsent(struct server *server);

/* What has to be added to a time stamp of the kernel (real time) to have it in monotonic time. */
int64_t server_stamp_offset(void);

/* The receive stamp in a message's control data, in monotonic time; now_ns where there is none. */
uint64_t server_stamp(struct msghdr *head, int64_t offset_ns, uint64_t now_ns);

/* Asks for receive stamps. */
void server_ask_for_stamps(int fd);

/* Opens the UDP sockets; address gets its port. As fault_server_run fails. */
enum err udp_open(struct server *server);
void udp_close(struct server *server); /* accepts one that was not opened */

/* Reads one batch and hands it to server_take; how many were read. */
size_t udp_read(struct server *server);

/* Hands an answer to the next batch; sends it when it is full. */
void udp_put(struct server *server, const struct answer *answer, const uint8_t *octets);

/* Sends what is in the batch. */
void udp_flush(struct server *server);

/* Datagrams that the kernel dropped for want of room in the socket. */
uint64_t udp_drops(const struct server *server);

/* Opens the listening socket on the server's address. As fault_server_run fails. */
enum err tcp_open(struct server *server);
void tcp_close(struct server *server); /* accepts one that was not opened */

/* Does what the last poll said is to be done. */
void tcp_turn(struct server *server);

/* Sends an answer over its connection, if that is still there. */
void tcp_put(struct server *server, const struct answer *answer, const uint8_t *octets);

/* Tells that an answer for this connection is held: it is not closed at its end of queries. */
void tcp_holds(struct server *server, const struct asker *asker);

/* Closes connections that were silent for long. */
void tcp_expire(struct server *server, uint64_t now_ns);

#endif
