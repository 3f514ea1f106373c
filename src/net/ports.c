/* ports: finds a foreign server on our port and names it. Holds nothing; reads /proc, which may take a
 * few milliseconds, so it is for the start and for error messages only. What it may not look into is
 * called "another process". Any thread. */
#include "local53/net/ports.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "socket.h"

/* Longest line of /proc/net/{tcp,udp}{,6} we read, and longest path under /proc. */
#define LINE_MAX_OCTETS 512
#define PATH_MAX_OCTETS 64

/* --- probe --- */

/* TCP needs SO_REUSEADDR past connections of a former server in TIME_WAIT; it does not share with one
 * that listens. For UDP it would share, so there it is left out. */
static enum err probe_one(const struct addr *addr, int type)
{
    int fd = -1;
    enum socket_sharing sharing = type == SOCK_STREAM ? SOCKET_REUSEADDR : SOCKET_EXCLUSIVE;
    enum err err = socket_open_bound(&fd, addr, type, sharing);
    if (err != ERR_OK)
        return err;
    if (type == SOCK_STREAM && listen(fd, 1) != 0)
        err = err_from_errno(errno);
    socket_close(fd);
    return err;
}

enum err ports_probe_tcp(const struct addr *addr)
{
    return probe_one(addr, SOCK_STREAM);
}

enum err ports_probe(const struct addr *addr, const char **transport)
{
    *transport = "UDP";
    enum err err = probe_one(addr, SOCK_DGRAM);
    if (err != ERR_OK)
        return err;
    *transport = "TCP";
    return ports_probe_tcp(addr);
}

/* --- tables of the kernel --- */

/* NOLINTBEGIN(cert-err34-c): the kernel wrote these lines, and widths keep numbers within their types */
/* "0A14FEA9:0035": 32-bit words in host order, then the port. False when the text is none. */
static bool read_address(const char *text, struct addr *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint8_t octets[16];
    size_t words = strcspn(text, ":") / 8;
    unsigned port = 0;
    if (words != 1 && words != 4)
        return false;
    for (size_t i = 0; i < words; i++) {
        unsigned word = 0;
        if (sscanf(text + i * 8, "%8x", &word) != 1)
            return false;
        memcpy(octets + i * 4, &word, 4);
    }
    if (sscanf(text + words * 8, ":%4x", &port) != 1)
        return false;
    bool is_mapped = words == 4 && memcmp(octets, mapped, sizeof(mapped)) == 0;
    size_t skipped = is_mapped ? sizeof(mapped) : 0;
    *out = addr_from_octets(octets + skipped, words * 4 - skipped, (uint16_t)port);
    return true;
}

bool ports_read_line(const char *text, struct ports_line *out)
{
    char bound[64];
    return sscanf(text, " %*d: %63s %*s %2x %*s %*s %*s %9u %*s %lu", bound, &out->state, &out->uid,
                  &out->inode) == 4 &&
           read_address(bound, &out->bound);
}
/* NOLINTEND(cert-err34-c) */

bool ports_is_in_way(const struct addr *bound, const struct addr *wanted)
{
    if (addr_port(bound) != addr_port(wanted))
        return false;
    if (addr_is_any(bound))
        return bound->sa.sa_family == AF_INET6 || wanted->sa.sa_family == AF_INET;
    return addr_is_any(wanted) || addr_same_host(bound, wanted);
}

bool ports_each_line(const char *path, ports_on_line call, void *context)
{
    char text[LINE_MAX_OCTETS];
    struct ports_line line;
    bool more = true;
    FILE *table = fopen(path, "re");
    if (table == NULL)
        return false;
    while (more && fgets(text, sizeof(text), table) != NULL)
        more = !ports_read_line(text, &line) || call(context, &line);
    fclose(table);
    return true;
}

/* --- owner --- */

/* Who is in the way of an address. TCP counts in state LISTEN only. */
struct search {
    const struct addr *addr; /* borrowed */
    bool is_tcp;             /* else UDP */
    unsigned long inode;     /* found; else 0 */
};

static bool look_for(void *context, const struct ports_line *line)
{
    struct search *search = context;
    if ((!search->is_tcp || line->state == PORTS_LISTENS) &&
        ports_is_in_way(&line->bound, search->addr))
        search->inode = line->inode;
    return search->inode == 0;
}

/* The socket in the way, the address's own family first; 0 when none is seen. */
static unsigned long find_inode(const struct addr *addr, bool is_tcp)
{
    bool is_v6 = addr->sa.sa_family == AF_INET6;
    const char *v4 = is_tcp ? "/proc/net/tcp" : "/proc/net/udp";
    const char *v6 = is_tcp ? "/proc/net/tcp6" : "/proc/net/udp6";
    struct search search = {addr, is_tcp, 0};
    (void)ports_each_line(is_v6 ? v6 : v4, look_for, &search);
    if (search.inode == 0)
        (void)ports_each_line(is_v6 ? v4 : v6, look_for, &search);
    return search.inode;
}

/* True when the process has the socket open. */
static bool holds(const char *pid, unsigned long inode)
{
    char path[PATH_MAX_OCTETS];
    char want[PATH_MAX_OCTETS];
    char target[PATH_MAX_OCTETS];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
    snprintf(want, sizeof(want), "socket:[%lu]", inode);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    struct dirent *entry;
    while (!found && (entry = readdir(folder)) != NULL) {
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        target[len > 0 ? len : 0] = '\0';
        found = strcmp(target, want) == 0;
    }
    closedir(folder);
    return found;
}

/* Writes "name (pid 812)". */
static void name_process(const char *pid, char *out)
{
    char path[PATH_MAX_OCTETS];
    char name[32] = "a process";
    snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(name, sizeof(name), file) != NULL)
            name[strcspn(name, "\n")] = '\0';
        fclose(file);
    }
    snprintf(out, PORTS_OWNER_MAX, "%s (pid %.16s)", name, pid);
}

const char *ports_owner(const struct addr *addr, const char *transport, char *out)
{
    unsigned long inode = find_inode(addr, strcmp(transport, "TCP") == 0);
    struct dirent *entry;
    snprintf(out, PORTS_OWNER_MAX, "another process");
    DIR *processes = inode == 0 ? NULL : opendir("/proc");
    if (processes == NULL)
        return out;
    while ((entry = readdir(processes)) != NULL) {
        if (isdigit((unsigned char)entry->d_name[0]) && holds(entry->d_name, inode)) {
            name_process(entry->d_name, out);
            break;
        }
    }
    closedir(processes);
    return out;
}
