/* tls: does a server at an address speak TLS, and does its certificate hold for the name that clients ask?
 * A check connects over TCP, does the handshake as a client of that name would (SNI, RFC 6066 section 3),
 * judges the certificate (RFC 5280; the name by RFC 9525, subjectAltName alone) and closes; it sends
 * nothing else. TLS 1.2 and later. */
#ifndef LOCAL53_NET_TLS_H
#define LOCAL53_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/net/loop.h"

#define TLS_NAME_MAX 256 /* a certificate's name with its terminator; longer ones are cut */
#define TLS_NAMES_MAX 8  /* names of a certificate that are kept; more are counted */
#define TLS_TEXT_MAX 320 /* words of a result, terminator included */

/* How a check ended. X(code, text): text is for people, "connection refused". */
#define TLS_VERDICT_LIST(X)                                                                        \
    X(OK, "ok")                                                                                    \
    X(REFUSED, "connection refused")                                                               \
    X(UNREACHABLE, "unreachable")                                                                  \
    X(TIMED_OUT, "timed out")                                                                      \
    X(RESET, "connection closed")                                                                  \
    X(NOT_TLS, "not TLS")                                                                          \
    X(WRONG_NAME, "certificate for another name")                                                  \
    X(EXPIRED, "certificate not valid now")                                                        \
    X(UNKNOWN_CA, "unknown CA")                                                                    \
    X(OTHER, "failed")

enum tls_verdict {
#define TLS_VERDICT_ENUM(code, text) TLS_##code,
    TLS_VERDICT_LIST(TLS_VERDICT_ENUM)
#undef TLS_VERDICT_ENUM
        TLS_VERDICT_COUNT
};

/* What is known after a check. Foreign text in it is printable ASCII: other octets are shown as '?'. */
struct tls_result {
    enum tls_verdict verdict; /* the first thing that is wrong, in the order of a connection */
    char text[TLS_TEXT_MAX];  /* one sentence of what was found; "" for TLS_OK */
    bool connected;           /* TCP was: what went wrong afterwards is not the network's */
    bool fits_below; /* TLS_WRONG_NAME: the certificate is for the names one label below instead */
    uint64_t connect_us;                     /* from the start to the connection; 0 without one */
    uint64_t handshake_us;                   /* from there to the end of the handshake; 0: none */
    char version[16];                        /* "TLSv1.2"; "" before the handshake's end */
    char names[TLS_NAMES_MAX][TLS_NAME_MAX]; /* DNS names of the certificate, in its order */
    size_t name_count;                       /* names in names */
    size_t name_total;                       /* DNS names it has */
};

struct tls;       /* settings shared by the checks of a run: trusted roots, time limit */
struct tls_check; /* one check under way */

/* Called once for each check that is not cancelled, never from inside tls_check_start; result is borrowed until
 * it returns. Other checks may be started and cancelled inside. */
typedef void (*tls_on_done)(void *owner, const struct tls_result *result);

/* Text of a verdict, static storage. */
const char *tls_verdict_text(enum tls_verdict verdict);

/* Settings for checks on this loop. ca_file: certificates to trust in PEM form, in place of the system's
 * (NULL). timeout_ms: for the connection, and again for the handshake. ERR_INVALID when the file cannot be
 * read as certificates. *out is the caller's. */
enum err tls_new(struct tls **out, struct loop *loop, const char *ca_file, uint32_t timeout_ms);

/* After the last check has told its end, or was cancelled. Accepts NULL. */
void tls_free(struct tls *tls);

/* Starts checking the server at an address (with port) for a host name, copied. The check frees itself after
 * on_done. How many are under way at once is the caller's bound; each takes about 60 KiB (measured). */
struct tls_check *tls_check_start(struct tls *tls, const struct addr *addr, const char *name,
                                  tls_on_done on_done, void *owner);

/* Ends one that has not told its end; on_done is not called. */
void tls_check_cancel(struct tls_check *check);

#endif
