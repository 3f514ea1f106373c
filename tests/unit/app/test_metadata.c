/* The instance metadata, played by a thread with a socket on loopback: what it is asked, and what of its answers is
 * taken. */
#include "../../../src/app/metadata.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bound_socket.h"

#define ROUNDS 2
#define HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define TOKEN HEAD "AQAE-token=="

/* A server that gives one answer a connection, in this order, and ends. */
struct server {
    int fd;                      /* listens */
    const char *answers[ROUNDS]; /* borrowed; NULL from the first on that is not asked for */
    char requests[ROUNDS][1024]; /* what was asked */
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct server *server = arg;
    for (size_t i = 0; i < ROUNDS && server->answers[i] != NULL; i++) {
        int fd = accept(server->fd, NULL, NULL);
        ssize_t got = recv(fd, server->requests[i], sizeof(server->requests[i]) - 1, 0);
        if (got > 0)
            (void)send(fd, server->answers[i], strlen(server->answers[i]), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

/* Asks a server that gives these answers. */
static enum err ask(struct server *server, char out[PARTITION_REGION_MAX])
{
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    server->fd = bound_socket(&addr, SOCK_STREAM, AF_INET);
    assert_int_equal(listen(server->fd, ROUNDS), 0);
    assert_int_equal(setenv("LOCAL53_METADATA", addr_format(&addr, text), 1), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    enum err err = metadata_region(out);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    close(server->fd);
    return err;
}

static void assert_refused(const char *token, const char *region)
{
    struct server server = {.answers = {token, region}};
    char out[PARTITION_REGION_MAX];
    assert_int_equal(ask(&server, out), ERR_MALFORMED);
}

static void the_region_is_asked_for_with_a_token(void **state)
{
    struct server server = {.answers = {TOKEN, HEAD "eu-west-1"}};
    char out[PARTITION_REGION_MAX];
    (void)state;
    assert_int_equal(ask(&server, out), ERR_OK);
    assert_string_equal(out, "eu-west-1");
    assert_ptr_equal(strstr(server.requests[0], "PUT /latest/api/token HTTP/1.1\r\n"),
                     server.requests[0]);
    assert_non_null(strstr(server.requests[0], "X-aws-ec2-metadata-token-ttl-seconds: "));
    assert_ptr_equal(
        strstr(server.requests[1], "GET /latest/meta-data/placement/region HTTP/1.1\r\n"),
        server.requests[1]);
    assert_non_null(strstr(server.requests[1], "X-aws-ec2-metadata-token: AQAE-token==\r\n"));
}

/* As where the instance's hop limit, or its settings, keep pods from it. */
static void without_a_token_nothing_more_is_asked(void **state)
{
    (void)state;
    assert_refused("HTTP/1.1 403 Forbidden\r\n\r\nno", NULL);
    assert_refused("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL);
    assert_refused("H", NULL);
    assert_refused("SSH-2.0-x 200\r\n\r\nx", NULL);
}

static void what_is_no_region_is_none(void **state)
{
    char longer[sizeof(HEAD) + PARTITION_REGION_MAX] = HEAD;
    (void)state;
    assert_refused(TOKEN, "HTTP/1.1 404 Not Found\r\n\r\neu-west-1");
    assert_refused(TOKEN, HEAD "here");
    memset(longer + strlen(HEAD), 'a', PARTITION_REGION_MAX);
    assert_refused(TOKEN, longer);
}

static void where_nobody_listens_it_cannot_be_had(void **state)
{
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    char out[PARTITION_REGION_MAX];
    (void)state;
    int fd = bound_socket(&addr, SOCK_STREAM, AF_INET);
    assert_int_equal(setenv("LOCAL53_METADATA", addr_format(&addr, text), 1), 0);
    assert_int_equal(metadata_region(out), ERR_UNREACHABLE);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_region_is_asked_for_with_a_token),
        cmocka_unit_test(without_a_token_nothing_more_is_asked),
        cmocka_unit_test(what_is_no_region_is_none),
        cmocka_unit_test(where_nobody_listens_it_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
