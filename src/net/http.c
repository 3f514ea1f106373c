/* http: the read-only responder behind probes and scrapes (RFC 9110, RFC 9112). A server owns its listener
 * and at most CONNECTIONS_MAX connections; each owns a buffer of REQUEST_MAX octets and takes one request
 * after the other. Past a bound the client gets 503, 431 or 408 and a close; a request with a body or
 * that is no request gets 400 and a close. Loop's thread only. */
#include "local53/net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "local53/base/check.h"
#include "local53/base/list.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"

#define CONNECTIONS_MAX 32
#define REQUEST_MAX 4096
#define REQUEST_MS 10000 /* to send a whole request, from the first wait on */
#define LINGER_MS 1000 /* an unread rest is thrown away so long, lest the kernel reset our answer */
#define HEAD_MAX 512   /* status line and header fields of an answer */
#define TYPE_MAX 128   /* octets of a content type */

struct http_server {
    struct loop *loop;                /* borrowed */
    struct stream_listener *listener; /* owned; NULL once closed */
    struct timer_class *requests;     /* owned; REQUEST_MS */
    struct timer_class *lingers;      /* owned; LINGER_MS */
    struct link connections;          /* of struct connection; owned */
    size_t count;                     /* connections open */
    http_on_get on_get;               /* asked each request */
    void *owner;                      /* borrowed */
};

struct connection {
    struct http_server *server; /* borrowed */
    struct stream *stream;      /* owned */
    struct link link;           /* place in the server's list */
    struct timer timer;         /* time to send a request, then to go away */
    bool finished;              /* the last answer was written; input is thrown away */
    size_t len;                 /* octets in buffer */
    char buffer[REQUEST_MAX];   /* requests not answered yet */
};

/* A request's head, as far as we care. */
struct request {
    bool is_head;    /* HEAD rather than GET */
    bool keep_alive; /* the connection may go on */
    char *path;      /* within the buffer, terminated */
};

static const struct status_text {
    int status;
    const char *text;
} status_texts[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {431, "Request Header Fields Too Large"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *text_of(int status)
{
    for (size_t i = 0; i < sizeof(status_texts) / sizeof(status_texts[0]); i++)
        if (status_texts[i].status == status)
            return status_texts[i].text;
    return "Status";
}

/* --- answers --- */

/* Writes one answer; body may be NULL, and is not sent for HEAD. */
static void write_answer(struct connection *connection, const struct request *request,
                         const struct http_answer *answer)
{
    char head[HEAD_MAX];
    const char *type = answer->content_type != NULL ? answer->content_type : "text/plain";
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %d %s\r\nContent-Type: %.*s\r\nContent-Length: %zu\r\n"
                       "%sConnection: %s\r\n\r\n",
                       answer->status, text_of(answer->status), TYPE_MAX, type, answer->body_len,
                       answer->status == 405 ? "Allow: GET, HEAD\r\n" : "",
                       request->keep_alive ? "keep-alive" : "close");
    CHECK(len > 0 && (size_t)len < sizeof(head));
    size_t body_len = request->is_head ? 0 : answer->body_len;
    (void)stream_write(connection->stream, head, (size_t)len, answer->body, body_len);
}

/* Nothing more is answered. unread: the client may be sending still; what comes is thrown away for a
 * while before the close, for a close on unread input would reset the connection under our answer. */
static void finish(struct connection *connection, bool unread)
{
    connection->finished = true;
    connection->len = 0;
    timer_stop(&connection->timer);
    if (unread)
        timer_start(connection->server->lingers, &connection->timer);
    else
        stream_close(connection->stream);
}

/* Answers with a bare status and ends the connection. */
static void fail(struct connection *connection, int status)
{
    struct request request = {.is_head = false, .keep_alive = false};
    char text[64];
    int len = snprintf(text, sizeof(text), "%s\n", text_of(status));
    struct http_answer answer = {.status = status, .body = text, .body_len = (size_t)len};
    write_answer(connection, &request, &answer);
    finish(connection, true);
}

static void answer_request(struct connection *connection, const struct request *request)
{
    struct http_answer answer = {.status = 404};
    struct http_server *server = connection->server;
    server->on_get(server->owner, request->path, &answer);
    write_answer(connection, request, &answer);
    free(answer.body);
    if (!request->keep_alive)
        finish(connection, connection->len > 0);
}

/* --- requests --- */

/* Splits off the next word of a line (up to one space); NULL when there is none. */
static char *take_word(char **rest)
{
    char *word = *rest;
    char *space = strchr(word, ' ');
    if (space != NULL) {
        *space = '\0';
        *rest = space + 1;
    } else {
        *rest = word + strlen(word);
    }
    return *word == '\0' ? NULL : word;
}

/* Reads the request line; 0 or the status to fail with. */
static int read_request_line(char *line, struct request *request)
{
    char *method = take_word(&line);
    char *target = take_word(&line);
    char *version = take_word(&line);
    if (method == NULL || target == NULL || version == NULL || *line != '\0' || *target != '/')
        return 400;
    if (strncmp(version, "HTTP/", 5) != 0)
        return 400;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return 505;
    request->keep_alive = version[7] == '1';
    request->is_head = strcmp(method, "HEAD") == 0;
    if (!request->is_head && strcmp(method, "GET") != 0)
        return 405;
    target[strcspn(target, "?#")] = '\0';
    request->path = target;
    return 0;
}

/* Reads one header field; 0 or the status to fail with. Bodies are not taken: GET has none. */
static int read_field(char *line, struct request *request)
{
    size_t name_len = strcspn(line, ": \t");
    if (name_len == 0 || line[name_len] != ':')
        return 400;
    line[name_len] = '\0';
    char *value = line + name_len + 1;
    value += strspn(value, " \t");
    if (strcasecmp(line, "transfer-encoding") == 0)
        return 400;
    if (strcasecmp(line, "content-length") == 0 && strcmp(value, "0") != 0)
        return 400;
    if (strcasecmp(line, "connection") == 0 && strcasestr(value, "close") != NULL)
        request->keep_alive = false;
    return 0;
}

/* Takes the next line of a terminated head, cut at CR LF (or a bare LF, RFC 9112 section 2.2). */
static char *take_line(char **rest)
{
    char *line = *rest;
    size_t len = strcspn(line, "\n");
    *rest = line + len + (line[len] == '\n' ? 1 : 0);
    line[len] = '\0';
    if (len > 0 && line[len - 1] == '\r')
        line[len - 1] = '\0';
    return line;
}

/* Reads a terminated head without octet 0; 0 or the status to fail with. */
static int read_head(char *head, struct request *request)
{
    int status = read_request_line(take_line(&head), request);
    while (status == 0) {
        char *line = take_line(&head);
        if (*line == '\0')
            break;
        status = read_field(line, request);
    }
    return status;
}

/* Octets of the first head in the buffer with its empty line; 0 when it is not all there. */
static size_t head_len(const struct connection *connection)
{
    const char *start = connection->buffer;
    const char *end = start + connection->len;
    for (const char *at = start; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        size_t left = (size_t)(end - at);
        if (left >= 2 && at[1] == '\n')
            return (size_t)(at - start) + 2;
        if (left >= 3 && at[1] == '\r' && at[2] == '\n')
            return (size_t)(at - start) + 3;
    }
    return 0;
}

/* Answers the first request of the buffer, whose head has len octets, and removes it. */
static void take_request(struct connection *connection, size_t len)
{
    struct request request = {.keep_alive = false};
    char head[REQUEST_MAX];
    memcpy(head, connection->buffer, len);
    head[len - 1] = '\0';
    connection->len -= len;
    memmove(connection->buffer, connection->buffer + len, connection->len);
    int status = strlen(head) == len - 1 ? read_head(head, &request) : 400;
    if (status != 0)
        fail(connection, status);
    else
        answer_request(connection, &request);
}

/* --- connections --- */

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct connection *connection = owner;
    (void)stream;
    *cap = sizeof(connection->buffer) - connection->len;
    return (uint8_t *)connection->buffer + connection->len;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct connection *connection = owner;
    size_t request_len;
    (void)stream;
    if (connection->finished)
        return;
    connection->len += len;
    while (!connection->finished && (request_len = head_len(connection)) > 0) {
        timer_start(connection->server->requests, &connection->timer);
        take_request(connection, request_len);
    }
    if (!connection->finished && connection->len == sizeof(connection->buffer))
        fail(connection, 431);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct connection *connection = owner;
    (void)stream;
    (void)err;
    timer_stop(&connection->timer);
    list_remove(&connection->link);
    if (connection->server != NULL)
        connection->server->count--;
    free(connection);
}

static const struct stream_events connection_events = {
    .on_space = on_space,
    .on_data = on_data,
    .on_end = on_end,
};

static void on_request_late(void *owner, struct timer *timer)
{
    struct connection *connection = LIST_ITEM(timer, struct connection, timer);
    (void)owner;
    if (connection->len > 0)
        fail(connection, 408);
    else
        stream_close(connection->stream); /* idle: nothing was asked, so nothing is said */
}

static void on_lingered(void *owner, struct timer *timer)
{
    (void)owner;
    stream_close(LIST_ITEM(timer, struct connection, timer)->stream);
}

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct http_server *server = owner;
    (void)listener;
    if (server->count == 2 * (size_t)CONNECTIONS_MAX) {
        stream_refuse(stream);
        return;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    CHECK(connection != NULL);
    connection->server = server;
    connection->stream = stream;
    list_append(&server->connections, &connection->link);
    server->count++;
    timer_start(server->requests, &connection->timer);
    stream_accept(stream, &connection_events, connection);
    if (server->count > CONNECTIONS_MAX)
        fail(connection, 503);
}

/* --- server --- */

enum err http_server_open(struct http_server **out, struct loop *loop, const struct addr *addr,
                          http_on_get on_get, void *owner)
{
    struct http_server *server = calloc(1, sizeof(*server));
    CHECK(server != NULL);
    server->loop = loop;
    server->on_get = on_get;
    server->owner = owner;
    list_init(&server->connections);
    enum err err = stream_listen_tcp(&server->listener, loop, addr, on_connection, server);
    if (err != ERR_OK) {
        free(server);
        return err;
    }
    server->requests = timer_class_new(loop, REQUEST_MS, on_request_late, server);
    server->lingers = timer_class_new(loop, LINGER_MS, on_lingered, server);
    *out = server;
    return ERR_OK;
}

struct addr http_server_addr(const struct http_server *server)
{
    return stream_listener_addr(server->listener);
}

/* Connections outlive the server until their streams have ended; they forget it here. */
void http_server_close(struct http_server *server)
{
    struct link *link;
    if (server == NULL)
        return;
    stream_listener_close(server->listener);
    while ((link = list_take_first(&server->connections)) != NULL) {
        struct connection *connection = LIST_ITEM(link, struct connection, link);
        timer_stop(&connection->timer);
        connection->server = NULL;
        stream_abort(connection->stream);
    }
    timer_class_free(server->requests);
    timer_class_free(server->lingers);
    free(server);
}
