/* options: the options of all commands that ask questions (run, max, search, compare, check),
 * one row each: name, commands, type, range. serve and report have their own few. */
#ifndef DNSBENCH_COMMAND_OPTIONS_H
#define DNSBENCH_COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command/command.h"
#include "local53/base/addr.h"
#include "measure/threshold.h"
#include "traffic/crew.h"
#include "workload/workload.h"

#define OPTIONS_CPUS_MAX 256

/* Which commands an option belongs to. */
enum option_command {
    OPTION_RUN = 1,
    OPTION_MAX = 2,
    OPTION_SEARCH = 4,
    OPTION_COMPARE = 8,
    OPTION_CHECK = 16
};

/* Their part of the commands' help where a command has nothing of its own to say of them. */
#define OPTIONS_HELP_LOAD                                                                          \
    "  --transport KIND        udp (default), tcp, dot, udp+tc; --tls-name NAME verifies DoT\n"    \
    "  --profile NAME[:k=v]    k8s-aws (default), hit, nx, miss; --queries FILE; "                 \
    "--random-label ZONE\n"                                                                        \
    "  --zipf S --names N --seed N           popularity, how many names, the same again (1)\n"     \
    "  --clients N --source CIDR --ports pool|per-lookup    who asks\n"                            \
    "  --edns SIZE --do --cookie --expect FILE              what is asked, what must come\n"       \
    "  --threads N --cpus LIST --batch N     sending threads, where, queries a system call (16)\n" \
    "  --receive-buffer N                    octets of socket buffer\n"
#define OPTIONS_HELP_OUTPUT                                                                        \
    "  --json FILE --svg FILE --interval T   save ('-': JSON to stdout)\n"                         \
    "  --quiet --allow-remote                no live line; a public address is meant\n\n"

struct options {
    struct addr server;       /* --server; AF_UNSPEC when not said, as the next two */
    struct addr a;            /* --a of compare */
    struct addr b;            /* --b of compare */
    enum transport transport; /* --transport */
    const char *tls_name;     /* --tls-name */
    double rate;              /* --rate; 0: not said */
    struct pacer_plan pacing; /* --arrival and --schedule (stage_count 0: not said) */
    uint64_t duration_ns;     /* --duration; 0: not said, and so on */
    uint64_t warmup_ns;       /* --warmup */
    bool warmup_said;         /* it may be 0 */
    uint64_t timeout_ns;      /* --timeout */
    uint64_t interval_ns;     /* --interval */
    /* --queries --profile --random-label --zipf --names --seed --edns --do --cookie */
    struct workload_options workload;
    const char *expect;                      /* --expect */
    uint32_t clients;                        /* --clients */
    struct addr source;                      /* --source */
    unsigned source_bits;                    /* its prefix length */
    enum port_policy ports;                  /* --ports */
    uint32_t threads;                        /* --threads */
    unsigned cpus[OPTIONS_CPUS_MAX];         /* --cpus */
    size_t cpu_count;                        /* of these */
    uint32_t batch;                          /* --batch */
    uint32_t window;                         /* --window */
    uint32_t receive_octets;                 /* --receive-buffer */
    uint32_t server_pid;                     /* --server-pid; of --a in compare */
    uint32_t b_pid;                          /* --b-pid */
    const char *json;                        /* --json */
    const char *hdr;                         /* --hdr */
    const char *svg;                         /* --svg */
    bool quiet;                              /* --quiet */
    bool allow_remote;                       /* --allow-remote */
    struct threshold fail_if[THRESHOLD_MAX]; /* --fail-if */
    size_t fail_if_count;                    /* of these */
    struct threshold slo[THRESHOLD_MAX];     /* --slo */
    size_t slo_count;                        /* of these */
    const char *slo_text;                    /* as written */
    uint64_t slice_ns;                       /* --slice */
    uint32_t pairs;                          /* --pairs */
    double alpha;                            /* --alpha */
    char line[512];                          /* the command line, for reports */
};

/* Reads argv of a command (argv[0] its word). On failure the error was told and the code to exit
 * with is given; else VERDICT_PASS. Texts are borrowed from argv. */
int options_parse(struct options *out, const struct command *command, enum option_command which,
                  int argc, char **argv);

/* A server said by an option (its bare name) must be there, and private unless --allow-remote
 * was. Else the error was told and VERDICT_USAGE is given. */
int options_check_server(const struct options *options, const struct command *command,
                         const struct addr *server, const char *option);

/* The name of row i among those of a command, NULL past the last: for the test that holds help
 * against rows. */
const char *options_name(enum option_command which, size_t i);

#endif
