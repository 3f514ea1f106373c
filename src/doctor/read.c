/* read: reads the node. Owns nothing but what it gives out. Thread: main; blocks on /proc, and half a second at
 * most on kube-proxy. Bounds: files of FILE_OCTETS. Fails: what cannot be read is as if it were not there. */
#include "read.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/base/file.h"

#define FILE_OCTETS ((size_t)16 << 20)
#define PATH_OCTETS 1024
#define UNLIMITED (UINT64_C(1) << 62) /* cgroup v1 writes about 2^63 for no limit */
#define PROXY_MODE_ADDRESS "127.0.0.1:10249"
#define PROXY_MODE_WAIT_US 500000
#define OWN_NAME "local53"

char *doctor_read_text(const char *path)
{
    size_t len = 0;
    char *octets = file_read(path, FILE_OCTETS, &len);
    char *text = calloc(len + 1, 1);
    CHECK(text != NULL);
    if (octets != NULL)
        memcpy(text, octets, len);
    free(octets);
    return text;
}

uint64_t doctor_read_number(const char *path)
{
    char *text = doctor_read_text(path);
    char *behind;
    uint64_t number = strtoull(text, &behind, 10);
    if (behind == text)
        number = DOCTOR_NO_LIMIT;
    free(text);
    return number;
}

/* --- processes --- */

/* Writes "name (pid 812)" for a socket's owner. */
static void name_process(struct doctor_socket *socket, const char *pid)
{
    char path[PATH_OCTETS];
    snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
    char *name = doctor_read_text(path);
    name[strcspn(name, "\n")] = '\0';
    snprintf(socket->process, sizeof(socket->process), "%.40s (pid %.16s)", name, pid);
    socket->ours = strcmp(name, OWN_NAME) == 0;
    free(name);
}

/* What a descriptor's link leads to: one of the sockets? */
static void match_descriptor(struct doctor_sockets *sockets, const char *link, const char *pid)
{
    static const char prefix[] = "socket:[";
    if (strncmp(link, prefix, sizeof(prefix) - 1) != 0)
        return;
    unsigned long inode = strtoul(link + sizeof(prefix) - 1, NULL, 10);
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->items[i].inode == inode && sockets->items[i].process[0] == '\0')
            name_process(&sockets->items[i], pid);
    }
}

static void look_into_process(struct doctor_sockets *sockets, const char *pid)
{
    char path[PATH_OCTETS];
    char link[64];
    struct dirent *entry;
    snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL) {
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, link, sizeof(link) - 1);
        link[len > 0 ? len : 0] = '\0';
        match_descriptor(sockets, link, pid);
    }
    closedir(folder);
}

void doctor_name_processes(struct doctor_sockets *sockets)
{
    struct dirent *entry;
    DIR *processes = sockets->count == 0 ? NULL : opendir("/proc");
    if (processes == NULL)
        return;
    while ((entry = readdir(processes)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]))
            look_into_process(sockets, entry->d_name);
    }
    closedir(processes);
}

/* Who serves a Unix socket; false when nobody does, or not for us. */
static bool find_peer(const char *path, struct ucred *peer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(*peer);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    bool found = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                 getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) == 0;
    close(fd);
    return found;
}

void doctor_name_ours(struct doctor_sockets *sockets, const char *control)
{
    struct ucred peer;
    if (sockets->count == 0 || !find_peer(control, &peer))
        return;
    for (size_t i = 0; i < sockets->count; i++) {
        struct doctor_socket *socket = &sockets->items[i];
        if (socket->process[0] != '\0' || socket->uid != peer.uid)
            continue;
        snprintf(socket->process, sizeof(socket->process), OWN_NAME " (pid %d)", (int)peer.pid);
        socket->ours = true;
    }
}

/* --- links --- */

static struct doctor_link link_of(const struct ifaddrs *from)
{
    struct doctor_link link = {.addr.sa.sa_family = AF_UNSPEC};
    snprintf(link.name, sizeof(link.name), "%s", from->ifa_name);
    if (from->ifa_addr != NULL && from->ifa_addr->sa_family == AF_INET)
        memcpy(&link.addr.v4, from->ifa_addr, sizeof(link.addr.v4));
    else if (from->ifa_addr != NULL && from->ifa_addr->sa_family == AF_INET6)
        memcpy(&link.addr.v6, from->ifa_addr, sizeof(link.addr.v6));
    link.addr = link.addr.sa.sa_family == AF_UNSPEC ? link.addr : addr_with_port(link.addr, 0);
    return link;
}

bool doctor_read_links(struct doctor_links *links)
{
    struct ifaddrs *list;
    size_t count = 0;
    *links = (struct doctor_links){NULL, 0};
    if (getifaddrs(&list) != 0)
        return false;
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
        count++;
    links->items = calloc(count + 1, sizeof(*links->items));
    CHECK(links->items != NULL);
    for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next)
        links->items[links->count++] = link_of(at);
    freeifaddrs(list);
    return true;
}

/* --- memory --- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The tightest limit of a group and of those above it. */
static uint64_t limit_upwards(const char *root, const char *group, const char *file)
{
    char own[PATH_OCTETS];
    uint64_t limit = DOCTOR_NO_LIMIT;
    snprintf(own, sizeof(own), "%s", group);
    for (;;) {
        char path[2 * PATH_OCTETS];
        snprintf(path, sizeof(path), "%s%s/%s", root, own, file);
        limit = smaller(limit, doctor_read_number(path));
        char *slash = strrchr(own, '/');
        if (slash == NULL)
            return limit;
        *slash = '\0';
    }
}

/* One line "4:memory:/group" (v1) or "0::/group" (v2) of /proc/self/cgroup. */
static uint64_t limit_of_line(char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return DOCTOR_NO_LIMIT;
    *group++ = '\0';
    if (controllers[1] == '\0')
        return limit_upwards("/sys/fs/cgroup", group, "memory.max");
    if (strcmp(controllers + 1, "memory") == 0)
        return limit_upwards("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    return DOCTOR_NO_LIMIT;
}

uint64_t doctor_read_memory_limit(void)
{
    char *text = doctor_read_text("/proc/self/cgroup");
    char *rest = NULL;
    uint64_t limit = DOCTOR_NO_LIMIT;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        limit = smaller(limit, limit_of_line(line));
    free(text);
    return limit >= UNLIMITED ? DOCTOR_NO_LIMIT : limit;
}

/* --- kube-proxy --- */

/* Asks and reads the answer as text; false when there is none. Loopback: a connection is made or refused at once. */
static bool ask_proxy(int fd, char *answer, size_t cap)
{
    static const char request[] = "GET /proxyMode HTTP/1.0\r\nHost: localhost\r\n\r\n";
    const struct timeval limit = {.tv_usec = PROXY_MODE_WAIT_US / 4};
    struct addr addr;
    size_t len = 0;
    ssize_t got = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (addr_parse(&addr, PROXY_MODE_ADDRESS, 0) != ERR_OK ||
        connect(fd, &addr.sa, addr_len(&addr)) != 0 ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
        return false;
    for (int reads = 0; reads < 2 && got > 0 && len + 1 < cap; reads++) {
        got = recv(fd, answer + len, cap - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
    }
    answer[len] = '\0';
    return strncmp(answer, "HTTP/1.", 7) == 0 && strncmp(answer + 8, " 200", 4) == 0;
}

const char *doctor_read_proxy_mode(char out[DOCTOR_MODE_MAX])
{
    static const char *const modes[] = {"iptables", "ipvs", "nftables"};
    char answer[2048];
    out[0] = '\0';
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return out;
    const char *body = ask_proxy(fd, answer, sizeof(answer)) ? strstr(answer, "\r\n\r\n") : NULL;
    for (size_t i = 0; body != NULL && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strncmp(body + 4, modes[i], strlen(modes[i])) == 0)
            snprintf(out, DOCTOR_MODE_MAX, "%s", modes[i]);
    }
    close(fd);
    return out;
}

bool doctor_has_nfnetlink(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}
