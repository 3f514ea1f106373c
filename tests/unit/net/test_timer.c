/* Classes of timers and alarms on a real loop; times are compared with the loop's own clock. */
#include "net_test.h"

#include <string.h>

#define COUNT 100

/* Timers of two classes and what became of them. */
struct fixture {
    struct net_test test;
    struct timer_class *slow;
    struct timer_class *quick;
    struct timer timers[COUNT];
    struct alarm *alarm;
    unsigned fired;
    unsigned expected; /* stops the loop */
    uint64_t last_ms;  /* expiry of the last one */
    unsigned restarts; /* left */
    bool out_of_order; /* one fired before an earlier one */
    bool early;        /* one fired before its time */
};

static void count_fired(struct fixture *fixture)
{
    if (++fixture->fired == fixture->expected)
        loop_stop(fixture->test.loop);
}

static void on_expire(void *owner, struct timer *timer)
{
    struct fixture *fixture = owner;
    fixture->out_of_order = fixture->out_of_order || timer->expires_ms < fixture->last_ms;
    fixture->early = fixture->early || loop_now_ms(fixture->test.loop) < timer->expires_ms;
    fixture->last_ms = timer->expires_ms;
    count_fired(fixture);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    net_test_init(&fixture->test);
    fixture->quick = timer_class_new(fixture->test.loop, 3, on_expire, fixture);
    fixture->slow = timer_class_new(fixture->test.loop, 12, on_expire, fixture);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    timer_class_free(fixture->quick);
    timer_class_free(fixture->slow);
    alarm_free(fixture->alarm);
    net_test_deinit(&fixture->test);
    test_free(fixture);
    return 0;
}

static void timers_fire_once_in_order_and_not_early(void **state)
{
    struct fixture *fixture = *state;
    fixture->expected = COUNT;
    for (unsigned i = 0; i < COUNT; i++)
        timer_start(fixture->quick, &fixture->timers[i]);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->fired, COUNT);
    assert_false(fixture->out_of_order);
    assert_false(fixture->early);
    for (unsigned i = 0; i < COUNT; i++)
        assert_false(list_is_linked(&fixture->timers[i].link));
}

static void a_short_class_fires_before_a_long_one_started_earlier(void **state)
{
    struct fixture *fixture = *state;
    fixture->expected = 2;
    timer_start(fixture->slow, &fixture->timers[0]);
    timer_start(fixture->quick, &fixture->timers[1]);
    assert_true(fixture->timers[1].expires_ms < fixture->timers[0].expires_ms);
    assert_true(net_test_run(&fixture->test));
    assert_false(fixture->out_of_order);
    assert_int_equal(fixture->last_ms, fixture->timers[0].expires_ms);
}

static void a_stopped_timer_does_not_fire(void **state)
{
    struct fixture *fixture = *state;
    fixture->expected = 1;
    timer_start(fixture->quick, &fixture->timers[0]);
    timer_start(fixture->slow, &fixture->timers[1]);
    timer_stop(&fixture->timers[0]);
    timer_stop(&fixture->timers[0]);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->last_ms, fixture->timers[1].expires_ms);
}

static void a_restarted_timer_fires_once_at_its_new_time(void **state)
{
    struct fixture *fixture = *state;
    fixture->expected = 2;
    timer_start(fixture->quick, &fixture->timers[0]);
    timer_start(fixture->quick, &fixture->timers[1]);
    timer_start(fixture->slow, &fixture->timers[0]);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->fired, 2);
    assert_int_equal(fixture->last_ms, fixture->timers[0].expires_ms);
}

static void on_expire_restart(void *owner, struct timer *timer)
{
    struct fixture *fixture = owner;
    if (fixture->restarts-- > 0)
        timer_start(fixture->quick, timer);
    count_fired(fixture);
}

static void a_timer_may_start_itself_again(void **state)
{
    struct fixture *fixture = *state;
    timer_class_free(fixture->quick);
    fixture->quick = timer_class_new(fixture->test.loop, 1, on_expire_restart, fixture);
    fixture->restarts = 4;
    fixture->expected = 5;
    timer_start(fixture->quick, &fixture->timers[0]);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->fired, 5);
}

static void on_expire_free_all(void *owner, struct timer *timer)
{
    struct fixture *fixture = owner;
    (void)timer;
    timer_class_free(fixture->slow);
    timer_class_free(fixture->quick);
    fixture->slow = NULL;
    fixture->quick = NULL;
    count_fired(fixture);
}

static void classes_may_be_freed_while_their_timers_expire(void **state)
{
    struct fixture *fixture = *state;
    timer_class_free(fixture->quick);
    fixture->quick = timer_class_new(fixture->test.loop, 1, on_expire_free_all, fixture);
    fixture->expected = 1;
    timer_start(fixture->slow, &fixture->timers[0]);
    timer_start(fixture->quick, &fixture->timers[1]);
    timer_start(fixture->quick, &fixture->timers[2]);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->fired, 1);
    assert_false(list_is_linked(&fixture->timers[2].link));
}

/* A loop of its own without a deadline: should the driver stay, it ends after an hour. */
static void a_loop_ends_when_its_classes_are_freed_with_timers_running(void **state)
{
    struct fixture fixture = {.fired = 0};
    (void)state;
    fixture.test.loop = loop_new();
    fixture.slow = timer_class_new(fixture.test.loop, UINT64_C(3600000), on_expire, &fixture);
    timer_start(fixture.slow, &fixture.timers[0]);
    timer_class_free(fixture.slow);
    loop_run(fixture.test.loop);
    loop_free(fixture.test.loop);
    assert_int_equal(fixture.fired, 0);
}

static void on_alarm(void *owner)
{
    struct fixture *fixture = owner;
    assert_false(alarm_is_set(fixture->alarm));
    if (fixture->restarts-- > 0)
        alarm_set(fixture->alarm, 0);
    count_fired(fixture);
}

static void an_alarm_set_for_now_by_itself_lets_the_loop_turn(void **state)
{
    struct fixture *fixture = *state;
    fixture->alarm = alarm_new(fixture->test.loop, on_alarm, fixture);
    fixture->restarts = 1000;
    fixture->expected = 4; /* the loop can be stopped only between turns */
    alarm_set(fixture->alarm, 0);
    assert_true(alarm_is_set(fixture->alarm));
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->fired, 4);
}

static void a_cleared_alarm_does_not_fire_and_a_set_one_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    fixture->alarm = alarm_new(fixture->test.loop, on_alarm, fixture);
    fixture->expected = 1;
    alarm_set(fixture->alarm, 1);
    alarm_clear(fixture->alarm);
    assert_false(alarm_is_set(fixture->alarm));
    timer_start(fixture->quick, &fixture->timers[0]);
    assert_true(net_test_run(&fixture->test));
    assert_int_equal(fixture->fired, 1);
    fixture->expected = 2;
    uint64_t set_ms = loop_now_ms(fixture->test.loop);
    alarm_set(fixture->alarm, 1);
    alarm_set(fixture->alarm, 8);
    assert_true(net_test_run(&fixture->test));
    assert_true(loop_now_ms(fixture->test.loop) >= set_ms + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_once_in_order_and_not_early, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_short_class_fires_before_a_long_one_started_earlier,
                                        open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_restarted_timer_fires_once_at_its_new_time, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(a_timer_may_start_itself_again, open_fixture,
                                        close_fixture),
        cmocka_unit_test_setup_teardown(classes_may_be_freed_while_their_timers_expire,
                                        open_fixture, close_fixture),
        cmocka_unit_test(a_loop_ends_when_its_classes_are_freed_with_timers_running),
        cmocka_unit_test_setup_teardown(an_alarm_set_for_now_by_itself_lets_the_loop_turn,
                                        open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_cleared_alarm_does_not_fire_and_a_set_one_is_replaced,
                                        open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
