/* The fault server's times, its end and the file of its truth, on the loopback interface. */
#include "serve_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "local53/base/clock.h"

static void start(struct serve_test *test, const char *name, const char *value)
{
    serve_test_init(test, "127.0.0.1");
    serve_test_plan(test, name, value);
    serve_test_start(test);
}

static void an_answer_is_held_for_its_delay(void **state)
{
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    (void)state;

    start(&test, "delay", "20ms");
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    uint64_t before_ns = clock_monotonic_ns();
    serve_test_send(fd, 1);
    (void)serve_test_answer(fd, answer);
    uint64_t after_ns = clock_monotonic_ns();
    serve_test_stop(&test);
    assert_int_equal(test.hold_count, 1);
    assert_in_range(test.hold_min_ns, 20 * NS_PER_MS, after_ns - before_ns);
    (void)close(fd);
}

static void answers_that_are_held_at_the_stop_still_leave(void **state)
{
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    (void)state;

    /* Of those taken together the first leaves at once and the others behind it. */
    start(&test, "service-time", "10ms");
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    serve_test_send(fd, 20);
    (void)serve_test_answer(fd, answer);
    serve_test_stop(&test);
    assert_true(test.truth.answered > 1);
    assert_int_equal(test.truth.answered, test.truth.received);
    size_t count = 1;
    while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
        count++;
    assert_int_equal(count, test.truth.answered);
    (void)close(fd);
}

static void queries_beyond_the_queue_are_counted_as_overflowed(void **state)
{
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    serve_test_plan(&test, "service-time", "500ms");
    serve_test_plan(&test, "queue", "2");
    serve_test_start(&test);
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    serve_test_send(fd, 20);
    for (uint16_t id = 0; id < 3; id++) {
        (void)serve_test_answer(fd, answer);
        assert_int_equal(bytes_get_u16(answer), id);
    }
    serve_test_stop(&test);
    assert_int_equal(test.truth.received, 20);
    assert_int_equal(test.truth.answered, 3);
    assert_int_equal(test.truth.overflowed, 17);
    assert_int_equal(test.truth.busy_ns, 1500 * NS_PER_MS);
    (void)close(fd);
}

/* The first query begins the stall; the next one waits for its end in the socket. */
static void nothing_is_answered_in_a_stall_and_all_of_it_afterwards(void **state)
{
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    (void)state;

    start(&test, "stall", "100ms@0");
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    uint64_t before_ns = clock_monotonic_ns();
    serve_test_send(fd, 1);
    (void)serve_test_answer(fd, answer);
    serve_test_send(fd, 5);
    for (int i = 0; i < 5; i++)
        (void)serve_test_answer(fd, answer);
    uint64_t after_ns = clock_monotonic_ns();
    serve_test_stop(&test);
    assert_true(after_ns - before_ns >= 100 * NS_PER_MS);
    assert_in_range(test.truth.stalled_ns, 1, after_ns - before_ns);
    assert_int_equal(test.truth.answered, 6);
    (void)close(fd);
}

static void it_ends_by_itself_when_its_time_is_over(void **state)
{
    struct serve_test test;
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    test.config.duration_ns = NS_PER_MS;
    serve_test_start(&test);
    assert_int_equal(pthread_join(test.thread, NULL), 0);
    assert_int_equal(test.err, ERR_OK);
    assert_int_equal(test.truth.received, 0);
    histogram_deinit(&test.truth.hold);
}

static void what_cannot_be_begun_is_an_error(void **state)
{
    struct serve_test test;
    (void)state;

    /* An address of examples (RFC 5737) is nobody's. */
    serve_test_init(&test, "192.0.2.1");
    assert_int_not_equal(fault_server_run(&test.config, &test.stop, &test.truth), ERR_OK);
    histogram_deinit(&test.truth.hold);
    serve_test_init(&test, "127.0.0.1");
    test.config.cpu = 100000;
    assert_int_equal(fault_server_run(&test.config, &test.stop, &test.truth), ERR_INVALID);
    histogram_deinit(&test.truth.hold);
}

/* A file of its own for a test; its name goes to path. */
static void make_file(char path[32])
{
    (void)strcpy(path, "/tmp/test_server.XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    (void)close(fd);
}

/* The file's text, or as much as is there. */
static size_t read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, size - 1);

    assert_true(fd >= 0 && len >= 0);
    (void)close(fd);
    text[len] = '\0';
    return (size_t)len;
}

static void the_truth_is_written_on_a_signal_and_at_the_end(void **state)
{
    struct serve_test test;
    uint8_t answer[SERVE_TEST_QUERY_MAX];
    char path[32];
    char text[8192];
    (void)state;

    make_file(path);
    serve_test_init(&test, "127.0.0.1");
    test.config.truth_file = path;
    serve_test_start(&test);
    int fd = serve_test_connect(&test.address, SOCK_DGRAM);
    serve_test_send(fd, 1);
    (void)serve_test_answer(fd, answer);
    assert_int_equal(pthread_kill(test.thread, SIGUSR1), 0);
    for (int i = 0; i < 2000 && read_file(path, text, sizeof(text)) == 0; i++)
        (void)poll(NULL, 0, 1);
    assert_non_null(strstr(text, "\"answered\": 1,"));
    serve_test_send(fd, 1);
    (void)serve_test_answer(fd, answer);
    serve_test_stop(&test);
    (void)read_file(path, text, sizeof(text));
    assert_non_null(strstr(text, "\"answered\": 2,"));
    assert_null(strstr(text, "\"answered\": 1,"));
    (void)unlink(path);
    (void)close(fd);
}

static void a_truth_that_cannot_be_written_is_an_error(void **state)
{
    struct serve_test test;
    (void)state;

    serve_test_init(&test, "127.0.0.1");
    test.config.truth_file = "/nowhere/truth.json";
    test.config.duration_ns = NS_PER_MS;
    serve_test_start(&test);
    assert_int_equal(pthread_join(test.thread, NULL), 0);
    assert_int_not_equal(test.err, ERR_OK);
    histogram_deinit(&test.truth.hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_held_for_its_delay),
        cmocka_unit_test(answers_that_are_held_at_the_stop_still_leave),
        cmocka_unit_test(queries_beyond_the_queue_are_counted_as_overflowed),
        cmocka_unit_test(nothing_is_answered_in_a_stall_and_all_of_it_afterwards),
        cmocka_unit_test(it_ends_by_itself_when_its_time_is_over),
        cmocka_unit_test(what_cannot_be_begun_is_an_error),
        cmocka_unit_test(the_truth_is_written_on_a_signal_and_at_the_end),
        cmocka_unit_test(a_truth_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
