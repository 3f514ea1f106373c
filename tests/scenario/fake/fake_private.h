/* fake_private: what the rooms of the fake network share. A loop holds the lists of its objects; each
 * room has one function that does a turn's work of its objects and says whether there was any. Objects
 * closed in a turn are freed by that function, so that callbacks may close anything. */
#ifndef LOCAL53_TESTS_FAKE_PRIVATE_H
#define LOCAL53_TESTS_FAKE_PRIVATE_H

#include "fake_net.h"
#include "local53/base/list.h"
#include "local53/net/loop.h"

struct loop {
    struct link link;        /* place in the list of loops */
    struct link classes;     /* of struct timer_class */
    struct link alarms;      /* of struct alarm */
    struct link mailboxes;   /* of struct mailbox */
    struct link signals;     /* of struct signal_watcher; owned */
    struct link udp_servers; /* of struct udp_server */
    struct link udp_clients; /* of struct udp_client */
    struct link listeners;   /* of struct stream_listener */
    struct link streams;     /* of struct stream */
    loop_on_turn on_turn;    /* may be NULL */
    void *on_turn_owner;     /* borrowed */
};

/* calloc that cannot fail. */
void *fake_new(size_t size);

/* The list of all loops. */
struct link *fake_loops(void);

/* A name for a socket or connection, never 0 and never the same. */
uint64_t fake_next_id(void);

/* One turn's work of a loop; true when there was any. */
bool fake_udp_turn(struct loop *loop);
bool fake_stream_turn(struct loop *loop);

/* Sends what server sockets have queued. */
void fake_udp_end_turn(struct loop *loop);

/* Makes and drops what a room remembers past its loops. */
void fake_udp_init(void);
void fake_udp_deinit(void);
void fake_stream_init(void);
void fake_stream_deinit(void);

#endif
