/* session: from options to plans, from runs to files. Owns: workload, expectations, study.
 * Thread: the main one. Fails: with a sentence on stderr and an exit code. */
#include "command/session.h"

#include <stdio.h>

#include "command/interrupt.h"
#include "command/output.h"
#include "local53/version.h"
#include "measure/machine.h"
#include "measure/threshold.h"
#include "measure/units.h"
#include "traffic/target.h"

#define TIMEOUT_NS (2 * NS_PER_S) /* open loops: what a pod's resolv.conf should have at most */
#define TIMEOUT_CLOSED_NS NS_PER_S

static int tell_fault(const struct session *session, const char *file,
                      const struct text_fault *fault)
{
    if (fault->line > 0)
        command_error(session->command, "%s:%u: %s", file, fault->line, fault->reason);
    else if (file != NULL)
        command_error(session->command, "%s: %s", file, fault->reason);
    else
        command_error(session->command, "%s", fault->reason);
    fprintf(stderr, "Nothing was sent.\n");
    return VERDICT_USAGE;
}

static int check_servers(const struct session *session)
{
    const struct options *options = session->options;

    if (session->command != &command_compare)
        return options_check_server(options, session->command, &options->server, "server");
    int code = options_check_server(options, session->command, &options->a, "a");
    return code != VERDICT_PASS ? code
                                : options_check_server(options, session->command, &options->b, "b");
}

static int load_expectations(struct session *session)
{
    const char *file = session->options->expect;
    struct text_fault fault = {0};

    if (file == NULL)
        return VERDICT_PASS;
    session->expectations = expectations_load(file, &fault);
    return session->expectations != NULL ? VERDICT_PASS : tell_fault(session, file, &fault);
}

static int load_workload(struct session *session)
{
    const struct workload_options *workload = &session->options->workload;
    struct text_fault fault = {0};

    session->workload = workload_new(workload, &fault);
    return session->workload != NULL ? VERDICT_PASS
                                     : tell_fault(session, workload->queries, &fault);
}

static struct output outputs_of(const struct options *options)
{
    return (struct output){.json = options->json, .svg = options->svg, .hdr = options->hdr};
}

static int check_outputs(const struct session *session)
{
    struct output output = outputs_of(session->options);

    if (output_is_possible(session->command, &output))
        return VERDICT_PASS;
    fprintf(stderr, "Nothing was sent.\n");
    return VERDICT_USAGE;
}

static void describe(struct session *session)
{
    struct study *study = &session->study;

    snprintf(study->command, sizeof(study->command), "%s", session->command->word);
    snprintf(study->options, sizeof(study->options), "%s", session->options->line);
    machine_describe(&study->host);
    snprintf(study->host.tool, sizeof(study->host.tool), "dnsbench %s (%s)", LOCAL53_VERSION,
             LOCAL53_COMMIT);
    if (session->options->slo_text != NULL)
        snprintf(study->slo, sizeof(study->slo), "%s", session->options->slo_text);
}

int session_init(struct session *session, const struct command *command,
                 const struct options *options)
{
    *session = (struct session){.command = command, .options = options};
    int code = check_servers(session);
    if (code == VERDICT_PASS)
        code = load_expectations(session);
    if (code == VERDICT_PASS)
        code = load_workload(session);
    if (code == VERDICT_PASS)
        code = check_outputs(session);
    if (code != VERDICT_PASS)
        return code;
    describe(session);
    progress_init(&session->progress, options->quiet);
    session->stop = interrupt_catch();
    return VERDICT_PASS;
}

void session_deinit(struct session *session)
{
    study_deinit(&session->study);
    workload_free(session->workload);
    expectations_free(session->expectations);
}

double session_rate(const struct session *session)
{
    if (session->options->rate > 0)
        return session->options->rate;
    return workload_has_lookups(session->workload) ? SESSION_LOOKUP_RATE : SESSION_QUERY_RATE;
}

static uint64_t timeout_of(const struct options *options, bool open_loop)
{
    if (options->timeout_ns > 0)
        return options->timeout_ns;
    return open_loop ? TIMEOUT_NS : TIMEOUT_CLOSED_NS;
}

struct run_plan session_plan(const struct session *session, const struct addr *server, double rate)
{
    const struct options *o = session->options;
    struct run_plan plan = {.server = *server,
                            .transport = o->transport,
                            .tls_name = o->tls_name,
                            .workload = session->workload,
                            .expectations = session->expectations,
                            .open_loop = rate > 0,
                            .pacing = o->pacing,
                            .duration_ns = o->duration_ns,
                            .warmup_ns = o->warmup_ns,
                            .timeout_ns = timeout_of(o, rate > 0),
                            .interval_ns = o->interval_ns,
                            .slo_ns = threshold_slo_ns(o->slo, o->slo_count),
                            .clients = o->clients,
                            .source = o->source,
                            .source_bits = o->source_bits,
                            .ports = o->ports,
                            .threads = o->threads,
                            .cpus = o->cpu_count > 0 ? o->cpus : NULL,
                            .cpu_count = o->cpu_count,
                            .batch = o->batch,
                            .receive_octets = o->receive_octets,
                            .server_pid = (int)o->server_pid};

    plan.pacing.seed = o->workload.seed;
    return plan;
}

void session_pace(struct run_plan *plan, double rate)
{
    plan->pacing.stage_count = 1;
    plan->pacing.stages[0] =
        (struct pacer_stage){.length_ns = plan->warmup_ns + plan->duration_ns, .rate = rate};
}

void session_announce(const struct session *session, const struct run_plan *plan, const char *what,
                      const char *how)
{
    char server[ADDR_TEXT_MAX];
    char length[UNITS_TEXT_MAX];
    char text[UNITS_TEXT_MAX];

    if (session->options->quiet && target_is_private(&plan->server))
        return;
    fprintf(stderr, "dnsbench: sending %s", what);
    if (plan->open_loop && workload_has_lookups(session->workload))
        fprintf(stderr, " (about %s queries)",
                units_write_rate(pacer_mean_rate(&plan->pacing) *
                                     workload_queries_per_lookup(session->workload),
                                 text));
    fprintf(stderr,
            "%s to %s over %s, %s of %s measured; Ctrl-C ends it with what was measured so far\n",
            how, addr_format(&plan->server, server), transport_name(plan->transport),
            units_write_duration(plan->duration_ns, length),
            session->command == &command_run ? "it" : "each");
}

static void on_interval(void *context, const struct run_live *live)
{
    struct session *session = context;
    struct progress_figures now = {
        .elapsed_ns = atomic_load(&live->elapsed_ns),
        .total_ns = session->total_ns,
        .sent = atomic_load(&live->sent),
        .ok = atomic_load(&live->ok),
        .lost = atomic_load(&live->lost),
        .response_sum_us = atomic_load(&live->response_sum_us),
    };

    progress_draw(&session->progress, &now);
}

/* What the program exits with when a run could not begin. CLOSED, MALFORMED: who listens there hangs
 * up, or speaks no TLS. */
static int code_of(enum err err)
{
    switch (err) {
    case ERR_REFUSED:
    case ERR_UNREACHABLE:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_MALFORMED: return VERDICT_UNREACHABLE;
    default: return VERDICT_USAGE;
    }
}

/* Runs that were made before are still told, with this. */
static int tell_not_begun(struct session *session, enum err err, const char *why)
{
    const char *text = why[0] != '\0' ? why : err_text(err);
    int code = code_of(err);

    command_error(session->command, "%s", text);
    if (session->study.count == 0)
        fprintf(stderr, "Nothing was sent.\n");
    else
        study_judge(&session->study,
                    code == VERDICT_UNREACHABLE ? VERDICT_UNREACHABLE : VERDICT_INVALID,
                    "a run could not begin: %s", text);
    return code;
}

struct result *session_run(struct session *session, const struct run_plan *plan, const char *name,
                           int *code)
{
    struct run_watch watch = {
        .stop = session->stop, .on_interval = on_interval, .context = session};
    struct result *result = study_add(&session->study);
    char why[256] = "";
    enum err err;

    session->total_ns = plan->warmup_ns + plan->duration_ns;
    progress_label(&session->progress, name);
    err = crew_run(result, plan, &watch, why);
    progress_clear(&session->progress);
    if (err != ERR_OK) {
        session->study.count--;
        *code = tell_not_begun(session, err, why);
        return NULL;
    }
    snprintf(result->name, sizeof(result->name), "%s", name);
    /* A thread that drew more than its share has passed over names of the others. */
    workload_advance(session->workload,
                     (result->measured.sent + result->warmup.sent + 1) * result->setup.threads);
    return result;
}

enum verdict session_blame(const struct threshold *condition, const struct result *result,
                           char text[SESSION_BLAME_OCTETS])
{
    char figure[160];
    bool is_own = threshold_is_own(condition, result);

    snprintf(text, SESSION_BLAME_OCTETS, "%s%s",
             threshold_write(condition, result, figure, sizeof(figure)),
             is_own ? ", but would not be so without the tester's own send lag" : "");
    return is_own ? VERDICT_INVALID : VERDICT_FAILED;
}

void session_apply_thresholds(struct session *session)
{
    const struct options *options = session->options;

    for (size_t r = 0; r < session->study.count; r++) {
        struct result *result = &session->study.runs[r];

        for (size_t i = 0; i < options->fail_if_count; i++) {
            char text[SESSION_BLAME_OCTETS];

            if (threshold_holds(&options->fail_if[i], result))
                result_judge(result, session_blame(&options->fail_if[i], result, text), "%s", text);
        }
    }
}

int session_finish(struct session *session)
{
    struct output output = outputs_of(session->options);

    return output_study(session->command, &output, &session->study) ? (int)session->study.verdict
                                                                    : (int)VERDICT_USAGE;
}

bool session_interrupted(const struct session *session)
{
    return atomic_load(session->stop);
}

int session_main(const struct command *command, enum option_command which, int argc, char **argv,
                 int (*measure)(struct session *session))
{
    struct options options;
    struct session session;
    int code = options_parse(&options, command, which, argc, argv);

    if (code != VERDICT_PASS)
        return code;
    code = session_init(&session, command, &options);
    if (code == VERDICT_PASS)
        code = measure(&session);
    session_deinit(&session);
    return code;
}
