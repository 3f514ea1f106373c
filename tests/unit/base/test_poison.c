/* poison: the address sanitizer is told, where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "local53/base/poison.h"

static _Alignas(16) uint8_t memory[64];

static void poisoned_memory_is_seen_until_it_is_taken_again(void **state)
{
    (void)state;
    POISON(memory + 16, 32);
#ifdef POISON_WORKS
    assert_true(__asan_address_is_poisoned(memory + 16));
    assert_true(__asan_address_is_poisoned(memory + 47));
    assert_false(__asan_address_is_poisoned(memory + 15));
    assert_false(__asan_address_is_poisoned(memory + 48));
#endif
    UNPOISON(memory + 16, 32);
    memory[16] = 1;
    assert_int_equal(memory[16], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poisoned_memory_is_seen_until_it_is_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
