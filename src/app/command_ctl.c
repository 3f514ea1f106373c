/* ctl: one word to a running local53 through its control socket, its answer on stdout. Blocks at most
 * CTL_TIMEOUT_S without an octet coming. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "control.h"
#include "load.h"
#include "local53/base/nearest.h"
#include "local53/config/schema.h"
#include "local53/dns/text.h"

#define CTL_TIMEOUT_S 10
#define CONTROL_PATH_MAX 256

static int run(int argc, char **argv);

const struct command command_ctl = {
    .word = "ctl",
    .summary = "talk to the running local53: ready, status, reload, flush NAME, dump",
    .help =
        "Usage: local53 ctl [-c FILE | -s SOCKET] ready | status [--json] | reload |\n"
        "                   flush NAME [--below] | dump\n\n"
        "  ready         exit 0 when it can serve, else 1 and why not (for exec probes)\n"
        "  status        what it is, its endpoints with their addresses and age, its pools;\n"
        "                --json for programs\n"
        "  reload        take the configuration file anew; exit 2 and the reasons when it is bad\n"
        "                (the running one then stays)\n"
        "  flush NAME    forget what is cached of NAME, all types; --below: and of all names "
        "below\n"
        "  dump          every cached answer: name, type, rcode, seconds left, size\n\n"
        "  -c, --config FILE    where the control socket is read from (default: $LOCAL53_CONFIG,\n"
        "                       else /etc/local53/local53.yaml)\n"
        "  -s, --socket SOCKET  the control socket itself\n\n"
        "Example:\n  local53 ctl -s /run/local53/control.sock status\n\n"
        "Exit codes: 0 done, 1 not so, 2 usage or bad configuration, 3 nobody answers\n",
    .run = run,
};

static int connect_control(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = CTL_TIMEOUT_S};
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

/* Copies the answer after its first line to stdout; the first line is the exit code. */
static int print_answer(int fd)
{
    char buffer[16384];
    ssize_t got = recv(fd, buffer, 2, MSG_WAITALL);
    if (got != 2 || buffer[0] < '0' || buffer[0] > '3' || buffer[1] != '\n') {
        fprintf(stderr, "local53 ctl: no answer came%s\n",
                got < 0 && errno == EAGAIN ? " in time" : "; is that local53's socket?");
        return EXIT_ENVIRONMENT;
    }
    int code = buffer[0] - '0';
    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        fwrite(buffer, 1, (size_t)got, stdout);
    return code;
}

static int ask(const char *path, const char *request)
{
    int fd = connect_control(path);
    if (fd < 0) {
        fprintf(stderr, "local53 ctl: %s: %s; is local53 running?\n", path, strerror(errno));
        return EXIT_ENVIRONMENT;
    }
    int code = EXIT_ENVIRONMENT;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
        code = print_answer(fd);
    else
        fprintf(stderr, "local53 ctl: %s: %s\n", path, strerror(errno));
    close(fd);
    return code;
}

/* The request line: the words that are left, blank separated. */
static int ask_words(const char *path, int count, char **words, const char *flag)
{
    char request[CONTROL_REQUEST_MAX];
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        int added =
            snprintf(request + len, sizeof(request) - len, "%s%s", i > 0 ? " " : "", words[i]);
        if (added < 0 || (size_t)added >= sizeof(request) - len - sizeof(" --below\n"))
            return command_usage(&command_ctl, "that is too long");
        len += (size_t)added;
    }
    snprintf(request + len, sizeof(request) - len, "%s\n", flag);
    return ask(path, request);
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

static int ask_configured(const char *file, int count, char **words, const char *flag)
{
    struct report report = {.file = file};
    struct config *config = NULL;
    char path[CONTROL_PATH_MAX];
    config_load(&config, file, &report);
    if (config != NULL)
        snprintf(path, sizeof(path), "%s", config->control);
    else
        find_control(file, path);
    int code = ask_words(path, count, words, flag);
    if (config == NULL && code == EXIT_ENVIRONMENT)
        load_print_report(&report);
    config_free(config);
    report_deinit(&report);
    return code;
}

/* Words that no local53 would take are told here, whether one is running or not. */
static int check_words(int count, char **words)
{
    static const char *const known[] = {"ready", "status", "reload", "flush", "dump"};
    const size_t known_count = sizeof(known) / sizeof(known[0]);
    bool is_known = false;
    struct name name;
    if (count < 1)
        return command_usage(&command_ctl, "which of ready, status, reload, flush NAME, dump?");
    for (size_t i = 0; i < known_count; i++)
        is_known = is_known || strcmp(words[0], known[i]) == 0;
    const char *nearest = nearest_word(words[0], known, known_count);
    if (!is_known)
        return command_usage(&command_ctl, "unknown word '%s'%s%s%s", words[0],
                             nearest != NULL ? "; did you mean '" : "",
                             nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    bool is_flush = strcmp(words[0], "flush") == 0;
    if (is_flush && count < 2)
        return command_usage(&command_ctl, "flush needs a name");
    if (is_flush && text_read_name(&name, words[1]) != ERR_OK)
        return command_usage(&command_ctl, "'%s' is not a domain name", words[1]);
    if (count > (is_flush ? 2 : 1))
        return command_usage(&command_ctl, "'%s' is one word too many", words[count - 1]);
    return EXIT_FINE;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"below", no_argument, NULL, 'b'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    const char *path = NULL;
    const char *flag = "";
    int option;
    while ((option = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 's')
            path = optarg;
        else if (option == 'j')
            flag = " --json";
        else if (option == 'b')
            flag = " --below";
        else
            return command_usage(&command_ctl, "that option is not known here");
    }
    int count = argc - optind;
    int code = check_words(count, argv + optind);
    if (code != EXIT_FINE)
        return code;
    if (path != NULL)
        return ask_words(path, count, argv + optind, flag);
    return ask_configured(load_file_name(file), count, argv + optind, flag);
}
