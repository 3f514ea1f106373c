/* interception and addresses together, as packets see them: a pod behind a veth link, and a service address that the
 * node translates as kube-proxy does. The pod's namespace and the node's are both the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "local53/node/addresses.h"
#include "local53/node/interception.h"
#include "namespace_test.h"

#define PATIENCE_MS 20000
#define WORD_MAX 16
#define LINK_LOCAL "169.254.20.10"

/* One family's addresses. */
struct family {
    const char *service;  /* the cluster DNS's, translated to fallback */
    const char *fallback; /* the cluster DNS itself */
    const char *nft;      /* nft's word for the family */
};

static const struct family families[] = {{"10.96.0.10", "10.0.2.1", "ip"},
                                         {"fd00:96::a", "[fd00:2::1]", "ip6"}};

/* A server that answers all that comes with a word. */
struct server {
    const char *address; /* borrowed */
    const char *word;    /* borrowed */
    bool intercepts;     /* as local53: puts the address there and lets it pass tracking by */
};

static char output[NAMESPACE_OUTPUT_MAX];

static struct addr address_of(const char *text)
{
    struct addr address;

    assert_int_equal(addr_parse(&address, text, 53), ERR_OK);
    return address;
}

/* ---- Node and pod ---------------------------------------------------------------------------------- */

/* Both namespaces, and that the test is in the node's. */
struct cluster {
    int pod;  /* descriptor of the pod's namespace */
    int node; /* descriptor of the node's */
};

static int open_namespace(void)
{
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void enter(int fd)
{
    assert_int_equal(setns(fd, CLONE_NEWNET), 0);
}

/* kube-proxy's part: UDP and TCP to the service address go to the cluster DNS. */
static void translate(const struct family *family)
{
    char command[NAMESPACE_COMMAND_MAX];

    snprintf(
        command, sizeof(command),
        "nft add table %s proxy; nft 'add chain %s proxy c { type nat hook prerouting priority "
        "dstnat; }'; for t in udp tcp; do nft add rule %s proxy c %s daddr %s $t dport 53 dnat "
        "to %s:53; done",
        family->nft, family->nft, family->nft, family->nft, family->service, family->fallback);
    namespace_must(command);
}

/* The namespaces are made and joined, and the test is in the node's. Given that the test has one of its own already,
 * which becomes the pod's. */
static struct cluster cluster_make(void)
{
    struct cluster cluster;
    char command[NAMESPACE_COMMAND_MAX];

    cluster.pod = open_namespace();
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    cluster.node = open_namespace();
    snprintf(command, sizeof(command),
             "ip link set lo up; ip link add pod0 type veth peer name eth0 netns /proc/%d/fd/%d",
             getpid(), cluster.pod);
    namespace_must(command);
    namespace_must("ip address add 10.0.0.1/24 dev pod0; ip address add fd00:1::1/64 dev pod0 "
                   "nodad; ip link set pod0 up; ip address add 10.0.2.1/32 dev lo; ip address add "
                   "fd00:2::1/128 dev lo nodad");
    enter(cluster.pod);
    namespace_must("ip link set lo up; ip address add 10.0.0.2/24 dev eth0; ip address add "
                   "fd00:1::2/64 dev eth0 nodad; ip link set eth0 up; ip route add default via "
                   "10.0.0.1; ip -6 route add default via fd00:1::1");
    enter(cluster.node);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        translate(&families[i]);
    return cluster;
}

static void cluster_end(struct cluster *cluster)
{
    close(cluster->pod);
    close(cluster->node);
}

/* ---- Servers and clients --------------------------------------------------------------------------- */

static int bind_to(const struct addr *address, int type)
{
    int fd = socket(address->sa.sa_family, type | SOCK_CLOEXEC, 0);

    if (bind(fd, &address->sa, addr_len(address)) != 0 ||
        (type == SOCK_STREAM && listen(fd, 8) != 0))
        _exit(1);
    return fd;
}

/* Until a question to itself arrives: the kernel makes the route to a new IPv6 address a moment after the address. */
static void wait_for_itself(int fd, const struct addr *address)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char question;

    do {
        (void)sendto(fd, "?", 1, 0, &address->sa, addr_len(address));
    } while (poll(&wait, 1, 1) != 1);
    while (recv(fd, &question, 1, MSG_DONTWAIT) == 1) {}
}

/* Connections are taken by the kernel alone. */
static void serve(const void *context, int ready)
{
    const struct server *server = context;
    struct addr address = address_of(server->address);
    struct addresses *addresses;
    struct interception *interception;
    char why[INTERCEPTION_WHY_MAX];
    int fd;

    if (server->intercepts && addresses_put(&addresses, &address, 1, why) != ERR_OK)
        _exit(1);
    fd = bind_to(&address, SOCK_DGRAM);
    (void)bind_to(&address, SOCK_STREAM);
    wait_for_itself(fd, &address);
    if (server->intercepts && interception_open(&interception, &address, 1, why) != ERR_OK)
        _exit(1);
    namespace_ready(ready);
    for (;;) {
        struct addr client;
        socklen_t length = sizeof(client);
        char question[WORD_MAX];

        if (recvfrom(fd, question, sizeof(question), 0, &client.sa, &length) > 0)
            (void)sendto(fd, server->word, strlen(server->word), 0, &client.sa, length);
    }
}

/* A client of the pod: its socket stays there when the test goes back to the node. */
static int connect_from_pod(const struct cluster *cluster, const struct addr *to, int type)
{
    int fd;

    enter(cluster->pod);
    fd = socket(to->sa.sa_family, type | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &to->sa, addr_len(to)), 0);
    enter(cluster->node);
    return fd;
}

static int client_of_pod(const struct cluster *cluster, const char *server)
{
    struct addr to = address_of(server);

    return connect_from_pod(cluster, &to, SOCK_DGRAM);
}

/* The answer to one question, asked once: a word, "refused" or "silence". */
static const char *ask(int fd)
{
    static char word[WORD_MAX];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ssize_t got;

    if (send(fd, "?", 1, 0) != 1)
        return strerror(errno);
    if (poll(&wait, 1, PATIENCE_MS) != 1)
        return "silence";
    got = recv(fd, word, sizeof(word) - 1, 0);
    if (got < 0)
        return errno == ECONNREFUSED ? "refused" : strerror(errno);
    word[got] = '\0';
    return word;
}

/* ---- Tests ----------------------------------------------------------------------------------------- */

/* True when the node tracks something of this client's. */
static bool is_tracked(int client)
{
    FILE *file = fopen("/proc/self/net/nf_conntrack", "re");
    struct addr own;
    socklen_t length = sizeof(own);
    char port[32];
    bool found = false;

    assert_non_null(file);
    assert_int_equal(getsockname(client, &own.sa, &length), 0);
    snprintf(port, sizeof(port), "port=%u ", addr_port(&own));
    while (fgets(output, sizeof(output), file) != NULL)
        found = found || strstr(output, port) != NULL;
    fclose(file);
    return found;
}

/* From the cluster DNS to local53, and back in the moment it is killed, on one client's one socket. */
static void assert_falls_back(const struct cluster *cluster, const struct family *family)
{
    struct server cluster_dns = {family->fallback, "cluster", false};
    struct server local = {family->service, "local", true};
    pid_t fallback = namespace_child(serve, &cluster_dns);
    int client = client_of_pod(cluster, family->service);
    pid_t local53;

    assert_string_equal(ask(client), "cluster");
    local53 = namespace_child(serve, &local);
    assert_string_equal(ask(client), "local");
    namespace_kill(local53);
    assert_string_equal(ask(client), "cluster");
    assert_true(namespace_run("nft list tables", output));
    assert_null(strstr(output, INTERCEPTION_TABLE_PREFIX));
    namespace_kill(fallback);
    close(client);
}

static void a_service_address_is_the_clusters_again_once_the_process_is_killed(void **state)
{
    struct cluster cluster;

    (void)state;
    IN_OWN_NAMESPACE();
    cluster = cluster_make();
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        assert_falls_back(&cluster, &families[i]);
    cluster_end(&cluster);
}

static void the_second_of_two_goes_on_when_the_first_is_killed(void **state)
{
    struct server service = {families[0].service, "local", true};
    struct server other = {LINK_LOCAL, "other", true};
    struct cluster cluster;
    pid_t first;
    pid_t second;
    int client;

    (void)state;
    IN_OWN_NAMESPACE();
    cluster = cluster_make();
    first = namespace_child(serve, &other);
    second = namespace_child(serve, &service);
    client = client_of_pod(&cluster, service.address);
    assert_string_equal(ask(client), "local");
    namespace_kill(first);
    assert_string_equal(ask(client), "local");
    namespace_kill(second);
    close(client);
    cluster_end(&cluster);
}

static void a_link_local_address_refuses_at_once_when_the_process_is_killed(void **state)
{
    struct server local = {LINK_LOCAL, "local", true};
    struct cluster cluster;
    pid_t local53;
    int client;

    (void)state;
    IN_OWN_NAMESPACE();
    cluster = cluster_make();
    local53 = namespace_child(serve, &local);
    client = client_of_pod(&cluster, LINK_LOCAL);
    assert_string_equal(ask(client), "local");
    namespace_kill(local53);
    assert_string_equal(ask(client), "refused");
    close(client);
    cluster_end(&cluster);
}

/* The node itself, whose packets to the address never leave it. */
static void the_nodes_own_programs_are_answered_here_untracked(void **state)
{
    struct server local = {families[0].service, "local", true};
    struct addr to = address_of(local.address);
    struct cluster cluster;
    pid_t local53;
    int client;

    (void)state;
    IN_OWN_NAMESPACE();
    if (access("/proc/self/net/nf_conntrack", R_OK) != 0)
        SKIP_BECAUSE("this kernel does not show its connections");
    cluster = cluster_make();
    local53 = namespace_child(serve, &local);
    client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, &to.sa, addr_len(&to)), 0);
    assert_string_equal(ask(client), "local");
    assert_false(is_tracked(client));
    namespace_kill(local53);
    close(client);
    cluster_end(&cluster);
}

/* Another port of the address shows that the node does track. */
static void dns_of_the_address_is_not_tracked_and_other_ports_are(void **state)
{
    struct server local = {families[0].service, "local", true};
    struct addr address = address_of(local.address);
    struct addr other_port = addr_with_port(address, 54);
    struct cluster cluster;
    pid_t local53;
    int clients[3];

    (void)state;
    IN_OWN_NAMESPACE();
    if (access("/proc/self/net/nf_conntrack", R_OK) != 0)
        SKIP_BECAUSE("this kernel does not show its connections");
    cluster = cluster_make();
    local53 = namespace_child(serve, &local);
    clients[0] = client_of_pod(&cluster, local.address);
    for (int i = 0; i < 10; i++)
        assert_string_equal(ask(clients[0]), "local");
    clients[1] = connect_from_pod(&cluster, &address, SOCK_STREAM);
    clients[2] = connect_from_pod(&cluster, &other_port, SOCK_DGRAM);
    assert_string_equal(ask(clients[2]), "refused");
    assert_false(is_tracked(clients[0]));
    assert_false(is_tracked(clients[1]));
    assert_true(is_tracked(clients[2]));
    namespace_kill(local53);
    for (size_t i = 0; i < 3; i++)
        close(clients[i]);
    cluster_end(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_address_is_the_clusters_again_once_the_process_is_killed),
        cmocka_unit_test(the_second_of_two_goes_on_when_the_first_is_killed),
        cmocka_unit_test(a_link_local_address_refuses_at_once_when_the_process_is_killed),
        cmocka_unit_test(the_nodes_own_programs_are_answered_here_untracked),
        cmocka_unit_test(dns_of_the_address_is_not_tracked_and_other_ports_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
