/* metrics: every number the program tells, one row each: name, kind, labels, help. The struct,
 * /metrics and the documentation come from the rows. Each thread owns one struct metrics and is
 * its only writer (relaxed stores); the scraper sums them. Endpoints and upstream servers have a
 * bounded number of slots, named once for the process's life; the last slot is "other". */
#ifndef LOCAL53_BASE_METRICS_H
#define LOCAL53_BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Slots of the dynamic labels; the last of each is shared by all that found none free. */
#define METRICS_ENDPOINT_SLOTS 256
#define METRICS_SERVER_SLOTS 64

/* Values of the labels that are known beforehand: V(id, text). Cells are in this order. */
#define METRICS_TRANSPORT_LIST(V)                                                                  \
    V(UDP, "udp")                                                                                  \
    V(TCP, "tcp")
#define METRICS_SOURCE_LIST(V)                                                                     \
    V(SPECIAL, "special")                                                                          \
    V(ENDPOINT, "endpoint")                                                                        \
    V(ZONE, "zone")                                                                                \
    V(CACHE, "cache")                                                                              \
    V(UPSTREAM, "upstream")                                                                        \
    V(CHAIN, "chain")                                                                              \
    V(ERROR, "error")
#define METRICS_DROP_LIST(V)                                                                       \
    V(SHORT, "short")                                                                              \
    V(RESPONSE, "response")                                                                        \
    V(SEND, "send")                                                                                \
    V(INFLIGHT_FULL, "inflight_full")                                                              \
    V(WAITERS_FULL, "waiters_full")                                                                \
    V(CONNECTIONS_FULL, "connections_full")
#define METRICS_RELOADED_LIST(V)                                                                   \
    V(SUCCESS, "success")                                                                          \
    V(FAILURE, "failure")

/* Where an answer came from. */
enum metrics_source {
#define METRICS_SOURCE_ENUM(id, text) METRICS_SOURCE_##id,
    METRICS_SOURCE_LIST(METRICS_SOURCE_ENUM)
#undef METRICS_SOURCE_ENUM
        METRICS_SOURCE_COUNT
};

/* Why nothing was answered. */
enum metrics_drop {
#define METRICS_DROP_ENUM(id, text) METRICS_DROP_##id,
    METRICS_DROP_LIST(METRICS_DROP_ENUM)
#undef METRICS_DROP_ENUM
        METRICS_DROP_COUNT
};

/* What a query came over. */
enum metrics_transport {
#define METRICS_TRANSPORT_ENUM(id, text) METRICS_TRANSPORT_##id,
    METRICS_TRANSPORT_LIST(METRICS_TRANSPORT_ENUM)
#undef METRICS_TRANSPORT_ENUM
        METRICS_TRANSPORT_COUNT
};

/* How a reload ended. */
enum metrics_reloaded {
#define METRICS_RELOADED_ENUM(id, text) METRICS_RELOADED_##id,
    METRICS_RELOADED_LIST(METRICS_RELOADED_ENUM)
#undef METRICS_RELOADED_ENUM
        METRICS_RELOADED_COUNT
};

/* Response codes told apart: 0..15, and one cell for those that need EDNS (RFC 6891). */
#define METRICS_RCODES ((size_t)17)
#define METRICS_RCODE_CELLS (METRICS_RCODES * METRICS_TRANSPORT_COUNT)

/* Dimensions: D(id, labels, cells). Scalars have one cell. RCODE has two labels; its mnemonics
 * are in metrics.c. */
#define METRICS_DIMENSION_LIST(D)                                                                  \
    D(NONE, "", 1)                                                                                 \
    D(TRANSPORT, "transport", METRICS_TRANSPORT_COUNT)                                             \
    D(RCODE, "transport,rcode", METRICS_RCODE_CELLS)                                               \
    D(SOURCE, "source", METRICS_SOURCE_COUNT)                                                      \
    D(DROP, "reason", METRICS_DROP_COUNT)                                                          \
    D(RELOAD, "result", METRICS_RELOADED_COUNT)                                                    \
    D(ENDPOINT, "endpoint", METRICS_ENDPOINT_SLOTS)                                                \
    D(SERVER, "server", METRICS_SERVER_SLOTS)

/* Rows: R(id, kind, dimension, name, help). A gauge is set by the main thread at
 * scrape, or by each loop where the sum over the loops is what is told (connections, loops that found a
 * server down); a GAUGE_COUNTER is set likewise, from a count kept elsewhere, and told as a counter. */
#define METRICS_LIST(R)                                                                            \
    R(QUERIES, COUNTER, TRANSPORT, "local53_queries_total", "Queries received")                    \
    R(RESPONSES, COUNTER, RCODE, "local53_responses_total", "Responses sent")                      \
    R(TRUNCATED, COUNTER, TRANSPORT, "local53_truncated_total", "Responses sent with TC=1")        \
    R(ANSWERS, COUNTER, SOURCE, "local53_answers_total", "Answers by where they came from")        \
    R(DROPPED, COUNTER, DROP, "local53_dropped_total", "Packets and queries dropped, by reason")   \
    R(CACHE_HITS, COUNTER, NONE, "local53_cache_hits_total", "Answers served from the cache")      \
    R(CACHE_MISSES, COUNTER, NONE, "local53_cache_misses_total", "Questions not in the cache")     \
    R(CACHE_VOIDED, COUNTER, NONE, "local53_cache_voided_total",                                   \
      "Cached answers made void by a changed configuration")                                       \
    R(CACHE_EVICTIONS, GAUGE_COUNTER, NONE, "local53_cache_evictions_total", "Entries evicted")    \
    R(CACHE_REFUSED, GAUGE_COUNTER, NONE, "local53_cache_refused_total",                           \
      "Answers not cached because what was taken out is still looked at")                          \
    R(CACHE_ENTRIES, GAUGE, NONE, "local53_cache_entries", "Entries in the cache")                 \
    R(CACHE_BYTES, GAUGE, NONE, "local53_cache_bytes", "Octets the cache accounts for")            \
    R(AWS_LEAKS, COUNTER, NONE, "local53_aws_leaks_total",                                         \
      "Questions upstreams were asked that an AWS endpoint service would take")                    \
    R(INFLIGHT_JOINED, COUNTER, NONE, "local53_inflight_joined_total",                             \
      "Queries that joined an identical question in flight")                                       \
    R(UPSTREAM_QUERIES, COUNTER, SERVER, "local53_upstream_queries_total",                         \
      "Packets sent upstream")                                                                     \
    R(UPSTREAM_TIMEOUTS, COUNTER, SERVER, "local53_upstream_timeouts_total", "Upstream timeouts")  \
    R(UPSTREAM_FAILURES, COUNTER, SERVER, "local53_upstream_failures_total",                       \
      "Upstream answers that count as failures (SERVFAIL, REFUSED, malformed, reset)")             \
    R(UPSTREAM_MISMATCHES, COUNTER, SERVER, "local53_upstream_mismatches_total",                   \
      "Packets on an upstream socket whose id or question did not match")                          \
    R(UPSTREAM_TCP, COUNTER, SERVER, "local53_upstream_tcp_total", "Questions asked over TCP")     \
    R(UPSTREAM_UP, GAUGE, SERVER, "local53_upstream_up",                                           \
      "1 while every loop has the server in use, 0 when one has found it silent")                  \
    R(UPSTREAM_DOWN, GAUGE, SERVER, "local53_upstream_down_loops",                                 \
      "Loops that have found the server silent and only probe it")                                 \
    R(ENDPOINT_ANSWERS, COUNTER, ENDPOINT, "local53_endpoint_answers_total",                       \
      "Answers composed for an endpoint")                                                          \
    R(ENDPOINT_AGE, GAUGE, ENDPOINT, "local53_endpoint_age_seconds",                               \
      "Seconds since the endpoint's targets last gave an address")                                 \
    R(ENDPOINT_ADDRESSES, GAUGE, ENDPOINT, "local53_endpoint_addresses", "Addresses known")        \
    R(ENDPOINT_SHED, COUNTER, ENDPOINT, "local53_endpoint_addresses_shed_total",                   \
      "Addresses told of an endpoint beyond those kept of a family")                               \
    R(ENDPOINT_REFRESH_FAILURES, COUNTER, ENDPOINT, "local53_endpoint_refresh_failures_total",     \
      "Refreshes of an endpoint's addresses that failed")                                          \
    R(KERNEL_DROPS, GAUGE_COUNTER, NONE, "local53_udp_receive_drops_total",                        \
      "Datagrams the kernel dropped because a receive buffer was full")                            \
    R(LOOPS_ACTIVE, GAUGE, NONE, "local53_loops_active",                                           \
      "Loops that queries over UDP are spread over")                                               \
    R(INTERCEPTING, GAUGE, NONE, "local53_intercepting",                                           \
      "1 while DNS of the node's pods is led here by nft rules")                                   \
    R(INTERCEPTION_OWNED, GAUGE, NONE, "local53_interception_owned",                               \
      "1 while the kernel removes those rules with the process")                                   \
    R(INTERCEPTION_RULES, GAUGE, NONE, "local53_interception_rules", "nft rules that stand")       \
    R(INTERCEPTION_REPAIRS, COUNTER, NONE, "local53_interception_repairs_total",                   \
      "Times rules or addresses of ours were gone from the node and put back")                     \
    R(TCP_CONNECTIONS, GAUGE, NONE, "local53_tcp_connections", "Client connections open")          \
    R(RELOADS, COUNTER, RELOAD, "local53_reloads_total", "Configuration reloads by result")        \
    R(RELOAD_SUCCESS, GAUGE, NONE, "local53_config_last_reload_success",                           \
      "1 when the last reload was taken, 0 when it was refused")                                   \
    R(RELOAD_TIME, GAUGE, NONE, "local53_config_last_reload_timestamp_seconds",                    \
      "Unix time of the last reload that was taken")

/* Histograms: H(id, dimension, name, help); buckets are METRICS_BUCKET_COUNT powers of two of
 * microseconds starting at 16 us, told in seconds. */
#define METRICS_HISTOGRAM_LIST(H)                                                                  \
    H(LATENCY_LOCAL, NONE, "local53_local_latency_seconds",                                        \
      "From receive to send of answers that needed no upstream (batch clock)")                     \
    H(LATENCY_FORWARDED, NONE, "local53_forwarded_latency_seconds",                                \
      "From receive to send of answers that waited for an upstream")                               \
    H(UPSTREAM_RTT, SERVER, "local53_upstream_rtt_seconds", "Round trip of upstream answers")

#define METRICS_BUCKET_COUNT 19

enum metrics_dimension {
#define METRICS_DIMENSION_ENUM(id, label, count) METRICS_DIMENSION_##id,
    METRICS_DIMENSION_LIST(METRICS_DIMENSION_ENUM)
#undef METRICS_DIMENSION_ENUM
};

/* COUNTER: metrics_add. GAUGE, GAUGE_COUNTER: metrics_set. */
enum metrics_kind { METRICS_KIND_COUNTER, METRICS_KIND_GAUGE, METRICS_KIND_GAUGE_COUNTER };

enum metrics_id {
#define METRICS_ENUM(id, kind, dimension, name, help) METRICS_##id,
    METRICS_LIST(METRICS_ENUM)
#undef METRICS_ENUM
        METRICS_ID_COUNT
};

enum metrics_histogram_id {
#define METRICS_HISTOGRAM_ENUM(id, dimension, name, help) METRICS_HISTOGRAM_##id,
    METRICS_HISTOGRAM_LIST(METRICS_HISTOGRAM_ENUM)
#undef METRICS_HISTOGRAM_ENUM
        METRICS_HISTOGRAM_COUNT
};

/* One thread's numbers: opaque cells behind the calls below. */
struct metrics;

/* Dynamic label names, shared by all threads' metrics of one process; written by main only. */
struct metrics_names;

/* A zeroed set; owned by the caller, given back with metrics_free. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* The cell of a response of dimension RCODE; rcode with its extended bits (0..4095). */
static inline size_t metrics_rcode_cell(enum metrics_transport transport, unsigned rcode)
{
    size_t column = rcode < METRICS_RCODES - 1 ? rcode : METRICS_RCODES - 1;

    return (size_t)transport * METRICS_RCODES + column;
}

/* Adds to a counter, or sets a gauge; cell is the index within the row's dimension (0 for NONE).
 * One writer a struct. A cell outside the row is fatal. */
void metrics_add(struct metrics *metrics, enum metrics_id id, size_t cell, uint64_t amount);
void metrics_set(struct metrics *metrics, enum metrics_id id, size_t cell, uint64_t value);

/* Current value of one cell (any thread). */
uint64_t metrics_get(const struct metrics *metrics, enum metrics_id id, size_t cell);

/* Counts one observation of us microseconds. */
void metrics_observe(struct metrics *metrics, enum metrics_histogram_id id, size_t cell,
                     uint64_t us);

/* Counts `count` observations of us microseconds each: a batch that left together. */
void metrics_observe_many(struct metrics *metrics, enum metrics_histogram_id id, size_t cell,
                          uint64_t us, uint64_t count);

/* Slot names. slot_for gives the slot of a label value (dimension ENDPOINT or SERVER), taking a
 * free one at first sight and the last ("other") when none is free. Main thread only. */
struct metrics_names *metrics_names_new(void);
void metrics_names_free(struct metrics_names *names);
size_t metrics_slot_for(struct metrics_names *names, enum metrics_dimension dimension,
                        const char *value);

/* Prometheus text exposition (format 0.0.4) of the sum of count sets, as a C string the caller
 * frees with free(). Cells of 0 are told where the label's values are few and known, and for every
 * named slot. Gauges are summed too: a gauge that is no sum stands in main's set alone. info: extra text lines
 * appended as they are (build info), may be NULL. Main thread only. */
char *metrics_render(struct metrics *const *sets, size_t count, const struct metrics_names *names,
                     const char *info);

#endif
