/* Messages to a loop, posted on its own thread; test_mailbox_thread.c posts from others. */
#include "net_test.h"

#include <stdlib.h>
#include <string.h>

#include "local53/net/mailbox.h"

enum kind { KIND_NOTE, KIND_POST_MORE, KIND_CLOSE, KIND_STOP };

struct fixture {
    struct net_test test;
    struct mailbox *mailbox;
    char seen[64]; /* payloads in the order received */
};

/* A payload of one letter; the receiver frees it. */
static void post(struct fixture *fixture, enum kind kind, char letter)
{
    char *payload = malloc(1);
    assert_non_null(payload);
    *payload = letter;
    mailbox_post(fixture->mailbox, (int)kind, payload);
}

static void on_message(void *owner, int kind, void *payload)
{
    struct fixture *fixture = owner;
    strncat(fixture->seen, payload, 1);
    free(payload);
    if (kind == KIND_POST_MORE)
        post(fixture, KIND_STOP, 'z');
    if (kind == KIND_CLOSE)
        mailbox_free(fixture->mailbox);
    if (kind == KIND_STOP)
        loop_stop(fixture->test.loop);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    net_test_init(&fixture->test);
    fixture->mailbox = mailbox_new(fixture->test.loop, on_message, fixture);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    net_test_deinit(&fixture->test);
    test_free(fixture);
    return 0;
}

static void messages_come_in_the_order_posted(void **state)
{
    struct fixture *fixture = *state;
    post(fixture, KIND_NOTE, 'a');
    post(fixture, KIND_NOTE, 'b');
    post(fixture, KIND_STOP, 'c');
    assert_string_equal(fixture->seen, "");
    assert_true(net_test_run(&fixture->test));
    assert_string_equal(fixture->seen, "abc");
    mailbox_free(fixture->mailbox);
}

static void a_message_posted_by_a_receiver_comes_after_the_others(void **state)
{
    struct fixture *fixture = *state;
    post(fixture, KIND_POST_MORE, 'a');
    post(fixture, KIND_NOTE, 'b');
    assert_true(net_test_run(&fixture->test));
    assert_string_equal(fixture->seen, "abz");
    mailbox_free(fixture->mailbox);
}

static void closing_dispatches_what_was_posted_before(void **state)
{
    struct fixture *fixture = *state;
    post(fixture, KIND_NOTE, 'a');
    post(fixture, KIND_NOTE, 'b');
    mailbox_free(fixture->mailbox);
    assert_string_equal(fixture->seen, "ab");
}

static void a_receiver_may_close_the_mailbox_and_none_is_lost(void **state)
{
    struct fixture *fixture = *state;
    post(fixture, KIND_NOTE, 'a');
    post(fixture, KIND_CLOSE, 'b');
    post(fixture, KIND_NOTE, 'c');
    post(fixture, KIND_STOP, 'd');
    assert_true(net_test_run(&fixture->test));
    assert_string_equal(fixture->seen, "abcd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_come_in_the_order_posted, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_message_posted_by_a_receiver_comes_after_the_others,
                                        open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(closing_dispatches_what_was_posted_before, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_receiver_may_close_the_mailbox_and_none_is_lost,
                                        open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
