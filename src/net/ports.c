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

/* --- owner --- */

/* NOLINTBEGIN(cert-err34-c): the kernel wrote these lines, and widths keep numbers within their types */
/* Reads an address as /proc/net writes it: 32-bit words in host order, then the port. False when
 * the text is none. */
static bool read_hex_addr(const char *text, uint8_t *octets, size_t *len, unsigned *port)
{
    size_t words = strcspn(text, ":") / 8;
    if (words != 1 && words != 4)
        return false;
    for (size_t i = 0; i < words; i++) {
        unsigned word = 0;
        if (sscanf(text + i * 8, "%8x", &word) != 1)
            return false;
        memcpy(octets + i * 4, &word, 4);
    }
    *len = words * 4;
    return sscanf(text + words * 8, ":%4x", port) == 1;
}

/* True when a socket bound to that text's address stands in the way of addr. */
static bool is_in_way(const char *text, const struct addr *addr)
{
    static const uint8_t zeros[16];
    uint8_t octets[16];
    size_t len = 0;
    size_t want_len = 0;
    unsigned port = 0;
    const uint8_t *want = addr_octets(addr, &want_len);
    if (!read_hex_addr(text, octets, &len, &port) || port != addr_port(addr))
        return false;
    if (memcmp(octets, zeros, len) == 0 || addr_is_any(addr))
        return true;
    return len == want_len && memcmp(octets, want, len) == 0;
}

/* The inode of the socket of one line, when it is in the way; else 0. TCP counts in state LISTEN only. */
static unsigned long inode_of_line(const char *line, const struct addr *addr, bool is_tcp)
{
    char local[64];
    unsigned state = 0;
    unsigned long inode = 0;
    if (sscanf(line, " %*d: %63s %*s %2x %*s %*s %*s %*s %*s %lu", local, &state, &inode) != 3)
        return 0;
    if (is_tcp && state != 0x0a)
        return 0;
    return is_in_way(local, addr) ? inode : 0;
}
/* NOLINTEND(cert-err34-c) */

static unsigned long inode_in_table(const char *path, const struct addr *addr, bool is_tcp)
{
    char line[LINE_MAX_OCTETS];
    unsigned long inode = 0;
    FILE *table = fopen(path, "re");
    if (table == NULL)
        return 0;
    while (inode == 0 && fgets(line, sizeof(line), table) != NULL)
        inode = inode_of_line(line, addr, is_tcp);
    fclose(table);
    return inode;
}

/* The socket in the way, the address's own family first; 0 when none is seen. */
static unsigned long find_inode(const struct addr *addr, bool is_tcp)
{
    bool is_v6 = addr->sa.sa_family == AF_INET6;
    const char *v4 = is_tcp ? "/proc/net/tcp" : "/proc/net/udp";
    const char *v6 = is_tcp ? "/proc/net/tcp6" : "/proc/net/udp6";
    unsigned long inode = inode_in_table(is_v6 ? v6 : v4, addr, is_tcp);
    return inode != 0 ? inode : inode_in_table(is_v6 ? v4 : v6, addr, is_tcp);
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
