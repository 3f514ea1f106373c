/* TLS against OpenSSL's server side with a certificate made here: in memory, then as a DoT lane
 * over loopback with the server in a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bound_socket.h"
#include "traffic/lane.h"
#include "traffic/tls.h"

#define PATIENCE_MS 20000
#define PATIENCE_NS UINT64_C(5000000000)

/* What the certificate is for. */
#define HOST "dot.example"
#define NAMES "DNS:" HOST ",IP:127.0.0.1"

/* --- a server --- */

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}

static X509 *new_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    char names[] = NAMES;
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

/* Turns away whoever does not offer "dot" alone (RFC 7301 section 3.1). */
static int want_dot(SSL *ssl, int *alert, void *context)
{
    static const unsigned char expected[] = {0, 4, 3, 'd', 'o', 't'};
    const unsigned char *offer = NULL;
    size_t len = 0;
    (void)context;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &offer,
                                  &len) == 1 &&
        len == sizeof(expected) && memcmp(offer, expected, len) == 0)
        return SSL_CLIENT_HELLO_SUCCESS;
    return SSL_CLIENT_HELLO_ERROR;
}

/* Settings of a server that speaks this version only. */
static SSL_CTX *new_settings(int version)
{
    static const unsigned char context[] = {1};
    SSL_CTX *settings = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = new_key();
    X509 *cert = new_certificate(key);
    SSL_CTX_set_security_level(settings, 0);
    assert_int_equal(SSL_CTX_use_certificate(settings, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(settings, key), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(settings, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(settings, version), 1);
    assert_int_equal(SSL_CTX_set_session_id_context(settings, context, sizeof(context)), 1);
    SSL_CTX_set_client_hello_cb(settings, want_dot, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    return settings;
}

/* A server in memory and our side. */
struct fixture {
    SSL_CTX *settings; /* the server's */
    SSL *server;       /* its connection */
    BIO *in;           /* ciphertext to the server; the connection's */
    BIO *out;          /* ciphertext from it; the same */
    struct tls *tls;   /* ours */
};

static void begin_server(struct fixture *f)
{
    f->server = SSL_new(f->settings);
    f->in = BIO_new(BIO_s_mem());
    f->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(f->in, -1);
    BIO_set_mem_eof_return(f->out, -1);
    SSL_set_bio(f->server, f->in, f->out);
    SSL_set_accept_state(f->server);
}

static void start(struct fixture *f, int version, const char *name)
{
    f->settings = new_settings(version);
    begin_server(f);
    assert_int_equal(tls_new(&f->tls, name), ERR_OK);
}

static void stop(struct fixture *f)
{
    tls_free(f->tls);
    SSL_free(f->server);
    SSL_CTX_free(f->settings);
}

/* Carries what each side has for the other. */
static void carry_to_server(struct fixture *f)
{
    for (struct bytes piece = tls_pending(f->tls); piece.len > 0; piece = tls_pending(f->tls)) {
        assert_int_equal(BIO_write(f->in, piece.data, (int)piece.len), piece.len);
        tls_sent(f->tls, piece.len);
    }
}

static void carry_to_client(struct fixture *f)
{
    struct writer space = tls_space(f->tls);
    while (space.cap > 0) {
        int len = BIO_read(f->out, space.data, (int)space.cap);
        if (len <= 0)
            return;
        tls_filled(f->tls, (size_t)len);
        space = tls_space(f->tls);
    }
}

static enum err shake_hands(struct fixture *f)
{
    enum err err = ERR_TRUNCATED;
    for (int turn = 0; turn < 10; turn++) {
        if (err == ERR_TRUNCATED)
            err = tls_handshake(f->tls);
        carry_to_server(f);
        if (!SSL_is_init_finished(f->server))
            (void)SSL_do_handshake(f->server);
        carry_to_client(f);
    }
    return err;
}

/* Another connection to the same server. */
static void again(struct fixture *f)
{
    tls_restart(f->tls);
    SSL_free(f->server);
    begin_server(f);
}

static void server_says(struct fixture *f, const char *text)
{
    assert_int_equal(SSL_write(f->server, text, (int)strlen(text)), strlen(text));
    carry_to_client(f);
}

static void client_hears(struct fixture *f, const char *text)
{
    uint8_t data[64];
    assert_int_equal(tls_read(f->tls, data, sizeof(data)), strlen(text));
    assert_memory_equal(data, text, strlen(text));
}

/* --- in memory --- */

static void both_sides_hear_each_other_with(int version)
{
    struct fixture f;
    char data[8];
    start(&f, version, NULL);
    assert_int_equal(shake_hands(&f), ERR_OK);
    assert_int_equal(tls_write(f.tls, (const uint8_t *)"asked", 5), 5);
    carry_to_server(&f);
    assert_int_equal(SSL_read(f.server, data, sizeof(data)), 5);
    assert_memory_equal(data, "asked", 5);
    server_says(&f, "told");
    server_says(&f, "more");
    client_hears(&f, "toldmore");
    client_hears(&f, "");
    assert_false(tls_is_closed(f.tls));
    stop(&f);
}

static void both_sides_hear_each_other(void **state)
{
    (void)state;
    both_sides_hear_each_other_with(TLS1_2_VERSION);
    both_sides_hear_each_other_with(TLS1_3_VERSION);
}

static void old_versions_are_not_spoken(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, TLS1_1_VERSION, NULL);
    assert_int_equal(shake_hands(&f), ERR_MALFORMED);
    stop(&f);
}

static void what_is_no_tls_is_malformed(void **state)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct fixture f;
    (void)state;
    start(&f, TLS1_3_VERSION, NULL);
    assert_int_equal(tls_handshake(f.tls), ERR_TRUNCATED);
    memcpy(tls_space(f.tls).data, answer, sizeof(answer));
    tls_filled(f.tls, sizeof(answer));
    assert_int_equal(tls_handshake(f.tls), ERR_MALFORMED);
    assert_true(tls_is_closed(f.tls));
    stop(&f);
}

static void a_second_connection_resumes_the_session_with(int version)
{
    struct fixture f;
    start(&f, version, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shake_hands(&f), ERR_OK);
        assert_int_equal(SSL_session_reused(f.server), i > 0);
        server_says(&f, "told");
        client_hears(&f, "told");
        again(&f);
    }
    stop(&f);
}

static void a_second_connection_resumes_the_session(void **state)
{
    (void)state;
    a_second_connection_resumes_the_session_with(TLS1_2_VERSION);
    a_second_connection_resumes_the_session_with(TLS1_3_VERSION);
}

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 7 + at / 251);
}

/* The server takes what is there and compares; how many octets in all. */
static size_t server_takes(struct fixture *f, size_t taken)
{
    uint8_t data[4096];
    int len = SSL_read(f->server, data, sizeof(data));
    for (; len > 0; len = SSL_read(f->server, data, sizeof(data)))
        for (int i = 0; i < len; i++)
            assert_int_equal(data[i], pattern(taken++));
    return taken;
}

/* What is offered again may stand elsewhere by then. */
static void more_than_the_pipe_holds_is_taken_in_portions(void **state)
{
    enum { OCTETS = 10 * TLS_PIPE_OCTETS };
    struct fixture f;
    uint8_t *data = malloc(2 * OCTETS);
    size_t written = 0;
    size_t taken = 0;
    size_t copy = 0;
    (void)state;
    start(&f, TLS1_3_VERSION, NULL);
    assert_int_equal(shake_hands(&f), ERR_OK);
    for (size_t i = 0; i < OCTETS; i++)
        data[i] = data[OCTETS + i] = pattern(i);
    while (taken < OCTETS) {
        size_t now = 0;
        do {
            now = tls_write(f.tls, data + copy + written, OCTETS - written);
            written += now;
        } while (now > 0);
        copy = OCTETS - copy;
        assert_true(tls_pending(f.tls).len > 0 && written - taken <= TLS_PIPE_OCTETS);
        carry_to_server(&f);
        taken = server_takes(&f, taken);
    }
    assert_int_equal(taken, OCTETS);
    free(data);
    stop(&f);
}

static void each_side_is_told_of_the_others_end(void **state)
{
    struct fixture f;
    uint8_t octet;
    (void)state;
    start(&f, TLS1_3_VERSION, NULL);
    assert_int_equal(shake_hands(&f), ERR_OK);
    server_says(&f, "last");
    (void)SSL_shutdown(f.server);
    carry_to_client(&f);
    client_hears(&f, "last");
    assert_true(tls_is_closed(f.tls));
    assert_int_equal(tls_write(f.tls, &octet, 1), 0);
    again(&f);
    assert_int_equal(shake_hands(&f), ERR_OK);
    tls_finish(f.tls);
    carry_to_server(&f);
    assert_int_equal(SSL_read(f.server, &octet, 1), 0);
    assert_int_equal(SSL_get_error(f.server, 0), SSL_ERROR_ZERO_RETURN);
    stop(&f);
}

/* --- whose certificate it is --- */

/* Makes the server's certificate one of the system's roots, through the file that OpenSSL is told
 * of by its environment (openssl-env(7)). */
static void trust(struct fixture *f, char *path)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_int_equal(PEM_write_X509(file, SSL_CTX_get0_certificate(f->settings)), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
}

static enum err handshake_for(SSL_CTX *settings, const char *name)
{
    struct fixture f = {.settings = settings};
    begin_server(&f);
    assert_int_equal(tls_new(&f.tls, name), ERR_OK);
    enum err err = shake_hands(&f);
    tls_free(f.tls);
    SSL_free(f.server);
    return err;
}

static void a_name_is_verified_when_one_is_given(void **state)
{
    struct fixture f;
    char path[] = "/tmp/test-tls-XXXXXX";
    (void)state;
    start(&f, TLS1_3_VERSION, NULL);
    assert_int_equal(handshake_for(f.settings, HOST), ERR_DENIED);
    trust(&f, path);
    assert_int_equal(handshake_for(f.settings, HOST), ERR_OK);
    assert_int_equal(handshake_for(f.settings, "127.0.0.1"), ERR_OK);
    assert_int_equal(handshake_for(f.settings, "other.example"), ERR_DENIED);
    assert_int_equal(handshake_for(f.settings, "127.0.0.2"), ERR_DENIED);
    unsetenv("SSL_CERT_FILE");
    assert_int_equal(unlink(path), 0);
    stop(&f);
}

/* --- a lane --- */

/* A server that sends back what it gets, a number of connections one after the other. */
struct echo_server {
    SSL_CTX *settings; /* owned */
    int listener;      /* owned */
    int connections;   /* to serve */
    int resumed;       /* of these */
    pthread_t thread;  /* runs serve */
};

static void serve_one(struct echo_server *server)
{
    char data[4096];
    int fd = accept(server->listener, NULL, NULL);
    SSL *ssl = SSL_new(server->settings);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        server->resumed += SSL_session_reused(ssl);
        int len = SSL_read(ssl, data, sizeof(data));
        for (; len > 0; len = SSL_read(ssl, data, sizeof(data)))
            if (SSL_write(ssl, data, len) != len)
                break;
    }
    SSL_free(ssl);
    close(fd);
}

static void *serve(void *argument)
{
    struct echo_server *server = argument;
    for (int i = 0; i < server->connections; i++)
        serve_one(server);
    return NULL;
}

static struct lane_config start_server(struct echo_server *server, int connections)
{
    struct lane_config config = {.transport = TRANSPORT_DOT, .connect_timeout_ns = PATIENCE_NS};
    config.source.sa.sa_family = AF_UNSPEC;
    *server = (struct echo_server){.connections = connections};
    server->settings = new_settings(TLS1_3_VERSION);
    server->listener = bound_socket(&config.server, SOCK_STREAM, AF_INET);
    assert_int_equal(listen(server->listener, 4), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return config;
}

static void stop_server(struct echo_server *server)
{
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    SSL_CTX_free(server->settings);
    close(server->listener);
}

/* Sends rounds batches of 16 longest messages and takes them back. */
static void exchange(struct lane *lane, size_t rounds)
{
    static struct lane_batch out;
    static struct lane_batch back;
    size_t sent = 0;
    size_t received = 0;
    lane_batch_init(&out, 16, LANE_MESSAGE_OCTETS);
    lane_batch_init(&back, 16, LANE_MESSAGE_OCTETS);
    while (received < 16 * rounds) {
        int why = 0;
        out.count = sent < 16 * rounds ? 16 - sent % 16 : 0;
        for (size_t i = 0; i < out.count; i++) {
            out.messages[i].len = LANE_MESSAGE_OCTETS;
            memset(out.messages[i].data, (uint8_t)(sent + i), LANE_MESSAGE_OCTETS);
        }
        sent += lane_send(lane, &out, &why);
        assert_true(why == 0 || why == EAGAIN);
        assert_true(sent > 16 || !lane_wants_write(lane)); /* one batch fits the socket's buffer */
        struct pollfd wanted = {.fd = lane_descriptor(lane), .events = POLLIN};
        wanted.events = (short)(POLLIN | (lane_wants_write(lane) ? POLLOUT : 0));
        assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
        lane_flush(lane);
        while (lane_receive(lane, &back) > 0) {
            for (size_t i = 0; i < back.count; i++) {
                const struct lane_message *message = &back.messages[i];
                assert_int_equal(message->len, LANE_MESSAGE_OCTETS);
                assert_int_equal(message->data[LANE_MESSAGE_OCTETS - 1], received++ & 0xff);
                assert_true(message->received_ns <= message->read_ns);
            }
        }
    }
    lane_batch_deinit(&out);
    lane_batch_deinit(&back);
}

static void a_lane_speaks_dot_and_resumes_when_reopened(void **state)
{
    struct echo_server server;
    struct lane *lane = NULL;
    struct lane_errors errors;
    (void)state;
    struct lane_config config = start_server(&server, 2);
    assert_int_equal(lane_open(&lane, &config), ERR_OK);
    exchange(lane, 40);
    lane_take_errors(lane, &errors);
    assert_false(errors.closed);
    assert_int_equal(lane_reopen(lane), ERR_OK);
    exchange(lane, 1);
    lane_close(lane);
    stop_server(&server);
    assert_int_equal(server.resumed, 1);
}

static void a_dot_lane_to_another_name_is_denied(void **state)
{
    struct echo_server server;
    struct lane *lane = NULL;
    (void)state;
    struct lane_config config = start_server(&server, 1);
    config.tls_name = "other.example";
    assert_int_equal(lane_open(&lane, &config), ERR_DENIED);
    assert_null(lane);
    stop_server(&server);
}

/* It accepts and says nothing. */
static void a_dot_lane_to_a_server_that_says_nothing_is_given_up(void **state)
{
    struct lane *lane = NULL;
    struct addr addr;
    (void)state;
    int listener = bound_socket(&addr, SOCK_STREAM, AF_INET);
    assert_int_equal(listen(listener, 4), 0);
    struct lane_config config = {.transport = TRANSPORT_DOT, .server = addr};
    config.source.sa.sa_family = AF_UNSPEC;
    config.connect_timeout_ns = 20000000;
    assert_int_equal(lane_open(&lane, &config), ERR_TIMEOUT);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_hear_each_other),
        cmocka_unit_test(old_versions_are_not_spoken),
        cmocka_unit_test(what_is_no_tls_is_malformed),
        cmocka_unit_test(a_second_connection_resumes_the_session),
        cmocka_unit_test(more_than_the_pipe_holds_is_taken_in_portions),
        cmocka_unit_test(each_side_is_told_of_the_others_end),
        cmocka_unit_test(a_name_is_verified_when_one_is_given),
        cmocka_unit_test(a_lane_speaks_dot_and_resumes_when_reopened),
        cmocka_unit_test(a_dot_lane_to_another_name_is_denied),
        cmocka_unit_test(a_dot_lane_to_a_server_that_says_nothing_is_given_up),
    };
    (void)signal(SIGPIPE, SIG_IGN); /* the server in its thread may write to a lane that is gone */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
