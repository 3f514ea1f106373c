/* Messages from several threads at once; meant for the thread sanitizer too. */
#include "net_test.h"

#include <pthread.h>

#include "local53/net/mailbox.h"

#define POSTERS 4
#define MESSAGES 2000 /* each */

/* One thread's numbers, each a message; the payload points into it. */
struct poster {
    struct mailbox *mailbox; /* borrowed */
    int kind;                /* names the thread */
    unsigned numbers[MESSAGES];
    unsigned next; /* expected by the receiver; its thread only */
};

struct fixture {
    struct net_test test;
    struct mailbox *mailbox;
    struct poster posters[POSTERS];
    unsigned received;
    bool out_of_order;
};

static void on_message(void *owner, int kind, void *payload)
{
    struct fixture *fixture = owner;
    struct poster *poster = &fixture->posters[kind];
    const unsigned *number = payload;
    fixture->out_of_order = fixture->out_of_order || *number != poster->next;
    poster->next++;
    if (++fixture->received == POSTERS * MESSAGES)
        loop_stop(fixture->test.loop);
}

static void *post_all(void *argument)
{
    struct poster *poster = argument;
    for (unsigned i = 0; i < MESSAGES; i++) {
        poster->numbers[i] = i;
        mailbox_post(poster->mailbox, poster->kind, &poster->numbers[i]);
    }
    return NULL;
}

static void no_message_of_any_thread_is_lost_or_out_of_order(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    pthread_t threads[POSTERS];
    (void)state;
    net_test_init(&fixture->test);
    fixture->mailbox = mailbox_new(fixture->test.loop, on_message, fixture);
    for (int i = 0; i < POSTERS; i++) {
        fixture->posters[i].mailbox = fixture->mailbox;
        fixture->posters[i].kind = i;
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, &fixture->posters[i]), 0);
    }
    bool all_came = net_test_run(&fixture->test);
    for (size_t i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(all_came);
    assert_int_equal(fixture->received, POSTERS * MESSAGES);
    assert_false(fixture->out_of_order);
    mailbox_free(fixture->mailbox);
    net_test_deinit(&fixture->test);
    test_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_message_of_any_thread_is_lost_or_out_of_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
