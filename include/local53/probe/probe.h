/* probe: one run of `local53 probe`: the targets are resolved as the daemon would resolve them, then every
 * name is tried at every address it leads to, and what was found is printed. */
#ifndef LOCAL53_PROBE_PROBE_H
#define LOCAL53_PROBE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/program.h"
#include "local53/config/config.h"
#include "local53/dns/name.h"
#include "local53/rules/ruleset.h"

#define PROBE_RESOLVE_MS 2000 /* for all targets together */
#define PROBE_AT_ONCE 64      /* connections under way */

struct probe_options {
    const struct command *command; /* borrowed; whose errors are told */
    const char *file;              /* borrowed; the configuration, for the report */
    const struct name *names;      /* borrowed; NAMEs to probe alone */
    size_t name_count;             /* 0: all */
    const char *ca_file;           /* borrowed; NULL: the system's certificates */
    uint32_t timeout_ms;           /* for a connection, and again for its handshake */
    uint16_t port;                 /* to connect to */
    bool has_resolver; /* ask `resolver` for targets in place of the configuration's servers */
    struct config_server resolver; /* an address */
    bool json;                     /* print JSON */
};

/* Probes and prints; takes the rules over. Gives an enum exit_code: EXIT_FOUND when any row is not fine, or
 * after SIGINT or SIGTERM, which print what is known. */
int probe_run(struct ruleset *rules, const struct probe_options *options);

#endif
