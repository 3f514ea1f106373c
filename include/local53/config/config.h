/* config: the one YAML file, read strictly into an immutable value. Everything in a struct config
 * lives in its arena. Names are checked and folded, durations are seconds, sizes are octets. What a
 * value means beyond itself (catalogue, shadowing, loops) is for the layers above. */
#ifndef LOCAL53_CONFIG_CONFIG_H
#define LOCAL53_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/arena.h"
#include "local53/base/err.h"
#include "local53/base/log.h"
#include "local53/config/report.h"
#include "local53/dns/name.h"

/* "*.x" (below=true, name=x) or "x". */
struct config_name {
    struct name name;        /* the name, or what follows "*." */
    bool below;              /* written with "*.": all names below, never the name itself */
    struct config_mark mark; /* where it stands */
};

/* One server of a pool, as written. */
enum config_server_kind {
    CONFIG_SERVER_ADDRESS,     /* an address, port 53 unless told */
    CONFIG_SERVER_RESOLV_CONF, /* "resolv.conf:FILE": the nameserver lines of FILE */
    CONFIG_SERVER_ENV,         /* "env:NAME": addresses in an environment variable */
    CONFIG_SERVER_HOST         /* a host name, resolved in the background */
};
struct config_server {
    enum config_server_kind kind; /* which of the members below counts */
    struct addr addr;             /* CONFIG_SERVER_ADDRESS */
    const char *text;             /* file, variable or host name; the address as written */
    uint16_t port;                /* CONFIG_SERVER_HOST and _ENV: port, 53 unless told */
    struct config_mark mark;      /* where it stands */
};

/* Which spellings of a service's names an endpoint takes; in the order of the schema's words. */
enum config_spellings {
    CONFIG_SPELLINGS_KNOWN, /* those the endpoint is known to have among its private DNS names */
    CONFIG_SPELLINGS_ALL,   /* also those that it answers only when made so */
    CONFIG_SPELLINGS_NONE   /* none of this kind */
};

struct config_endpoint {
    const char *service;             /* catalogue name, or NULL when names are listed */
    const char *region;              /* region of the service, or NULL for aws.region */
    enum config_spellings dualstack; /* of the service's dual-stack names */
    enum config_spellings fips;      /* of the service's FIPS names */
    struct config_name *names;       /* extra or sole names */
    size_t name_count;               /* items of names */
    struct config_name *except;      /* names taken out of the endpoint's wildcards */
    size_t except_count;             /* items of except */
    struct config_name *targets;     /* DNS names of VPC endpoints; below=true for "*.vpce-..." */
    size_t target_count;             /* items of targets */
    struct addr *addresses;          /* literal addresses (port 0) */
    size_t address_count;            /* items of addresses */
    bool optional;                   /* readiness does not wait for it */
    struct config_mark mark;         /* of the endpoint itself */
    struct config_mark service_mark; /* of the value of service */
};

struct config_forward {
    struct name zone;              /* suffix served by this pool; the root for "." */
    struct config_server *servers; /* at least one */
    size_t server_count;           /* items of servers */
    uint32_t max_negative_ttl_s;   /* cap for NXDOMAIN and NODATA */
    bool nxdomain_cut;             /* RFC 8020: below a cached NXDOMAIN everything is NXDOMAIN */
    struct config_mark mark;       /* of the pool itself */
};

/* A name of a zone that has the addresses of something else, as an endpoint's names have. */
struct config_alias {
    struct config_name name;     /* at or below the zone's name; "*." as in master files */
    struct config_name *targets; /* DNS names whose addresses it has; at least one */
    size_t target_count;         /* items of targets */
};

/* A private zone. */
struct config_zone {
    struct name name;             /* its apex */
    const char *file;             /* master file, from the configuration's folder; NULL for none */
    bool fallthrough;             /* names it does not have are forwarded */
    struct config_alias *aliases; /* in file order; may be none */
    size_t alias_count;           /* items of aliases */
    struct config_mark mark;      /* of the zone itself */
    struct config_mark file_mark; /* of the value of file */
};

/* How DNS of the node's pods is led here; in the order of the schema's words. */
enum config_intercept {
    CONFIG_INTERCEPT_OFF,  /* not at all */
    CONFIG_INTERCEPT_OWNER /* by a table of nft rules the process owns */
};

/* What follows when the node refuses an address or a rule; in the order of the schema's words. */
enum config_on_failure {
    CONFIG_ON_FAILURE_EXIT,   /* the process ends */
    CONFIG_ON_FAILURE_DEGRADE /* it goes on without */
};

struct config {
    struct arena arena;              /* owned; everything below */
    const char *file;                /* as given */
    struct addr *listen;             /* UDP and TCP on each; at least one */
    size_t listen_count;             /* items of listen */
    const char *control;             /* path of the control socket */
    struct addr *metrics;            /* HTTP addresses; may be none */
    size_t metrics_count;            /* items of metrics */
    struct config_mark metrics_mark; /* of the list of metrics */
    enum log_level log_level;        /* lowest level written */
    enum log_format log_format;      /* form of the lines */
    const char *region; /* aws.region; for auto from AWS_REGION, else AWS_DEFAULT_REGION; NULL when
                           not told, or auto and the environment has neither */
    bool region_auto;   /* aws.region was auto */
    struct config_mark region_mark;    /* of the value of aws.region */
    struct config_server *resolver;    /* aws.resolver, or NULL: the pool of "." */
    size_t resolver_count;             /* servers of aws.resolver; 0 when not told */
    struct config_endpoint *endpoints; /* in file order; NULL when there is none */
    size_t endpoint_count;             /* items of endpoints */
    struct config_zone *zones;         /* private zones, in file order */
    size_t zone_count;                 /* items of zones */
    struct config_forward *forward;    /* has one of the root zone (default: resolv.conf) */
    size_t forward_count;              /* items of forward */
    size_t cache_memory;               /* octets */
    uint32_t cache_max_ttl_s;          /* cap of positive TTLs */
    uint16_t udp_size;                 /* longest UDP answer */
    uint32_t tcp_connections;          /* client connections a process has open at most */
    uint32_t tcp_idle_s;               /* a connection without a query is closed after this */
    uint32_t inflight;                 /* questions waiting for upstreams, a loop */
    bool udp_send_socket;              /* replies over UDP leave through a socket of their own */
    enum config_intercept intercept;   /* how DNS of the node's pods is led here */
    struct config_mark intercept_mark; /* of the value of node.intercept */
    struct addr *service_addresses;    /* cluster DNS service addresses taken over (port 0) */
    size_t service_address_count;      /* items of service_addresses; 0 without interception */
    struct config_mark service_addresses_mark; /* of the list of service_addresses */
    enum config_on_failure on_failure;         /* what a refusal of the node leads to */
    bool handover;                             /* another instance may come to the same addresses */
    struct addr *answered; /* derived: listen, then service addresses with port 53 */
    size_t answered_count; /* items of answered */
    unsigned workers;      /* loops; 0 for auto */
};

/* Reads and checks the file. *out is owned by the caller (config_free); NULL with
 * report->errors > 0 when it is not to be used. Warnings may come with a usable one.
 * ERR_NOT_FOUND or ERR_DENIED (file) are told in the report too. */
enum err config_load(struct config **out, const char *file, struct report *report);

/* The same from memory; `file` only names it. */
enum err config_parse(struct config **out, const char *file, const char *text, size_t len,
                      struct report *report);

/* The normalised form: YAML that reads back to the same value, every key written out; malloc'd,
 * owned by the caller. */
char *config_write(const struct config *config);

/* True for addresses that are put on the node where they are listened on and DNS is led here: 169.254.0.0/16
 * (RFC 3927) and fd00::/8 (RFC 4193). */
bool config_is_node_address(const struct addr *addr);

/* True when a running process can take `next` without a restart; else *key names the first key
 * that differs and needs one (static storage). */
bool config_can_reload(const struct config *running, const struct config *next, const char **key);

/* Accepts NULL. */
void config_free(struct config *config);

#endif
