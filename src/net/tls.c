/* tls: checks of TLS servers over streams; OpenSSL sees memory only. Owns the settings and, each check, a
 * stream, a connection of OpenSSL's and a time limit; a check ends when its stream is closed, and tells
 * then. Loop's thread. Bounds: one buffer and OpenSSL's limits a check. The handshake is let through
 * whatever the certificate says, since its names are what people need to see: nothing is sent after it.
 * Fails: as a verdict; out of memory is fatal. */
#include "local53/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/check.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"

/* Octets read from, or written to, the network at once. */
#define BUFFER_OCTETS 4096

/* The first two octets of what a TLS server sends: a record of a handshake or an alert, version 3.x
 * (RFC 8446 section 5.1). */
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define RECORD_VERSION 3

struct tls {
    SSL_CTX *settings;   /* owned */
    struct loop *loop;   /* borrowed */
    uint32_t timeout_ms; /* for each of connection and handshake */
};

struct tls_check {
    struct loop *loop;        /* borrowed */
    SSL *connection;          /* owned; with both of the pipes below */
    BIO *in;                  /* the connection's; ciphertext from the server */
    BIO *out;                 /* the connection's; ciphertext to it */
    struct stream *stream;    /* owned; NULL when it could not be made */
    struct alarm *limit;      /* owned; ends it */
    uint32_t timeout_ms;      /* of limit */
    uint64_t started_us;      /* when the connection was begun */
    bool heard;               /* the server has said something */
    bool judged;              /* result stands; only the close is waited for */
    tls_on_done on_done;      /* NULL: cancelled */
    void *owner;              /* borrowed; for on_done */
    struct tls_result result; /* what is known so far */
    uint8_t buffer[BUFFER_OCTETS];
};

static const char *const verdict_texts[TLS_VERDICT_COUNT] = {
#define TLS_VERDICT_TEXT(code, text) [TLS_##code] = (text),
    TLS_VERDICT_LIST(TLS_VERDICT_TEXT)
#undef TLS_VERDICT_TEXT
};

const char *tls_verdict_text(enum tls_verdict verdict)
{
    CHECK(verdict < TLS_VERDICT_COUNT);
    return verdict_texts[verdict];
}

/* --- words --- */

/* Copies foreign text, cut and with '?' for what is not printable. */
static void copy_printable(char *out, size_t cap, const unsigned char *text, size_t len)
{
    size_t count = len < cap - 1 ? len : cap - 1;
    for (size_t i = 0; i < count; i++)
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? (char)text[i] : '?';
    out[count] = '\0';
}

static void judge(struct tls_check *check, enum tls_verdict verdict, const char *text)
{
    if (check->judged)
        return;
    check->judged = true;
    check->result.verdict = verdict;
    copy_printable(check->result.text, TLS_TEXT_MAX, (const unsigned char *)text, strlen(text));
}

/* Puts what was printed into a memory BIO behind a head: "the issuer CN = x". */
static void judge_printed(struct tls_check *check, enum tls_verdict verdict, const char *head,
                          BIO *printed)
{
    char text[TLS_TEXT_MAX];
    char *data = NULL;
    long len = BIO_get_mem_data(printed, &data);
    snprintf(text, sizeof(text), "%s%.*s", head, (int)len, data);
    judge(check, verdict, text);
    BIO_free(printed);
}

static BIO *new_memory(void)
{
    BIO *memory = BIO_new(BIO_s_mem());
    CHECK(memory != NULL);
    return memory;
}

/* --- the certificate --- */

static void add_name(struct tls_result *result, const ASN1_STRING *name)
{
    result->name_total++;
    if (result->name_count == TLS_NAMES_MAX)
        return;
    copy_printable(result->names[result->name_count++], TLS_NAME_MAX, ASN1_STRING_get0_data(name),
                   (size_t)ASN1_STRING_length(name));
}

static void take_names(struct tls_result *result, const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_name(result, name->d.dNSName);
    }
    GENERAL_NAMES_free(names);
}

/* True when it would do for a name one label below the one asked. */
static bool is_for_below(X509 *certificate, const char *name)
{
    char below[TLS_NAME_MAX + 2];
    snprintf(below, sizeof(below), "x.%s", name);
    return X509_check_host(certificate, below, 0,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}

static void judge_time(struct tls_check *check, const X509 *certificate)
{
    BIO *printed = new_memory();
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        ASN1_TIME_print(printed, X509_get0_notAfter(certificate));
        judge_printed(check, TLS_EXPIRED, "the certificate expired ", printed);
    } else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        ASN1_TIME_print(printed, X509_get0_notBefore(certificate));
        judge_printed(check, TLS_EXPIRED, "the certificate is not valid before ", printed);
    } else {
        judge_printed(check, TLS_EXPIRED,
                      "a certificate of the chain above the server's is not valid now", printed);
    }
}

static void judge_issuer(struct tls_check *check, const X509 *certificate)
{
    BIO *printed = new_memory();
    X509_NAME_print_ex(printed, X509_get_issuer_name(certificate), 0, XN_FLAG_ONELINE);
    judge_printed(check, TLS_UNKNOWN_CA, "no trusted certificate vouches for its issuer, ",
                  printed);
}

static void judge_certificate(struct tls_check *check, X509 *certificate, const char *name)
{
    long verified = SSL_get_verify_result(check->connection);
    switch (verified) {
    case X509_V_OK: judge(check, TLS_OK, ""); break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        check->result.fits_below = is_for_below(certificate, name);
        judge(check, TLS_WRONG_NAME, "the certificate does not have this name");
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: judge_time(check, certificate); break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: judge_issuer(check, certificate); break;
    default: judge(check, TLS_OTHER, X509_verify_cert_error_string(verified));
    }
}

static void take_certificate(struct tls_check *check)
{
    X509 *certificate = SSL_get1_peer_certificate(check->connection);
    const char *name = SSL_get_servername(check->connection, TLSEXT_NAMETYPE_host_name);
    snprintf(check->result.version, sizeof(check->result.version), "%s",
             SSL_get_version(check->connection));
    if (certificate == NULL) {
        judge(check, TLS_OTHER, "the server has no certificate");
        return;
    }
    take_names(&check->result, certificate);
    judge_certificate(check, certificate, name != NULL ? name : "");
    X509_free(certificate);
}

/* --- the handshake --- */

/* Sends what OpenSSL has for the server. */
static void flush(struct tls_check *check)
{
    uint8_t ciphertext[BUFFER_OCTETS];
    int len;
    while ((len = BIO_read(check->out, ciphertext, sizeof(ciphertext))) > 0) {
        if (!stream_write(check->stream, ciphertext, (size_t)len, NULL, 0))
            return;
    }
}

/* The handshake broke: by the server's alert, or because what it said cannot be. */
static void judge_break(struct tls_check *check)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    char text[TLS_TEXT_MAX];
    snprintf(text, sizeof(text), "the TLS handshake failed: %s",
             reason != NULL ? reason : "no reason given");
    judge(check, TLS_OTHER, text);
}

static uint64_t elapsed_us(const struct tls_check *check)
{
    return loop_now_us(check->loop) - check->started_us;
}

static void go_on(struct tls_check *check)
{
    ERR_clear_error();
    int result = SSL_do_handshake(check->connection);
    int why = SSL_get_error(check->connection, result);
    if (result != 1 && (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)) {
        flush(check);
        return;
    }
    if (result == 1) {
        check->result.handshake_us = elapsed_us(check) - check->result.connect_us;
        take_certificate(check);
        (void)SSL_shutdown(check->connection);
    } else {
        judge_break(check);
    }
    flush(check);
    stream_close(check->stream);
}

/* --- the stream --- */

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct tls_check *check = owner;
    (void)stream;
    *cap = sizeof(check->buffer);
    return check->buffer;
}

/* A banner or an HTTP answer is told as what it is, not as a broken record. */
static bool is_tls(const uint8_t *data, size_t len)
{
    bool is_record = data[0] == RECORD_ALERT || data[0] == RECORD_HANDSHAKE;
    return is_record && (len < 2 || data[1] == RECORD_VERSION);
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct tls_check *check = owner;
    bool first = !check->heard;
    if (check->judged)
        return;
    check->heard = true;
    if (first && !is_tls(check->buffer, len)) {
        judge(check, TLS_NOT_TLS, "the server answered the TLS handshake with something else");
        stream_abort(stream);
        return;
    }
    CHECK(BIO_write(check->in, check->buffer, (int)len) == (int)len);
    go_on(check);
}

/* Told when it is connected, and after each write that was queued. */
static void on_drained(void *owner, struct stream *stream)
{
    struct tls_check *check = owner;
    (void)stream;
    if (check->result.connected || check->judged)
        return;
    check->result.connected = true;
    check->result.connect_us = elapsed_us(check);
    alarm_set(check->limit, check->timeout_ms);
    go_on(check);
}

/* What the stream's end means when nothing was found before it. */
static void judge_end(struct tls_check *check, enum err err)
{
    if (check->result.connected)
        judge(check, TLS_RESET, "the server closed the connection during the TLS handshake");
    else if (err == ERR_REFUSED)
        judge(check, TLS_REFUSED, "the address refused the connection");
    else if (err == ERR_TIMEOUT)
        judge(check, TLS_TIMED_OUT, "the address did not answer");
    else if (err == ERR_UNREACHABLE || err == ERR_INVALID || err == ERR_DENIED)
        judge(check, TLS_UNREACHABLE, "this machine has no way to the address");
    else if (err == ERR_CLOSED)
        judge(check, TLS_RESET, "the connection was reset");
    else
        judge(check, TLS_OTHER, err_text(err));
}

static void end_check(struct tls_check *check)
{
    alarm_free(check->limit);
    SSL_free(check->connection);
    if (check->on_done != NULL)
        check->on_done(check->owner, &check->result);
    free(check);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct tls_check *check = owner;
    (void)stream;
    judge_end(check, err);
    end_check(check);
}

static const struct stream_events events = {
    .on_space = on_space, .on_data = on_data, .on_drained = on_drained, .on_end = on_end};

/* --- life --- */

/* The time is over; without a stream it is only that on_done must not come from inside the start. */
static void on_limit(void *owner)
{
    struct tls_check *check = owner;
    if (check->stream == NULL) {
        end_check(check);
        return;
    }
    judge(check, TLS_TIMED_OUT,
          check->result.connected ? "connected, but the TLS handshake got no answer"
                                  : "the address did not answer");
    stream_abort(check->stream);
}

/* The server is to prove this name, and is told it; false when it is no host name. */
static bool set_name(SSL *connection, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(connection);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
           SSL_set_tlsext_host_name(connection, (char *)(uintptr_t)name) == 1;
}

static void make_connection(struct tls_check *check, SSL_CTX *settings)
{
    check->connection = SSL_new(settings);
    CHECK(check->connection != NULL);
    check->in = new_memory();
    check->out = new_memory();
    BIO_set_mem_eof_return(check->in, -1);
    SSL_set_bio(check->connection, check->in, check->out);
    SSL_set_connect_state(check->connection);
}

static void connect_stream(struct tls_check *check, const struct addr *addr)
{
    check->started_us = loop_now_us(check->loop);
    enum err err = stream_connect_tcp(&check->stream, check->loop, addr, &events, check);
    if (err == ERR_OK)
        return;
    check->stream = NULL;
    judge_end(check, err);
}

struct tls_check *tls_check_start(struct tls *tls, const struct addr *addr, const char *name,
                                  tls_on_done on_done, void *owner)
{
    struct tls_check *check = calloc(1, sizeof(*check));
    CHECK(check != NULL);
    check->loop = tls->loop;
    check->timeout_ms = tls->timeout_ms;
    check->on_done = on_done;
    check->owner = owner;
    check->limit = alarm_new(tls->loop, on_limit, check);
    make_connection(check, tls->settings);
    if (set_name(check->connection, name))
        connect_stream(check, addr);
    else
        judge(check, TLS_OTHER, "no server can have this name");
    alarm_set(check->limit, check->stream != NULL ? check->timeout_ms : 0);
    ERR_clear_error();
    return check;
}

void tls_check_cancel(struct tls_check *check)
{
    check->on_done = NULL;
    check->judged = true;
    if (check->stream != NULL)
        stream_abort(check->stream);
    else
        alarm_set(check->limit, 0);
}

static bool trust(SSL_CTX *settings, const char *ca_file)
{
    if (ca_file == NULL)
        return SSL_CTX_set_default_verify_paths(settings) == 1;
    return SSL_CTX_load_verify_file(settings, ca_file) == 1;
}

enum err tls_new(struct tls **out, struct loop *loop, const char *ca_file, uint32_t timeout_ms)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    CHECK(tls != NULL);
    tls->loop = loop;
    tls->timeout_ms = timeout_ms;
    tls->settings = SSL_CTX_new(TLS_client_method());
    CHECK(tls->settings != NULL);
    CHECK(SSL_CTX_set_min_proto_version(tls->settings, TLS1_2_VERSION) == 1);
    SSL_CTX_set_verify(tls->settings, SSL_VERIFY_NONE, NULL);
    bool trusted = trust(tls->settings, ca_file);
    ERR_clear_error();
    if (!trusted) {
        tls_free(tls);
        return ERR_INVALID;
    }
    *out = tls;
    return ERR_OK;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->settings);
    free(tls);
}
