/* Queries on their way: ids, the index, the order of sending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "traffic/flights.h"

#define IDS 65536U
#define CHUNK 1024U /* ids whose quarantine is kept as one time */
#define QUARANTINE_NS 1000000000ULL

static struct flights *make(uint32_t capacity, uint32_t lanes, uint64_t seed)
{
    struct rng rng;
    rng_init_seeded(&rng, seed);
    return flights_new(capacity, lanes, QUARANTINE_NS, &rng);
}

static uint16_t id_of(struct flights *flights, uint32_t slot)
{
    return flights_at(flights, slot)->id;
}

/* Begins and ends one query, and gives its id. */
static uint16_t spend_id(struct flights *flights, uint16_t lane, uint64_t now_ns)
{
    uint32_t slot = flights_begin(flights, lane, now_ns);
    assert_int_not_equal(slot, FLIGHT_NONE);
    uint16_t id = id_of(flights, slot);
    flights_end(flights, slot);
    return id;
}

static void a_new_query_is_waiting_and_found_by_its_lane_and_id(void **state)
{
    struct flights *flights = make(8, 2, 1);
    (void)state;
    uint32_t slot = flights_begin(flights, 1, 77);
    struct flight *flight = flights_at(flights, slot);
    assert_int_equal(flight->state, FLIGHT_WAITING);
    assert_int_equal(flight->lane, 1);
    assert_int_equal(flight->lookup, FLIGHT_NONE);
    assert_int_equal(flight->sent_ns, 77);
    assert_int_equal(flight->intended_ns, 77);
    assert_false(flight->measured || flight->again);
    assert_int_equal(flights_find(flights, 1, flight->id), slot);
    assert_int_equal(flights_find(flights, 0, flight->id), FLIGHT_NONE);
    assert_int_equal(flights_waiting(flights), 1);
    assert_int_equal(flights_used(flights), 1);
    flights_free(flights);
}

static void an_ended_query_is_not_found_any_more(void **state)
{
    struct flights *flights = make(8, 1, 1);
    (void)state;
    uint32_t slot = flights_begin(flights, 0, 1);
    uint16_t id = id_of(flights, slot);
    flights_end(flights, slot);
    assert_int_equal(flights_find(flights, 0, id), FLIGHT_NONE);
    assert_int_equal(flights_used(flights), 0);
    assert_int_equal(flights_oldest(flights), FLIGHT_NONE);
    flights_free(flights);
}

static void a_lane_gives_every_id_once_before_any_comes_again(void **state)
{
    struct flights *flights = make(4, 3, 2);
    (void)state;
    for (uint16_t lane = 0; lane < 3; lane++) {
        static uint8_t seen[IDS];
        memset(seen, 0, sizeof(seen));
        for (uint32_t i = 0; i < IDS; i++) {
            uint16_t id = spend_id(flights, lane, 1);
            assert_int_equal(seen[id], 0);
            seen[id] = 1;
        }
        assert_int_equal(flights_begin(flights, lane, 1), FLIGHT_NONE);
    }
    flights_free(flights);
}

/* RFC 5452 section 9.2: ids must not be foreseen. */
static void ids_differ_between_lanes_and_keys_and_do_not_count_up(void **state)
{
    struct flights *one = make(4, 2, 3);
    struct flights *other = make(4, 2, 4);
    unsigned same_lane = 0;
    unsigned same_key = 0;
    unsigned steps_of_one = 0;
    uint16_t before = 0;
    (void)state;
    for (int i = 0; i < 4096; i++) {
        uint16_t id = spend_id(one, 0, 1);
        same_lane += id == spend_id(one, 1, 1);
        same_key += id == spend_id(other, 0, 1);
        steps_of_one += (uint16_t)(id - before) == 1;
        before = id;
    }
    assert_true(same_lane < 16);
    assert_true(same_key < 16);
    assert_true(steps_of_one < 64);
    flights_free(one);
    flights_free(other);
}

static void an_id_is_not_used_again_before_its_quarantine_is_over(void **state)
{
    static uint64_t last_used_ns[IDS];
    struct flights *flights = make(4, 1, 5);
    uint64_t now_ns = 1;
    uint64_t given = 0;
    (void)state;
    memset(last_used_ns, 0, sizeof(last_used_ns));
    while (given < 5ULL * IDS) {
        now_ns += 7919; /* ids would come round after half a quarantine */
        bool could = flights_can_begin(flights, 0, 1, now_ns);
        uint32_t slot = flights_begin(flights, 0, now_ns);
        assert_int_equal(slot != FLIGHT_NONE, could);
        if (slot == FLIGHT_NONE)
            continue;
        uint16_t id = id_of(flights, slot);
        if (last_used_ns[id] != 0)
            assert_true(now_ns - last_used_ns[id] >= QUARANTINE_NS);
        last_used_ns[id] = now_ns;
        flights_end(flights, slot);
        given++;
    }
    /* Not much slower than the quarantine alone demands: one chunk's time more a round. */
    assert_true(now_ns < 5 * (QUARANTINE_NS + CHUNK * 7919ULL) + IDS * 7919ULL);
    flights_free(flights);
}

static void an_id_still_on_its_way_is_never_given_again(void **state)
{
    struct flights *flights = make(4, 1, 6);
    (void)state;
    uint32_t kept = flights_begin(flights, 0, 1);
    for (uint32_t i = 1; i < IDS; i++)
        (void)spend_id(flights, 0, 1);
    uint64_t later_ns = 1 + 10 * QUARANTINE_NS;
    assert_false(flights_can_begin(flights, 0, 1, later_ns));
    assert_int_equal(flights_begin(flights, 0, later_ns), FLIGHT_NONE);
    uint16_t id = id_of(flights, kept);
    flights_end(flights, kept);
    assert_true(flights_can_begin(flights, 0, 1, later_ns));
    assert_int_equal(spend_id(flights, 0, later_ns), id);
    flights_free(flights);
}

static void no_more_queries_than_records_can_be_begun(void **state)
{
    struct flights *flights = make(3, 2, 7);
    uint32_t slots[3];
    (void)state;
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(flights_can_begin(flights, i % 2, 3U - i, 1));
        slots[i] = flights_begin(flights, i % 2, 1);
        assert_int_not_equal(slots[i], FLIGHT_NONE);
        assert_false(flights_can_begin(flights, 0, 3U - i, 1));
    }
    assert_int_equal(flights_begin(flights, 0, 1), FLIGHT_NONE);
    flights_end(flights, slots[1]);
    assert_int_equal(flights_begin(flights, 0, 1), slots[1]);
    flights_free(flights);
}

static void can_begin_sees_a_quarantine_that_starts_within_the_count(void **state)
{
    struct flights *flights = make(64, 1, 8);
    (void)state;
    for (uint32_t i = 0; i < CHUNK; i++)
        (void)spend_id(flights, 0, 1);
    for (uint32_t i = CHUNK; i < IDS; i++)
        (void)spend_id(flights, 0, QUARANTINE_NS);
    uint64_t now_ns = QUARANTINE_NS + 1; /* the first chunk is free, the second is not */
    for (uint32_t i = 0; i < CHUNK - 10; i++)
        (void)spend_id(flights, 0, now_ns);
    assert_true(flights_can_begin(flights, 0, 10, now_ns));
    assert_false(flights_can_begin(flights, 0, 11, now_ns));
    flights_free(flights);
}

static void a_moved_query_keeps_its_times_and_is_found_on_its_new_lane_alone(void **state)
{
    struct flights *flights = make(8, 2, 9);
    (void)state;
    uint32_t first = flights_begin(flights, 0, 10);
    uint32_t second = flights_begin(flights, 0, 20);
    uint16_t old_id = id_of(flights, first);
    flights_at(flights, first)->question.item = 5;
    assert_true(flights_move(flights, first, 1, 30));
    struct flight *flight = flights_at(flights, first);
    assert_int_equal(flights_find(flights, 0, old_id), FLIGHT_NONE);
    assert_int_equal(flights_find(flights, 1, flight->id), first);
    assert_int_equal(flight->lane, 1);
    assert_int_equal(flight->sent_ns, 10);
    assert_int_equal(flight->question.item, 5);
    assert_int_equal(flights_oldest(flights), first);
    assert_int_equal(flights_find(flights, 0, id_of(flights, second)), second);
    assert_int_equal(flights_used(flights), 2);
    flights_free(flights);
}

static void a_query_that_cannot_move_stays_where_it_was(void **state)
{
    struct flights *flights = make(8, 2, 10);
    (void)state;
    uint32_t slot = flights_begin(flights, 0, 1);
    uint16_t id = id_of(flights, slot);
    for (uint32_t i = 0; i < IDS; i++)
        (void)spend_id(flights, 1, 1);
    assert_false(flights_move(flights, slot, 1, 1));
    assert_int_equal(flights_find(flights, 0, id), slot);
    assert_int_equal(id_of(flights, slot), id);
    flights_free(flights);
}

static void an_id_rests_from_its_use_to_the_end_of_its_quarantine(void **state)
{
    struct flights *flights = make(4, 2, 13);
    uint16_t ids[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        ids[i] = spend_id(flights, 0, 10);
    unsigned resting = 0;
    for (uint32_t id = 0; id < IDS; id++)
        resting += flights_is_resting(flights, 0, (uint16_t)id, 11);
    assert_int_equal(resting, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(flights_is_resting(flights, 0, ids[i], 9 + QUARANTINE_NS));
        assert_false(flights_is_resting(flights, 0, ids[i], 10 + QUARANTINE_NS));
        assert_false(flights_is_resting(flights, 1, ids[i], 11));
    }
    flights_free(flights);
}

static void overdue_queries_stay_matchable_and_are_passed_in_order_of_sending(void **state)
{
    struct flights *flights = make(8, 1, 11);
    uint32_t slots[4];
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        slots[i] = flights_begin(flights, 0, 1 + i);
    flights_mark_overdue(flights, slots[0]);
    assert_int_equal(flights_oldest_waiting(flights), slots[1]);
    assert_int_equal(flights_oldest(flights), slots[0]);
    assert_int_equal(flights_waiting(flights), 3);
    assert_int_equal(flights_find(flights, 0, id_of(flights, slots[0])), slots[0]);
    flights_end(flights, slots[1]);
    assert_int_equal(flights_oldest_waiting(flights), slots[2]);
    flights_end(flights, slots[0]);
    assert_int_equal(flights_oldest(flights), slots[2]);
    flights_mark_overdue(flights, slots[2]);
    flights_mark_overdue(flights, slots[3]);
    assert_int_equal(flights_oldest_waiting(flights), FLIGHT_NONE);
    uint32_t fresh = flights_begin(flights, 0, 9);
    assert_int_equal(flights_oldest_waiting(flights), fresh);
    assert_int_equal(flights_waiting(flights), 1);
    assert_int_equal(flights_used(flights), 3);
    flights_free(flights);
}

/* ---- Against a plain model: an array searched from end to end ---- */

#define MODEL_CAPACITY 512 /* the index is as full as it may be */
#define MODEL_LANES 40

struct model_query {
    uint32_t slot;
    uint16_t lane;
    uint16_t id;
    bool overdue;
};

struct model {
    struct model_query queries[MODEL_CAPACITY]; /* in order of sending */
    uint32_t count;
};

static void model_remove(struct model *model, uint32_t at)
{
    model->count--;
    memmove(&model->queries[at], &model->queries[at + 1],
            (model->count - at) * sizeof(model->queries[0]));
}

static uint32_t model_first_waiting(const struct model *model)
{
    uint32_t at = 0;
    while (at < model->count && model->queries[at].overdue)
        at++;
    return at;
}

static void model_begin(struct model *model, struct flights *flights, uint16_t lane,
                        uint64_t now_ns)
{
    bool could = flights_can_begin(flights, lane, 1, now_ns);
    uint32_t slot = flights_begin(flights, lane, now_ns);
    assert_int_equal(could, slot != FLIGHT_NONE);
    if (model->count == MODEL_CAPACITY)
        assert_int_equal(slot, FLIGHT_NONE);
    if (slot != FLIGHT_NONE)
        model->queries[model->count++] =
            (struct model_query){slot, lane, id_of(flights, slot), false};
}

static void model_move(struct model *model, struct flights *flights, uint16_t lane, uint64_t now_ns,
                       uint32_t at)
{
    struct model_query *query = &model->queries[at];
    if (!flights_move(flights, query->slot, lane, now_ns))
        return;
    query->lane = lane;
    query->id = id_of(flights, query->slot);
}

static void model_mark_overdue(struct model *model, struct flights *flights)
{
    uint32_t at = model_first_waiting(model);
    if (at == model->count)
        return;
    assert_int_equal(flights_oldest_waiting(flights), model->queries[at].slot);
    flights_mark_overdue(flights, model->queries[at].slot);
    model->queries[at].overdue = true;
}

static void compare_with_model(const struct model *model, struct flights *flights)
{
    uint32_t first_waiting = model_first_waiting(model);
    assert_int_equal(flights_used(flights), model->count);
    assert_int_equal(flights_waiting(flights), model->count - first_waiting);
    assert_int_equal(flights_oldest(flights),
                     model->count > 0 ? model->queries[0].slot : FLIGHT_NONE);
    assert_int_equal(flights_oldest_waiting(flights), first_waiting < model->count
                                                          ? model->queries[first_waiting].slot
                                                          : FLIGHT_NONE);
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_query *query = &model->queries[i];
        assert_int_equal(flights_find(flights, query->lane, query->id), query->slot);
    }
}

static void model_step(struct model *model, struct flights *flights, struct rng *rng,
                       uint64_t now_ns)
{
    uint16_t lane = (uint16_t)rng_below(rng, MODEL_LANES);
    uint32_t what = rng_below(rng, 16);
    /* Swings between nearly empty and full. */
    bool fills = (now_ns >> 10) % 2 == 0;
    if (what < (fills ? 10U : 5U))
        model_begin(model, flights, lane, now_ns);
    else if (model->count == 0)
        return;
    else if (what == 10)
        model_mark_overdue(model, flights);
    else if (what == 11)
        model_move(model, flights, lane, now_ns, rng_below(rng, model->count));
    else {
        uint32_t at = rng_below(rng, model->count);
        flights_end(flights, model->queries[at].slot);
        model_remove(model, at);
    }
}

static void any_order_of_events_leaves_what_a_plain_array_would(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct flights *flights = make(MODEL_CAPACITY, MODEL_LANES, seed);
        struct model model = {.count = 0};
        struct rng rng;
        rng_init_seeded(&rng, seed);
        for (uint64_t i = 0; i < 60000; i++) {
            model_step(&model, flights, &rng, i);
            if (i % 64 == 0)
                compare_with_model(&model, flights);
        }
        compare_with_model(&model, flights);
        flights_free(flights);
    }
}

/* Answered queries leave holes behind: what is left must be found whatever is gone. */
static void ids_never_begun_are_not_found(void **state)
{
    struct flights *flights = make(2000, 1, 12);
    static bool begun[IDS];
    (void)state;
    memset(begun, 0, sizeof(begun));
    for (uint32_t i = 0; i < 2000; i++)
        begun[id_of(flights, flights_begin(flights, 0, 1))] = true;
    for (uint32_t id = 0; id < IDS; id++)
        assert_int_equal(flights_find(flights, 0, (uint16_t)id) != FLIGHT_NONE, begun[id]);
    flights_free(flights);
}

static void the_octets_told_cover_records_index_and_lanes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct flight), 56);
    assert_true(flights_octets(1000, 1) >= 1000 * (56 + 8));
    assert_true(flights_octets(1000, 1) <= 1000 * (56 + 16) + 2048);
    assert_int_equal(flights_octets(1000, 11) - flights_octets(1000, 1), 10 * 520);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_query_is_waiting_and_found_by_its_lane_and_id),
        cmocka_unit_test(an_ended_query_is_not_found_any_more),
        cmocka_unit_test(a_lane_gives_every_id_once_before_any_comes_again),
        cmocka_unit_test(ids_differ_between_lanes_and_keys_and_do_not_count_up),
        cmocka_unit_test(an_id_is_not_used_again_before_its_quarantine_is_over),
        cmocka_unit_test(an_id_still_on_its_way_is_never_given_again),
        cmocka_unit_test(no_more_queries_than_records_can_be_begun),
        cmocka_unit_test(can_begin_sees_a_quarantine_that_starts_within_the_count),
        cmocka_unit_test(a_moved_query_keeps_its_times_and_is_found_on_its_new_lane_alone),
        cmocka_unit_test(a_query_that_cannot_move_stays_where_it_was),
        cmocka_unit_test(an_id_rests_from_its_use_to_the_end_of_its_quarantine),
        cmocka_unit_test(overdue_queries_stay_matchable_and_are_passed_in_order_of_sending),
        cmocka_unit_test(any_order_of_events_leaves_what_a_plain_array_would),
        cmocka_unit_test(ids_never_begun_are_not_found),
        cmocka_unit_test(the_octets_told_cover_records_index_and_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
