/* names: the index of exact and wildcard names. Immutable once built, shared by all threads. One flat
 * open-addressed table with one slot a name and markers for its ancestors, walked by label from the
 * right and stopping early: O(labels) whatever the number of names (34-53 ns from 1k to 100k). */
#ifndef LOCAL53_RULES_NAMES_H
#define LOCAL53_RULES_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/err.h"
#include "local53/dns/name.h"

struct names;

/* What to put in: value for the name itself, or (below) for every name below it, not itself. */
struct names_entry {
    const struct name *name; /* borrowed until names_new returns */
    bool below;              /* wildcard "*.name" */
    uint32_t value;          /* 0..NAMES_VALUE_MAX, the caller's own numbering */
};
#define NAMES_VALUE_MAX 0xfffffffeU

/* What was found. */
struct names_match {
    uint32_t value;      /* of the entry that won */
    uint8_t rule_labels; /* labels of the entry's name: the last that many of the name asked */
    bool below;          /* a wildcard won */
};

/* Builds the index; out of memory is fatal. Of entries with the same name and kind the first wins;
 * *duplicate (may be NULL) gets the index of the first entry that lost so, or SIZE_MAX. */
struct names *names_new(const struct names_entry *entries, size_t count, size_t *duplicate);

/* The same with hash tags of only tag_bits (1..32) bits. For tests: with the 32 of names_new no test
 * would ever see a tag that fits and a name that does not. */
struct names *names_new_with_tags(const struct names_entry *entries, size_t count,
                                  size_t *duplicate, unsigned tag_bits);

/* Accepts NULL. */
void names_free(struct names *names);

/* Finds the entry for a name: exact beats wildcard, the longest wildcard wins (RFC 4592's closest
 * encloser does not apply: a wildcard matches any depth, as in Route 53, also past names that exist
 * below it). HOT PATH. */
bool names_find(const struct names *names, const struct name *name, struct names_match *out);

/* Octets the index takes. */
size_t names_memory(const struct names *names);

#endif
