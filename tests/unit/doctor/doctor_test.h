/* doctor_test: findings to look through, for the tests of doctor's checks. */
#ifndef LOCAL53_TESTS_DOCTOR_TEST_H
#define LOCAL53_TESTS_DOCTOR_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../../src/doctor/checks.h"

static inline int findings_setup(void **state)
{
    *state = test_calloc(1, sizeof(struct findings));
    return 0;
}

static inline int findings_teardown(void **state)
{
    test_free(*state);
    return 0;
}

static inline struct addr addr_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(&addr, text, 0), ERR_OK);
    return addr;
}

/* There is one finding alone: of this level and key, with these words in it and in its remedy ("" for none). */
static inline void assert_only(const struct findings *findings, enum finding_level level,
                               const char *key, const char *what, const char *remedy)
{
    assert_int_equal(findings->count, 1);
    const struct finding *finding = &findings->items[0];
    assert_string_equal(finding->key, key);
    if (finding->level != level || strstr(finding->what, what) == NULL ||
        strstr(finding->remedy, remedy) == NULL)
        fail_msg("level %d, '%s', '%s'", (int)finding->level, finding->what, finding->remedy);
    assert_int_equal(remedy[0] == '\0', finding->remedy[0] == '\0');
}

/* A finding of this key and level is among them. */
static inline const struct finding *find(const struct findings *findings, const char *key,
                                         enum finding_level level)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (strcmp(findings->items[i].key, key) == 0 && findings->items[i].level == level)
            return &findings->items[i];
    }
    return NULL;
}

#define FINDINGS_TEST(name) cmocka_unit_test_setup_teardown(name, findings_setup, findings_teardown)

#endif
