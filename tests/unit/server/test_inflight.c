/* The table of questions in flight: what is one question, how it fills, and what it gives back. */
#include "local53/server/inflight.h"

#include "server_test.h"

#define QUESTIONS 4
#define WAITERS 6

/* A table and the snapshots its questions are decided under. */
struct fixture {
    struct inflight inflight;
    struct metrics_names *names;
    struct snapshot *old;  /* epoch 1 */
    struct snapshot *copy; /* its rules, other addresses */
    struct snapshot *new;  /* epoch 2 */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    inflight_init(&fixture.inflight, QUESTIONS, WAITERS);
    fixture.names = metrics_names_new();
    fixture.old = test_snapshot(1, fixture.names);
    fixture.copy = snapshot_copy(fixture.old);
    fixture.new = test_snapshot(2, fixture.names);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    inflight_deinit(&fixture->inflight);
    snapshot_release(fixture->old);
    snapshot_release(fixture->copy);
    snapshot_release(fixture->new);
    metrics_names_free(fixture->names);
    return 0;
}

/* A question's key: name and type; everything else plain. */
struct key {
    struct name name;
    struct cache_key cache;
    struct inflight_key inflight;
};

static void make_key(struct key *key, const char *name, const struct snapshot *snapshot)
{
    static const struct hash_key secret = {1, 2};
    key->name = test_name(name);
    key->cache = (struct cache_key){.name = &key->name, .type = TYPE_A, .class = CLASS_IN};
    cache_key_hash(&key->cache, &secret);
    key->inflight = (struct inflight_key){
        .key = &key->cache, .recursion_desired = true, .pool = 0, .snapshot = snapshot};
}

static struct pending *add(struct fixture *fixture, const char *name)
{
    struct key key;
    make_key(&key, name, fixture->old);
    return inflight_add(&fixture->inflight, &key.inflight, fixture->old);
}

static bool join(struct fixture *fixture, struct pending *pending, uint64_t received_us)
{
    uint8_t packet[512];
    struct request request;
    struct client client = {.transport = CLIENT_UDP, .received_us = received_us};
    test_request(&request, packet, "www.example", TYPE_A);
    return inflight_join(&fixture->inflight, pending, &client, &request);
}

static void a_question_is_found_again_by_its_key_and_by_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct pending *pending = add(fixture, "www.example");
    struct key key;
    make_key(&key, "WWW.example", fixture->old);
    assert_ptr_equal(inflight_find(&fixture->inflight, &key.inflight), pending);
    key.inflight.recursion_desired = false;
    assert_null(inflight_find(&fixture->inflight, &key.inflight));
    make_key(&key, "www.example", fixture->old);
    key.inflight.pool = 1;
    assert_null(inflight_find(&fixture->inflight, &key.inflight));
    make_key(&key, "ww.example", fixture->old);
    assert_null(inflight_find(&fixture->inflight, &key.inflight));
    inflight_remove(&fixture->inflight, pending);
    make_key(&key, "www.example", fixture->old);
    assert_null(inflight_find(&fixture->inflight, &key.inflight));
}

/* RFC 4035 section 3.2: DO and CD ask for another answer. */
static void type_class_do_and_cd_make_another_question(void **state)
{
    static const struct hash_key secret = {1, 2};
    struct fixture *fixture = *state;
    struct pending *pending = add(fixture, "www.example");
    struct cache_key others[4];
    struct key key;
    make_key(&key, "www.example", fixture->old);
    for (size_t i = 0; i < 4; i++)
        others[i] = key.cache;
    others[0].type = TYPE_AAAA;
    others[1].class = CLASS_CH;
    others[2].dnssec_ok = true;
    others[3].checking_disabled = true;
    for (size_t i = 0; i < 4; i++) {
        cache_key_hash(&others[i], &secret);
        key.inflight.key = &others[i];
        assert_null(inflight_find(&fixture->inflight, &key.inflight));
    }
    inflight_remove(&fixture->inflight, pending);
}

static void a_question_of_other_rules_is_another_one_and_of_other_addresses_is_not(void **state)
{
    struct fixture *fixture = *state;
    struct pending *pending = add(fixture, "www.example");
    struct key key;
    make_key(&key, "www.example", fixture->new);
    assert_null(inflight_find(&fixture->inflight, &key.inflight));
    make_key(&key, "www.example", fixture->copy);
    assert_ptr_equal(inflight_find(&fixture->inflight, &key.inflight), pending);
    inflight_remove(&fixture->inflight, pending);
}

static void a_question_keeps_its_name_and_holds_its_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct pending *pending = add(fixture, "Www.example"); /* the key it was made of is gone */
    struct name name = test_name("www.example");
    assert_true(name_equal(pending->key.name, &name));
    assert_int_equal(fixture->old->references, 2);
    inflight_remove(&fixture->inflight, pending);
    assert_int_equal(fixture->old->references, 1);
}

static void waiters_leave_in_the_order_they_came(void **state)
{
    struct fixture *fixture = *state;
    struct pending *pending = add(fixture, "www.example");
    for (uint64_t i = 1; i <= 3; i++)
        assert_true(join(fixture, pending, i));
    for (uint64_t i = 1; i <= 3; i++) {
        struct waiter *waiter = inflight_take_waiter(pending);
        assert_int_equal(waiter->client.received_us, i);
        inflight_give(&fixture->inflight, waiter);
    }
    assert_null(inflight_take_waiter(pending));
    inflight_remove(&fixture->inflight, pending);
    assert_int_equal(slab_used(&fixture->inflight.waiters), 0);
}

static void a_full_table_refuses_questions_until_one_ends(void **state)
{
    static const char *const names[] = {"a.x", "b.x", "c.x", "d.x"};
    struct fixture *fixture = *state;
    struct pending *held[QUESTIONS];
    for (size_t i = 0; i < QUESTIONS; i++) {
        held[i] = add(fixture, names[i]);
        assert_non_null(held[i]);
    }
    assert_null(add(fixture, "e.x"));
    assert_int_equal(fixture->old->references, 1 + QUESTIONS);
    inflight_remove(&fixture->inflight, held[2]);
    held[2] = add(fixture, "e.x");
    assert_non_null(held[2]);
    for (size_t i = 0; i < QUESTIONS; i++)
        inflight_remove(&fixture->inflight, held[i]);
}

static void no_more_clients_may_wait_than_there_is_room_for(void **state)
{
    struct fixture *fixture = *state;
    struct pending *pending = add(fixture, "www.example");
    for (uint64_t i = 0; i < WAITERS; i++)
        assert_true(join(fixture, pending, i));
    assert_false(join(fixture, pending, WAITERS));
    inflight_remove(&fixture->inflight, pending); /* and what waits with it */
    assert_int_equal(slab_used(&fixture->inflight.waiters), 0);
}

/* What an ordered stop waits for. */
static void the_oldest_question_is_known_and_numbers_only_grow(void **state)
{
    struct fixture *fixture = *state;
    assert_null(inflight_oldest(&fixture->inflight));
    struct pending *first = add(fixture, "a.x");
    struct pending *second = add(fixture, "b.x");
    assert_true(second->sequence > first->sequence);
    assert_ptr_equal(inflight_oldest(&fixture->inflight), first);
    inflight_remove(&fixture->inflight, first);
    assert_ptr_equal(inflight_oldest(&fixture->inflight), second);
    uint64_t last = second->sequence;
    inflight_remove(&fixture->inflight, second);
    first = add(fixture, "a.x");
    assert_true(first->sequence > last);
    inflight_remove(&fixture->inflight, first);
}

static void a_question_that_goes_on_with_another_is_as_old(void **state)
{
    struct fixture *fixture = *state;
    struct pending *first = add(fixture, "a.x");
    struct pending *second = add(fixture, "b.x");
    struct pending *third = add(fixture, "c.x");
    inflight_follow(third, first);
    inflight_follow(first, second);
    assert_int_equal(third->sequence, first->sequence);
    assert_true(first->sequence < second->sequence);
    inflight_remove(&fixture->inflight, first);
    assert_ptr_equal(inflight_oldest(&fixture->inflight), third);
    inflight_remove(&fixture->inflight, third);
    assert_ptr_equal(inflight_oldest(&fixture->inflight), second);
    inflight_remove(&fixture->inflight, second);
}

#define TABLE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE_TEST(a_question_is_found_again_by_its_key_and_by_no_other),
        TABLE_TEST(type_class_do_and_cd_make_another_question),
        TABLE_TEST(a_question_of_other_rules_is_another_one_and_of_other_addresses_is_not),
        TABLE_TEST(a_question_keeps_its_name_and_holds_its_snapshot),
        TABLE_TEST(waiters_leave_in_the_order_they_came),
        TABLE_TEST(a_full_table_refuses_questions_until_one_ends),
        TABLE_TEST(no_more_clients_may_wait_than_there_is_room_for),
        TABLE_TEST(the_oldest_question_is_known_and_numbers_only_grow),
        TABLE_TEST(a_question_that_goes_on_with_another_is_as_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
