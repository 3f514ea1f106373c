/* stage: the whole server on the fake network: a configuration's text, one or two workers that share
 * a cache, DNS clients, and upstream servers, whom the test plays. What is said on either side is text,
 * one record a line, so that a test reads like a transcript:
 *
 *     stage_open(&stage, 2, "forward: [{zone: ., servers: [10.0.0.2]}]\n");
 *     stage_ask(&stage, 0, "Www.example.com A");
 *     EXPECT_QUERY(&stage, "10.0.0.2 www.example.com. A rd");
 *     stage_answer(&stage, "NOERROR\nwww.example.com. 300 IN A 192.0.2.1\n");
 *     EXPECT_REPLY(&stage, "NOERROR rd ra\n? Www.example.com. IN A\nWww.example.com. 300 IN A 192.0.2.1\n");
 *     stage_close(&stage);
 */
#ifndef LOCAL53_TESTS_STAGE_H
#define LOCAL53_TESTS_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_net.h"
#include "local53/cache/cache.h"
#include "local53/server/snapshot.h"
#include "local53/server/worker.h"

#define STAGE_WORKERS_MAX 2
#define STAGE_TEXT_MAX 16384

struct stage {
    struct addr listen;                        /* 169.254.20.10:53, of all workers */
    struct cache *cache;                       /* owned; shared by the workers */
    struct metrics_names *names;               /* owned */
    struct snapshot *snapshot;                 /* held; the last one published to all */
    uint64_t epoch;                            /* of the last ruleset built */
    size_t worker_count;                       /* 1 or 2 */
    struct worker *workers[STAGE_WORKERS_MAX]; /* owned; NULL once stopped */
    struct fake_packet asked;                  /* the last upstream query taken */
    uint16_t reply_id;                         /* ID of the last reply taken */
    size_t reply_len;                          /* octets of it */
    char text[STAGE_TEXT_MAX];                 /* the last thing told */
};

/* An empty network, a cache of 1 MiB, and workers with the configuration: "listen" and "metrics" are
 * told already. Endpoints' literal addresses are known, names of targets are not resolved. */
void stage_open(struct stage *stage, size_t workers, const char *yaml);

/* Stops the workers in order and proves that nothing is left. */
void stage_close(struct stage *stage);

/* How each test of a group begins; the stage is the group's. */
struct stage_plan {
    struct stage *stage; /* borrowed */
    size_t workers;      /* 1 or 2 */
    const char *yaml;    /* configuration */
};

/* Setup and teardown of such a group's tests; the state is its struct stage_plan. */
int stage_begin(void **state);
int stage_end(void **state);

#define STAGE_TEST(test, plan)                                                                     \
    cmocka_unit_test_prestate_setup_teardown(test, stage_begin, stage_end, plan)

/* Stops one worker in order, with time for all it waits for. */
void stage_stop(struct stage *stage, size_t worker);

/* A snapshot of another configuration; the caller's reference. */
struct snapshot *stage_snapshot(struct stage *stage, const char *yaml);

/* Hands a snapshot (with its reference) to one worker or to all, or another configuration to all. */
void stage_publish(struct stage *stage, size_t worker, struct snapshot *snapshot);
void stage_publish_to_all(struct stage *stage, struct snapshot *snapshot);
void stage_reload(struct stage *stage, const char *yaml);

/* The same rules with other addresses of an endpoint ("10.0.0.1 2001:db8::1", "" for none known),
 * published to all. They are fresh for ttl_s, or literal when that is 0. */
void stage_set_addresses(struct stage *stage, size_t endpoint, const char *addresses,
                         uint32_t ttl_s);

/* A counter summed over the workers. */
uint64_t stage_count(const struct stage *stage, enum metrics_id id, size_t cell);

/* --- clients --- */

/* Sends a question over UDP to a worker and lets the network run: a name, a type, then any of: id=N,
 * from=N (the client, 1 unless told), CH (class), -rd, ad, cd, edns=SIZE, do. */
void stage_ask(struct stage *stage, size_t worker, const char *question);

/* The same without running: questions delivered before one run come in one batch. */
void stage_send(struct stage *stage, size_t worker, const char *question);

/* The oldest reply to a client as text ("" for none): rcode and flags, "? " and the question, records,
 * those of the authority section behind "auth ", of the additional one behind "add ", then
 * "edns SIZE [do] [ede=N]". */
const char *stage_reply(struct stage *stage, unsigned client);

/* Asks over UDP and gives the reply, which must come at once. */
const char *stage_lookup(struct stage *stage, size_t worker, const char *question);

/* A TCP connection to the first worker. */
uint64_t stage_connect(struct stage *stage);

/* Puts a question as it stands on a stream into out (cap octets); its length. */
size_t stage_frame(uint8_t *out, size_t cap, const char *question);

/* Sends a question on a connection and lets the network run. */
void stage_tcp_ask(struct stage *stage, uint64_t connection, const char *question);

/* The next whole reply on a connection as text, "" for none. */
const char *stage_tcp_reply(struct stage *stage, uint64_t connection);

/* --- upstream servers --- */

/* The oldest query sent to any server: "ADDRESS NAME TYPE [rd] [cd] [do]", "" for none. */
const char *stage_query(struct stage *stage);

/* The server of the last query taken answers: "RCODE [aa] [ad] [tc]", then records as in a reply; and
 * the network runs. Names keep their case. */
void stage_answer(struct stage *stage, const char *answer);

/* A question to the first worker that misses the cache, and what upstream says to it; the reply. */
const char *stage_resolve(struct stage *stage, const char *question, const char *answer);

/* Takes all queries sent meanwhile and gives how many. */
size_t stage_drop_queries(struct stage *stage);

/* Fails with both texts unless text begins with start. */
void stage_expect_start(const char *text, const char *start);

#define EXPECT_REPLY(stage, expected) assert_string_equal(stage_reply((stage), 1), (expected))
#define EXPECT_NO_REPLY(stage) assert_string_equal(stage_reply((stage), 1), "")
#define EXPECT_QUERY(stage, expected) assert_string_equal(stage_query(stage), (expected))
#define EXPECT_NO_QUERY(stage) assert_string_equal(stage_query(stage), "")
#define EXPECT_ANSWER(stage, worker, question, expected)                                           \
    assert_string_equal(stage_lookup((stage), (worker), (question)), (expected))

#endif
