/* plan: what `local53 probe` has to find out: a row for each pair of a name that clients ask and an
 * address that it leads to. Pure. */
#ifndef LOCAL53_PROBE_PLAN_H
#define LOCAL53_PROBE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/dns/text.h"
#include "local53/endpoint/target.h"
#include "local53/net/tls.h"
#include "local53/rules/ruleset.h"

#define PROBE_ROWS_MAX 1000 /* connections of a run; what is beyond is left out, and told */
#define PROBE_ZONE_MAX 32   /* "us-west-2-lax-1a" with its terminator, and room */
#define PROBE_PROBLEM_MAX 320

/* What became of a row. */
enum probe_outcome {
    PROBE_UNDONE, /* not tried, or interrupted */
    PROBE_FINE,   /* a certificate for the name */
    PROBE_FINE_BELOW, /* one for the names below it, which the endpoint takes too: nobody asks this one */
    PROBE_FAILED,     /* tls.verdict says how */
    PROBE_UNRESOLVED, /* no connection: the target has no address */
    PROBE_NO_ENDPOINT /* no connection: no endpoint answers the name */
};

struct probe_row {
    const char *endpoint;      /* label, borrowed from the rules; "-" for none */
    char name[TEXT_NAME_MAX];  /* what clients ask; of UNRESOLVED rows the target */
    struct addr addr;          /* with the port; family AF_UNSPEC: none */
    char zone[PROBE_ZONE_MAX]; /* availability zone, when the target's name tells; else "" */
    size_t scout;     /* the first row of this address: it alone finds out whether TCP works */
    bool takes_below; /* the endpoint also takes the names below this one */
    bool started;     /* its check was begun */
    enum probe_outcome outcome;      /* what became of it */
    struct tls_result tls;           /* of rows with an address that were tried */
    char problem[PROBE_PROBLEM_MAX]; /* UNRESOLVED, NO_ENDPOINT: why */
};

struct probe_plan {
    struct probe_row *rows; /* owned; by endpoint, name and address, in the configuration's order */
    size_t count;           /* items of rows */
    size_t endpoints;       /* that have rows */
    size_t connections;     /* rows with an address */
    size_t left_out;        /* pairs beyond PROBE_ROWS_MAX: each address keeps its first names */
};

/* What is known of an endpoint when names are to be tried. */
struct probe_view {
    const struct target *target; /* borrowed */
    bool pending;                /* its targets may yet tell addresses: it has no rows so far */
    const char *problems[TARGET_NAMES_MAX]; /* why a target has no address, static; NULL for none */
};

struct probe_wish {
    const struct ruleset *rules;    /* borrowed; the plan's rows point to its labels */
    const struct probe_view *views; /* borrowed; one for each endpoint of rules */
    const struct name *names;       /* borrowed; to be probed alone */
    size_t name_count;              /* 0: all names of all endpoints, without zones' aliases */
    uint16_t port;                  /* to connect to */
    uint64_t now_ms;                /* monotonic */
};

/* Makes the rows; probe_plan_deinit gives them back. */
void probe_plan_init(struct probe_plan *plan, const struct probe_wish *wish);

/* The row for the same address and name as one of another plan, or NULL. */
struct probe_row *probe_plan_find(const struct probe_plan *plan, const struct probe_row *row);

/* Takes over what became of rows of an earlier plan, those under way among them. */
void probe_plan_adopt(struct probe_plan *plan, const struct probe_plan *before);

/* Accepts a zeroed one. */
void probe_plan_deinit(struct probe_plan *plan);

/* The availability zone of a zonal name, "vpce-<id>-<hash>-eu-west-1a.<service>.eu-west-1..." (AWS
 * PrivateLink Guide, "Interface endpoint DNS hostnames"), or "" when it tells none; gives out. */
const char *probe_zone_of(const struct name *target, char out[PROBE_ZONE_MAX]);

/* A name below `parent` such as clients ask: an account's for registries and S3 Control, else
 * "local53-probe.". False when the name would be too long. */
bool probe_sample(struct name *out, const struct name *parent);

#endif
