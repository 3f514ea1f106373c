/* import_route53_divide: which names become endpoints, which aliases of the zone, and which records.
 * Owns: nothing; all goes to the import's arena. Thread: any; no state.
 * Bounds: none of its own.
 * Fails: a problem that names the record. */
#include <stdlib.h>
#include <string.h>

#include "import_route53.h"
#include "import_text.h"
#include "local53/dns/message.h"

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
    const struct r53_rrset *cname;        /* NULL: none */
    bool others;                          /* records of other types, CNAME among them */
    size_t count;                         /* rrsets */
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
    at->count++;
    if (type == TYPE_CNAME)
        at->cname = rrset;
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
        if (at.cname != NULL && at.count > 1)
            r53_refuse(r, at.cname->sets,
                       "beside other records of that name, which cannot be (RFC 1034 section "
                       "3.6.2)");
        else if (is_alias(&at))
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

/* The leader of the narrowest wildcard among the endpoints' names that has this name too, or R53_NONE. */
static size_t leader_above(const struct r53 *r, const struct name *owner)
{
    for (size_t cut = r53_is_wildcard(owner) ? 2 : 1; cut < owner->labels; cut++) {
        size_t from = name_label_offset(owner, cut);
        uint8_t wire[NAME_MAX_OCTETS + 2] = {1, '*'};
        struct name wildcard;

        memcpy(wire + 2, owner->wire + from, owner->len - from);
        if (name_from_wire(&wildcard, wire, owner->len - from + 2) != ERR_OK)
            continue;
        for (size_t i = 0; i < 2; i++) {
            const struct r53_rrset *rrset = r53_find(r, &wildcard, i == 0 ? TYPE_A : TYPE_AAAA);

            if (rrset != NULL && rrset->endpoint != R53_NONE)
                return rrset->endpoint;
        }
    }
    return R53_NONE;
}

/* Names that one endpoint takes from another's wildcard: said in the configuration, they are meant. */
static void find_excepts(struct r53 *r)
{
    for (size_t i = 0; i < r->rrset_count; i++)
        r->rrsets[i].endpoint = R53_NONE;
    for (size_t i = 0; i < r->alias_count; i++) {
        const struct r53_set *set = r->aliases[i].rrset->sets;

        if (r->aliases[i].endpoint)
            r53_find(r, &set->owner, set->type)->endpoint = r->aliases[i].leader;
    }
    for (size_t i = 0; i < r->alias_count; i++) {
        struct r53_alias *alias = &r->aliases[i];
        size_t above = leader_above(r, &alias->rrset->sets[0].owner);

        alias->taken_from = alias->endpoint && above != alias->leader ? above : R53_NONE;
    }
}

void r53_divide(struct r53 *r)
{
    find_aliases(r);
    if (json_failed(r->doc))
        return;
    find_endpoints(r);
    sort_aliases(r);
    find_excepts(r);
}
