/* echo_server: a DNS server in a thread for tests of those who ask: sends each query back with
 * QR set, over UDP and TCP on one port of 127.0.0.1, and counts what it did. */
#ifndef LOCAL53_TESTS_ECHO_SERVER_H
#define LOCAL53_TESTS_ECHO_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "local53/base/addr.h"

#define ECHO_PORTS 65536
#define ECHO_HELD 4096

/* How it behaves; set before the start. 0 leaves a thing out. */
struct echo_rules {
    uint32_t lose_each;       /* each such query is not answered */
    uint32_t twice_each;      /* each such is answered twice */
    uint32_t other_id_each;   /* each such is answered with another id */
    uint32_t other_case_each; /* each such is answered with the case of its name changed */
    uint64_t hold_ns;         /* answers leave so late (UDP) */
    uint32_t hold_each;       /* only each such answer does; 0: all */
    uint8_t rcode;            /* of all answers */
    uint16_t records;         /* said in ANCOUNT, none is there */
    bool cut;                 /* TC over UDP */
    bool no_udp;              /* nobody listens there over UDP */
    uint32_t close_after;     /* TCP connections are closed after so many answers */
};

/* What happened. */
struct echo_counts {
    _Atomic uint64_t received; /* queries, over TCP too */
    _Atomic uint64_t answered; /* the first answer to each */
    _Atomic uint64_t over_tcp; /* of received */
    _Atomic uint64_t ports;    /* different source ports over UDP */
    _Atomic uint64_t sources;  /* different last octets of source addresses over UDP */
};

struct echo_held {
    uint8_t octets[512]; /* the answer */
    size_t len;          /* of it */
    uint64_t due_ns;     /* when it leaves */
    struct addr to;      /* to whom */
};

struct echo_server {
    struct echo_rules rules;     /* as given */
    struct echo_counts counts;   /* so far */
    struct addr addr;            /* where it listens */
    int udp;                     /* owned */
    int listener;                /* owned */
    int connections[8];          /* owned; -1 where none */
    uint32_t answers[8];         /* sent on each */
    pthread_t thread;            /* runs until stop */
    _Atomic bool stop;           /* told to end */
    bool ports_seen[ECHO_PORTS]; /* source ports */
    bool sources_seen[256];      /* last octets of sources */
    struct echo_held *held;      /* owned; a ring of ECHO_HELD */
    uint32_t held_first;         /* next to leave; counts on */
    uint32_t held_last;          /* next to be put; counts on */
};

/* Starts it; failures are fatal. stop waits for its end. */
struct echo_server *echo_server_start(const struct echo_rules *rules);
void echo_server_stop(struct echo_server *server);

#endif
