/* names: one open-addressed table with a slot for each name and each of its ancestors, and all names'
 * octets in one blob.
 * Owns: both, until names_free. Thread: any once built; nothing in it changes.
 * Bounds: at most half of the slots are taken, so every probe ends; a lookup takes one probe a label.
 * No two names of the table share a tag where a probe could meet both (else another seed is taken), and
 * what won is compared octet by octet, so a hash never decides alone.
 * Fails: out of memory stops the process. */
#include "local53/rules/names.h"

#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/hot.h"

/* No value: the slot is only an ancestor, or has only the other kind. */
#define NONE 0xffffffffU

#define TAG_BITS 32

/* Fewest slots, as a power of two. */
#define SLOT_BITS_MIN 4

/* Seeds tried until no two tags meet; with 32-bit tags the first one does. */
#define SEEDS_MAX 10000

/* Odd number with well spread bits, from the golden ratio. */
#define MULTIPLIER 0x9e3779b97f4a7c15ULL

/* Four to a cache line. */
struct slot {
    uint32_t tag;   /* upper half of the hash of the name */
    uint32_t wire;  /* where the name stands in the blob; 0 for a free slot */
    uint32_t exact; /* value of the name itself, or NONE */
    uint32_t below; /* value of all names below it, or NONE */
};

struct names {
    struct slot *slots;  /* owned; 2^n */
    uint8_t *wires;      /* owned; the names' octets; [0] is the root */
    size_t wires_octets; /* octets at wires, the padding for comparisons included */
    uint64_t mask;       /* number of slots - 1 */
    uint64_t seed;       /* where hashes start */
    uint32_t tag_mask;   /* bits of a tag that count */
    struct slot root;    /* the root name, which has no label to find it by */
};

/* What is to be built, the same for each try. */
struct build {
    const struct names_entry *entries; /* borrowed */
    size_t count;                      /* entries */
    size_t duplicate;                  /* first entry that lost to an earlier one, or SIZE_MAX */
    size_t nodes;                      /* slots taken */
};

/* The winner of a walk. */
struct candidate {
    const struct slot *slot; /* NULL while nothing won */
    size_t label; /* the slot's name begins at this label of the name asked; its value for
                              * names below it counts unless this is 0 */
};

__extension__ typedef unsigned __int128 wide;

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
    wide product = (wide)(hash ^ word) * MULTIPLIER;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load_u64(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

static inline uint64_t load_u32(const uint8_t *p)
{
    uint32_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* Takes in one label with its length octet, 2..64 octets. The last word may overlap the one before;
 * as the length is in the first, equal words mean equal labels. Not keyed by a secret: clients choose
 * what is looked up but not what is in the table, so they can force no more than one compare a query. */
static inline uint64_t mix_label(uint64_t hash, const uint8_t *label)
{
    size_t len = (size_t)label[0] + 1;

    if (len < 4)
        return mix(hash, label[0] | (uint64_t)label[1] << 8 | (uint64_t)label[len - 1] << 16);
    if (len < 8)
        return mix(hash, load_u32(label) | load_u32(label + len - 4) << 32);
    for (size_t at = 0; at + 8 < len; at += 8)
        hash = mix(hash, load_u64(label + at));
    return mix(hash, load_u64(label + len - 8));
}

static inline uint32_t tag_of(const struct names *names, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & names->tag_mask;
}

/* The slot whose tag fits, or the free one where the name would go. */
static inline struct slot *slot_probe(const struct names *names, uint64_t hash)
{
    uint32_t tag = tag_of(names, hash);
    uint64_t at = hash & names->mask;

    while (names->slots[at].wire != 0 && names->slots[at].tag != tag)
        at = (at + 1) & names->mask;
    return &names->slots[at];
}

/* True when the slot holds the name asked from label i on. The blob is padded, so a shorter name at its
 * end can be compared too. */
static inline bool slot_holds(const struct names *names, const struct slot *slot,
                              const struct name *name, size_t i)
{
    size_t at = name_label_offset(name, i);

    return memcmp(names->wires + slot->wire, name->wire + at, name->len - at) == 0;
}

/* ---- Building ------------------------------------------------------------------------------------ */

/* The slot of the entry's name, made with its ancestors where they are missing; wire is where the name
 * stands in the blob. NULL when a tag fits and the name does not: another seed is needed. */
static struct slot *slot_make(struct names *names, struct build *build, const struct name *name,
                              size_t wire)
{
    struct slot *slot = &names->root;
    uint64_t hash = names->seed;

    for (size_t i = name->labels; i-- > 0;) {
        hash = mix_label(hash, name->wire + name->offset[i]);
        slot = slot_probe(names, hash);
        if (slot->wire == 0) {
            *slot =
                (struct slot){tag_of(names, hash), (uint32_t)(wire + name->offset[i]), NONE, NONE};
            build->nodes++;
        } else if (!slot_holds(names, slot, name, i)) {
            return NULL;
        }
    }
    return slot;
}

/* Puts all entries into the empty table; false when the seed does not suit. */
static bool fill(struct names *names, struct build *build)
{
    size_t wire = 1;

    names->root = (struct slot){0, 0, NONE, NONE};
    build->duplicate = SIZE_MAX;
    build->nodes = 0;
    for (size_t i = 0; i < build->count; i++) {
        const struct names_entry *entry = &build->entries[i];
        struct slot *slot = slot_make(names, build, entry->name, wire);
        uint32_t *value;

        if (slot == NULL)
            return false;
        value = entry->below ? &slot->below : &slot->exact;
        if (*value == NONE)
            *value = entry->value;
        else if (build->duplicate == SIZE_MAX)
            build->duplicate = i;
        wire += entry->name->len;
    }
    return true;
}

/* Makes the table for at most `nodes` names and fills it with the first seed that suits. */
static void fill_table(struct names *names, struct build *build, size_t nodes)
{
    uint64_t slots = 1U << SLOT_BITS_MIN;
    uint64_t tries = 0;

    while (slots < 2 * (uint64_t)nodes)
        slots *= 2;
    names->mask = slots - 1;
    do {
        CHECK(tries < SEEDS_MAX);
        free(names->slots);
        names->slots = calloc((size_t)slots, sizeof(*names->slots));
        CHECK(names->slots != NULL);
        names->seed = ~(MULTIPLIER * tries++);
    } while (!fill(names, build));
}

/* Copies the names' octets behind the root's; gives the sum of their labels. */
static size_t copy_wires(struct names *names, const struct build *build)
{
    size_t octets = 1 + NAME_MAX_OCTETS;
    size_t labels = 0;
    size_t at = 1;

    for (size_t i = 0; i < build->count; i++) {
        CHECK(build->entries[i].value <= NAMES_VALUE_MAX);
        octets += build->entries[i].name->len;
        labels += build->entries[i].name->labels;
    }
    CHECK(octets <= UINT32_MAX);
    names->wires = calloc(1, octets);
    CHECK(names->wires != NULL);
    names->wires_octets = octets;
    for (size_t i = 0; i < build->count; i++) {
        memcpy(names->wires + at, build->entries[i].name->wire, build->entries[i].name->len);
        at += build->entries[i].name->len;
    }
    return labels;
}

struct names *names_new_with_tags(const struct names_entry *entries, size_t count,
                                  size_t *duplicate, unsigned tag_bits)
{
    struct names *names = calloc(1, sizeof(*names));
    struct build build = {entries, count, SIZE_MAX, 0};
    size_t labels;

    CHECK(names != NULL && tag_bits >= 1 && tag_bits <= TAG_BITS);
    names->tag_mask = UINT32_MAX >> (TAG_BITS - tag_bits);
    labels = copy_wires(names, &build);
    /* Ancestors are shared, but how many there are is only known afterwards: filled twice. */
    fill_table(names, &build, labels);
    fill_table(names, &build, build.nodes);
    if (duplicate != NULL)
        *duplicate = build.duplicate;
    return names;
}

struct names *names_new(const struct names_entry *entries, size_t count, size_t *duplicate)
{
    return names_new_with_tags(entries, count, duplicate, TAG_BITS);
}

void names_free(struct names *names)
{
    if (names != NULL) {
        free(names->slots);
        free(names->wires);
        free(names);
    }
}

size_t names_memory(const struct names *names)
{
    return sizeof(*names) + (size_t)(names->mask + 1) * sizeof(*names->slots) + names->wires_octets;
}

/* ---- Finding ------------------------------------------------------------------------------------- */

/* From the root downwards as long as the table knows the way; the last to win is the longest. With
 * `sure` each step is compared, otherwise its tag is believed. */
static inline struct candidate walk(const struct names *names, const struct name *name, bool sure)
{
    struct candidate best = {NULL, 0};
    uint64_t hash = names->seed;
    size_t i = name->labels;

    if (i == 0)
        return names->root.exact != NONE ? (struct candidate){&names->root, 0} : best;
    if (names->root.below != NONE)
        best = (struct candidate){&names->root, i};
    while (i-- > 0) {
        const struct slot *slot;

        hash = mix_label(hash, name->wire + name->offset[i]);
        slot = slot_probe(names, hash);
        if (slot->wire == 0 || (sure && !slot_holds(names, slot, name, i)))
            break;
        if ((i > 0 ? slot->below : slot->exact) != NONE)
            best = (struct candidate){slot, i};
    }
    return best;
}

/* Where a tag fitted by chance: hardly ever, and kept out of the way of all others. */
RARE static struct candidate walk_surely(const struct names *names, const struct name *name)
{
    return walk(names, name, true);
}

bool names_find(const struct names *names, const struct name *name, struct names_match *out)
{
    struct candidate best = walk(names, name, false);

    /* If the winner's octets fit, all steps to it were right, since its ancestors are in the table; and
     * nothing beyond it won. Otherwise a tag fitted by chance. */
    if (best.slot != NULL && !slot_holds(names, best.slot, name, best.label))
        best = walk_surely(names, name);
    if (best.slot == NULL)
        return false;
    out->below = best.label > 0;
    out->value = out->below ? best.slot->below : best.slot->exact;
    out->rule_labels = (uint8_t)(name->labels - best.label);
    return true;
}
