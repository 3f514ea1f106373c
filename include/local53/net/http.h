/* http: a read-only responder for probes and scrapes: GET and HEAD of a few fixed paths, HTTP/1.0 and
 * 1.1, one request after the other on a connection. At most 32 connections, 4 KiB of request, 10 s
 * to send one; everything else gets 400, 404, 405, 408, 431 or 503 and a close. */
#ifndef LOCAL53_NET_HTTP_H
#define LOCAL53_NET_HTTP_H

#include "local53/base/addr.h"
#include "local53/base/err.h"
#include "local53/net/loop.h"

struct http_server;

/* What a handler answers: filled by the callee. */
struct http_answer {
    int status;               /* 200, 404, 503 */
    const char *content_type; /* borrowed, static */
    char *body;               /* owned by the responder afterwards (free); NULL for none */
    size_t body_len;          /* octets of body */
};

/* Asked for each request with the path without its query part; a path it does not know: status 404
 * (preset, with no body). The server may not be closed inside. */
typedef void (*http_on_get)(void *owner, const char *path, struct http_answer *answer);

/* Listens on addr. Errors as stream_listen_tcp. */
enum err http_server_open(struct http_server **out, struct loop *loop, const struct addr *addr,
                          http_on_get on_get, void *owner);

/* The address it is bound to. */
struct addr http_server_addr(const struct http_server *server);

/* Closes the listener and its connections; what is queued for them is dropped. Accepts NULL. */
void http_server_close(struct http_server *server);

#endif
