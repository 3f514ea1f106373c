/* ruleset: a whole configuration made ready for questions: which rule a name has, or which pool
 * forwards it. Immutable once built, shared by reference count; owns its configuration. */
#ifndef LOCAL53_RULES_RULESET_H
#define LOCAL53_RULES_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/err.h"
#include "local53/config/config.h"
#include "local53/config/report.h"
#include "local53/dns/name.h"
#include "local53/rules/special.h"
#include "local53/rules/zones.h"

/* What a name gets (order: special, endpoints, zones, forward). */
enum decision_kind { DECISION_SPECIAL, DECISION_ENDPOINT, DECISION_ZONE, DECISION_FORWARD };

struct decision {
    enum decision_kind kind; /* which table won */
    uint32_t index;          /* special row, endpoint, node of zones, or pool (FORWARD: always) */
    uint8_t rule_labels;     /* labels of the rule (without "*.") or the zone: owner of the SOA */
    bool below;              /* a wildcard rule won; ZONE: the name is below the zone's */
};

/* An endpoint made ready: names expanded, label given. Order as in the file; behind them stand the zones'
 * aliases, whose names are in the zones. Everything lives in the configuration's arena. */
struct rule_endpoint {
    const char *label;                    /* "ecr.api.eu-west-1" or its first name: metrics, logs */
    const struct config_endpoint *config; /* borrowed from the ruleset's configuration */
    const char *region;                   /* of its service; NULL without one, or when global */
    struct config_name *names;   /* all it takes: the service's, then listed; no excepted */
    size_t name_count;           /* names in names */
    struct config_name *excepts; /* taken out of its wildcards; useless ones left out */
    size_t except_count;         /* names in excepts */
    struct name *targets;        /* names to resolve ("*." taken off) */
    size_t target_count;         /* names in targets */
};

/* A forward zone made ready. */
struct rule_pool {
    const struct config_forward
        *config;                   /* zone and caps; those of the root zone for aws.resolver */
    struct config_server *servers; /* borrowed from the configuration */
    size_t server_count;           /* servers in servers */
    uint64_t fingerprint;          /* same zone, servers as written, and caps: same number */
};

struct ruleset {
    struct config *config;           /* owned */
    uint64_t epoch;                  /* unique number of this build within the process, from 1 */
    struct rule_endpoint *endpoints; /* by decision index */
    size_t endpoint_count;           /* endpoints in endpoints: the configuration's, then aliases */
    struct rule_pool *pools; /* by decision index: forward zones in file order, then aws.resolver */
    size_t pool_count;       /* pools in pools */
    uint32_t resolver;       /* index of the pool that resolves targets: aws.resolver's, which also
                                      * gets the AWS names no rule has, else the root zone's */
    struct names *rules;     /* owned; special, endpoint and except names */
    struct names *zones;     /* owned; forward zones; NULL when there is only the root */
    struct zones *private_zones; /* owned; NULL when there are none */
    uint32_t root_pool;          /* index of the pool of "." */
};

/* Builds from a configuration and takes it over in any case. NULL with errors in the report: unknown
 * service (with the nearest), region missing, a name under two endpoints, a name at or below a special
 * one, a name with a vpce- label, a target that is its own endpoint's name, a server that is one of our
 * listen addresses. Warnings: an except that takes nothing out, a name twice under one endpoint, a
 * target that is another endpoint's, a zone's or a special name, a registry (ecr.dkr) whose layer bucket
 * has no rule; a service half covered, a target of another service, a wildcard that takes what must stay
 * public, rules and zones that lose to other rules. What zones_new says of zones. epoch as told by the
 * caller. */
struct ruleset *ruleset_new(struct config *config, uint64_t epoch, struct report *report);

/* Accepts NULL. */
void ruleset_free(struct ruleset *ruleset);

/* The decision for a name. A name with a "vpce-" label is no endpoint's. HOT PATH. */
void ruleset_decide(const struct ruleset *ruleset, const struct name *name, struct decision *out);

/* The rule of a name, or false when it is forwarded (the pool is then not looked for): the first
 * step of every query, and what is asked of each name of a CNAME chain. HOT PATH. */
bool ruleset_find_rule(const struct ruleset *ruleset, const struct name *name,
                       struct decision *out);

/* CNAMEs of private zones that an answer follows; a name with more is SERVFAIL. */
#define RULESET_LINKS_MAX 8

/* How CNAMEs of private zones end. */
enum ruleset_links {
    RULESET_LINKS_FINE,     /* at data, or outside of the zones */
    RULESET_LINKS_NOWHERE,  /* at a name that its zone does not have */
    RULESET_LINKS_TOO_MANY, /* after more than RULESET_LINKS_MAX of them, or never: they go round */
    RULESET_LINKS_ENDS      /* how many ends there are */
};

/* Follows a CNAME of a private zone; *last is the name it has led to, borrowed from the zones. */
enum ruleset_links ruleset_follow(const struct ruleset *ruleset, const struct zone_rrset *cname,
                                  const struct name **last);

/* The pool a forwarded name belongs to. */
uint32_t ruleset_find_pool(const struct ruleset *ruleset, const struct name *name);

/* Why a name got its decision, one line for explain ("endpoints[2] *.s3.eu-west-1.amazonaws.com",
 * "zones[0] corp.internal, record *.dev.corp.internal", "forward[0] ., taken out by except"); cut at cap octets,
 * terminator included. */
void ruleset_describe(const struct ruleset *ruleset, const struct name *name,
                      const struct decision *decision, char *out, size_t cap);

#endif
