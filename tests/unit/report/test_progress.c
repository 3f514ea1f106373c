/* The live line: what it says, and where it stays away. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "measure/units.h"
#include "report/progress.h"

#define SECOND 1000000000ULL

static void the_line_tells_rate_loss_and_mean_since_the_last_draw(void **state)
{
    struct progress progress = {
        .before = {.elapsed_ns = SECOND, .ok = 1000, .lost = 50, .response_sum_us = 1000000},
        .label = "search 1.00k/s"};
    struct progress_figures now = {.elapsed_ns = 3 * SECOND,
                                   .total_ns = 12 * SECOND,
                                   .ok = 2990,
                                   .lost = 60,
                                   .response_sum_us = 1000000 + 1990 * 250};
    char line[160];
    (void)state;

    assert_string_equal(progress_write(&progress, &now, line, sizeof(line)),
                        "search 1.00k/s [#####---------------] 3.00 s of 12.0 s  "
                        "995/s ok, lost 0.50 %, mean 250 us");
}

static void nothing_answered_has_no_mean_and_a_run_past_its_end_a_full_bar(void **state)
{
    struct progress progress = {0};
    struct progress_figures now = {.elapsed_ns = 3 * SECOND, .total_ns = 2 * SECOND, .lost = 1};
    char line[160];
    (void)state;

    assert_string_equal(progress_write(&progress, &now, line, sizeof(line)),
                        "[####################] 3.00 s of 2.00 s  0/s ok, lost 100.00 %, mean -");
}

static void a_new_step_counts_from_zero(void **state)
{
    struct progress progress = {.before = {.elapsed_ns = 9 * SECOND, .ok = 5000, .lost = 7}};
    struct progress_figures now = {
        .elapsed_ns = SECOND, .total_ns = 2 * SECOND, .ok = 100, .response_sum_us = 100};
    char line[160];
    (void)state;

    assert_non_null(strstr(progress_write(&progress, &now, line, sizeof(line)), "100/s ok"));
    progress_label(&progress, "window 16");
    assert_int_equal(progress.before.ok, 0);
}

/* stderr is this descriptor while a test draws. */
static int redirect(int fd)
{
    int saved = dup(STDERR_FILENO);

    fflush(stderr);
    assert_true(saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    return saved;
}

static void restore(int saved)
{
    fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

static void where_stderr_is_no_terminal_nothing_is_written(void **state)
{
    struct progress_figures now = {.elapsed_ns = SECOND, .total_ns = 2 * SECOND};
    struct progress progress;
    int ends[2];
    char got[8];
    (void)state;

    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    int saved = redirect(ends[1]);
    progress_init(&progress, false);
    progress_draw(&progress, &now);
    progress_clear(&progress);
    restore(saved);
    assert_true(read(ends[0], got, sizeof(got)) < 0);
    close(ends[0]);
    close(ends[1]);
}

/* A terminal of so many columns: its two ends. */
static void open_terminal(int ends[2], unsigned short columns)
{
    struct winsize window = {.ws_col = columns, .ws_row = 24};

    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
    ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    assert_true(ends[1] >= 0 && ioctl(ends[1], TIOCSWINSZ, &window) == 0);
}

#define HAND_OVER_MS 5000

/* Reads until so many octets have come: the kernel hands them over in its own time. */
static size_t read_terminal(int fd, char *out, size_t size, size_t wanted)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    size_t len = 0;

    while (len < wanted && poll(&wait, 1, HAND_OVER_MS) == 1) {
        ssize_t got = read(fd, out + len, size - len);
        assert_true(got > 0);
        len += (size_t)got;
    }
    return len;
}

static void on_a_terminal_the_line_is_redrawn_in_place_within_its_width(void **state)
{
    struct progress_figures now = {.elapsed_ns = SECOND, .total_ns = 2 * SECOND, .ok = 5};
    struct progress progress;
    char got[512] = "";
    int ends[2];
    (void)state;

    open_terminal(ends, 40);
    int saved = redirect(ends[1]);
    progress_init(&progress, false);
    progress_draw(&progress, &now);
    progress_clear(&progress);
    progress_clear(&progress);
    restore(saved);
    assert_int_equal(read_terminal(ends[0], got, sizeof(got) - 1, 1 + 39 + 3 + 1 + 3),
                     1 + 39 + 3 + 1 + 3);
    assert_memory_equal(got, "\r[##########----------] 1.00 s of 2.00 s", 40);
    assert_string_equal(got + 40, "\033[K\r\033[K");
    close(ends[0]);
    close(ends[1]);
}

static void quiet_keeps_the_terminal_clean(void **state)
{
    struct progress progress;
    int ends[2];
    (void)state;

    open_terminal(ends, 80);
    int saved = redirect(ends[1]);
    progress_init(&progress, true);
    bool quiet = progress.enabled;
    progress_init(&progress, false);
    restore(saved);
    assert_false(quiet);
    assert_true(progress.enabled);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_tells_rate_loss_and_mean_since_the_last_draw),
        cmocka_unit_test(nothing_answered_has_no_mean_and_a_run_past_its_end_a_full_bar),
        cmocka_unit_test(a_new_step_counts_from_zero),
        cmocka_unit_test(where_stderr_is_no_terminal_nothing_is_written),
        cmocka_unit_test(on_a_terminal_the_line_is_redrawn_in_place_within_its_width),
        cmocka_unit_test(quiet_keeps_the_terminal_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
