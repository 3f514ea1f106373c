/* Who stands on a port, from texts as /proc/net has them. */
#include "doctor_test.h"

#define HEAD                                                                                       \
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "         \
    "timeout inode ref pointer drops\n"
#define UDP_LINE(address, uid, inode)                                                              \
    "  512: " address " 00000000:0000 07 00000000:00000000 00:00000000 00000000 " uid              \
    "        0 " inode " 2 0000000000000000 0\n"
#define TCP_LINE(address, state, inode)                                                            \
    "   0: " address " 00000000:0000 " state " 00000000:00000000 00:00000000 00000000   101     "  \
    "   0 " inode " 1 0000000000000000 100 0 0 10 0\n"
#define LINK_LOCAL_53 "0A14FEA9:0035"
#define ANY_53 "00000000:0035"
#define STUB_53 "3500007F:0035"
#define ANY6_53 "00000000000000000000000000000000:0035"
#define MAPPED_53 "0000000000000000FFFF00000A14FEA9:0035"

static struct doctor_sockets sockets_of(const char *udp, const char *tcp, const char *wanted)
{
    struct doctor_sockets sockets = {.count = 0};
    struct addr addr = addr_of(wanted);
    doctor_find_sockets(&sockets, udp, false, &addr);
    doctor_find_sockets(&sockets, tcp, true, &addr);
    return sockets;
}

static struct doctor_wish dns_wish(const char *text)
{
    return (struct doctor_wish){.addr = addr_of(text), .dns = true};
}

static void name(struct doctor_socket *socket, const char *process, bool ours)
{
    strcpy(socket->process, process);
    socket->ours = ours;
}

static void an_empty_table_leaves_the_port_free(void **state)
{
    struct doctor_sockets sockets = sockets_of(HEAD, HEAD, "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    assert_int_equal(sockets.count, 0);
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_OK, "port", "169.254.20.10:53 UDP and TCP is free", "");
}

static void a_server_of_the_address_is_found_and_told_with_its_user(void **state)
{
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(LINK_LOCAL_53, "  101", "4711"), HEAD, "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    assert_int_equal(sockets.items[0].inode, 4711);
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_PROBLEM, "port",
                "169.254.20.10:53 UDP is in use by a process of user 101 that cannot be seen",
                "another address under listen:");
}

static void a_server_of_both_transports_is_told_once(void **state)
{
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(LINK_LOCAL_53, "  101", "1"),
                   HEAD TCP_LINE(LINK_LOCAL_53, "0A", "2"), "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    name(&sockets.items[0], "node-cache (pid 9)", false);
    name(&sockets.items[1], "node-cache (pid 9)", false);
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_PROBLEM, "port", "UDP and TCP is in use by node-cache (pid 9)",
                "DaemonSet");
}

static void different_servers_of_the_transports_are_told_each(void **state)
{
    struct findings *findings = *state;
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(LINK_LOCAL_53, "  101", "1"),
                   HEAD TCP_LINE(LINK_LOCAL_53, "0A", "2"), "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    name(&sockets.items[0], "one (pid 8)", false);
    name(&sockets.items[1], "two (pid 9)", false);
    doctor_check_port(findings, &wish, &sockets);
    assert_int_equal(findings_count(findings, FINDING_PROBLEM), 2);
}

static void a_server_of_all_addresses_is_in_the_way(void **state)
{
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(ANY_53, "    0", "1"), HEAD, "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    name(&sockets.items[0], "dnsmasq (pid 9)", false);
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_PROBLEM, "port", "dnsmasq (pid 9), which listens on 0.0.0.0:53",
                "bind-interfaces");
}

static void a_server_of_all_ipv6_addresses_takes_ipv4_too(void **state)
{
    (void)state;
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(ANY6_53, "    0", "1"), HEAD, "169.254.20.10:53");
    assert_int_equal(sockets.count, 1);
    sockets = sockets_of(HEAD UDP_LINE(ANY_53, "    0", "1"), HEAD, "[fd00::10]:53");
    assert_int_equal(sockets.count, 0);
}

static void an_ipv4_address_within_ipv6_is_the_ipv4_address(void **state)
{
    (void)state;
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(MAPPED_53, "    0", "1"), HEAD, "169.254.20.10:53");
    assert_int_equal(sockets.count, 1);
}

static void other_addresses_and_ports_are_in_nobodys_way(void **state)
{
    (void)state;
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(STUB_53, "  101", "1") UDP_LINE("0A14FEA9:0036", "  101", "2"),
                   HEAD, "169.254.20.10:53");
    assert_int_equal(sockets.count, 0);
}

static void a_connection_is_no_listener(void **state)
{
    (void)state;
    struct doctor_sockets sockets =
        sockets_of(HEAD, HEAD TCP_LINE(LINK_LOCAL_53, "01", "1"), "169.254.20.10:53");
    assert_int_equal(sockets.count, 0);
}

static void lines_that_are_no_sockets_are_passed_over(void **state)
{
    (void)state;
    struct doctor_sockets sockets = sockets_of(
        "\n\nnonsense\n 1: zz:35\n  1: 0A14FEA9 x 07\n" UDP_LINE(LINK_LOCAL_53, "1", "7"), "",
        "169.254.20.10:53");
    assert_int_equal(sockets.count, 1);
}

static void a_socket_in_the_way_of_two_addresses_is_listed_once(void **state)
{
    (void)state;
    struct doctor_sockets sockets = {.count = 0};
    struct addr first = addr_of("169.254.20.10:53");
    struct addr second = addr_of("127.0.0.1:53");
    doctor_find_sockets(&sockets, UDP_LINE(ANY_53, "0", "5"), false, &first);
    doctor_find_sockets(&sockets, UDP_LINE(ANY_53, "0", "5"), false, &second);
    assert_int_equal(sockets.count, 1);
}

static void more_sockets_than_there_is_room_for_are_left_out(void **state)
{
    (void)state;
    struct doctor_sockets sockets = {.count = 0};
    struct addr wanted = addr_of("169.254.20.10:53");
    for (int i = 1; i < 2 * DOCTOR_SOCKETS_MAX; i++) {
        char line[200];
        snprintf(line, sizeof(line), UDP_LINE(LINK_LOCAL_53, "0", "%d"), i);
        doctor_find_sockets(&sockets, line, false, &wanted);
    }
    assert_int_equal(sockets.count, DOCTOR_SOCKETS_MAX);
}

static void a_local53_that_serves_is_well(void **state)
{
    struct doctor_sockets sockets =
        sockets_of(HEAD UDP_LINE(LINK_LOCAL_53, "0", "1"), TCP_LINE(LINK_LOCAL_53, "0A", "2"),
                   "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    assert_false(doctor_is_served(&wish, &sockets));
    name(&sockets.items[0], "local53 (pid 9)", true);
    assert_false(doctor_is_served(&wish, &sockets));
    name(&sockets.items[1], "local53 (pid 9)", true);
    assert_true(doctor_is_served(&wish, &sockets));
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_OK, "port", "is served by local53 (pid 9)", "");
}

static void an_address_is_silent_while_nobody_takes_its_datagrams(void **state)
{
    (void)state;
    struct doctor_sockets sockets =
        sockets_of(HEAD, TCP_LINE(LINK_LOCAL_53, "0A", "2"), "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    assert_true(doctor_is_silent(&wish, &sockets));
    sockets = sockets_of(UDP_LINE(LINK_LOCAL_53, "0", "2"), HEAD, "169.254.20.10:53");
    assert_false(doctor_is_silent(&wish, &sockets));
    wish.dns = false;
    assert_false(doctor_is_silent(&wish, &sockets));
}

static void what_a_local53_shares_its_port_with_is_not_in_its_way(void **state)
{
    struct doctor_sockets sockets = sockets_of(
        UDP_LINE(ANY6_53, "0", "1") UDP_LINE(LINK_LOCAL_53, "0", "2"), HEAD, "169.254.20.10:53");
    struct doctor_wish wish = dns_wish("169.254.20.10:53");
    name(&sockets.items[0], "unbound (pid 8)", false);
    name(&sockets.items[1], "local53 (pid 9)", true);
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_OK, "port", "local53 (pid 9)", "");
}

static void the_metrics_port_is_tcp_alone(void **state)
{
    struct doctor_sockets sockets =
        sockets_of(UDP_LINE("0100007F:24ED", "0", "1"), HEAD, "127.0.0.1:9453");
    struct doctor_wish wish = {.addr = addr_of("127.0.0.1:9453")};
    assert_int_equal(sockets.count, 1);
    doctor_check_port(*state, &wish, &sockets);
    assert_only(*state, FINDING_OK, "port", "127.0.0.1:9453 TCP is free", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FINDINGS_TEST(an_empty_table_leaves_the_port_free),
        FINDINGS_TEST(a_server_of_the_address_is_found_and_told_with_its_user),
        FINDINGS_TEST(a_server_of_both_transports_is_told_once),
        FINDINGS_TEST(different_servers_of_the_transports_are_told_each),
        FINDINGS_TEST(a_server_of_all_addresses_is_in_the_way),
        FINDINGS_TEST(a_server_of_all_ipv6_addresses_takes_ipv4_too),
        FINDINGS_TEST(an_ipv4_address_within_ipv6_is_the_ipv4_address),
        FINDINGS_TEST(other_addresses_and_ports_are_in_nobodys_way),
        FINDINGS_TEST(a_connection_is_no_listener),
        FINDINGS_TEST(lines_that_are_no_sockets_are_passed_over),
        FINDINGS_TEST(a_socket_in_the_way_of_two_addresses_is_listed_once),
        FINDINGS_TEST(more_sockets_than_there_is_room_for_are_left_out),
        FINDINGS_TEST(a_local53_that_serves_is_well),
        FINDINGS_TEST(an_address_is_silent_while_nobody_takes_its_datagrams),
        FINDINGS_TEST(what_a_local53_shares_its_port_with_is_not_in_its_way),
        FINDINGS_TEST(the_metrics_port_is_tcp_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
