/* crew: starts the workers, waits for them, merges what they counted. Looks after what belongs
 * to the whole run: the interval, the stop, the server's CPU time, early ends.
 * Owns: the workers, their threads, the expectations bound to the questions. Thread: the
 * caller's; it only waits.
 * Bounds: CREW_THREADS_MAX workers of sizing_worker_octets each. Fails: before the first query,
 * with a sentence. */
#include "traffic/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "measure/units.h"
#include "worker.h"

/* Between the start of the last thread and the first arrival. */
#define HEAD_START_NS (2 * NS_PER_MS)

/* How often the caller's stop, and whether all have ended, are looked at. */
#define WATCH_EVERY_NS (10 * NS_PER_MS)

/* Nothing but refusals for so long: nobody listens. */
#define REFUSED_FOR_NS NS_PER_S

struct crew {
    const struct run_plan *plan;      /* borrowed */
    struct sizing sizing;             /* decided from it */
    struct worker_orders orders;      /* shared with the workers */
    struct worker *workers;           /* owned; sizing.threads of them */
    pthread_t *threads;               /* owned; as many */
    const struct expectation **bound; /* owned; NULL without expectations */
    pthread_mutex_t lock;             /* of ready */
    pthread_cond_t changed;           /* ready or start_ns */
    uint32_t ready;                   /* threads that wait for the start */
    enum err err;                     /* of a thread that cannot begin */
};

/* One worker's thread. */
struct recruit {
    struct crew *crew;     /* borrowed */
    struct worker *worker; /* borrowed */
};

/* ---- Before ---- */

static enum err refuse(char why[256], const char *text)
{
    snprintf(why, 256, "%s", text);
    return ERR_INVALID;
}

static enum err check_plan(const struct run_plan *plan, char why[256])
{
    bool is_udp = plan->transport == TRANSPORT_UDP || plan->transport == TRANSPORT_UDP_TC;
    CHECK(plan->threads >= 1 && plan->threads <= CREW_THREADS_MAX);
    CHECK(plan->batch >= 1 && plan->batch <= LANE_BATCH_MAX);
    CHECK(plan->open_loop || (plan->window >= 1 && plan->window <= CREW_WINDOW_MAX));
    CHECK(plan->timeout_ns > 0 && plan->duration_ns > 0);
    if (plan->clients > CREW_CLIENTS_MAX)
        return refuse(why, "there can be 4096 clients at most");
    if (plan->ports == PORTS_PER_LOOKUP && !is_udp)
        return refuse(why, "a fresh port for each lookup needs UDP");
    if (plan->source.sa.sa_family != AF_UNSPEC &&
        plan->source.sa.sa_family != plan->server.sa.sa_family)
        return refuse(why, "source and server are of different address families");
    return ERR_OK;
}

/* Files that the process may open, at most: the hard limit. */
static size_t descriptors_max(void)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    return (size_t)limit.rlim_max;
}

static enum err raise_descriptors(size_t needed, char why[256])
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (needed <= limit.rlim_cur)
        return ERR_OK;
    if (needed > limit.rlim_max) {
        snprintf(why, 256, "%zu sockets are needed, %zu files may be open (ulimit -Hn)", needed,
                 (size_t)limit.rlim_max);
        return ERR_INVALID;
    }
    limit.rlim_cur = needed;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return ERR_OK;
}

static enum err init_workers(struct crew *crew, char why[256])
{
    crew->workers =
        aligned_alloc(alignof(struct worker), crew->sizing.threads * sizeof(*crew->workers));
    CHECK(crew->workers != NULL);
    memset(crew->workers, 0, crew->sizing.threads * sizeof(*crew->workers));
    for (uint32_t i = 0; i < crew->sizing.threads; i++) {
        struct worker *worker = &crew->workers[i];
        enum err err = worker_init(worker, crew->plan, &crew->sizing, i, why);
        if (err != ERR_OK)
            return err;
        worker->orders = &crew->orders;
        worker->judge.bound = crew->bound;
    }
    return ERR_OK;
}

static enum err crew_init(struct crew *crew, const struct run_plan *plan, char why[256])
{
    memset(crew, 0, sizeof(*crew));
    crew->plan = plan;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->changed, NULL);
    enum err err = check_plan(plan, why);
    if (err != ERR_OK)
        return err;
    crew->sizing = sizing_of(plan, descriptors_max());
    err = raise_descriptors(crew->sizing.descriptors, why);
    if (err != ERR_OK)
        return err;
    if (plan->expectations != NULL)
        crew->bound = expectations_bind(plan->expectations, workload_set(plan->workload));
    crew->threads = calloc(crew->sizing.threads, sizeof(*crew->threads));
    CHECK(crew->threads != NULL);
    return init_workers(crew, why);
}

static void crew_deinit(struct crew *crew)
{
    for (uint32_t i = 0; crew->workers != NULL && i < crew->sizing.threads; i++)
        worker_deinit(&crew->workers[i]);
    free(crew->workers);
    free(crew->threads);
    free(crew->bound);
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
}

size_t crew_octets(const struct run_plan *plan)
{
    struct sizing sizing = sizing_of(plan, FLIGHT_LANES_MAX);
    size_t items = plan->expectations != NULL ? queryset_count(workload_set(plan->workload)) : 0;
    return sizing.threads * sizing_worker_octets(&sizing, plan) + sizing_result_octets(plan) +
           items * sizeof(struct expectation *);
}

/* ---- Threads ---- */

/* Tells that this thread is ready (or why it cannot be), waits for the start; false when there
 * is none. */
static bool await_start(struct crew *crew, enum err err)
{
    pthread_mutex_lock(&crew->lock);
    if (err != ERR_OK)
        crew->err = err;
    crew->ready++;
    pthread_cond_broadcast(&crew->changed);
    while (atomic_load(&crew->orders.start_ns) == 0)
        pthread_cond_wait(&crew->changed, &crew->lock);
    bool begins = crew->err == ERR_OK;
    pthread_mutex_unlock(&crew->lock);
    return begins;
}

static enum err settle_thread(const struct crew *crew, uint32_t number)
{
    const struct run_plan *plan = crew->plan;
    machine_sharpen_timers();
    if (plan->cpus == NULL || plan->cpu_count == 0)
        return ERR_OK;
    return machine_pin(plan->cpus[number % plan->cpu_count]);
}

static void *run_thread(void *argument)
{
    struct recruit recruit = *(struct recruit *)argument;
    free(argument);
    enum err err = settle_thread(recruit.crew, recruit.worker->number);
    if (await_start(recruit.crew, err))
        worker_run(recruit.worker);
    atomic_fetch_sub(&recruit.crew->orders.running, 1);
    return NULL;
}

/* All signals go to the caller's thread. */
static void create_thread(struct crew *crew, uint32_t number)
{
    struct recruit *recruit = malloc(sizeof(*recruit));
    char name[16];
    sigset_t all, before;
    CHECK(recruit != NULL);
    *recruit = (struct recruit){crew, &crew->workers[number]};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    CHECK(pthread_create(&crew->threads[number], NULL, run_thread, recruit) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    snprintf(name, sizeof(name), "sender-%u", number % CREW_THREADS_MAX);
    pthread_setname_np(crew->threads[number], name);
}

/* Starts all at once, when all are ready. */
static enum err start_threads(struct crew *crew, char why[256])
{
    atomic_store(&crew->orders.running, crew->sizing.threads);
    for (uint32_t i = 0; i < crew->sizing.threads; i++)
        create_thread(crew, i);
    pthread_mutex_lock(&crew->lock);
    while (crew->ready < crew->sizing.threads)
        pthread_cond_wait(&crew->changed, &crew->lock);
    atomic_store(&crew->orders.start_ns, clock_monotonic_ns() + HEAD_START_NS);
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    if (crew->err != ERR_OK)
        refuse(why, "a CPU of --cpus is none that this process may use");
    return crew->err;
}

static void join_threads(struct crew *crew)
{
    for (uint32_t i = 0; i < crew->sizing.threads; i++)
        CHECK(pthread_join(crew->threads[i], NULL) == 0);
}

/* ---- While it runs ---- */

/* What the calling thread looks after. */
struct supervision {
    const struct run_watch *watch; /* borrowed */
    uint64_t start_ns;             /* offset 0 */
    uint64_t measure_ns;           /* the measured time begins */
    uint64_t stop_ns;              /* it ends */
    uint64_t interval_ns;          /* next interval's end */
    uint64_t server_cpu_ns; /* the server's CPU time at measure_ns, then over the measured time */
    uint64_t
        server_begun_ns; /* when it was read first, at measure_ns or a little later; 0: not yet */
    uint64_t server_ended_ns; /* and last, at stop_ns or a little later */
};

static void add_live(struct run_live *live, struct crew *crew, uint64_t *answered,
                     uint64_t *refused)
{
    uint64_t sent = 0, ok = 0, lost = 0, sum_us = 0;
    *answered = 0;
    *refused = 0;
    for (uint32_t i = 0; i < crew->sizing.threads; i++) {
        struct worker_live *from = &crew->workers[i].live;
        sent += atomic_load_explicit(&from->sent, memory_order_relaxed);
        ok += atomic_load_explicit(&from->ok, memory_order_relaxed);
        lost += atomic_load_explicit(&from->lost, memory_order_relaxed);
        sum_us += atomic_load_explicit(&from->response_sum_us, memory_order_relaxed);
        *answered += atomic_load_explicit(&from->answered, memory_order_relaxed);
        *refused += atomic_load_explicit(&from->refused, memory_order_relaxed);
    }
    atomic_store_explicit(&live->sent, sent, memory_order_relaxed);
    atomic_store_explicit(&live->ok, ok, memory_order_relaxed);
    atomic_store_explicit(&live->lost, lost, memory_order_relaxed);
    atomic_store_explicit(&live->response_sum_us, sum_us, memory_order_relaxed);
}

/* A server that went away in between counts as none. */
static void watch_server(const struct crew *crew, struct supervision *seen, uint64_t now_ns)
{
    uint64_t cpu_ns = 0;
    bool is_end = seen->server_begun_ns != 0 && seen->server_ended_ns == 0 &&
                  (now_ns >= seen->stop_ns || atomic_load(&crew->orders.stop));
    bool is_begin = seen->server_begun_ns == 0 && now_ns >= seen->measure_ns;
    if (crew->plan->server_pid == 0 || (!is_begin && !is_end))
        return;
    bool is_there = machine_process_cpu(&cpu_ns, crew->plan->server_pid) == ERR_OK;
    if (is_begin)
        seen->server_begun_ns = now_ns;
    else
        seen->server_ended_ns = now_ns;
    seen->server_cpu_ns =
        is_there && cpu_ns >= seen->server_cpu_ns ? cpu_ns - seen->server_cpu_ns : 0;
}

static void watch_once(struct crew *crew, struct supervision *seen, uint64_t now_ns)
{
    const struct run_watch *watch = seen->watch;
    struct run_live live = {0};
    uint64_t answered, refused;
    add_live(&live, crew, &answered, &refused);
    atomic_store(&live.elapsed_ns, now_ns > seen->start_ns ? now_ns - seen->start_ns : 0);
    if (answered == 0 && refused > 0 && now_ns >= seen->start_ns + REFUSED_FOR_NS) {
        atomic_store(&crew->orders.abandon, true);
        atomic_store(&crew->orders.stop, true);
    }
    if (watch != NULL && watch->stop != NULL && atomic_load(watch->stop))
        atomic_store(&crew->orders.stop, true);
    watch_server(crew, seen, now_ns);
    if (now_ns < seen->interval_ns)
        return;
    seen->interval_ns += crew->plan->interval_ns;
    if (watch != NULL && watch->on_interval != NULL)
        watch->on_interval(watch->context, &live);
}

/* What was read a little late, beside other work, is brought back to the measured time. */
static uint64_t server_cpu_of(const struct crew *crew, const struct supervision *seen)
{
    uint64_t wanted_ns = seen->stop_ns - seen->measure_ns;
    uint64_t read_ns = seen->server_ended_ns - seen->server_begun_ns;
    if (seen->server_ended_ns <= seen->server_begun_ns)
        return 0;
    if (atomic_load(&crew->orders.stop))
        return seen->server_cpu_ns;
    return (uint64_t)((double)seen->server_cpu_ns * (double)wanted_ns / (double)read_ns);
}

/* The next moment at which something is to be looked at. */
static uint64_t next_look_ns(const struct supervision *seen, uint64_t now_ns)
{
    const uint64_t moments[] = {seen->interval_ns, seen->measure_ns, seen->stop_ns};
    uint64_t next_ns = now_ns + WATCH_EVERY_NS;
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        if (moments[i] > now_ns && moments[i] < next_ns)
            next_ns = moments[i];
    }
    return next_ns;
}

static uint64_t supervise(struct crew *crew, const struct run_watch *watch)
{
    const struct run_plan *plan = crew->plan;
    uint64_t start_ns = atomic_load(&crew->orders.start_ns);
    struct supervision seen = {.watch = watch,
                               .start_ns = start_ns,
                               .measure_ns = start_ns + plan->warmup_ns,
                               .stop_ns = start_ns + plan->warmup_ns + plan->duration_ns,
                               .interval_ns = start_ns + plan->interval_ns};
    while (atomic_load(&crew->orders.running) > 0) {
        uint64_t now_ns = clock_monotonic_ns();
        watch_once(crew, &seen, now_ns);
        uint64_t next_ns = next_look_ns(&seen, now_ns);
        struct timespec until = {.tv_sec = (time_t)(next_ns / NS_PER_S),
                                 .tv_nsec = (long)(next_ns % NS_PER_S)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    watch_server(crew, &seen, clock_monotonic_ns()); /* the workers may have been the faster ones */
    return server_cpu_of(crew, &seen);
}

/* ---- After ---- */

static void write_arrival(char *out, size_t size, const struct pacer_plan *pacing)
{
    if (pacing->arrival == ARRIVAL_BURST)
        snprintf(out, size, "burst:%u", pacing->burst);
    else
        snprintf(out, size, "%s", pacing->arrival == ARRIVAL_POISSON ? "poisson" : "constant");
}

/* "10s@1k,5s@20k"; one stage needs no schedule. What does not fit is left out, stage by stage. */
static void write_schedule(char *out, size_t size, const struct pacer_plan *pacing)
{
    static const char more[] = ",...";
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; pacing->stage_count > 1 && i < pacing->stage_count; i++) {
        const struct pacer_stage *stage = &pacing->stages[i];
        bool is_round =
            stage->rate >= 1000 && stage->rate / 100 == (double)(uint64_t)(stage->rate / 100);
        char text[UNITS_TEXT_MAX + UNITS_TEXT_MAX];
        snprintf(text, sizeof(text), "%s%gs@%g%s", i == 0 ? "" : ",",
                 (double)stage->length_ns / (double)NS_PER_S,
                 is_round ? stage->rate / 1000 : stage->rate, is_round ? "k" : "");
        bool fits = len + strlen(text) + sizeof(more) <= size;
        len += (size_t)snprintf(out + len, size - len, "%s", fits ? text : more);
        if (!fits)
            return;
    }
}

/* Mean rate of the schedule behind the warm-up. */
static double measured_rate(const struct run_plan *plan)
{
    double arrivals = 0;
    uint64_t from_ns = 0;
    for (size_t i = 0; i < plan->pacing.stage_count; i++) {
        const struct pacer_stage *stage = &plan->pacing.stages[i];
        uint64_t to_ns = from_ns + stage->length_ns;
        uint64_t begin_ns = from_ns > plan->warmup_ns ? from_ns : plan->warmup_ns;
        if (to_ns > begin_ns)
            arrivals += stage->rate * (double)(to_ns - begin_ns) / (double)NS_PER_S;
        from_ns = to_ns;
    }
    return arrivals / ((double)plan->duration_ns / (double)NS_PER_S);
}

static void fill_setup(struct setup *setup, const struct crew *crew)
{
    const struct run_plan *plan = crew->plan;
    char server[ADDR_TEXT_MAX];
    snprintf(setup->server, sizeof(setup->server), "%s", addr_format(&plan->server, server));
    snprintf(setup->transport, sizeof(setup->transport), "%s", transport_name(plan->transport));
    snprintf(setup->workload, sizeof(setup->workload), "%s", workload_describe(plan->workload));
    if (plan->open_loop) {
        write_arrival(setup->arrival, sizeof(setup->arrival), &plan->pacing);
        write_schedule(setup->schedule, sizeof(setup->schedule), &plan->pacing);
        setup->rate = measured_rate(plan);
    }
    setup->duration_ns = plan->duration_ns;
    setup->warmup_ns = plan->warmup_ns;
    setup->timeout_ns = plan->timeout_ns;
    setup->slo_ns = plan->slo_ns;
    setup->seed = plan->pacing.seed;
    setup->workload_hash = workload_hash(plan->workload, crew->sizing.threads);
    setup->memory_octets = crew_octets(plan);
    setup->clients = crew->sizing.clients;
    setup->threads = crew->sizing.threads;
    setup->window = plan->open_loop ? 0 : plan->window;
    setup->batch = plan->batch;
    setup->lookups = workload_has_lookups(plan->workload);
}

static void collect(struct crew *crew, struct result *result)
{
    struct series_shape shape = sizing_shape(crew->plan);
    result_init(result, &shape);
    for (uint32_t i = 0; i < crew->sizing.threads; i++)
        result_merge(result, &crew->workers[i].result);
    if (result->interrupted)
        series_cut(&result->series, result->elapsed_ns);
    result->health.windows = result->elapsed_ns / SERIES_WINDOW_NS;
    result->health.uneven = series_uneven_windows(&result->series, HEALTH_WINDOW_SHARE);
    fill_setup(&result->setup, crew);
}

enum err crew_run(struct result *result, const struct run_plan *plan, const struct run_watch *watch,
                  char why[256])
{
    struct crew crew;
    uint64_t server_cpu_ns = 0;
    why[0] = '\0';
    enum err err = crew_init(&crew, plan, why);
    if (err != ERR_OK)
        goto out;
    err = start_threads(&crew, why);
    if (err == ERR_OK)
        server_cpu_ns = supervise(&crew, watch);
    join_threads(&crew);
    if (err != ERR_OK)
        goto out;
    collect(&crew, result);
    result->server_cpu_ns = server_cpu_ns;
    result_judge_figures(result);
out:
    crew_deinit(&crew);
    return err;
}
