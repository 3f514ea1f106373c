/* capabilities: each test changes those of a child, in a namespace where it has all to begin with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "local53/node/capabilities.h"
#include "local53/node/interception.h"
#include "namespace_test.h"

#define BOTH (CAPABILITIES_BIND | CAPABILITIES_ADMIN)
#define ALL (BOTH | CAPABILITIES_READ | CAPABILITIES_OTHER)

/* Ends the child with the line that does not hold. */
#define CHILD_ASSERT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Runs body in a child; it holds when the child says that it is ready. */
static void assert_in_child(void (*body)(const void *, int))
{
    namespace_kill(namespace_child(body, NULL));
}

static void end_well(int ready)
{
    namespace_ready(ready);
    pause();
}

static bool has(unsigned permitted, unsigned effective)
{
    struct capabilities capabilities;

    return capabilities_read(&capabilities) == ERR_OK && capabilities.permitted == permitted &&
           capabilities.effective == effective;
}

static bool can_bind_53(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return bound;
}

static void keep_both(const void *context, int ready)
{
    (void)context;
    CHILD_ASSERT(has(ALL, ALL));
    CHILD_ASSERT(capabilities_keep(BOTH) == ERR_OK);
    CHILD_ASSERT(has(BOTH, BOTH));
    CHILD_ASSERT(can_bind_53());
    end_well(ready);
}

static void all_others_are_dropped(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(keep_both);
}

/* A file of another user, which its mode keeps from all others. */
static void keep_reading(const void *context, int ready)
{
    char path[] = "/tmp/local53-test-XXXXXX";
    int fd = mkstemp(path);

    (void)context;
    CHILD_ASSERT(fd >= 0 && fchmod(fd, 0) == 0);
    CHILD_ASSERT(capabilities_keep(CAPABILITIES_READ) == ERR_OK);
    CHILD_ASSERT(has(CAPABILITIES_READ, CAPABILITIES_READ));
    close(fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CHILD_ASSERT(fd >= 0);
    close(fd);
    CHILD_ASSERT(open(path, O_WRONLY | O_CLOEXEC) < 0 && errno == EACCES);
    CHILD_ASSERT(capabilities_keep(CAPABILITIES_NONE) == ERR_OK);
    CHILD_ASSERT(open(path, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
    unlink(path);
    end_well(ready);
}

static void files_of_others_stay_readable_when_asked_for(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(keep_reading);
}

static void drop_all(const void *context, int ready)
{
    (void)context;
    CHILD_ASSERT(can_bind_53());
    CHILD_ASSERT(capabilities_keep(CAPABILITIES_NONE) == ERR_OK);
    CHILD_ASSERT(has(0, 0));
    CHILD_ASSERT(!can_bind_53());
    CHILD_ASSERT(capabilities_raise(CAPABILITIES_BIND) == ERR_DENIED);
    CHILD_ASSERT(capabilities_raise(CAPABILITIES_NONE) == ERR_OK);
    CHILD_ASSERT(has(0, 0));
    end_well(ready);
}

static void what_is_dropped_does_not_come_back(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(drop_all);
}

static void lower_and_raise(const void *context, int ready)
{
    (void)context;
    CHILD_ASSERT(capabilities_keep(BOTH) == ERR_OK);
    CHILD_ASSERT(namespace_lower(CAP_NET_BIND_SERVICE) && namespace_lower(CAP_NET_ADMIN));
    CHILD_ASSERT(has(BOTH, 0));
    CHILD_ASSERT(!can_bind_53());
    CHILD_ASSERT(capabilities_raise(CAPABILITIES_BIND) == ERR_OK);
    CHILD_ASSERT(has(BOTH, CAPABILITIES_BIND));
    CHILD_ASSERT(can_bind_53());
    end_well(ready);
}

static void what_is_permitted_is_raised(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(lower_and_raise);
}

static void raise_a_part(const void *context, int ready)
{
    (void)context;
    CHILD_ASSERT(capabilities_keep(CAPABILITIES_BIND) == ERR_OK);
    CHILD_ASSERT(namespace_lower(CAP_NET_BIND_SERVICE));
    CHILD_ASSERT(capabilities_raise(BOTH) == ERR_DENIED);
    CHILD_ASSERT(has(CAPABILITIES_BIND, CAPABILITIES_BIND));
    end_well(ready);
}

static void a_missing_one_does_not_hold_the_other_back(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(raise_a_part);
}

/* A program of user 0 has all capabilities of the bounding set, unless nothing may be gained. */
static void start_a_program(const void *context, int ready)
{
    (void)context;
    CHILD_ASSERT(capabilities_no_new_privileges() == ERR_OK);
    CHILD_ASSERT(capabilities_keep(CAPABILITIES_NONE) == ERR_OK);
    CHILD_ASSERT(system("grep -q '^CapEff:.*0000000000000000$' /proc/self/status") == 0);
    end_well(ready);
}

static void a_program_that_is_started_gains_nothing(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(start_a_program);
}

/* ---- Interception ---------------------------------------------------------------------------------- */

static enum err intercept(struct interception **out, char why[INTERCEPTION_WHY_MAX])
{
    struct addr address;

    CHILD_ASSERT(addr_parse(&address, "10.96.0.10", 53) == ERR_OK);
    return interception_open(out, &address, 1, why);
}

static bool tables_are(const char *expected)
{
    static char output[NAMESPACE_OUTPUT_MAX];

    return namespace_run("nft list tables | wc -l | tr -d '\\n'", output) &&
           strcmp(output, expected) == 0;
}

static void intercept_without(const void *context, int ready)
{
    struct interception *interception;
    char why[INTERCEPTION_WHY_MAX];
    size_t removed;

    (void)context;
    CHILD_ASSERT(namespace_lower(CAP_NET_ADMIN));
    CHILD_ASSERT(intercept(&interception, why) == ERR_DENIED);
    CHILD_ASSERT(interception == NULL && strstr(why, "NET_ADMIN") != NULL);
    CHILD_ASSERT(strstr(why, "node.intercept: off") != NULL);
    CHILD_ASSERT(interception_clean(&removed, why) == ERR_DENIED);
    CHILD_ASSERT(capabilities_raise(CAPABILITIES_ADMIN) == ERR_OK);
    CHILD_ASSERT(tables_are("0"));
    CHILD_ASSERT(intercept(&interception, why) == ERR_OK);
    CHILD_ASSERT(tables_are("1"));
    end_well(ready);
}

static void interception_without_the_capability_is_told(void **state)
{
    (void)state;
    IN_OWN_NAMESPACE();
    assert_in_child(intercept_without);
}

static void drop_and_close(const void *context, int ready)
{
    struct interception *interception;
    char why[INTERCEPTION_WHY_MAX];

    (void)context;
    CHILD_ASSERT(intercept(&interception, why) == ERR_OK && interception_is_owned(interception));
    CHILD_ASSERT(capabilities_keep(CAPABILITIES_NONE) == ERR_OK);
    CHILD_ASSERT(interception_check(interception, why) == ERR_DENIED);
    CHILD_ASSERT(interception_repair(interception, why) == ERR_DENIED);
    interception_close(interception);
    end_well(ready);
}

static void an_owned_table_is_removed_without_the_capability(void **state)
{
    pid_t child;

    (void)state;
    IN_OWN_NAMESPACE();
    child = namespace_child(drop_and_close, NULL);
    assert_true(tables_are("0"));
    namespace_kill(child);
}

/* ---- Texts ----------------------------------------------------------------------------------------- */

static void sets_are_told_in_words(void **state)
{
    struct capabilities part = {BOTH, CAPABILITIES_BIND};
    struct capabilities none = {0, 0};
    struct capabilities all = {BOTH | CAPABILITIES_OTHER, BOTH};
    char text[CAPABILITIES_TEXT_MAX];

    (void)state;
    assert_string_equal(capabilities_write(&part, text),
                        "NET_BIND_SERVICE in effect, NET_ADMIN permitted, no others");
    assert_string_equal(capabilities_write(&none, text),
                        "NET_BIND_SERVICE missing, NET_ADMIN missing, no others");
    assert_string_equal(capabilities_write(&all, text),
                        "NET_BIND_SERVICE in effect, NET_ADMIN in effect, others too");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_others_are_dropped),
        cmocka_unit_test(files_of_others_stay_readable_when_asked_for),
        cmocka_unit_test(what_is_dropped_does_not_come_back),
        cmocka_unit_test(what_is_permitted_is_raised),
        cmocka_unit_test(a_missing_one_does_not_hold_the_other_back),
        cmocka_unit_test(a_program_that_is_started_gains_nothing),
        cmocka_unit_test(interception_without_the_capability_is_told),
        cmocka_unit_test(an_owned_table_is_removed_without_the_capability),
        cmocka_unit_test(sets_are_told_in_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
