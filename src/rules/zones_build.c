/* zones_build: the records of a zone become nodes: sorted by name, those of one name together, the names between
 * them made (empty non-terminals, RFC 4592 section 2.2.2), each type rendered; then all nodes become an index.
 * Owns: nothing that stays; what it makes is the zones'. Thread: the one that loads.
 * Bounds: the drafts. Fails: errors go to the report. */
#include "zones_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/dns/message.h"
#include "local53/dns/rr.h"
#include "local53/dns/text.h"

/* Records of one name and type, rendered: what a message has room for beside a question and an OPT. */
#define RRSET_OCTETS_MAX 65000

/* Octets of a rendered record without its RDATA: pointer, type, class, TTL and length. */
#define RECORD_OCTETS 12

/* Records of one name and type; so many never fit. */
#define RRSET_RECORDS_MAX (RRSET_OCTETS_MAX / RECORD_OCTETS)

/* Types that this file speaks of alone (IANA "Resource Record (RR) TYPEs"). */
enum { SIG = 24, KEY = 25, NXT = 30, DNAME = 39, RRSIG = 46, NSEC = 47 };

/* A zone on its way to nodes. */
struct building {
    struct zones *zones;                /* borrowed */
    struct report *report;              /* borrowed */
    uint32_t zone;                      /* its index */
    struct bytes apex;                  /* key of its name */
    uint32_t path[NAME_MAX_LABELS + 1]; /* nodes of the last name and its parents, by labels */
    struct bytes last;                  /* key of the last name */
};

/* --- keys --- */

struct bytes zones_key(struct arena *arena, const struct name *name)
{
    uint8_t *key = arena_take(arena, name->len);
    size_t len = 0;

    for (size_t i = name->labels; i-- > 0;) {
        size_t label_len = (size_t)name->wire[name->offset[i]] + 1;

        memcpy(key + len, name->wire + name->offset[i], label_len);
        len += label_len;
    }
    return (struct bytes){key, len};
}

void zones_name_of_key(struct name *out, struct bytes key)
{
    uint8_t wire[NAME_MAX_OCTETS] = {0};

    CHECK(key.len < sizeof(wire));
    for (size_t at = 0; at < key.len; at += (size_t)key.data[at] + 1) {
        size_t label_len = (size_t)key.data[at] + 1;

        memcpy(wire + key.len - at - label_len, key.data + at, label_len);
    }
    CHECK(name_from_wire(out, wire, key.len + 1) == ERR_OK);
}

static bool same_key(struct bytes a, struct bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Labels that two names have in common, from the right. */
static size_t common_labels(struct bytes a, struct bytes b)
{
    size_t labels = 0;
    size_t at = 0;

    while (at < a.len && at < b.len && a.data[at] == b.data[at] &&
           memcmp(a.data + at, b.data + at, (size_t)a.data[at] + 1) == 0) {
        at += (size_t)a.data[at] + 1;
        labels++;
    }
    return labels;
}

/* --- drafts --- */

void drafts_add(struct drafts *drafts, const struct draft *draft)
{
    if (drafts->count == drafts->cap) {
        drafts->cap = drafts->cap > 0 ? 2 * drafts->cap : 64;
        drafts->items = realloc(drafts->items, drafts->cap * sizeof(*drafts->items));
        CHECK(drafts->items != NULL);
    }
    drafts->items[drafts->count++] = *draft;
}

/* By name, parents first; then by type; then as they were. A key has no label beyond the other's end that is
 * shorter, so comparing octets keeps what is below a name behind it and together. */
static int compare_drafts(const void *left, const void *right)
{
    const struct draft *a = left;
    const struct draft *b = right;
    size_t shorter = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = shorter > 0 ? memcmp(a->key.data, b->key.data, shorter) : 0;

    if (order == 0 && a->key.len != b->key.len)
        order = a->key.len < b->key.len ? -1 : 1;
    if (order == 0)
        order = (int)a->type - (int)b->type;
    if (order == 0 && a->line != b->line)
        order = a->line < b->line ? -1 : 1;
    return order;
}

/* --- words --- */

/* Tells of a draft: where it stands in its file, whose name it has, and what is wrong or left out. */
static void tell(const struct building *building, enum report_level level,
                 const struct draft *draft, const char *what)
{
    struct name name;
    char text[TEXT_NAME_MAX];
    char place[160] = "aliases: ";

    if (draft->file != NULL)
        snprintf(place, sizeof(place), "file: %.120s:%u: ", draft->file, draft->line);
    zones_name_of_key(&name, draft->key);
    report_add(building->report, level, draft->mark, "zones[%u].%s%s %s", building->zone, place,
               text_write_name(&name, text), what);
}

/* --- nodes --- */

static uint32_t add_node(struct zones *zones, const struct zone_node *node,
                         const struct zone_place *place)
{
    size_t count = zones->node_count;

    /* The arrays double: they have room for a power of two. */
    if ((count & (count - 1)) == 0) {
        size_t cap = count == 0 ? 1 : 2 * count;

        zones->nodes = realloc(zones->nodes, cap * sizeof(*zones->nodes));
        zones->places = realloc(zones->places, cap * sizeof(*zones->places));
        CHECK(zones->nodes != NULL && zones->places != NULL);
    }
    CHECK(count < ZONES_ELSEWHERE);
    zones->nodes[count] = *node;
    zones->places[count] = *place;
    zones->node_count++;
    return (uint32_t)count;
}

static uint32_t add_name(const struct building *building, struct bytes key)
{
    const struct zone_node empty = {
        .zone = building->zone, .exists = true, .alias = ZONES_NO_ALIAS};

    return add_node(building->zones, &empty,
                    &(struct zone_place){.key = key, .named = true, .wild = ZONES_NO_NODE});
}

static bool is_asterisk(struct bytes key, size_t at)
{
    return key.data[at] == 1 && key.data[at + 1] == '*';
}

/* The node of a name, which is made if need be, as are those of the names between it and the last. */
static uint32_t take_name(struct building *building, struct bytes key)
{
    size_t known = common_labels(building->last, key);
    size_t labels = 0;
    size_t next;

    for (size_t at = 0; at < key.len; at = next) {
        next = at + (size_t)key.data[at] + 1;
        if (++labels <= known)
            continue;
        building->path[labels] = add_name(building, (struct bytes){key.data, next});
        if (is_asterisk(key, at))
            building->zones->places[building->path[labels - 1]].wild = building->path[labels];
    }
    building->last = key;
    return building->path[labels];
}

/* --- records of one name --- */

/* Drafts side by side. */
struct run {
    const struct draft *items; /* borrowed */
    size_t count;              /* at least one */
};

/* Those at the beginning of a run that have the type of its first. */
static struct run same_type(struct run run)
{
    size_t count = 1;

    while (count < run.count && run.items[count].type == run.items[0].type)
        count++;
    return (struct run){run.items, count};
}

static struct run run_behind(struct run run, struct run first)
{
    return (struct run){run.items + first.count, run.count - first.count};
}

static const struct draft *find_type(struct run run, uint16_t type)
{
    for (size_t i = 0; i < run.count; i++) {
        if (run.items[i].type == type)
            return &run.items[i];
    }
    return NULL;
}

static const struct draft *find_alias(struct run run)
{
    for (size_t i = 0; i < run.count && run.items[i].type == 0; i++) {
        if (run.items[i].alias != ZONES_NO_ALIAS)
            return &run.items[i];
    }
    return NULL;
}

static bool same_data(const struct draft *a, const struct draft *b)
{
    return a->rdata.len == b->rdata.len &&
           (a->rdata.len == 0 || memcmp(a->rdata.data, b->rdata.data, a->rdata.len) == 0);
}

/* True when the record stands in the run before it: then it is there once (RFC 2181 section 5). */
static bool is_repeated(struct run run, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (same_data(&run.items[j], &run.items[i]))
            return true;
    }
    return false;
}

/* What may stand beside a CNAME (RFC 4034 section 2.5 and RFC 2535 before it). */
static bool goes_with_cname(uint16_t type)
{
    return type == 0 || type == TYPE_CNAME || type == RRSIG || type == NSEC || type == SIG ||
           type == KEY || type == NXT;
}

static void check_cname(const struct building *building, struct run run)
{
    const struct draft *cname = find_type(run, TYPE_CNAME);

    if (cname == NULL)
        return;
    if (same_key(cname->key, building->apex))
        tell(building, REPORT_ERROR, cname,
             "is the zone's own name, which has an SOA, so it cannot have a CNAME; write it under "
             "aliases");
    for (size_t i = 0; i < run.count; i++) {
        if (goes_with_cname(run.items[i].type))
            continue;
        tell(building, REPORT_ERROR, cname,
             "has a CNAME and other records, which cannot be (RFC 1034 section 3.6.2)");
        return;
    }
}

static void check_alias(const struct building *building, struct run run)
{
    const struct draft *alias = find_alias(run);

    if (alias == NULL)
        return;
    if (find_type(run, TYPE_CNAME) != NULL)
        tell(building, REPORT_ERROR, alias, "has a CNAME in the file; it can be one or the other");
    else if (find_type(run, TYPE_A) != NULL || find_type(run, TYPE_AAAA) != NULL)
        tell(building, REPORT_ERROR, alias,
             "has addresses in the file; it can have its own or those of another");
}

/* --- one type --- */

static void take_soa(const struct building *building, struct run run)
{
    struct zone_apex *apex = &building->zones->apexes[building->zone];
    const struct draft *soa = &run.items[0];
    uint32_t minimum_s;

    if (!same_key(soa->key, building->apex)) {
        tell(building, REPORT_ERROR, soa, "has an SOA, but only the zone's own name can");
        return;
    }
    for (size_t i = 1; i < run.count; i++) {
        if (same_data(&run.items[i], soa))
            continue;
        tell(building, REPORT_ERROR, &run.items[i], "has a second SOA");
        break;
    }
    CHECK(soa->rdata.len >= sizeof(minimum_s));
    minimum_s = rr_ttl_cap(bytes_get_u32(soa->rdata.data + soa->rdata.len - sizeof(minimum_s)));
    apex->soa = soa->rdata;
    apex->soa_ttl_s = soa->ttl_s;
    apex->negative_ttl_s = minimum_s < soa->ttl_s ? minimum_s : soa->ttl_s;
}

static void set_target(const struct building *building, struct run run, struct zone_rrset *out)
{
    struct name *target = ARENA_NEW(&building->zones->arena, struct name, 1);

    if (out->count > 1)
        tell(building, REPORT_ERROR, &run.items[1], "has more than one CNAME");
    CHECK(name_from_wire(target, run.items[0].rdata.data, run.items[0].rdata.len) == ERR_OK);
    out->target = target;
}

/* The records of one type, each once, as they stand in an answer. */
static bool render(const struct building *building, struct run run, struct zone_rrset *out)
{
    size_t room = 0;
    struct writer w;

    *out = (struct zone_rrset){.type = run.items[0].type, .ttl_s = RR_TTL_MAX};
    for (size_t i = 0; i < run.count && run.count <= RRSET_RECORDS_MAX; i++)
        room += RECORD_OCTETS + run.items[i].rdata.len;
    if (run.count > RRSET_RECORDS_MAX || room > RRSET_OCTETS_MAX) {
        tell(building, REPORT_ERROR, &run.items[0],
             "has more data of this type than an answer has room for");
        return false;
    }
    w = writer_init(arena_take(&building->zones->arena, room), room);
    for (size_t i = 0; i < run.count; i++) {
        if (run.items[i].ttl_s < out->ttl_s)
            out->ttl_s = run.items[i].ttl_s;
    }
    for (size_t i = 0; i < run.count; i++) {
        if (is_repeated(run, i))
            continue;
        rr_write(&w, MESSAGE_HEADER_OCTETS, out->type, out->ttl_s, run.items[i].rdata);
        out->count++;
    }
    CHECK(!w.failed);
    out->records = (struct bytes){w.data, w.len};
    return true;
}

/* True when the records are the node's; others are told of, or the apex has them. */
static bool is_of_node(const struct building *building, struct run run)
{
    const struct draft *first = &run.items[0];

    if (first->type == 0)
        return false;
    if (first->type == TYPE_SOA) {
        take_soa(building, run);
        return false;
    }
    if (first->type == TYPE_NS && !same_key(first->key, building->apex)) {
        tell(building, REPORT_WARNING, first,
             "is delegated, which is ignored: names at and below it are the zone's own, unless a "
             "forward zone has them");
        return false;
    }
    if (first->type == DNAME)
        tell(building, REPORT_ERROR, first,
             "has a DNAME, which is not followed here; write the CNAMEs");
    return first->type != DNAME;
}

static void fill_node(const struct building *building, struct run run, uint32_t number)
{
    struct zone_rrset *rrsets = NULL;
    const struct draft *alias = find_alias(run);
    struct zone_node *node = &building->zones->nodes[number];
    size_t types = 0;

    for (struct run rest = run; rest.count > 0; rest = run_behind(rest, same_type(rest)))
        types++;
    rrsets = ARENA_NEW(&building->zones->arena, struct zone_rrset, types);
    for (struct run rest = run; rest.count > 0; rest = run_behind(rest, same_type(rest))) {
        struct run one = same_type(rest);
        struct zone_rrset *rrset = &rrsets[node->rrset_count];

        if (!is_of_node(building, one) || !render(building, one, rrset))
            continue;
        node->rrset_count++;
        if (rrset->type == TYPE_CNAME)
            set_target(building, one, rrset);
    }
    node->rrsets = rrsets;
    node->alias = alias != NULL ? alias->alias : ZONES_NO_ALIAS;
}

/* --- zones --- */

static struct run same_name(struct run run)
{
    size_t count = 1;

    while (count < run.count && same_key(run.items[count].key, run.items[0].key))
        count++;
    return (struct run){run.items, count};
}

void zones_build(struct zones *zones, uint32_t zone, struct drafts *drafts, struct report *report)
{
    const struct zone_apex *apex = &zones->apexes[zone];
    struct building building = {.zones = zones,
                                .report = report,
                                .zone = zone,
                                .apex = zones_key(&zones->arena, &apex->name)};
    const struct zone_node none = {.zone = zone, .exists = false, .alias = ZONES_NO_ALIAS};
    const struct zone_place nowhere = {.key = building.apex, .wild = ZONES_NO_NODE};

    zones->none[zone] = apex->fallthrough ? ZONES_NO_NODE : add_node(zones, &none, &nowhere);
    building.last = building.apex;
    building.path[apex->name.labels] = add_name(&building, building.apex);
    if (drafts->count > 0)
        qsort(drafts->items, drafts->count, sizeof(*drafts->items), compare_drafts);
    for (struct run rest = {drafts->items, drafts->count}; rest.count > 0;) {
        struct run one = same_name(rest);

        check_cname(&building, one);
        check_alias(&building, one);
        fill_node(&building, one, take_name(&building, one.items[0].key));
        rest = run_behind(rest, one);
    }
}

/* --- the index --- */

/* A zone that falls through does not have names without any data. */
static uint32_t value_of(const struct zones *zones, uint32_t number)
{
    const struct zone_node *node = &zones->nodes[number];
    const struct zone_apex *apex = &zones->apexes[node->zone];
    bool has_soa = apex->soa.len > 0 && zones->places[number].key.len + 1 == apex->name.len;

    if (apex->fallthrough && node->rrset_count == 0 && node->alias == ZONES_NO_ALIAS && !has_soa)
        return ZONES_ELSEWHERE;
    return number;
}

/* What stands for the names below a node that do not exist. */
static uint32_t value_below(const struct zones *zones, uint32_t number)
{
    uint32_t none = zones->none[zones->nodes[number].zone];

    if (zones->places[number].wild != ZONES_NO_NODE)
        return value_of(zones, zones->places[number].wild);
    return none == ZONES_NO_NODE ? ZONES_ELSEWHERE : none;
}

void zones_index(struct zones *zones, const struct name *const *forward, size_t forward_count)
{
    struct name *names = calloc(zones->node_count, sizeof(*names));
    struct names_entry *entries = calloc(2 * (zones->node_count + forward_count), sizeof(*entries));
    size_t count = 0;

    CHECK(names != NULL && entries != NULL);
    for (size_t i = 0; i < forward_count; i++) {
        entries[count++] = (struct names_entry){forward[i], false, ZONES_ELSEWHERE};
        entries[count++] = (struct names_entry){forward[i], true, ZONES_ELSEWHERE};
    }
    for (uint32_t i = 0; i < zones->node_count; i++) {
        if (!zones->places[i].named)
            continue;
        zones_name_of_key(&names[i], zones->places[i].key);
        entries[count++] = (struct names_entry){&names[i], false, value_of(zones, i)};
        entries[count++] = (struct names_entry){&names[i], true, value_below(zones, i)};
    }
    zones->index = names_new(entries, count, NULL);
    free(entries);
    free(names);
}
