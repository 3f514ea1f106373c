/* What a process may do, and limits that bite. */
#include "doctor_test.h"

#define MIB ((uint64_t)1 << 20)
#define STATUS_NONE                                                                                \
    "Name:\tlocal53\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t"              \
    "0000000000000000\n"
#define STATUS_BIND                                                                                \
    "CapInh:\t0000000000000000\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000000\n"
#define STATUS_ADMIN "CapPrm:\t0000000000001000\nCapEff:\t0000000000001000\n"

static void check_bind(struct findings *findings, const char *status, const char *start)
{
    struct doctor_rights rights = {.status = status, .port_start = start};
    doctor_check_bind(findings, &rights, 53);
}

static void without_the_capability_port_53_is_a_problem(void **state)
{
    check_bind(*state, STATUS_NONE, "1024\n");
    assert_only(*state, FINDING_PROBLEM, "capability", "CAP_NET_BIND_SERVICE is missing",
                "ip_unprivileged_port_start=53");
}

static void a_permitted_capability_is_enough(void **state)
{
    check_bind(*state, STATUS_BIND, "");
    assert_only(*state, FINDING_OK, "capability", "for port 53", "");
}

static void another_capability_is_not(void **state)
{
    check_bind(*state, STATUS_ADMIN, "");
    assert_only(*state, FINDING_PROBLEM, "capability", "missing", "AmbientCapabilities");
}

static void the_first_port_without_privilege_may_be_lower(void **state)
{
    check_bind(*state, STATUS_NONE, "53\n");
    assert_only(*state, FINDING_OK, "capability", "no privilege", "");
}

static struct doctor_rights rights_of(const char *status, bool wanted, bool degrade)
{
    return (struct doctor_rights){.status = status,
                                  .port_start = "",
                                  .release = "6.1.0-18-cloud-amd64",
                                  .nfnetlink = true,
                                  .wanted = wanted,
                                  .degrade = degrade};
}

static void without_net_admin_the_node_is_left_alone(void **state)
{
    struct doctor_rights rights = rights_of(STATUS_BIND, false, false);
    doctor_check_admin(*state, &rights);
    assert_only(*state, FINDING_NOTE, "capability", "CAP_NET_ADMIN is missing", "nothing, while");
}

static void interception_without_net_admin_is_a_problem_unless_it_may_degrade(void **state)
{
    struct findings *findings = *state;
    struct doctor_rights rights = rights_of(STATUS_BIND, true, false);
    doctor_check_admin(findings, &rights);
    assert_only(findings, FINDING_PROBLEM, "capability", "CAP_NET_ADMIN is missing", "grant it");
    findings->count = 0;
    rights.degrade = true;
    doctor_check_admin(findings, &rights);
    assert_only(findings, FINDING_NOTE, "capability", "CAP_NET_ADMIN is missing", "grant it");
}

static void a_kernel_without_netfilter_cannot_take_service_addresses_over(void **state)
{
    struct findings *findings = *state;
    struct doctor_rights rights = rights_of(STATUS_ADMIN, false, false);
    rights.nfnetlink = false;
    doctor_check_admin(findings, &rights);
    assert_non_null(find(findings, "nftables", FINDING_NOTE));
    rights.wanted = true;
    doctor_check_admin(findings, &rights);
    assert_non_null(find(findings, "nftables", FINDING_PROBLEM));
}

static void tables_go_with_their_owner_since_linux_5_12(void **state)
{
    static const char *const without[] = {"5.11.99", "4.18.0-553.el8", "5", "5.1", ""};
    static const char *const with[] = {"5.12.0-1", "5.15.148-bottlerocket", "6.1", "10.0.1"};
    struct doctor_rights rights = rights_of(STATUS_ADMIN, true, false);
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        ((struct findings *)*state)->count = 0;
        rights.release = without[i];
        doctor_check_admin(*state, &rights);
        assert_non_null(find(*state, "nftables", FINDING_NOTE));
    }
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
        ((struct findings *)*state)->count = 0;
        rights.release = with[i];
        doctor_check_admin(*state, &rights);
        assert_non_null(find(*state, "nftables", FINDING_OK));
    }
}

/* --- limits --- */

/* Limits that nobody minds. */
static struct doctor_limits fine(void)
{
    return (struct doctor_limits){.rmem_max = 4 * MIB,
                                  .conntrack_count = 10,
                                  .conntrack_max = 1000,
                                  .files = 4096,
                                  .files_wanted = 512,
                                  .memory = DOCTOR_NO_LIMIT,
                                  .cache = 32 * MIB,
                                  .cpu_percent = 0,
                                  .now_s = 1800000000};
}

/* The only finding that is not ok. */
static void assert_bad(struct findings *findings, const struct doctor_limits *limits,
                       enum finding_level level, const char *key, const char *remedy)
{
    findings->count = 0;
    doctor_check_limits(findings, limits);
    const struct finding *finding = find(findings, key, level);
    assert_non_null(finding);
    assert_non_null(strstr(finding->remedy, remedy));
    assert_int_equal(
        findings_count(findings, FINDING_NOTE) + findings_count(findings, FINDING_PROBLEM), 1);
}

static void enough_of_all_is_fine(void **state)
{
    struct findings *findings = *state;
    struct doctor_limits limits = fine();
    doctor_check_limits(findings, &limits);
    assert_int_equal(findings->count, findings_count(findings, FINDING_OK));
}

static void small_socket_buffers_are_a_note(void **state)
{
    struct findings *findings = *state;
    struct doctor_limits limits = fine();
    limits.rmem_max = 4 * MIB - 1;
    assert_bad(findings, &limits, FINDING_NOTE, "socket-buffer",
               "sysctl -w net.core.rmem_max=4194304");
    limits.admin = true;
    findings->count = 0;
    doctor_check_limits(findings, &limits);
    assert_null(find(findings, "socket-buffer", FINDING_NOTE));
}

static void a_full_table_of_connections_is_a_problem(void **state)
{
    struct doctor_limits limits = fine();
    limits.conntrack_count = 749;
    doctor_check_limits(*state, &limits);
    assert_non_null(find(*state, "conntrack", FINDING_OK));
    limits.conntrack_count = 750;
    assert_bad(*state, &limits, FINDING_NOTE, "conntrack", "nf_conntrack_max=2000");
    limits.conntrack_count = 900;
    assert_bad(*state, &limits, FINDING_PROBLEM, "conntrack", "nf_conntrack_max=2000");
}

static void too_few_files_are_a_problem(void **state)
{
    struct doctor_limits limits = fine();
    limits.files = 511;
    assert_bad(*state, &limits, FINDING_PROBLEM, "open-files", "512");
}

static void a_cache_larger_than_the_memory_limit_is_a_problem(void **state)
{
    struct doctor_limits limits = fine();
    limits.memory = 56 * MIB - 1;
    assert_bad(*state, &limits, FINDING_PROBLEM, "memory", "56 MiB");
    limits.memory = 56 * MIB;
    ((struct findings *)*state)->count = 0;
    doctor_check_limits(*state, &limits);
    assert_non_null(find(*state, "memory", FINDING_OK));
}

static void less_than_a_processor_is_a_note(void **state)
{
    struct findings *findings = *state;
    struct doctor_limits limits = fine();
    limits.cpu_percent = 99;
    assert_bad(findings, &limits, FINDING_NOTE, "cpu", "CPU limit away");
    assert_non_null(strstr(find(findings, "cpu", FINDING_NOTE)->what, "0.99 processors"));
    findings->count = 0;
    limits.cpu_percent = 100;
    doctor_check_limits(findings, &limits);
    assert_null(find(findings, "cpu", FINDING_NOTE));
}

static void a_clock_before_local53_was_written_is_a_problem(void **state)
{
    struct doctor_limits limits = fine();
    limits.now_s = 86400;
    assert_bad(*state, &limits, FINDING_PROBLEM, "clock", "chronyc");
}

static void what_cannot_be_read_is_not_told(void **state)
{
    struct findings *findings = *state;
    struct doctor_limits limits = fine();
    limits.rmem_max = DOCTOR_NO_LIMIT;
    limits.conntrack_count = DOCTOR_NO_LIMIT;
    limits.conntrack_max = DOCTOR_NO_LIMIT;
    doctor_check_limits(findings, &limits);
    assert_null(find(findings, "socket-buffer", FINDING_OK));
    assert_null(find(findings, "conntrack", FINDING_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FINDINGS_TEST(without_the_capability_port_53_is_a_problem),
        FINDINGS_TEST(a_permitted_capability_is_enough),
        FINDINGS_TEST(another_capability_is_not),
        FINDINGS_TEST(the_first_port_without_privilege_may_be_lower),
        FINDINGS_TEST(without_net_admin_the_node_is_left_alone),
        FINDINGS_TEST(interception_without_net_admin_is_a_problem_unless_it_may_degrade),
        FINDINGS_TEST(tables_go_with_their_owner_since_linux_5_12),
        FINDINGS_TEST(a_kernel_without_netfilter_cannot_take_service_addresses_over),
        FINDINGS_TEST(enough_of_all_is_fine),
        FINDINGS_TEST(small_socket_buffers_are_a_note),
        FINDINGS_TEST(a_full_table_of_connections_is_a_problem),
        FINDINGS_TEST(too_few_files_are_a_problem),
        FINDINGS_TEST(a_cache_larger_than_the_memory_limit_is_a_problem),
        FINDINGS_TEST(less_than_a_processor_is_a_note),
        FINDINGS_TEST(a_clock_before_local53_was_written_is_a_problem),
        FINDINGS_TEST(what_cannot_be_read_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
