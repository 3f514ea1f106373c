/* tls: OpenSSL over a pair of memory pipes (BIO_s_bio(3)): it has one end, our caller the other.
 * Owns: settings, connection, both ends, and the last session.
 * Thread: the caller's.
 * Bounds: the pipes are of fixed size; OpenSSL allocates at the handshake, nothing a message.
 * Fails: tls_handshake tells, later tls_is_closed. */
#include "tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"

/* Application protocol of DNS over TLS, as its registry and RFC 7301 section 3.1 write it. */
static const unsigned char alpn_dot[] = {3, 'd', 'o', 't'};

struct tls {
    char *name;           /* owned; the server's, NULL for any */
    SSL_CTX *settings;    /* owned */
    SSL *connection;      /* owned; has the other end of the pipe */
    BIO *pipe;            /* owned; our end */
    SSL_SESSION *session; /* owned; of the last connection; NULL for none */
    bool closed;          /* see tls_is_closed */
};

static bool is_ip(const char *name)
{
    uint8_t octets[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
}

/* The name is put into the settings, so that each connection made of them has it. */
static enum err verify_name(struct tls *tls, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->settings);
    int set = is_ip(name) ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
                          : X509_VERIFY_PARAM_set1_host(param, name, 0);
    if (set != 1)
        return ERR_INVALID;
    SSL_CTX_set_verify(tls->settings, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_set_default_verify_paths(tls->settings) == 1 ? ERR_OK : ERR_SYSTEM;
}

static void make_settings(struct tls *tls)
{
    tls->settings = SSL_CTX_new(TLS_client_method());
    CHECK(tls->settings != NULL);
    CHECK(SSL_CTX_set_min_proto_version(tls->settings, TLS1_2_VERSION) == 1);
    CHECK(SSL_CTX_set_alpn_protos(tls->settings, alpn_dot, sizeof(alpn_dot)) == 0);
    SSL_CTX_set_options(tls->settings, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(tls->settings,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls->settings, 1);
}

static void make_connection(struct tls *tls)
{
    BIO *inner = NULL;
    tls->closed = false;
    tls->connection = SSL_new(tls->settings);
    CHECK(tls->connection != NULL);
    CHECK(BIO_new_bio_pair(&inner, TLS_PIPE_OCTETS, &tls->pipe, TLS_PIPE_OCTETS) == 1);
    SSL_set_bio(tls->connection, inner, inner);
    SSL_set_connect_state(tls->connection);
    if (tls->name != NULL && !is_ip(tls->name)) /* RFC 6066 section 3: no addresses */
        CHECK(SSL_set_tlsext_host_name(tls->connection, tls->name) == 1);
    if (tls->session != NULL)
        CHECK(SSL_set_session(tls->connection, tls->session) == 1);
}

/* Without the mark of an orderly end OpenSSL would not let the session be resumed. */
static void end_connection(struct tls *tls)
{
    SSL_set_shutdown(tls->connection, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->connection);
    BIO_free(tls->pipe);
}

enum err tls_new(struct tls **out, const char *name)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    CHECK(tls != NULL);
    tls->name = name == NULL ? NULL : strdup(name);
    CHECK(name == NULL || tls->name != NULL);
    make_settings(tls);
    enum err err = name == NULL ? ERR_OK : verify_name(tls, name);
    if (err != ERR_OK) {
        ERR_clear_error();
        SSL_CTX_free(tls->settings);
        free(tls->name);
        free(tls);
        return err;
    }
    make_connection(tls);
    *out = tls;
    return ERR_OK;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    end_connection(tls);
    SSL_SESSION_free(tls->session);
    SSL_CTX_free(tls->settings);
    free(tls->name);
    free(tls);
}

void tls_restart(struct tls *tls)
{
    SSL_SESSION *session = SSL_get1_session(tls->connection);
    if (session != NULL && SSL_SESSION_is_resumable(session) == 1) {
        SSL_SESSION_free(tls->session);
        tls->session = session;
    } else {
        SSL_SESSION_free(session);
    }
    end_connection(tls);
    make_connection(tls);
}

/* --- ciphertext --- */

struct writer tls_space(struct tls *tls)
{
    char *place = NULL;
    int room = BIO_nwrite0(tls->pipe, &place);
    return writer_init((uint8_t *)place, room > 0 ? (size_t)room : 0);
}

void tls_filled(struct tls *tls, size_t len)
{
    char *place = NULL;
    CHECK(len > 0 && len <= TLS_PIPE_OCTETS);
    CHECK(BIO_nwrite(tls->pipe, &place, (int)len) == (int)len);
}

struct bytes tls_pending(struct tls *tls)
{
    char *place = NULL;
    int len = BIO_nread0(tls->pipe, &place);
    return (struct bytes){(uint8_t *)place, len > 0 ? (size_t)len : 0};
}

void tls_sent(struct tls *tls, size_t len)
{
    char *place = NULL;
    CHECK(len > 0 && len <= TLS_PIPE_OCTETS);
    CHECK(BIO_nread(tls->pipe, &place, (int)len) == (int)len);
}

/* --- plaintext --- */

/* What a call that gave result <= 0 means: true when it only waits for ciphertext to come or go. */
static bool is_waiting(struct tls *tls, int result)
{
    int why = SSL_get_error(tls->connection, result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

enum err tls_handshake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->connection);
    if (result == 1)
        return ERR_OK;
    if (is_waiting(tls, result))
        return ERR_TRUNCATED;
    tls->closed = true;
    return SSL_get_verify_result(tls->connection) == X509_V_OK ? ERR_MALFORMED : ERR_DENIED;
}

static int clamp_len(size_t len)
{
    return len < INT_MAX ? (int)len : INT_MAX;
}

size_t tls_write(struct tls *tls, const uint8_t *data, size_t len)
{
    if (len == 0 || tls->closed)
        return 0;
    ERR_clear_error();
    int result = SSL_write(tls->connection, data, clamp_len(len));
    if (result > 0)
        return (size_t)result;
    tls->closed = !is_waiting(tls, result);
    return 0;
}

/* Gives at most one record a call of OpenSSL's, so all of them are asked for. */
size_t tls_read(struct tls *tls, uint8_t *data, size_t cap)
{
    size_t len = 0;
    ERR_clear_error();
    while (len < cap && !tls->closed) {
        int result = SSL_read(tls->connection, data + len, clamp_len(cap - len));
        if (result > 0)
            len += (size_t)result;
        else if (is_waiting(tls, result))
            break;
        else
            tls->closed = true;
    }
    return len;
}

bool tls_is_closed(const struct tls *tls)
{
    return tls->closed;
}

void tls_finish(struct tls *tls)
{
    ERR_clear_error();
    if (!tls->closed && SSL_is_init_finished(tls->connection) == 1)
        (void)SSL_shutdown(tls->connection);
}
