/* The names asked most: one query over UDP of WORKER_SAMPLE is put on its loop's list, which others see with the
 * loop's sign of life. */
#include <stdio.h>
#include <string.h>

#include "stage.h"

#define ITEMS 8

static const char CONFIG[] = "endpoints:\n"
                             "  - {names: ['*.hot.example'], addresses: [10.0.0.1]}\n"
                             "forward:\n"
                             "  - {zone: ., servers: [10.0.0.2]}\n";

static struct stage stage;
static struct stage_plan plan = {&stage, 2, CONFIG};

/* What all loops show, most asked first. */
static size_t shown(struct toplist_item items[ITEMS])
{
    struct toplist_setup setup = {.capacity = ITEMS, .secret = {3, 4}};
    struct toplist *sum = toplist_new(&setup);
    for (size_t i = 0; i < stage.worker_count; i++)
        worker_merge_asked(stage.workers[i], sum);
    size_t count = toplist_items(sum, items, ITEMS);
    toplist_free(sum);
    return count;
}

static void give_signs_of_life(void)
{
    for (size_t i = 0; i < stage.worker_count; i++)
        worker_poke(stage.workers[i], stage.workers[i]->poked_ms + WORKER_POKE_MS);
    fake_net_run();
}

/* Asks in batches of `batch`. */
static void ask_often(size_t worker, const char *question, unsigned count, unsigned batch)
{
    for (unsigned i = 1; i <= count; i++) {
        stage_send(&stage, worker, question);
        if (i % batch == 0 || i == count)
            fake_net_run();
    }
    while (stage_reply(&stage, 1)[0] != '\0') {}
}

static void one_query_of_a_sample_s_size_is_on_the_list(void **state)
{
    struct toplist_item items[ITEMS];
    (void)state;
    ask_often(0, "a.hot.example A", 10 * WORKER_SAMPLE, 1);
    assert_int_equal(shown(items), 0);
    give_signs_of_life();
    assert_int_equal(shown(items), 1);
    assert_int_equal(items[0].count, 10);
    assert_int_equal(items[0].error, 0);
    assert_int_equal(items[0].type, TYPE_A);
}

static void batches_change_nothing_about_how_many_are_taken(void **state)
{
    struct toplist_item items[ITEMS];
    (void)state;
    ask_often(0, "a.hot.example AAAA", 30 * WORKER_SAMPLE, 24);
    give_signs_of_life();
    assert_int_equal(shown(items), 1);
    assert_int_equal(items[0].count, 30);
    assert_int_equal(items[0].type, TYPE_AAAA);
}

static void fewer_queries_than_a_sample_are_not_listed(void **state)
{
    struct toplist_item items[ITEMS];
    (void)state;
    ask_often(0, "a.hot.example A", WORKER_SAMPLE - 1, 1);
    give_signs_of_life();
    assert_int_equal(shown(items), 0);
    ask_often(0, "b.hot.example A", 1, 1);
    give_signs_of_life();
    assert_int_equal(shown(items), 1);
}

static void lists_of_all_loops_are_added_up(void **state)
{
    struct toplist_item items[ITEMS];
    (void)state;
    ask_often(0, "a.hot.example A", 4 * WORKER_SAMPLE, 1);
    ask_often(1, "a.hot.example A", 3 * WORKER_SAMPLE, 1);
    ask_often(1, "b.hot.example A", 2 * WORKER_SAMPLE, 1);
    give_signs_of_life();
    assert_int_equal(shown(items), 2);
    assert_int_equal(items[0].count, 7);
    assert_int_equal(items[1].count, 2);
}

/* A packet that is refused has no name worth telling, if it has one at all. */
static void refused_packets_are_not_listed(void **state)
{
    struct toplist_item items[ITEMS];
    (void)state;
    ask_often(0, "a.hot.example AXFR", 2 * WORKER_SAMPLE, 1);
    give_signs_of_life();
    assert_int_equal(shown(items), 0);
}

static void queries_over_tcp_are_not_sampled(void **state)
{
    struct toplist_item items[ITEMS];
    (void)state;
    uint64_t tcp = stage_connect(&stage);
    for (int i = 0; i < 2 * WORKER_SAMPLE; i++) {
        stage_tcp_ask(&stage, tcp, "a.hot.example A");
        assert_string_not_equal(stage_tcp_reply(&stage, tcp), "");
    }
    give_signs_of_life();
    assert_int_equal(shown(items), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(one_query_of_a_sample_s_size_is_on_the_list, &plan),
        STAGE_TEST(batches_change_nothing_about_how_many_are_taken, &plan),
        STAGE_TEST(fewer_queries_than_a_sample_are_not_listed, &plan),
        STAGE_TEST(lists_of_all_loops_are_added_up, &plan),
        STAGE_TEST(refused_packets_are_not_listed, &plan),
        STAGE_TEST(queries_over_tcp_are_not_sampled, &plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
