/* supervisor: main thread of the daemon. Owns everything that is not a worker's; blocks only at start and
 * on reading the configuration, never on a name. A bad configuration never replaces a good one. An ordered
 * stop ends within WORKER_STOP_MS and a little, one that hands over WORKER_LATE_MS a loop later. */
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "address_problem.h"
#include "answers.h"
#include "command.h"
#include "load.h"
#include "local53/base/check.h"
#include "local53/base/clock.h"
#include "local53/base/log.h"
#include "local53/net/timer.h"
#include "local53/node/capabilities.h"
#include "local53/node/processors.h"
#include "local53/upstream/pool.h"
#include "local53/version.h"

/* Internal queries under way at once: endpoints' targets and probes. */
#define INTERNAL_EXCHANGES 128

/* How often readiness is looked at for the log. */
#define READY_LOOK_MS 200
#define READY_KEEP_MS 1000 /* while it is ready: an idle node is woken as little as may be */

static const struct config *supervisor_config(const struct supervisor *supervisor)
{
    return publisher_rules(&supervisor->publisher)->config;
}

/* --- publishing --- */

static void on_publish(void *owner, struct snapshot *snapshot)
{
    struct supervisor *supervisor = owner;
    for (size_t i = 0; i < supervisor->thread_count && !supervisor->stopping; i++)
        worker_publish(supervisor->workers[i], snapshot_hold(snapshot));
}

static void on_addresses(void *owner)
{
    struct supervisor *supervisor = owner;
    publisher_addresses_changed(&supervisor->publisher);
}

static void on_host(void *owner, const char *host, const struct addr *addresses, size_t count)
{
    struct supervisor *supervisor = owner;
    (void)addresses;
    LOG_INFO("host.resolved", LOG_TEXT("host", host), LOG_UINT("addresses", count));
    publisher_hosts_changed(&supervisor->publisher);
}

/* --- reload --- */

static void set_reload_result(struct supervisor *supervisor, char *problem)
{
    bool taken = problem == NULL;
    free(supervisor->reload_problem);
    supervisor->reload_problem = problem;
    metrics_set(supervisor->metrics, METRICS_RELOAD_SUCCESS, 0, taken);
    metrics_add(supervisor->metrics, METRICS_RELOADS,
                taken ? METRICS_RELOADED_SUCCESS : METRICS_RELOADED_FAILURE, 1);
    if (taken)
        metrics_set(supervisor->metrics, METRICS_RELOAD_TIME, 0, clock_wall_ms() / 1000);
}

/* A key that only a restart can change makes the whole file wait for one. */
static char *restart_problem(const struct supervisor *supervisor, const char *key)
{
    char *text = NULL;
    int len = asprintf(&text, "%s: %s cannot change while running; restart local53 for it",
                       supervisor->file, key);
    CHECK(len > 0);
    return text;
}

/* The new rules, or NULL with *problem (malloc'd text). */
static struct ruleset *load_next(struct supervisor *supervisor, char **problem)
{
    struct report report = {0};
    const char *key = NULL;
    struct ruleset *rules = load_to_serve(supervisor->file, ++supervisor->epoch, &report);
    if (rules == NULL) {
        *problem = load_report_text(&report);
    } else if (!config_can_reload(supervisor_config(supervisor), rules->config, &key)) {
        *problem = restart_problem(supervisor, key);
        ruleset_free(rules);
        rules = NULL;
    } else {
        load_print_report(&report);
    }
    report_deinit(&report);
    return rules;
}

/* Takes rules into use: everything that hangs on them, then the loops. */
static void take_rules(struct supervisor *supervisor, struct ruleset *rules)
{
    const struct config *config = rules->config;
    log_setup(config->log_level, config->log_format, 2);
    cache_resize(supervisor->cache, config->cache_memory);
    publisher_take(&supervisor->publisher, rules);
}

bool supervisor_reload(struct supervisor *supervisor)
{
    char *problem = NULL;
    struct ruleset *rules = load_next(supervisor, &problem);
    if (rules == NULL) {
        LOG_ERROR("reload.refused", LOG_TEXT("file", supervisor->file),
                  LOG_TEXT("problem", problem));
    } else {
        take_rules(supervisor, rules);
        watched_follow(supervisor->watched, rules->private_zones);
        node_retry(supervisor->node);
        LOG_INFO("reload.taken", LOG_TEXT("file", supervisor->file),
                 LOG_UINT("epoch", supervisor->epoch),
                 LOG_UINT("endpoints", rules->config->endpoint_count),
                 LOG_UINT("zones", rules->config->zone_count));
    }
    set_reload_result(supervisor, problem);
    return rules != NULL;
}

static void on_file_change(void *owner)
{
    struct supervisor *supervisor = owner;
    if (!supervisor->stopping)
        supervisor_reload(supervisor);
}

/* --- readiness --- */

/* What the loops do not have yet cannot be answered, whatever is known here. */
static bool workers_are_current(const struct supervisor *supervisor)
{
    bool current = true;
    for (size_t i = 0; i < supervisor->thread_count; i++)
        current = current && worker_is_current(supervisor->workers[i]);
    return current;
}

/* Our addresses answer, and so do our loops: beside another instance the answer is that one's. */
static bool is_proven(const struct supervisor *supervisor)
{
    bool begun = true;
    for (size_t i = 0; i < supervisor->thread_count; i++)
        begun = begun && worker_has_begun(supervisor->workers[i]);
    return begun && selfcheck_passed(supervisor->selfcheck);
}

bool supervisor_is_ready(const struct supervisor *supervisor, char why[SUPERVISOR_WHY_MAX])
{
    const struct publisher *publisher = &supervisor->publisher;
    const char *missing = publisher->next == NULL ? snapshot_missing(publisher->current) : NULL;
    why[0] = '\0';
    if (supervisor->stopping)
        snprintf(why, SUPERVISOR_WHY_MAX, "stopping");
    else if (!is_proven(supervisor) && handover_is_beside(supervisor->handover))
        snprintf(why, SUPERVISOR_WHY_MAX,
                 "the other instance, which is asked until it stops, has not answered a query of "
                 "our own yet");
    else if (!is_proven(supervisor))
        snprintf(why, SUPERVISOR_WHY_MAX,
                 "not every listen address has answered a query of our own yet");
    else if (!node_is_ready(supervisor->node))
        snprintf(why, SUPERVISOR_WHY_MAX, "the rules that lead DNS here do not stand yet");
    else if (missing != NULL)
        snprintf(why, SUPERVISOR_WHY_MAX, "endpoint %s has no address yet", missing);
    else if (!supervisor->was_ready && publisher_awaited(publisher) != NULL)
        snprintf(why, SUPERVISOR_WHY_MAX, "the first look-up of %s is not over yet",
                 publisher_awaited(publisher));
    else if (!supervisor->was_ready && !workers_are_current(supervisor))
        snprintf(why, SUPERVISOR_WHY_MAX, "not every loop has what is known by now");
    return why[0] == '\0';
}

/* Beside another instance it is that one that answers, or hangs: who ended us for it would leave nobody. */
bool supervisor_is_alive(const struct supervisor *supervisor, char why[SUPERVISOR_WHY_MAX])
{
    uint64_t now_ms = loop_now_ms(supervisor->loop);
    bool beside = handover_is_beside(supervisor->handover);
    why[0] = '\0';
    if (!beside && !selfcheck_alive(supervisor->selfcheck))
        snprintf(why, SUPERVISOR_WHY_MAX, "no query of our own was answered for %d s",
                 SELFCHECK_STALE_MS / 1000);
    for (size_t i = 0; i < supervisor->thread_count; i++) {
        if (worker_silent_ms(supervisor->workers[i], now_ms) >= SELFCHECK_STALE_MS)
            snprintf(why, SUPERVISOR_WHY_MAX, "loop %zu gave no sign of life for %d s", i,
                     SELFCHECK_STALE_MS / 1000);
    }
    return why[0] == '\0';
}

static void poke_workers(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->thread_count && !supervisor->stopping; i++)
        worker_poke(supervisor->workers[i], loop_now_ms(supervisor->loop));
}

/* --- spreading --- */

static struct spread_work work_done(const struct supervisor *supervisor)
{
    struct spread_work work = {0, 0};
    for (size_t i = 0; i < supervisor->thread_count; i++) {
        work.busy_us += clock_thread_us(supervisor->threads[i]);
        work.drops += metrics_get(supervisor->workers[i]->metrics, METRICS_KERNEL_DROPS, 0);
    }
    return work;
}

/* Tells the kernel over how many loops to spread; where it takes no such word it keeps its own way, client by
 * client over all loops, and is not asked again. */
static void steer(struct supervisor *supervisor)
{
    struct spread *spread = &supervisor->spread;
    enum err err = worker_steer(supervisor->workers[0], spread->active);
    if (err != ERR_OK) {
        LOG_WARN("spread.by_client", LOG_TEXT("problem", err_text(err)));
        spread_init(spread, supervisor->worker_count, loop_now_ms(supervisor->loop));
        supervisor->unsteered = true;
    }
    metrics_set(supervisor->metrics, METRICS_LOOPS_ACTIVE, 0, spread->active);
}

static void look_at_spread(struct supervisor *supervisor)
{
    uint64_t now_ms = loop_now_ms(supervisor->loop);
    if (supervisor->worker_count == 1 || supervisor->unsteered || supervisor->stopping ||
        handover_is_beside(supervisor->handover))
        return;
    struct spread_work work = work_done(supervisor);
    if (spread_look(&supervisor->spread, now_ms, &work))
        steer(supervisor);
}

static void start_spread(struct supervisor *supervisor)
{
    size_t count = supervisor->worker_count;
    handover_begin(supervisor->handover, supervisor->workers, count);
    spread_init(&supervisor->spread, count, loop_now_ms(supervisor->loop));
    metrics_set(supervisor->metrics, METRICS_LOOPS_ACTIVE, 0, count);
    if (count > 1 && !handover_is_beside(supervisor->handover))
        steer(supervisor);
}

/* The one we came to may be gone: then all comes to us, and what it had is free. */
static void look_at_handover(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    if (handover_look(supervisor->handover)) {
        selfcheck_renew(supervisor->selfcheck);
        if (supervisor->worker_count > 1)
            steer(supervisor);
    }
    metrics_ports_retry(&supervisor->metrics_ports, handover_is_beside(supervisor->handover));
}

/* --- the node --- */

static void begin_stop(struct supervisor *supervisor);

/* Asks these addresses from now on. */
static void start_selfcheck(struct supervisor *supervisor, const struct addr *addresses,
                            size_t count)
{
    selfcheck_free(supervisor->selfcheck);
    supervisor->selfcheck = selfcheck_new(supervisor->loop, &supervisor->rng, addresses, count);
}

static void look_at_node(struct supervisor *supervisor)
{
    const struct addr *addresses;
    size_t count;
    if (supervisor->stopping)
        return;
    switch (node_look(supervisor->node, is_proven(supervisor), loop_now_ms(supervisor->loop))) {
    case NODE_SAME: break;
    case NODE_BEGUN:
        addresses = node_listen(supervisor->node, &count);
        start_selfcheck(supervisor, addresses, count);
        break;
    case NODE_OVER:
        supervisor->code = EXIT_ENVIRONMENT;
        begin_stop(supervisor);
        break;
    }
}

static void on_ready_alarm(void *owner)
{
    struct supervisor *supervisor = owner;
    char why[SUPERVISOR_WHY_MAX];
    look_at_handover(supervisor);
    look_at_node(supervisor);
    bool ready = supervisor_is_ready(supervisor, why);
    poke_workers(supervisor);
    look_at_spread(supervisor);
    cache_prepare(supervisor->cache);
    if (ready != supervisor->was_ready && !supervisor->stopping) {
        supervisor->was_ready = ready;
        if (ready)
            LOG_INFO("ready",
                     LOG_UINT("after_ms", loop_now_ms(supervisor->loop) - supervisor->started_ms));
        else
            LOG_WARN("not_ready", LOG_TEXT("why", why));
    }
    bool calm = ready && !handover_is_beside(supervisor->handover);
    alarm_set(supervisor->ready_alarm, calm ? READY_KEEP_MS : READY_LOOK_MS);
}

/* --- stopping --- */

/* The loop then ends by itself when the last of it is closed: an answer that a peer is slow to read has its
 * time. */
static void close_services(struct supervisor *supervisor)
{
    metrics_ports_close(&supervisor->metrics_ports);
    control_close(supervisor->control);
    watched_free(supervisor->watched);
    selfcheck_free(supervisor->selfcheck);
    publisher_deinit(&supervisor->publisher);
    bootstrap_free(supervisor->bootstrap);
    refresh_free(supervisor->refresh);
    if (supervisor->upstream != NULL)
        upstream_free(supervisor->upstream);
    if (supervisor->ready_alarm != NULL)
        alarm_free(supervisor->ready_alarm);
    mailbox_free(supervisor->mailbox);
}

/* One after the other, once all are drained: no socket is closed while queries are led to it. */
static void stop_next(struct supervisor *supervisor)
{
    size_t left = supervisor->thread_count - supervisor->stopped_count;
    if (left == 0 || supervisor->drained_count < supervisor->thread_count)
        return;
    worker_stop(supervisor->workers[handover_next(supervisor->handover, left)]);
}

static void on_message(void *owner, int kind, void *payload)
{
    struct supervisor *supervisor = owner;
    (void)payload;
    CHECK(kind == WORKER_STOPPED || kind == WORKER_DRAINED);
    supervisor->stopped_count += kind == WORKER_STOPPED;
    supervisor->drained_count += kind == WORKER_DRAINED;
    if (supervisor->stopped_count == supervisor->thread_count)
        close_services(supervisor);
    else
        stop_next(supervisor);
}

/* Clients are led elsewhere first; what has come until then is still answered. */
static void begin_stop(struct supervisor *supervisor)
{
    supervisor->stopping = true;
    node_stand_down(supervisor->node);
    bool drains = handover_leave(supervisor->handover);
    for (size_t i = 0; i < supervisor->thread_count; i++)
        (drains ? worker_drain : worker_stop)(supervisor->workers[i]);
}

static void on_signal(void *owner, int number)
{
    struct supervisor *supervisor = owner;
    if (number == SIGHUP) {
        on_file_change(supervisor);
    } else if (!supervisor->stopping) {
        LOG_INFO("stop", LOG_TEXT("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
        begin_stop(supervisor);
    } else {
        LOG_WARN("stop.forced", LOG_TEXT("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
        _Exit(EXIT_FOUND);
    }
}

/* --- starting --- */

static int open_services(struct supervisor *supervisor)
{
    const struct config *config = supervisor_config(supervisor);
    enum err err = control_open(&supervisor->control, supervisor->loop, config->control,
                                answers_control, supervisor);
    if (err != ERR_OK) {
        const char *hint = "";
        if (err == ERR_IN_USE)
            hint = "; another local53 is running with it";
        else if (err == ERR_INVALID)
            hint = "; something that is no socket stands there, or the path is too long";
        else if (err == ERR_DENIED)
            hint = "; let its user write to that folder, or write another path under control:";
        fprintf(stderr, "local53: control socket %s: %s%s\n", config->control,
                err == ERR_SYSTEM ? strerror(errno) : err_text(err), hint);
        return EXIT_ENVIRONMENT;
    }
    metrics_ports_init(&supervisor->metrics_ports, config, supervisor->loop, answers_http,
                       supervisor);
    bool patient = handover_is_beside(supervisor->handover);
    return metrics_ports_open(&supervisor->metrics_ports, patient) ? EXIT_FINE : EXIT_ENVIRONMENT;
}

static int make_workers(struct supervisor *supervisor)
{
    const struct config *config = supervisor_config(supervisor);
    size_t count = config->workers != 0 ? config->workers : processors_loops();
    size_t listen_count;
    const struct addr *listen = node_listen(supervisor->node, &listen_count);
    struct worker_setup setup = {.listen = listen,
                                 .listen_count = listen_count,
                                 .cache = supervisor->cache,
                                 .snapshot = supervisor->publisher.current,
                                 .tcp_connections =
                                     (uint32_t)((config->tcp_connections + count - 1) / count),
                                 .supervisor = supervisor->mailbox,
                                 .leaks = supervisor->leaks};
    CHECK(count <= SUPERVISOR_WORKERS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct addr failed;
        enum err err = worker_new(&supervisor->workers[i], &setup, &failed);
        if (err != ERR_OK) {
            address_problem_tell(&failed, "UDP or TCP", err);
            return EXIT_ENVIRONMENT;
        }
        supervisor->worker_count++;
    }
    return EXIT_FINE;
}

/* What reads packets has no privilege, whatever the main thread keeps. */
static void *run_worker(void *worker)
{
    (void)capabilities_keep(CAPABILITIES_NONE);
    worker_run(worker);
    return NULL;
}

static void start_threads(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->worker_count; i++) {
        CHECK(pthread_create(&supervisor->threads[i], NULL, run_worker, supervisor->workers[i]) ==
              0);
        supervisor->thread_count++;
    }
}

static void make_parts(struct supervisor *supervisor, struct ruleset *rules)
{
    struct hash_key secret;
    struct upstream_setup upstream = {.loop = supervisor->loop,
                                      .rng = &supervisor->rng,
                                      .metrics = supervisor->metrics,
                                      .exchanges = INTERNAL_EXCHANGES};
    struct refresh_setup refresh = {.loop = supervisor->loop,
                                    .metrics = supervisor->metrics,
                                    .on_change = on_addresses,
                                    .owner = supervisor};
    const struct config *config = rules->config;
    secret = (struct hash_key){rng_u64(&supervisor->rng), rng_u64(&supervisor->rng)};
    supervisor->cache = cache_new(config->cache_memory, &secret);
    supervisor->leaks = leaks_new(&secret);
    supervisor->upstream = upstream_new(&upstream);
    refresh.upstream = supervisor->upstream;
    supervisor->refresh = refresh_new(&refresh);
    supervisor->bootstrap = bootstrap_new(supervisor->loop, config->answered,
                                          config->answered_count, on_host, supervisor);
    supervisor->ready_alarm = alarm_new(supervisor->loop, on_ready_alarm, supervisor);
    struct publisher_setup publisher = {.loop = supervisor->loop,
                                        .names = supervisor->names,
                                        .refresh = supervisor->refresh,
                                        .bootstrap = supervisor->bootstrap,
                                        .on_publish = on_publish,
                                        .owner = supervisor};
    publisher_init(&supervisor->publisher, &publisher);
    take_rules(supervisor, rules);
    set_reload_result(supervisor, NULL);
}

static void watch_everything(struct supervisor *supervisor)
{
    size_t count;
    const struct addr *proof = node_proof(supervisor->node, &count);
    start_selfcheck(supervisor, proof, count);
    loop_on_signal(supervisor->loop, SIGHUP, on_signal, supervisor);
    loop_on_signal(supervisor->loop, SIGTERM, on_signal, supervisor);
    loop_on_signal(supervisor->loop, SIGINT, on_signal, supervisor);
    supervisor->watched =
        watched_new(supervisor->loop, supervisor->file, on_file_change, supervisor);
    watched_follow(supervisor->watched, publisher_rules(&supervisor->publisher)->private_zones);
    alarm_set(supervisor->ready_alarm, 0);
}

/* Comes to the addresses: first they are put on the node, then looked at. */
static bool enter(struct supervisor *supervisor)
{
    if (!node_prepare(supervisor->node))
        return false;
    size_t count;
    const struct addr *listen = node_listen(supervisor->node, &count);
    supervisor->handover = handover_new(supervisor_config(supervisor)->handover, listen, count);
    return handover_enter(supervisor->handover);
}

static int start(struct supervisor *supervisor, struct ruleset *rules)
{
    supervisor->started_ms = loop_now_ms(supervisor->loop);
    make_parts(supervisor, rules);
    supervisor->node = node_new(rules->config, supervisor->metrics);
    int code = enter(supervisor) ? open_services(supervisor) : EXIT_ENVIRONMENT;
    if (code == EXIT_FINE)
        code = make_workers(supervisor);
    if (code != EXIT_FINE)
        return code;
    start_spread(supervisor);
    node_settle(supervisor->node, supervisor->file);
    start_threads(supervisor);
    watch_everything(supervisor);
    LOG_INFO("start", LOG_TEXT("version", LOCAL53_VERSION), LOG_TEXT("commit", LOCAL53_COMMIT),
             LOG_TEXT("file", supervisor->file), LOG_UINT("loops", supervisor->worker_count),
             LOG_UINT("endpoints", supervisor_config(supervisor)->endpoint_count),
             LOG_UINT("zones", supervisor_config(supervisor)->zone_count));
    leaks_begin(supervisor->leaks);
    return EXIT_FINE;
}

static void free_all(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->thread_count; i++)
        pthread_join(supervisor->threads[i], NULL);
    for (size_t i = 0; i < supervisor->worker_count; i++)
        worker_free(supervisor->workers[i]);
    handover_free(supervisor->handover);
    node_free(supervisor->node);
    loop_free(supervisor->loop);
    control_free(supervisor->control);
    cache_free(supervisor->cache);
    leaks_free(supervisor->leaks);
    metrics_names_free(supervisor->names);
    metrics_free(supervisor->metrics);
    free(supervisor->reload_problem);
}

/* Sockets are many: 16 for each upstream server and loop, and TCP clients. The soft limit is a courtesy to
 * programs that use select(2), which this one does not. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        LOG_WARN("limit.descriptors", LOG_UINT("soft", limit.rlim_cur));
}

static int serve(const char *file, struct ruleset *rules)
{
    struct supervisor supervisor = {.file = file, .epoch = rules->epoch};
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    supervisor.loop = loop_new();
    supervisor.mailbox = mailbox_new(supervisor.loop, on_message, &supervisor);
    supervisor.metrics = metrics_new();
    supervisor.names = metrics_names_new();
    rng_init(&supervisor.rng);
    int code = start(&supervisor, rules);
    if (code != EXIT_FINE)
        close_services(&supervisor);
    loop_run(supervisor.loop);
    free_all(&supervisor);
    return code != EXIT_FINE ? code : supervisor.code;
}

int supervisor_run(const char *file)
{
    struct report report = {0};
    struct ruleset *rules = load_to_serve(file, 1, &report);
    load_print_report(&report);
    report_deinit(&report);
    if (rules == NULL) {
        fprintf(stderr, "local53: not started: the configuration has errors\n");
        return EXIT_USAGE;
    }
    return serve(file, rules);
}
