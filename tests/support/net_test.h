/* net_test: driving a real loop in a test: run turns until something is true, at most 20 seconds. */
#ifndef LOCAL53_TESTS_NET_TEST_H
#define LOCAL53_TESTS_NET_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "local53/base/addr.h"
#include "local53/net/loop.h"
#include "local53/net/timer.h"
#include "local53/net/udp.h"

#define NET_TEST_LIMIT_MS 20000

/* A loop with its time limit; `done` ends net_test_run. */
struct net_test {
    struct loop *loop;   /* owned */
    struct alarm *limit; /* owned */
    bool timed_out;      /* the limit was passed */
};

static inline void net_test_on_limit(void *owner)
{
    struct net_test *test = owner;
    test->timed_out = true;
    loop_stop(test->loop);
}

static inline void net_test_init(struct net_test *test)
{
    test->loop = loop_new();
    test->limit = alarm_new(test->loop, net_test_on_limit, test);
    test->timed_out = false;
}

/* Runs until a callback calls loop_stop; false when the limit came first. */
static inline bool net_test_run_within(struct net_test *test, uint64_t limit_ms)
{
    alarm_set(test->limit, limit_ms);
    loop_run(test->loop);
    alarm_clear(test->limit);
    return !test->timed_out;
}

/* The same, with a limit for what hangs. */
static inline bool net_test_run(struct net_test *test)
{
    return net_test_run_within(test, NET_TEST_LIMIT_MS);
}

static inline void net_test_deinit(struct net_test *test)
{
    alarm_free(test->limit);
    loop_free(test->loop);
}

/* "127.0.0.1" or "::1" with a port the kernel picks. */
static inline struct addr net_test_addr(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(&addr, text, 0), ERR_OK);
    return addr;
}

/* A server's udp_on_batch that sends every datagram back. */
static inline void net_test_echo(void *owner, struct udp_server *server, struct udp_packet *packets,
                                 size_t count)
{
    (void)owner;
    for (size_t i = 0; i < count; i++) {
        memcpy(udp_server_reserve(server), packets[i].data, packets[i].len);
        udp_server_commit(server, &packets[i].peer, packets[i].len);
    }
}

#endif
