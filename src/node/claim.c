/* claim: abstract Unix datagram sockets that are bound and never read.
 * Owns: nothing; the descriptor is the caller's. Thread: main.
 * Bounds: names are at most CLAIM_NAME_MAX.
 * Fails: with errno. */
#include "local53/node/claim.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "local53/base/check.h"

/* The address of a name; an abstract one begins with a zero octet. */
static socklen_t address_of(struct sockaddr_un *out, const char *name)
{
    size_t length = strlen(name);

    CHECK(length < CLAIM_NAME_MAX && length + 1 < sizeof(out->sun_path));
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

int claim_take(const char *name)
{
    struct sockaddr_un address;
    socklen_t length = address_of(&address, name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, length) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Connecting finds the holder and leaves no trace with it. */
bool claim_is_held(const char *name)
{
    struct sockaddr_un address;
    socklen_t length = address_of(&address, name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool held =
        fd < 0 || connect(fd, (struct sockaddr *)&address, length) == 0 || errno != ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return held;
}
