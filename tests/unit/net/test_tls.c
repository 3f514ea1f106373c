/* Checks of TLS servers that live on the same loop: OpenSSL's server side with certificates made here. */
#include "net_test.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "local53/net/stream.h"
#include "local53/net/tls.h"

#define NAME "api.ecr.eu-west-1.amazonaws.com"
#define DAY_S 86400L
#define PATIENCE_MS 15000
#define IMPATIENCE_MS 500

/* What a server does with a connection. */
enum manner { SPEAKS_TLS, SPEAKS_HTTP, SAYS_NOTHING, CLOSES };

/* A certificate to be made. */
struct wish {
    const char *names; /* as OpenSSL's configuration writes a subjectAltName; NULL: none */
    const char *common_name;
    long from_s; /* validity, from now */
    long to_s;
    bool self_signed;
};

struct fixture {
    struct net_test test;
    struct tls *tls;
    char ca_file[64];
    EVP_PKEY *ca_key;
    X509 *ca;
    struct stream_listener *listener;
    struct addr addr; /* of the server */
    SSL_CTX *settings;
    SSL *server; /* its connection; one at a time */
    enum manner manner;
    uint8_t buffer[4096];
    char sni[TLS_NAME_MAX]; /* the name the server was asked for */
    bool inside_start;
    unsigned done; /* calls of on_done */
    struct tls_result result;
};

/* --- certificates --- */

static void put_name(X509_NAME *name, const char *text)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)text, -1, -1, 0),
                     1);
}

static void put_extension(X509 *certificate, int nid, const char *text)
{
    char copy[1024];
    snprintf(copy, sizeof(copy), "%s", text);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, copy);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *new_certificate(const struct wish *wish, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), wish->from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), wish->to_s));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    put_name(X509_get_subject_name(certificate), wish->common_name);
    if (wish->names != NULL)
        put_extension(certificate, NID_subject_alt_name, wish->names);
    return certificate;
}

static void sign(X509 *certificate, X509 *issuer, EVP_PKEY *key)
{
    assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), 1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
}

static void make_authority(struct fixture *f)
{
    struct wish wish = {.common_name = "test authority", .from_s = -DAY_S, .to_s = DAY_S};
    f->ca_key = EVP_EC_gen("P-256");
    f->ca = new_certificate(&wish, f->ca_key);
    put_extension(f->ca, NID_basic_constraints, "critical,CA:TRUE");
    sign(f->ca, f->ca, f->ca_key);
    snprintf(f->ca_file, sizeof(f->ca_file), "/tmp/local53-tls-test-XXXXXX");
    int fd = mkstemp(f->ca_file);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, f->ca), 1);
    fclose(file);
}

/* --- a server --- */

static void flush_server(struct fixture *f, struct stream *stream)
{
    uint8_t ciphertext[4096];
    int len;
    while ((len = BIO_read(SSL_get_wbio(f->server), ciphertext, sizeof(ciphertext))) > 0)
        stream_write(stream, ciphertext, (size_t)len, NULL, 0);
}

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct fixture *f = owner;
    (void)stream;
    *cap = sizeof(f->buffer);
    return f->buffer;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct fixture *f = owner;
    if (f->manner == SPEAKS_HTTP)
        stream_write(stream, http, sizeof(http) - 1, NULL, 0);
    if (f->manner == CLOSES)
        stream_close(stream);
    if (f->manner != SPEAKS_TLS)
        return;
    BIO_write(SSL_get_rbio(f->server), f->buffer, (int)len);
    SSL_do_handshake(f->server);
    const char *sni = SSL_get_servername(f->server, TLSEXT_NAMETYPE_host_name);
    if (sni != NULL)
        snprintf(f->sni, sizeof(f->sni), "%s", sni);
    flush_server(f, stream);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct fixture *f = owner;
    (void)stream;
    (void)err;
    SSL_free(f->server);
    f->server = NULL;
}

static const struct stream_events server_events = {
    .on_space = on_space, .on_data = on_data, .on_end = on_end};

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct fixture *f = owner;
    (void)listener;
    if (f->settings != NULL) {
        BIO *in = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in, -1);
        f->server = SSL_new(f->settings);
        SSL_set_bio(f->server, in, BIO_new(BIO_s_mem()));
        SSL_set_accept_state(f->server);
    }
    stream_accept(stream, &server_events, f);
}

static void serve(struct fixture *f, const struct wish *wish)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = new_certificate(wish, key);
    sign(certificate, wish->self_signed ? certificate : f->ca, wish->self_signed ? key : f->ca_key);
    f->settings = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(f->settings, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(f->settings, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void serve_names(struct fixture *f, const char *names)
{
    serve(f,
          &(struct wish){.names = names, .common_name = "server", .from_s = -DAY_S, .to_s = DAY_S});
}

/* --- the check --- */

static void on_done(void *owner, const struct tls_result *result)
{
    struct fixture *f = owner;
    assert_false(f->inside_start);
    f->done++;
    f->result = *result;
    loop_stop(f->test.loop);
}

static struct tls_check *start_check(struct fixture *f, const char *name)
{
    f->inside_start = true;
    struct tls_check *check = tls_check_start(f->tls, &f->addr, name, on_done, f);
    f->inside_start = false;
    return check;
}

static enum tls_verdict check_name(struct fixture *f, const char *name)
{
    start_check(f, name);
    assert_true(net_test_run(&f->test));
    assert_int_equal(f->done, 1);
    return f->result.verdict;
}

static void renew_tls(struct fixture *f, uint32_t timeout_ms)
{
    tls_free(f->tls);
    assert_int_equal(tls_new(&f->tls, f->test.loop, f->ca_file, timeout_ms), ERR_OK);
}

static int open_fixture(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    struct addr any = net_test_addr("127.0.0.1");
    net_test_init(&f->test);
    make_authority(f);
    renew_tls(f, PATIENCE_MS);
    assert_int_equal(stream_listen_tcp(&f->listener, f->test.loop, &any, on_connection, f), ERR_OK);
    f->addr = stream_listener_addr(f->listener);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    if (f->listener != NULL)
        stream_listener_close(f->listener);
    tls_free(f->tls);
    loop_run(f->test.loop); /* until the server has seen its client leave */
    net_test_deinit(&f->test);
    SSL_CTX_free(f->settings);
    X509_free(f->ca);
    EVP_PKEY_free(f->ca_key);
    unlink(f->ca_file);
    test_free(f);
    return 0;
}

/* --- good servers --- */

static void a_server_with_a_certificate_for_the_name_is_ok(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:" NAME ",DNS:*.ecr.eu-west-1.vpce.amazonaws.com");
    assert_int_equal(check_name(f, NAME), TLS_OK);
    assert_string_equal(f->result.text, "");
    assert_string_equal(f->result.version, "TLSv1.3");
    assert_int_equal(f->result.name_count, 2);
    assert_string_equal(f->result.names[1], "*.ecr.eu-west-1.vpce.amazonaws.com");
    assert_true(f->result.connected && f->result.connect_us > 0 && f->result.handshake_us > 0);
}

static void the_server_is_asked_for_the_name(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:" NAME);
    check_name(f, NAME);
    assert_string_equal(f->sni, NAME);
}

static void a_server_of_tls_1_2_alone_is_ok(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:*.s3.eu-west-1.amazonaws.com");
    SSL_CTX_set_max_proto_version(f->settings, TLS1_2_VERSION);
    assert_int_equal(check_name(f, "local53-probe.s3.eu-west-1.amazonaws.com"), TLS_OK);
    assert_string_equal(f->result.version, "TLSv1.2");
}

static void names_past_the_first_eight_are_counted(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:a.example,DNS:b.example,DNS:c.example,DNS:d.example,DNS:e.example,"
                   "DNS:f.example,DNS:g.example,DNS:h.example,DNS:i.example,IP:127.0.0.1");
    assert_int_equal(check_name(f, "i.example"), TLS_OK);
    assert_int_equal(f->result.name_count, TLS_NAMES_MAX);
    assert_int_equal(f->result.name_total, 9);
    assert_string_equal(f->result.names[7], "h.example");
}

/* --- certificates that do not hold --- */

static void a_certificate_for_another_name_tells_whose(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:sts.eu-west-1.amazonaws.com");
    assert_int_equal(check_name(f, NAME), TLS_WRONG_NAME);
    assert_string_equal(f->result.names[0], "sts.eu-west-1.amazonaws.com");
    assert_true(f->result.connected);
    assert_false(f->result.fits_below);
}

static void a_certificate_for_names_below_says_so(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:*." NAME);
    assert_int_equal(check_name(f, NAME), TLS_WRONG_NAME);
    assert_true(f->result.fits_below);
}

static void a_partial_wildcard_is_none(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:ap*.example.com");
    assert_int_equal(check_name(f, "api.example.com"), TLS_WRONG_NAME);
}

static void a_common_name_alone_is_not_enough(void **state)
{
    struct fixture *f = *state;
    serve(f, &(struct wish){.common_name = NAME, .from_s = -DAY_S, .to_s = DAY_S});
    assert_int_equal(check_name(f, NAME), TLS_WRONG_NAME);
    assert_int_equal(f->result.name_total, 0);
}

static void a_certificate_whose_time_is_over_tells_when(void **state)
{
    struct fixture *f = *state;
    serve(f,
          &(struct wish){
              .names = "DNS:" NAME, .common_name = "server", .from_s = -2 * DAY_S, .to_s = -DAY_S});
    assert_int_equal(check_name(f, NAME), TLS_EXPIRED);
    assert_non_null(strstr(f->result.text, "the certificate expired "));
    assert_non_null(strstr(f->result.text, "GMT"));
}

static void a_certificate_of_tomorrow_is_not_valid_now(void **state)
{
    struct fixture *f = *state;
    serve(f,
          &(struct wish){
              .names = "DNS:" NAME, .common_name = "server", .from_s = DAY_S, .to_s = 2 * DAY_S});
    assert_int_equal(check_name(f, NAME), TLS_EXPIRED);
    assert_non_null(strstr(f->result.text, "not valid before"));
}

static void a_self_signed_certificate_tells_its_issuer(void **state)
{
    struct fixture *f = *state;
    serve(f, &(struct wish){.names = "DNS:" NAME,
                            .common_name = "firewall of the house",
                            .from_s = -DAY_S,
                            .to_s = DAY_S,
                            .self_signed = true});
    assert_int_equal(check_name(f, NAME), TLS_UNKNOWN_CA);
    assert_non_null(strstr(f->result.text, "firewall of the house"));
    assert_string_equal(f->result.names[0], NAME);
}

static void octets_that_do_not_print_are_question_marks(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:a\033[2Jb.example");
    assert_int_equal(check_name(f, NAME), TLS_WRONG_NAME);
    assert_string_equal(f->result.names[0], "a?[2Jb.example");
}

/* --- servers that are none --- */

static void nobody_at_the_port_is_refused(void **state)
{
    struct fixture *f = *state;
    stream_listener_close(f->listener);
    f->listener = NULL;
    assert_int_equal(check_name(f, NAME), TLS_REFUSED);
    assert_false(f->result.connected);
}

static void an_address_without_a_way_is_unreachable(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(addr_parse(&f->addr, "255.255.255.255:443", 0), ERR_OK);
    assert_int_equal(check_name(f, NAME), TLS_UNREACHABLE);
}

static void a_web_server_without_tls_is_not_tls(void **state)
{
    struct fixture *f = *state;
    f->manner = SPEAKS_HTTP;
    assert_int_equal(check_name(f, NAME), TLS_NOT_TLS);
    assert_true(f->result.connected);
}

static void a_server_that_hangs_up_is_told(void **state)
{
    struct fixture *f = *state;
    f->manner = CLOSES;
    assert_int_equal(check_name(f, NAME), TLS_RESET);
    assert_true(f->result.connected);
}

static void a_server_that_says_nothing_times_out(void **state)
{
    struct fixture *f = *state;
    f->manner = SAYS_NOTHING;
    renew_tls(f, IMPATIENCE_MS);
    assert_int_equal(check_name(f, NAME), TLS_TIMED_OUT);
    assert_true(f->result.connected);
    assert_non_null(strstr(f->result.text, "handshake"));
}

static void a_server_of_tls_1_1_alone_fails_with_its_reason(void **state)
{
    struct fixture *f = *state;
    serve_names(f, "DNS:" NAME);
    SSL_CTX_set_security_level(f->settings, 0);
    SSL_CTX_set_max_proto_version(f->settings, TLS1_1_VERSION);
    assert_int_equal(check_name(f, NAME), TLS_OTHER);
    assert_non_null(strstr(f->result.text, "protocol version"));
}

/* --- life --- */

static void a_name_that_no_host_can_have_is_told_later(void **state)
{
    struct fixture *f = *state;
    char name[400];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(check_name(f, name), TLS_OTHER);
}

static void a_cancelled_check_tells_nothing(void **state)
{
    struct fixture *f = *state;
    tls_check_cancel(start_check(f, NAME));
    stream_listener_close(f->listener);
    f->listener = NULL;
    loop_run(f->test.loop); /* until all is closed */
    assert_int_equal(f->done, 0);
}

static void a_file_without_certificates_is_invalid(void **state)
{
    struct fixture *f = *state;
    struct tls *tls = NULL;
    assert_int_equal(tls_new(&tls, f->test.loop, "/dev/null", PATIENCE_MS), ERR_INVALID);
    assert_int_equal(tls_new(&tls, f->test.loop, "/nowhere/ca.pem", PATIENCE_MS), ERR_INVALID);
    assert_null(tls);
    assert_int_equal(tls_new(&tls, f->test.loop, NULL, PATIENCE_MS), ERR_OK);
    tls_free(tls);
}

static void every_verdict_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < TLS_VERDICT_COUNT; i++)
        assert_true(strlen(tls_verdict_text((enum tls_verdict)i)) > 1);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(a_server_with_a_certificate_for_the_name_is_ok),
        TLS_TEST(the_server_is_asked_for_the_name),
        TLS_TEST(a_server_of_tls_1_2_alone_is_ok),
        TLS_TEST(names_past_the_first_eight_are_counted),
        TLS_TEST(a_certificate_for_another_name_tells_whose),
        TLS_TEST(a_certificate_for_names_below_says_so),
        TLS_TEST(a_partial_wildcard_is_none),
        TLS_TEST(a_common_name_alone_is_not_enough),
        TLS_TEST(a_certificate_whose_time_is_over_tells_when),
        TLS_TEST(a_certificate_of_tomorrow_is_not_valid_now),
        TLS_TEST(a_self_signed_certificate_tells_its_issuer),
        TLS_TEST(octets_that_do_not_print_are_question_marks),
        TLS_TEST(nobody_at_the_port_is_refused),
        TLS_TEST(an_address_without_a_way_is_unreachable),
        TLS_TEST(a_web_server_without_tls_is_not_tls),
        TLS_TEST(a_server_that_hangs_up_is_told),
        TLS_TEST(a_server_that_says_nothing_times_out),
        TLS_TEST(a_server_of_tls_1_1_alone_fails_with_its_reason),
        TLS_TEST(a_name_that_no_host_can_have_is_told_later),
        TLS_TEST(a_cancelled_check_tells_nothing),
        TLS_TEST(a_file_without_certificates_is_invalid),
        cmocka_unit_test(every_verdict_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
