/* serve_test: a fault server on a thread of its own, on a port that the kernel picks, and a
 * client. Its ready line is read from stderr, so no test guesses when it answers. Fails: an
 * assertion of the test. */
#ifndef DNSBENCH_TESTS_SERVE_TEST_H
#define DNSBENCH_TESTS_SERVE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "faults/server.h"
#include "local53/dns/message.h"
#include "measure/units.h"
#include "wire.h"

#define SERVE_TEST_QUERY_MAX 512
#define SERVE_TEST_SERIES_MAX 1000
#define SERVE_TEST_WAIT_S 20 /* longest wait for an answer that must come */

struct serve_test {
    struct fault_server_config config; /* set up by serve_test_init, changed by the test */
    struct fault_truth truth;          /* after serve_test_stop; its histogram is deinit'ed there */
    uint64_t hold_min_ns;              /* of the histogram */
    uint64_t hold_count;               /* the same */
    _Atomic bool stop;                 /* ends it */
    pthread_t thread;                  /* where it runs */
    enum err err;                      /* how it ended */
    struct addr address;               /* told by its ready line */
};

static inline void serve_test_init(struct serve_test *test, const char *listen)
{
    memset(test, 0, sizeof(*test));
    test->config.tcp = true;
    test->config.cpu = -1;
    fault_plan_init(&test->config.plan);
    assert_int_equal(addr_parse(&test->config.listen, listen, 0), ERR_OK);
}

static inline void serve_test_plan(struct serve_test *test, const char *name, const char *value)
{
    char why[FAULTS_WHY_OCTETS];

    assert_int_equal(fault_plan_set(&test->config.plan, name, value, why), ERR_OK);
}

static inline void *serve_test_run(void *arg)
{
    struct serve_test *test = arg;

    test->err = fault_server_run(&test->config, &test->stop, &test->truth);
    return NULL;
}

/* Starts it and waits for "listening on ADDR:PORT". */
static inline void serve_test_start(struct serve_test *test)
{
    static const char ready[] = "listening on ";
    char line[128];
    int ends[2];
    int before = dup(STDERR_FILENO);
    ssize_t got;

    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    assert_int_equal(pthread_create(&test->thread, NULL, serve_test_run, test), 0);
    got = read(ends[0], line, sizeof(line) - 1);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    (void)close(before);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_true(got > (ssize_t)sizeof(ready) && line[got - 1] == '\n');
    line[got - 1] = '\0';
    assert_memory_equal(line, ready, sizeof(ready) - 1);
    assert_int_equal(addr_parse(&test->address, line + sizeof(ready) - 1, 0), ERR_OK);
    assert_true(addr_port(&test->address) != 0);
}

/* Stops it; the truth adds up. */
static inline void serve_test_stop(struct serve_test *test)
{
    const struct fault_truth *t = &test->truth;

    test->stop = true;
    assert_int_equal(pthread_join(test->thread, NULL), 0);
    assert_int_equal(test->err, ERR_OK);
    assert_int_equal(t->received,
                     t->answered + t->dropped + t->overflowed + t->send_failed + t->malformed);
    assert_int_equal(t->hold.total, t->answered);
    test->hold_min_ns = t->hold.min_ns;
    test->hold_count = t->hold.total;
    histogram_deinit(&test->truth.hold);
}

/* A socket connected to an address of the server, with a limit to its waits. */
static inline int serve_test_connect(const struct addr *to, int type)
{
    const struct timeval limit = {.tv_sec = SERVE_TEST_WAIT_S};
    const int room = 1 << 22;
    int fd = socket(to->sa.sa_family, type, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    if (type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    assert_int_equal(connect(fd, &to->sa, addr_len(to)), 0);
    return fd;
}

/* Writes a query with this id, for A of a name that exists; gives its length. */
static inline size_t serve_test_query(uint8_t out[SERVE_TEST_QUERY_MAX], uint16_t id)
{
    struct writer w = writer_init(out, SERVE_TEST_QUERY_MAX);

    wire_query(&w, "www.example.com", TYPE_A, false);
    bytes_put_u16(out, id);
    return w.len;
}

/* Sends queries of the ids 0..count-1 over UDP. */
static inline void serve_test_send(int fd, uint16_t count)
{
    uint8_t query[SERVE_TEST_QUERY_MAX];

    for (uint16_t id = 0; id < count; id++) {
        size_t len = serve_test_query(query, id);

        assert_int_equal(send(fd, query, len, 0), len);
    }
}

/* Reads one answer over UDP that must come; gives its length. */
static inline size_t serve_test_answer(int fd, uint8_t out[SERVE_TEST_QUERY_MAX])
{
    ssize_t got = recv(fd, out, SERVE_TEST_QUERY_MAX, 0);

    assert_true(got >= MESSAGE_HEADER_OCTETS);
    return (size_t)got;
}

/* What a client saw. */
struct serve_test_seen {
    size_t sent;                          /* queries */
    size_t got;                           /* answers */
    size_t rcode[16];                     /* of these */
    size_t truncated;                     /* TC */
    size_t empty;                         /* no record in the answer section */
    size_t no_match;                      /* another question than the one asked */
    bool last;                            /* one of the ids from SERVE_TEST_LAST on was answered */
    bool answered[SERVE_TEST_SERIES_MAX]; /* by id, those of the series */
};

/* Ids of the queries that end a series. */
#define SERVE_TEST_LAST 60000

static inline void serve_test_look(struct serve_test_seen *seen, const uint8_t *answer, size_t len)
{
    uint8_t query[SERVE_TEST_QUERY_MAX];
    size_t question = serve_test_query(query, 0) - MESSAGE_HEADER_OCTETS;

    assert_true(len >= MESSAGE_HEADER_OCTETS + question);
    seen->got++;
    seen->rcode[message_rcode(answer)]++;
    seen->truncated += (message_flags(answer) & FLAG_TC) != 0;
    seen->empty += bytes_get_u16(answer + ANCOUNT_OFFSET) == 0;
    seen->no_match +=
        memcmp(answer + MESSAGE_HEADER_OCTETS, query + MESSAGE_HEADER_OCTETS, question) != 0;
    uint16_t id = bytes_get_u16(answer);
    seen->last = seen->last || id >= SERVE_TEST_LAST;
    if (id < SERVE_TEST_SERIES_MAX)
        seen->answered[id] = true;
}

/* Looks at the answers that are there, or come within wait_ms. */
static inline void serve_test_read(struct serve_test_seen *seen, int fd, int wait_ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    uint8_t answer[SERVE_TEST_QUERY_MAX];

    while (poll(&polled, 1, wait_ms) > 0) {
        ssize_t len = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

        assert_true(len > 0);
        serve_test_look(seen, answer, (size_t)len);
        if (seen->last)
            wait_ms = 0;
    }
}

/* Sends count queries to a server over UDP, and one more until an answer says that it was read,
 * and all before it with it; then stops the server and looks at the rest. */
static inline struct serve_test_seen serve_test_series(struct serve_test *test, uint16_t count)
{
    struct serve_test_seen seen = {.sent = count};
    uint8_t query[SERVE_TEST_QUERY_MAX];
    size_t len = serve_test_query(query, SERVE_TEST_LAST);
    int fd = serve_test_connect(&test->address, SOCK_DGRAM);

    assert_true(count <= SERVE_TEST_SERIES_MAX);
    serve_test_send(fd, count);
    for (int attempt = 0; !seen.last && attempt < 400; attempt++) {
        assert_int_equal(send(fd, query, len, 0), len);
        seen.sent++;
        serve_test_read(&seen, fd, 50);
    }
    assert_true(seen.last);
    serve_test_stop(test);
    serve_test_read(&seen, fd, 0);
    (void)close(fd);
    assert_int_equal(test->truth.received, seen.sent);
    return seen;
}

#endif
