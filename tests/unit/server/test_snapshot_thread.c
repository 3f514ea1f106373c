/* Snapshots held and given back by several threads while the main thread publishes copies: run under
 * the thread sanitizer, whose word, with the leak check's, is the result. */
#include <pthread.h>

#include "server_test.h"

#define THREADS 4
#define ROUNDS 2000

/* The place a snapshot is handed over at, as a worker's mailbox does. */
struct place {
    pthread_mutex_t lock;      /* guards the pointer */
    struct snapshot *snapshot; /* held */
};

static struct snapshot *take(struct place *place)
{
    pthread_mutex_lock(&place->lock);
    struct snapshot *snapshot = snapshot_hold(place->snapshot);
    pthread_mutex_unlock(&place->lock);
    return snapshot;
}

static void publish(struct place *place, struct snapshot *snapshot)
{
    pthread_mutex_lock(&place->lock);
    struct snapshot *before = place->snapshot;
    place->snapshot = snapshot;
    pthread_mutex_unlock(&place->lock);
    snapshot_release(before);
}

/* Reads through each snapshot it takes; gives how many answers were wrong. */
static void *read_snapshots(void *arg)
{
    struct place *place = arg;
    const struct name name = test_name("b.example");
    size_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct decision decision;
        struct snapshot *snapshot = take(place);
        struct snapshot *again = snapshot_hold(snapshot);
        snapshot_release(snapshot);
        bool found = ruleset_find_rule(again->rules, &name, &decision);
        wrong += !found || again->addresses[decision.index].state != ADDRESSES_LITERAL;
        snapshot_release(again);
    }
    return (void *)wrong;
}

static struct snapshot *fresh_rules(uint64_t epoch, struct metrics_names *names)
{
    struct snapshot *snapshot = test_snapshot(epoch, names);
    snapshot->addresses[1].state = ADDRESSES_LITERAL;
    return snapshot;
}

static void threads_hold_and_release_while_others_are_published(void **state)
{
    struct metrics_names *names = metrics_names_new();
    struct place place = {.snapshot = fresh_rules(1, names)};
    pthread_t threads[THREADS];
    (void)state;
    pthread_mutex_init(&place.lock, NULL);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_snapshots, &place), 0);
    for (uint64_t epoch = 2; epoch < 50; epoch++) {
        publish(&place, snapshot_copy(place.snapshot));
        publish(&place, fresh_rules(epoch, names));
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(place.snapshot->references, 1);
    snapshot_release(place.snapshot);
    pthread_mutex_destroy(&place.lock);
    metrics_names_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_hold_and_release_while_others_are_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
