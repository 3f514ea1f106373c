/* client: one request to a running local53 through its control socket. Blocks at most CLIENT_TIMEOUT_S without an
 * octet coming. Fails: told on stderr, EXIT_ENVIRONMENT. */
#include "client.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"
#include "local53/config/schema.h"

#define CONTROL_PATH_MAX 256

static int connect_control(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* As recv, also where the program was stopped and continued meanwhile: SO_RCVTIMEO makes that EINTR, signal(7). */
static ssize_t receive(int fd, char *buffer, size_t cap, int flags)
{
    ssize_t got;
    do {
        got = recv(fd, buffer, cap, flags);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Copies the answer after its first line to out, or to stderr where it tells why not; the first line is the exit
 * code. */
static int copy_answer(const struct command *command, int fd, FILE *out)
{
    char buffer[16384];
    ssize_t got = receive(fd, buffer, 2, MSG_WAITALL);
    if (got != 2 || buffer[0] < '0' || buffer[0] > '3' || buffer[1] != '\n') {
        command_error(command, "no answer came%s",
                      got < 0 && errno == EAGAIN
                          ? " in time"
                          : ": a local53 answers root and its own user alone; sudo, or that user");
        return EXIT_ENVIRONMENT;
    }
    int code = buffer[0] - '0';
    FILE *to = code == EXIT_FINE ? out : stderr;
    while ((got = receive(fd, buffer, sizeof(buffer), 0)) > 0)
        fwrite(buffer, 1, (size_t)got, to);
    return code;
}

static int ask(const struct command *command, const char *path, const char *request, FILE *out)
{
    int fd = connect_control(path);
    if (fd < 0) {
        command_error(command, "%s: %s; %s", path, strerror(errno),
                      errno == EACCES ? "sudo, or the user local53 runs as"
                                      : "is local53 running?");
        return EXIT_ENVIRONMENT;
    }
    /* Where it fails, somebody who is not answered has been hung up on: the answer's end tells that. */
    ssize_t sent = send(fd, request, strlen(request), MSG_NOSIGNAL);
    int code = EXIT_ENVIRONMENT;
    if (sent == (ssize_t)strlen(request) || errno == EPIPE)
        code = copy_answer(command, fd, out);
    else
        command_error(command, "%s: %s", path, strerror(errno));
    close(fd);
    return code;
}

/* The value of a top-level "control:" line, without quotes and comment; false when there is none. */
static bool find_control_line(FILE *in, char *out, size_t cap)
{
    char line[CONTROL_PATH_MAX + 64];
    while (fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, "control:", 8) != 0)
            continue;
        const char *value = line + 8 + strspn(line + 8, " \t\"'");
        int len = (int)strcspn(value, "\"' \t\r\n#");
        if (len > 0 && (size_t)snprintf(out, cap, "%.*s", len, value) < cap)
            return true;
    }
    return false;
}

/* Where the daemon of a configuration listens. The file may have turned bad since it was read: the daemon
 * then runs on with the one before, and must still be heard, by probes above all. So only this key is
 * looked for, and its default stands where it cannot be found. */
static void find_control(const char *file, char out[CONTROL_PATH_MAX])
{
    FILE *in = fopen(file, "re");
    if (in == NULL || !find_control_line(in, out, CONTROL_PATH_MAX))
        snprintf(out, CONTROL_PATH_MAX, "%s", schema_find("control")->fallback);
    if (in != NULL)
        fclose(in);
}

int client_ask(const struct command *command, const struct client_where *where, const char *request,
               FILE *out)
{
    struct report report = {.file = where->file};
    struct config *config = NULL;
    char path[CONTROL_PATH_MAX];
    if (where->socket != NULL)
        return ask(command, where->socket, request, out);
    config_load(&config, where->file, &report);
    if (config != NULL)
        snprintf(path, sizeof(path), "%s", config->control);
    else
        find_control(where->file, path);
    int code = ask(command, path, request, out);
    if (config == NULL && code == EXIT_ENVIRONMENT)
        load_print_report(&report);
    config_free(config);
    report_deinit(&report);
    return code;
}
