/* check on loopback: what a port without a server and one with a strange server come to. */
#include <getopt.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "bound_socket.h"
#include "command/command.h"
#include "local53/base/addr.h"
#include "local53/base/bytes.h"
#include "local53/dns/message.h"

/* A bound UDP socket, or a listening one; its address as text. */
static int open_port(int type, char text[ADDR_TEXT_MAX])
{
    struct addr addr;
    int fd = bound_socket(&addr, type, AF_INET);

    addr_format(&addr, text);
    return fd;
}

/* A file with this text; the caller unlinks and frees it. */
static char *write_text(const char *text)
{
    char *path = strdup("/tmp/test_command_check.XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

/* Runs check with these files; gives its exit code. */
static int check(const char *server, const char *transport, const char *expect, const char *queries)
{
    char *expect_file = write_text(expect);
    char *query_file = write_text(queries);
    const char *words[] = {"check",    "--server",  server,      "--transport",
                           transport,  "--expect",  expect_file, "--queries",
                           query_file, "--timeout", "300ms"};
    char *argv[sizeof(words) / sizeof(words[0])];
    int argc = sizeof(words) / sizeof(words[0]);
    int code;

    for (int i = 0; i < argc; i++)
        argv[i] = strdup(words[i]);
    optind = 0;
    code = command_check.run(argc, argv);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    unlink(expect_file);
    unlink(query_file);
    free(expect_file);
    free(query_file);
    return code;
}

static void a_port_where_nobody_listens_is_unreachable(void **state)
{
    static const char *const transports[] = {"udp", "tcp", "udp+tc"};
    char text[ADDR_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
        close(open_port(SOCK_DGRAM, text));
        assert_int_equal(check(text, transports[i], "a.test A 10.0.0.1\n", "a.test A\nb.test A\n"),
                         VERDICT_UNREACHABLE);
    }
}

/* Answers one query with FORMERR and no question. */
static void *answer_bare(void *argument)
{
    int fd = *(int *)argument;
    uint8_t message[512];
    struct addr peer;
    socklen_t len = sizeof(peer);
    ssize_t got = recvfrom(fd, message, sizeof(message), 0, &peer.sa, &len);

    if (got < MESSAGE_HEADER_OCTETS)
        return NULL;
    bytes_put_u16(message + 2, FLAG_QR | RCODE_FORMERR);
    memset(message + 4, 0, MESSAGE_HEADER_OCTETS - 4);
    (void)sendto(fd, message, MESSAGE_HEADER_OCTETS, 0, &peer.sa, len);
    return NULL;
}

static void an_error_without_its_question_is_wrong_also_where_nothing_was_expected(void **state)
{
    static const char *const expected[] = {"a.test A 10.0.0.1\n", "other.test A any\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char text[ADDR_TEXT_MAX];
        int fd = open_port(SOCK_DGRAM, text);
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, answer_bare, &fd), 0);
        assert_int_equal(check(text, "udp", expected[i], "a.test A\n"), VERDICT_WRONG);
        pthread_join(thread, NULL);
        close(fd);
    }
}

/* Ctrl-C instead of an answer to the first question. */
static void *interrupt_instead(void *argument)
{
    uint8_t message[512];

    if (recv(*(int *)argument, message, sizeof(message), 0) > 0)
        kill(getpid(), SIGINT);
    return NULL;
}

/* The last test: the flag stays. */
static void what_an_interrupt_cut_short_is_no_silence_of_the_server(void **state)
{
    char text[ADDR_TEXT_MAX];
    int fd = open_port(SOCK_DGRAM, text);
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_instead, &fd), 0);
    assert_int_equal(check(text, "udp", "a.test A any\n", "a.test A\n"), VERDICT_FAILED);
    pthread_join(thread, NULL);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_where_nobody_listens_is_unreachable),
        cmocka_unit_test(an_error_without_its_question_is_wrong_also_where_nothing_was_expected),
        cmocka_unit_test(what_an_interrupt_cut_short_is_no_silence_of_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
