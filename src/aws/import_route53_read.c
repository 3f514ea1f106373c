/* import_route53_read: the record sets of the file, checked one by one and sorted.
 * Owns: nothing; all goes to the import's arena. Thread: any; no state.
 * Bounds: R53_SETS_MAX sets, R53_VALUES_MAX values a set.
 * Fails: a problem that names the place in the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_route53.h"
#include "local53/dns/master.h"
#include "local53/dns/message.h"

#define TTL_MAX 2147483647 /* RFC 2181 section 8 */

/* The member that tells a set's routing policy. */
static const struct {
    const char *member;
    enum r53_policy policy;
} POLICIES[] = {
    {"Weight", R53_WEIGHTED},
    {"Region", R53_LATENCY},
    {"Failover", R53_FAILOVER},
    {"GeoLocation", R53_GEOLOCATION},
    {"GeoProximityLocation", R53_GEOPROXIMITY},
    {"CidrRoutingConfig", R53_CIDR},
};

/* ---- One set ------------------------------------------------------------------------------------- */

static void read_name(const struct json_at *at, struct name *out)
{
    const char *text = json_text_needed(at);
    enum err err = r53_read_name(out, text);

    if (err == ERR_TOO_LONG)
        json_refuse(at, "found \"%.80s...\", expected a domain name of at most 255 octets", text);
    else if (err != ERR_OK)
        json_refuse(at, "found \"%.80s\", expected a domain name", text);
}

static void read_type(const struct json_at *item, struct r53_set *set)
{
    struct json_at at = json_member(item, "Type");
    const char *text = json_text_needed(&at);

    if (text_read_type(&set->type, text) != ERR_OK)
        json_refuse(&at, "found \"%.40s\", expected a type of records (A, TXT, ...)", text);
}

/* True when a text member of an object says that. */
static bool says(const struct json_at *object, const char *member, const char *word)
{
    struct json_at at = json_member(object, member);
    const char *text = json_text(&at);

    return text != NULL && strcmp(text, word) == 0;
}

static void read_failover(const struct json_at *item, struct r53_set *set)
{
    struct json_at at = json_member(item, "Failover");

    set->leads = says(item, "Failover", "PRIMARY");
    if (!set->leads && !says(item, "Failover", "SECONDARY"))
        json_refuse(&at, "expected \"PRIMARY\" or \"SECONDARY\"");
}

static void read_policy(const struct json_at *item, struct r53_set *set)
{
    struct json_at multivalue = json_member(item, "MultiValueAnswer");
    struct json_at weight = json_member(item, "Weight");
    struct json_at location = json_member(item, "GeoLocation");
    struct json_at network = json_member(item, "CidrRoutingConfig");

    set->policy = json_bool(&multivalue, false) ? R53_MULTIVALUE : R53_SIMPLE;
    for (size_t i = 0; i < sizeof(POLICIES) / sizeof(POLICIES[0]); i++) {
        if (json_member(item, POLICIES[i].member).value != NULL)
            set->policy = POLICIES[i].policy;
    }
    set->weight = json_number(&weight, 0);
    if (set->policy == R53_FAILOVER)
        read_failover(item, set);
    if (says(&location, "CountryCode", "*") || says(&network, "LocationName", "*"))
        set->leads = true;
}

static void read_label(struct r53 *r, const struct json_at *item, struct r53_set *set)
{
    struct json_at region = json_member(item, "Region");
    struct json_at identifier = json_member(item, "SetIdentifier");
    const char *text = json_text(&region);

    if (text == NULL)
        text = json_text(&identifier);
    if (text != NULL)
        set->label = r53_printable(r, text);
}

static bool on_record(void *owner, const struct master_record *record)
{
    (void)owner;
    (void)record;
    return true;
}

static void on_error(void *owner, const struct master_place *place, const char *text)
{
    (void)place;
    snprintf(owner, MASTER_TEXT_MAX, "%s", text);
}

/* Reads the value as the record it will be in the master file; false with the words of its reader. */
static bool is_rdata(uint16_t type, const char *value, char *why)
{
    char line[R53_VALUE_MAX + TEXT_TYPE_MAX + 16];
    char name[TEXT_TYPE_MAX];
    struct name root;
    struct master_setup setup = {
        .origin = &root, .on_record = on_record, .on_error = on_error, .owner = why};
    int len = snprintf(line, sizeof(line), ". 0 IN %s %s\n", text_write_type(type, name), value);

    why[0] = '\0';
    name_root(&root);
    return master_read_text(&setup, (struct bytes){(const uint8_t *)line, (size_t)len}, "value") ==
           ERR_OK;
}

static const char *read_value(struct r53 *r, const struct json_at *record, uint16_t type)
{
    struct json_at at = json_member(record, "Value");
    const char *text = json_text_needed(&at);
    char value[R53_VALUE_MAX];
    char why[MASTER_TEXT_MAX] = "expected quotes in pairs, and octal escapes";
    enum err err;

    if (json_failed(r->doc))
        return NULL;
    err = r53_write_value(value, sizeof(value), text);
    if (err == ERR_TOO_LONG) {
        json_refuse(&at, "the value has more than %d octets as a master file has it",
                    R53_VALUE_MAX - 1);
        return NULL;
    }
    if (err != ERR_OK || !is_rdata(type, value, why)) {
        json_refuse(&at, "found \"%.60s\", which is no value of such a record: %s", text, why);
        return NULL;
    }
    return arena_copy_text(&r->arena, value);
}

static void read_ttl(const struct json_at *item, struct r53_set *set)
{
    struct json_at at = json_member(item, "TTL");
    long long ttl = json_number(&at, -1);

    if (at.value == NULL)
        json_refuse(&at, "found nothing, expected seconds, 0 to %d", TTL_MAX);
    else if (ttl < 0 || ttl > TTL_MAX)
        json_refuse(&at, "found %lld, expected seconds, 0 to %d", ttl, TTL_MAX);
    else
        set->ttl_s = (uint32_t)ttl;
}

static void read_values(struct r53 *r, const struct json_at *item, struct r53_set *set)
{
    struct json_at list = json_member(item, "ResourceRecords");
    size_t count = json_count(&list);

    if (count == 0 || count > R53_VALUES_MAX) {
        json_refuse(&list, "found %zu records, expected 1 to %d, or an AliasTarget", count,
                    R53_VALUES_MAX);
        return;
    }
    read_ttl(item, set);
    set->values = ARENA_NEW(&r->arena, const char *, count);
    for (; set->value_count < count && !json_failed(r->doc); set->value_count++) {
        struct json_at record = json_item(&list, set->value_count);

        set->values[set->value_count] = read_value(r, &record, set->type);
    }
}

/* "*.vpce-..." (S3) has the addresses of "vpce-...". */
static void read_alias(struct r53 *r, const struct json_at *item, struct r53_set *set)
{
    struct json_at alias = json_member(item, "AliasTarget");
    struct json_at target = json_member(&alias, "DNSName");
    struct json_at health = json_member(&alias, "EvaluateTargetHealth");
    struct json_at records = json_member(item, "ResourceRecords");

    set->checks_health = json_bool(&health, false);
    set->alias = ARENA_NEW(&r->arena, struct name, 1);
    read_name(&target, set->alias);
    if (name_has_vpce_label(set->alias) && r53_is_wildcard(set->alias))
        name_parent(set->alias, set->alias, 1);
    if (json_count(&records) > 0)
        json_refuse(&records, "expected no records beside an AliasTarget");
}

static void read_set(struct r53 *r, size_t index)
{
    struct r53_set *set = &r->sets[index];
    struct json_at item = json_item(&r->list, index);
    struct json_at name = json_member(&item, "Name");

    set->index = index;
    read_name(&name, &set->owner);
    read_type(&item, set);
    if (json_failed(r->doc))
        return;
    read_policy(&item, set);
    read_label(r, &item, set);
    if (json_member(&item, "AliasTarget").value != NULL)
        read_alias(r, &item, set);
    else
        read_values(r, &item, set);
    if (json_member(&item, "HealthCheckId").value != NULL)
        set->checks_health = true;
}

/* ---- The zone ------------------------------------------------------------------------------------ */

/* The zone's name is the one told, else the owner of the SOA. */
static void find_zone(struct r53 *r)
{
    const struct r53_set *soa = NULL;

    for (size_t i = 0; i < r->set_count && soa == NULL; i++) {
        if (r->sets[i].type == TYPE_SOA)
            soa = &r->sets[i];
    }
    if (r->from->zone == NULL && soa == NULL)
        json_refuse(&r->list, "no SOA record tells the name of the zone; tell it with --zone");
    else if (r->from->zone == NULL)
        r->zone = soa->owner;
    else if (text_read_name(&r->zone, r->from->zone) != ERR_OK)
        json_refuse(&r->list, "the zone's name was told as \"%.80s\", which is no domain name",
                    r->from->zone);
    if (!json_failed(r->doc) && (!r53_is_host(&r->zone) || r53_is_wildcard(&r->zone)))
        json_refuse(&r->list, "the zone's name is none that a configuration takes: letters, "
                              "digits, \"-\" and \"_\"");
}

static void check_set_in_zone(struct r53 *r, const struct r53_set *set)
{
    char zone[TEXT_NAME_MAX];

    if (!name_is_at_or_below(&set->owner, &r->zone))
        r53_refuse(r, set, "not in the zone %.100s; a file holds one zone",
                   r53_write_name(&r->zone, zone));
    else if (set->type == TYPE_SOA && !name_equal(&set->owner, &r->zone))
        r53_refuse(r, set, "an SOA record below the zone %.100s", r53_write_name(&r->zone, zone));
}

static int compare_sets(const void *left, const void *right)
{
    const struct r53_set *a = left;
    const struct r53_set *b = right;
    int order = r53_compare(&a->owner, a->type, &b->owner, b->type);

    if (order == 0)
        order = a->index < b->index ? -1 : 1;
    return order;
}

/* One rrset for each run of equal owner and type. */
static void make_rrsets(struct r53 *r)
{
    qsort(r->sets, r->set_count, sizeof(*r->sets), compare_sets);
    r->rrsets = ARENA_NEW(&r->arena, struct r53_rrset, r->set_count);
    for (size_t i = 0; i < r->set_count; i++) {
        const struct r53_set *set = &r->sets[i];

        if (i == 0 || r53_compare(&set->owner, set->type, &set[-1].owner, set[-1].type) != 0)
            r->rrsets[r->rrset_count++].sets = &r->sets[i];
        r->rrsets[r->rrset_count - 1].count++;
    }
}

/* The CLI lists a part when it was told to; a part of a zone is another zone. */
static void check_whole(struct r53 *r, const struct json_at *whole)
{
    struct json_at truncated = json_member(whole, "IsTruncated");
    struct json_at token = json_member(whole, "NextToken");

    if (json_bool(&truncated, false) || token.value != NULL)
        json_refuse(token.value != NULL ? &token : &truncated,
                    "the list is a part of the zone only; list it without --max-items and "
                    "--no-paginate");
    else if (r->list.value == NULL)
        json_refuse(&r->list, "found nothing, expected a list of record sets");
}

void r53_read(struct r53 *r)
{
    struct json_at whole = json_whole(r->doc);

    r->list = json_member(&whole, "ResourceRecordSets");
    r->set_count = json_count(&r->list);
    if (!json_failed(r->doc))
        check_whole(r, &whole);
    if (r->set_count > R53_SETS_MAX)
        json_refuse(&r->list, "found %zu record sets, expected at most %d", r->set_count,
                    R53_SETS_MAX);
    if (json_failed(r->doc))
        return;
    r->sets = ARENA_NEW(&r->arena, struct r53_set, r->set_count + 1);
    for (size_t i = 0; i < r->set_count && !json_failed(r->doc); i++)
        read_set(r, i);
    if (!json_failed(r->doc))
        find_zone(r);
    for (size_t i = 0; i < r->set_count && !json_failed(r->doc); i++)
        check_set_in_zone(r, &r->sets[i]);
    if (!json_failed(r->doc))
        make_rrsets(r);
}
