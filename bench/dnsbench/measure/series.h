/* series: the run over time. Windows of 100 ms for what must be even (rates, silences), intervals
 * of --interval for people and plots, and a bit a millisecond for silences. Made whole before the
 * run: nothing grows while it runs. A query belongs where its intended time lies. Each worker has
 * one; they are merged when all have ended. */
#ifndef DNSBENCH_MEASURE_SERIES_H
#define DNSBENCH_MEASURE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/sketch.h"
#include "measure/tally.h"

#define SERIES_WINDOW_NS 100000000ULL /* 100 ms */
/* 3.6 KiB each; series_init lengthens the interval to have no more. */
#define SERIES_MAX_INTERVALS 3600
/* series_init shortens longer ones: a sketch's counters have 32 bits, enough for 7 million queries
 * a second. */
#define SERIES_MAX_INTERVAL_NS 600000000000ULL
#define SERIES_NOTHING_SENT UINT64_MAX           /* first_sent_ns before the first query */
#define SERIES_MAX_NS (86400ULL * 1000000000ULL) /* longest measured time: a day */

struct series_window {
    uint32_t planned; /* arrivals of the schedule in it */
    uint32_t sent;    /* queries sent in it, by their sent stamp */
    uint32_t ok;      /* of those planned, answered in time */
    uint32_t lost;    /* of those planned, ended any other way */
    uint32_t over;    /* of those planned and ok, slower than the SLO's latency */
    uint64_t max_ns;  /* slowest response of those planned */
};

struct series_interval {
    uint64_t sent;         /* queries sent in it, by their sent stamp */
    uint64_t ok;           /* of those planned in it, answered in time */
    uint64_t lost;         /* of those planned in it, ended any other way */
    struct sketch latency; /* responses of those ok */
};

struct series {
    uint64_t length_ns;                /* measured time covered: offsets 0..length_ns-1 */
    uint64_t interval_ns;              /* of one interval */
    uint64_t slo_ns;                   /* responses above count as over; UINT64_MAX for none */
    uint64_t first_sent_ns;            /* offset of the first query sent, or SERIES_NOTHING_SENT */
    size_t window_count;               /* windows */
    size_t interval_count;             /* intervals */
    struct series_window *windows;     /* owned */
    struct series_interval *intervals; /* owned */
    uint64_t *heard;    /* owned; bit m: an answer was received in millisecond m (kernel's stamp) */
    size_t heard_words; /* 64-bit words of it; covers length_ns and one timeout more */
};

/* What to allocate for. */
struct series_shape {
    uint64_t length_ns;   /* measured time, at most SERIES_MAX_NS */
    uint64_t interval_ns; /* as asked for */
    uint64_t tail_ns;     /* answers may still be heard for so long */
    uint64_t slo_ns;      /* see struct series */
};

/* Allocates, zeroed; out of memory is fatal, a shape without interval or past SERIES_MAX_NS a
 * CHECK. series_deinit accepts a zeroed one. */
void series_init(struct series *series, const struct series_shape *shape);
void series_deinit(struct series *series);

/* Octets series_init allocates for a shape. */
size_t series_octets(const struct series_shape *shape);

/* Counts an arrival of the schedule, and a query sent; offsets from the start of the measured time,
 * those outside (warm-up, tail) are left out. */
void series_plan(struct series *series, uint64_t intended_ns);
void series_sent(struct series *series, uint64_t sent_ns);

/* Counts an end: an answer in time (response_ns after its intended offset), or anything else. */
void series_ok(struct series *series, uint64_t intended_ns, uint64_t response_ns);
void series_lost(struct series *series, uint64_t intended_ns);

/* Notes that an answer was received at this offset. */
void series_heard(struct series *series, uint64_t received_ns);

/* Adds all of from to into; same shape: CHECK. */
void series_merge(struct series *into, const struct series *from);

/* Adds all of from, of the same load at another time, to into; same shape: CHECK. Counts are added
 * offset by offset; the silences are those of the one that had the longer. */
void series_overlay(struct series *into, const struct series *from);

/* The shape that gives an equal series: for copies, and for those that were saved. */
struct series_shape series_shape_of(const struct series *series);

/* Both can be merged: the same lengths, intervals and SLO. */
bool series_same_shape(const struct series *a, const struct series *b);

/* The measured time ended early, after elapsed_ns: what lies behind is forgotten, so that it is no
 * silence. Of an interrupted run, after merging. */
void series_cut(struct series *series, uint64_t elapsed_ns);

/* Longest time without any answer between the first query sent and the last thing heard or, if
 * later, the end of the measured time; nanoseconds, exact to 2 ms. */
uint64_t series_longest_silence(const struct series *series);

/* The window with the slowest answer; windows that lost queries are worse than all that lost none,
 * and the more they lost. Index, 0 when empty; the first of equals. */
size_t series_worst_window(const struct series *series);

/* Time above the SLO: windows in which more than 1 % of the planned (without a schedule: of those
 * ended) were over it or lost, in nanoseconds; 0 without an SLO. */
uint64_t series_above_slo(const struct series *series);

/* Windows (whole ones only) whose sent differs from planned by more than share and by more than 2
 * queries. */
size_t series_uneven_windows(const struct series *series, double share);

#endif
