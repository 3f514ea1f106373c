/* sizing: how many threads, clients, sockets and records a run needs, and where its packets come
 * from; from the plan alone. Private to traffic. Pure. */
#ifndef DNSBENCH_TRAFFIC_SIZING_H
#define DNSBENCH_TRAFFIC_SIZING_H

#include <stddef.h>
#include <stdint.h>

#include "traffic/crew.h"

/* A query of a closed loop is presumed lost after at least so long: with the window it bounds
 * how many records losses take. */
#define SIZING_PRESUMED_LOST_MIN_NS 20000000ULL

/* A closed loop sends at most so many queries a second over all threads before its ids are used
 * up. */
#define SIZING_CLOSED_RATE 1200000.0

/* What was decided. */
struct sizing {
    uint32_t threads; /* at most one a client, and one a query of the window */
    uint32_t clients; /* over all threads */
    uint32_t lanes;   /* of one thread, sockets to ask over in turn; PORTS_PER_LOOKUP: at once */
    uint32_t streams; /* of one thread, besides: what is cut over UDP is asked again there */
    uint32_t flights; /* records of one thread */
    uint32_t lookups; /* places of one thread; 0 where the unit is the query */
    uint32_t batch;   /* messages a system call */
    uint64_t quarantine_ns; /* of ids */
    size_t descriptors;     /* of the process, a margin included */
};

/* Decides. descriptors_max: what the process may open; PORTS_PER_LOOKUP stays below it. */
struct sizing sizing_of(const struct run_plan *plan, size_t descriptors_max);

/* Octets of a result's histograms and series: each worker has one, and the run as a whole. */
size_t sizing_result_octets(const struct run_plan *plan);

/* Octets that one worker allocates. */
size_t sizing_worker_octets(const struct sizing *sizing, const struct run_plan *plan);

/* What the series of this run covers. */
struct series_shape sizing_shape(const struct run_plan *plan);

/* Source address of a client (from 0): the clients walk through the prefix; within one of more
 * than two addresses its first and last are left out. AF_UNSPEC where the kernel chooses. Port
 * 0. */
struct addr sizing_source(const struct run_plan *plan, uint32_t client);

#endif
