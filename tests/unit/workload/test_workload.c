/* workload: which questions come for which options, and that the same seed gives the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <math.h>

#include "local53/dns/message.h"
#include "workload/lookup.h"
#include "workload/workload.h"

static const struct workload_options DEFAULTS = {
    .zipf = -1, .seed = 53, .form = {.edns_size = 1232, .recursion_desired = true}};

static struct workload *make(const struct workload_options *options)
{
    struct text_fault fault;
    struct workload *workload = workload_new(options, &fault);

    assert_non_null(workload);
    assert_string_equal(fault.reason, "");
    return workload;
}

static struct workload *make_profile(const char *profile)
{
    struct workload_options options = DEFAULTS;

    options.profile = profile;
    return make(&options);
}

static void assert_refused(const struct workload_options *options, unsigned line,
                           const char *reason)
{
    struct text_fault fault;

    assert_null(workload_new(options, &fault));
    assert_string_equal(fault.reason, reason);
    assert_int_equal(fault.line, line);
}

/* A query file of n0.test to n<count-1>.test; the caller unlinks and frees it. */
static char *query_file(unsigned count, const char *last_line)
{
    char *path = strdup("/tmp/test_workload.XXXXXX");
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");

    assert_non_null(file);
    for (unsigned i = 0; i < count; i++)
        fprintf(file, "n%u.test A\n", i);
    fputs(last_line, file);
    fclose(file);
    return path;
}

static struct workload *make_file(unsigned count, double zipf)
{
    struct workload_options options = DEFAULTS;
    char *path = query_file(count, "");
    struct workload *workload;

    options.queries = path;
    options.zipf = zipf;
    workload = make(&options);
    unlink(path);
    free(path);
    return workload;
}

static void without_options_it_is_the_cluster(void **state)
{
    struct workload *workload = make(&DEFAULTS);
    const struct workload_kind *kinds;

    (void)state;
    assert_true(workload_has_lookups(workload));
    assert_int_equal(workload_kinds(workload, &kinds), 6);
    assert_int_equal(workload_namespaces(workload), 12);
    assert_true(fabs(workload_queries_per_lookup(workload) - 5.84) < 1e-9);
    assert_string_equal(workload_describe(workload),
                        "k8s-aws: A+AAAA lookups, ndots:5, 12 namespaces of 200 services, "
                        "eu-central-1, zipf 1");
    workload_free(workload);
}

static void a_file_is_asked_in_order_each_thread_taking_its_lines(void **state)
{
    struct workload *workload = make_file(10, -1);
    struct generator generators[3];

    (void)state;
    assert_false(workload_has_lookups(workload));
    assert_true(workload_queries_per_lookup(workload) == 1);
    assert_int_equal(workload_namespaces(workload), 1);
    for (uint32_t i = 0; i < 3; i++)
        generator_init(&generators[i], workload, i, 3);
    for (uint32_t turn = 0; turn < 100; turn++) {
        struct question_ref ref = generator_next(&generators[turn % 3]);
        assert_int_equal(ref.item, turn % 10);
        assert_int_equal(ref.type, TYPE_A);
        assert_int_equal(ref.serial, 0);
    }
    workload_free(workload);
}

static void a_file_with_zipf_is_drawn_by_its_lines(void **state)
{
    struct workload *workload = make_file(100, 1.0);
    struct generator generator;
    uint32_t counts[100] = {0};

    (void)state;
    generator_init(&generator, workload, 0, 1);
    for (uint32_t i = 0; i < 100000; i++)
        counts[generator_next(&generator).item]++;
    assert_in_range(counts[0], 18500, 20000);
    assert_in_range(counts[1], 9000, 10200);
    assert_in_range(counts[99], 120, 270);
    assert_non_null(strstr(workload_describe(workload), "100 queries, drawn by zipf 1 of their"));
    workload_free(workload);
}

static void hit_and_nx_have_the_names_that_were_wanted(void **state)
{
    struct workload_options options = DEFAULTS;
    struct workload *hit = make_profile("hit");
    struct workload *nx;
    char text[1100];

    (void)state;
    assert_int_equal(queryset_count(workload_set(hit)), 10000);
    queryset_write(workload_set(hit), queryset_ref(workload_set(hit), 9999), text);
    assert_string_equal(text, "n9999.hit.dnsbench.example A");
    assert_string_equal(workload_describe(hit),
                        "hit: 10000 names under hit.dnsbench.example, zipf 1");
    options.profile = "nx:zone=example.org";
    options.names = 7;
    options.zipf = 0.5;
    nx = make(&options);
    assert_int_equal(queryset_count(workload_set(nx)), 7);
    queryset_write(workload_set(nx), queryset_ref(workload_set(nx), 0), text);
    assert_string_equal(text, "n0.example.org A");
    assert_string_equal(workload_describe(nx), "nx: 7 names under example.org, zipf 0.5");
    workload_free(hit);
    workload_free(nx);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void never_seen_names_are_never_the_same_in_any_thread(void **state)
{
    enum { DRAWS = 3000 };
    static uint64_t seen[DRAWS];
    struct workload *workload = make_profile("miss");
    struct generator generators[3];

    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        generator_init(&generators[i], workload, i, 3);
    for (uint32_t i = 0; i < DRAWS; i++) {
        struct question_ref ref = generator_next(&generators[i % 3]);
        assert_int_not_equal(ref.serial, 0);
        seen[i] = (uint64_t)ref.item << 32 | ref.serial;
    }
    qsort(seen, DRAWS, sizeof(seen[0]), compare_u64);
    for (size_t i = 1; i < DRAWS; i++)
        assert_true(seen[i - 1] != seen[i]);
    workload_free(workload);
}

/* Draws count names with each of two threads; gives how many draws that were at most. */
static uint64_t draw_with_two(const struct workload *workload, struct question_ref *out,
                              size_t count)
{
    for (uint32_t thread = 0; thread < 2; thread++) {
        struct generator generator;

        generator_init(&generator, workload, thread, 2);
        for (size_t i = 0; i < count; i++)
            *out++ = generator_next(&generator);
    }
    return 2 * count;
}

static void never_seen_names_of_one_run_are_not_those_of_the_next(void **state)
{
    struct workload *workload = make_profile("miss");
    struct question_ref first[200], second[200];
    uint64_t hash = workload_hash(workload, 2);

    (void)state;
    workload_advance(workload, draw_with_two(workload, first, 100));
    draw_with_two(workload, second, 100);
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < 200; k++)
            assert_false(first[i].item == second[k].item && first[i].serial == second[k].serial);
    }
    assert_int_equal(workload_hash(workload, 2), hash);
    workload_free(workload);
}

static void a_random_label_stands_under_its_zone(void **state)
{
    struct workload_options options = DEFAULTS;
    struct workload *workload;
    struct generator generator;
    char text[1100];

    (void)state;
    options.random_label = "Example.org.";
    workload = make(&options);
    generator_init(&generator, workload, 0, 1);
    queryset_write(workload_set(workload), generator_next(&generator), text);
    assert_string_equal(text + 16, ".Example.org A");
    assert_string_equal(workload_describe(workload), "never-seen names under Example.org.");
    workload_free(workload);
}

static void the_number_of_names_is_that_of_services_in_a_cluster(void **state)
{
    struct workload_options options = DEFAULTS;
    struct workload *workload;

    (void)state;
    options.names = 100;
    options.zipf = 0;
    workload = make(&options);
    assert_string_equal(workload_describe(workload),
                        "k8s-aws: A+AAAA lookups, ndots:5, 12 namespaces of 9 services, "
                        "eu-central-1, zipf 0");
    workload_free(workload);
    options.profile = "k8s-aws:services=5";
    assert_refused(&options, 0, "--names and services= both say how many services there are");
}

static void a_lookup_is_one_of_the_pods_namespace(void **state)
{
    struct workload *workload = make(&DEFAULTS);
    struct generator generator;
    struct lookup lookup;
    char text[1100];

    (void)state;
    generator_init(&generator, workload, 0, 1);
    for (uint32_t i = 0; i < 100; i++) {
        generator_next_lookup(&generator, 11, &lookup);
        assert_int_equal(lookup.steps, 5);
        assert_int_equal(lookup.pending, 2);
        lookup.step = lookup.suffixes[0] == 0 ? 1 : 0;
        queryset_write(workload_set(workload), lookup_question(&lookup, 1), text);
        assert_non_null(strstr(text, ".ns-11.svc.cluster.local AAAA"));
    }
    workload_free(workload);
}

static uint64_t hash_of(const struct workload_options *options, uint32_t threads)
{
    struct workload *workload = make(options);
    uint64_t hash = workload_hash(workload, threads);

    workload_free(workload);
    return hash;
}

static void the_hash_tells_seed_profile_form_and_threads_apart(void **state)
{
    static const char *const profiles[] = {"k8s-aws", "hit", "nx", "miss"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct workload_options options = DEFAULTS;
        uint64_t hash;

        options.profile = profiles[i];
        hash = hash_of(&options, 2);
        assert_true(hash == hash_of(&options, 2));
        options.seed = 54;
        assert_true(hash != hash_of(&options, 2));
        options.seed = 53;
        options.form.dnssec_ok = true;
        assert_true(hash != hash_of(&options, 2));
        options.form.dnssec_ok = false;
        assert_true(i == 3 || hash != hash_of(&options, 1));
    }
}

/* Fixed numbers: another version, or another machine, that draws otherwise is found out. */
static void the_sequence_of_a_seed_never_changes(void **state)
{
    struct workload_options options = DEFAULTS;

    (void)state;
    assert_true(hash_of(&options, 1) == 0x36382ab9070dcce7ULL);
    options.profile = "hit";
    assert_true(hash_of(&options, 1) == 0xf34fc327288877c9ULL);
    options.profile = "miss";
    assert_true(hash_of(&options, 4) == 0x8676d9b3a72908adULL);
}

static void threads_draw_different_names(void **state)
{
    struct workload *workload = make_profile("hit");
    struct generator generators[2];
    unsigned same = 0;

    (void)state;
    generator_init(&generators[0], workload, 0, 2);
    generator_init(&generators[1], workload, 1, 2);
    for (int i = 0; i < 1000; i++)
        same += generator_next(&generators[0]).item == generator_next(&generators[1]).item;
    assert_in_range(same, 1, 100);
    workload_free(workload);
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    struct workload_options options = DEFAULTS;

    (void)state;
    options.profile = "hit";
    options.random_label = "a";
    assert_refused(&options, 0, "give one of --queries, --profile and --random-label");
    options.profile = NULL;
    options.zipf = 1;
    assert_refused(&options, 0,
                   "--names and --zipf do not go with never-seen names, asked once each");
    options.zipf = 5.5;
    assert_refused(&options, 0, "--zipf is a number from 0 to 5");
    options = DEFAULTS;
    options.random_label = "a..b";
    assert_refused(&options, 0, "'a..b' is no domain name under which a label of 16 octets fits");
    options = DEFAULTS;
    options.profile = "hit";
    options.names = QUERYSET_ITEMS_MAX + 1;
    assert_refused(&options, 0, "--names is at most 4000000");
    options.profile = "k8s-aws";
    assert_refused(&options, 0, "--names is at most 1000000 with profile k8s-aws");
    options = DEFAULTS;
    options.queries = "/nowhere";
    assert_refused(&options, 0, "No such file or directory");
    options.names = 5;
    assert_refused(&options, 0, "--names does not go with a query file, whose lines are the names");
    options = DEFAULTS;
    options.profile = "hits";
    assert_refused(&options, 0, "no profile 'hits'; did you mean 'hit'?");
}

static void a_wrong_line_of_a_file_is_told_by_its_number(void **state)
{
    struct workload_options options = DEFAULTS;
    char *path = query_file(4, "a..b A\n");

    (void)state;
    options.queries = path;
    assert_refused(&options, 5, "the name 'a..b' has an empty label (a dot too many)");
    unlink(path);
    free(path);
}

static void a_zone_too_long_for_its_names_is_refused(void **state)
{
    struct workload_options options = DEFAULTS;
    char profile[300] = "hit:zone=";

    (void)state;
    for (size_t i = 0; i < 50; i++)
        strcat(profile, "abcd.");
    options.profile = profile;
    assert_refused(&options, 0, "zone= is so long that names below it pass 255 octets");
    options.profile = NULL;
    options.random_label = profile + 10;
    assert_refused(&options, 0,
                   "'bcd.abcd.abcd.abcd.abcd.abcd.abcd.abcd.a...' is no domain name under which a "
                   "label of 16 octets fits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_it_is_the_cluster),
        cmocka_unit_test(a_file_is_asked_in_order_each_thread_taking_its_lines),
        cmocka_unit_test(a_file_with_zipf_is_drawn_by_its_lines),
        cmocka_unit_test(hit_and_nx_have_the_names_that_were_wanted),
        cmocka_unit_test(never_seen_names_are_never_the_same_in_any_thread),
        cmocka_unit_test(never_seen_names_of_one_run_are_not_those_of_the_next),
        cmocka_unit_test(a_random_label_stands_under_its_zone),
        cmocka_unit_test(the_number_of_names_is_that_of_services_in_a_cluster),
        cmocka_unit_test(a_lookup_is_one_of_the_pods_namespace),
        cmocka_unit_test(the_hash_tells_seed_profile_form_and_threads_apart),
        cmocka_unit_test(the_sequence_of_a_seed_never_changes),
        cmocka_unit_test(threads_draw_different_names),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_wrong_line_of_a_file_is_told_by_its_number),
        cmocka_unit_test(a_zone_too_long_for_its_names_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
