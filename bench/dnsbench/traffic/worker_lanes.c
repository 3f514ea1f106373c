/* worker_lanes: the sockets of a worker: opened, taken in turn, closed; what the host and the
 * kernel told of them.
 * Owns: worker->lanes and the poll; the worker's thread (opening: the thread that starts it).
 * Bounds: sizing's lanes and streams. Fails: at the start with an error; later a lane is dead
 * for a while, or does not open. */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "local53/base/check.h"
#include "measure/units.h"
#include "worker.h"

#define CONNECT_MIN_NS (200 * NS_PER_MS)
#define CONNECT_MAX_NS (2 * NS_PER_S)

/* A closed stream is opened again after so long. */
#define REOPEN_NS (10 * NS_PER_MS)

static bool is_fresh_each_time(const struct worker *worker)
{
    return worker->plan->ports == PORTS_PER_LOOKUP;
}

/* ---- Opening and closing ---- */

static void watch(const struct worker *worker, uint16_t number, int operation)
{
    const struct worker_lane *lane = &worker->lanes[number];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    if (lane->writable_wanted)
        event.events |= EPOLLOUT;
    CHECK(epoll_ctl(worker->epoll, operation, lane_descriptor(lane->lane), &event) == 0);
}

static struct lane_config config_of(const struct worker *worker, uint16_t number)
{
    const struct run_plan *plan = worker->plan;
    uint64_t connect_ns = plan->timeout_ns < CONNECT_MIN_NS ? CONNECT_MIN_NS : plan->timeout_ns;
    bool is_second = number >= worker->sizing->lanes; /* of udp+tc */
    return (struct lane_config){.transport = is_second ? TRANSPORT_TCP : plan->transport,
                                .server = plan->server,
                                .source = sizing_source(plan, worker->lanes[number].client),
                                .receive_octets = plan->receive_octets,
                                .tls_name = plan->tls_name,
                                .connect_timeout_ns =
                                    connect_ns < CONNECT_MAX_NS ? connect_ns : CONNECT_MAX_NS};
}

static enum err open_lane(struct worker *worker, uint16_t number)
{
    struct worker_lane *lane = &worker->lanes[number];
    struct lane_config config = config_of(worker, number);
    enum err err = lane_open(&lane->lane, &config);
    if (err != ERR_OK) {
        lane->lane = NULL;
        return err;
    }
    lane->warmup_drops = 0;
    lane->timeouts[0] = 0;
    lane->timeouts[1] = 0;
    lane->dead = false;
    lane->writable_wanted = false;
    watch(worker, number, EPOLL_CTL_ADD);
    return ERR_OK;
}

/* An answer that the kernel dropped was no fault of the server: so many of the lane's timeouts
 * become the tester's own. Those of the warm-up first, as far as drops were seen before its end;
 * but an answer may be dropped on the other side of that moment. */
static void count_drops(struct worker *worker, uint16_t number)
{
    const struct worker_lane *lane = &worker->lanes[number];
    uint64_t drops = lane_drops(lane->lane);
    uint64_t before = worker->usage_ns == 0 ? drops : lane->warmup_drops;
    uint64_t left = drops - worker_turn_timeouts(worker, number, false, before);
    uint64_t measured = worker_turn_timeouts(worker, number, true, left);
    (void)worker_turn_timeouts(worker, number, false, left - measured);
    worker->result.health.own_drops += measured > drops - before ? measured : drops - before;
}

static void close_lane(struct worker *worker, uint16_t number)
{
    struct worker_lane *lane = &worker->lanes[number];
    if (lane->lane == NULL)
        return;
    if (!lane->dead)
        count_drops(worker, number);
    lane_close(lane->lane);
    lane->lane = NULL;
}

static void tell_open_failed(const struct worker *worker, uint16_t number, enum err err,
                             char why[256])
{
    struct lane_config config = config_of(worker, number);
    char server[ADDR_TEXT_MAX];
    char source[ADDR_TEXT_MAX] = "any address";
    if (config.source.sa.sa_family != AF_UNSPEC)
        (void)addr_format(&config.source, source);
    addr_format(&config.server, server);
    if (err == ERR_DENIED && config.tls_name != NULL)
        snprintf(why, 256, "%s shows no valid certificate for the name %s", server,
                 config.tls_name);
    else if (err == ERR_INVALID)
        snprintf(why, 256, "%s is no address of this host that reaches %s", source, server);
    else
        snprintf(why, 256, "no %s socket from %s to %s: %s", transport_name(config.transport),
                 source, server, err_text(err));
}

/* Fresh sockets are opened as they are needed; their places make a list. */
static void list_free_lanes(struct worker *worker)
{
    uint32_t lanes = worker->sizing->lanes;
    for (uint32_t i = 0; i < lanes; i++)
        worker->lanes[i].next_free = i + 1 < lanes ? i + 1 : FLIGHT_NONE;
    worker->free_lane = 0;
    worker->lane_count = lanes;
}

enum err worker_lanes_open(struct worker *worker, char why[256])
{
    const struct sizing *sizing = worker->sizing;
    bool fresh = is_fresh_each_time(worker);
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(worker->epoll >= 0);
    worker->lane_count = (sizing->clients - worker->number + sizing->threads - 1) / sizing->threads;
    if (fresh)
        list_free_lanes(worker);
    for (uint32_t i = 0; i < sizing->lanes + sizing->streams; i++) {
        bool is_stream = i >= sizing->lanes;
        worker->lanes[i].client = worker->number + (is_stream ? 0 : i * sizing->threads);
        if (!is_stream && (fresh || i >= worker->lane_count))
            continue;
        enum err err = open_lane(worker, (uint16_t)i);
        if (err != ERR_OK) {
            tell_open_failed(worker, (uint16_t)i, err, why);
            return err;
        }
    }
    return ERR_OK;
}

void worker_lanes_close(struct worker *worker)
{
    uint32_t lanes = worker->sizing->lanes + worker->sizing->streams;
    for (uint32_t i = 0; worker->lanes != NULL && i < lanes; i++)
        close_lane(worker, (uint16_t)i);
}

void worker_mark_drops(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->sizing->lanes; i++) {
        struct worker_lane *lane = &worker->lanes[i];
        if (lane->lane != NULL && !lane->dead)
            lane->warmup_drops = lane_drops(lane->lane);
    }
}

/* ---- In turn ---- */

/* A fresh socket, of the client whose turn it is. */
static bool choose_fresh(struct worker *worker)
{
    const struct sizing *sizing = worker->sizing;
    uint32_t number = worker->free_lane;
    uint32_t client = worker->number + worker->client_turn * sizing->threads;
    if (number == FLIGHT_NONE) {
        worker->result.health.id_waits++;
        return false;
    }
    struct worker_lane *lane = &worker->lanes[number];
    lane->client = client < sizing->clients ? client : worker->number;
    if (open_lane(worker, (uint16_t)number) != ERR_OK) {
        worker->result.health.id_waits++;
        return false;
    }
    worker->client_turn = client + sizing->threads < sizing->clients ? worker->client_turn + 1 : 0;
    worker->free_lane = lane->next_free;
    worker->lane = (uint16_t)number;
    worker->lane_chosen = true;
    return true;
}

/* The next lane on which count queries can be begun; dead: one of those whose queries are
 * refused at once. */
static bool find_lane(struct worker *worker, uint32_t count, bool dead)
{
    for (uint32_t i = 0; i < worker->lane_count; i++) {
        uint32_t number = (worker->lane + i) % worker->lane_count;
        if (worker->lanes[number].dead == dead &&
            flights_can_begin(worker->flights, (uint16_t)number, count, worker->now_ns)) {
            worker->lane = (uint16_t)number;
            worker->lane_chosen = true;
            return true;
        }
    }
    return false;
}

static bool is_any_alive(const struct worker *worker)
{
    for (uint32_t i = 0; i < worker->lane_count; i++) {
        if (!worker->lanes[i].dead)
            return true;
    }
    return false;
}

bool worker_choose_lane(struct worker *worker, uint32_t count)
{
    if (worker->lane_chosen &&
        (count == 1 || flights_can_begin(worker->flights, worker->lane, count, worker->now_ns)))
        return true;
    if (is_fresh_each_time(worker))
        return choose_fresh(worker);
    if (find_lane(worker, count, false))
        return true;
    /* A schedule goes on when all streams are dead: its queries are refused. A window waits. */
    if (!is_any_alive(worker))
        return worker->plan->open_loop && find_lane(worker, count, true);
    worker->result.health.id_waits++;
    return false;
}

void worker_pass_lane(struct worker *worker)
{
    uint16_t passed = worker->lane;
    worker->lane_chosen = false;
    if (is_fresh_each_time(worker))
        worker_release_lane(worker, passed);
    else
        worker->lane = passed + 1U < worker->lane_count ? (uint16_t)(passed + 1U) : 0;
}

void worker_release_lane(struct worker *worker, uint16_t number)
{
    struct worker_lane *lane = &worker->lanes[number];
    bool is_chosen = worker->lane_chosen && worker->lane == number;
    if (!is_fresh_each_time(worker) || number >= worker->sizing->lanes || lane->lane == NULL ||
        lane->users > 0 || is_chosen)
        return;
    close_lane(worker, number);
    lane->next_free = worker->free_lane;
    worker->free_lane = number;
}

/* ---- What is told of them ---- */

static void bury(struct worker *worker, uint16_t number)
{
    struct worker_lane *lane = &worker->lanes[number];
    lane->dead = true;
    lane->writable_wanted = false;
    lane->retry_ns = worker->now_ns + REOPEN_NS;
    if (worker->lane == number)
        worker->lane_chosen = false;
    if (worker->out_lane == number)
        worker_drop_batch(worker);
    worker_end_lane(worker, number);
}

void worker_take_errors(struct worker *worker, uint16_t number)
{
    struct worker_lane *lane = &worker->lanes[number];
    struct lane_errors errors;
    do {
        lane_take_errors(lane->lane, &errors);
        for (uint32_t i = 0; i < errors.refused; i++) {
            uint32_t slot = flights_find(worker->flights, number, errors.ids[i]);
            if (slot != FLIGHT_NONE)
                worker_end_lost(worker, slot, OUTCOME_REFUSED);
        }
    } while (lane->lane != NULL && errors.refused == LANE_BATCH_MAX);
    if (errors.closed && !lane->dead)
        bury(worker, number);
}

void worker_reopen_streams(struct worker *worker)
{
    uint32_t lanes = worker->sizing->lanes + worker->sizing->streams;
    for (uint32_t i = 0; i < lanes; i++) {
        struct worker_lane *lane = &worker->lanes[i];
        if (!lane->dead || lane->retry_ns > worker->now_ns)
            continue;
        if (lane_reopen(lane->lane) == ERR_OK) {
            lane->dead = false;
            watch(worker, (uint16_t)i, EPOLL_CTL_ADD);
        }
        lane->retry_ns = worker->now_ns + REOPEN_NS;
    }
}

void worker_watch_writing(struct worker *worker, uint16_t number)
{
    struct worker_lane *lane = &worker->lanes[number];
    if (lane->lane == NULL || lane->dead || lane_wants_write(lane->lane) == lane->writable_wanted)
        return;
    lane->writable_wanted = !lane->writable_wanted;
    watch(worker, number, EPOLL_CTL_MOD);
}
