/* A watched file in a folder of its own, changed in the ways files are changed. */
#include "net_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/net/watch.h"

/* Longer than a change takes to be told, shorter than the poll. */
#define QUIET_MS 500

/* Shorter than the poll: what is told by then was told by an event. */
#define EVENT_MS 4000

struct fixture {
    struct net_test test;
    struct watch *watch;
    unsigned changes;  /* calls of on_change */
    char folder[128];  /* made for this test */
    char path[160];    /* the watched file */
    char scratch[160]; /* a path in the folder, see at() */
};

static void on_change(void *owner)
{
    struct fixture *fixture = owner;
    fixture->changes++;
    loop_stop(fixture->test.loop);
}

/* The path of a name in the folder; valid until the next call. */
static const char *at(struct fixture *fixture, const char *name)
{
    snprintf(fixture->scratch, sizeof(fixture->scratch), "%.120s/%.30s", fixture->folder, name);
    return fixture->scratch;
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static int open_fixture(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    const char *base = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof(fixture->folder), "%.100s/local53-XXXXXX",
             base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%.120s/config.yaml", fixture->folder);
    net_test_init(&fixture->test);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    watch_close(fixture->watch);
    net_test_deinit(&fixture->test);
    (void)nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    test_free(fixture);
    return 0;
}

static void start(struct fixture *fixture)
{
    assert_int_equal(
        watch_open(&fixture->watch, fixture->test.loop, fixture->path, on_change, fixture), ERR_OK);
}

/* False when it comes as late as by a poll. */
static bool runs_to_a_change(struct fixture *fixture)
{
    return net_test_run_within(&fixture->test, EVENT_MS);
}

/* Runs for a while in which nothing is to be told. */
static void assert_quiet(struct fixture *fixture)
{
    unsigned before = fixture->changes;
    alarm_set(fixture->test.limit, QUIET_MS);
    loop_run(fixture->test.loop);
    assert_int_equal(fixture->changes, before);
    fixture->test.timed_out = false;
}

static void several_writes_in_place_are_told_once(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "one");
    start(fixture);
    write_file(fixture->path, "two!");
    write_file(fixture->path, "three");
    assert_true(runs_to_a_change(fixture));
    assert_quiet(fixture);
    assert_int_equal(fixture->changes, 1);
}

static void a_file_renamed_over_it_is_told(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "one");
    start(fixture);
    write_file(at(fixture, "new"), "two");
    assert_int_equal(rename(fixture->scratch, fixture->path), 0);
    assert_true(runs_to_a_change(fixture));
    assert_int_equal(fixture->changes, 1);
}

/* As the kubelet updates a ConfigMap volume: config.yaml -> ..data/config.yaml, ..data -> a folder
 * with the time in its name, and the new ..data renamed over the old one. */
static void the_symlink_swap_of_a_config_map_is_told(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(at(fixture, "..1"), 0700), 0);
    write_file(at(fixture, "..1/config.yaml"), "one");
    assert_int_equal(mkdir(at(fixture, "..2"), 0700), 0);
    write_file(at(fixture, "..2/config.yaml"), "two");
    assert_int_equal(symlink("..1", at(fixture, "..data")), 0);
    assert_int_equal(symlink("..data/config.yaml", fixture->path), 0);
    start(fixture);
    assert_int_equal(symlink("..2", at(fixture, "..data_tmp")), 0);
    char from[sizeof(fixture->scratch)];
    memcpy(from, fixture->scratch, sizeof(from));
    assert_int_equal(rename(from, at(fixture, "..data")), 0);
    assert_true(runs_to_a_change(fixture));
    assert_int_equal(fixture->changes, 1);
}

static void another_file_of_the_folder_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "one");
    start(fixture);
    write_file(at(fixture, "other"), "two");
    assert_quiet(fixture);
}

static void a_file_that_goes_is_told_only_when_it_comes_back(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "one");
    start(fixture);
    assert_int_equal(unlink(fixture->path), 0);
    assert_quiet(fixture);
    write_file(fixture->path, "two");
    assert_true(runs_to_a_change(fixture));
    assert_int_equal(fixture->changes, 1);
}

/* A poll would come too late for all of them. */
static void one_change_after_the_other_is_told(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "one");
    start(fixture);
    for (unsigned i = 1; i <= 5; i++) {
        write_file(fixture->path, i % 2 == 0 ? "even" : "uneven");
        assert_true(runs_to_a_change(fixture));
        assert_int_equal(fixture->changes, i);
    }
}

static void nothing_is_told_after_the_close(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture->path, "one");
    start(fixture);
    write_file(fixture->path, "two!");
    watch_close(fixture->watch);
    fixture->watch = NULL;
    assert_quiet(fixture);
}

static void an_empty_path_is_not_valid(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(watch_open(&fixture->watch, fixture->test.loop, "", on_change, fixture),
                     ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_writes_in_place_are_told_once),
        TEST(a_file_renamed_over_it_is_told),
        TEST(the_symlink_swap_of_a_config_map_is_told),
        TEST(another_file_of_the_folder_is_not_told),
        TEST(a_file_that_goes_is_told_only_when_it_comes_back),
        TEST(one_change_after_the_other_is_told),
        TEST(nothing_is_told_after_the_close),
        TEST(an_empty_path_is_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
