/* import_endpoints_judge: which endpoints are taken, which are offered as a comment, which are left out.
 * Owns: nothing; notes and reasons go into the import's arena. Thread: any; no state.
 * Bounds: IMPORT_TAKEN_MAX endpoints.
 * Fails: never; what cannot be taken has its reason beside it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_endpoints.h"
#include "import_text.h"
#include "local53/base/check.h"

/* Longest piece of a text from the file that a reason shows. */
#define SHOWN_MAX 80

/* A name and whose it is. */
struct claim {
    const struct catalogue_name *name; /* borrowed */
    const struct import_row *row;      /* borrowed */
};

struct claims {
    struct claim *items; /* owned */
    size_t count;        /* items of it */
    size_t cap;          /* room at items */
    bool between_vpcs;   /* a name was claimed by endpoints of two VPCs */
};

/* ---- Kind and state ------------------------------------------------------------------------------ */

/* Types that answer no names of a service (EC2 API, VpcEndpoint, VpcEndpointType). */
static const struct {
    const char *type;
    const char *why;
} OTHERS[] = {
    {"Gateway", "routes lead to it, under the public names: it has no names of its own, and needs "
                "none here"},
    {"GatewayLoadBalancer", "routes lead to it: it has no names"},
    {"Resource", "it leads to a resource of VPC Lattice; list its names yourself"},
    {"ServiceNetwork", "it leads to a service network of VPC Lattice, whose services have names of "
                       "their own"},
};

static bool is_interface(const struct import_row *row)
{
    return strcasecmp(row->type, "Interface") == 0 || (row->type[0] == '\0' && row->has_target);
}

static void judge_type(struct import_row *row, struct arena *arena)
{
    if (is_interface(row))
        return;
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        if (strcasecmp(row->type, OTHERS[i].type) == 0)
            import_row_refuse(row, IMPORT_LEFT_OUT, arena, "%s endpoint: %s", OTHERS[i].type,
                              OTHERS[i].why);
    }
    if (row->type[0] == '\0')
        import_row_refuse(row, IMPORT_LEFT_OUT, arena,
                          "neither its type nor a name of it is in the file");
    import_row_refuse(row, IMPORT_LEFT_OUT, arena,
                      "endpoints of type %.*s are not known here; Interface is what is taken",
                      SHOWN_MAX, row->type);
}

static bool is_available(const struct import_row *row)
{
    return strcasecmp(row->state, "available") == 0;
}

/* An endpoint that is modified is pending again for a while, and serves on. */
static void judge_state(struct import_row *row, struct arena *arena)
{
    if (row->state[0] == '\0') {
        import_row_note(row, arena, "The file does not tell its state.");
    } else if (strcasecmp(row->state, "pending") == 0) {
        row->optional = true;
        import_row_note(row, arena,
                        "Its state is pending: one that is being modified serves on, a new one is "
                        "not there yet. Optional until it is available.");
    } else if (!is_available(row)) {
        import_row_refuse(row, IMPORT_LEFT_OUT, arena, "its state is %.*s, not available",
                          SHOWN_MAX, row->state);
    }
}

/* ---- Gateways ------------------------------------------------------------------------------------ */

bool import_is_gateway_in_use(const struct import_row *row)
{
    return strcasecmp(row->type, "Gateway") == 0 && (is_available(row) || row->state[0] == '\0');
}

/* The usable gateway to the same service of the same region, or NULL. */
static const struct import_row *gateway_beside(const struct import *import,
                                               const struct import_row *row)
{
    for (size_t i = 0; i < import->count; i++) {
        const struct import_row *other = &import->rows[i];

        if (import_is_gateway_in_use(other) && row->service_name[0] != '\0' &&
            strcmp(other->service_name, row->service_name) == 0)
            return other;
    }
    return NULL;
}

/* A gateway costs nothing and takes the public names; an interface endpoint's wildcards would take them away from it.
 * It serves its own region alone (Amazon S3 User Guide, "Gateway endpoints for Amazon S3"). */
static void judge_gateway(const struct import *import, struct import_row *row, struct arena *arena)
{
    const struct import_row *gateway = gateway_beside(import, row);

    if (gateway == NULL || !is_interface(row))
        return;
    if (import->from->region == NULL)
        import_row_note(row, arena,
                        "Gateway endpoint %.*s leads there too, at no cost, for nodes in %s whose "
                        "routes have it: take this away for them (import with --region does).",
                        SHOWN_MAX, gateway->id, row->region);
    else if (strcmp(import->from->region, row->region) == 0)
        import_row_refuse(row, IMPORT_OFFERED, arena,
                          "gateway endpoint %.*s of %.*s leads there at no cost; take the # away "
                          "where the nodes' routes do not have it",
                          SHOWN_MAX, gateway->id, SHOWN_MAX, gateway->vpc);
}

/* ---- Names --------------------------------------------------------------------------------------- */

static bool is_of_aws(const struct import_row *row)
{
    return strstr(row->service_name, ".vpce-svc-") == NULL;
}

static void judge_names(struct import_row *row, struct arena *arena)
{
    if (!row->has_target && row->address_count == 0)
        import_row_refuse(row, IMPORT_LEFT_OUT, arena,
                          "DnsEntries has no name of the endpoint itself (vpce-...)");
    if (row->of_service.count + row->listed.count > 0)
        return;
    if (row->service != NULL && !catalogue_is_global(row->service) && row->region[0] == '\0')
        import_row_refuse(row, IMPORT_LEFT_OUT, arena,
                          "the file does not tell the region of %s; --region does",
                          row->service->service);
    else if (row->service_name[0] == '\0')
        import_row_refuse(row, IMPORT_OFFERED, arena,
                          "the file does not tell its service; write its names and take the # "
                          "away");
    else if (is_of_aws(row))
        import_row_refuse(row, IMPORT_OFFERED, arena,
                          "the catalogue has no names of this service; --services tells them, or "
                          "write them yourself and take the # away");
    else
        import_row_refuse(row, IMPORT_OFFERED, arena,
                          "the file does not tell its names; --services does where the owner gave "
                          "one, else write those of the owner's guide and take the # away");
}

static const struct claim *find_claim(const struct claims *claims,
                                      const struct catalogue_name *name)
{
    for (size_t i = 0; i < claims->count; i++) {
        if (import_same_name(claims->items[i].name, name))
            return &claims->items[i];
    }
    return NULL;
}

static void add_claims(struct claims *claims, const struct import_names *names,
                       const struct import_row *row)
{
    for (size_t i = 0; i < names->count; i++) {
        if (claims->count == claims->cap) {
            claims->cap = claims->cap * 2 + IMPORT_NAMES_MAX;
            claims->items = realloc(claims->items, claims->cap * sizeof(claims->items[0]));
            CHECK(claims->items != NULL);
        }
        claims->items[claims->count++] = (struct claim){&names->items[i], row};
    }
}

static bool is_of_another_vpc(const struct import_row *row, const struct claim *claim)
{
    return strcmp(claim->row->vpc, row->vpc) != 0;
}

/* The file's order chose between two VPCs; who wants the other one has to say so. */
static void refuse_claimed(struct import_row *row, const struct claim *claim, struct arena *arena)
{
    bool has_id = strncmp(row->vpc, "vpc-", strlen("vpc-")) == 0;
    char text[IMPORT_NAME_MAX];
    char remedy[2 * SHOWN_MAX + 64] = "";

    if (is_of_another_vpc(row, claim) && has_id)
        snprintf(remedy, sizeof(remedy), "; for those of this VPC alone: import with --vpc %.*s",
                 SHOWN_MAX, row->vpc);
    import_row_refuse(row, IMPORT_OFFERED, arena,
                      "%s leads to %.*s of %.*s already, and can lead to one only%s",
                      import_write_name(claim->name, text), SHOWN_MAX, claim->row->id, SHOWN_MAX,
                      claim->row->vpc, remedy);
}

static void judge_claims(struct claims *claims, const struct import_names *names,
                         struct import_row *row, struct arena *arena)
{
    for (size_t i = 0; i < names->count && row->fate == IMPORT_TAKEN; i++) {
        const struct claim *claim = find_claim(claims, &names->items[i]);

        if (claim == NULL)
            continue;
        claims->between_vpcs = claims->between_vpcs || is_of_another_vpc(row, claim);
        refuse_claimed(row, claim, arena);
    }
}

/* A name leads to one endpoint: the first of the file that is available, or else the first. */
static void share_names(struct import *import, struct claims *claims, bool available)
{
    for (size_t i = 0; i < import->count; i++) {
        struct import_row *row = &import->rows[i];

        if (row->fate != IMPORT_TAKEN || is_available(row) != available)
            continue;
        judge_claims(claims, &row->of_service, row, &import->arena);
        judge_claims(claims, &row->listed, row, &import->arena);
        if (import->taken == IMPORT_TAKEN_MAX)
            import_row_refuse(row, IMPORT_LEFT_OUT, &import->arena,
                              "a configuration has %d endpoints at most", IMPORT_TAKEN_MAX);
        if (row->fate != IMPORT_TAKEN)
            continue;
        add_claims(claims, &row->of_service, row);
        add_claims(claims, &row->listed, row);
        import->taken++;
    }
}

void import_judge(struct import *import)
{
    struct claims claims = {.count = 0};

    for (size_t i = 0; i < import->count; i++) {
        struct import_row *row = &import->rows[i];

        judge_type(row, &import->arena);
        judge_state(row, &import->arena);
        import_find_names(import, row, &import->arena);
        import_find_addresses(import, row, &import->arena);
        judge_gateway(import, row, &import->arena);
        judge_names(row, &import->arena);
    }
    share_names(import, &claims, true);
    share_names(import, &claims, false);
    import->is_contested = claims.between_vpcs;
    free(claims.items);
}
