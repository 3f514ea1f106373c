/* import_route53_follow: what each name and type has in the end, once aliases are followed; and which names become
 * endpoints, aliases of the zone, or records.
 * Owns: nothing; all goes to the import's arena. Thread: any; no state.
 * Bounds: LINKS_MAX aliases in a row, R53_VALUES_MAX values and TARGETS_MAX targets a name.
 * Fails: a problem that names the record. */
#include <stdlib.h>
#include <string.h>

#include "import_route53.h"
#include "import_text.h"
#include "local53/dns/message.h"

/* Aliases that lead to aliases; Route 53 itself says nothing about how many there may be. */
#define LINKS_MAX 16

/* Targets of an endpoint, as the configuration limits them. */
#define TARGETS_MAX 16

#define TYPE_SVCB 64
#define TYPE_HTTPS 65

/* ---- Following ----------------------------------------------------------------------------------- */

static struct r53_rrset *find_rrset(const struct r53 *r, const struct name *owner, uint16_t type)
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
    struct r53_rrset *to = find_rrset(r, set->alias, set->type);
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

/* ---- Dividing ------------------------------------------------------------------------------------ */

bool r53_is_record(const struct r53_rrset *rrset)
{
    return !rrset->left_out && rrset->value_count > 0;
}

static bool same_targets(const struct r53_rrset *a, const struct r53_rrset *b)
{
    if (a->target_count != b->target_count)
        return false;
    for (size_t i = 0; i < a->target_count; i++) {
        if (!name_equal(a->target[i], b->target[i]))
            return false;
    }
    return true;
}

/* What stands at one name. */
struct at_name {
    const struct r53_rrset *addresses[2]; /* A and AAAA; NULL: none */
    bool others;                          /* records of other types */
};

/* Zones may stand at or below a special name such as "local", endpoints not. */
static bool may_be_endpoint(const struct name *owner)
{
    struct catalogue_name name;
    char text[TEXT_NAME_MAX];

    return import_read_name(&name, r53_write_name(owner, text));
}

static void add_alias(struct r53 *r, const struct at_name *at)
{
    const struct r53_rrset *first = at->addresses[at->addresses[0] != NULL ? 0 : 1];
    const struct r53_rrset *other = first != at->addresses[1] ? at->addresses[1] : NULL;
    struct r53_alias *alias = &r->aliases[r->alias_count++];

    if (!r53_is_host(&first->sets[0].owner))
        r53_refuse(r, first->sets, "an alias at a name that no configuration takes");
    if (other != NULL && (first->value_count > 0 || other->value_count > 0))
        r53_refuse(r, first->sets,
                   "an alias beside addresses at one name: A and AAAA must be alike");
    else if (other != NULL && !same_targets(first, other))
        r53_refuse(r, first->sets, "A and AAAA are aliases of different names; they must be alike");
    *alias = (struct r53_alias){.rrset = first, .other = other, .alone = !at->others};
    alias->vpce = may_be_endpoint(&first->sets[0].owner);
    for (size_t i = 0; i < first->target_count; i++)
        alias->vpce = alias->vpce && name_has_vpce_label(first->target[i]);
}

/* Notes an rrset of the name at hand. */
static void add_to_name(struct at_name *at, const struct r53_rrset *rrset)
{
    uint16_t type = rrset->sets[0].type;

    if (rrset->left_out)
        return;
    if (type == TYPE_A || type == TYPE_AAAA)
        at->addresses[type == TYPE_A ? 0 : 1] = rrset;
    else
        at->others = true;
}

static bool is_alias(const struct at_name *at)
{
    return (at->addresses[0] != NULL && at->addresses[0]->target_count > 0) ||
           (at->addresses[1] != NULL && at->addresses[1]->target_count > 0);
}

static void find_aliases(struct r53 *r)
{
    struct at_name at = {.others = false};

    r->aliases = ARENA_NEW(&r->arena, struct r53_alias, r->rrset_count + 1);
    for (size_t i = 0; i < r->rrset_count && !json_failed(r->doc); i++) {
        const struct name *owner = &r->rrsets[i].sets[0].owner;

        add_to_name(&at, &r->rrsets[i]);
        if (i + 1 < r->rrset_count && name_equal(owner, &r->rrsets[i + 1].sets[0].owner))
            continue;
        if (is_alias(&at))
            add_alias(r, &at);
        at = (struct at_name){.others = false};
    }
}

/* Endpoints come before zones, and an endpoint's name has nothing but addresses: beside a zone, a wildcard would take
 * the zone's names below it, and a name with other records would lose them. Those are aliases of the zone. */
static void find_endpoints(struct r53 *r)
{
    for (size_t i = 0; i < r->rrset_count; i++) {
        if (r53_is_record(&r->rrsets[i]) && !r53_is_apex_own(r, &r->rrsets[i]))
            r->record_count++;
    }
    r->has_zone = r->record_count > 0;
    for (size_t i = 0; i < r->alias_count; i++)
        r->has_zone = r->has_zone || !r->aliases[i].vpce;
    for (size_t i = 0; i < r->alias_count; i++) {
        struct r53_alias *alias = &r->aliases[i];

        alias->endpoint =
            alias->vpce &&
            (!r->has_zone || (alias->alone && !r53_is_wildcard(&alias->rrset->sets[0].owner)));
    }
}

/* ---- Order --------------------------------------------------------------------------------------- */

static size_t index_of(const struct r53_alias *alias)
{
    return alias->rrset->sets[0].index;
}

static int compare_targets(const struct r53_rrset *a, const struct r53_rrset *b)
{
    int order = (a->target_count > b->target_count) - (a->target_count < b->target_count);

    for (size_t i = 0; i < a->target_count && order == 0; i++)
        order = r53_compare(a->target[i], 0, b->target[i], 0);
    return order;
}

static int compare_by_target(const void *left, const void *right)
{
    const struct r53_alias *a = left;
    const struct r53_alias *b = right;
    int order = compare_targets(a->rrset, b->rrset);

    return order != 0 ? order : (index_of(a) > index_of(b)) - (index_of(a) < index_of(b));
}

static int compare_by_leader(const void *left, const void *right)
{
    const struct r53_alias *a = left;
    const struct r53_alias *b = right;
    int order = (a->leader > b->leader) - (a->leader < b->leader);

    return order != 0 ? order : (index_of(a) > index_of(b)) - (index_of(a) < index_of(b));
}

/* Those with the same targets side by side, and otherwise as in the file. */
static void sort_aliases(struct r53 *r)
{
    qsort(r->aliases, r->alias_count, sizeof(*r->aliases), compare_by_target);
    for (size_t i = 0; i < r->alias_count; i++) {
        struct r53_alias *alias = &r->aliases[i];

        alias->leader = i > 0 && compare_targets(alias->rrset, alias[-1].rrset) == 0
                            ? alias[-1].leader
                            : index_of(alias);
    }
    qsort(r->aliases, r->alias_count, sizeof(*r->aliases), compare_by_leader);
}

void r53_divide(struct r53 *r)
{
    find_aliases(r);
    if (json_failed(r->doc))
        return;
    find_endpoints(r);
    sort_aliases(r);
}
