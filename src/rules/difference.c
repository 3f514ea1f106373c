/* difference: a set of names, each tried under two rulesets.
 * Owns: the names of the set, in wire form, and a table of them. Thread: the caller's.
 * Bounds: DIFFERENCE_NAMES_MAX names; two decisions a name, and what changed is sorted.
 * Fails: a full set takes no more; out of memory stops the process. */
#include "local53/rules/difference.h"

#include <stdlib.h>
#include <string.h>

#include "difference_answer.h"
#include "local53/aws/partition.h"
#include "local53/base/arena.h"
#include "local53/base/check.h"
#include "local53/base/hash.h"
#include "local53/dns/text.h"
#include "local53/rules/zones.h"
#include "sample.h"

/* Slots of the table at first; always a power of two, and twice the names at least. */
#define SLOTS_MIN 1024

/* Words of changes are kept up to about so many octets. */
#define WORDS_OCTETS 32768

/* A name of the set. */
struct entry {
    uint8_t *wire;  /* in the arena; NULL: a free slot */
    uint8_t len;    /* octets of wire */
    bool below;     /* "*." stands before it */
    uint64_t times; /* added by difference_add_name */
};

struct difference_names {
    struct arena arena;  /* owned; the wires */
    struct entry *slots; /* owned; open addressing */
    size_t slot_count;   /* slots */
    size_t count;        /* names */
};

/* ---- The set --------------------------------------------------------------------------------------- */

static struct entry *slots_new(size_t count)
{
    struct entry *slots = calloc(count, sizeof(*slots));

    CHECK(slots != NULL);
    return slots;
}

struct difference_names *difference_names_new(void)
{
    struct difference_names *names = calloc(1, sizeof(*names));

    CHECK(names != NULL);
    names->slot_count = SLOTS_MIN;
    names->slots = slots_new(SLOTS_MIN);
    return names;
}

void difference_names_free(struct difference_names *names)
{
    if (names != NULL) {
        arena_deinit(&names->arena);
        free(names->slots);
        free(names);
    }
}

/* The slot of a name, or the free one where it goes. */
static struct entry *find_slot(const struct difference_names *names, const uint8_t *wire,
                               size_t len, bool below)
{
    size_t at = (size_t)hash_fnv(HASH_FNV_START + below, wire, len);

    for (;; at++) {
        struct entry *slot = &names->slots[at & (names->slot_count - 1)];

        if (slot->wire == NULL ||
            (slot->len == len && slot->below == below && memcmp(slot->wire, wire, len) == 0))
            return slot;
    }
}

static void grow(struct difference_names *names)
{
    struct entry *old = names->slots;
    size_t count = names->slot_count;

    names->slot_count = 2 * count;
    names->slots = slots_new(names->slot_count);
    for (size_t i = 0; i < count; i++) {
        if (old[i].wire != NULL)
            *find_slot(names, old[i].wire, old[i].len, old[i].below) = old[i];
    }
    free(old);
}

/* The entry of a name, made when it is new; NULL when the set is full. */
static struct entry *add(struct difference_names *names, const struct name *name, bool below)
{
    struct entry *slot = find_slot(names, name->wire, name->len, below);

    if (slot->wire != NULL)
        return slot;
    if (names->count == DIFFERENCE_NAMES_MAX)
        return NULL;
    if (2 * ++names->count > names->slot_count) {
        grow(names);
        slot = find_slot(names, name->wire, name->len, below);
    }
    slot->wire = arena_take(&names->arena, name->len);
    memcpy(slot->wire, name->wire, name->len);
    slot->len = name->len;
    slot->below = below;
    return slot;
}

bool difference_add_name(struct difference_names *names, const struct name *name)
{
    struct entry *entry = add(names, name, false);

    if (entry != NULL)
        entry->times++;
    return entry != NULL;
}

static bool add_list(struct difference_names *names, const struct config_name *list, size_t count)
{
    bool added = true;

    for (size_t i = 0; i < count; i++)
        added = add(names, &list[i].name, list[i].below) != NULL && added;
    return added;
}

/* The name itself and all below it. */
static bool add_zone(struct difference_names *names, const struct name *zone)
{
    return add(names, zone, false) != NULL && add(names, zone, true) != NULL;
}

static bool add_text(struct difference_names *names, const char *text, bool apex)
{
    struct name name;

    CHECK(text_read_name(&name, text) == ERR_OK);
    return (!apex || add(names, &name, false) != NULL) && add(names, &name, true) != NULL;
}

/* AWS's names go to aws.resolver: they are tried in the partition of a region. */
static bool add_partition(struct difference_names *names, const char *region)
{
    const struct partition *partition = partition_of_region(region != NULL ? region : "");

    return add_text(names, partition->suffix, false) &&
           add_text(names, partition->dualstack_suffix, false);
}

/* What every configuration has rules for. */
static bool add_fixed(struct difference_names *names)
{
    size_t count;
    const struct special_row *rows = special_rows(&count);
    bool added = add_partition(names, NULL);

    for (size_t i = 0; i < count; i++)
        added = add_text(names, rows[i].name, true) && added;
    return added;
}

/* Each name a private zone has, and each zone. */
static bool add_private_zones(struct difference_names *names, const struct ruleset *ruleset)
{
    size_t count = ruleset->private_zones != NULL ? zones_node_count(ruleset->private_zones) : 0;
    struct name name;
    bool below;
    bool added = true;

    for (size_t i = 0; i < ruleset->config->zone_count; i++)
        added = add_zone(names, &ruleset->config->zones[i].name) && added;
    for (size_t i = 0; i < count; i++) {
        if (zones_node_name(ruleset->private_zones, (uint32_t)i, &name, &below))
            added = add(names, &name, below) != NULL && added;
    }
    return added;
}

bool difference_add_rules(struct difference_names *names, const struct ruleset *ruleset)
{
    const struct config *config = ruleset->config;
    bool added = add_fixed(names) && add_partition(names, config->region);

    for (size_t i = 0; i < config->endpoint_count; i++) {
        const struct rule_endpoint *endpoint = &ruleset->endpoints[i];

        added = add_list(names, endpoint->names, endpoint->name_count) && added;
        added = add_list(names, endpoint->excepts, endpoint->except_count) && added;
        added = add_partition(names, endpoint->region) && added;
    }
    for (size_t i = 0; i < config->forward_count; i++)
        added = add_zone(names, &config->forward[i].zone) && added;
    return add_private_zones(names, ruleset) && added;
}

/* ---- Comparison ------------------------------------------------------------------------------------- */

/* A name that changed. */
struct change {
    struct name name;          /* read again from its entry */
    const struct entry *entry; /* borrowed from the set */
};

/* Label i from the right, a wildcard's "*" included; false when there is none. */
static bool label_from_right(const struct change *change, size_t i, struct bytes *label)
{
    static const uint8_t star[] = {'*'};

    if (i < change->name.labels)
        *label = name_label(&change->name, change->name.labels - 1 - i);
    else
        *label = (struct bytes){star, sizeof(star)};
    return i < (size_t)change->name.labels + change->entry->below;
}

static int compare_labels(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (int)a.len - (int)b.len;
}

/* RFC 4034 section 6.1: by labels from the right, a missing one first. */
static int compare_changes(const void *left, const void *right)
{
    const struct change *a = *(struct change *const *)left;
    const struct change *b = *(struct change *const *)right;

    for (size_t i = 0;; i++) {
        struct bytes a_label;
        struct bytes b_label;
        bool has_a = label_from_right(a, i, &a_label);
        bool has_b = label_from_right(b, i, &b_label);
        int order = has_a && has_b ? compare_labels(a_label, b_label) : (int)has_a - (int)has_b;

        if (order != 0 || !has_a)
            return order;
    }
}

/* Both decisions of a name; false when no name can stand there. */
static bool decide(const struct name *name, bool below, struct difference_side *old,
                   struct difference_side *new)
{
    struct name sample;

    if (!sample_name(&sample, name, below))
        return false;
    ruleset_decide(old->ruleset, &sample, &old->decision);
    ruleset_decide(new->ruleset, &sample, &new->decision);
    return true;
}

/* What one comparison knows. */
struct comparison {
    struct difference_side old;      /* its ruleset is set */
    struct difference_side new;      /* its ruleset is set */
    struct arena arena;              /* owned; the changes */
    struct arena words;              /* owned; of the changes told last */
    struct change **changes;         /* owned */
    struct difference_counts counts; /* of the names looked at so far */
};

static void look_at(struct comparison *c, const struct entry *entry)
{
    struct change *change;
    struct name name;

    CHECK(name_from_wire(&name, entry->wire, entry->len) == ERR_OK);
    if (!decide(&name, entry->below, &c->old, &c->new))
        return;
    if (difference_same(&c->old, &c->new)) {
        c->counts.same++;
        return;
    }
    change = ARENA_NEW(&c->arena, struct change, 1);
    *change = (struct change){name, entry};
    c->changes[c->counts.changed++] = change;
}

/* Words are thrown away now and then: a chunk of their arena has room for those of many changes. */
static void tell(struct comparison *c, const struct change *change,
                 void (*on_difference)(const struct difference *, void *), void *context)
{
    struct difference difference = {
        .name = &change->name, .below = change->entry->below, .times = change->entry->times};

    decide(&change->name, change->entry->below, &c->old, &c->new);
    difference.old = difference_words(&c->old, &c->words);
    difference.new = difference_words(&c->new, &c->words);
    on_difference(&difference, context);
    if (c->words.used > WORDS_OCTETS)
        arena_deinit(&c->words);
}

struct difference_counts difference_find(
    const struct difference_names *names, const struct ruleset *old, const struct ruleset *new,
    void (*on_difference)(const struct difference *difference, void *context), void *context)
{
    struct comparison c = {.old = {.ruleset = old}, .new = {.ruleset = new}};

    c.changes = calloc(names->count + 1, sizeof(struct change *));
    CHECK(c.changes != NULL);
    for (size_t i = 0; i < names->slot_count; i++) {
        if (names->slots[i].wire != NULL)
            look_at(&c, &names->slots[i]);
    }
    qsort(c.changes, c.counts.changed, sizeof(struct change *), compare_changes);
    for (size_t i = 0; i < c.counts.changed; i++)
        tell(&c, c.changes[i], on_difference, context);
    free(c.changes);
    arena_deinit(&c.arena);
    arena_deinit(&c.words);
    return c.counts;
}
