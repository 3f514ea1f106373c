/* drive_flat: looks for names among many, for a gate to count what one lookup costs: in the rules' index
 * ("rules") or in the cache ("cache"). Usage: drive_flat rules|cache NAMES. All that is counted happens in
 * look_in_rules or look_in_cache; LOOKUPS names that are there are asked, spread over all of them. Prints
 * "lookups N"; a name that is not found, or another's value, ends it with a CHECK. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/cache/cache.h"
#include "local53/dns/text.h"
#include "local53/rules/names.h"
#include "wire.h"

#define LOOKUPS 4096
#define NOW_MS 1000000
#define BUDGET ((size_t)256 << 20)

/* Names of one length, so that only their number differs. */
static struct name name_number(size_t number)
{
    struct name name;
    char text[64];
    snprintf(text, sizeof(text), "n%07zu.eu-west-1.amazonaws.com", number);
    CHECK(text_read_name(&name, text) == ERR_OK);
    return name;
}

/* Which of count names is asked i-th. */
static size_t asked_number(size_t i, size_t count)
{
    return i * 7919 % count;
}

static struct name *make_asked(size_t count)
{
    struct name *asked = calloc(LOOKUPS, sizeof(*asked));
    CHECK(asked != NULL);
    for (size_t i = 0; i < LOOKUPS; i++)
        asked[i] = name_number(asked_number(i, count));
    return asked;
}

/* --- rules --- */

void look_in_rules(const struct names *names, const struct name *asked, size_t count);

__attribute__((noinline)) void look_in_rules(const struct names *names, const struct name *asked,
                                             size_t count)
{
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct names_match match;
        CHECK(names_find(names, &asked[i], &match) && match.value == asked_number(i, count));
    }
}

static void drive_rules(size_t count)
{
    struct name *storage = calloc(count, sizeof(*storage));
    struct names_entry *entries = calloc(count, sizeof(*entries));
    struct name *asked = make_asked(count);
    CHECK(storage != NULL && entries != NULL);
    for (size_t i = 0; i < count; i++) {
        storage[i] = name_number(i);
        entries[i] = (struct names_entry){&storage[i], false, (uint32_t)i};
    }
    struct names *names = names_new(entries, count, NULL);
    look_in_rules(names, asked, count);
    names_free(names);
    free(asked);
    free(entries);
    free(storage);
}

/* --- cache --- */

static void store(struct cache *cache, const struct name *name)
{
    static _Alignas(8) uint8_t room[ENTRY_SCRATCH];
    struct entry *entry = (struct entry *)(void *)room;
    uint8_t message[512];
    char text[TEXT_NAME_MAX];
    struct writer w = writer_init(message, sizeof(message));
    wire_header(&w, FLAG_QR | FLAG_RD | FLAG_RA, (const uint16_t[4]){1, 1, 0, 0});
    wire_question(&w, text_write_name(name, text), TYPE_A);
    wire_pointer(&w, MESSAGE_HEADER_OCTETS);
    wire_record(&w, TYPE_A, 300, WIRE_BYTES("\12\0\0\1"));
    const struct entry_source source = {.message = message,
                                        .len = w.len,
                                        .qname = name,
                                        .qtype = TYPE_A,
                                        .qclass = CLASS_IN,
                                        .max_ttl_s = 86400,
                                        .now_ms = NOW_MS};
    CHECK(entry_build(entry, sizeof(room), &source) == ERR_OK && cache_insert(cache, entry));
}

void look_in_cache(struct cache *cache, struct cache_reader *reader, const struct name *asked);

__attribute__((noinline)) void look_in_cache(struct cache *cache, struct cache_reader *reader,
                                             const struct name *asked)
{
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct cache_key key = {.name = &asked[i], .type = TYPE_A, .class = CLASS_IN};
        cache_enter(reader);
        cache_key_hash(&key, cache_secret(cache));
        const struct cache_place *place = cache_prefetch(reader, &key);
        CHECK(cache_find(reader, &key, cache_likely(reader, &key, place), NOW_MS) != NULL);
        cache_leave(reader);
    }
}

static void drive_cache(size_t count)
{
    const struct hash_key secret = {0x0123456789abcdefULL, 0xfedcba9876543210ULL};
    struct cache *cache = cache_new(BUDGET, &secret);
    struct name *asked = make_asked(count);
    for (size_t i = 0; i < count; i++) {
        struct name name = name_number(i);
        store(cache, &name);
    }
    struct cache_reader *reader = cache_reader_new(cache);
    look_in_cache(cache, reader, asked);
    cache_reader_free(reader);
    free(asked);
    cache_free(cache);
}

int main(int argc, char **argv)
{
    size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (count > 0 && strcmp(argv[1], "rules") == 0)
        drive_rules(count);
    else if (count > 0 && strcmp(argv[1], "cache") == 0)
        drive_cache(count);
    else
        return 2;
    printf("lookups %d\n", LOOKUPS);
    return 0;
}
