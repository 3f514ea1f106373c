/* Who waits on a socket, found by id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../../src/upstream/waiting.h"
#include "local53/dns/message.h"

/* A table with a count of how often it ran empty. */
struct table {
    struct waiting waiting;
    struct rng rng;
    unsigned emptied;
};

static void on_empty(struct waiting *waiting)
{
    LIST_ITEM(waiting, struct table, waiting)->emptied++;
}

static struct table *open_table(void)
{
    struct table *table = calloc(1, sizeof(*table));
    assert_non_null(table);
    table->waiting.on_empty = on_empty;
    rng_init_seeded(&table->rng, 3);
    return table;
}

static void a_full_table_finds_everyone_by_an_id_of_its_own(void **state)
{
    struct table *table = open_table();
    struct attempt *attempts = calloc(WAITING_MAX, sizeof(*attempts));
    (void)state;
    assert_non_null(attempts);
    for (size_t i = 0; i < WAITING_MAX; i++)
        waiting_add(&table->waiting, &attempts[i], &table->rng);
    assert_int_equal(table->waiting.count, WAITING_MAX);
    for (size_t i = 0; i < WAITING_MAX; i++)
        assert_ptr_equal(waiting_find(&table->waiting, attempts[i].id), &attempts[i]);
    for (size_t i = 0; i < WAITING_MAX; i++) {
        assert_int_equal(table->emptied, 0);
        waiting_remove(&attempts[i]);
        assert_null(waiting_find(&table->waiting, attempts[i].id));
    }
    assert_int_equal(table->emptied, 1);
    assert_null(waiting_first(&table->waiting));
    free(attempts);
    free(table);
}

static void removing_twice_does_nothing(void **state)
{
    struct table *table = open_table();
    struct attempt attempt = {.owner = NULL};
    (void)state;
    waiting_add(&table->waiting, &attempt, &table->rng);
    assert_ptr_equal(waiting_first(&table->waiting), &attempt);
    waiting_remove(&attempt);
    waiting_remove(&attempt);
    waiting_forget(&attempt);
    assert_int_equal(table->emptied, 1);
    free(table);
}

/* A message of just a header with that id. */
static bool was_forgotten(struct table *table, uint16_t id)
{
    uint8_t header[MESSAGE_HEADER_OCTETS] = {0};
    bytes_put_u16(header, id);
    assert_false(waiting_was_forgotten(&table->waiting, header, sizeof(header) - 1));
    return waiting_was_forgotten(&table->waiting, header, sizeof(header));
}

/* All that a table can hold, which share their time-out. */
static void every_forgotten_id_is_known_once_and_no_other(void **state)
{
    struct table *table = open_table();
    struct attempt *attempts = calloc(WAITING_MAX, sizeof(*attempts));
    static bool forgotten[UINT16_MAX + 1];
    (void)state;
    assert_non_null(attempts);
    for (size_t i = 0; i < WAITING_MAX; i++) {
        waiting_add(&table->waiting, &attempts[i], &table->rng);
        forgotten[attempts[i].id] = true;
    }
    for (size_t i = 0; i < WAITING_MAX; i++)
        waiting_forget(&attempts[i]);
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        assert_int_equal(was_forgotten(table, (uint16_t)id), forgotten[id]);
        assert_false(was_forgotten(table, (uint16_t)id));
    }
    waiting_deinit(&table->waiting);
    free(attempts);
    free(table);
}

static void an_answered_id_is_not_a_forgotten_one(void **state)
{
    struct table *table = open_table();
    struct attempt attempt = {.owner = NULL};
    (void)state;
    waiting_add(&table->waiting, &attempt, &table->rng);
    waiting_remove(&attempt);
    assert_false(was_forgotten(table, attempt.id));
    assert_false(was_forgotten(table, 0));
    free(table);
}

/* RFC 5452 section 9.1, as far as the header tells. */
static void only_responses_to_standard_queries_with_a_whole_header_match(void **state)
{
    struct table *table = open_table();
    struct attempt attempt = {.owner = NULL};
    uint8_t header[MESSAGE_HEADER_OCTETS] = {0};
    const struct waiting *waiting = &table->waiting;
    (void)state;
    waiting_add(&table->waiting, &attempt, &table->rng);
    bytes_put_u16(header, attempt.id);
    assert_null(waiting_match(waiting, header, sizeof(header)));
    bytes_put_u16(header + 2, FLAG_QR);
    assert_ptr_equal(waiting_match(waiting, header, sizeof(header)), &attempt);
    assert_null(waiting_match(waiting, header, sizeof(header) - 1));
    bytes_put_u16(header + 2, FLAG_QR | (OPCODE_NOTIFY << FLAG_OPCODE_SHIFT));
    assert_null(waiting_match(waiting, header, sizeof(header)));
    bytes_put_u16(header + 2, FLAG_QR);
    bytes_put_u16(header, (uint16_t)(attempt.id + WAITING_BUCKETS));
    assert_null(waiting_match(waiting, header, sizeof(header)));
    waiting_remove(&attempt);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_table_finds_everyone_by_an_id_of_its_own),
        cmocka_unit_test(removing_twice_does_nothing),
        cmocka_unit_test(every_forgotten_id_is_known_once_and_no_other),
        cmocka_unit_test(an_answered_id_is_not_a_forgotten_one),
        cmocka_unit_test(only_responses_to_standard_queries_with_a_whole_header_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
