/* cluster: which names profile k8s-aws looks up, how often, where, and what that costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "local53/dns/message.h"
#include "workload/cluster_private.h"

#define DRAWS 100000
#define KINDS 6

struct fixture {
    struct queryset *set;
    struct cluster *cluster;
    struct rng rng;
};

static void set_up(struct fixture *fixture, const char *text)
{
    struct profile profile;
    struct text_fault fault;

    assert_true(profile_parse(&profile, text, &fault));
    if (profile.services == 0)
        profile.services = 200;
    fixture->set = queryset_new(&(struct query_form){0});
    fixture->cluster = cluster_new(fixture->set, &profile, 1.0, &fault);
    assert_non_null(fixture->cluster);
    rng_init_seeded(&fixture->rng, 53);
}

static void tear_down(struct fixture *fixture)
{
    cluster_free(fixture->cluster);
    queryset_free(fixture->set);
}

/* Draws until a lookup of this kind comes; gives its first question as text without the type. */
static const char *draw_kind(struct fixture *fixture, unsigned kind, uint32_t namespace_index,
                             struct lookup *lookup)
{
    static char text[1100];

    do {
        cluster_draw(fixture->cluster, &fixture->rng, namespace_index, 5, lookup);
    } while (lookup->kind != kind);
    queryset_write(fixture->set, lookup_question(lookup, 0), text);
    *strchr(text, ' ') = '\0';
    return text;
}

static unsigned dots(const char *text)
{
    unsigned count = 0;

    for (; *text != '\0'; text++)
        count += *text == '.';
    return count;
}

/* The name alone, as a program would ask for it. */
static const char *bare(const struct fixture *fixture, const struct lookup *lookup)
{
    static char text[1100];

    queryset_write(fixture->set, lookup->name, text);
    *strchr(text, ' ') = '\0';
    return text;
}

static void kinds_come_by_their_share(void **state)
{
    const struct workload_kind *kinds;
    uint32_t counts[KINDS] = {0};
    struct fixture fixture;
    double sum = 0;

    (void)state;
    set_up(&fixture, "k8s-aws");
    assert_int_equal(cluster_kinds(&kinds), KINDS);
    for (uint32_t i = 0; i < DRAWS; i++) {
        struct lookup lookup;
        cluster_draw(fixture.cluster, &fixture.rng, i % 12, i, &lookup);
        assert_in_range(lookup.kind, 0, KINDS - 1);
        counts[lookup.kind]++;
    }
    for (size_t i = 0; i < KINDS; i++) {
        double expected = kinds[i].share * DRAWS;
        sum += kinds[i].share;
        assert_true(fabs(counts[i] - expected) < 5 * sqrt(expected));
    }
    assert_true(fabs(sum - 1) < 1e-9);
    assert_string_equal(kinds[0].name, "svc");
    assert_string_equal(kinds[1].name, "svc.ns");
    assert_string_equal(kinds[2].name, "fqdn");
    assert_string_equal(kinds[3].name, "aws");
    assert_string_equal(kinds[4].name, "dots5");
    assert_string_equal(kinds[5].name, "new");
    tear_down(&fixture);
}

static void the_search_list_is_that_of_the_pods_namespace(void **state)
{
    static const char *const expected[] = {"svc-0.ns-7.svc.cluster.local A",
                                           "svc-0.svc.cluster.local A", "svc-0.cluster.local A",
                                           "svc-0.eu-central-1.compute.internal A", "svc-0 A"};
    struct fixture fixture;
    struct lookup lookup;
    char text[1100];

    (void)state;
    set_up(&fixture, "k8s-aws");
    do {
        draw_kind(&fixture, 0, 7, &lookup);
    } while (strcmp(bare(&fixture, &lookup), "svc-0") != 0);
    assert_int_equal(lookup.steps, 5);
    for (lookup.step = 0; lookup.step < lookup.steps; lookup.step++)
        assert_string_equal(queryset_write(fixture.set, lookup_question(&lookup, 0), text),
                            expected[lookup.step]);
    tear_down(&fixture);
}

static void each_kind_has_the_names_it_says(void **state)
{
    struct fixture fixture;
    struct lookup lookup;
    unsigned service;
    unsigned owner;
    unsigned seen = 0;
    char rest[64];

    (void)state;
    set_up(&fixture, "k8s-aws:namespaces=3,services=4");
    for (int i = 0; i < 200; i++) {
        draw_kind(&fixture, 0, 1, &lookup);
        assert_int_equal(sscanf(bare(&fixture, &lookup), "svc-%u%63s", &service, rest), 1);
        assert_in_range(service, 0, 3);
        draw_kind(&fixture, 1, 1, &lookup);
        assert_int_equal(
            sscanf(bare(&fixture, &lookup), "svc-%u.ns-%u%63s", &service, &owner, rest), 2);
        assert_in_range(service, 0, 3);
        assert_in_range(owner, 0, 2);
        seen |= 1U << (service * 3 + owner);
        draw_kind(&fixture, 2, 1, &lookup);
        assert_int_equal(
            sscanf(bare(&fixture, &lookup), "svc-%u.ns-%u%63s", &service, &owner, rest), 3);
        assert_string_equal(rest, ".svc.cluster.local");
    }
    assert_int_equal(seen, (1U << 12) - 1);
    tear_down(&fixture);
}

static void names_of_aws_have_their_region_and_the_dots_of_their_kind(void **state)
{
    struct fixture fixture;
    struct lookup lookup;

    (void)state;
    set_up(&fixture, "k8s-aws:region=eu-west-1");
    for (int i = 0; i < 500; i++) {
        const char *name;

        draw_kind(&fixture, 3, 0, &lookup);
        name = bare(&fixture, &lookup);
        assert_non_null(strstr(name, ".eu-west-1.amazonaws.com"));
        assert_in_range(dots(name), 3, 4);
        assert_int_equal(lookup.suffixes[4], 0);
        draw_kind(&fixture, 4, 0, &lookup);
        name = bare(&fixture, &lookup);
        assert_non_null(strstr(name, ".eu-west-1."));
        assert_int_equal(dots(name), 5);
        assert_int_equal(lookup.suffixes[0], 0);
    }
    tear_down(&fixture);
}

static void regions_have_their_own_domains(void **state)
{
    struct fixture fixture;
    struct lookup lookup;
    char text[1100];

    (void)state;
    set_up(&fixture, "k8s-aws:region=cn-north-1");
    draw_kind(&fixture, 3, 0, &lookup);
    assert_non_null(strstr(bare(&fixture, &lookup), ".cn-north-1.amazonaws.com.cn"));
    tear_down(&fixture);
    set_up(&fixture, "k8s-aws:region=us-east-1");
    draw_kind(&fixture, 0, 0, &lookup);
    lookup.step = 3;
    assert_non_null(
        strstr(queryset_write(fixture.set, lookup_question(&lookup, 0), text), ".ec2.internal A"));
    tear_down(&fixture);
}

static void new_names_have_a_label_of_their_own(void **state)
{
    struct fixture fixture;
    struct lookup lookup;
    char first[1100];

    (void)state;
    set_up(&fixture, "k8s-aws");
    draw_kind(&fixture, 5, 0, &lookup);
    strcpy(first, bare(&fixture, &lookup));
    assert_string_equal(first + 16, ".example.com");
    assert_int_equal(lookup.name.serial, 6);
    do {
        cluster_draw(fixture.cluster, &fixture.rng, 0, 6, &lookup);
    } while (lookup.kind != 5);
    assert_string_not_equal(bare(&fixture, &lookup), first);
    tear_down(&fixture);
}

static void never_seen_names_go_on_past_the_last_serial(void **state)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct question_ref before;
    struct question_ref after;
    uint32_t first;

    (void)state;
    assert_int_equal(fresh_add(set, "example.com", &first), ERR_OK);
    before = fresh_ref(set, first, (uint64_t)UINT32_MAX - 1);
    after = fresh_ref(set, first, UINT32_MAX);
    assert_int_equal(before.item, first);
    assert_int_equal(before.serial, UINT32_MAX);
    assert_int_equal(after.item, first + 1);
    assert_int_equal(after.serial, 1);
    assert_int_equal(after.type, TYPE_A);
    assert_int_equal(fresh_ref(set, first, WORKLOAD_FRESH_MAX - 1).item, first + FRESH_ITEMS - 1);
    queryset_free(set);
}

static void a_lookup_costs_what_its_mix_says(void **state)
{
    /* svc 2, svc.ns 4, fqdn, aws and new 10, dots5 2. */
    static const struct {
        const char *profile;
        double expected;
    } cases[] = {
        {"k8s-aws", .15 * 2 + .40 * 4 + .10 * 10 + .25 * 10 + .07 * 2 + .03 * 10},
        {"k8s-aws:ndots=3", .15 * 2 + .40 * 4 + .10 * 2 + .25 * 2 + .07 * 2 + .03 * 10},
        {"k8s-aws:ndots=15", .15 * 2 + .40 * 4 + .10 * 10 + .25 * 10 + .07 * 10 + .03 * 10},
        {"k8s-aws:ndots=0", .15 * 4 + .40 * 6 + .10 * 2 + .25 * 2 + .07 * 2 + .03 * 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture fixture;

        set_up(&fixture, cases[i].profile);
        assert_true(fabs(cluster_queries_per_lookup(fixture.cluster) - cases[i].expected) < 1e-9);
        tear_down(&fixture);
    }
}

/* Some names of AWS have four dots and some three, so with ndots:4 their mean lies between two and
 * ten. */
static void the_mean_cost_is_what_drawn_lookups_cost(void **state)
{
    struct fixture fixture;
    double sum = 0;

    (void)state;
    set_up(&fixture, "k8s-aws:ndots=4");
    for (uint32_t i = 0; i < DRAWS; i++) {
        static const unsigned relative[KINDS] = {2, 4, 10, 10, 10, 10};
        struct lookup lookup;

        cluster_draw(fixture.cluster, &fixture.rng, 3, i, &lookup);
        sum += lookup.suffixes[0] == 0 ? 2 : relative[lookup.kind];
    }
    assert_true(fabs(sum / DRAWS - cluster_queries_per_lookup(fixture.cluster)) < 0.05);
    tear_down(&fixture);
}

static void assert_refused(const char *text, const char *reason)
{
    struct queryset *set = queryset_new(&(struct query_form){0});
    struct profile profile;
    struct text_fault fault;

    assert_true(profile_parse(&profile, text, &fault));
    assert_null(cluster_new(set, &profile, 1.0, &fault));
    assert_string_equal(fault.reason, reason);
    queryset_free(set);
}

static void a_cluster_that_cannot_be_is_refused(void **state)
{
    char text[300] = "k8s-aws:services=10,domain=";

    (void)state;
    assert_refused("k8s-aws:services=10000,namespaces=101",
                   "more than 1000000 services in all namespaces together");
    /* 131 octets: each name fits alone and with the region's suffix, but not with its own
     * namespace's. */
    for (size_t i = 0; i < 22; i++)
        strcat(text, "abcde.");
    assert_refused(text, "domain= is so long that names with it pass 255 octets");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_come_by_their_share),
        cmocka_unit_test(the_search_list_is_that_of_the_pods_namespace),
        cmocka_unit_test(each_kind_has_the_names_it_says),
        cmocka_unit_test(names_of_aws_have_their_region_and_the_dots_of_their_kind),
        cmocka_unit_test(regions_have_their_own_domains),
        cmocka_unit_test(new_names_have_a_label_of_their_own),
        cmocka_unit_test(never_seen_names_go_on_past_the_last_serial),
        cmocka_unit_test(a_lookup_costs_what_its_mix_says),
        cmocka_unit_test(the_mean_cost_is_what_drawn_lookups_cost),
        cmocka_unit_test(a_cluster_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
