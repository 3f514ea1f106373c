/* The questions asked most: against counting all of them exactly. */
#include "local53/server/toplist.h"

#include <stdbool.h>
#include <stdio.h>

#include "local53/base/rng.h"
#include "local53/dns/message.h"
#include "server_test.h"

#define CAPACITY 16
#define NAMES 200
#define PERIOD_MS 1000

static struct toplist *make_list(uint64_t halve_ms)
{
    struct toplist_setup setup = {.capacity = CAPACITY, .halve_ms = halve_ms, .secret = {1, 2}};
    return toplist_new(&setup);
}

/* What the list says, and what is true. */
struct model {
    struct toplist *list;
    struct name names[NAMES];
    uint64_t truth[NAMES];
    uint64_t total;
};

static int set_up(void **state)
{
    static struct model model;
    char text[32];
    memset(&model, 0, sizeof(model));
    model.list = make_list(0);
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(text, sizeof(text), "n%u.example", i);
        model.names[i] = test_name(text);
    }
    *state = &model;
    return 0;
}

static int tear_down(void **state)
{
    struct model *model = *state;
    toplist_free(model->list);
    return 0;
}

static void ask(struct model *model, struct toplist *list, size_t i)
{
    toplist_add(list, &model->names[i], TYPE_A, 0);
    model->truth[i]++;
    model->total++;
}

/* Few names have most of the questions. */
static size_t draw(struct rng *rng)
{
    return rng_below(rng, 1 + rng_below(rng, 1 + rng_below(rng, NAMES)));
}

/* The item of a name, or NULL. */
static const struct toplist_item *item_of(const struct toplist_item *items, size_t count,
                                          const struct name *name)
{
    for (size_t i = 0; i < count; i++)
        if (name_equal(&items[i].name, name))
            return &items[i];
    return NULL;
}

/* The promises of the paper. */
static void assert_bounds(const struct model *model, const struct toplist *list)
{
    struct toplist_item items[CAPACITY];
    size_t count = toplist_items(list, items, CAPACITY);
    for (size_t i = 0; i < NAMES; i++) {
        const struct toplist_item *item = item_of(items, count, &model->names[i]);
        if (item == NULL) {
            assert_true(model->truth[i] * CAPACITY <= model->total);
            continue;
        }
        assert_true(item->count - item->error <= model->truth[i]);
        assert_true(model->truth[i] <= item->count);
    }
    for (size_t i = 1; i < count; i++)
        assert_true(items[i - 1].count >= items[i].count);
}

static void counts_are_exact_while_there_is_room(void **state)
{
    struct model *model = *state;
    struct toplist_item items[CAPACITY];
    for (size_t i = 0; i < CAPACITY; i++)
        for (size_t turn = 0; turn <= i; turn++)
            ask(model, model->list, i);
    assert_int_equal(toplist_items(model->list, items, CAPACITY), CAPACITY);
    for (size_t i = 0; i < CAPACITY; i++) {
        assert_true(name_equal(&items[i].name, &model->names[CAPACITY - 1 - i]));
        assert_int_equal(items[i].count, CAPACITY - i);
        assert_int_equal(items[i].error, 0);
        assert_int_equal(items[i].type, TYPE_A);
    }
}

static void every_count_is_between_its_bounds_and_no_frequent_name_is_missing(void **state)
{
    struct model *model = *state;
    struct rng rng;
    rng_init_seeded(&rng, 7);
    for (int i = 0; i < 5000; i++) {
        ask(model, model->list, draw(&rng));
        if (i % 97 == 0)
            assert_bounds(model, model->list);
    }
    assert_bounds(model, model->list);
    assert_int_equal(toplist_count(model->list), CAPACITY);
}

static void the_bounds_stand_when_all_is_halved(void **state)
{
    struct model *model = *state;
    struct toplist *list = make_list(PERIOD_MS);
    struct rng rng;
    rng_init_seeded(&rng, 11);
    toplist_tick(list, 1);
    for (uint64_t period = 0; period < 20; period++) {
        for (int i = 0; i < 300; i++) {
            size_t name = draw(&rng);
            toplist_add(list, &model->names[name], TYPE_A, 1 + period * PERIOD_MS);
            model->truth[name]++;
            model->total++;
        }
        assert_bounds(model, list);
        toplist_tick(list, 1 + (period + 1) * PERIOD_MS);
        for (size_t i = 0; i < NAMES; i++)
            model->truth[i] /= 2;
        model->total = (model->total + 1) / 2;
        assert_bounds(model, list);
    }
    toplist_free(list);
}

static void what_is_not_asked_any_more_is_gone_after_some_periods(void **state)
{
    struct model *model = *state;
    struct toplist *list = make_list(PERIOD_MS);
    for (int i = 0; i < 9; i++)
        toplist_add(list, &model->names[0], TYPE_A, 1);
    toplist_tick(list, 3 * PERIOD_MS);
    assert_int_equal(toplist_count(list), 1);
    toplist_tick(list, 4 * PERIOD_MS + 1);
    assert_int_equal(toplist_count(list), 0);
    toplist_add(list, &model->names[1], TYPE_A, 1000 * PERIOD_MS);
    assert_int_equal(toplist_count(list), 1);
    toplist_free(list);
}

static void types_of_one_name_are_told_apart(void **state)
{
    struct model *model = *state;
    struct toplist_item items[CAPACITY];
    toplist_add(model->list, &model->names[0], TYPE_A, 0);
    toplist_add(model->list, &model->names[0], TYPE_AAAA, 0);
    toplist_add(model->list, &model->names[0], TYPE_AAAA, 0);
    assert_int_equal(toplist_items(model->list, items, CAPACITY), 2);
    assert_int_equal(items[0].type, TYPE_AAAA);
    assert_int_equal(items[0].count, 2);
    assert_int_equal(items[1].type, TYPE_A);
}

static void lists_of_several_loops_are_one_with_the_same_bounds(void **state)
{
    struct model *model = *state;
    struct toplist *other = make_list(0);
    struct rng rng;
    rng_init_seeded(&rng, 13);
    for (int i = 0; i < 3000; i++)
        ask(model, rng_below(&rng, 3) == 0 ? other : model->list, draw(&rng));
    toplist_merge(model->list, other);
    assert_bounds(model, model->list);
    toplist_free(other);
}

/* A name that one list has exactly, and that another has counted and forgotten. */
static void what_another_list_may_have_forgotten_is_counted_as_possible(void **state)
{
    struct model *model = *state;
    struct toplist *other = make_list(0);
    for (int i = 0; i < 5; i++)
        ask(model, model->list, 0);
    ask(model, other, 0);
    for (size_t i = 1; i <= CAPACITY; i++)
        for (size_t turn = 0; turn < 2; turn++)
            ask(model, other, i);
    toplist_merge(model->list, other);
    assert_bounds(model, model->list);
    toplist_free(other);
}

static void a_merged_empty_list_changes_nothing_and_an_empty_one_takes_all(void **state)
{
    struct model *model = *state;
    struct toplist *empty = make_list(0);
    for (size_t i = 0; i < 4; i++)
        ask(model, model->list, i);
    toplist_merge(model->list, empty);
    assert_bounds(model, model->list);
    assert_int_equal(toplist_count(model->list), 4);
    toplist_merge(empty, model->list);
    assert_bounds(model, empty);
    assert_int_equal(toplist_count(empty), 4);
    toplist_free(empty);
}

static void a_copy_is_the_same_and_stays_as_it_was(void **state)
{
    struct model *model = *state;
    struct toplist *copy = make_list(0);
    struct rng rng;
    rng_init_seeded(&rng, 17);
    ask(model, copy, 0);
    model->truth[0] = 0;
    model->total = 0;
    for (int i = 0; i < 1000; i++)
        ask(model, model->list, draw(&rng));
    toplist_copy(copy, model->list);
    assert_bounds(model, copy);
    toplist_add(model->list, &model->names[0], TYPE_A, 0);
    assert_bounds(model, copy);
    toplist_free(copy);
}

static void fewer_items_than_there_are_are_the_first_ones(void **state)
{
    struct model *model = *state;
    struct toplist_item items[2];
    for (size_t i = 0; i < 5; i++)
        for (size_t turn = 0; turn <= i; turn++)
            ask(model, model->list, i);
    assert_int_equal(toplist_items(model->list, items, 2), 2);
    assert_int_equal(items[0].count, 5);
    assert_int_equal(items[1].count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_are_exact_while_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            every_count_is_between_its_bounds_and_no_frequent_name_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_bounds_stand_when_all_is_halved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_asked_any_more_is_gone_after_some_periods,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_of_one_name_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_of_several_loops_are_one_with_the_same_bounds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_another_list_may_have_forgotten_is_counted_as_possible,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_merged_empty_list_changes_nothing_and_an_empty_one_takes_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_is_the_same_and_stays_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fewer_items_than_there_are_are_the_first_ones, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
