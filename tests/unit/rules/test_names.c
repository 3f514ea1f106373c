/* The index of names: wildcard and exact rules, and the same answers as a plain list of entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "local53/base/rng.h"
#include "local53/dns/text.h"
#include "local53/rules/names.h"

#define ENTRIES_MAX 64

/* A list of entries and the index made from it. */
struct fixture {
    struct name storage[ENTRIES_MAX];        /* what the entries point to */
    struct names_entry entries[ENTRIES_MAX]; /* in order of adding */
    size_t count;                            /* entries */
    struct names *names;                     /* the index */
};

static struct name name_of(const char *text)
{
    struct name name;

    assert_int_equal(text_read_name(&name, text), ERR_OK);
    return name;
}

/* Adds "x" or "*.x". */
static void add(struct fixture *f, const char *text, uint32_t value)
{
    bool below = text[0] == '*';

    f->storage[f->count] = name_of(below ? text + 2 : text);
    f->entries[f->count] = (struct names_entry){&f->storage[f->count], below, value};
    f->count++;
}

static void build(struct fixture *f)
{
    size_t duplicate;

    f->names = names_new(f->entries, f->count, &duplicate);
    assert_int_equal(duplicate, SIZE_MAX);
}

static bool find(const struct fixture *f, const char *text, struct names_match *match)
{
    struct name name = name_of(text);

    return names_find(f->names, &name, match);
}

#define assert_finds(f, text, expected)                                                            \
    do {                                                                                           \
        struct names_match found_;                                                                 \
        assert_true(find((f), (text), &found_));                                                   \
        assert_int_equal(found_.value, (expected));                                                \
    } while (0)

#define assert_finds_nothing(f, text)                                                              \
    do {                                                                                           \
        struct names_match found_;                                                                 \
        assert_false(find((f), (text), &found_));                                                  \
    } while (0)

static void exact_name_matches_itself_alone(void **state)
{
    struct fixture f = {.count = 0};

    (void)state;
    add(&f, "api.ecr.eu-west-1.amazonaws.com", 7);
    build(&f);
    assert_finds(&f, "api.ecr.eu-west-1.amazonaws.com", 7);
    assert_finds(&f, "API.ecr.EU-west-1.amazonaws.COM", 7);
    assert_finds_nothing(&f, "x.api.ecr.eu-west-1.amazonaws.com");
    assert_finds_nothing(&f, "ecr.eu-west-1.amazonaws.com");
    assert_finds_nothing(&f, "xapi.ecr.eu-west-1.amazonaws.com");
    assert_finds_nothing(&f, "com");
    assert_finds_nothing(&f, ".");
    names_free(f.names);
}

static void wildcard_matches_at_any_depth(void **state)
{
    struct fixture f = {.count = 0};
    struct names_match match;

    (void)state;
    add(&f, "*.s3.eu-west-1.amazonaws.com", 3);
    build(&f);
    assert_finds(&f, "bucket.s3.eu-west-1.amazonaws.com", 3);
    assert_finds(&f, "a.b.c.d.e.s3.eu-west-1.amazonaws.com", 3);
    assert_true(find(&f, "my.bucket.s3.eu-west-1.amazonaws.com", &match));
    assert_true(match.below);
    assert_int_equal(match.rule_labels, 4);
    names_free(f.names);
}

static void wildcard_never_matches_its_own_apex(void **state)
{
    struct fixture f = {.count = 0};

    (void)state;
    add(&f, "*.s3.eu-west-1.amazonaws.com", 3);
    build(&f);
    assert_finds_nothing(&f, "s3.eu-west-1.amazonaws.com");
    assert_finds_nothing(&f, "xs3.eu-west-1.amazonaws.com");
    names_free(f.names);
}

static void exact_beats_wildcard_and_the_longest_wildcard_wins(void **state)
{
    struct fixture f = {.count = 0};

    (void)state;
    add(&f, "*.example", 1);
    add(&f, "*.b.example", 2);
    add(&f, "a.b.example", 3);
    add(&f, "*.a.b.example", 4);
    build(&f);
    assert_finds(&f, "x.example", 1);
    assert_finds(&f, "b.example", 1);
    assert_finds(&f, "x.b.example", 2);
    assert_finds(&f, "a.b.example", 3);
    assert_finds(&f, "x.a.b.example", 4);
    names_free(f.names);
}

/* RFC 4592 section 3.3.1 would stop at the closest encloser; Route 53 and this index do not. */
static void wildcard_reaches_past_names_that_exist_below_it(void **state)
{
    struct fixture f = {.count = 0};

    (void)state;
    add(&f, "*.example", 1);
    add(&f, "deep.b.example", 2);
    build(&f);
    assert_finds(&f, "other.b.example", 1);
    assert_finds(&f, "x.deep.b.example", 1);
    assert_finds(&f, "b.example", 1);
    names_free(f.names);
}

static void name_and_wildcard_of_one_name_are_two_entries(void **state)
{
    struct fixture f = {.count = 0};
    struct names_match match;

    (void)state;
    add(&f, "s3.example", 1);
    add(&f, "*.s3.example", 2);
    build(&f);
    assert_true(find(&f, "s3.example", &match));
    assert_int_equal(match.value, 1);
    assert_false(match.below);
    assert_int_equal(match.rule_labels, 2);
    assert_finds(&f, "x.s3.example", 2);
    names_free(f.names);
}

static void root_can_be_an_entry_of_both_kinds(void **state)
{
    struct fixture f = {.count = 0};
    struct names_match match;

    (void)state;
    add(&f, "*..", 1);
    build(&f);
    assert_finds_nothing(&f, ".");
    assert_true(find(&f, "any.name", &match));
    assert_int_equal(match.rule_labels, 0);
    names_free(f.names);
    add(&f, ".", 2);
    build(&f);
    assert_finds(&f, ".", 2);
    assert_finds(&f, "com", 1);
    names_free(f.names);
}

static void first_of_two_same_entries_wins_and_the_second_is_told(void **state)
{
    struct fixture f = {.count = 0};
    size_t duplicate;

    (void)state;
    add(&f, "a.example", 1);
    add(&f, "*.a.example", 2);
    add(&f, "A.example", 3);
    add(&f, "*.a.example", 4);
    f.names = names_new(f.entries, f.count, &duplicate);
    assert_int_equal(duplicate, 2);
    assert_finds(&f, "a.example", 1);
    assert_finds(&f, "x.a.example", 2);
    names_free(f.names);
}

static void empty_index_finds_nothing(void **state)
{
    struct fixture f = {.count = 0};

    (void)state;
    build(&f);
    assert_finds_nothing(&f, ".");
    assert_finds_nothing(&f, "a.example");
    names_free(f.names);
    names_free(NULL);
}

static void labels_of_every_length_are_told_apart(void **state)
{
    char label[LABEL_MAX_OCTETS + 1];
    struct fixture f = {.count = 0};

    (void)state;
    for (size_t len = 1; len <= LABEL_MAX_OCTETS; len++) {
        snprintf(label, sizeof(label), "%0*d", (int)len, 0);
        add(&f, label, (uint32_t)len);
    }
    build(&f);
    for (size_t len = 1; len <= LABEL_MAX_OCTETS; len++) {
        snprintf(label, sizeof(label), "%0*d", (int)len, 0);
        assert_finds(&f, label, (uint32_t)len);
        label[len / 2] = 'x';
        assert_finds_nothing(&f, label);
    }
    names_free(f.names);
}

/* ---- Against a plain list ------------------------------------------------------------------------ */

/* What names.h promises, in its plainest form: the best of all entries. */
static bool model_find(const struct fixture *f, const struct name *name, struct names_match *out)
{
    int best = -1;

    for (size_t i = 0; i < f->count; i++) {
        const struct names_entry *entry = &f->entries[i];
        bool fits = entry->below ? name_is_at_or_below(name, entry->name) &&
                                       name->labels > entry->name->labels
                                 : name_equal(name, entry->name);
        int rank = entry->below ? entry->name->labels : 1000;

        if (fits && rank > best) {
            best = rank;
            *out = (struct names_match){entry->value, entry->name->labels, entry->below};
        }
    }
    return best >= 0;
}

/* A name of few and short labels from a small alphabet, so that names are often related. */
static struct name random_name(struct rng *rng, uint32_t labels_max)
{
    static const char *const words[] = {
        "a",  "b",  "com",      "eu-west-1", "dkr",           "amazonaws",
        "s3", "x1", "bucket-7", "bucket-8",  "a-longer-name", "ab"};
    uint32_t labels = rng_below(rng, labels_max + 1);
    char text[TEXT_NAME_MAX] = "";
    size_t at = 0;

    for (uint32_t i = 0; i < labels; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s.",
                               words[rng_below(rng, sizeof(words) / sizeof(words[0]))]);
    return name_of(labels == 0 ? "." : text);
}

static void compare_with_model(const struct fixture *f, const struct name *name)
{
    struct names_match expected = {0};
    struct names_match found = {0};
    bool fits = model_find(f, name, &expected);

    assert_int_equal(names_find(f->names, name, &found), fits);
    assert_int_equal(found.value, expected.value);
    assert_int_equal(found.rule_labels, expected.rule_labels);
    assert_int_equal(found.below, expected.below);
}

/* tag_bits small enough that tags fit by chance all the time. */
static void run_against_model(uint64_t seed, unsigned tag_bits, uint32_t entries)
{
    struct fixture f = {.count = 0};
    struct rng rng;

    rng_init_seeded(&rng, seed);
    for (uint32_t i = 0; i < entries; i++) {
        f.storage[i] = random_name(&rng, 4);
        f.entries[i] = (struct names_entry){&f.storage[i], rng_below(&rng, 2) == 1, i};
    }
    f.count = entries;
    f.names = names_new_with_tags(f.entries, f.count, NULL, tag_bits);
    for (size_t i = 0; i < f.count; i++)
        compare_with_model(&f, f.entries[i].name);
    for (int i = 0; i < 500; i++) {
        struct name name = random_name(&rng, 6);

        compare_with_model(&f, &name);
    }
    names_free(f.names);
}

static void finds_what_a_plain_list_finds(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++)
        run_against_model(seed, 32, ENTRIES_MAX);
}

static void tag_that_fits_by_chance_never_gives_a_wrong_rule(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        run_against_model(seed, 6, 8);
        run_against_model(seed, 3, 2);
    }
}

static void memory_is_told_and_grows_with_the_names(void **state)
{
    struct fixture f = {.count = 0};
    size_t empty;

    (void)state;
    build(&f);
    empty = names_memory(f.names);
    names_free(f.names);
    for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
        char text[16];

        snprintf(text, sizeof(text), "n%u.example", i);
        add(&f, text, i);
    }
    build(&f);
    /* 65 names at 16 octets in 256 slots, and 65 times "n12.example" in wire. */
    assert_in_range(names_memory(f.names) - empty, 2000, 5000);
    names_free(f.names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_name_matches_itself_alone),
        cmocka_unit_test(wildcard_matches_at_any_depth),
        cmocka_unit_test(wildcard_never_matches_its_own_apex),
        cmocka_unit_test(exact_beats_wildcard_and_the_longest_wildcard_wins),
        cmocka_unit_test(wildcard_reaches_past_names_that_exist_below_it),
        cmocka_unit_test(name_and_wildcard_of_one_name_are_two_entries),
        cmocka_unit_test(root_can_be_an_entry_of_both_kinds),
        cmocka_unit_test(first_of_two_same_entries_wins_and_the_second_is_told),
        cmocka_unit_test(empty_index_finds_nothing),
        cmocka_unit_test(labels_of_every_length_are_told_apart),
        cmocka_unit_test(finds_what_a_plain_list_finds),
        cmocka_unit_test(tag_that_fits_by_chance_never_gives_a_wrong_rule),
        cmocka_unit_test(memory_is_told_and_grows_with_the_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
