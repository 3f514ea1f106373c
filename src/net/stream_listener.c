/* stream_listener: listening sockets, TCP and Unix. A listener owns its socket, and a Unix one the file
 * of its path. The kernel holds at most STREAM_BACKLOG connections not accepted yet; past that it
 * drops them. Accepts by itself: libuv's uv_listen never comes back to its loop while the process has no
 * descriptor left and a connection waits. Loop's thread only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/net/timer.h"
#include "socket.h"
#include "stream_private.h"

/* Who may use a Unix listener: its owner and group. */
#define UNIX_MODE 0660

struct stream_listener {
    uv_poll_t poll;                     /* watches fd; data points back here */
    struct alarm *again;                /* owned; set while connections wait for descriptors */
    struct loop *loop;                  /* borrowed */
    stream_on_connection on_connection; /* told each connection */
    void *owner;                        /* borrowed */
    char *path;                         /* owned; NULL for TCP */
    int fd;                             /* owned */
};

/* Connections taken in one turn; epoll tells again of those that wait on. */
#define ACCEPTED_A_TURN 64

/* How long connections wait before descriptors are tried for again. */
#define AGAIN_MS 50

static bool is_out_of_room(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Takes one connection that waits; false when there is none, or no room for it. */
static bool take_one(struct stream_listener *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && is_out_of_room(errno)) {
        (void)uv_poll_stop(&listener->poll);
        alarm_set(listener->again, AGAIN_MS);
    }
    if (fd < 0)
        return false;
    struct stream *stream = stream_take(listener->loop, fd, listener->path == NULL);
    if (stream != NULL)
        listener->on_connection(listener->owner, listener, stream);
    return true;
}

static void on_incoming(uv_poll_t *poll, int status, int events)
{
    struct stream_listener *listener = UV_OWNER(poll);
    (void)events;
    for (int i = 0; i < ACCEPTED_A_TURN; i++)
        if (!take_one(listener) || uv_is_closing((uv_handle_t *)poll))
            break;
    /* libuv stops watching a socket that had an error; the error itself was taken by accept4. */
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll) && !alarm_is_set(listener->again))
        CHECK(uv_poll_start(poll, UV_READABLE, on_incoming) == 0);
}

static void on_again(void *owner)
{
    struct stream_listener *listener = owner;
    CHECK(uv_poll_start(&listener->poll, UV_READABLE, on_incoming) == 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct stream_listener *listener = UV_OWNER(handle);
    free(listener->path);
    free(listener);
}

void stream_listener_close(struct stream_listener *listener)
{
    if (listener == NULL || uv_is_closing((uv_handle_t *)&listener->poll))
        return;
    if (listener->path != NULL)
        (void)unlink(listener->path);
    alarm_free(listener->again);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    socket_close(listener->fd);
}

/* Makes a listener of a bound descriptor, which it owns from then on, success or not. */
static enum err listen_on(struct stream_listener *listener, int fd)
{
    enum err err = listen(fd, STREAM_BACKLOG) == 0 ? ERR_OK : err_from_errno(errno);
    listener->fd = fd;
    listener->again = alarm_new(listener->loop, on_again, listener);
    CHECK(uv_poll_init(&listener->loop->uv, &listener->poll, fd) == 0);
    listener->poll.data = listener;
    CHECK(uv_poll_start(&listener->poll, UV_READABLE, on_incoming) == 0);
    return err;
}

static struct stream_listener *new_listener(struct loop *loop, stream_on_connection on_connection,
                                            void *owner)
{
    struct stream_listener *listener = calloc(1, sizeof(*listener));
    CHECK(listener != NULL);
    listener->loop = loop;
    listener->on_connection = on_connection;
    listener->owner = owner;
    return listener;
}

enum err stream_listen_tcp(struct stream_listener **out, struct loop *loop, const struct addr *addr,
                           stream_on_connection on_connection, void *owner)
{
    int fd = -1;
    enum err err = socket_open_bound(&fd, addr, SOCK_STREAM, SOCKET_REUSEPORT);
    if (err != ERR_OK)
        return err;
    struct stream_listener *listener = new_listener(loop, on_connection, owner);
    err = listen_on(listener, fd);
    if (err != ERR_OK)
        stream_listener_close(listener);
    else
        *out = listener;
    return err;
}

/* True when a server answers on that Unix address (or is too busy to). */
static bool is_answered(const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool answered = connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno == EAGAIN;
    close(fd);
    return answered;
}

/* Removes a socket file left behind by a dead server; anything else at that path stays. */
static enum err clear_path(const struct sockaddr_un *un)
{
    struct stat status;
    if (lstat(un->sun_path, &status) != 0)
        return errno == ENOENT ? ERR_OK : err_from_errno(errno);
    if (!S_ISSOCK(status.st_mode))
        return ERR_INVALID;
    if (is_answered(un))
        return ERR_IN_USE;
    return unlink(un->sun_path) == 0 ? ERR_OK : err_from_errno(errno);
}

/* Binds with the mode set before the file appears, so that it is never open to more than UNIX_MODE;
 * set again afterwards because the umask may have taken from it. */
static enum err open_unix(int *fd, const struct sockaddr_un *un)
{
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return err_from_errno(errno);
    if (fchmod(*fd, UNIX_MODE) == 0 && bind(*fd, (const struct sockaddr *)un, sizeof(*un)) == 0 &&
        chmod(un->sun_path, UNIX_MODE) == 0)
        return ERR_OK;
    enum err err = err_from_errno(errno);
    socket_close(*fd);
    return err;
}

enum err stream_listen_unix(struct stream_listener **out, struct loop *loop, const char *path,
                            stream_on_connection on_connection, void *owner)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = -1;
    if (strlen(path) >= sizeof(un.sun_path))
        return ERR_TOO_LONG;
    memcpy(un.sun_path, path, strlen(path) + 1);
    enum err err = clear_path(&un);
    if (err == ERR_OK)
        err = open_unix(&fd, &un);
    if (err != ERR_OK)
        return err;
    struct stream_listener *listener = new_listener(loop, on_connection, owner);
    listener->path = strdup(path);
    CHECK(listener->path != NULL);
    err = listen_on(listener, fd);
    if (err != ERR_OK)
        stream_listener_close(listener);
    else
        *out = listener;
    return err;
}

enum err stream_listener_steer(const struct stream_listener *listener, size_t first, size_t count)
{
    return socket_steer(listener->fd, SOCKET_BY_CHANCE, first, count);
}

struct addr stream_listener_addr(const struct stream_listener *listener)
{
    struct addr none;
    memset(&none, 0, sizeof(none));
    return listener->path == NULL ? socket_local_addr(listener->fd) : none;
}
