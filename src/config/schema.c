/* schema: the table of configuration keys. Owns: the rows, static. Thread: any; no state.
 * Bounds: the table. Fails: never. A key is added here, with its member in config.h, and nowhere else:
 * reading, checking, defaults, the normalised form and the reload test follow the row. */
#include "local53/config/schema.h"

#include <string.h>

#include "local53/base/check.h"
#include "local53/config/config.h"

#define SECONDS(n) ((uint64_t)(n))
#define MINUTES(n) ((uint64_t)(n)*60)
#define HOURS(n) (MINUTES(n) * 60)
#define DAYS(n) (HOURS(n) * 24)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* Longest path of a Unix socket: sun_path without its terminator (unix(7)). */
#define SOCKET_PATH_MAX 107

#define SIZE_OF(type, member) ((uint16_t)sizeof(((type *)0)->member))
#define NO_SLOT                                                                                    \
    {                                                                                              \
        SCHEMA_NOWHERE, 0, SCHEMA_NOWHERE, SCHEMA_NOWHERE                                          \
    }
#define SLOT(type, member)                                                                         \
    {                                                                                              \
        offsetof(type, member), SIZE_OF(type, member), SCHEMA_NOWHERE, SCHEMA_NOWHERE              \
    }
#define SLOT_MARKED(type, member, mark)                                                            \
    {                                                                                              \
        offsetof(type, member), SIZE_OF(type, member), SCHEMA_NOWHERE, offsetof(type, mark)        \
    }
#define SLOT_ALSO(type, member, also)                                                              \
    {                                                                                              \
        offsetof(type, member), SIZE_OF(type, member), offsetof(type, also), SCHEMA_NOWHERE        \
    }
#define SLOT_FULL(type, member, also, mark)                                                        \
    {                                                                                              \
        offsetof(type, member), SIZE_OF(type, member), offsetof(type, also), offsetof(type, mark)  \
    }
#define SLOT_ITEMS(member, also, item)                                                             \
    {                                                                                              \
        offsetof(struct config, member), (uint16_t)sizeof(item), offsetof(struct config, also),    \
            offsetof(item, mark)                                                                   \
    }

#define CONFIG struct config
#define ENDPOINT struct config_endpoint
#define ZONE struct config_zone
#define FORWARD struct config_forward

/* clang-format off */
static const struct schema_row ROWS[] = {
    {"listen", SCHEMA_LISTEN_LIST, 1, 16, NULL, NULL, false, SLOT_ALSO(CONFIG, listen, listen_count),
     "Addresses answered on, UDP and TCP on each; port 53 unless told; no wildcard address."},
    {"control", SCHEMA_PATH, 1, SOCKET_PATH_MAX, "/run/local53/control.sock", NULL, false, SLOT(CONFIG, control),
     "Path of the control socket, for \"local53 ctl\" and exec probes."},
    {"metrics", SCHEMA_HTTP_LIST, 0, 16, "[127.0.0.1:9453]", NULL, false, SLOT_FULL(CONFIG, metrics, metrics_count, metrics_mark),
     "Addresses of the read-only HTTP server: /metrics, /healthz, /readyz; port 9453 unless told; [] for none."},

    {"log", SCHEMA_MAP, 0, 0, "", NULL, true, NO_SLOT,
     "Log lines, on standard error."},
    {"log.level", SCHEMA_WORD, 0, 0, "info", "debug info warn error", true, SLOT(CONFIG, log_level),
     "The lowest level written."},
    {"log.format", SCHEMA_WORD, 0, 0, "text", "text json", true, SLOT(CONFIG, log_format),
     "Lines of key=value, or a JSON object a line."},

    {"aws", SCHEMA_MAP, 0, 0, "", NULL, true, NO_SLOT,
     "What the endpoints share."},
    {"aws.region", SCHEMA_REGION, 1, 32, "", "auto", true, SLOT_FULL(CONFIG, region, region_auto, region_mark),
     "Region of services that name none; auto takes AWS_REGION, AWS_DEFAULT_REGION, then instance metadata."},
    {"aws.resolver", SCHEMA_SERVER_LIST, 1, 16, "", NULL, true, SLOT_ALSO(CONFIG, resolver, resolver_count),
     "Who resolves the targets of endpoints; without it the servers of the zone \".\"."},

    {"endpoints", SCHEMA_MAP_LIST, 0, 1000, "[]", NULL, true, SLOT_ITEMS(endpoints, endpoint_count, ENDPOINT),
     "VPC endpoints: names, and whose addresses they are answered with."},
    {"endpoints[].service", SCHEMA_TEXT, 1, 128, "", NULL, true, SLOT_MARKED(ENDPOINT, service, service_mark),
     "An AWS endpoint service, the X of com.amazonaws.<region>.X; stands for its private DNS names."},
    {"endpoints[].region", SCHEMA_REGION, 1, 32, "", NULL, true, SLOT(ENDPOINT, region),
     "Region of the service; without it aws.region."},
    {"endpoints[].dualstack", SCHEMA_WORD, 0, 0, "known", "known true false", true, SLOT(ENDPOINT, dualstack),
     "Dual-stack names of the service (api.aws, s3.dualstack): those every endpoint has; true: all; false: none."},
    {"endpoints[].fips", SCHEMA_WORD, 0, 0, "known", "known true false", true, SLOT(ENDPOINT, fips),
     "FIPS names of the service: those every endpoint has; true: all; false: none."},
    {"endpoints[].names", SCHEMA_NAME_LIST, 1, 1000, "", NULL, true, SLOT_ALSO(ENDPOINT, names, name_count),
     "Names answered, beside those of the service or instead of one; \"*.x\" is any name below x, not x."},
    {"endpoints[].except", SCHEMA_NAME_LIST, 1, 1000, "", NULL, true, SLOT_ALSO(ENDPOINT, except, except_count),
     "Names taken out of the endpoint's wildcards: forwarded instead."},
    {"endpoints[].target", SCHEMA_NAME_LIST, 1, 16, "", NULL, true, SLOT_ALSO(ENDPOINT, targets, target_count),
     "DNS names of the VPC endpoint (vpce-...), resolved and kept fresh; \"*.vpce-...\" as S3 shows it."},
    {"endpoints[].addresses", SCHEMA_HOST_LIST, 1, 32, "", NULL, true, SLOT_ALSO(ENDPOINT, addresses, address_count),
     "Literal addresses, instead of a target, or until it has answered for the first time."},
    {"endpoints[].optional", SCHEMA_BOOL, 0, 0, "false", NULL, true, SLOT(ENDPOINT, optional),
     "true: readiness does not wait for an address of this endpoint."},

    {"zones", SCHEMA_MAP_LIST, 0, 1000, "[]", NULL, true, SLOT_ITEMS(zones, zone_count, ZONE),
     "Private zones, answered from master files and aliases; the longest zone wins, after all endpoints."},
    {"zones[].name", SCHEMA_NAME, 1, 255, NULL, NULL, true, SLOT(ZONE, name),
     "The zone's apex: this name and all below it."},
    {"zones[].file", SCHEMA_TEXT, 1, 1024, "", NULL, true, SLOT_MARKED(ZONE, file, file_mark),
     "Master file (RFC 1035 section 5); a relative path starts at the configuration's folder."},
    {"zones[].fallthrough", SCHEMA_BOOL, 0, 0, "false", NULL, true, SLOT(ZONE, fallthrough),
     "true: names the zone does not have are forwarded; false: they do not exist."},
    {"zones[].aliases", SCHEMA_ALIAS_MAP, 0, 1000, "", NULL, true, SLOT_ALSO(ZONE, aliases, alias_count),
     "Names with the addresses of another (vpce-..., or any), kept fresh as an endpoint's: {name: target}."},

    {"forward", SCHEMA_MAP_LIST, 0, 100, "[{zone: \".\", servers: [\"resolv.conf:/etc/resolv.conf\"]}]", NULL, true,
     SLOT_ITEMS(forward, forward_count, FORWARD),
     "Who answers everything else, by zone; the longest zone wins; \".\" is added when it is missing."},
    {"forward[].zone", SCHEMA_NAME, 1, 255, NULL, NULL, true, SLOT(FORWARD, zone),
     "The zone: this name and all below it; \".\" for everything."},
    {"forward[].servers", SCHEMA_SERVER_LIST, 1, 16, NULL, NULL, true, SLOT_ALSO(FORWARD, servers, server_count),
     "Addresses, resolv.conf:FILE, env:VARIABLE or host names; port 53 unless told."},
    {"forward[].max_negative_ttl", SCHEMA_DURATION, SECONDS(1), HOURS(1), "30s", NULL, true, SLOT(FORWARD, max_negative_ttl_s),
     "Longest time an answer \"no such name\" or \"no such type\" is kept."},
    {"forward[].nxdomain_cut", SCHEMA_BOOL, 0, 0, "false", NULL, true, SLOT(FORWARD, nxdomain_cut),
     "true: below a name known not to exist nothing exists (RFC 8020)."},

    {"cache", SCHEMA_MAP, 0, 0, "", NULL, true, NO_SLOT,
     "The cache of forwarded answers, shared by all workers."},
    {"cache.memory", SCHEMA_SIZE, MIB(1), GIB(64), "32MiB", NULL, true, SLOT(CONFIG, cache_memory),
     "Memory of the cache."},
    {"cache.max_ttl", SCHEMA_DURATION, SECONDS(1), DAYS(7), "1h", NULL, true, SLOT(CONFIG, cache_max_ttl_s),
     "Longest time an answer is kept."},

    {"limits", SCHEMA_MAP, 0, 0, "", NULL, true, NO_SLOT,
     "Bounds; what is over them is shed and counted."},
    {"limits.udp_size", SCHEMA_INTEGER, 512, 4096, "1232", NULL, true, SLOT(CONFIG, udp_size),
     "Longest UDP answer in octets; longer ones are cut and asked again over TCP."},
    {"limits.tcp_connections", SCHEMA_INTEGER, 1, 65536, "256", NULL, false, SLOT(CONFIG, tcp_connections),
     "Client connections open at once."},
    {"limits.tcp_idle", SCHEMA_DURATION, SECONDS(1), MINUTES(10), "10s", NULL, true, SLOT(CONFIG, tcp_idle_s),
     "A client connection without a question is closed after this."},
    {"limits.inflight", SCHEMA_INTEGER, 16, 1048576, "4096", NULL, false, SLOT(CONFIG, inflight),
     "Questions waiting for servers, a worker."},

    {"udp", SCHEMA_MAP, 0, 0, "", NULL, true, NO_SLOT,
     "How datagrams are moved; for measurements, and for kernels that behave differently."},
    {"udp.send_socket", SCHEMA_BOOL, 0, 0, "true", NULL, false, SLOT(CONFIG, udp_send_socket),
     "true: replies leave through a socket of their own, where that works: less work; false: one socket does both."},

    {"node", SCHEMA_MAP, 0, 0, "", NULL, true, NO_SLOT,
     "What is done with the node itself, so that its pods' questions come here; needs CAP_NET_ADMIN."},
    {"node.intercept", SCHEMA_WORD, 0, 0, "off", "off owner", false, SLOT_MARKED(CONFIG, intercept, intercept_mark),
     "owner: nft rules that die with the process lead DNS of link-local and service addresses here; off: nothing."},
    {"node.service_addresses", SCHEMA_HOST_LIST, 0, 16, "[]", NULL, false,
     SLOT_FULL(CONFIG, service_addresses, service_address_count, service_addresses_mark),
     "Service addresses of the cluster DNS that are taken over, answered on port 53 too."},
    {"node.on_failure", SCHEMA_WORD, 0, 0, "exit", "exit degrade", false, SLOT(CONFIG, on_failure),
     "Where the node refuses: exit ends with code 3; degrade goes on without what was refused."},
    {"node.handover", SCHEMA_BOOL, 0, 0, "false", NULL, false, SLOT(CONFIG, handover),
     "true: a second local53 of the same user may come to the same addresses, and takes over when this one stops."},

    {"workers", SCHEMA_INTEGER, 1, 64, "auto", "auto", false, SLOT(CONFIG, workers),
     "Threads that answer; auto is one a processor that we may use by affinity and quota, at most 4."},
};
/* clang-format on */

#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

const struct schema_row *schema_rows(size_t *count)
{
    *count = ROW_COUNT;
    return ROWS;
}

const struct schema_row *schema_find(const char *path)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(ROWS[i].path, path) == 0)
            return &ROWS[i];
    }
    return NULL;
}

const char *schema_key(const struct schema_row *row)
{
    const char *dot = strrchr(row->path, '.');

    return dot != NULL ? dot + 1 : row->path;
}

bool schema_is_inside(const struct schema_row *row, const struct schema_row *parent)
{
    const char *joint = parent != NULL && parent->type == SCHEMA_MAP_LIST ? "[]." : ".";
    const char *key = schema_key(row);
    size_t parent_len;

    if (parent == NULL)
        return key == row->path;
    parent_len = strlen(parent->path);
    return strncmp(row->path, parent->path, parent_len) == 0 &&
           strncmp(row->path + parent_len, joint, strlen(joint)) == 0 &&
           row->path + parent_len + strlen(joint) == key;
}

size_t schema_keys(const struct schema_row *parent, const char **keys, size_t cap)
{
    size_t count = 0;

    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (schema_is_inside(&ROWS[i], parent)) {
            CHECK(count < cap);
            keys[count++] = schema_key(&ROWS[i]);
        }
    }
    return count;
}

const char *schema_path_of_key(const char *key)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(schema_key(&ROWS[i]), key) == 0)
            return ROWS[i].path;
    }
    return NULL;
}
