/* probe: does every name reach its VPC endpoint, with a certificate for the name that clients ask? */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>

#include "command.h"
#include "load.h"
#include "local53/base/check.h"
#include "local53/config/schema.h"
#include "local53/config/value.h"
#include "local53/dns/text.h"
#include "local53/probe/probe.h"

static int run(int argc, char **argv);

const struct command command_probe = {
    .word = "probe",
    .summary = "connect to the endpoints and verify their certificates",
    .help = "Usage: local53 probe [-c FILE] [NAME...] [--json] [--timeout T] [--port N]\n"
            "                     [--ca FILE] [--resolver ADDR]\n\n"
            "Resolves the targets of all endpoints (or of those that answer NAMEs) as the daemon\n"
            "would, then connects to each address for each name and verifies that the certificate\n"
            "is for that name. Wildcards are tried by a sample: local53-probe.s3.eu-west-1...\n"
            "Aliases of private zones, which may not be about HTTPS, are probed when named.\n"
            "At most 1,000 connections, 64 at once; nothing is sent but the TLS handshake.\n\n"
            "  -c, --config FILE    the configuration (default: $LOCAL53_CONFIG, else\n"
            "                       /etc/local53/local53.yaml)\n"
            "  -j, --json           print an object with the table's rows\n"
            "  -t, --timeout T      for a connection, and again for TLS: 1s to 1m (default: 2s)\n"
            "  -p, --port N         connect to this port (default: 443)\n"
            "      --ca FILE        trust these certificates (PEM) in place of the system's\n"
            "  -r, --resolver ADDR  ask this server for targets in place of aws.resolver\n\n"
            "Examples:\n"
            "  local53 probe -c /etc/local53/local53.yaml\n"
            "  local53 probe api.ecr.eu-west-1.amazonaws.com --json\n\n"
            "Exit codes: 0 all fine, 1 something is not (or interrupted), 2 usage or\n"
            "            configuration, 3 no CA certificates\n",
    .run = run,
};

#define HTTPS_PORT 443
#define TIMEOUT_MS 2000
#define TIMEOUT_MAX_S 60
#define NAMES_MAX 1000
#define DNS_PORT 53

static bool read_timeout(struct probe_options *options, const char *text)
{
    static const struct schema_row row = {
        .path = "--timeout", .type = SCHEMA_DURATION, .min = 1, .max = TIMEOUT_MAX_S};
    struct value_fault fault;
    uint64_t seconds;
    if (value_read_duration(&seconds, text, &row, &fault)) {
        options->timeout_ms = (uint32_t)seconds * 1000;
        return true;
    }
    command_usage(&command_probe, "--timeout: %s", fault.text);
    return false;
}

static bool read_port(struct probe_options *options, const char *text)
{
    if (addr_parse_port(&options->port, text) && options->port != 0)
        return true;
    command_usage(&command_probe, "--port: '%s' is no port, 1 to 65535", text);
    return false;
}

static bool read_resolver(struct probe_options *options, const char *text)
{
    options->resolver = (struct config_server){.kind = CONFIG_SERVER_ADDRESS, .text = text};
    options->has_resolver = true;
    if (addr_parse(&options->resolver.addr, text, DNS_PORT) == ERR_OK)
        return true;
    command_usage(&command_probe, "--resolver: '%s' is no address (10.0.0.2, 10.0.0.2:53)", text);
    return false;
}

/* One option; false when its value was refused, and that is told. */
static bool read_option(struct probe_options *options, int option, const char *value)
{
    switch (option) {
    case 'c': options->file = value; return true;
    case 'j': options->json = true; return true;
    case 't': return read_timeout(options, value);
    case 'p': return read_port(options, value);
    case 'a': options->ca_file = value; return true;
    case 'r': return read_resolver(options, value);
    default: command_usage(&command_probe, "that option is not known here"); return false;
    }
}

static bool read_options(struct probe_options *options, int argc, char **argv)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"timeout", required_argument, NULL, 't'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"ca", required_argument, NULL, 'a'},
                                          {"resolver", required_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:jt:p:r:", known, NULL)) != -1) {
        if (!read_option(options, option, optarg))
            return false;
    }
    return true;
}

static bool read_names(struct name *names, int count, char **words)
{
    if (count > NAMES_MAX) {
        command_usage(&command_probe, "%d names; at most %d at once", count, NAMES_MAX);
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (text_read_name(&names[i], words[i]) != ERR_OK) {
            command_usage(&command_probe, "'%s' is not a domain name", words[i]);
            return false;
        }
    }
    return true;
}

static int probe_file(struct probe_options *options)
{
    options->file = load_file_name(options->file);
    struct ruleset *rules = load_for_command(options->file);
    if (rules == NULL)
        return EXIT_USAGE;
    if (rules->config->endpoint_count > 0 || options->name_count > 0)
        return probe_run(rules, options);
    ruleset_free(rules);
    command_error(&command_probe, "%s has no endpoints to probe", options->file);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    struct probe_options options = {
        .command = &command_probe, .port = HTTPS_PORT, .timeout_ms = TIMEOUT_MS};
    if (!read_options(&options, argc, argv))
        return EXIT_USAGE;
    options.name_count = (size_t)(argc - optind);
    struct name *names = calloc(options.name_count + 1, sizeof(*names));
    CHECK(names != NULL);
    options.names = names;
    int code = EXIT_USAGE;
    if (read_names(names, argc - optind, argv + optind))
        code = probe_file(&options);
    free(names);
    return code;
}
