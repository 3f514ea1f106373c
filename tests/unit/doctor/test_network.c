/* Addresses of the node, AWS's own, and who translates service addresses. */
#include "doctor_test.h"

static struct doctor_link link_of(const char *name, const char *address)
{
    struct doctor_link link = {.addr.sa.sa_family = AF_UNSPEC};
    strcpy(link.name, name);
    if (address != NULL)
        link.addr = addr_of(address);
    return link;
}

static void check_address(struct findings *findings, const char *wanted, struct doctor_link link)
{
    struct doctor_link items[] = {link_of("lo", "127.0.0.1"), link_of("eth0", "10.0.1.7"), link};
    struct doctor_links links = {items, 3};
    struct doctor_wish wish = {.addr = addr_of(wanted), .dns = true};
    doctor_check_address(findings, &wish, &links);
}

static void an_address_of_a_link_is_well(void **state)
{
    check_address(*state, "169.254.20.10:53", link_of("local53", "169.254.20.10"));
    assert_only(*state, FINDING_OK, "address", "169.254.20.10 is on this node, on local53", "");
}

static void an_address_that_local53_does_not_put_may_be_on_any_link(void **state)
{
    check_address(*state, "10.0.1.7:53", link_of("eth1", NULL));
    assert_only(*state, FINDING_OK, "address", "10.0.1.7 is on this node, on eth0", "");
}

static void an_absent_address_is_a_problem_with_the_command_for_it(void **state)
{
    check_address(*state, "169.254.20.10:53", link_of("eth1", NULL));
    assert_only(*state, FINDING_PROBLEM, "address", "169.254.20.10 is not an address of this node",
                "ip address add 169.254.20.10/32 dev lo");
}

static void an_absent_ipv6_address_has_its_own_prefix_length(void **state)
{
    check_address(*state, "[fd00::10]:53", link_of("eth1", NULL));
    assert_only(*state, FINDING_PROBLEM, "address", "fd00::10", "add fd00::10/128 dev lo");
}

static void the_usual_address_may_be_absent(void **state)
{
    struct doctor_links links = {NULL, 0};
    struct doctor_wish wish = {.addr = addr_of("169.254.20.10:53"), .dns = true, .usual = true};
    doctor_check_address(*state, &wish, &links);
    assert_only(*state, FINDING_OK, "address", "not on this node yet", "");
}

static void an_address_of_ipvs_cannot_be_listened_on(void **state)
{
    check_address(*state, "10.100.0.10:53", link_of("kube-ipvs0", "10.100.0.10"));
    assert_only(*state, FINDING_PROBLEM, "address", "kube-ipvs0", "--cluster-dns");
}

static void ipvs_is_told_before_another_link_with_the_address(void **state)
{
    check_address(*state, "10.0.1.7:53", link_of("kube-ipvs0", "10.0.1.7"));
    assert_only(*state, FINDING_PROBLEM, "address", "kube-ipvs0", "take it out");
}

static void the_link_of_nodelocal_dnscache_is_a_note(void **state)
{
    check_address(*state, "169.254.20.10:53", link_of("nodelocaldns", "169.254.20.10"));
    assert_only(*state, FINDING_NOTE, "address", "NodeLocal DNSCache", "DaemonSet");
}

static void check_put(struct findings *findings, struct doctor_link link)
{
    struct doctor_links links = {&link, 1};
    struct doctor_wish wish = {.addr = addr_of("169.254.20.10:53"), .dns = true, .put = true};
    doctor_check_address(findings, &wish, &links);
}

static void what_local53_puts_there_itself_may_be_absent(void **state)
{
    check_put(*state, link_of("eth1", NULL));
    assert_only(*state, FINDING_OK, "address", "not on this node yet: local53 puts it there", "");
}

static void what_it_would_put_there_is_told_with_the_key(void **state)
{
    struct doctor_links links = {NULL, 0};
    struct doctor_wish wish = {.addr = addr_of("169.254.20.10:53"), .dns = true, .may_put = true};
    doctor_check_address(*state, &wish, &links);
    assert_only(*state, FINDING_PROBLEM, "address", "not an address", "node.intercept: owner");
}

static void what_it_puts_there_stands_on_lo_or_on_its_own_link(void **state)
{
    struct findings *findings = *state;
    check_put(findings, link_of("lo", "169.254.20.10"));
    assert_only(findings, FINDING_OK, "address", "on lo", "");
    findings->count = 0;
    check_put(findings, link_of("local53", "169.254.20.10"));
    assert_only(findings, FINDING_OK, "address", "on local53", "");
}

static void what_it_puts_there_on_a_link_of_somebody_else_is_a_problem(void **state)
{
    struct findings *findings = *state;
    check_put(findings, link_of("eth1", "169.254.20.10"));
    assert_only(findings, FINDING_PROBLEM, "address", "on eth1, a link of somebody else",
                "ip address del");
    findings->count = 0;
    check_put(findings, link_of("nodelocaldns", "169.254.20.10"));
    assert_only(findings, FINDING_PROBLEM, "address", "NodeLocal DNSCache", "DaemonSet");
}

static void all_of_127_and_the_wildcard_are_here_always(void **state)
{
    struct findings *findings = *state;
    check_address(findings, "127.0.0.9:53", link_of("eth1", NULL));
    check_address(findings, "0.0.0.0:53", link_of("eth1", NULL));
    assert_int_equal(findings->count, 0);
}

static void each_address_of_aws_clashes(void **state)
{
    static const char *const taken[] = {"169.254.169.253", "169.254.169.254", "169.254.169.123",
                                        "169.254.170.2",   "169.254.170.23",  "fd00:ec2::253",
                                        "fd00:ec2::254",   "fd00:ec2::23"};
    struct findings *findings = *state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct doctor_wish wish = {.addr = addr_with_port(addr_of(taken[i]), 53), .dns = true};
        findings->count = 0;
        doctor_check_clash(findings, &wish);
        assert_only(findings, FINDING_PROBLEM, "clash", taken[i], "169.254.20.10");
    }
}

static void the_usual_address_does_not_clash(void **state)
{
    struct findings *findings = *state;
    struct doctor_wish wish = {.addr = addr_of("169.254.20.10:53"), .dns = true};
    doctor_check_clash(findings, &wish);
    assert_int_equal(findings->count, 0);
}

static void check_kube_proxy(struct findings *findings, const char *link, const char *mode)
{
    struct doctor_link item = link_of(link, NULL);
    struct doctor_links links = {&item, 1};
    doctor_check_kube_proxy(findings, &links, mode);
}

static void the_link_of_ipvs_tells_its_mode(void **state)
{
    check_kube_proxy(*state, "kube-ipvs0", "");
    assert_only(*state, FINDING_NOTE, "kube-proxy", "IPVS mode", "--cluster-dns");
}

static void kube_proxy_may_say_that_it_is_ipvs(void **state)
{
    check_kube_proxy(*state, "eth0", "ipvs");
    assert_only(*state, FINDING_NOTE, "kube-proxy", "IPVS mode", "--cluster-dns");
}

static void cilium_is_told_with_its_redirect_policy(void **state)
{
    check_kube_proxy(*state, "cilium_host", "");
    assert_only(*state, FINDING_NOTE, "kube-proxy", "Cilium", "CiliumLocalRedirectPolicy");
}

static void iptables_and_nftables_are_well(void **state)
{
    struct findings *findings = *state;
    check_kube_proxy(findings, "eth0", "nftables");
    assert_only(findings, FINDING_OK, "kube-proxy", "nftables mode", "");
}

static void silence_of_kube_proxy_is_told_as_that(void **state)
{
    check_kube_proxy(*state, "eth0", "");
    assert_only(*state, FINDING_OK, "kube-proxy", "does not tell its mode", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FINDINGS_TEST(an_address_of_a_link_is_well),
        FINDINGS_TEST(an_address_that_local53_does_not_put_may_be_on_any_link),
        FINDINGS_TEST(an_absent_address_is_a_problem_with_the_command_for_it),
        FINDINGS_TEST(an_absent_ipv6_address_has_its_own_prefix_length),
        FINDINGS_TEST(the_usual_address_may_be_absent),
        FINDINGS_TEST(an_address_of_ipvs_cannot_be_listened_on),
        FINDINGS_TEST(ipvs_is_told_before_another_link_with_the_address),
        FINDINGS_TEST(the_link_of_nodelocal_dnscache_is_a_note),
        FINDINGS_TEST(what_local53_puts_there_itself_may_be_absent),
        FINDINGS_TEST(what_it_would_put_there_is_told_with_the_key),
        FINDINGS_TEST(what_it_puts_there_stands_on_lo_or_on_its_own_link),
        FINDINGS_TEST(what_it_puts_there_on_a_link_of_somebody_else_is_a_problem),
        FINDINGS_TEST(all_of_127_and_the_wildcard_are_here_always),
        FINDINGS_TEST(each_address_of_aws_clashes),
        FINDINGS_TEST(the_usual_address_does_not_clash),
        FINDINGS_TEST(the_link_of_ipvs_tells_its_mode),
        FINDINGS_TEST(kube_proxy_may_say_that_it_is_ipvs),
        FINDINGS_TEST(cilium_is_told_with_its_redirect_policy),
        FINDINGS_TEST(iptables_and_nftables_are_well),
        FINDINGS_TEST(silence_of_kube_proxy_is_told_as_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
