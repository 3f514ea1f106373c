/* err: the one list of error codes. Zero is success; texts come from the same list. */
#ifndef LOCAL53_BASE_ERR_H
#define LOCAL53_BASE_ERR_H

/* X(code, text): text completes the sentence "could not ...: <text>". */
#define ERR_LIST(X)                                                                                \
    X(OK, "no error")                                                                              \
    X(TRUNCATED, "data ends too early")                                                            \
    X(MALFORMED, "data is malformed")                                                              \
    X(TOO_LONG, "data is too long")                                                                \
    X(NO_SPACE, "a limit is reached")                                                              \
    X(NOT_FOUND, "not found")                                                                      \
    X(INVALID, "value is not valid")                                                               \
    X(IN_USE, "address is in use")                                                                 \
    X(EXISTS, "it is there already")                                                               \
    X(UNSUPPORTED, "this system cannot do it")                                                     \
    X(DENIED, "permission denied")                                                                 \
    X(UNREACHABLE, "not reachable")                                                                \
    X(REFUSED, "refused by the peer")                                                              \
    X(TIMEOUT, "timed out")                                                                        \
    X(CLOSED, "closed by the peer")                                                                \
    X(SYSTEM, "system call failed (see errno)")

enum err {
#define ERR_ENUM(code, text) ERR_##code,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

/* Text of an error, static storage, never NULL; codes outside the list give "unknown error". */
const char *err_text(enum err err);

/* The error that a value of errno stands for (EADDRINUSE gives ERR_IN_USE and so on);
 * ERR_SYSTEM for those without a better word. */
enum err err_from_errno(int number);

#endif
