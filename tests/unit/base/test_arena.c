/* arena: pieces are zeroed, aligned and apart, of any size, and go all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "local53/base/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    static const char zeros[200];
    struct arena arena = {0};
    char *pieces[200];

    (void)state;
    for (size_t size = 1; size < 200; size++) {
        pieces[size] = arena_take(&arena, size);
        assert_int_equal((uintptr_t)pieces[size] % 16, 0);
        assert_memory_equal(pieces[size], zeros, size);
        memset(pieces[size], (int)size, size);
    }
    for (size_t size = 1; size < 200; size++) {
        assert_int_equal((unsigned char)pieces[size][0], size);
        assert_int_equal((unsigned char)pieces[size][size - 1], size);
    }
    arena_deinit(&arena);
}

static void a_piece_larger_than_a_chunk_gets_its_own(void **state)
{
    const size_t size = (size_t)1 << 20;
    struct arena arena = {0};
    char *small = arena_copy_text(&arena, "small");
    char *large = arena_take(&arena, size);

    (void)state;
    memset(large, 0xff, size);
    assert_string_equal(small, "small");
    assert_true(arena.used >= size + sizeof("small"));
    arena_deinit(&arena);
}

static void many_pieces_fill_more_than_one_chunk(void **state)
{
    struct arena arena = {0};
    char *first = arena_copy_text(&arena, "first");

    (void)state;
    for (int i = 0; i < 1000; i++)
        memset(arena_take(&arena, 1000), 0xff, 1000);
    assert_string_equal(first, "first");
    assert_true(arena.used >= 1000000);
    arena_deinit(&arena);
}

static void copied_text_is_terminated_where_its_length_says(void **state)
{
    struct arena arena = {0};

    (void)state;
    assert_string_equal(arena_copy_text_len(&arena, "name.rest", 4), "name");
    assert_string_equal(arena_copy_text_len(&arena, NULL, 0), "");
    arena_deinit(&arena);
}

static void an_emptied_arena_can_be_used_again(void **state)
{
    struct arena arena = {0};
    uint64_t *numbers;

    (void)state;
    arena_deinit(&arena);
    arena_copy_text(&arena, "before");
    arena_deinit(&arena);
    assert_int_equal(arena.used, 0);
    numbers = ARENA_NEW(&arena, uint64_t, 3);
    assert_int_equal(numbers[2], 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_piece_larger_than_a_chunk_gets_its_own),
        cmocka_unit_test(many_pieces_fill_more_than_one_chunk),
        cmocka_unit_test(copied_text_is_terminated_where_its_length_says),
        cmocka_unit_test(an_emptied_arena_can_be_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
