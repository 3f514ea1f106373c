/* The responder, asked over loopback by a stream that sends what a test wrote. */
#include "net_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/net/http.h"
#include "local53/net/stream.h"

/* A server and one client connection. */
struct fixture {
    struct net_test test;
    struct http_server *server;
    struct stream *stream;
    unsigned asked;     /* calls of the handler */
    bool ended;         /* the server closed the connection */
    bool drip;          /* send the request octet by octet */
    char answer[16384]; /* what came back */
    size_t len;         /* octets in answer */
    const char *until;  /* text that ends the wait; NULL for the end of the connection */
};

static void on_get(void *owner, const char *path, struct http_answer *answer)
{
    struct fixture *fixture = owner;
    fixture->asked++;
    if (strcmp(path, "/metrics") != 0)
        return;
    answer->status = 200;
    answer->content_type = "text/plain; version=0.0.4";
    answer->body = strdup("queries 1\n");
    assert_non_null(answer->body);
    answer->body_len = strlen(answer->body);
}

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct fixture *fixture = owner;
    (void)stream;
    *cap = sizeof(fixture->answer) - 1 - fixture->len;
    return (uint8_t *)fixture->answer + fixture->len;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct fixture *fixture = owner;
    (void)stream;
    fixture->len += len;
    if (fixture->until != NULL && strstr(fixture->answer, fixture->until) != NULL)
        loop_stop(fixture->test.loop);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct fixture *fixture = owner;
    (void)stream;
    (void)err;
    fixture->ended = true;
    fixture->stream = NULL;
    loop_stop(fixture->test.loop);
}

static const struct stream_events events = {
    .on_space = on_space, .on_data = on_data, .on_end = on_end};

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    struct addr addr = net_test_addr("127.0.0.1");
    net_test_init(&fixture->test);
    assert_int_equal(http_server_open(&fixture->server, fixture->test.loop, &addr, on_get, fixture),
                     ERR_OK);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->stream != NULL)
        stream_abort(fixture->stream);
    http_server_close(fixture->server);
    net_test_deinit(&fixture->test);
    test_free(fixture);
    return 0;
}

/* Sends the text and waits for `until` in the answer, or for the end of the connection. */
static const char *ask(struct fixture *fixture, const char *text, size_t len, const char *until)
{
    struct addr addr = http_server_addr(fixture->server);
    size_t step = fixture->drip ? 1 : len;
    fixture->len = 0;
    fixture->until = until;
    memset(fixture->answer, 0, sizeof(fixture->answer));
    if (fixture->stream == NULL)
        assert_int_equal(
            stream_connect_tcp(&fixture->stream, fixture->test.loop, &addr, &events, fixture),
            ERR_OK);
    for (size_t pos = 0; pos < len; pos += step)
        assert_true(stream_write(fixture->stream, text + pos, step, NULL, 0));
    assert_true(net_test_run(&fixture->test));
    return fixture->answer;
}

static void a_get_is_answered_with_its_length_and_the_connection_stays(void **state)
{
    struct fixture *fixture = *state;
    const char *request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    const char *answer = ask(fixture, request, strlen(request), "queries 1\n");
    assert_string_equal(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                                "Content-Length: 10\r\nConnection: keep-alive\r\n\r\nqueries 1\n");
    ask(fixture, request, strlen(request), "queries 1\n");
    assert_int_equal(fixture->asked, 2);
    assert_false(fixture->ended);
}

static void a_head_has_the_length_but_no_body(void **state)
{
    struct fixture *fixture = *state;
    const char *request = "HEAD /metrics HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n";
    const char *answer = ask(fixture, request, strlen(request), "404 Not Found");
    assert_non_null(strstr(answer, "Content-Length: 10\r\n"));
    assert_null(strstr(answer, "queries"));
}

static void a_query_part_does_not_count_and_an_unknown_path_is_404(void **state)
{
    struct fixture *fixture = *state;
    const char *request = "GET /metrics?name[]=x HTTP/1.1\r\n\r\n";
    ask(fixture, request, strlen(request), "queries 1\n");
    request = "GET /metric HTTP/1.1\r\n\r\n";
    const char *answer = ask(fixture, request, strlen(request), "\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 404 Not Found\r\n", 24);
}

static void a_request_in_single_octets_is_one_request(void **state)
{
    struct fixture *fixture = *state;
    const char *request = "GET /metrics HTTP/1.1\nHost: x\n\n";
    fixture->drip = true;
    ask(fixture, request, strlen(request), "queries 1\n");
    assert_int_equal(fixture->asked, 1);
}

static void old_clients_and_those_that_ask_for_it_get_a_close(void **state)
{
    struct fixture *fixture = *state;
    const char *request = "GET /metrics HTTP/1.0\r\n\r\n";
    const char *answer = ask(fixture, request, strlen(request), NULL);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    request = "GET /metrics HTTP/1.1\r\nConnection: Close\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n";
    answer = ask(fixture, request, strlen(request), NULL);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_int_equal(fixture->asked, 2);
}

/* Each on a connection of its own, since each ends it. */
static void bad_requests_are_refused_by_their_kind(void **state)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"\r\n\r\n", "HTTP/1.1 400"},
        {"GET\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics\r\n\r\n", "HTTP/1.1 400"},
        {"GET  /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
        {"GET metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics HTTP/1.1 x\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics SPDY/3\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics HTTP/2.0\r\n\r\n", "HTTP/1.1 505"},
        {"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics HTTP/1.1\r\n: nameless\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400"},
        {"GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 400"},
        {"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400"},
        {"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405"},
        {"get /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer = ask(fixture, cases[i].request, strlen(cases[i].request), "\r\n\r\n");
        assert_memory_equal(answer, cases[i].status, strlen(cases[i].status));
        assert_non_null(strstr(answer, "Connection: close\r\n"));
        stream_abort(fixture->stream);
        assert_true(net_test_run(&fixture->test));
    }
    assert_int_equal(fixture->asked, 0);
}

static void an_octet_zero_is_no_request(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "GET /met\0rics HTTP/1.1\r\n\r\n";
    const char *answer = ask(fixture, request, sizeof(request) - 1, "\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 400", 12);
}

static void a_head_without_end_is_431_and_the_rest_is_thrown_away(void **state)
{
    struct fixture *fixture = *state;
    char *request = test_malloc(20000);
    memset(request, 'a', 20000);
    const char *answer = ask(fixture, request, 20000, NULL);
    assert_memory_equal(answer, "HTTP/1.1 431", 12);
    assert_true(fixture->ended);
    assert_int_equal(fixture->asked, 0);
    test_free(request);
}

/* --- many clients --- */

#define CLIENTS 33 /* one more than is served */

struct crowd {
    struct net_test test;
    struct http_server *server;
    struct stream *streams[CLIENTS];
    char answer[64]; /* start of what any of them got */
    size_t len;      /* octets in answer */
    unsigned open;   /* streams not ended */
};

static uint8_t *on_crowd_space(void *owner, struct stream *stream, size_t *cap)
{
    struct crowd *crowd = owner;
    (void)stream;
    *cap = sizeof(crowd->answer) - 1;
    return (uint8_t *)crowd->answer;
}

static void on_crowd_data(void *owner, struct stream *stream, size_t len)
{
    struct crowd *crowd = owner;
    (void)stream;
    if (crowd->len == 0) {
        crowd->len = len;
        assert_memory_equal(crowd->answer, "HTTP/1.1 503", 12);
        loop_stop(crowd->test.loop);
    }
}

static void on_crowd_end(void *owner, struct stream *stream, enum err err)
{
    struct crowd *crowd = owner;
    (void)stream;
    (void)err;
    if (--crowd->open == 0)
        loop_stop(crowd->test.loop);
}

static const struct stream_events crowd_events = {
    .on_space = on_crowd_space, .on_data = on_crowd_data, .on_end = on_crowd_end};

static void the_connection_too_many_gets_503_and_a_close_of_the_server_ends_all(void **state)
{
    struct crowd crowd = {.open = CLIENTS};
    struct addr addr = net_test_addr("127.0.0.1");
    (void)state;
    net_test_init(&crowd.test);
    assert_int_equal(http_server_open(&crowd.server, crowd.test.loop, &addr, on_get, NULL), ERR_OK);
    addr = http_server_addr(crowd.server);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(
            stream_connect_tcp(&crowd.streams[i], crowd.test.loop, &addr, &crowd_events, &crowd),
            ERR_OK);
    assert_true(net_test_run(&crowd.test));
    assert_true(crowd.len > 0);
    http_server_close(crowd.server);
    assert_true(net_test_run(&crowd.test));
    assert_int_equal(crowd.open, 0);
    net_test_deinit(&crowd.test);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_get_is_answered_with_its_length_and_the_connection_stays),
        TEST(a_head_has_the_length_but_no_body),
        TEST(a_query_part_does_not_count_and_an_unknown_path_is_404),
        TEST(a_request_in_single_octets_is_one_request),
        TEST(old_clients_and_those_that_ask_for_it_get_a_close),
        TEST(bad_requests_are_refused_by_their_kind),
        TEST(an_octet_zero_is_no_request),
        TEST(a_head_without_end_is_431_and_the_rest_is_thrown_away),
        cmocka_unit_test(the_connection_too_many_gets_503_and_a_close_of_the_server_ends_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
