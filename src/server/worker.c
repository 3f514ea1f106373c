/* worker: one loop on one thread. Owns its listeners, in-flight table, upstreams and counters; made
 * and freed by the main thread, everything else runs on its own. An ordered stop waits for the
 * questions that were in flight when it was asked, at most WORKER_STOP_MS. */
#include "local53/server/worker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "local53/base/check.h"
#include "local53/net/timer.h"

/* Messages to a worker. */
enum worker_message { WORKER_SNAPSHOT, WORKER_DRAIN, WORKER_STOP, WORKER_POKE };

/* Clients that may wait for one loop, for each question that may: identical ones are joined. */
#define WAITERS_PER_QUESTION 4

/* How often a stopping worker looks whether it is done. */
#define STOP_LOOK_MS 10

static void take_snapshot(struct worker *worker, struct snapshot *snapshot)
{
    size_t count = snapshot->rules->pool_count;
    const struct pool **pools = calloc(count + 1, sizeof(*pools));
    CHECK(pools != NULL);
    for (size_t i = 0; i < count; i++)
        pools[i] = &snapshot->pools[i];
    upstream_keep(worker->upstream, pools, count);
    free(pools);
    snapshot_release(worker->snapshot);
    worker->snapshot = snapshot;
    listeners_configure(worker);
    atomic_fetch_add_explicit(&worker->snapshots_taken, 1, memory_order_relaxed);
}

/* Upstreams first: what still waits is failed and answered while its socket is open. The loop then runs
 * on until all is closed and ends by itself: replies queued for a slow TCP client leave meanwhile. */
static void close_all(struct worker *worker)
{
    upstream_free(worker->upstream);
    worker->upstream = NULL;
    listeners_close(worker);
    alarm_free(worker->stop_alarm);
    mailbox_free(worker->mailbox);
}

/* --- the end --- */

/* Who drains leaves connections open as long as they are used: closing them is what loses their questions. */
static bool is_done(const struct worker *worker)
{
    const struct pending *oldest = inflight_oldest(&worker->inflight);
    bool left = worker->phase != WORKER_STOPPING && worker->listeners.connections_open > 0;
    return !left && (oldest == NULL || oldest->sequence >= worker->stop_sequence);
}

/* What is in flight now is waited for. */
static void begin_wait(struct worker *worker, enum worker_phase phase, uint64_t limit_ms)
{
    worker->phase = phase;
    worker->stop_sequence = worker->inflight.next_sequence;
    worker->stop_deadline_ms = loop_now_ms(worker->loop) + limit_ms;
    alarm_set(worker->stop_alarm, STOP_LOOK_MS);
}

static void end_wait(struct worker *worker)
{
    if (worker->phase >= WORKER_LEAVING) {
        listeners_read_out(worker);
        close_all(worker);
        return;
    }
    worker->phase = WORKER_EMPTY;
    mailbox_post(worker->supervisor, WORKER_DRAINED, worker);
}

static void on_stop_alarm(void *owner)
{
    struct worker *worker = owner;
    if (worker->phase == WORKER_LINGERING)
        begin_wait(worker, WORKER_DRAINING, WORKER_STOP_MS);
    else if (is_done(worker) || loop_now_ms(worker->loop) >= worker->stop_deadline_ms)
        end_wait(worker);
    else
        alarm_set(worker->stop_alarm, STOP_LOOK_MS);
}

static void begin_drain(struct worker *worker)
{
    CHECK(worker->supervisor != NULL);
    if (worker->phase != WORKER_SERVING)
        return;
    worker->phase = WORKER_LINGERING;
    listeners_configure(worker);
    alarm_set(worker->stop_alarm, WORKER_LINGER_MS);
}

/* After a drain only strays are left, which are treated as well. */
static void begin_stop(struct worker *worker)
{
    if (worker->phase >= WORKER_LEAVING)
        return;
    listeners_read_out(worker);
    if (worker->phase == WORKER_EMPTY) {
        begin_wait(worker, WORKER_LEAVING, WORKER_LATE_MS);
        return;
    }
    begin_wait(worker, WORKER_STOPPING, WORKER_STOP_MS);
    listeners_drain(worker);
}

/* Shows the list of names asked to other threads, and says that the loop lives. */
static void answer_poke(struct worker *worker)
{
    toplist_tick(worker->asked, loop_now_ms(worker->loop));
    CHECK(pthread_mutex_lock(&worker->told_mutex) == 0);
    toplist_copy(worker->told, worker->asked);
    CHECK(pthread_mutex_unlock(&worker->told_mutex) == 0);
    atomic_fetch_add_explicit(&worker->pokes_answered, 1, memory_order_relaxed);
}

static void on_message(void *owner, int kind, void *payload)
{
    struct worker *worker = owner;
    if (kind == WORKER_STOP)
        begin_stop(worker);
    else if (kind == WORKER_DRAIN)
        begin_drain(worker);
    else if (kind == WORKER_POKE)
        answer_poke(worker);
    else if (worker->upstream == NULL)
        snapshot_release(payload);
    else
        take_snapshot(worker, payload);
}

static void make_upstream(struct worker *worker, uint32_t questions)
{
    struct upstream_setup setup = {.loop = worker->loop,
                                   .rng = &worker->rng,
                                   .metrics = worker->metrics,
                                   .exchanges = questions};
    worker->upstream = upstream_new(&setup);
}

static void make_lists(struct worker *worker)
{
    struct toplist_setup setup = {.capacity = WORKER_ASKED_MAX,
                                  .halve_ms = WORKER_ASKED_HALVE_MS,
                                  .secret = *cache_secret(worker->cache)};
    worker->sample_left = WORKER_SAMPLE;
    worker->asked = toplist_new(&setup);
    worker->told = toplist_new(&setup);
    CHECK(pthread_mutex_init(&worker->told_mutex, NULL) == 0);
}

enum err worker_new(struct worker **out, const struct worker_setup *setup, struct addr *failed)
{
    uint32_t questions = setup->snapshot->rules->config->inflight;
    struct worker *worker = calloc(1, sizeof(*worker));
    CHECK(worker != NULL);
    worker->loop = loop_new();
    worker->supervisor = setup->supervisor;
    worker->cache = setup->cache;
    worker->reader = cache_reader_new(setup->cache);
    worker->metrics = metrics_new();
    worker->scratch = malloc(ENTRY_SCRATCH);
    worker->stream_reply = malloc(MESSAGE_MAX_OCTETS);
    CHECK(worker->scratch != NULL && worker->stream_reply != NULL);
    rng_init(&worker->rng);
    worker->leaks = setup->leaks;
    make_lists(worker);
    worker->snapshot = snapshot_hold(setup->snapshot);
    inflight_init(&worker->inflight, questions, questions * WAITERS_PER_QUESTION);
    make_upstream(worker, questions);
    worker->mailbox = mailbox_new(worker->loop, on_message, worker);
    worker->stop_alarm = alarm_new(worker->loop, on_stop_alarm, worker);
    *out = worker;
    enum err err =
        listeners_open(worker, setup->listen, setup->listen_count, setup->tcp_connections, failed);
    if (err != ERR_OK) {
        worker_free(worker);
        *out = NULL;
    }
    return err;
}

void worker_seal(struct worker *worker)
{
    listeners_seal(worker);
}

enum err worker_steer(const struct worker *worker, size_t active)
{
    return listeners_steer(worker, active);
}

enum err worker_lead(const struct worker *worker, size_t address, size_t first, size_t count)
{
    return listeners_lead(worker, address, first, count);
}

void worker_run(struct worker *worker)
{
    struct mailbox *supervisor = worker->supervisor;
    loop_run(worker->loop);
    if (supervisor != NULL)
        mailbox_post(supervisor, WORKER_STOPPED, worker);
}

void worker_publish(struct worker *worker, struct snapshot *snapshot)
{
    worker->snapshots_sent++;
    mailbox_post(worker->mailbox, WORKER_SNAPSHOT, snapshot);
}

bool worker_is_current(const struct worker *worker)
{
    return atomic_load_explicit(&worker->snapshots_taken, memory_order_relaxed) ==
           worker->snapshots_sent;
}

void worker_poke(struct worker *worker, uint64_t now_ms)
{
    if (worker_silent_ms(worker, now_ms) > 0 || now_ms - worker->poked_ms < WORKER_POKE_MS)
        return;
    worker->poked_ms = now_ms;
    worker->pokes_sent++;
    mailbox_post(worker->mailbox, WORKER_POKE, NULL);
}

void worker_sample(struct worker *worker, const struct request *request)
{
    toplist_add(worker->asked, &request->qname, request->qtype, loop_now_ms(worker->loop));
}

void worker_merge_asked(struct worker *worker, struct toplist *into)
{
    CHECK(pthread_mutex_lock(&worker->told_mutex) == 0);
    toplist_merge(into, worker->told);
    CHECK(pthread_mutex_unlock(&worker->told_mutex) == 0);
}

uint64_t worker_silent_ms(const struct worker *worker, uint64_t now_ms)
{
    uint64_t answered = atomic_load_explicit(&worker->pokes_answered, memory_order_relaxed);
    return answered == worker->pokes_sent ? 0 : now_ms - worker->poked_ms;
}

bool worker_has_begun(const struct worker *worker)
{
    return atomic_load_explicit(&worker->pokes_answered, memory_order_relaxed) > 0;
}

void worker_drain(struct worker *worker)
{
    mailbox_post(worker->mailbox, WORKER_DRAIN, NULL);
}

void worker_stop(struct worker *worker)
{
    mailbox_post(worker->mailbox, WORKER_STOP, NULL);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->upstream != NULL)
        close_all(worker); /* it never ran */
    loop_free(worker->loop);
    listeners_deinit(worker);
    inflight_deinit(&worker->inflight);
    snapshot_release(worker->snapshot);
    metrics_free(worker->metrics);
    toplist_free(worker->asked);
    toplist_free(worker->told);
    pthread_mutex_destroy(&worker->told_mutex);
    cache_reader_free(worker->reader);
    free(worker->scratch);
    free(worker->stream_reply);
    free(worker);
}
