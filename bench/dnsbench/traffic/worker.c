/* worker: one thread of a run: its life and its turn. Each turn sends what is due, reads what
 * came, once a millisecond looks after times and figures, and sleeps until the next thing is
 * due.
 * Owns: all of struct worker. Thread: its own, but for init and deinit.
 * Bounds: sizing. Fails: worker_init with an error; after it never. */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "measure/units.h"

#define TICK_NS NS_PER_MS

/* Longest sleep: socket buffers are read, and orders seen, at least so often. */
#define IDLE_NS (5 * NS_PER_MS)

/* Open loops whose answers are stamped by the kernel need not read more often while they send. */
#define RECEIVE_EVERY_NS (250 * NS_PER_US)

/* Falling asleep and waking takes about so long: not worth it for less. */
#define SLEEP_MIN_NS (5 * NS_PER_US)

#define NEVER UINT64_MAX

/* ---- Life ---- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    return memory;
}

static void init_lookups(struct worker *worker)
{
    uint32_t count = worker->sizing->lookups;
    worker->free_place = count > 0 ? 0 : FLIGHT_NONE;
    if (count == 0)
        return;
    worker->places = allocate(count, sizeof(*worker->places));
    for (uint32_t i = 0; i < count; i++)
        worker->places[i].next_free = i + 1 < count ? i + 1 : FLIGHT_NONE;
}

/* A query or lookup stands in it once, or twice when its first entry outlived it; see
 * worker_send. */
static void init_due(struct worker *worker)
{
    uint32_t most =
        2 * (worker->sizing->streams * worker->sizing->flights + worker->sizing->lookups);
    uint32_t entries = 1;
    while (entries < most)
        entries *= 2;
    worker->due.entries = allocate(entries, sizeof(*worker->due.entries));
    worker->due.mask = entries - 1;
}

static void init_figures(struct worker *worker)
{
    const struct workload_kind *kinds;
    struct series_shape shape = sizing_shape(worker->plan);
    result_init(&worker->result, &shape);
    worker->result.kind_count = workload_kinds(worker->plan->workload, &kinds);
    CHECK(worker->result.kind_count <= RESULT_KINDS_MAX);
    for (size_t i = 0; i < worker->result.kind_count; i++)
        memcpy(worker->result.kinds[i].name, kinds[i].name, sizeof(worker->result.kinds[i].name));
    worker->result.health.open_loop = worker->plan->open_loop;
}

static void init_traffic(struct worker *worker)
{
    const struct sizing *sizing = worker->sizing;
    const struct run_plan *plan = worker->plan;
    uint32_t lanes = sizing->lanes + sizing->streams;
    struct rng rng;
    rng_init(&rng);
    worker->flights = flights_new(sizing->flights, lanes, sizing->quarantine_ns, &rng);
    worker->lanes = allocate(lanes, sizeof(*worker->lanes));
    lane_batch_init(&worker->out, sizing->batch, QUERY_MAX_OCTETS);
    lane_batch_init(&worker->in, WORKER_IN_BATCH, LANE_MESSAGE_OCTETS);
    generator_init(&worker->generator, plan->workload, worker->number, sizing->threads);
    if (plan->open_loop)
        pacer_init(&worker->pacer, &plan->pacing, worker->number, sizing->threads);
    worker->judge.set = workload_set(plan->workload);
    worker->judge.expectations = plan->expectations;
    worker->window = (plan->window + sizing->threads - 1 - worker->number) / sizing->threads;
}

enum err worker_init(struct worker *worker, const struct run_plan *plan,
                     const struct sizing *sizing, uint32_t number, char why[256])
{
    memset(worker, 0, sizeof(*worker));
    worker->plan = plan;
    worker->sizing = sizing;
    worker->number = number;
    worker->lookups = workload_has_lookups(plan->workload);
    worker->prompt = worker->lookups || !plan->open_loop || plan->transport != TRANSPORT_UDP;
    worker->epoll = -1;
    init_traffic(worker);
    init_lookups(worker);
    init_due(worker);
    init_figures(worker);
    return worker_lanes_open(worker, why);
}

void worker_deinit(struct worker *worker)
{
    if (worker->sizing == NULL)
        return;
    worker_lanes_close(worker);
    if (worker->epoll >= 0)
        close(worker->epoll);
    flights_free(worker->flights);
    lane_batch_deinit(&worker->out);
    lane_batch_deinit(&worker->in);
    result_deinit(&worker->result);
    free(worker->lanes);
    free(worker->places);
    free(worker->due.entries);
}

/* ---- Once a millisecond ---- */

void worker_next_arrival(struct worker *worker)
{
    uint64_t offset_ns = pacer_next(&worker->pacer);
    worker->next_ns = offset_ns == PACER_END ? NEVER : worker->start_ns + offset_ns;
}

static void begin_measuring(struct worker *worker)
{
    worker->usage = machine_thread_usage();
    worker->usage_ns = worker->now_ns;
    worker_mark_drops(worker);
}

/* Arrivals that were due and could not be begun: they are missing in the achieved rate. */
static void count_missed(struct worker *worker)
{
    struct result *result = &worker->result;
    while (worker->next_ns <= worker->now_ns) {
        if (worker->next_ns >= worker->measure_ns) {
            result->health.planned++;
            series_plan(&result->series, worker->next_ns - worker->measure_ns);
        }
        worker_next_arrival(worker);
    }
}

static void stop_sending(struct worker *worker)
{
    struct health *health = &worker->result.health;
    uint64_t end_ns = worker->now_ns < worker->stop_ns ? worker->now_ns : worker->stop_ns;
    worker->sending = false;
    if (worker->plan->open_loop)
        count_missed(worker);
    worker->stop_ns = end_ns; /* what a lookup still asks is not of the measured time */
    if (end_ns > worker->measure_ns)
        worker->result.elapsed_ns = end_ns - worker->measure_ns;
    if (worker->usage_ns == 0)
        return;
    struct thread_usage usage = machine_thread_usage();
    health->cpu_ns = usage.cpu_ns - worker->usage.cpu_ns;
    health->run_delay_ns = usage.run_delay_ns - worker->usage.run_delay_ns;
    health->thread_time_ns = worker->now_ns - worker->usage_ns;
}

/* The schedule or the time is over. Arrivals that are behind are still sent, for one timeout at
 * most. */
static bool is_all_sent(const struct worker *worker)
{
    if (worker->now_ns < worker->stop_ns)
        return false;
    return !worker->plan->open_loop || worker->next_ns == NEVER ||
           worker->now_ns >= worker->stop_ns + worker->plan->timeout_ns;
}

static void obey(struct worker *worker)
{
    if (!atomic_load_explicit(&worker->orders->stop, memory_order_relaxed))
        return;
    if (worker->sending) {
        worker->interrupted = true;
        stop_sending(worker);
    }
    if (!atomic_load_explicit(&worker->orders->abandon, memory_order_relaxed))
        return;
    /* The host said that nobody listens: so it would to these. */
    worker_drop_batch(worker);
    worker_forget_due(worker);
    uint32_t slot;
    while ((slot = flights_oldest(worker->flights)) != FLIGHT_NONE)
        worker_end_lost(worker, slot, OUTCOME_REFUSED);
}

static void publish(struct worker *worker)
{
    const struct tally *parts[] = {&worker->result.warmup, &worker->result.measured};
    uint64_t sent = 0, ends = 0, ok = 0, refused = 0;
    for (size_t i = 0; i < 2; i++) {
        sent += parts[i]->sent;
        ok += parts[i]->outcome[OUTCOME_OK];
        refused += parts[i]->outcome[OUTCOME_REFUSED];
        for (size_t k = 0; k < OUTCOME_COUNT; k++)
            ends += parts[i]->outcome[k];
    }
    struct worker_live *live = &worker->live;
    atomic_store_explicit(&live->sent, sent, memory_order_relaxed);
    atomic_store_explicit(&live->ok, ok, memory_order_relaxed);
    atomic_store_explicit(&live->lost, ends - ok, memory_order_relaxed);
    atomic_store_explicit(&live->refused, refused, memory_order_relaxed);
    atomic_store_explicit(&live->answered, worker->answered, memory_order_relaxed);
    atomic_store_explicit(&live->response_sum_us, worker->response_sum_ns / NS_PER_US,
                          memory_order_relaxed);
}

static void tick(struct worker *worker)
{
    if (worker->usage_ns == 0 && worker->now_ns >= worker->measure_ns && worker->sending)
        begin_measuring(worker);
    if (worker->sending && is_all_sent(worker))
        stop_sending(worker);
    if (worker->blocked && worker->now_ns - worker->blocked_ns > worker->plan->timeout_ns)
        worker_give_up_batch(worker);
    obey(worker);
    worker_expire(worker);
    worker_reopen_streams(worker);
    publish(worker);
    worker->tick_ns = worker->now_ns + TICK_NS;
}

/* ---- Waiting ---- */

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static void sleep_until(uint64_t ns)
{
    struct timespec until = timespec_of(ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* Until an answer, or room in the socket that did not take the batch, at most for so long. */
static void poll_for(struct worker *worker, uint64_t ns)
{
    struct pollfd polled[2] = {{.fd = worker->epoll, .events = POLLIN}, {.fd = -1}};
    struct timespec most = timespec_of(ns);
    if (worker->blocked) {
        polled[1].fd = lane_descriptor(worker->lanes[worker->out_lane].lane);
        polled[1].events = POLLOUT;
    }
    (void)ppoll(polled, 2, &most, NULL);
}

/* When there is something to do that no answer brings. */
static uint64_t next_work_ns(const struct worker *worker)
{
    uint64_t next_ns = worker->sending ? worker->next_ns : NEVER;
    if (worker->due.head != worker->due.tail)
        next_ns = 0;
    if (worker->blocked)
        return NEVER;
    return next_ns < worker->idle_ns ? worker->idle_ns : next_ns;
}

static void wait_for_work(struct worker *worker)
{
    uint64_t latest_ns = worker->now_ns + IDLE_NS;
    uint64_t next_ns = next_work_ns(worker);
    if (next_ns > latest_ns)
        next_ns = latest_ns;
    if (next_ns <= worker->now_ns + SLEEP_MIN_NS)
        return;
    if (worker->prompt || worker->blocked || !worker->sending)
        poll_for(worker, next_ns - worker->now_ns);
    else
        sleep_until(next_ns);
}

/* ---- The turn ---- */

/* A closed loop waits for answers when it has nothing to send. */
static int receive_wait_ms(const struct worker *worker)
{
    bool can_send =
        worker->due.head != worker->due.tail || (worker->sending && worker_has_room(worker));
    if (worker->plan->open_loop || worker->blocked ||
        (can_send && worker->now_ns >= worker->idle_ns))
        return 0;
    return can_send ? 1 : (int)(IDLE_NS / NS_PER_MS);
}

static void turn(struct worker *worker)
{
    worker->now_ns = clock_monotonic_ns();
    worker_send(worker);
    if (worker->prompt || !worker->sending || worker->now_ns >= worker->receive_ns) {
        worker_receive(worker, receive_wait_ms(worker));
        worker->now_ns = clock_monotonic_ns();
        worker->receive_ns = worker->now_ns + RECEIVE_EVERY_NS;
    }
    if (worker->now_ns >= worker->tick_ns)
        tick(worker);
    if (worker->plan->open_loop || worker->blocked)
        wait_for_work(worker);
}

static bool is_over(const struct worker *worker)
{
    return !worker->sending && flights_used(worker->flights) == 0 && worker->lookups_active == 0;
}

static void start(struct worker *worker)
{
    const struct run_plan *plan = worker->plan;
    worker->start_ns = atomic_load(&worker->orders->start_ns);
    worker->measure_ns = worker->start_ns + plan->warmup_ns;
    worker->stop_ns = worker->measure_ns + plan->duration_ns;
    worker->life_ns = plan->timeout_ns + crew_drain_ns(plan->timeout_ns);
    worker->overdue_ns = plan->timeout_ns; /* until a response shows what is usual */
    worker->sending = true;
    worker->next_ns = NEVER;
    if (plan->open_loop)
        worker_next_arrival(worker);
    sleep_until(worker->start_ns);
}

/* Every query has ended once, and so has every lookup. */
static void check_ended(const struct worker *worker)
{
    CHECK(tally_is_whole(&worker->result.measured) && tally_is_whole(&worker->result.warmup));
    for (uint32_t i = 0; i < worker->sizing->lanes + worker->sizing->streams; i++)
        CHECK(worker->lanes[i].users == 0);
}

void worker_run(struct worker *worker)
{
    start(worker);
    while (!is_over(worker))
        turn(worker);
    publish(worker);
    worker->result.interrupted = worker->interrupted;
    worker_lanes_close(worker);
    check_ended(worker);
}
