/* crew: runs one measurement: threads, each with its lanes, flights, pacer and generator, and
 * gives the merged result.
 * Bounds: memory as crew_octets says, by clients, threads and window (closed loop) or rate and
 * timeout (open loop); made before the first query, nothing is allocated after it. */
#ifndef DNSBENCH_TRAFFIC_CREW_H
#define DNSBENCH_TRAFFIC_CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "measure/result.h"
#include "traffic/lane.h"
#include "traffic/pacer.h"
#include "workload/expect.h"
#include "workload/workload.h"

#define CREW_THREADS_MAX 64
#define CREW_CLIENTS_MAX 4096
#define CREW_WINDOW_MAX 65536
/* Records of all threads; beyond, arrivals wait and the run is INVALID. */
#define CREW_FLIGHTS_MAX 4000000

enum port_policy {
    PORTS_POOL, /* a socket a client for the whole run */
    /* a fresh UDP socket a lookup (or query), as resolver libraries do: conntrack and port load */
    PORTS_PER_LOOKUP
};

struct run_plan {
    struct addr server;                      /* to whom */
    enum transport transport;                /* how */
    const char *tls_name;                    /* borrowed; see struct lane_config */
    const struct workload *workload;         /* borrowed */
    const struct expectations *expectations; /* borrowed; NULL for none */
    bool open_loop;                          /* follow the pacer; else keep window in flight */
    struct pacer_plan pacing; /* open loop: its length is warmup and measured time together */
    uint32_t window;          /* closed loop: queries (lookups) in flight over all threads */
    uint64_t warmup_ns;       /* at the start, told apart */
    uint64_t duration_ns;     /* measured time */
    uint64_t timeout_ns;      /* after which an answer is late */
    uint64_t interval_ns;     /* of rows and progress */
    uint64_t slo_ns;          /* for "over" in the series; UINT64_MAX for none */
    uint32_t clients;         /* source addresses (or ports); 0: as many as ids and batches need */
    struct addr source; /* first source address; AF_UNSPEC: 127.x.y.z a client when the server is in
                         * 127/8, else the kernel's choice */
    unsigned source_bits;   /* prefix length of source: clients walk through it */
    enum port_policy ports; /* see above */
    uint32_t threads;       /* 1..CREW_THREADS_MAX */
    const unsigned
        *cpus;        /* borrowed; thread i is pinned to cpus[i % cpu_count]; NULL: not pinned */
    size_t cpu_count; /* of these */
    uint32_t batch;   /* 1..LANE_BATCH_MAX */
    uint32_t receive_octets; /* see struct lane_config */
    int server_pid;          /* its CPU time is taken over the measured time; 0 for none */
};

/* What is known while it runs; written by the crew, read by whoever draws progress. */
struct run_live {
    _Atomic uint64_t elapsed_ns;      /* since the first query was due */
    _Atomic uint64_t sent;            /* sums over threads */
    _Atomic uint64_t ok;              /* the same */
    _Atomic uint64_t lost;            /* all other ends */
    _Atomic uint64_t response_sum_us; /* of those ok */
};

/* How the caller takes part; all members may be NULL. */
struct run_watch {
    _Atomic bool *stop; /* set to true (a signal handler may): send no more, drain, report */
    void (*on_interval)(
        void *context,
        const struct run_live *live); /* each interval, on the thread that called crew_run */
    void *context;                    /* for on_interval */
};

/* The drain: how long after its timeout an answer is still taken, as late: twice the timeout,
 * 100 ms to 1 s. */
uint64_t crew_drain_ns(uint64_t timeout_ns);

/* Octets a run allocates at most, beside the workload's names, which all runs share. */
size_t crew_octets(const struct run_plan *plan);

/* Runs it to the end, or until stopped. result is initialised here (result_deinit is the
 * caller's, on success), all of result->setup and the figures are filled, result_judge_figures
 * was called; thresholds are the caller's. There are never more threads than clients (where the
 * plan says how many) nor than the window; setup has the numbers used. Stops early when nobody
 * listens: nothing but refusals for 1 s. Raises the process's limit of open files as far as
 * needed and allowed. Errors before the first query only: ERR_INVALID (source, CPU, clients,
 * fresh ports for streams, too many sockets), ERR_DENIED, ERR_REFUSED, ERR_UNREACHABLE,
 * ERR_TIMEOUT (streams), ERR_SYSTEM; why gets a sentence. */
enum err crew_run(struct result *result, const struct run_plan *plan, const struct run_watch *watch,
                  char why[256]);

#endif
