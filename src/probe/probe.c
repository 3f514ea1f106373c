/* probe: resolves, connects, prints. Owns a loop with what the daemon's main thread has for its targets
 * (publisher, refresh, upstream, bootstrap), the plan and the checks under way. Thread: main.
 * Endpoints whose addresses are known are connected to while others are resolved: the plan is made anew then.
 * Bounds: PROBE_ROWS_MAX rows, PROBE_AT_ONCE connections; an address that TCP does not reach is waited for
 * once, whatever the number of its names. Fails: as rows of the report. */
#include "local53/probe/probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/base/log.h"
#include "local53/base/metrics.h"
#include "local53/base/rng.h"
#include "local53/cli/exit_code.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"
#include "local53/net/tls.h"
#include "local53/server/publisher.h"
#include "plan.h"
#include "print.h"

/* How long answers of targets are gathered before the plan is made anew. */
#define GATHER_MS 100

/* Questions under way at once. */
#define EXCHANGES 128

struct probe;

/* One connection. */
struct probing {
    struct probe *probe;     /* borrowed; whose it is */
    size_t row;              /* of the plan */
    struct tls_check *check; /* NULL: this place is free */
};

struct probe {
    const struct probe_options *options;   /* borrowed */
    struct loop *loop;                     /* owned */
    struct rng rng;                        /* for the upstream */
    struct metrics *metrics;               /* owned; counted and not told */
    struct metrics_names *names;           /* owned; slots of endpoints and servers */
    struct upstream *upstream;             /* owned */
    struct refresh *refresh;               /* owned; the targets */
    struct bootstrap *bootstrap;           /* owned; servers given by host name */
    struct publisher publisher;            /* owned; what the daemon would answer from */
    struct alarm *limit;                   /* owned; ends the resolving */
    struct alarm *gathered;                /* owned; a new plan is due */
    struct tls *tls;                       /* owned */
    struct probe_plan plan;                /* owned; of what is known */
    struct probing probing[PROBE_AT_ONCE]; /* connections */
    uint64_t started_ms;                   /* monotonic */
    bool complete;                         /* the resolving is over: the plan stays */
    bool interrupted;                      /* by a signal */
    bool live;                             /* progress is shown: stderr is a terminal */
};

/* --- progress --- */

#define ERASE_LINE "\r\033[K" /* ECMA-48 EL */

static void show_progress(const struct probe *probe)
{
    const struct probe_plan *plan = &probe->plan;
    if (!probe->live)
        return;
    fprintf(stderr, ERASE_LINE "%sprobed %zu of %zu, %zu failed",
            probe->complete ? "" : "resolving targets; ", plan->count - probe_undone(plan),
            plan->count, probe_failures(plan));
}

static void end_progress(const struct probe *probe)
{
    if (probe->live)
        fputs(ERASE_LINE, stderr);
}

/* --- connecting --- */

static void start_rows(struct probe *probe);

static enum probe_outcome outcome_of(const struct probe_row *row)
{
    if (row->tls.verdict == TLS_OK)
        return PROBE_FINE;
    bool below = row->tls.verdict == TLS_WRONG_NAME && row->tls.fits_below && row->takes_below;
    return below ? PROBE_FINE_BELOW : PROBE_FAILED;
}

static void on_checked(void *owner, const struct tls_result *result)
{
    struct probing *probing = owner;
    struct probe *probe = probing->probe;
    struct probe_row *row = &probe->plan.rows[probing->row];
    probing->check = NULL;
    row->tls = *result;
    row->outcome = outcome_of(row);
    start_rows(probe);
    show_progress(probe);
}

static struct probing *free_place(struct probe *probe)
{
    for (size_t i = 0; i < PROBE_AT_ONCE; i++) {
        if (probe->probing[i].check == NULL)
            return &probe->probing[i];
    }
    return NULL;
}

static bool is_idle(const struct probe *probe)
{
    for (size_t i = 0; i < PROBE_AT_ONCE; i++) {
        if (probe->probing[i].check != NULL)
            return false;
    }
    return true;
}

/* Rows of an address that TCP did not reach get its first row's result. */
static void follow_scout(struct probe_row *row, const struct probe_row *scout)
{
    row->started = true;
    row->tls = scout->tls;
    row->outcome = PROBE_FAILED;
}

/* Starts rows whose time has come: first rows of addresses, or the others, which wait for these; false when all
 * places are taken. */
static bool start_some(struct probe *probe, bool scouts)
{
    struct probe_plan *plan = &probe->plan;
    for (size_t i = 0; i < plan->count; i++) {
        struct probe_row *row = &plan->rows[i];
        const struct probe_row *scout = &plan->rows[row->scout];
        struct probing *probing = free_place(probe);
        if (probing == NULL)
            return false;
        if (row->started || row->outcome != PROBE_UNDONE || (row->scout == i) != scouts)
            continue;
        if (!scouts && scout->outcome == PROBE_UNDONE)
            continue;
        if (!scouts && !scout->tls.connected) {
            follow_scout(row, scout);
            continue;
        }
        row->started = true;
        *probing = (struct probing){.probe = probe, .row = i};
        probing->check = tls_check_start(probe->tls, &row->addr, row->name, on_checked, probing);
    }
    return true;
}

static void start_rows(struct probe *probe)
{
    if (start_some(probe, true))
        start_some(probe, false);
    if (probe->complete && is_idle(probe))
        loop_stop(probe->loop);
}

/* --- resolving --- */

/* Each name of a target has said something about each address family. */
static bool is_known(const struct target *target)
{
    for (size_t part = 0; part < 2 * target->name_count; part++) {
        const struct target_part *known = &target->parts[part / 2][part % 2];
        if (!known->answered && !known->failing)
            return false;
    }
    return true;
}

static bool is_resolved(const struct probe *probe)
{
    size_t count = publisher_rules(&probe->publisher)->endpoint_count;
    for (size_t i = 0; i < count; i++) {
        if (!is_known(refresh_target(probe->refresh, i)))
            return false;
    }
    return true;
}

static void look_at_endpoint(const struct probe *probe, size_t i, struct probe_view *view)
{
    view->target = refresh_target(probe->refresh, i);
    view->pending = !probe->complete && !is_known(view->target);
    for (size_t t = 0; t < view->target->name_count; t++)
        view->problems[t] = refresh_target_problem(probe->refresh, i, t);
}

/* Checks under way go on under the new plan; one that has no row there any more is given up. */
static void change_plan(struct probe *probe, struct probe_plan *plan)
{
    probe_plan_adopt(plan, &probe->plan);
    for (size_t i = 0; i < PROBE_AT_ONCE; i++) {
        struct probing *probing = &probe->probing[i];
        if (probing->check == NULL)
            continue;
        const struct probe_row *row = probe_plan_find(plan, &probe->plan.rows[probing->row]);
        if (row != NULL) {
            probing->row = (size_t)(row - plan->rows);
        } else {
            tls_check_cancel(probing->check);
            probing->check = NULL;
        }
    }
    probe_plan_deinit(&probe->plan);
    probe->plan = *plan;
}

static void make_plan(struct probe *probe)
{
    struct probe_plan plan;
    const struct ruleset *rules = publisher_rules(&probe->publisher);
    struct probe_view *views = calloc(rules->endpoint_count + 1, sizeof(*views));
    struct probe_wish wish = {.rules = rules,
                              .views = views,
                              .names = probe->options->names,
                              .name_count = probe->options->name_count,
                              .port = probe->options->port,
                              .now_ms = loop_now_ms(probe->loop)};
    CHECK(views != NULL);
    for (size_t i = 0; i < rules->endpoint_count; i++)
        look_at_endpoint(probe, i, &views[i]);
    probe_plan_init(&plan, &wish);
    free(views);
    change_plan(probe, &plan);
}

static void connect_known(struct probe *probe)
{
    make_plan(probe);
    start_rows(probe);
    show_progress(probe);
}

static void complete(struct probe *probe)
{
    alarm_clear(probe->limit);
    alarm_clear(probe->gathered);
    probe->complete = true;
    connect_known(probe);
}

static void on_limit(void *owner)
{
    complete(owner);
}

static void on_gathered(void *owner)
{
    connect_known(owner);
}

static void on_addresses(void *owner)
{
    struct probe *probe = owner;
    publisher_addresses_changed(&probe->publisher);
    if (probe->complete)
        return;
    if (is_resolved(probe)) {
        complete(probe);
    } else if (!alarm_is_set(probe->gathered)) {
        alarm_set(probe->gathered, GATHER_MS);
    }
}

static void on_publish(void *owner, struct snapshot *snapshot)
{
    (void)owner;
    (void)snapshot;
}

static void on_host(void *owner, const char *host, const struct addr *addresses, size_t count)
{
    struct probe *probe = owner;
    (void)host;
    (void)addresses;
    (void)count;
    publisher_hosts_changed(&probe->publisher);
}

/* --- life --- */

static void on_signal(void *owner, int number)
{
    struct probe *probe = owner;
    (void)number;
    probe->interrupted = true;
    loop_stop(probe->loop);
}

static void make_parts(struct probe *probe, const struct config *config)
{
    struct upstream_setup upstream = {
        .loop = probe->loop, .rng = &probe->rng, .metrics = probe->metrics, .exchanges = EXCHANGES};
    struct refresh_setup refresh = {
        .loop = probe->loop, .metrics = probe->metrics, .on_change = on_addresses, .owner = probe};
    probe->upstream = upstream_new(&upstream);
    refresh.upstream = probe->upstream;
    probe->refresh = refresh_new(&refresh);
    probe->bootstrap =
        bootstrap_new(probe->loop, config->answered, config->answered_count, on_host, probe);
    struct publisher_setup publisher = {.loop = probe->loop,
                                        .names = probe->names,
                                        .refresh = probe->refresh,
                                        .bootstrap = probe->bootstrap,
                                        .on_publish = on_publish,
                                        .owner = probe};
    publisher_init(&probe->publisher, &publisher);
    probe->limit = alarm_new(probe->loop, on_limit, probe);
    probe->gathered = alarm_new(probe->loop, on_gathered, probe);
}

static void start(struct probe *probe, struct ruleset *rules)
{
    struct rule_pool *pool = &rules->pools[rules->resolver];
    if (probe->options->has_resolver) {
        pool->servers = ARENA_NEW(&rules->config->arena, struct config_server, 1);
        pool->servers[0] = probe->options->resolver;
        pool->server_count = 1;
    }
    make_parts(probe, rules->config);
    loop_on_signal(probe->loop, SIGINT, on_signal, probe);
    loop_on_signal(probe->loop, SIGTERM, on_signal, probe);
    publisher_take(&probe->publisher, rules);
    alarm_set(probe->limit, is_resolved(probe) ? 0 : PROBE_RESOLVE_MS);
    if (!is_resolved(probe))
        connect_known(probe);
}

/* Prints and gives the exit code. */
static int report(const struct probe *probe)
{
    struct probe_report report = {.plan = &probe->plan,
                                  .file = probe->options->file,
                                  .resolver = snapshot_resolver(probe->publisher.current),
                                  .port = probe->options->port,
                                  .took_ms = loop_now_ms(probe->loop) - probe->started_ms,
                                  .interrupted = probe->interrupted};
    if (probe->options->json)
        probe_print_json(stdout, &report);
    else
        probe_print_table(stdout, &report);
    bool fine = probe_failures(&probe->plan) + probe_undone(&probe->plan) == 0;
    return fine && !probe->interrupted ? EXIT_FINE : EXIT_FOUND;
}

/* What is under way is given up; the loop then runs until all is closed. */
static void stop(struct probe *probe)
{
    for (size_t i = 0; i < PROBE_AT_ONCE; i++) {
        if (probe->probing[i].check != NULL)
            tls_check_cancel(probe->probing[i].check);
    }
    publisher_deinit(&probe->publisher);
    bootstrap_free(probe->bootstrap);
    refresh_free(probe->refresh);
    upstream_free(probe->upstream);
    alarm_free(probe->limit);
    alarm_free(probe->gathered);
    loop_run(probe->loop);
    tls_free(probe->tls);
    loop_free(probe->loop);
    metrics_names_free(probe->names);
    metrics_free(probe->metrics);
    probe_plan_deinit(&probe->plan);
}

static int run(struct probe *probe, struct ruleset *rules)
{
    start(probe, rules);
    loop_run(probe->loop);
    if (!probe->complete) {
        probe->complete = true;
        make_plan(probe);
    }
    end_progress(probe);
    int code = report(probe);
    stop(probe);
    return code;
}

int probe_run(struct ruleset *rules, const struct probe_options *options)
{
    struct probe probe = {.options = options, .live = isatty(STDERR_FILENO) == 1};
    probe.loop = loop_new();
    if (tls_new(&probe.tls, probe.loop, options->ca_file, options->timeout_ms) != ERR_OK) {
        command_error(options->command, "%s: cannot be read as certificates in PEM form",
                      options->ca_file != NULL ? options->ca_file : "the system's CA certificates");
        loop_free(probe.loop);
        ruleset_free(rules);
        return options->ca_file != NULL ? EXIT_USAGE : EXIT_ENVIRONMENT;
    }
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, STDERR_FILENO);
    probe.metrics = metrics_new();
    probe.names = metrics_names_new();
    rng_init(&probe.rng);
    probe.started_ms = loop_now_ms(probe.loop);
    return run(&probe, rules);
}
