/* server: "dnsbench serve": answers DNS on UDP and TCP with faults, and keeps the truth of what
 * it did; what load testers are verified against. One thread. Without faults it is a fast
 * responder (batches, a send socket never polled). Bounds: FAULT_SERVER_HELD answers held,
 * FAULT_SERVER_CONNECTIONS connections; beyond, queries are dropped and counted. */
#ifndef DNSBENCH_FAULTS_SERVER_H
#define DNSBENCH_FAULTS_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "faults/plan.h"
#include "local53/base/err.h"
#include "measure/histogram.h"

#define FAULT_SERVER_HELD 262144     /* answers waiting for their time */
#define FAULT_SERVER_CONNECTIONS 256 /* TCP connections */

/* What happened, counted by the server itself. Written as JSON with these names. At the end
 * received = answered + dropped + overflowed + send_failed + malformed. */
struct fault_truth {
    uint64_t received;       /* queries read */
    uint64_t answered;       /* answers sent, duplicates aside; FORMERR and the like too */
    uint64_t dropped;        /* never answered by the plan's loss */
    uint64_t overflowed;     /* never answered for want of room (queue, held answers) */
    uint64_t socket_drops;   /* dropped by the kernel before they were read */
    uint64_t send_failed;    /* the kernel did not take the answer */
    uint64_t malformed;      /* no query (under 12 octets, or QR says response): nothing is sent */
    uint64_t rcode[16];      /* of answers sent */
    uint64_t truncated;      /* answers with TC */
    uint64_t wrong_address;  /* answers with a fault of that kind; and so on */
    uint64_t wrong_question; /* see above */
    uint64_t wrong_id;       /* see above */
    uint64_t empty;          /* see above */
    uint64_t duplicated;     /* answers sent a second time */
    uint64_t tcp;            /* of received, over TCP */
    uint64_t first_ns;       /* kernel's stamp of the first query, monotonic */
    uint64_t last_ns;        /* of the last */
    uint64_t busy_ns;        /* service time spent (service_ns a query served) */
    uint64_t stalled_ns;     /* in stalls */
    uint64_t cpu_ns;         /* of the process */
    struct histogram hold;   /* kernel's receive stamp to just before sending, of each answer */
};

struct fault_server_config {
    struct fault_plan plan; /* faults */
    struct addr listen;     /* UDP and TCP; port 0: any, told in the ready line */
    /* Borrowed; JSON written at the end and on SIGUSR1; NULL for none, "-" for stdout. */
    const char *truth_file;
    uint64_t duration_ns; /* ends by itself; 0: until SIGINT or SIGTERM */
    bool tcp;             /* listen on TCP too (default) */
    int cpu;              /* pinned to; -1 not */
};

/* Serves until stop is set or the time is over, prints "listening on ADDR:PORT" to stderr once
 * it answers, writes the truth. At the stop it reads no more, but what is held leaves at its
 * time, 10 s later at most. Errors before that: ERR_IN_USE, ERR_DENIED, ERR_INVALID, ERR_SYSTEM.
 * truth is filled (histogram_deinit(&truth->hold) is the caller's). */
enum err fault_server_run(const struct fault_server_config *config, _Atomic bool *stop,
                          struct fault_truth *truth);

/* The truth as JSON text, malloc'd, owned by the caller: the members above by name, hold as
 * {"count","p50_ns","p90_ns","p99_ns","max_ns", "min_ns"}, and the plan's figures under "plan". */
char *fault_truth_json(const struct fault_truth *truth, const struct fault_plan *plan);

#endif
