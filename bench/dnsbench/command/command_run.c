/* run: an open loop at a rate or a schedule, for latency. */
#include <stdio.h>

#include "command/command.h"
#include "command/options.h"
#include "command/session.h"
#include "measure/units.h"

#define DURATION_NS (10 * NS_PER_S)
#define WARMUP_NS NS_PER_S

static int run(int argc, char **argv);

const struct command command_run = {
    .word = "run",
    .summary = "open loop at a rate: latency (the default)",
    .help =
        "Usage: dnsbench [run] --server ADDR[:PORT] [OPTIONS]\n"
        "Sends on schedule, whatever the server does; latency counts from when each query was "
        "due.\n\n"
        "  --rate N                lookups a second of k8s-aws (200), else queries (1000); 20k, "
        "1.5M\n"
        "  --arrival HOW           poisson (default), constant, burst:N\n"
        "  --schedule LIST         rates in turn instead: 10s@1k,5s@20k\n"
        "  --duration T --warmup T --timeout T   measured time 10s, before it 1s, an answer is "
        "late after 2s\n"
        "  --transport KIND        udp (default), tcp, dot, udp+tc; --tls-name NAME verifies DoT\n"
        "  --profile NAME[:k=v]    k8s-aws (default: what pods ask on EKS), hit, nx, miss\n"
        "  --queries FILE          'NAME TYPE' lines (dnsperf's), '-' for stdin; --random-label "
        "ZONE\n"
        "  --zipf S --names N --seed N           popularity, how many names, the same again (1)\n"
        "  --clients N --source CIDR             clients, each from an address or port of its own\n"
        "  --ports pool|per-lookup               a socket a client, or a fresh one each lookup\n"
        "  --edns SIZE --do --cookie             OPT of 1232 unless told (0: none), DO, a client "
        "cookie\n"
        "  --expect FILE           what answers must be: 'NAME TYPE 10.0.0.1 ...'; else only "
        "questions count\n"
        "  --threads N --cpus LIST --batch N     sending threads, where, queries a system call "
        "(16)\n"
        "  --receive-buffer N --server-pid PID   octets of socket buffer; whose CPU to tell\n"
        "  --fail-if 'p99>2ms'     exit 1 if so; also loss, servfail, mismatch, gap, rate, "
        "lookup.p99,\n"
        "                          class.nx.p99; repeatable;   --slo 'p99<5ms' adds the time above "
        "it\n"
        "  --json FILE --hdr FILE --svg FILE     save ('-': JSON to stdout); --interval T rows of "
        "1s\n"
        "  --quiet --allow-remote                no live line; a public address is meant\n\n"
        "Example:\n"
        "  dnsbench run --server 127.0.0.1:5353 --rate 2k --duration 30s --fail-if "
        "'lookup.p99>50ms'\n\n"
        "Exit codes: 0 pass, 1 threshold, 2 usage, 3 invalid (the tester was the limit), 4 "
        "unreachable, 5 wrong\n",
    .run = run,
};

static bool is_scheduled(const struct options *options)
{
    return options->pacing.stage_count > 0;
}

static int check_words(const struct options *options)
{
    if (!is_scheduled(options))
        return VERDICT_PASS;
    if (options->rate > 0 || options->duration_ns > 0)
        return command_usage(&command_run, "--schedule says rate and duration itself");
    if (options->warmup_ns >= pacer_length(&options->pacing))
        return command_usage(&command_run, "--warmup takes the whole schedule");
    return VERDICT_PASS;
}

static struct run_plan plan_of(const struct session *session)
{
    const struct options *options = session->options;
    struct run_plan plan = session_plan(session, &options->server, session_rate(session));

    if (is_scheduled(options)) {
        plan.duration_ns = pacer_length(&plan.pacing) - plan.warmup_ns;
        return plan;
    }
    if (plan.duration_ns == 0)
        plan.duration_ns = DURATION_NS;
    if (!options->warmup_said)
        plan.warmup_ns = WARMUP_NS;
    session_pace(&plan, session_rate(session));
    return plan;
}

static void announce(const struct session *session, const struct run_plan *plan)
{
    char rate[UNITS_TEXT_MAX];
    char what[96];

    snprintf(what, sizeof(what), "%s%s %s", is_scheduled(session->options) ? "up to " : "",
             units_write_rate(pacer_peak_rate(&plan->pacing), rate),
             workload_has_lookups(session->workload) ? "lookups" : "queries");
    session_announce(session, plan, what, "");
}

static int measure(struct session *session)
{
    int code = check_words(session->options);

    if (code != VERDICT_PASS)
        return code;
    struct run_plan plan = plan_of(session);
    announce(session, &plan);
    if (session_run(session, &plan, "", &code) == NULL)
        return code;
    session_apply_thresholds(session);
    study_conclude(&session->study);
    return session_finish(session);
}

static int run(int argc, char **argv)
{
    return session_main(&command_run, OPTION_RUN, argc, argv, measure);
}
