/* bench_names: looking up names among 10 to 100k rules: a bucket below a wildcard (hit), a name whose
 * TLD has no rule (miss at the first label), and an AWS name without a rule (miss after three labels).
 * The names asked change with each lookup and are more than a core's first cache holds. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/base/hash.h"
#include "local53/rules/names.h"

/* Names asked in turn; a power of two. */
#define ASKED 1024

struct input {
    struct names *names;      /* the index */
    struct name asked[ASKED]; /* what is looked up, in turn */
};

static struct name name_of(const char *dotted)
{
    uint8_t wire[NAME_MAX_OCTETS];
    size_t len = 0;
    struct name name;

    while (*dotted != '\0') {
        size_t label = strcspn(dotted, ".");

        wire[len++] = (uint8_t)label;
        memcpy(wire + len, dotted, label);
        len += label;
        dotted += label + (dotted[label] == '.' ? 1 : 0);
    }
    wire[len++] = 0;
    CHECK(name_from_wire(&name, wire, len) == ERR_OK);
    return name;
}

/* Half of the rules are services of made-up regions, half wildcards for buckets. */
static struct names *make_names(size_t count)
{
    struct name *storage = calloc(count, sizeof(*storage));
    struct names_entry *entries = calloc(count, sizeof(*entries));
    struct names *names;

    CHECK(storage != NULL && entries != NULL);
    for (size_t i = 0; i < count; i++) {
        char text[128];

        snprintf(text, sizeof(text), "%s%zu.eu-west-%zu.amazonaws.com", i % 2 == 0 ? "s" : "svc",
                 i / 20, i % 20);
        storage[i] = name_of(text);
        entries[i] = (struct names_entry){&storage[i], i % 2 == 0, (uint32_t)i};
    }
    names = names_new(entries, count, NULL);
    free(entries);
    free(storage);
    return names;
}

static uint64_t find(void *arg, uint64_t count)
{
    const struct input *input = arg;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        struct names_match match = {0};

        sum += names_find(input->names, &input->asked[i % ASKED], &match) ? match.value : 1;
    }
    return sum;
}

/* The whole name hashed with the keyed hash of the cache: what one lookup there costs at least. */
static uint64_t sip(void *arg, uint64_t count)
{
    const struct input *input = arg;
    const struct hash_key key = {1, 2};
    uint64_t sum = 0;

    for (uint64_t i = 0; i < count; i++) {
        const struct name *name = &input->asked[i % ASKED];

        sum += hash_bytes(&key, 0, name->wire, name->len);
    }
    return sum;
}

static void ask(struct input *input, const char *format, size_t rules)
{
    for (size_t i = 0; i < ASKED; i++) {
        char text[160];
        size_t rule = i * 2654435761U % rules / 2 * 2;

        snprintf(text, sizeof(text), format, i, rule / 20, rule % 20);
        input->asked[i] = name_of(text);
    }
}

static void run(struct input *input, size_t rules)
{
    static const struct {
        const char *name;
        const char *format;
    } cases[] = {
        {"hit", "bucket-%zu.s%zu.eu-west-%zu.amazonaws.com"},
        {"miss at TLD", "host-%zu.team-%zu.svc-%zu.cluster.local"},
        {"deep miss", "bucket-%zu.q%zu.ap-south-%zu.amazonaws.com"},
    };

    input->names = make_names(rules);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench_result baseline;
        char name[64];

        ask(input, cases[i].format, rules);
        snprintf(name, sizeof(name), "hash_bytes, the name of %s", cases[i].name);
        baseline = bench_run(name, sip, input);
        snprintf(name, sizeof(name), "names_find, %zu rules, %s", rules, cases[i].name);
        bench_run_against(name, find, input, baseline);
    }
    printf("names_memory, %zu rules: %zu octets\n", rules, names_memory(input->names));
    names_free(input->names);
}

int main(void)
{
    static const size_t rules[] = {10, 1000, 10000, 100000};
    struct input *input = calloc(1, sizeof(*input));

    CHECK(input != NULL);
    bench_title("names: one lookup");
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        run(input, rules[i]);
    free(input);
    return 0;
}
