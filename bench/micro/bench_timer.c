/* bench_timer: starting and stopping a time-out of a class, as each upstream query does. The baseline is
 * a timer of its own in libuv's heap, reached through an alarm. */
#include <stdlib.h>

#include "harness.h"
#include "local53/net/timer.h"

/* Time-outs running at once, as at 50,000 misses a second of 20 ms. */
#define RUNNING 1000

struct input {
    struct timer_class *class;
    struct timer timers[RUNNING];
    struct alarm *alarms[RUNNING];
};

static void on_expire(void *owner, struct timer *timer)
{
    (void)owner;
    (void)timer;
}

static void on_fire(void *owner)
{
    (void)owner;
}

/* Each step ends the oldest time-out and starts a new one. */
static uint64_t turn_over_timers(void *arg, uint64_t count)
{
    struct input *input = arg;

    for (uint64_t i = 0; i < count; i++) {
        struct timer *timer = &input->timers[i % RUNNING];

        timer_stop(timer);
        timer_start(input->class, timer);
    }
    return bench_hide(input->timers[0].expires_ms);
}

static uint64_t turn_over_alarms(void *arg, uint64_t count)
{
    struct input *input = arg;

    for (uint64_t i = 0; i < count; i++) {
        alarm_clear(input->alarms[i % RUNNING]);
        alarm_set(input->alarms[i % RUNNING], 1000);
    }
    return bench_hide(count);
}

int main(void)
{
    static struct input input;
    struct loop *loop = loop_new();

    input.class = timer_class_new(loop, 1000, on_expire, NULL);
    for (size_t i = 0; i < RUNNING; i++) {
        timer_start(input.class, &input.timers[i]);
        input.alarms[i] = alarm_new(loop, on_fire, NULL);
        alarm_set(input.alarms[i], 1000);
    }
    bench_title("timer: stop one and start one of 1000");
    struct bench_result heap = bench_run("alarm_clear, alarm_set", turn_over_alarms, &input);
    bench_run_against("timer_stop, timer_start", turn_over_timers, &input, heap);

    timer_class_free(input.class);
    for (size_t i = 0; i < RUNNING; i++)
        alarm_free(input.alarms[i]);
    loop_free(loop);
    return 0;
}
