/* claim: who holds a name, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "local53/node/claim.h"
#include "namespace_test.h"

static void a_name_is_held_until_its_descriptor_is_closed(void **state)
{
    int fd;

    (void)state;
    IN_OWN_NAMESPACE();
    assert_false(claim_is_held("local53-a"));
    fd = claim_take("local53-a");
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(claim_is_held("local53-a"));
    assert_false(claim_is_held("local53-"));
    assert_false(claim_is_held("local53-aa"));
    assert_int_equal(claim_take("local53-a"), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(fd);
    assert_false(claim_is_held("local53-a"));
}

static void hold(const void *context, int ready)
{
    if (claim_take(context) < 0)
        _exit(1);
    namespace_ready(ready);
    pause();
}

static void a_killed_process_holds_nothing(void **state)
{
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    child = namespace_child(hold, "local53-a");
    assert_true(claim_is_held("local53-a"));
    namespace_kill(child);
    assert_false(claim_is_held("local53-a"));
}

static void another_namespace_has_names_of_its_own(void **state)
{
    int fd;

    (void)state;
    IN_OWN_NAMESPACE();
    fd = claim_take("local53-a");
    assert_true(fd >= 0);
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_false(claim_is_held("local53-a"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_held_until_its_descriptor_is_closed),
        cmocka_unit_test(a_killed_process_holds_nothing),
        cmocka_unit_test(another_namespace_has_names_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
