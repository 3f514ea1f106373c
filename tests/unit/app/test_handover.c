/* Who may come to an address, and who is asked then: two instances of one loop each, both of this process, their loops
 * run by the test when they are to end. */
#include "../../../src/app/handover.h"

#include <unistd.h>

#include "../server/server_test.h"
#include "bound_socket.h"
#include "local53/node/claim.h"
#include "told.h"

/* An address, claims on it, and up to two instances. */
struct fixture {
    struct addr at;
    int claims[2]; /* descriptors, or -1 */
    struct metrics_names *names;
    struct cache *cache;
    struct snapshot *snapshot;
    struct handover *handovers[2];
    struct worker *workers[2];
};

static int set_up(void **state)
{
    static const struct hash_key secret = {1, 2};
    static struct fixture fixture;
    fixture = (struct fixture){.claims = {-1, -1}};
    close(bound_socket(&fixture.at, SOCK_DGRAM, AF_INET));
    fixture.names = metrics_names_new();
    fixture.cache = cache_new((size_t)1 << 20, &secret);
    fixture.snapshot = test_snapshot(1, fixture.names);
    *state = &fixture;
    return 0;
}

static void stop(struct worker *worker)
{
    worker_stop(worker);
    worker_run(worker);
    worker_free(worker);
}

/* Its sockets are closed, as at the end of a process. */
static void end(struct fixture *fixture, size_t which)
{
    if (fixture->workers[which] != NULL)
        stop(fixture->workers[which]);
    handover_free(fixture->handovers[which]);
    fixture->workers[which] = NULL;
    fixture->handovers[which] = NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        end(fixture, i);
        if (fixture->claims[i] >= 0)
            close(fixture->claims[i]);
    }
    snapshot_release(fixture->snapshot);
    cache_free(fixture->cache);
    metrics_names_free(fixture->names);
    return 0;
}

/* As an instance that has the address, or is about to. */
static void claim(struct fixture *fixture, size_t which)
{
    char name[CLAIM_NAME_MAX];
    char text[ADDR_TEXT_MAX];
    snprintf(name, sizeof(name), "local53-handover-%s-%zu", addr_format(&fixture->at, text), which);
    fixture->claims[which] = claim_take(name);
    assert_true(fixture->claims[which] >= 0);
}

static bool enters(struct fixture *fixture, size_t which, bool on, const char *wanted)
{
    struct told told;
    fixture->handovers[which] = handover_new(on, &fixture->at, 1);
    told_begin(&told);
    bool entered = handover_enter(fixture->handovers[which]);
    assert_true(told_end(&told, wanted));
    return entered;
}

static struct worker *open_loop(const struct fixture *fixture)
{
    struct addr failed;
    struct worker *worker = NULL;
    struct worker_setup setup = {.listen = &fixture->at,
                                 .listen_count = 1,
                                 .cache = fixture->cache,
                                 .snapshot = fixture->snapshot,
                                 .tcp_connections = 4};
    assert_int_equal(worker_new(&worker, &setup, &failed), ERR_OK);
    return worker;
}

/* Opens its sockets, and tells the kernel who is asked. */
static void begin(struct fixture *fixture, size_t which)
{
    fixture->workers[which] = open_loop(fixture);
    handover_begin(fixture->handovers[which], &fixture->workers[which], 1);
}

static void assert_told(const struct fixture *fixture, size_t which, const char *expected)
{
    assert_string_equal(handover_tell(fixture->handovers[which]), expected);
}

static void a_stranger_s_address_is_refused_with_and_without_the_key(void **state)
{
    struct fixture *fixture = *state;
    int fd = bound_socket_at(&fixture->at, SOCK_DGRAM);
    assert_false(enters(fixture, 0, false, "stop it or choose another address"));
    assert_false(enters(fixture, 1, true, "has node.handover: true as well"));
    handover_free(fixture->handovers[0]);
    fixture->handovers[0] = NULL;
    close(fd);
}

static void an_instance_without_the_key_is_not_come_beside(void **state)
{
    struct fixture *fixture = *state;
    assert_true(enters(fixture, 0, false, ""));
    begin(fixture, 0);
    assert_told(fixture, 0, "off");
    assert_false(enters(fixture, 1, true, "has node.handover: true as well"));
}

static void a_third_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_true(enters(fixture, 0, true, ""));
    begin(fixture, 0);
    claim(fixture, 1);
    assert_false(enters(fixture, 1, true, "2 instances have it already"));
}

/* The sockets of one that is just ending are gone, its claims not yet; or they are a stranger's. */
static void claims_alone_keep_nobody_away(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 0);
    claim(fixture, 1);
    assert_true(enters(fixture, 0, true, ""));
    assert_false(handover_is_beside(fixture->handovers[0]));
}

static void begin_both(struct fixture *fixture)
{
    assert_true(enters(fixture, 0, true, ""));
    begin(fixture, 0);
    assert_told(fixture, 0, "alone");
    assert_true(enters(fixture, 1, true, ""));
    begin(fixture, 1);
}

static void the_second_is_beside_until_the_first_is_gone(void **state)
{
    struct fixture *fixture = *state;
    begin_both(fixture);
    assert_false(handover_is_beside(fixture->handovers[0]));
    assert_true(handover_is_beside(fixture->handovers[1]));
    assert_false(handover_look(fixture->handovers[1]));
    end(fixture, 0);
    assert_true(handover_look(fixture->handovers[1]));
    assert_told(fixture, 1, "alone");
    assert_false(handover_look(fixture->handovers[1]));
}

static void who_leaves_first_leads_to_the_second(void **state)
{
    struct fixture *fixture = *state;
    begin_both(fixture);
    assert_true(handover_leave(fixture->handovers[0]));
    assert_told(fixture, 0, "leaving, another instance is asked");
}

static void who_leaves_with_nobody_behind_it_leads_nowhere(void **state)
{
    struct fixture *fixture = *state;
    begin_both(fixture);
    assert_false(handover_leave(fixture->handovers[1]));
    end(fixture, 1);
    assert_false(handover_leave(fixture->handovers[0]));
}

/* One of two loops came after one of one: the second of its sockets took the first place. Those in the last place, next
 * to the successor's, go first. */
static void who_leaves_at_once_after_it_came_knows_its_places(void **state)
{
    struct fixture *fixture = *state;
    assert_true(enters(fixture, 0, true, ""));
    begin(fixture, 0);
    assert_true(enters(fixture, 1, true, ""));
    struct worker *two[] = {open_loop(fixture), open_loop(fixture)};
    handover_begin(fixture->handovers[1], two, 2);
    end(fixture, 0);
    assert_true(enters(fixture, 0, true, ""));
    begin(fixture, 0);
    assert_true(handover_leave(fixture->handovers[1]));
    assert_int_equal(handover_next(fixture->handovers[1], 2), 0);
    stop(two[0]);
    assert_int_equal(handover_next(fixture->handovers[1], 1), 1);
    stop(two[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_stranger_s_address_is_refused_with_and_without_the_key),
        CASE(an_instance_without_the_key_is_not_come_beside),
        CASE(a_third_is_refused),
        CASE(claims_alone_keep_nobody_away),
        CASE(the_second_is_beside_until_the_first_is_gone),
        CASE(who_leaves_first_leads_to_the_second),
        CASE(who_leaves_with_nobody_behind_it_leads_nowhere),
        CASE(who_leaves_at_once_after_it_came_knows_its_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
