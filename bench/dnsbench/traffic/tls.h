/* tls: the client's side of TLS for DNS over TLS (RFC 7858), without a socket: ciphertext is put in
 * and taken out by the caller, who thus keeps the stamps of what he reads. TLS 1.2 and later. Owned
 * by one thread. Bounds: TLS_PIPE_OCTETS of ciphertext each way and what OpenSSL keeps for a
 * connection, together at most TLS_OCTETS; trusted roots, if asked for, beside. */
#ifndef DNSBENCH_TRAFFIC_TLS_H
#define DNSBENCH_TRAFFIC_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/bytes.h"
#include "local53/base/err.h"

/* Ciphertext held each way: more than one longest record (RFC 8446 section 5.2). */
#define TLS_PIPE_OCTETS 32768

/* Memory of one connection at most, settings included and trusted roots not (measured: 150 kB). */
#define TLS_OCTETS 262144

struct tls; /* opaque */

/* Makes one side, ready for tls_handshake. name: the server's certificate must be for this name or
 * IP address and lead to one of the system's roots; NULL: any certificate does. Out of memory is
 * fatal; ERR_INVALID: no such name can be; ERR_SYSTEM: no roots. */
enum err tls_new(struct tls **out, const char *name);
void tls_free(struct tls *tls); /* accepts NULL */

/* Ready for another connection, which resumes the session of the last where the server lets it. */
void tls_restart(struct tls *tls);

/* Room for ciphertext from the server, and telling that len octets were put there. Empty while
 * what was put is not read. */
struct writer tls_space(struct tls *tls);
void tls_filled(struct tls *tls, size_t len);

/* Ciphertext for the server, the next piece of it, and telling that its first len octets have been
 * sent. */
struct bytes tls_pending(struct tls *tls);
void tls_sent(struct tls *tls, size_t len);

/* Goes on with the handshake. ERR_OK: done; ERR_TRUNCATED: the server's turn; ERR_DENIED: not the
 * name asked for; ERR_MALFORMED: the server speaks no TLS, or none in common. In all cases
 * tls_pending may have something to send. */
enum err tls_handshake(struct tls *tls);

/* Takes plaintext to be sent; how many octets were taken: fewer than len (0 even) while ciphertext
 * waits to be sent. What was not taken must be offered again, more may follow it. */
size_t tls_write(struct tls *tls, const uint8_t *data, size_t len);

/* Plaintext received, at most cap octets; 0 when there is none. */
size_t tls_read(struct tls *tls, uint8_t *data, size_t cap);

/* True when the server has ended the connection or broken the protocol. */
bool tls_is_closed(const struct tls *tls);

/* Tells the server that nothing follows. */
void tls_finish(struct tls *tls);

#endif
