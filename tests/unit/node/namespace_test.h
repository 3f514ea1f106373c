/* namespace_test: a network namespace of a test's own, commands in it, and children that live in it. Nothing here ever
 * touches the namespace the tests were started in. */
#ifndef LOCAL53_TESTS_NAMESPACE_TEST_H
#define LOCAL53_TESTS_NAMESPACE_TEST_H

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "skip.h"

#define NAMESPACE_COMMAND_MAX 1024
#define NAMESPACE_OUTPUT_MAX 65536

static inline bool namespace_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t written = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return written == (ssize_t)strlen(text);
}

/* As root a network namespace alone; else one of users around it, in which this user is root. */
static inline bool namespace_enter(void)
{
    char map[64];

    snprintf(map, sizeof(map), "0 %u 1", geteuid());
    if (geteuid() == 0)
        return unshare(CLONE_NEWNET) == 0;
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && namespace_write("/proc/self/uid_map", map);
}

/* The running test goes on in a namespace of its own, or is skipped. */
#define IN_OWN_NAMESPACE()                                                                         \
    do {                                                                                           \
        if (!namespace_enter())                                                                    \
            SKIP_BECAUSE("a network namespace of its own is refused");                             \
    } while (0)

/* Runs a command of the shell; what it prints, up to NAMESPACE_OUTPUT_MAX, goes to output, and true is status 0. */
static inline bool namespace_run(const char *command, char *output)
{
    char line[NAMESPACE_COMMAND_MAX + 64];
    FILE *pipe;

    snprintf(line, sizeof(line), "PATH=$PATH:/usr/sbin:/sbin; { %s; } 2>&1", command);
    pipe = popen(line, "re");
    assert_non_null(pipe);
    output[fread(output, 1, NAMESPACE_OUTPUT_MAX - 1, pipe)] = '\0';
    return pclose(pipe) == 0;
}

/* Runs a command that must not fail. */
static inline void namespace_must(const char *command)
{
    static char output[NAMESPACE_OUTPUT_MAX];

    if (!namespace_run(command, output))
        fail_msg("%s: %s", command, output);
}

/* Starts a child that runs body, which says with namespace_ready that it stands, and waits for that. */
static inline pid_t namespace_child(void (*body)(const void *context, int ready),
                                    const void *context)
{
    int ends[2];
    pid_t child;
    char word;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        body(context, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &word, 1) != 1)
        fail_msg("the child ended before it was ready");
    close(ends[0]);
    return child;
}

static inline void namespace_ready(int ready)
{
    if (write(ready, "r", 1) != 1)
        _exit(1);
}

/* Takes a capability (CAP_...) out of effect in this process; it stays permitted. */
static inline bool namespace_lower(unsigned capability)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
    return syscall(SYS_capset, &header, data) == 0;
}

/* kill -9, and until the child is gone. */
static inline void namespace_kill(pid_t child)
{
    int status;

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

#endif
