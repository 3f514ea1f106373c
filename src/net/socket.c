/* socket: the one place where descriptors of sockets are made and their options set, so that none
 * lacks close-on-exec, non-blocking mode or a family of its own. Any thread; holds nothing. */
#include "socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

#include "local53/base/check.h"

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

void socket_close(int fd)
{
    int kept = errno;
    close(fd);
    errno = kept;
}

enum err socket_open(int *fd, const struct addr *addr, int type)
{
    *fd = socket(addr->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return err_from_errno(errno);
    if (addr->sa.sa_family == AF_INET6)
        (void)set_option(*fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return ERR_OK;
}

static bool set_sharing(int fd, enum socket_sharing sharing)
{
    if (sharing >= SOCKET_REUSEADDR && !set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        return false;
    return sharing < SOCKET_REUSEPORT || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

enum err socket_open_bound(int *fd, const struct addr *addr, int type, enum socket_sharing sharing)
{
    enum err err = socket_open(fd, addr, type);
    if (err != ERR_OK)
        return err;
    if (set_sharing(*fd, sharing) && bind(*fd, &addr->sa, addr_len(addr)) == 0)
        return ERR_OK;
    err = err_from_errno(errno);
    socket_close(*fd);
    *fd = -1;
    return err;
}

void socket_share_no_more(int fd)
{
    (void)set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
}

/* Offsets count from the content's first octet; past its end the program gives 0. */
enum err socket_steer(int fd, enum socket_steering by, size_t first, size_t count)
{
    struct sock_filter content = BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0);
    struct sock_filter chance =
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
    struct sock_filter steps[] = {by == SOCKET_BY_CONTENT ? content : chance,
                                  BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, (uint32_t)count),
                                  BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, (uint32_t)first),
                                  BPF_STMT(BPF_RET | BPF_A, 0)};
    const struct sock_fprog program = {sizeof(steps) / sizeof(steps[0]), steps};
    CHECK(count > 0);
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) == 0)
        return ERR_OK;
    return err_from_errno(errno);
}

struct addr socket_local_addr(int fd)
{
    struct addr addr;
    socklen_t len = sizeof(addr);
    memset(&addr, 0, sizeof(addr));
    (void)getsockname(fd, &addr.sa, &len);
    return addr;
}

void socket_set_buffer(int fd, int option, int size)
{
    int forced = option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;
    if (!set_option(fd, SOL_SOCKET, forced, size))
        (void)set_option(fd, SOL_SOCKET, option, size);
}

/* PROBE rather than DO: both set DF, but DO also believes path MTUs learned from ICMP, so that a forged
 * one makes sends fail; INTERFACE and OMIT would let the datagram be fragmented on its way. */
bool socket_forbid_fragments(int fd, sa_family_t family)
{
    if (family == AF_INET)
        return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) &&
           set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
}
