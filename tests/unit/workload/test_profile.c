/* profile: the argument of --profile and what is told of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "workload/profile_private.h"

static struct profile parse(const char *text)
{
    struct profile profile;
    struct text_fault fault;

    assert_true(profile_parse(&profile, text, &fault));
    return profile;
}

static void assert_refused(const char *text, const char *reason)
{
    struct profile profile;
    struct text_fault fault;

    assert_false(profile_parse(&profile, text, &fault));
    assert_string_equal(fault.reason, reason);
    assert_int_equal(fault.line, 0);
}

static void each_profile_works_by_its_name_alone(void **state)
{
    struct profile profile = parse("k8s-aws");

    (void)state;
    assert_int_equal(profile.id, PROFILE_K8S_AWS);
    assert_int_equal(profile.ndots, 5);
    assert_int_equal(profile.namespaces, 12);
    assert_int_equal(profile.services, 0);
    assert_string_equal(profile.region, "eu-central-1");
    assert_string_equal(profile.domain, "cluster.local");
    profile = parse("hit");
    assert_int_equal(profile.id, PROFILE_HIT);
    assert_string_equal(profile.zone, "hit.dnsbench.example");
    profile = parse("nx");
    assert_int_equal(profile.id, PROFILE_NX);
    assert_string_equal(profile.zone, "nx.dnsbench.example");
    profile = parse("miss");
    assert_int_equal(profile.id, PROFILE_MISS);
    assert_string_equal(profile.zone, "miss.dnsbench.example");
}

static void keys_replace_the_defaults(void **state)
{
    struct profile profile =
        parse("k8s-aws:ndots=2,region=us-gov-west-1,namespaces=1000,services=1,domain=k8s.test.");

    (void)state;
    assert_int_equal(profile.ndots, 2);
    assert_int_equal(profile.namespaces, 1000);
    assert_int_equal(profile.services, 1);
    assert_string_equal(profile.region, "us-gov-west-1");
    assert_string_equal(profile.domain, "k8s.test.");
    profile = parse("hit:zone=example.org");
    assert_string_equal(profile.zone, "example.org");
    profile = parse("k8s-aws:ndots=0");
    assert_int_equal(profile.ndots, 0);
}

static void an_unknown_profile_is_told_with_the_nearest(void **state)
{
    (void)state;
    assert_refused("k8saws", "no profile 'k8saws'; did you mean 'k8s-aws'?");
    assert_refused("k8s_aws:ndots=5", "no profile 'k8s_aws'; did you mean 'k8s-aws'?");
    assert_refused("", "no profile ''; there are k8s-aws, hit, nx and miss");
    assert_refused("\033[2J", "no profile '?[2J'; there are k8s-aws, hit, nx and miss");
    assert_refused("hit-and-very-much-more-than-fits-into-any-profiles-name",
                   "no profile 'hit-and-very-much-more-than-fits-into-an...'; there are k8s-aws, "
                   "hit, nx and miss");
}

static void an_unknown_key_is_told_with_the_nearest_of_that_profile(void **state)
{
    (void)state;
    assert_refused("k8s-aws:nodts=5", "profile k8s-aws has no key 'nodts'; did you mean 'ndots'?");
    assert_refused("k8s-aws:zone=a", "profile k8s-aws has no key 'zone'; it has ndots, region, "
                                     "namespaces, services, domain");
    assert_refused("miss:ndots=5", "profile miss has no key 'ndots'; it has zone");
}

static void numbers_have_their_bounds(void **state)
{
    (void)state;
    assert_refused("k8s-aws:ndots=16", "ndots=16: a number from 0 to 15 is wanted");
    assert_refused("k8s-aws:ndots=-1", "ndots=-1: a number from 0 to 15 is wanted");
    assert_refused("k8s-aws:namespaces=0", "namespaces=0: a number from 1 to 1000 is wanted");
    assert_refused("k8s-aws:services=12x", "services=12x: a number from 1 to 10000 is wanted");
    assert_refused("k8s-aws:services=99999999999999999999",
                   "services=99999999999999999999: a number from 1 to 10000 is wanted");
}

static void names_and_regions_are_checked(void **state)
{
    char text[400] = "hit:zone=";

    (void)state;
    assert_refused("hit:zone=a..b", "zone=a..b: the name has an empty label (a dot too many)");
    assert_refused("k8s-aws:region=EU", "region=EU: a region as 'eu-central-1' is wanted");
    assert_refused("k8s-aws:region=eu.central",
                   "region=eu.central: a region as 'eu-central-1' is wanted");
    assert_refused("k8s-aws:region=abcdefghijklmnopqrstuvwxyz-12345",
                   "region=abcdefghijklmnopqrstuvwxyz-12345: a region as 'eu-central-1' is wanted");
    memset(text + 9, 'x', 300);
    assert_refused(text, "a value has more than 255 octets");
}

static void what_is_no_pair_is_told(void **state)
{
    (void)state;
    assert_refused("k8s-aws:", "'' is no KEY=VALUE");
    assert_refused("k8s-aws:ndots", "'ndots' is no KEY=VALUE");
    assert_refused("k8s-aws:ndots=", "'ndots=' is no KEY=VALUE");
    assert_refused("k8s-aws:=5", "'=5' is no KEY=VALUE");
    assert_refused("k8s-aws:ndots=5,", "'' is no KEY=VALUE");
    assert_refused("k8s-aws:ndots=5,ndots=6", "ndots= is said twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_profile_works_by_its_name_alone),
        cmocka_unit_test(keys_replace_the_defaults),
        cmocka_unit_test(an_unknown_profile_is_told_with_the_nearest),
        cmocka_unit_test(an_unknown_key_is_told_with_the_nearest_of_that_profile),
        cmocka_unit_test(numbers_have_their_bounds),
        cmocka_unit_test(names_and_regions_are_checked),
        cmocka_unit_test(what_is_no_pair_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
