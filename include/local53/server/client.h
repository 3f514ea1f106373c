/* client: who asked and how the reply gets there. A value that survives a wait: a UDP peer is its
 * address, a TCP one the id of its connection (which may be gone by then). */
#ifndef LOCAL53_SERVER_CLIENT_H
#define LOCAL53_SERVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/list.h"
#include "local53/base/slab.h"
#include "local53/dns/message.h"
#include "local53/net/udp.h"

/* Answers of upstreams one client's chain of aliases may wait for, one after the other. */
#define CLIENT_ANSWERS_MAX 4

enum client_transport { CLIENT_UDP, CLIENT_TCP };

struct client {
    enum client_transport transport; /* which of the members below counts */
    struct udp_server *udp;          /* borrowed; CLIENT_UDP: the socket it came in on */
    struct addr peer;                /* CLIENT_UDP: where to */
    slab_id connection;              /* CLIENT_TCP: of the worker's connection table */
    uint64_t received_us;            /* when its batch was read; for latencies */
    uint8_t answers_used;            /* answers of upstreams that it has waited for already */
};

/* What a waiting client needs when the answer comes: the parts of its request that a reply shows. */
struct waiter {
    struct link link;                      /* in its question's list */
    struct client client;                  /* where the reply goes */
    struct header header;                  /* id and flags */
    struct edns edns;                      /* EDNS presence, size, DO */
    uint16_t question_len;                 /* octets at question */
    uint8_t question[NAME_MAX_OCTETS + 4]; /* as the client wrote it */
};

/* Keeps a request for later. */
void waiter_fill(struct waiter *waiter, const struct client *client, const struct request *request);

/* The request again, as far as a reply needs it; borrows the waiter. qname: the name asked upstream, which is
 * the request's own unless an alias led there. */
void waiter_request(struct request *out, const struct waiter *waiter, const struct name *qname);

#endif
