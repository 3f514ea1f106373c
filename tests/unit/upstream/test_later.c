/* Work put off to the next turn of a loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../../src/upstream/later.h"

/* One item that writes its letter down. */
struct letter {
    struct later_item item;
    struct later *later;  /* where it may add itself again */
    char *text;           /* what was written so far */
    char letter;          /* what it writes */
    unsigned more;        /* how often it adds itself again */
    struct letter *other; /* taken back when it runs; may be NULL */
};

static void run_letter(struct later_item *item)
{
    struct letter *letter = LIST_ITEM(item, struct letter, item);
    strncat(letter->text, &letter->letter, 1);
    if (letter->other != NULL)
        later_cancel(&letter->other->item);
    if (letter->more > 0) {
        letter->more--;
        later_add(letter->later, &letter->item, run_letter);
    }
}

static void items_run_in_order_in_the_next_turn_and_once(void **state)
{
    struct loop *loop = loop_new();
    struct later later;
    char text[8] = "";
    struct letter a = {.text = text, .letter = 'a'};
    struct letter b = {.text = text, .letter = 'b'};
    (void)state;
    later_init(&later, loop);
    later_add(&later, &a.item, run_letter);
    later_add(&later, &b.item, run_letter);
    later_add(&later, &a.item, run_letter);
    assert_string_equal(text, "");
    loop_run(loop);
    assert_string_equal(text, "ab");
    later_deinit(&later);
    loop_free(loop);
}

static void what_is_added_while_running_waits_for_another_turn(void **state)
{
    struct loop *loop = loop_new();
    struct later later;
    char text[8] = "";
    struct letter a = {.later = &later, .text = text, .letter = 'a', .more = 2};
    struct letter b = {.later = &later, .text = text, .letter = 'b'};
    (void)state;
    later_init(&later, loop);
    later_add(&later, &a.item, run_letter);
    later_add(&later, &b.item, run_letter);
    later_run(&later);
    assert_string_equal(text, "ab");
    loop_run(loop);
    assert_string_equal(text, "abaa");
    later_deinit(&later);
    loop_free(loop);
}

static void an_item_can_be_taken_back_even_by_one_that_runs_before(void **state)
{
    struct loop *loop = loop_new();
    struct later later;
    char text[8] = "";
    struct letter b = {.text = text, .letter = 'b'};
    struct letter a = {.text = text, .letter = 'a', .other = &b};
    (void)state;
    later_init(&later, loop);
    later_add(&later, &a.item, run_letter);
    later_add(&later, &b.item, run_letter);
    later_deinit(&later);
    assert_string_equal(text, "a");
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_run_in_order_in_the_next_turn_and_once),
        cmocka_unit_test(what_is_added_while_running_waits_for_another_turn),
        cmocka_unit_test(an_item_can_be_taken_back_even_by_one_that_runs_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
