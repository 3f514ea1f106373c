/* The loop's turn, clock and signals. */
#include "net_test.h"

#include <signal.h>
#include <string.h>

#include "local53/base/clock.h"
#include "local53/net/mailbox.h"

struct fixture {
    struct net_test test;
    struct alarm *alarm;
    unsigned turns;          /* ends of turn */
    unsigned turns_at_alarm; /* of them before the alarm fired */
    int signal_number;       /* the last one told */
};

static void on_turn(void *owner)
{
    struct fixture *fixture = owner;
    fixture->turns++;
}

static void on_alarm_stop(void *owner)
{
    struct fixture *fixture = owner;
    fixture->turns_at_alarm = fixture->turns;
    loop_stop(fixture->test.loop);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    net_test_init(&fixture->test);
    fixture->alarm = alarm_new(fixture->test.loop, on_alarm_stop, fixture);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    alarm_free(fixture->alarm);
    net_test_deinit(&fixture->test);
    test_free(fixture);
    return 0;
}

static void a_turn_ends_before_the_sleep_and_after_the_last_callback(void **state)
{
    struct fixture *fixture = *state;
    loop_set_on_turn(fixture->test.loop, on_turn, fixture);
    alarm_set(fixture->alarm, 2);
    assert_true(net_test_run(&fixture->test));
    assert_true(fixture->turns_at_alarm > 0);
    assert_true(fixture->turns > fixture->turns_at_alarm);
}

static void a_loop_with_nothing_open_returns(void **state)
{
    struct fixture *fixture = *state;
    loop_run(fixture->test.loop);
    assert_int_equal(fixture->turns_at_alarm, 0);
}

static void a_stop_before_the_run_is_not_forgotten(void **state)
{
    struct fixture *fixture = *state;
    alarm_set(fixture->alarm, 1000);
    loop_stop(fixture->test.loop);
    loop_run(fixture->test.loop);
    assert_true(alarm_is_set(fixture->alarm));
}

static void the_coarse_clock_follows_the_fine_one(void **state)
{
    struct fixture *fixture = *state;
    alarm_set(fixture->alarm, 5);
    uint64_t before_us = loop_now_us(fixture->test.loop);
    uint64_t before_ms = loop_now_ms(fixture->test.loop);
    assert_true(net_test_run(&fixture->test));
    uint64_t after_ms = loop_now_ms(fixture->test.loop);
    assert_true(before_ms > 0 && after_ms >= before_ms + 5);
    assert_true(loop_now_us(fixture->test.loop) > before_us);
    assert_true(after_ms * 1000 <= clock_monotonic_us());
}

static void on_signal(void *owner, int number)
{
    struct fixture *fixture = owner;
    fixture->signal_number = number;
    loop_stop(fixture->test.loop);
}

static void a_signal_is_told_on_the_loop(void **state)
{
    struct fixture *fixture = *state;
    loop_on_signal(fixture->test.loop, SIGHUP, on_signal, fixture);
    loop_on_signal(fixture->test.loop, SIGUSR1, on_signal, fixture);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->signal_number, SIGUSR1);
}

static void a_vanished_peer_raises_no_signal(void **state)
{
    struct sigaction action;
    (void)state;
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_turn_ends_before_the_sleep_and_after_the_last_callback,
                                        open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_loop_with_nothing_open_returns, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_stop_before_the_run_is_not_forgotten, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(the_coarse_clock_follows_the_fine_one, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_signal_is_told_on_the_loop, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_vanished_peer_raises_no_signal, open_fixture,
                                        close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
