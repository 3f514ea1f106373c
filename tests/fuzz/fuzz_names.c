/* Bytes build a small rule set and questions; the index finds what a plain list of the entries finds.
 * The first byte chooses how many bits of a tag count, so that tags also fit by chance. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/bytes.h"
#include "local53/base/check.h"
#include "local53/rules/names.h"

#define ENTRIES_MAX 12
#define LABELS_MAX 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name of a few labels: a byte says how many, then one each, its letter and its length. */
static void take_name(struct name *out, struct reader *r)
{
    uint8_t wire[NAME_MAX_OCTETS];
    size_t labels = reader_u8(r) % (LABELS_MAX + 1);
    size_t len = 0;

    for (size_t i = 0; i < labels; i++) {
        uint8_t seed = reader_u8(r);
        uint8_t octets = (uint8_t)(1 + seed / 4 % 48);

        wire[len++] = octets;
        for (uint8_t j = 0; j < octets; j++)
            wire[len++] = (uint8_t)('a' + seed % 4);
    }
    wire[len++] = 0;
    CHECK(name_from_wire(out, wire, len) == ERR_OK);
}

static bool model_fits(const struct names_entry *entry, const struct name *name)
{
    if (!entry->below)
        return name_equal(name, entry->name);
    return name->labels > entry->name->labels && name_is_at_or_below(name, entry->name);
}

/* What names.h promises, by looking at every entry. */
static bool model_find(const struct names_entry *entries, size_t count, const struct name *name,
                       struct names_match *out)
{
    int best = -1;

    for (size_t i = 0; i < count; i++) {
        int rank = entries[i].below ? entries[i].name->labels : NAME_MAX_LABELS + 1;

        if (rank > best && model_fits(&entries[i], name)) {
            best = rank;
            *out =
                (struct names_match){entries[i].value, entries[i].name->labels, entries[i].below};
        }
    }
    return best >= 0;
}

static size_t take_entries(struct names_entry *entries, struct name *storage, struct reader *r)
{
    size_t count = reader_u8(r) % (ENTRIES_MAX + 1);

    for (size_t i = 0; i < count; i++) {
        entries[i].below = (reader_u8(r) & 1) != 0;
        entries[i].value = (uint32_t)i;
        entries[i].name = &storage[i];
        take_name(&storage[i], r);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_init(data, size);
    struct names_entry entries[ENTRIES_MAX] = {0};
    struct name storage[ENTRIES_MAX];
    unsigned tag_bits = (reader_u8(&r) & 1) != 0 ? 32 : 10;
    size_t count = take_entries(entries, storage, &r);
    struct names *names = names_new_with_tags(entries, count, NULL, tag_bits);

    while (reader_left(&r) > 0) {
        struct names_match expected = {0};
        struct names_match found = {0};
        struct name name;

        take_name(&name, &r);
        CHECK(names_find(names, &name, &found) == model_find(entries, count, &name, &expected));
        CHECK(found.value == expected.value && found.rule_labels == expected.rule_labels &&
              found.below == expected.below);
    }
    names_free(names);
    return 0;
}
