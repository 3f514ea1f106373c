/* err: texts of the error codes, and what values of errno mean. Pure; any thread. */
#include "local53/base/err.h"

#include <errno.h>
#include <stddef.h>

static const char *const texts[ERR_COUNT] = {
#define ERR_TEXT(code, text) [ERR_##code] = (text),
    ERR_LIST(ERR_TEXT)
#undef ERR_TEXT
};

const char *err_text(enum err err)
{
    size_t index = (size_t)err;

    return index < ERR_COUNT ? texts[index] : "unknown error";
}

enum err err_from_errno(int number)
{
    switch (number) {
    case 0: return ERR_OK;
    case ENOENT:
    case ENODEV:
    case ENXIO: return ERR_NOT_FOUND;
    case EINVAL:
    case EAFNOSUPPORT: return ERR_INVALID;
    case EADDRINUSE: return ERR_IN_USE;
    case EEXIST: return ERR_EXISTS;
    case EOPNOTSUPP:
    case EPROTONOSUPPORT: return ERR_UNSUPPORTED;
    case EACCES:
    case EPERM: return ERR_DENIED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL: return ERR_UNREACHABLE;
    case ECONNREFUSED: return ERR_REFUSED;
    case ETIMEDOUT: return ERR_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case EPIPE: return ERR_CLOSED;
    case EMSGSIZE:
    case ENAMETOOLONG: return ERR_TOO_LONG;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case ENOBUFS:
    case ENOMEM: return ERR_NO_SPACE;
    default: return ERR_SYSTEM;
    }
}
