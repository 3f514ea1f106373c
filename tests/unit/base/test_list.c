/* list: order, removal while walking, and links that are in no list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/base/list.h"

struct item {
    int number;       /* what the tests recognise it by */
    struct link link; /* not the first member, so that LIST_ITEM has work to do */
};

static int number_of(struct link *link)
{
    return LIST_ITEM(link, struct item, link)->number;
}

static void items_come_out_in_the_order_they_were_appended(void **state)
{
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct link head;

    (void)state;
    list_init(&head);
    for (size_t i = 0; i < 3; i++)
        list_append(&head, &items[i].link);
    for (int i = 0; i < 3; i++)
        assert_int_equal(number_of(list_take_first(&head)), i);
    assert_null(list_take_first(&head));
    assert_true(list_is_empty(&head));
}

static void inserting_before_a_member_puts_it_in_front(void **state)
{
    struct item items[2] = {{.number = 0}, {.number = 1}};
    struct link head;

    (void)state;
    list_init(&head);
    list_append(&head, &items[0].link);
    list_insert_before(&items[0].link, &items[1].link);
    assert_int_equal(number_of(list_first(&head)), 1);
    assert_ptr_equal(items[1].link.next, &items[0].link);
    assert_ptr_equal(head.prev, &items[0].link);
}

static void a_zeroed_or_removed_link_is_in_no_list(void **state)
{
    struct item item = {0};
    struct link head;

    (void)state;
    assert_false(list_is_linked(&item.link));
    list_remove(&item.link);
    list_init(&head);
    list_append(&head, &item.link);
    assert_true(list_is_linked(&item.link));
    list_remove(&item.link);
    assert_false(list_is_linked(&item.link));
    assert_true(list_is_empty(&head));
    list_remove(&item.link);
    assert_true(list_is_empty(&head));
}

static void the_current_item_may_be_removed_while_walking(void **state)
{
    struct item items[5] = {
        {.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    struct link head;
    int seen = 0;

    (void)state;
    list_init(&head);
    for (size_t i = 0; i < 5; i++)
        list_append(&head, &items[i].link);
    LIST_EACH(item, after, &head) {
        assert_int_equal(number_of(item), seen++);
        if (number_of(item) % 2 == 0)
            list_remove(item);
    }
    assert_int_equal(seen, 5);
    assert_int_equal(number_of(list_take_first(&head)), 1);
    assert_int_equal(number_of(list_take_first(&head)), 3);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_the_order_they_were_appended),
        cmocka_unit_test(inserting_before_a_member_puts_it_in_front),
        cmocka_unit_test(a_zeroed_or_removed_link_is_in_no_list),
        cmocka_unit_test(the_current_item_may_be_removed_while_walking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
