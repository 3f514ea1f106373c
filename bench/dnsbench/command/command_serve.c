/* serve: the fault-injecting server that load testers are verified against. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/interrupt.h"
#include "command/output.h"
#include "faults/server.h"
#include "local53/base/nearest.h"
#include "measure/histogram.h"
#include "measure/units.h"
#include "traffic/target.h"

#define OPTIONS_MAX 40
#define OWN_OPTIONS 6

static int run(int argc, char **argv);

const struct command command_serve = {
    .word = "serve",
    .summary = "fault-injecting DNS server that records its own truth",
    .help =
        "Usage: dnsbench serve [--listen ADDR:PORT] [FAULTS] [--truth FILE]\n"
        "Answers every A and AAAA on UDP and TCP until Ctrl-C, with the faults asked for, and "
        "writes what it\n"
        "really did as JSON: the measure of every load tester. P is a share: 1%, or 0.01; without "
        "it: all.\n\n"
        "  --listen ADDR:PORT      where (127.0.0.1:5300); port 0: any, told on stderr\n"
        "  --delay T --jitter T    hold each answer so long, and a random 0..jitter more\n"
        "  --service-time T        one server: so long a query, one after the other; --queue N may "
        "wait (4096)\n"
        "  --stall T@T             nothing at all for so long, so long after the first query; "
        "repeatable\n"
        "  --loss P                never answered\n"
        "  --rcode NAME[:P]        SERVFAIL:2%, NXDOMAIN, ... without records; repeatable\n"
        "  --tc P                  truncated over UDP\n"
        "  --wrong WHAT[:P]        address, question, id, empty: answers that are wrong\n"
        "  --duplicate P           answered twice\n"
        "  --answer ADDR           what A or AAAA get (192.0.2.1 and 2001:db8::1); repeatable\n"
        "  --ttl N --seed N        of records (30), of all draws (1)\n"
        "  --no-cluster            every name exists, those of cluster.local too\n"
        "  --truth FILE            '-' for stdout; written at the end and on SIGUSR1\n"
        "  --duration T --no-tcp --cpu N         end by itself, UDP only, pin to a CPU\n"
        "  --allow-remote          answer on a public address, or on all\n\n"
        "Example:\n"
        "  dnsbench serve --listen 127.0.0.1:5300 --delay 1ms --loss 0.1% --truth truth.json &\n"
        "  dnsbench run --server 127.0.0.1:5300\n\n"
        "Exit codes: 0 ended as asked, 2 usage, 4 the address cannot be listened on\n",
    .run = run,
};

enum own_option { OWN_LISTEN = 1000, OWN_TRUTH, OWN_DURATION, OWN_NO_TCP, OWN_CPU, OWN_REMOTE };

static const struct option own_options[OWN_OPTIONS] = {
    {"listen", required_argument, NULL, OWN_LISTEN},
    {"truth", required_argument, NULL, OWN_TRUTH},
    {"duration", required_argument, NULL, OWN_DURATION},
    {"no-tcp", no_argument, NULL, OWN_NO_TCP},
    {"cpu", required_argument, NULL, OWN_CPU},
    {"allow-remote", no_argument, NULL, OWN_REMOTE},
};

/* All options as getopt wants them: the plan's by their place, then our own; gives how many. */
static size_t list_options(struct option list[OPTIONS_MAX])
{
    size_t count;
    const struct fault_option *faults = fault_plan_options(&count);

    for (size_t i = 0; i < count; i++)
        list[i] = (struct option){faults[i].name,
                                  faults[i].value != NULL ? required_argument : no_argument, NULL,
                                  (int)i};
    memcpy(list + count, own_options, sizeof(own_options));
    list[count + OWN_OPTIONS] = (struct option){0};
    return count + OWN_OPTIONS;
}

static int unknown_option(const struct option *list, size_t count, const char *word)
{
    const char *names[OPTIONS_MAX];
    char bare[64];
    const char *nearest;

    if (strncmp(word, "--", 2) != 0)
        return command_usage(&command_serve, "unknown option '%s'; all options are long ones",
                             word);
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < count; i++)
        names[i] = list[i].name;
    nearest = nearest_word(bare, names, count);
    if (nearest != NULL)
        return command_usage(&command_serve, "unknown option '--%s'; did you mean '--%s'?", bare,
                             nearest);
    return command_usage(&command_serve, "unknown option '--%s'", bare);
}

/* Takes one of our own options. */
static int take_own(struct fault_server_config *config, int option, const char *value, bool *remote)
{
    uint64_t cpu;

    if (option == OWN_LISTEN && addr_parse(&config->listen, value, 53) != ERR_OK)
        return command_usage(&command_serve, "--listen '%s': is ADDR or ADDR:PORT", value);
    if (option == OWN_DURATION && units_parse_duration(&config->duration_ns, value) != ERR_OK)
        return command_usage(&command_serve, "--duration '%s': is a time such as 30s", value);
    if (option == OWN_CPU && units_parse_count(&cpu, value, 4095) != ERR_OK)
        return command_usage(&command_serve, "--cpu '%s': is the number of a CPU", value);
    if (option == OWN_CPU)
        config->cpu = (int)cpu;
    if (option == OWN_TRUTH)
        config->truth_file = value;
    if (option == OWN_NO_TCP)
        config->tcp = false;
    if (option == OWN_REMOTE)
        *remote = true;
    return VERDICT_PASS;
}

static int take_fault(struct fault_plan *plan, const char *name, const char *value)
{
    char why[FAULTS_WHY_OCTETS] = "";

    if (fault_plan_set(plan, name, value, why) == ERR_OK)
        return VERDICT_PASS;
    return command_usage(&command_serve, "--%s '%s': %s", name, value != NULL ? value : "", why);
}

static int parse(struct fault_server_config *config, int argc, char **argv)
{
    struct option list[OPTIONS_MAX];
    size_t count = list_options(list);
    bool remote = false;
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, ":", list, NULL)) != -1) {
        int code;

        if (found == ':')
            return command_usage(&command_serve, "'%s' needs a value", argv[optind - 1]);
        if (found == '?')
            return unknown_option(list, count, argv[optind - 1]);
        code = found >= OWN_LISTEN ? take_own(config, found, optarg, &remote)
                                   : take_fault(&config->plan, list[found].name, optarg);
        if (code != VERDICT_PASS)
            return code;
    }
    if (optind < argc)
        return command_usage(&command_serve, "'%s' is one word too many", argv[optind]);
    if (!remote && !target_is_private(&config->listen))
        return command_usage(&command_serve,
                             "answers whoever asks: a public address or all of them needs "
                             "--allow-remote");
    return VERDICT_PASS;
}

static int run(int argc, char **argv)
{
    struct fault_server_config config = {.tcp = true, .cpu = -1};
    struct fault_truth truth = {0};
    char address[ADDR_TEXT_MAX];
    int code;
    enum err err;

    fault_plan_init(&config.plan);
    if (addr_parse(&config.listen, "127.0.0.1:5300", 0) != ERR_OK)
        return VERDICT_USAGE;
    code = parse(&config, argc, argv);
    if (code == VERDICT_PASS && !output_can_write(&command_serve, config.truth_file))
        code = VERDICT_USAGE;
    if (code != VERDICT_PASS)
        return code;
    err = fault_server_run(&config, interrupt_catch(), &truth);
    histogram_deinit(&truth.hold);
    if (err == ERR_OK)
        return VERDICT_PASS;
    if (err == ERR_INVALID && config.cpu >= 0)
        return command_usage(&command_serve, "--cpu %d: is none that this process may use",
                             config.cpu);
    command_error(&command_serve, "%s: %s", addr_format(&config.listen, address), err_text(err));
    return VERDICT_UNREACHABLE;
}
