/* options: one row an option; the row says who has it, what it reads and where it goes. Owns
 * nothing: texts are argv's. Fails: with a sentence on stderr that says what was meant. */
#include "command/options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/nearest.h"
#include "measure/machine.h"
#include "measure/units.h"
#include "traffic/target.h"

#define WHY_MAX 256
#define DNS_PORT 53
#define DOT_PORT 853
#define DEFAULT_SLO "p99<5ms,loss<0.1%" /* of search */
#define ROWS_MAX 64
#define ROW_BASE 256 /* getopt's numbers of rows: apart from the characters of short options */

#define LOAD (OPTION_RUN | OPTION_MAX | OPTION_SEARCH | OPTION_COMPARE)
#define ALL (LOAD | OPTION_CHECK)
#define OPEN (OPTION_RUN | OPTION_SEARCH | OPTION_COMPARE)
#define ONE_SERVER (ALL & ~OPTION_COMPARE)

/* Reads a value into the options; false: why says what is wrong with it. */
typedef bool option_reader(struct options *o, const char *value, char why[WHY_MAX]);

enum option_type { TYPE_FLAG, TYPE_TEXT, TYPE_DURATION, TYPE_NUMBER, TYPE_ADDRESS, TYPE_READER };

/* at: offset in struct options of a bool, const char *, uint64_t, uint32_t or struct addr, by
 * type. */
struct option_row {
    const char *name;
    unsigned commands;
    enum option_type type;
    size_t at;
    uint64_t low;
    uint64_t high;
    option_reader *read;
};

static bool say(char why[WHY_MAX], const char *text)
{
    snprintf(why, WHY_MAX, "%s", text);
    return false;
}

static bool read_transport(struct options *o, const char *value, char why[WHY_MAX])
{
    return transport_parse(&o->transport, value) == ERR_OK ||
           say(why, "is udp, tcp, dot or udp+tc");
}

static bool read_rate(struct options *o, const char *value, char why[WHY_MAX])
{
    return units_parse_rate(&o->rate, value) == ERR_OK ||
           say(why, "is a rate a second above 0, such as 500, 20k or 1.5M");
}

static bool read_arrival(struct options *o, const char *value, char why[WHY_MAX])
{
    return pacer_parse_arrival(&o->pacing, value) == ERR_OK ||
           say(why, "is poisson, constant or burst:N");
}

static bool read_schedule(struct options *o, const char *value, char why[WHY_MAX])
{
    if (pacer_parse_schedule(&o->pacing, value) != ERR_OK)
        return say(why, "is TIME@RATE parts separated by commas, such as 10s@1k,5s@20k");
    return pacer_length(&o->pacing) <= SERIES_MAX_NS || say(why, "lasts longer than a day");
}

static bool read_warmup(struct options *o, const char *value, char why[WHY_MAX])
{
    o->warmup_said = true;
    return units_parse_duration(&o->warmup_ns, value) == ERR_OK ||
           say(why, "is a time such as 500ms or 2s, or 0");
}

static bool read_zipf(struct options *o, const char *value, char why[WHY_MAX])
{
    char *end;

    o->workload.zipf = strtod(value, &end);
    return (end != value && *end == '\0' && o->workload.zipf >= 0 && o->workload.zipf <= 5) ||
           say(why, "is an exponent from 0 (uniform) to 5, usually 1.0");
}

static bool read_seed(struct options *o, const char *value, char why[WHY_MAX])
{
    return units_parse_count(&o->workload.seed, value, INT64_MAX) == ERR_OK ||
           say(why, "is a whole number");
}

static bool read_edns(struct options *o, const char *value, char why[WHY_MAX])
{
    uint64_t size;

    if (units_parse_count(&size, value, UINT16_MAX) != ERR_OK || (size != 0 && size < 512))
        return say(why, "is a UDP size from 512 to 65535, or 0 for no EDNS");
    o->workload.form.edns_size = (uint16_t)size;
    return true;
}

static bool read_ports(struct options *o, const char *value, char why[WHY_MAX])
{
    if (strcmp(value, "pool") != 0 && strcmp(value, "per-lookup") != 0)
        return say(why, "is pool (a socket a client) or per-lookup (a fresh one each)");
    o->ports = strcmp(value, "pool") == 0 ? PORTS_POOL : PORTS_PER_LOOKUP;
    return true;
}

static bool read_source(struct options *o, const char *value, char why[WHY_MAX])
{
    char text[ADDR_TEXT_MAX];
    const char *slash = strchr(value, '/');
    size_t len = slash != NULL ? (size_t)(slash - value) : strlen(value);
    uint64_t bits;
    uint64_t most;

    if (len >= sizeof(text))
        return say(why, "is an address with a prefix length, such as 127.1.0.0/16");
    memcpy(text, value, len);
    text[len] = '\0';
    if (addr_parse(&o->source, text, 0) != ERR_OK || addr_port(&o->source) != 0)
        return say(why, "is an address with a prefix length, such as 127.1.0.0/16");
    most = o->source.sa.sa_family == AF_INET ? 32 : 128;
    if (slash != NULL && units_parse_count(&bits, slash + 1, most) != ERR_OK)
        return say(why, "has a prefix length of 0 to 32 (IPv4) or 128 (IPv6)");
    o->source_bits = (unsigned)(slash != NULL ? bits : most);
    return true;
}

/* One "3" or "4-7". */
static bool read_cpu_range(struct options *o, const char *part)
{
    char copy[24];
    char *dash;
    uint64_t first;
    uint64_t last;

    if (strlen(part) >= sizeof(copy))
        return false;
    memcpy(copy, part, strlen(part) + 1);
    dash = strchr(copy, '-');
    if (dash != NULL)
        *dash = '\0';
    if (units_parse_count(&first, copy, 4095) != ERR_OK ||
        units_parse_count(&last, dash != NULL ? dash + 1 : copy, 4095) != ERR_OK || last < first)
        return false;
    for (; first <= last; first++) {
        if (o->cpu_count == OPTIONS_CPUS_MAX)
            return false;
        o->cpus[o->cpu_count++] = (unsigned)first;
    }
    return true;
}

static bool read_cpus(struct options *o, const char *value, char why[WHY_MAX])
{
    char copy[256];
    char *rest = copy;

    if (strlen(value) >= sizeof(copy))
        return say(why, "is too long a list");
    memcpy(copy, value, strlen(value) + 1);
    o->cpu_count = 0;
    for (char *part = strsep(&rest, ","); part != NULL; part = strsep(&rest, ",")) {
        if (!read_cpu_range(o, part))
            return say(why, "is a list of CPUs such as 1 or 2,4-7");
    }
    return true;
}

static bool read_fail_if(struct options *o, const char *value, char why[WHY_MAX])
{
    if (o->fail_if_count == THRESHOLD_MAX)
        return say(why, "can be given 16 times at most");
    return threshold_parse(&o->fail_if[o->fail_if_count++], value, why, WHY_MAX) == ERR_OK;
}

static bool read_slo(struct options *o, const char *value, char why[WHY_MAX])
{
    o->slo_text = value;
    return threshold_parse_list(o->slo, &o->slo_count, value, why, WHY_MAX) == ERR_OK;
}

static bool read_alpha(struct options *o, const char *value, char why[WHY_MAX])
{
    return (units_parse_share(&o->alpha, value) == ERR_OK && o->alpha > 0 && o->alpha < 0.5) ||
           say(why, "is above 0 and below 0.5, usually 0.05");
}

#define AT(member) offsetof(struct options, member)
#define FLAG(name, commands, member)                                                               \
    {                                                                                              \
        name, commands, TYPE_FLAG, AT(member), 0, 0, NULL                                          \
    }
#define TEXT(name, commands, member)                                                               \
    {                                                                                              \
        name, commands, TYPE_TEXT, AT(member), 0, 0, NULL                                          \
    }
#define TIME(name, commands, member, low, high)                                                    \
    {                                                                                              \
        name, commands, TYPE_DURATION, AT(member), low, high, NULL                                 \
    }
#define NUMBER(name, commands, member, low, high)                                                  \
    {                                                                                              \
        name, commands, TYPE_NUMBER, AT(member), low, high, NULL                                   \
    }
#define ADDRESS(name, commands, member)                                                            \
    {                                                                                              \
        name, commands, TYPE_ADDRESS, AT(member), 0, 0, NULL                                       \
    }
#define READ(name, commands, reader)                                                               \
    {                                                                                              \
        name, commands, TYPE_READER, 0, 0, 0, reader                                               \
    }

/* clang-format off */
static const struct option_row rows[] = {
    ADDRESS("server", ONE_SERVER, server),
    ADDRESS("a", OPTION_COMPARE, a),
    ADDRESS("b", OPTION_COMPARE, b),
    READ("transport", ALL, read_transport),
    TEXT("tls-name", ALL, tls_name),
    READ("rate", OPEN, read_rate),
    READ("arrival", OPEN, read_arrival),
    READ("schedule", OPTION_RUN, read_schedule),
    TIME("duration", LOAD & ~OPTION_COMPARE, duration_ns, 100 * NS_PER_MS, SERIES_MAX_NS),
    READ("warmup", LOAD, read_warmup),
    TIME("timeout", ALL, timeout_ns, 10 * NS_PER_MS, 60 * NS_PER_S),
    TIME("interval", LOAD, interval_ns, 100 * NS_PER_MS, 3600 * NS_PER_S),
    TEXT("queries", ALL, workload.queries),
    TEXT("profile", LOAD, workload.profile),
    TEXT("random-label", LOAD, workload.random_label),
    READ("zipf", LOAD, read_zipf),
    NUMBER("names", LOAD, workload.names, 1, QUERYSET_ITEMS_MAX),
    READ("seed", LOAD, read_seed),
    READ("edns", ALL, read_edns),
    FLAG("do", ALL, workload.form.dnssec_ok),
    FLAG("cookie", ALL, workload.form.cookie),
    TEXT("expect", ALL, expect),
    NUMBER("clients", LOAD, clients, 1, CREW_CLIENTS_MAX),
    READ("source", LOAD, read_source),
    READ("ports", LOAD, read_ports),
    NUMBER("threads", LOAD, threads, 1, CREW_THREADS_MAX),
    READ("cpus", LOAD, read_cpus),
    NUMBER("batch", LOAD, batch, 1, LANE_BATCH_MAX),
    NUMBER("window", OPTION_MAX | OPTION_COMPARE, window, 1, CREW_WINDOW_MAX),
    NUMBER("receive-buffer", LOAD, receive_octets, 2048, 1 << 30),
    NUMBER("server-pid", LOAD & ~OPTION_COMPARE, server_pid, 1, INT32_MAX),
    NUMBER("a-pid", OPTION_COMPARE, server_pid, 1, INT32_MAX),
    NUMBER("b-pid", OPTION_COMPARE, b_pid, 1, INT32_MAX),
    TEXT("json", LOAD, json),
    TEXT("hdr", OPTION_RUN, hdr),
    TEXT("svg", LOAD, svg),
    FLAG("quiet", ALL, quiet),
    FLAG("allow-remote", ALL, allow_remote),
    READ("fail-if", LOAD, read_fail_if),
    READ("slo", OPTION_RUN | OPTION_SEARCH, read_slo),
    TIME("slice", OPTION_COMPARE, slice_ns, 100 * NS_PER_MS, 60 * NS_PER_S),
    NUMBER("pairs", OPTION_COMPARE, pairs, 4, 1000),
    READ("alpha", OPTION_COMPARE, read_alpha),
};
/* clang-format on */
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct option_row *row_of(enum option_command which, size_t i)
{
    for (size_t r = 0; r < ROW_COUNT; r++) {
        if ((rows[r].commands & which) != 0 && i-- == 0)
            return &rows[r];
    }
    return NULL;
}

const char *options_name(enum option_command which, size_t i)
{
    const struct option_row *row = row_of(which, i);

    return row != NULL ? row->name : NULL;
}

static void *member_of(struct options *o, const struct option_row *row)
{
    return (char *)o + row->at;
}

static bool store_duration(struct options *o, const struct option_row *row, const char *value,
                           char why[WHY_MAX])
{
    uint64_t *ns = member_of(o, row);
    char low[UNITS_TEXT_MAX];
    char high[UNITS_TEXT_MAX];

    if (units_parse_duration(ns, value) == ERR_OK && *ns >= row->low && *ns <= row->high)
        return true;
    snprintf(why, WHY_MAX, "is a time with its unit, such as 500ms or 10s, from %s to %s",
             units_write_duration(row->low, low), units_write_duration(row->high, high));
    return false;
}

static bool store_number(struct options *o, const struct option_row *row, const char *value,
                         char why[WHY_MAX])
{
    uint32_t *number = member_of(o, row);
    uint64_t count;

    if (units_parse_count(&count, value, row->high) == ERR_OK && count >= row->low) {
        *number = (uint32_t)count;
        return true;
    }
    snprintf(why, WHY_MAX, "is a whole number from %llu to %llu", (unsigned long long)row->low,
             (unsigned long long)row->high);
    return false;
}

static bool store(struct options *o, const struct option_row *row, const char *value,
                  char why[WHY_MAX])
{
    switch (row->type) {
    case TYPE_FLAG: *(bool *)member_of(o, row) = true; return true;
    case TYPE_TEXT:
        *(const char **)member_of(o, row) = value;
        return *value != '\0' || say(why, "is empty");
    case TYPE_DURATION: return store_duration(o, row, value, why);
    case TYPE_NUMBER: return store_number(o, row, value, why);
    case TYPE_ADDRESS:
        return addr_parse(member_of(o, row), value, 0) == ERR_OK ||
               say(why, "is an IP address with or without a port, such as 127.0.0.1:5353 or "
                        "[::1]:53; names are not looked up");
    case TYPE_READER: return row->read(o, value, why);
    }
    return false;
}

/* An unknown option: the nearest of this command's, or whose it is. */
static int unknown_option(const struct command *command, enum option_command which,
                          const char *word)
{
    const char *names[ROWS_MAX];
    char bare[64];
    size_t count = 0;
    const char *nearest;

    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    while ((names[count] = options_name(which, count)) != NULL)
        count++;
    nearest = nearest_word(bare, names, count);
    if (nearest != NULL)
        return command_usage(command, "unknown option '--%s'; did you mean '--%s'?", bare, nearest);
    for (size_t r = 0; r < ROW_COUNT; r++) {
        if (strcmp(rows[r].name, bare) == 0)
            return command_usage(command, "'--%s' is an option of other commands, not of '%s'",
                                 bare, command->word);
    }
    return command_usage(command, "unknown option '--%s'", bare);
}

/* What getopt did not take; word is the last that it had done with. */
static int refuse_option(const struct command *command, enum option_command which, const char *word)
{
    if (optopt >= ROW_BASE)
        return command_usage(command, "'--%s' takes no value",
                             row_of(which, (size_t)(optopt - ROW_BASE))->name);
    if (optopt != 0)
        return command_usage(command, "unknown option '-%c'; all options are long ones", optopt);
    return unknown_option(command, which, word);
}

/* The command line as it was given, for reports. */
static void note_line(struct options *o, const char *word, int argc, char **argv)
{
    size_t used = (size_t)snprintf(o->line, sizeof(o->line), "%s", word);

    for (int i = 1; i < argc && used + 1 < sizeof(o->line); i++) {
        int n = snprintf(o->line + used, sizeof(o->line) - used, " %s", argv[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static struct addr with_default_port(struct addr addr, enum transport transport)
{
    if (addr.sa.sa_family == AF_UNSPEC || addr_port(&addr) != 0)
        return addr;
    return addr_with_port(addr, transport == TRANSPORT_DOT ? DOT_PORT : DNS_PORT);
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.workload = {.zipf = -1, .seed = 1, .form = {.recursion_desired = true}},
                          .interval_ns = NS_PER_S,
                          .threads = 1,
                          .batch = 16,
                          .alpha = 0.05,
                          .pacing = {.arrival = ARRIVAL_POISSON}};
    o->workload.form.edns_size = 1232;
}

/* The long options of a command as getopt wants them; val is the row's place among them, from
 * ROW_BASE on. */
static void list_options(struct option out[ROWS_MAX], enum option_command which)
{
    const struct option_row *row;
    size_t i = 0;

    for (; (row = row_of(which, i)) != NULL; i++)
        out[i] =
            (struct option){row->name, row->type != TYPE_FLAG ? required_argument : no_argument,
                            NULL, ROW_BASE + (int)i};
    out[i] = (struct option){0};
}

static bool is_process(uint32_t pid)
{
    uint64_t cpu_ns;

    return pid == 0 || machine_process_cpu(&cpu_ns, (int)pid) == ERR_OK;
}

/* What one option asks for and another leaves no place for. */
static int check_together(const struct options *o, const struct command *command)
{
    const struct query_form *form = &o->workload.form;

    if (o->tls_name != NULL && o->transport != TRANSPORT_DOT)
        return command_usage(command, "--tls-name needs --transport dot");
    if (form->edns_size == 0 && (form->dnssec_ok || form->cookie))
        return command_usage(command, "--do and --cookie need EDNS: not --edns 0");
    if (!is_process(o->server_pid) || !is_process(o->b_pid))
        return command_usage(command, "there is no process %u",
                             is_process(o->server_pid) ? o->b_pid : o->server_pid);
    return VERDICT_PASS;
}

int options_parse(struct options *out, const struct command *command, enum option_command which,
                  int argc, char **argv)
{
    struct option list[ROWS_MAX];
    char why[WHY_MAX];
    int found;

    _Static_assert(ROW_COUNT < ROWS_MAX, "the table has grown past its copies");
    set_defaults(out);
    note_line(out, command->word, argc, argv);
    list_options(list, which);
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":", list, NULL)) != -1) {
        const struct option_row *row;

        if (found == ':')
            return command_usage(command, "'%s' needs a value", argv[optind - 1]);
        if (found == '?')
            return refuse_option(command, which, argv[optind - 1]);
        row = row_of(which, (size_t)(found - ROW_BASE));
        if (!store(out, row, optarg, why))
            return command_usage(command, "--%s '%s': %s", row->name, optarg, why);
    }
    if (optind < argc)
        return command_usage(command, "'%s' is one word too many", argv[optind]);
    if (which == OPTION_SEARCH && out->slo_count == 0)
        CHECK(read_slo(out, DEFAULT_SLO, why));
    out->server = with_default_port(out->server, out->transport);
    out->a = with_default_port(out->a, out->transport);
    out->b = with_default_port(out->b, out->transport);
    return check_together(out, command);
}

int options_check_server(const struct options *options, const struct command *command,
                         const struct addr *server, const char *option)
{
    char text[ADDR_TEXT_MAX];

    if (server->sa.sa_family == AF_UNSPEC)
        return command_usage(command, "whom to ask is missing: --%s ADDR[:PORT]", option);
    if (server->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&server->v6.sin6_addr) &&
        server->v6.sin6_scope_id == 0)
        return command_usage(command, "%s is on every link: say on which, such as fe80::1%%eth0",
                             addr_format(server, text));
    if (target_is_private(server) || options->allow_remote)
        return VERDICT_PASS;
    return command_usage(
        command,
        "%s is a public address: load may be sent to it only with --allow-remote, and only if "
        "it is yours",
        addr_format(server, text));
}
