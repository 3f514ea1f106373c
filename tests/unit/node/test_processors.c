/* How many loops: quotas from a made-up cgroup tree, both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/node/processors.h"

static void loops_are_the_smaller_of_quota_and_affinity_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(processors_clamp(3, 400), 3);
    assert_int_equal(processors_clamp(4, 299), 2);
    assert_int_equal(processors_clamp(4, 300), 3);
    assert_int_equal(processors_clamp(2, PROCESSORS_NO_QUOTA), 2);
}

static void below_a_quota_of_two_there_is_one_loop(void **state)
{
    (void)state;
    assert_int_equal(processors_clamp(64, 1), 1);
    assert_int_equal(processors_clamp(64, 100), 1);
    assert_int_equal(processors_clamp(64, 199), 1);
    assert_int_equal(processors_clamp(64, 200), 2);
}

static void there_are_one_to_four_loops_whatever_is_told(void **state)
{
    (void)state;
    assert_int_equal(processors_clamp(0, PROCESSORS_NO_QUOTA), 1);
    assert_int_equal(processors_clamp(192, PROCESSORS_NO_QUOTA), 4);
    assert_int_equal(processors_clamp(192, 6400), 4);
    assert_in_range(processors_loops(), 1, 4);
}

static void one_processor_of_the_machines_is_one_loop(void **state)
{
    cpu_set_t all;
    cpu_set_t one;
    size_t cpu = 0;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(processors_loops(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void texts_of_cpu_max_are_read(void **state)
{
    (void)state;
    assert_int_equal(processors_quota_percent("50000 100000"), 50);
    assert_int_equal(processors_quota_percent("250000 100000\n"), 250);
    assert_int_equal(processors_quota_percent("max 100000"), PROCESSORS_NO_QUOTA);
    assert_int_equal(processors_quota_percent(""), PROCESSORS_NO_QUOTA);
    assert_int_equal(processors_quota_percent("50000"), PROCESSORS_NO_QUOTA);
    assert_int_equal(processors_quota_percent("50000 0"), PROCESSORS_NO_QUOTA);
    assert_int_equal(processors_quota_percent("99999999999 1"), PROCESSORS_NO_QUOTA);
    assert_int_equal(processors_quota_percent("1000 1000000"), 1); /* the least there is */
}

/* --- a tree of cgroups in a folder of its own --- */

#define FILES_MAX 8

struct tree {
    char root[64];
    char paths[FILES_MAX][256]; /* files written, folders before what is in them */
    size_t count;
};

static char *path_in(struct tree *tree, const char *name)
{
    assert_true(tree->count < FILES_MAX);
    char *path = tree->paths[tree->count++];
    strcat(strcat(strcpy(path, tree->root), "/"), name);
    return path;
}

static void add_folder(struct tree *tree, const char *name)
{
    assert_int_equal(mkdir(path_in(tree, name), 0700), 0);
}

static void add_file(struct tree *tree, const char *name, const char *text)
{
    FILE *file = fopen(path_in(tree, name), "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int tree_init(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    assert_non_null(tree);
    strcpy(tree->root, "/tmp/test_processors.XXXXXX");
    assert_non_null(mkdtemp(tree->root));
    *state = tree;
    return 0;
}

static int tree_deinit(void **state)
{
    struct tree *tree = *state;
    while (tree->count > 0)
        assert_int_equal(remove(tree->paths[--tree->count]), 0);
    assert_int_equal(rmdir(tree->root), 0);
    free(tree);
    return 0;
}

static unsigned quota_of(struct tree *tree)
{
    char own[128];
    snprintf(own, sizeof(own), "%s/own", tree->root);
    return processors_quota(tree->root, own);
}

static void without_cgroups_there_is_no_quota(void **state)
{
    assert_int_equal(quota_of(*state), PROCESSORS_NO_QUOTA);
}

static void a_container_of_version_2_finds_its_quota_at_the_root(void **state)
{
    struct tree *tree = *state;
    add_file(tree, "own", "0::/\n");
    add_file(tree, "cpu.max", "150000 100000\n");
    assert_int_equal(quota_of(tree), 150);
}

static void the_tightest_group_above_a_service_counts(void **state)
{
    struct tree *tree = *state;
    add_file(tree, "own", "0::/node.slice/local53.service\n");
    add_folder(tree, "node.slice");
    add_folder(tree, "node.slice/local53.service");
    add_file(tree, "node.slice/cpu.max", "120000 100000\n");
    add_file(tree, "node.slice/local53.service/cpu.max", "300000 100000\n");
    assert_int_equal(quota_of(tree), 120);
}

static void a_group_without_a_quota_leaves_that_above_it(void **state)
{
    struct tree *tree = *state;
    add_file(tree, "own", "0::/a/b\n");
    add_folder(tree, "a");
    add_folder(tree, "a/b");
    add_file(tree, "a/cpu.max", "210000 100000\n");
    add_file(tree, "a/b/cpu.max", "max 100000\n");
    assert_int_equal(quota_of(tree), 210);
}

static void a_container_of_version_1_finds_its_quota_at_the_root(void **state)
{
    struct tree *tree = *state;
    /* the host's path, which is not there inside the container */
    add_file(tree, "own", "4:cpu,cpuacct:/kubepods/pod1/c1\n");
    add_folder(tree, "cpu");
    add_file(tree, "cpu/cpu.cfs_quota_us", "125000\n");
    add_file(tree, "cpu/cpu.cfs_period_us", "50000\n");
    assert_int_equal(quota_of(tree), 250);
}

static void a_service_of_version_1_finds_the_group_of_the_cpu_controller(void **state)
{
    struct tree *tree = *state;
    add_file(tree, "own", "3:cpuset:/wrong\n4:cpuacct,cpu:/a\n");
    add_folder(tree, "cpu");
    add_folder(tree, "cpu/a");
    add_folder(tree, "cpu/wrong");
    add_file(tree, "cpu/a/cpu.cfs_quota_us", "90000\n");
    add_file(tree, "cpu/a/cpu.cfs_period_us", "100000\n");
    add_file(tree, "cpu/wrong/cpu.cfs_quota_us", "10000\n");
    add_file(tree, "cpu/wrong/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_of(tree), 90);
}

static void version_1_says_minus_one_for_no_quota(void **state)
{
    struct tree *tree = *state;
    add_folder(tree, "cpu");
    add_file(tree, "cpu/cpu.cfs_quota_us", "-1\n");
    add_file(tree, "cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(quota_of(tree), PROCESSORS_NO_QUOTA);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, tree_init, tree_deinit)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_are_the_smaller_of_quota_and_affinity_rounded_down),
        cmocka_unit_test(below_a_quota_of_two_there_is_one_loop),
        cmocka_unit_test(there_are_one_to_four_loops_whatever_is_told),
        cmocka_unit_test(one_processor_of_the_machines_is_one_loop),
        cmocka_unit_test(texts_of_cpu_max_are_read),
        IN_TREE(without_cgroups_there_is_no_quota),
        IN_TREE(a_container_of_version_2_finds_its_quota_at_the_root),
        IN_TREE(the_tightest_group_above_a_service_counts),
        IN_TREE(a_group_without_a_quota_leaves_that_above_it),
        IN_TREE(a_container_of_version_1_finds_its_quota_at_the_root),
        IN_TREE(a_service_of_version_1_finds_the_group_of_the_cpu_controller),
        IN_TREE(version_1_says_minus_one_for_no_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
