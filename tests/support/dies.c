/* dies: a child process with stderr on a pipe. One thread; the child leaves by _exit, so that the
 * parent's buffers and leak checks are not run twice. Fails: no child or pipe stops the test. */
#include "dies.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "local53/base/check.h"

static _Noreturn void run_child(void (*act)(void *arg), void *arg, int out)
{
    /* An abort that is expected leaves no core file behind. */
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    dup2(out, STDERR_FILENO);
    act(arg);
    _exit(0);
}

/* Reads to the end, so that the child never waits for room; keeps what fits. */
static void drain(int in, char *out, size_t size)
{
    char piece[256];
    size_t kept = 0;
    ssize_t got;

    while ((got = read(in, piece, sizeof(piece))) > 0) {
        size_t take = out != NULL && (size_t)got < size - kept ? (size_t)got : 0;

        if (take > 0) {
            memcpy(out + kept, piece, take);
            kept += take;
        }
    }
    if (out != NULL)
        out[kept] = '\0';
}

int dies_by(void (*act)(void *arg), void *arg, char *out, size_t size)
{
    int ends[2];
    int status;
    pid_t child;

    CHECK(pipe(ends) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        run_child(act, arg, ends[1]);
    close(ends[1]);
    drain(ends[0], out, size);
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
