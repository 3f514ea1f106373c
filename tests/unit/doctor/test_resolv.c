/* resolv.conf files: what the node asks, and whether that is us. */
#include "doctor_test.h"

#define UPLINK "/run/systemd/resolve/resolv.conf"

static struct doctor_resolv resolv_of(const char *text)
{
    struct doctor_resolv resolv = {.file = "/etc/resolv.conf", .real = "/etc/resolv.conf"};
    doctor_parse_resolv(&resolv, text);
    return resolv;
}

static void check(struct findings *findings, const char *text, const char *real)
{
    struct doctor_resolv resolv = resolv_of(text);
    resolv.real = real;
    doctor_check_resolv(findings, &resolv);
}

static void servers_search_and_ndots_are_read(void **state)
{
    (void)state;
    struct doctor_resolv resolv =
        resolv_of("# comment\nnameserver 10.0.0.2\nnameserver\t[fd00::2]:5353 # here\n"
                  "search a.example b.example\nsearch one.example\noptions timeout:1 ndots:5\n"
                  "nameserver nonsense\nnameserver 10.0.0.3");
    struct addr second = addr_of("[fd00::2]:5353");
    assert_int_equal(resolv.nameserver_count, 3);
    assert_int_equal(addr_port(&resolv.nameservers[0]), 53);
    assert_true(addr_equal(&resolv.nameservers[1], &second));
    assert_int_equal(resolv.search_count, 1);
    assert_int_equal(resolv.ndots, 5);
    assert_string_equal(resolv.file, "/etc/resolv.conf");
    assert_int_equal(resolv_of("nameserver 10.0.0.2\n").ndots, 1);
}

static void an_endless_line_does_no_harm(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'x', sizeof(text));
    memcpy(text, "nameserver ", 11);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(resolv_of(text).nameserver_count, 0);
}

static void the_stub_of_systemd_resolved_is_a_note(void **state)
{
    check(*state, "nameserver 127.0.0.53\n", "/etc/resolv.conf");
    assert_only(*state, FINDING_NOTE, "resolv-conf", "stub", "resolv.conf:" UPLINK);
}

static void its_uplink_list_is_well(void **state)
{
    check(*state, "nameserver 10.0.0.2\n", UPLINK);
    assert_only(*state, FINDING_OK, "resolv-conf", "uplink list) asks 10.0.0.2", "");
}

static void a_file_of_somebody_else_is_static(void **state)
{
    check(*state, "nameserver 10.0.0.2\nnameserver 10.0.0.3\n", "/etc/resolv.conf");
    assert_only(*state, FINDING_OK, "resolv-conf", "(static) asks 10.0.0.2, 10.0.0.3", "");
}

static void a_file_without_a_nameserver_is_a_note(void **state)
{
    check(*state, "", "/etc/resolv.conf");
    assert_only(*state, FINDING_NOTE, "resolv-conf", "no nameserver", "aws.resolver");
}

static void a_fourth_nameserver_is_used_by_nobody(void **state)
{
    struct findings *findings = *state;
    check(findings, "nameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n",
          "/etc/resolv.conf");
    assert_null(find(findings, "resolv-conf", FINDING_NOTE));
    check(findings,
          "nameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\nnameserver 10.0.0.5\n",
          "/etc/resolv.conf");
    assert_non_null(find(findings, "resolv-conf", FINDING_NOTE));
}

static void many_ndots_multiply_queries(void **state)
{
    struct findings *findings = *state;
    check(findings, "nameserver 10.0.0.2\nsearch a b c\noptions ndots:5\n", "/etc/resolv.conf");
    const struct finding *finding = find(findings, "search", FINDING_NOTE);
    assert_non_null(finding);
    assert_non_null(strstr(finding->what, "up to 8 queries"));
}

static void few_ndots_are_nothing(void **state)
{
    struct findings *findings = *state;
    check(findings, "nameserver 10.0.0.2\nsearch a b c\noptions ndots:2\n", "/etc/resolv.conf");
    assert_null(find(findings, "search", FINDING_NOTE));
}

/* --- our own addresses in it --- */

static void check_asked(struct findings *findings, const char *text)
{
    struct addr silent[] = {addr_of("169.254.20.10:53"), addr_of("169.254.20.11:53")};
    struct doctor_resolv resolv = resolv_of(text);
    doctor_check_asked(findings, &resolv, silent, 2);
}

static void a_node_that_asks_nobody_but_a_silent_local53_finds_no_name(void **state)
{
    check_asked(*state, "nameserver 169.254.20.10\nnameserver 169.254.20.11\n");
    assert_only(*state, FINDING_PROBLEM, "resolv-conf",
                "asks 169.254.20.10:53, where no local53 runs, and nobody else", "resolver.sh");
}

static void beside_another_server_a_silent_local53_is_a_note(void **state)
{
    check_asked(*state, "nameserver 169.254.20.10\nnameserver 10.0.0.2\n");
    assert_only(*state, FINDING_NOTE, "resolv-conf", "the next server answers", "resolver.sh");
}

static void a_node_that_asks_others_has_no_silent_local53(void **state)
{
    struct findings *findings = *state;
    check_asked(findings, "nameserver 10.0.0.2\n");
    check_asked(findings, "");
    assert_int_equal(findings->count, 0);
}

/* --- loops --- */

static void check_loop(struct findings *findings, const char *file, const char *uplink, size_t left)
{
    struct addr own[] = {addr_of("127.0.0.1:5353"), addr_of("169.254.20.10:53")};
    struct doctor_resolv read = resolv_of(file);
    struct doctor_resolv behind = resolv_of(uplink != NULL ? uplink : "");
    struct doctor_loop loop = {.resolv = &read,
                               .uplink = uplink != NULL ? &behind : NULL,
                               .zone = ".",
                               .own = own,
                               .own_count = 2,
                               .servers_left = left};
    doctor_check_loop(findings, &loop);
}

static void a_file_that_names_us_alone_is_a_loop(void **state)
{
    check_loop(*state, "nameserver 169.254.20.10\n", NULL, 0);
    assert_only(*state, FINDING_PROBLEM, "loop", "names 169.254.20.10:53, which is local53",
                "169.254.169.253");
}

static void beside_another_server_we_are_left_out(void **state)
{
    check_loop(*state, "nameserver 169.254.20.10\nnameserver 10.0.0.2\n", NULL, 1);
    assert_only(*state, FINDING_NOTE, "loop", "leaves that one out", "nothing, while");
}

static void the_stub_that_asks_us_is_a_loop(void **state)
{
    check_loop(*state, "nameserver 127.0.0.53\n", "nameserver 169.254.20.10\n", 1);
    assert_only(*state, FINDING_PROBLEM, "loop", "asks systemd-resolved",
                "in place of resolv.conf:/etc/resolv.conf");
}

static void other_servers_are_no_loop(void **state)
{
    struct findings *findings = *state;
    check_loop(findings, "nameserver 127.0.0.53\n", "nameserver 10.0.0.2\n", 1);
    check_loop(findings, "nameserver 127.0.0.53\n", NULL, 1);
    check_loop(findings, "nameserver 10.0.0.2\n", "nameserver 169.254.20.10\n", 1);
    check_loop(findings, "nameserver 127.0.0.1\n", NULL, 1);
    assert_int_equal(findings->count, 0);
}

static void a_wildcard_listener_is_every_loopback_address(void **state)
{
    struct addr own = addr_of("0.0.0.0:53");
    struct doctor_resolv read = resolv_of("nameserver 127.0.0.1\n");
    struct doctor_loop loop = {.resolv = &read, .zone = ".", .own = &own, .own_count = 1};
    doctor_check_loop(*state, &loop);
    assert_only(*state, FINDING_PROBLEM, "loop", "127.0.0.1:53", "169.254.169.253");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FINDINGS_TEST(servers_search_and_ndots_are_read),
        FINDINGS_TEST(an_endless_line_does_no_harm),
        FINDINGS_TEST(the_stub_of_systemd_resolved_is_a_note),
        FINDINGS_TEST(its_uplink_list_is_well),
        FINDINGS_TEST(a_file_of_somebody_else_is_static),
        FINDINGS_TEST(a_file_without_a_nameserver_is_a_note),
        FINDINGS_TEST(a_fourth_nameserver_is_used_by_nobody),
        FINDINGS_TEST(many_ndots_multiply_queries),
        FINDINGS_TEST(few_ndots_are_nothing),
        FINDINGS_TEST(a_node_that_asks_nobody_but_a_silent_local53_finds_no_name),
        FINDINGS_TEST(beside_another_server_a_silent_local53_is_a_note),
        FINDINGS_TEST(a_node_that_asks_others_has_no_silent_local53),
        FINDINGS_TEST(a_file_that_names_us_alone_is_a_loop),
        FINDINGS_TEST(beside_another_server_we_are_left_out),
        FINDINGS_TEST(the_stub_that_asks_us_is_a_loop),
        FINDINGS_TEST(other_servers_are_no_loop),
        FINDINGS_TEST(a_wildcard_listener_is_every_loopback_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
