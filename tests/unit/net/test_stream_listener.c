/* Listeners, TCP and Unix, asked by plain sockets. */
#include "net_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local53/net/stream.h"

/* A listener and the connections it handed over, which are refused after a look. */
struct fixture {
    struct net_test test;
    struct stream_listener *listener;
    unsigned connections; /* handed over */
    enum err uid_err;     /* of the last one: what stream_peer_uid said */
    uid_t uid;            /* of the last one */
    char path[100];       /* a free path for a Unix listener */
};

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct fixture *fixture = owner;
    assert_ptr_equal(listener, fixture->listener);
    fixture->connections++;
    fixture->uid_err = stream_peer_uid(stream, &fixture->uid);
    stream_refuse(stream);
    loop_stop(fixture->test.loop);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    const char *folder = getenv("TMPDIR");
    snprintf(fixture->path, sizeof(fixture->path), "%.60s/local53-test-%ld.sock",
             folder != NULL ? folder : "/tmp", (long)getpid());
    net_test_init(&fixture->test);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    stream_listener_close(fixture->listener);
    net_test_deinit(&fixture->test);
    test_free(fixture);
    return 0;
}

static enum err listen_tcp(struct fixture *fixture, struct stream_listener **out,
                           const struct addr *addr)
{
    return stream_listen_tcp(out, fixture->test.loop, addr, on_connection, fixture);
}

static enum err listen_unix(struct fixture *fixture, struct stream_listener **out)
{
    return stream_listen_unix(out, fixture->test.loop, fixture->path, on_connection, fixture);
}

/* A connected Unix socket. */
static int connect_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void loops_share_a_port_and_strangers_do_not(void **state)
{
    struct fixture *fixture = *state;
    struct stream_listener *second;
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(listen_tcp(fixture, &fixture->listener, &addr), ERR_OK);
    addr = stream_listener_addr(fixture->listener);
    assert_int_not_equal(addr_port(&addr), 0);
    assert_int_equal(listen_tcp(fixture, &second, &addr), ERR_OK);
    stream_listener_close(second);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_not_equal(bind(fd, &addr.sa, addr_len(&addr)), 0);
    close(fd);
}

/* Connects until the loop has seen `count` more connections. */
static void connect_times(struct fixture *fixture, const struct addr *addr, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, &addr->sa, addr_len(addr)), 0);
        assert_true(net_test_run(&fixture->test));
        close(fd);
    }
}

static void on_other_connection(void *owner, struct stream_listener *listener,
                                struct stream *stream)
{
    struct fixture *fixture = owner;
    (void)listener;
    stream_refuse(stream);
    loop_stop(fixture->test.loop);
}

static void connections_go_to_the_listeners_they_are_steered_to(void **state)
{
    enum { TIMES = 64 };
    struct fixture *fixture = *state;
    struct stream_listener *second;
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(listen_tcp(fixture, &fixture->listener, &addr), ERR_OK);
    addr = stream_listener_addr(fixture->listener);
    assert_int_equal(
        stream_listen_tcp(&second, fixture->test.loop, &addr, on_other_connection, fixture),
        ERR_OK);
    assert_int_equal(stream_listener_steer(second, 0, 1), ERR_OK);
    connect_times(fixture, &addr, TIMES);
    assert_int_equal(fixture->connections, TIMES);
    assert_int_equal(stream_listener_steer(fixture->listener, 1, 1), ERR_OK);
    connect_times(fixture, &addr, TIMES);
    assert_int_equal(fixture->connections, TIMES);
    assert_int_equal(stream_listener_steer(second, 0, 2), ERR_OK);
    connect_times(fixture, &addr, TIMES);
    assert_in_range(fixture->connections, TIMES + 1, 2 * TIMES - 1);
    stream_listener_close(second);
}

/* Sets how many descriptors this process may have; gives the limit before. */
static struct rlimit limit_descriptors(rlim_t count)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit limit = {count, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* Whoever else is on the loop goes on meanwhile: here the timer that ends the run. */
static void a_connection_waits_for_a_descriptor_and_the_loop_does_not(void **state)
{
    struct fixture *fixture = *state;
    struct addr addr = net_test_addr("127.0.0.1");
    assert_int_equal(listen_tcp(fixture, &fixture->listener, &addr), ERR_OK);
    addr = stream_listener_addr(fixture->listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &addr.sa, addr_len(&addr)), 0);
    struct rlimit before = limit_descriptors(3);
    bool told = net_test_run_within(&fixture->test, 200);
    (void)limit_descriptors(before.rlim_cur);
    assert_false(told);
    assert_int_equal(fixture->connections, 0);
    fixture->test.timed_out = false;
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->connections, 1);
    close(fd);
}

static void a_tcp_peer_has_no_uid(void **state)
{
    struct fixture *fixture = *state;
    struct addr addr = net_test_addr("::1");
    assert_int_equal(listen_tcp(fixture, &fixture->listener, &addr), ERR_OK);
    addr = stream_listener_addr(fixture->listener);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &addr.sa, addr_len(&addr)), 0);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->uid_err, ERR_SYSTEM);
    close(fd);
}

static void a_foreign_server_on_the_port_is_in_use(void **state)
{
    struct fixture *fixture = *state;
    struct addr addr = net_test_addr("127.0.0.1");
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, &addr.sa, addr_len(&addr)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, &addr.sa, &len), 0);
    assert_int_equal(listen_tcp(fixture, &fixture->listener, &addr), ERR_IN_USE);
    addr = addr_with_port(net_test_addr("192.0.2.1"), addr_port(&addr));
    assert_int_equal(listen_tcp(fixture, &fixture->listener, &addr), ERR_UNREACHABLE);
    assert_null(fixture->listener);
    close(fd);
}

static void a_unix_client_is_known_by_its_uid(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    mode_t mask = umask(0077);
    assert_int_equal(listen_unix(fixture, &fixture->listener), ERR_OK);
    umask(mask);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    int fd = connect_unix(fixture->path);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->uid_err, ERR_OK);
    assert_int_equal(fixture->uid, geteuid());
    close(fd);
    stream_listener_close(fixture->listener);
    fixture->listener = NULL;
    assert_int_equal(stat(fixture->path, &status), -1);
}

static void a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
    struct fixture *fixture = *state;
    struct stream_listener *other;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, fixture->path, strlen(fixture->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    close(fd);
    assert_int_equal(listen_unix(fixture, &fixture->listener), ERR_OK);
    assert_int_equal(listen_unix(fixture, &other), ERR_IN_USE);
    close(connect_unix(fixture->path));
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int fd = open(fixture->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(listen_unix(fixture, &fixture->listener), ERR_INVALID);
    assert_int_equal(unlink(fixture->path), 0);
}

static void a_path_longer_than_the_kernel_takes_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(
        stream_listen_unix(&fixture->listener, fixture->test.loop, path, on_connection, fixture),
        ERR_TOO_LONG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loops_share_a_port_and_strangers_do_not),
        TEST(connections_go_to_the_listeners_they_are_steered_to),
        TEST(a_connection_waits_for_a_descriptor_and_the_loop_does_not),
        TEST(a_tcp_peer_has_no_uid),
        TEST(a_foreign_server_on_the_port_is_in_use),
        TEST(a_unix_client_is_known_by_its_uid),
        TEST(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
        TEST(a_file_that_is_no_socket_is_left_alone),
        TEST(a_path_longer_than_the_kernel_takes_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
