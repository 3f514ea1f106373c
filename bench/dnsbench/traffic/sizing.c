/* sizing: see the door. Owns nothing; pure; cannot fail: what does not fit within the bounds is
 * cut to them, and the run's health shows it (ids). */
#include "sizing.h"

#include <math.h>
#include <string.h>

#include "local53/base/bytes.h"
#include "measure/units.h"
#include "traffic/flights.h"
#include "worker.h"

#define IDS_PER_LANE 65536.0
#define ID_MARGIN 1.25     /* ids rest in chunks, and arrivals come in crowds */
#define RECORD_MARGIN 1.25 /* the same for records */
#define LANES_MIN 4 /* of one thread: batches to several sockets, and a receive buffer each */
#define CLIENTS_LOOKUPS 60 /* pods, where the unit is the lookup */
#define RECORDS_MIN 1024
#define DESCRIPTOR_MARGIN 64     /* files, pipes and libraries of the process */
#define FIRST_SOURCE 0x7f010001U /* 127.1.0.1: apart from what servers on loopback listen on */

uint64_t crew_drain_ns(uint64_t timeout_ns)
{
    if (timeout_ns < 50 * NS_PER_MS)
        return 100 * NS_PER_MS;
    return timeout_ns > 500 * NS_PER_MS ? NS_PER_S : 2 * timeout_ns;
}

static uint32_t at_most(double value, uint32_t limit)
{
    return value < (double)limit ? (uint32_t)ceil(value) : limit;
}

static uint32_t at_least(uint32_t value, uint32_t limit)
{
    return value > limit ? value : limit;
}

static uint32_t divide_up(uint32_t value, uint32_t by)
{
    return value / by + (value % by != 0);
}

/* How long a query may be in the table, seconds. */
static double life_s(const struct run_plan *plan)
{
    return (double)(plan->timeout_ns + crew_drain_ns(plan->timeout_ns)) / (double)NS_PER_S;
}

/* Queries a second over all threads, at most. */
static double peak_queries(const struct run_plan *plan)
{
    if (!plan->open_loop)
        return SIZING_CLOSED_RATE;
    return pacer_peak_rate(&plan->pacing) * fmax(1, workload_queries_per_lookup(plan->workload));
}

static uint32_t clients_for_ids(const struct run_plan *plan)
{
    double lanes = ceil(peak_queries(plan) * life_s(plan) / IDS_PER_LANE * ID_MARGIN) + 1;
    uint32_t clients = at_least(at_most(lanes, CREW_CLIENTS_MAX), LANES_MIN * plan->threads);
    return workload_has_lookups(plan->workload) ? at_least(clients, CLIENTS_LOOKUPS) : clients;
}

/* Records of one thread. In a closed loop a lost query takes a place in the window for at least
 * SIZING_PRESUMED_LOST_MIN_NS, so no more than a window in such a time can be lost. */
static uint32_t flights_of(const struct run_plan *plan, uint32_t threads)
{
    double unit = workload_has_lookups(plan->workload) ? 2 : 1;
    double records = RECORDS_MIN;
    if (plan->open_loop) {
        uint32_t burst = plan->pacing.arrival == ARRIVAL_BURST ? plan->pacing.burst : 0;
        records += peak_queries(plan) * life_s(plan) * RECORD_MARGIN / threads + unit * burst;
    } else {
        double lives = life_s(plan) * (double)NS_PER_S / (double)SIZING_PRESUMED_LOST_MIN_NS;
        records += unit * divide_up(plan->window, threads) * (1 + lives);
    }
    return at_most(records, CREW_FLIGHTS_MAX / threads);
}

struct sizing sizing_of(const struct run_plan *plan, size_t descriptors_max)
{
    struct sizing sizing = {.threads = plan->threads, .batch = plan->batch};
    bool lookups = workload_has_lookups(plan->workload);
    sizing.clients = plan->clients != 0 ? plan->clients : clients_for_ids(plan);
    if (sizing.threads > sizing.clients)
        sizing.threads = sizing.clients;
    if (!plan->open_loop && sizing.threads > plan->window)
        sizing.threads = plan->window;
    sizing.lanes = divide_up(sizing.clients, sizing.threads);
    sizing.streams = plan->transport == TRANSPORT_UDP_TC ? 1 : 0;
    if (plan->ports == PORTS_PER_LOOKUP) {
        size_t usable =
            descriptors_max > DESCRIPTOR_MARGIN ? descriptors_max - DESCRIPTOR_MARGIN : 0;
        size_t share = usable / sizing.threads;
        sizing.lanes = FLIGHT_LANES_MAX - sizing.streams;
        if (share < sizing.lanes + sizing.streams + 1U)
            sizing.lanes = at_least((uint32_t)share, sizing.streams + 2) - sizing.streams - 1;
    }
    if (sizing.lanes > FLIGHT_LANES_MAX - sizing.streams)
        sizing.lanes = FLIGHT_LANES_MAX - sizing.streams;
    sizing.flights = flights_of(plan, sizing.threads);
    sizing.lookups = lookups ? sizing.flights : 0;
    sizing.batch = lookups ? at_least(plan->batch, 2) : plan->batch;
    sizing.quarantine_ns = plan->timeout_ns + crew_drain_ns(plan->timeout_ns) + NS_PER_MS;
    sizing.descriptors =
        (size_t)sizing.threads * (sizing.lanes + sizing.streams + 1U) + DESCRIPTOR_MARGIN;
    return sizing;
}

struct series_shape sizing_shape(const struct run_plan *plan)
{
    return (struct series_shape){.length_ns = plan->duration_ns,
                                 .interval_ns = plan->interval_ns,
                                 .tail_ns = plan->timeout_ns + crew_drain_ns(plan->timeout_ns),
                                 .slo_ns = plan->slo_ns};
}

/* ---- Sources ---- */

/* Number of a client's address among those of a prefix. */
static uint32_t walk(uint32_t first, uint32_t client, unsigned host_bits)
{
    if (host_bits >= 32)
        return first + client;
    uint32_t size = 1U << host_bits;
    uint32_t host = first & (size - 1);
    uint32_t network = first - host;
    if (host_bits < 2)
        return network + (host + client) % size;
    uint32_t start = host == 0 ? 0 : host - 1;
    return network + 1 + (start + client) % (size - 2);
}

static struct addr walk_v4(uint32_t first, uint32_t client, unsigned bits)
{
    uint8_t octets[4];
    bytes_put_u32(octets, walk(first, client, bits > 32 ? 0 : 32 - bits));
    return addr_from_octets(octets, sizeof(octets), 0);
}

static struct addr walk_v6(const uint8_t *first, uint32_t client, unsigned bits)
{
    uint8_t octets[16];
    memcpy(octets, first, sizeof(octets));
    bytes_put_u32(octets + 12,
                  walk(bytes_get_u32(first + 12), client, bits > 128 ? 0 : 128 - bits));
    return addr_from_octets(octets, sizeof(octets), 0);
}

struct addr sizing_source(const struct run_plan *plan, uint32_t client)
{
    size_t len;
    if (plan->source.sa.sa_family == AF_UNSPEC) {
        if (plan->server.sa.sa_family == AF_INET && addr_is_loopback(&plan->server))
            return walk_v4(FIRST_SOURCE, client, 8);
        return (struct addr){.sa.sa_family = AF_UNSPEC};
    }
    const uint8_t *octets = addr_octets(&plan->source, &len);
    return len == 4 ? walk_v4(bytes_get_u32(octets), client, plan->source_bits)
                    : walk_v6(octets, client, plan->source_bits);
}

/* ---- Memory ---- */

/* Histograms of one result: five, one a class of answers, one a kind of lookup. */
#define HISTOGRAMS (5 + ANSWER_COUNT + RESULT_KINDS_MAX)

size_t sizing_result_octets(const struct run_plan *plan)
{
    struct series_shape shape = sizing_shape(plan);
    return HISTOGRAMS * HISTOGRAM_BUCKETS * sizeof(uint64_t) + series_octets(&shape);
}

size_t sizing_worker_octets(const struct sizing *sizing, const struct run_plan *plan)
{
    uint32_t lanes = sizing->lanes + sizing->streams;
    size_t due = 4 * ((size_t)sizing->streams * sizing->flights + sizing->lookups);
    return sizeof(struct worker) + flights_octets(sizing->flights, lanes) +
           lanes * (sizeof(struct worker_lane) + lane_octets(plan->transport)) +
           sizing->lookups * sizeof(struct worker_lookup) + due * sizeof(uint32_t) +
           sizing_result_octets(plan) + (size_t)WORKER_IN_BATCH * LANE_MESSAGE_OCTETS +
           (size_t)sizing->batch * QUERY_MAX_OCTETS;
}
