/* stream_listener: listening sockets, TCP and Unix. A listener owns its handle, and a Unix one the file
 * of its path. The kernel holds at most STREAM_BACKLOG connections not accepted yet; past that it
 * drops them. Descriptors are opened here, not by libuv, for the options that must precede bind.
 * Loop's thread only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "socket.h"
#include "stream_private.h"

/* Who may use a Unix listener: its owner and group. */
#define UNIX_MODE 0660

struct stream_listener {
    union {
        uv_handle_t handle; /* owned; data points back here */
        uv_stream_t io;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct loop *loop;                  /* borrowed */
    stream_on_connection on_connection; /* told each connection */
    void *owner;                        /* borrowed */
    char *path;                         /* owned; NULL for TCP */
    int fd;                             /* the handle's; as long as that is open */
};

static void on_incoming(uv_stream_t *io, int status)
{
    struct stream_listener *listener = UV_OWNER(io);
    if (status < 0)
        return; /* out of descriptors, say; the next one may do */
    struct stream *stream = stream_take(listener->loop, io, listener->path == NULL);
    if (stream != NULL)
        listener->on_connection(listener->owner, listener, stream);
}

static void on_closed(uv_handle_t *handle)
{
    struct stream_listener *listener = UV_OWNER(handle);
    free(listener->path);
    free(listener);
}

void stream_listener_close(struct stream_listener *listener)
{
    if (listener == NULL || uv_is_closing(&listener->handle))
        return;
    if (listener->path != NULL)
        (void)unlink(listener->path);
    uv_close(&listener->handle, on_closed);
}

/* Makes a listener of a bound descriptor, which it owns from then on, success or not. */
static enum err listen_on(struct stream_listener *listener, int fd, const char *path)
{
    int status;
    listener->fd = fd;
    if (path == NULL) {
        CHECK(uv_tcp_init(&listener->loop->uv, &listener->tcp) == 0);
        status = uv_tcp_open(&listener->tcp, fd);
    } else {
        CHECK(uv_pipe_init(&listener->loop->uv, &listener->pipe, 0) == 0);
        status = uv_pipe_open(&listener->pipe, fd);
    }
    listener->handle.data = listener;
    if (status != 0)
        socket_close(fd);
    else
        status = uv_listen(&listener->io, STREAM_BACKLOG, on_incoming);
    return status == 0 ? ERR_OK : loop_err_from_uv(status);
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
    err = listen_on(listener, fd, NULL);
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
    err = listen_on(listener, fd, path);
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
    struct addr addr;
    int len = sizeof(addr);
    memset(&addr, 0, sizeof(addr));
    if (listener->path == NULL)
        (void)uv_tcp_getsockname(&listener->tcp, &addr.sa, &len);
    return addr;
}
