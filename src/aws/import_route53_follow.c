/* import_route53_follow: what each name and type has in the end, once aliases are followed.
 * Owns: nothing; all goes to the import's arena. Thread: any; no state.
 * Bounds: LINKS_MAX aliases in a row, R53_VALUES_MAX values and TARGETS_MAX targets a name.
 * Fails: a problem that names the record. */
#include <stdlib.h>
#include <string.h>

#include "import_route53.h"
#include "local53/dns/message.h"

/* Aliases that lead to aliases; Route 53 itself says nothing about how many there may be. */
#define LINKS_MAX 16

/* Targets of an endpoint, as the configuration limits them. */
#define TARGETS_MAX 16

#define TYPE_SVCB 64
#define TYPE_HTTPS 65

struct r53_rrset *r53_find(const struct r53 *r, const struct name *owner, uint16_t type)
{
    size_t low = 0;
    size_t high = r->rrset_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct r53_set *set = r->rrsets[middle].sets;
        int order = r53_compare(owner, type, &set->owner, set->type);

        if (order == 0)
            return &r->rrsets[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Names of VPC endpoints are AWS's, whatever the zone. */
static bool leads_outside(const struct r53 *r, const struct r53_set *set)
{
    return name_has_vpce_label(set->alias) || !name_is_at_or_below(set->alias, &r->zone);
}

static void add_value(struct r53_rrset *rrset, const char *value)
{
    for (size_t i = 0; i < rrset->value_count; i++) {
        if (strcmp(rrset->values[i], value) == 0)
            return;
    }
    rrset->values[rrset->value_count++] = value;
}

static void add_target(struct r53_rrset *rrset, const struct name *target)
{
    for (size_t i = 0; i < rrset->target_count; i++) {
        if (name_equal(rrset->target[i], target))
            return;
    }
    rrset->target[rrset->target_count++] = target;
}

/* Takes over what another rrset has; its TTL, as Route 53 gives an alias of a record that one's. */
static void add_rrset(struct r53_rrset *rrset, const struct r53_rrset *from)
{
    for (size_t i = 0; i < from->value_count; i++)
        add_value(rrset, from->values[i]);
    for (size_t i = 0; i < from->target_count; i++)
        add_target(rrset, from->target[i]);
    if (from->value_count > 0 && from->ttl_s < rrset->ttl_s)
        rrset->ttl_s = from->ttl_s;
}

static void follow(struct r53 *r, struct r53_rrset *rrset, unsigned links);

/* The rrset a set's alias leads to inside the zone, followed; NULL with a problem. */
static struct r53_rrset *follow_inside(struct r53 *r, const struct r53_set *set, unsigned links)
{
    struct r53_rrset *to = r53_find(r, set->alias, set->type);
    char name[TEXT_NAME_MAX];

    r53_write_name(set->alias, name);
    if (to == NULL)
        r53_refuse(r, set, "an alias of %.100s, which has no record of that type in the zone",
                   name);
    else if (to->open)
        r53_refuse(r, set, "an alias of %.100s, which leads back to it", name);
    else if (links >= LINKS_MAX)
        r53_refuse(r, set, "more than %d aliases in a row", LINKS_MAX);
    else
        follow(r, to, links + 1);
    return json_failed(r->doc) ? NULL : to;
}

/* Types that only help a client to connect sooner: a name with the addresses of another has none of them. */
static bool can_do_without(uint16_t type)
{
    return type == TYPE_HTTPS || type == TYPE_SVCB;
}

static void follow_outside(struct r53 *r, struct r53_rrset *rrset, const struct r53_set *set)
{
    char name[TEXT_NAME_MAX];

    r53_write_name(set->alias, name);
    if (!r53_is_host(set->alias) || r53_is_wildcard(set->alias)) {
        r53_refuse(r, set, "an alias of %.100s, which no configuration takes as a target", name);
    } else if (set->type == TYPE_A || set->type == TYPE_AAAA) {
        add_target(rrset, set->alias);
    } else if (can_do_without(set->type)) {
        rrset->left_out = true;
        r53_note(r, &rrset->notes, "left out: an alias of %.100s; clients do without it", name);
    } else {
        r53_refuse(r, set,
                   "an alias of %.100s outside the zone; only addresses (A and AAAA) can "
                   "be had from there",
                   name);
    }
}

static void follow_set(struct r53 *r, struct r53_rrset *rrset, const struct r53_set *set,
                       unsigned links)
{
    const struct r53_rrset *to;
    char name[TEXT_NAME_MAX];

    if (set->alias == NULL) {
        for (size_t i = 0; i < set->value_count; i++)
            add_value(rrset, set->values[i]);
        if (set->ttl_s < rrset->ttl_s)
            rrset->ttl_s = set->ttl_s;
    } else if (leads_outside(r, set)) {
        follow_outside(r, rrset, set);
    } else if ((to = follow_inside(r, set, links)) != NULL) {
        r53_note(r, &rrset->notes, "was an alias of %.100s: a copy of it",
                 r53_write_name(set->alias, name));
        rrset->left_out = to->left_out;
        add_rrset(rrset, to);
    }
}

/* Room for all that the kept sets bring. False with a problem when that is too much. */
static bool make_room(struct r53 *r, struct r53_rrset *rrset, unsigned links)
{
    size_t values = 0;
    size_t targets = 0;

    for (size_t i = 0; i < rrset->count && !json_failed(r->doc); i++) {
        const struct r53_set *set = &rrset->sets[i];
        const struct r53_rrset *to = NULL;

        if (!set->kept)
            continue;
        if (set->alias != NULL && !leads_outside(r, set))
            to = follow_inside(r, set, links);
        values += to != NULL ? to->value_count : set->value_count;
        targets += to != NULL ? to->target_count : 1;
    }
    if (values > R53_VALUES_MAX || targets > R53_VALUES_MAX)
        r53_refuse(r, rrset->sets, "more than %d values together", R53_VALUES_MAX);
    if (json_failed(r->doc))
        return false;
    rrset->values = ARENA_NEW(&r->arena, const char *, values + 1);
    rrset->target = ARENA_NEW(&r->arena, const struct name *, targets + 1);
    rrset->ttl_s = UINT32_MAX;
    return true;
}

static void check_rrset(struct r53 *r, const struct r53_rrset *rrset)
{
    uint16_t type = rrset->sets[0].type;

    if (rrset->value_count > 0 && rrset->target_count > 0)
        r53_refuse(r, rrset->sets,
                   "values beside aliases that lead outside the zone: keep one kind");
    else if (rrset->target_count > TARGETS_MAX)
        r53_refuse(r, rrset->sets, "aliases of %zu names, at most %d", rrset->target_count,
                   TARGETS_MAX);
    else if ((type == TYPE_CNAME || type == TYPE_SOA) && rrset->value_count > 1)
        r53_refuse(r, rrset->sets, "%zu values, where there is one: keep one of them",
                   rrset->value_count);
}

static void follow(struct r53 *r, struct r53_rrset *rrset, unsigned links)
{
    if (rrset->done)
        return;
    rrset->open = true;
    if (make_room(r, rrset, links)) {
        for (size_t i = 0; i < rrset->count && !json_failed(r->doc); i++) {
            if (rrset->sets[i].kept)
                follow_set(r, rrset, &rrset->sets[i], links);
        }
        check_rrset(r, rrset);
    }
    rrset->open = false;
    rrset->done = true;
}

bool r53_is_apex_own(const struct r53 *r, const struct r53_rrset *rrset)
{
    return (rrset->sets[0].type == TYPE_SOA || rrset->sets[0].type == TYPE_NS) &&
           name_equal(&rrset->sets[0].owner, &r->zone);
}

void r53_follow(struct r53 *r)
{
    for (size_t i = 0; i < r->rrset_count && !json_failed(r->doc); i++)
        follow(r, &r->rrsets[i], 0);
    for (size_t i = 0; i < r->rrset_count && !json_failed(r->doc); i++) {
        struct r53_rrset *rrset = &r->rrsets[i];

        if (rrset->sets[0].type == TYPE_NS && !r53_is_apex_own(r, rrset)) {
            rrset->left_out = true;
            r53_note(r, &rrset->notes, "left out: a delegation; forward that zone to its servers");
        }
    }
}
