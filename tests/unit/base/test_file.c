/* Files are read whole, whatever their kind, and what is too long is seen to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/base/file.h"

static char path[] = "/tmp/local53-test-file-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_octets(size_t count)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        fputc((int)(i % 251), file);
    assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_octet_by_octet_of_any_length(void **state)
{
    static const size_t lengths[] = {0, 1, 65535, 65536, 65537, 300000};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = 1;
        write_octets(lengths[i]);
        char *text = file_read(path, 1000000, &len);
        assert_non_null(text);
        assert_int_equal(len, lengths[i]);
        for (size_t k = 0; k < len; k++)
            assert_int_equal((uint8_t)text[k], k % 251);
        free(text);
    }
}

static void of_a_file_over_the_cap_one_octet_more_is_read(void **state)
{
    size_t len;
    (void)state;
    write_octets(100000);
    for (size_t cap = 99998; cap < 100002; cap++) {
        char *text = file_read(path, cap, &len);
        assert_int_equal(len, cap < 100000 ? cap + 1 : 100000);
        free(text);
    }
}

static void what_cannot_be_read_says_why(void **state)
{
    size_t len;
    (void)state;
    assert_null(file_read("/nowhere/at/all", 10, &len));
    assert_int_equal(errno, ENOENT);
    assert_null(file_read("/tmp", 10, &len));
    assert_int_equal(errno, EISDIR);
}

static void a_dash_is_standard_input_where_that_is_meant(void **state)
{
    int pipes[2];
    size_t len;
    int kept = dup(STDIN_FILENO);
    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "from a pipe", 11), 11);
    close(pipes[1]);
    assert_int_equal(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
    char *text = file_read_or_stdin("-", 100, &len);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    close(kept);
    close(pipes[0]);
    assert_int_equal(len, 11);
    assert_memory_equal(text, "from a pipe", 11);
    free(text);
    assert_null(file_read("-", 100, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_octet_by_octet_of_any_length),
        cmocka_unit_test(of_a_file_over_the_cap_one_octet_more_is_read),
        cmocka_unit_test(what_cannot_be_read_says_why),
        cmocka_unit_test(a_dash_is_standard_input_where_that_is_meant),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
