/* The word a mistyped one most likely meant. */
#include "local53/base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *nearest(const char *word)
{
    static const char *const words[] = {"listen", "ecr.api", "ecr.dkr", "ec2", "max_ttl", "memory"};

    return nearest_word(word, words, sizeof(words) / sizeof(words[0]));
}

static void the_nearest_word_is_found_through_slips(void **state)
{
    (void)state;
    assert_string_equal(nearest("lisetn"), "listen");
    assert_string_equal(nearest("LISTEN"), "listen");
    assert_string_equal(nearest("LISETN"), "listen");
    assert_string_equal(nearest("max_tll"), "max_ttl");
    assert_string_equal(nearest("maxttl"), "max_ttl");
    assert_string_equal(nearest("memroy"), "memory");
    assert_string_equal(nearest("ecr.dkx"), "ecr.dkr");
    assert_string_equal(nearest("ecz"), "ec2");
}

static void a_first_part_finds_the_whole_before_what_is_spelled_alike(void **state)
{
    static const char *const words[] = {"appstream.api", "codeartifact.api",
                                        "codeartifact.repositories"};

    (void)state;
    assert_string_equal(nearest_word("codeartifact", words, 3), "codeartifact.api");
    assert_null(nearest_word("codeart", words, 3));
    assert_string_equal(nearest("ecr"), "ecr.api");
}

static void words_that_share_nothing_are_not_near(void **state)
{
    char longer[80];

    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_null(nearest("x"));
    assert_null(nearest("xy"));
    assert_null(nearest(""));
    assert_null(nearest("forward"));
    assert_null(nearest(longer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_word_is_found_through_slips),
        cmocka_unit_test(a_first_part_finds_the_whole_before_what_is_spelled_alike),
        cmocka_unit_test(words_that_share_nothing_are_not_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
