/* capabilities: by the system calls themselves (capget(2)), which one library less does as well.
 * Owns: nothing. Thread: any, for itself.
 * Bounds: 64 capabilities, as version 3 of the calls.
 * Fails: with the kernel's error. */
#include "local53/node/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's three sets, each a word of 64 bits. */
struct sets {
    uint64_t permitted;   /* may be raised */
    uint64_t effective;   /* in effect */
    uint64_t inheritable; /* over execve(2), with the file's */
};

#define BIT_BIND (UINT64_C(1) << CAP_NET_BIND_SERVICE)
#define BIT_ADMIN (UINT64_C(1) << CAP_NET_ADMIN)
#define BIT_READ (UINT64_C(1) << CAP_DAC_READ_SEARCH)

static enum err read_sets(struct sets *out)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) != 0)
        return ERR_SYSTEM;
    out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return ERR_OK;
}

static enum err write_sets(const struct sets *sets)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted = (uint32_t)(sets->permitted >> 32 * i);
        data[i].effective = (uint32_t)(sets->effective >> 32 * i);
        data[i].inheritable = (uint32_t)(sets->inheritable >> 32 * i);
    }
    return syscall(SYS_capset, &header, data) == 0 ? ERR_OK : err_from_errno(errno);
}

/* The kernel's bits of our members. */
static uint64_t bits_of(unsigned members)
{
    return ((members & CAPABILITIES_BIND) != 0 ? BIT_BIND : 0) |
           ((members & CAPABILITIES_ADMIN) != 0 ? BIT_ADMIN : 0) |
           ((members & CAPABILITIES_READ) != 0 ? BIT_READ : 0);
}

static unsigned members_of(uint64_t bits)
{
    return ((bits & BIT_BIND) != 0 ? CAPABILITIES_BIND : 0) |
           ((bits & BIT_ADMIN) != 0 ? CAPABILITIES_ADMIN : 0) |
           ((bits & BIT_READ) != 0 ? CAPABILITIES_READ : 0) |
           ((bits & ~(BIT_BIND | BIT_ADMIN | BIT_READ)) != 0 ? CAPABILITIES_OTHER : 0);
}

enum err capabilities_read(struct capabilities *out)
{
    struct sets sets;
    enum err err = read_sets(&sets);

    *out = (struct capabilities){0, 0};
    if (err == ERR_OK)
        *out = (struct capabilities){members_of(sets.permitted), members_of(sets.effective)};
    return err;
}

enum err capabilities_raise(unsigned wanted)
{
    struct sets sets;
    enum err err = read_sets(&sets);

    if (err != ERR_OK)
        return err;
    sets.effective |= sets.permitted & bits_of(wanted);
    err = write_sets(&sets);
    if (err == ERR_OK && (bits_of(wanted) & ~sets.permitted) != 0)
        err = ERR_DENIED;
    return err;
}

/* The ambient set follows: nothing stays in it that is not permitted and inheritable. */
enum err capabilities_keep(unsigned kept)
{
    struct sets sets;
    enum err err = read_sets(&sets);

    if (err != ERR_OK)
        return err;
    sets.permitted &= bits_of(kept);
    sets.effective &= bits_of(kept);
    sets.inheritable = 0;
    return write_sets(&sets);
}

enum err capabilities_no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? ERR_OK : err_from_errno(errno);
}

static const char *state_of(const struct capabilities *capabilities, unsigned member)
{
    if ((capabilities->effective & member) != 0)
        return "in effect";
    return (capabilities->permitted & member) != 0 ? "permitted" : "missing";
}

const char *capabilities_write(const struct capabilities *capabilities,
                               char out[CAPABILITIES_TEXT_MAX])
{
    snprintf(out, CAPABILITIES_TEXT_MAX, "NET_BIND_SERVICE %s, NET_ADMIN %s, %s",
             state_of(capabilities, CAPABILITIES_BIND), state_of(capabilities, CAPABILITIES_ADMIN),
             (capabilities->permitted & CAPABILITIES_OTHER) != 0 ? "others too" : "no others");
    return out;
}
