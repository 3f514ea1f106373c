/* profile: reads the argument of --profile by one table of keys.
 * Owns: nothing. Thread: any; no state. Bounds: PROFILE_NAME_ROOM octets a value.
 * Fails: with a reason for people. */
#include "workload/profile_private.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/nearest.h"
#include "local53/dns/name.h"
#include "workload/queryset_private.h"

/* What a value must be. */
enum value_kind { VALUE_NUMBER, VALUE_REGION, VALUE_NAME };

/* Which profiles know a key. */
#define IN_K8S_AWS (1U << PROFILE_K8S_AWS)
#define IN_ZONES (1U << PROFILE_HIT | 1U << PROFILE_NX | 1U << PROFILE_MISS)

static const struct profile_key {
    const char *name;
    unsigned profiles;    /* IN_... */
    enum value_kind kind; /* of its value */
    uint32_t least;       /* numbers */
    uint32_t most;        /* numbers */
    size_t offset;        /* in struct profile */
} KEYS[] = {
    {"ndots", IN_K8S_AWS, VALUE_NUMBER, 0, 15, offsetof(struct profile, ndots)},
    {"region", IN_K8S_AWS, VALUE_REGION, 0, 0, offsetof(struct profile, region)},
    {"namespaces", IN_K8S_AWS, VALUE_NUMBER, 1, 1000, offsetof(struct profile, namespaces)},
    {"services", IN_K8S_AWS, VALUE_NUMBER, 1, 10000, offsetof(struct profile, services)},
    {"domain", IN_K8S_AWS, VALUE_NAME, 0, 0, offsetof(struct profile, domain)},
    {"zone", IN_ZONES, VALUE_NAME, 0, 0, offsetof(struct profile, zone)},
};
#define KEYS_COUNT (sizeof(KEYS) / sizeof(KEYS[0]))

/* By enum profile_id. */
static const char *const NAMES[] = {"k8s-aws", "hit", "nx", "miss"};
/* Not below .test: resolvers deny that by themselves (RFC 6761 section 6.2), so no cache would be measured. */
static const char *const ZONES[] = {"", "hit.dnsbench.example", "nx.dnsbench.example",
                                    "miss.dnsbench.example"};
#define NAMES_COUNT (sizeof(NAMES) / sizeof(NAMES[0]))

/* One "key=value", cut out. */
struct pair {
    char key[QUOTE_ROOM];          /* longer ones are cut, and known to none */
    char value[PROFILE_NAME_ROOM]; /* terminated */
};

static bool refuse_name(const char *name, struct text_fault *fault)
{
    const char *nearest = nearest_word(name, NAMES, NAMES_COUNT);
    char quoted[QUOTE_ROOM];

    queryset_quote(name, quoted);
    if (nearest != NULL)
        snprintf(fault->reason, sizeof(fault->reason), "no profile '%s'; did you mean '%s'?",
                 quoted, nearest);
    else
        snprintf(fault->reason, sizeof(fault->reason),
                 "no profile '%s'; there are k8s-aws, hit, nx and miss", quoted);
    return false;
}

/* Finds the profile by the octets in front of a colon and fills in its defaults. */
static bool find_profile(struct profile *out, const char *text, struct text_fault *fault)
{
    char name[QUOTE_ROOM];
    size_t len = strcspn(text, ":");

    snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name)), text);
    *out = (struct profile){
        .ndots = 5, .namespaces = 12, .region = "eu-central-1", .domain = "cluster.local"};
    for (size_t i = 0; i < NAMES_COUNT; i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            out->id = (enum profile_id)i;
            snprintf(out->zone, sizeof(out->zone), "%s", ZONES[i]);
            return true;
        }
    }
    return refuse_name(name, fault);
}

/* Cuts the pair off that ends at a comma or the end. */
static bool take_pair(struct pair *pair, const char **at, struct text_fault *fault)
{
    char quoted[QUOTE_ROOM];
    size_t len = strcspn(*at, ",");
    size_t key = strcspn(*at, "=,");

    if (key == len || key == 0 || key + 1 == len) {
        snprintf(fault->reason, sizeof(fault->reason), "'%s' is no KEY=VALUE",
                 queryset_quote(*at, quoted));
        return false;
    }
    if (len - key - 1 >= sizeof(pair->value)) {
        snprintf(fault->reason, sizeof(fault->reason), "a value has more than 255 octets");
        return false;
    }
    snprintf(pair->key, sizeof(pair->key), "%.*s",
             (int)(key < sizeof(pair->key) ? key : sizeof(pair->key)), *at);
    snprintf(pair->value, sizeof(pair->value), "%.*s", (int)(len - key - 1), *at + key + 1);
    *at += len;
    return true;
}

static const struct profile_key *find_key(const char *name, enum profile_id id)
{
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        if (strcmp(KEYS[i].name, name) == 0 && (KEYS[i].profiles & 1U << id) != 0)
            return &KEYS[i];
    }
    return NULL;
}

static bool refuse_key(const char *key, enum profile_id id, struct text_fault *fault)
{
    const char *words[KEYS_COUNT];
    char known[80] = "";
    char quoted[QUOTE_ROOM];
    size_t count = 0;

    for (size_t i = 0; i < KEYS_COUNT; i++) {
        if ((KEYS[i].profiles & 1U << id) == 0)
            continue;
        size_t len = strlen(known);
        snprintf(known + len, sizeof(known) - len, "%s%s", count > 0 ? ", " : "", KEYS[i].name);
        words[count++] = KEYS[i].name;
    }
    const char *nearest = nearest_word(key, words, count);
    queryset_quote(key, quoted);
    if (nearest != NULL)
        snprintf(fault->reason, sizeof(fault->reason),
                 "profile %s has no key '%s'; did you mean '%s'?", NAMES[id], quoted, nearest);
    else
        snprintf(fault->reason, sizeof(fault->reason), "profile %s has no key '%s'; it has %s",
                 NAMES[id], quoted, known);
    return false;
}

static bool set_number(const struct profile_key *key, const char *value, uint32_t *out,
                       struct text_fault *fault)
{
    char quoted[QUOTE_ROOM];
    bool digits = value[strspn(value, "0123456789")] == '\0';
    /* Too long a number becomes ULONG_MAX, which is past every bound. */
    unsigned long number = digits ? strtoul(value, NULL, 10) : 0;

    if (!digits || number < key->least || number > key->most) {
        snprintf(fault->reason, sizeof(fault->reason), "%s=%s: a number from %u to %u is wanted",
                 key->name, queryset_quote(value, quoted), key->least, key->most);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool set_region(const char *value, char *out, struct text_fault *fault)
{
    char quoted[QUOTE_ROOM];
    size_t len = strlen(value);

    if (len >= PROFILE_REGION_ROOM ||
        strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != len) {
        snprintf(fault->reason, sizeof(fault->reason),
                 "region=%s: a region as 'eu-central-1' is wanted", queryset_quote(value, quoted));
        return false;
    }
    memcpy(out, value, len + 1);
    return true;
}

static bool set_name(const struct profile_key *key, const char *value, char *out,
                     struct text_fault *fault)
{
    uint8_t wire[NAME_MAX_OCTETS];
    char quoted[QUOTE_ROOM];
    const char *reason;
    size_t len;

    if (queryset_read_name(wire, &len, value, &reason) != ERR_OK) {
        snprintf(fault->reason, sizeof(fault->reason), "%s=%s: the name has %s", key->name,
                 queryset_quote(value, quoted), reason);
        return false;
    }
    memcpy(out, value, strlen(value) + 1);
    return true;
}

static bool set_value(struct profile *out, const struct profile_key *key, const char *value,
                      struct text_fault *fault)
{
    char *member = (char *)out + key->offset;

    switch (key->kind) {
    case VALUE_NUMBER: return set_number(key, value, (uint32_t *)(void *)member, fault);
    case VALUE_REGION: return set_region(value, member, fault);
    case VALUE_NAME: return set_name(key, value, member, fault);
    }
    return false;
}

/* Sets one key, which may be said once. */
static bool take_key(struct profile *out, const struct pair *pair, unsigned *said,
                     struct text_fault *fault)
{
    const struct profile_key *key = find_key(pair->key, out->id);

    if (key == NULL)
        return refuse_key(pair->key, out->id, fault);
    if ((*said & 1U << (key - KEYS)) != 0) {
        snprintf(fault->reason, sizeof(fault->reason), "%s= is said twice", key->name);
        return false;
    }
    *said |= 1U << (key - KEYS);
    return set_value(out, key, pair->value, fault);
}

bool profile_parse(struct profile *out, const char *text, struct text_fault *fault)
{
    const char *at = strchr(text, ':');
    unsigned said = 0;
    struct pair pair;

    *fault = (struct text_fault){0};
    if (!find_profile(out, text, fault))
        return false;
    while (at != NULL && *at != '\0') {
        at++;
        if (!take_pair(&pair, &at, fault) || !take_key(out, &pair, &said, fault))
            return false;
    }
    return true;
}
