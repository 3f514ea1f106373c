/* What the kernel says of this process. Its figures are compared with one another, never with time
 * passed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "measure/machine.h"

#define MS 1000000ULL

/* Works until this thread has used so much CPU time more. */
static void burn(uint64_t cpu_ns)
{
    uint64_t until_ns = machine_thread_usage().cpu_ns + cpu_ns;

    while (machine_thread_usage().cpu_ns < until_ns) {}
}

static void *burn_in_thread(void *arg)
{
    burn(*(const uint64_t *)arg);
    return NULL;
}

static void a_thread_is_charged_with_its_own_work_only(void **state)
{
    uint64_t work_ns = 50 * MS;
    uint64_t before_ns = machine_thread_usage().cpu_ns;
    pthread_t thread;

    (void)state;
    burn(5 * MS);
    assert_true(machine_thread_usage().cpu_ns >= before_ns + 5 * MS);
    before_ns = machine_thread_usage().cpu_ns;
    assert_int_equal(pthread_create(&thread, NULL, burn_in_thread, &work_ns), 0);
    pthread_join(thread, NULL);
    assert_true(machine_thread_usage().cpu_ns < before_ns + 25 * MS);
}

static void waiting_for_a_cpu_never_runs_backwards(void **state)
{
    uint64_t before_ns = machine_thread_usage().run_delay_ns;

    (void)state;
    burn(2 * MS);
    assert_true(machine_thread_usage().run_delay_ns >= before_ns);
}

/* Work shorter than a tick of 10 ms shows where the kernel keeps nanoseconds, work of some ticks everywhere. First of all,
 * while no thread has ended. */
static void the_cpu_time_of_a_process_is_as_fine_as_the_kernel_keeps_it(void **state)
{
    bool is_fine = access("/proc/thread-self/schedstat", R_OK) == 0;
    uint64_t work_ns = is_fine ? 3 * MS : 50 * MS;
    uint64_t missing_ns = is_fine ? 1 * MS : 20 * MS;
    uint64_t before_ns, after_ns;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(machine_process_cpu(&before_ns, getpid()), ERR_OK);
        burn(work_ns);
        assert_int_equal(machine_process_cpu(&after_ns, getpid()), ERR_OK);
        assert_true(after_ns >= before_ns + work_ns - missing_ns);
    }
}

static void *burn_and_wait(void *arg)
{
    burn(40 * MS);
    pthread_barrier_wait(arg);
    pthread_barrier_wait(arg);
    return NULL;
}

/* The other thread lives while the process is asked: its work must be in the sum. Half is asked
 * for, as ticks are coarse. */
static void a_process_is_charged_with_all_its_threads(void **state)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    uint64_t before_ns, after_ns;

    (void)state;
    pthread_barrier_init(&barrier, NULL, 2);
    assert_int_equal(machine_process_cpu(&before_ns, getpid()), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, burn_and_wait, &barrier), 0);
    pthread_barrier_wait(&barrier);
    assert_int_equal(machine_process_cpu(&after_ns, getpid()), ERR_OK);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
    assert_true(after_ns >= before_ns + 20 * MS);
}

/* Beside what the clock of the process says: two ticks of 10 ms may be missing, not the thread. */
static void cpu_time_of_ended_threads_is_not_lost(void **state)
{
    struct timespec own;
    uint64_t work_ns = 60 * MS;
    pthread_t thread;
    uint64_t cpu_ns;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, burn_in_thread, &work_ns), 0);
    pthread_join(thread, NULL);
    assert_int_equal(machine_process_cpu(&cpu_ns, getpid()), ERR_OK);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own), 0);
    uint64_t own_ns = (uint64_t)own.tv_sec * 1000 * MS + (uint64_t)own.tv_nsec;
    assert_true(cpu_ns <= own_ns + 20 * MS);
    assert_true(cpu_ns + 30 * MS >= own_ns);
}

static void resident_memory_grows_with_what_is_touched(void **state)
{
    size_t len = 32 << 20;
    uint64_t before, after;

    (void)state;
    assert_int_equal(machine_process_rss(&before, getpid()), ERR_OK);
    void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    memset(pages, 1, len);
    assert_int_equal(machine_process_rss(&after, getpid()), ERR_OK);
    munmap(pages, len);
    /* The thread sanitizer keeps four octets and more for each; a wrong unit would be off by a thousand. */
    assert_true(after >= before + len / 2 && after <= before + 8 * len);
}

/* A child that was waited for: its id is free again. */
static void a_process_that_is_gone_is_not_found(void **state)
{
    uint64_t figure;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    assert_int_equal(machine_process_cpu(&figure, child), ERR_NOT_FOUND);
    assert_int_equal(machine_process_rss(&figure, child), ERR_NOT_FOUND);
}

/* The name of a process may look like the end of its field in /proc/PID/stat. */
static void an_odd_name_of_a_process_does_no_harm(void **state)
{
    char name[16];
    uint64_t cpu_ns;

    (void)state;
    assert_int_equal(prctl(PR_GET_NAME, name, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_NAME, "a) S 1 (b", 0, 0, 0), 0);
    assert_int_equal(machine_process_cpu(&cpu_ns, getpid()), ERR_OK);
    assert_int_equal(prctl(PR_SET_NAME, name, 0, 0, 0), 0);
    assert_true(cpu_ns > 0);
}

static void the_host_is_described(void **state)
{
    struct host host = {.tool = "mine"};
    cpu_set_t set;

    (void)state;
    machine_describe(&host);
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(host.cpus, CPU_COUNT(&set));
    assert_non_null(strchr(host.kernel, ' '));
    assert_true(strlen(host.cpu) > 0);
    assert_null(strchr(host.cpu, '\n'));
    assert_true(host.started_wall_ms > 1700000000000ULL);
    assert_string_equal(host.tool, "mine");
}

static void *pin_in_thread(void *arg)
{
    const unsigned *cpu = arg;
    cpu_set_t set;

    if (machine_pin(*cpu) != ERR_OK || sched_getaffinity(0, sizeof(set), &set) != 0)
        return NULL;
    return CPU_COUNT(&set) == 1 && CPU_ISSET(*cpu, &set) ? arg : NULL;
}

static void a_thread_is_pinned_alone(void **state)
{
    cpu_set_t before, after;
    unsigned cpu = 0;
    pthread_t thread;
    void *pinned;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    assert_int_equal(pthread_create(&thread, NULL, pin_in_thread, &cpu), 0);
    pthread_join(thread, &pinned);
    assert_ptr_equal(pinned, &cpu);
    assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

static void a_cpu_that_is_not_there_cannot_be_had(void **state)
{
    (void)state;
    assert_int_equal(machine_pin(CPU_SETSIZE - 1), ERR_INVALID);
    assert_int_equal(machine_pin(CPU_SETSIZE), ERR_INVALID);
    assert_int_equal(machine_pin(UINT32_MAX), ERR_INVALID);
}

static void timers_are_sharpened(void **state)
{
    int niceness = getpriority(PRIO_PROCESS, 0);

    (void)state;
    machine_sharpen_timers();
    assert_in_range(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 1, 1000);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), niceness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cpu_time_of_a_process_is_as_fine_as_the_kernel_keeps_it),
        cmocka_unit_test(a_thread_is_charged_with_its_own_work_only),
        cmocka_unit_test(waiting_for_a_cpu_never_runs_backwards),
        cmocka_unit_test(a_process_is_charged_with_all_its_threads),
        cmocka_unit_test(cpu_time_of_ended_threads_is_not_lost),
        cmocka_unit_test(resident_memory_grows_with_what_is_touched),
        cmocka_unit_test(a_process_that_is_gone_is_not_found),
        cmocka_unit_test(an_odd_name_of_a_process_does_no_harm),
        cmocka_unit_test(the_host_is_described),
        cmocka_unit_test(a_thread_is_pinned_alone),
        cmocka_unit_test(a_cpu_that_is_not_there_cannot_be_had),
        cmocka_unit_test(timers_are_sharpened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
