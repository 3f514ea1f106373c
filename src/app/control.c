/* control: requests of the command line on a Unix socket, on the main thread's loop. Owns its
 * connections (a fixed table) and the text of the answers under way, which leaves in portions as the
 * peer reads it. */
#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local53/base/check.h"
#include "local53/base/list.h"
#include "local53/base/log.h"
#include "local53/base/slab.h"
#include "local53/net/stream.h"
#include "local53/net/timer.h"

#define CONTROL_WORDS_MAX 4
#define CONTROL_IDLE_MS 3000  /* for the request to come, and between portions of the answer */
#define CONTROL_PORTION 65536 /* octets of an answer handed to the stream at once */

struct peer {
    struct link link;        /* in control->peers */
    struct timer idle;       /* drops it when its request does not come */
    struct control *control; /* borrowed */
    struct stream *stream;   /* borrowed until on_end */
    char request[CONTROL_REQUEST_MAX];
    size_t request_len; /* octets of request held */
    char *answer;       /* owned; NULL until there is one */
    size_t answer_len;  /* octets of answer */
    size_t sent;        /* octets handed to the stream */
};

struct control {
    struct timer_class *idle;         /* owned; class of peer.idle */
    struct log_limit refused;         /* "control.refused" is told once a period */
    struct loop *loop;                /* borrowed */
    struct stream_listener *listener; /* owned */
    control_on_request on_request;    /* who answers */
    void *owner;                      /* for on_request */
    struct slab table;                /* struct peer */
    struct link peers;                /* head; open ones */
};

/* --- answering --- */

/* Hands over as much as the peer reads at once; the rest follows when that has left. */
static void send_portions(struct peer *peer)
{
    while (peer->sent < peer->answer_len && stream_queued(peer->stream) == 0) {
        size_t left = peer->answer_len - peer->sent;
        size_t portion = left < CONTROL_PORTION ? left : CONTROL_PORTION;
        if (!stream_write(peer->stream, NULL, 0, peer->answer + peer->sent, portion))
            return;
        peer->sent += portion;
    }
    if (peer->sent == peer->answer_len)
        stream_close(peer->stream);
}

/* Splits the request line at blanks and has it answered. */
static void answer(struct peer *peer)
{
    const char *words[CONTROL_WORDS_MAX];
    size_t count = 0;
    char *rest = peer->request;
    for (char *word; count < CONTROL_WORDS_MAX && (word = strtok_r(rest, " \r", &rest)) != NULL;)
        words[count++] = word;
    char *body = NULL;
    size_t body_len = 0;
    FILE *out = open_memstream(&body, &body_len);
    CHECK(out != NULL);
    int code = 2;
    if (count > 0)
        code = peer->control->on_request(peer->control->owner, words, count, out);
    fclose(out);
    peer->answer = malloc(body_len + 2);
    CHECK(peer->answer != NULL);
    peer->answer[0] = (char)('0' + code);
    peer->answer[1] = '\n';
    memcpy(peer->answer + 2, body, body_len);
    peer->answer_len = body_len + 2;
    free(body);
    send_portions(peer);
}

/* --- the connection --- */

static uint8_t *on_space(void *owner, struct stream *stream, size_t *cap)
{
    struct peer *peer = owner;
    (void)stream;
    *cap = peer->answer != NULL ? 0 : sizeof(peer->request) - peer->request_len;
    return (uint8_t *)peer->request + peer->request_len;
}

static void on_data(void *owner, struct stream *stream, size_t len)
{
    struct peer *peer = owner;
    peer->request_len += len;
    char *end = memchr(peer->request, '\n', peer->request_len);
    if (end != NULL) {
        *end = '\0';
        timer_start(peer->control->idle, &peer->idle);
        answer(peer);
    } else if (peer->request_len == sizeof(peer->request)) {
        stream_close(stream);
    }
}

static void on_drained(void *owner, struct stream *stream)
{
    struct peer *peer = owner;
    (void)stream;
    timer_start(peer->control->idle, &peer->idle);
    if (peer->answer != NULL)
        send_portions(peer);
}

/* Somebody who says nothing, or does not read, keeps no place from a probe. */
static void on_idle(void *owner, struct timer *timer)
{
    (void)owner;
    stream_abort(LIST_ITEM(timer, struct peer, idle)->stream);
}

static void on_end(void *owner, struct stream *stream, enum err err)
{
    struct peer *peer = owner;
    (void)stream;
    (void)err;
    timer_stop(&peer->idle);
    list_remove(&peer->link);
    free(peer->answer);
    slab_give(&peer->control->table, peer);
}

static const struct stream_events peer_events = {
    .on_space = on_space, .on_data = on_data, .on_drained = on_drained, .on_end = on_end};

static bool is_allowed(const struct stream *stream)
{
    uid_t uid;
    return stream_peer_uid(stream, &uid) == ERR_OK && (uid == 0 || uid == geteuid());
}

static void on_connection(void *owner, struct stream_listener *listener, struct stream *stream)
{
    struct control *control = owner;
    (void)listener;
    struct peer *peer = is_allowed(stream) ? slab_take(&control->table) : NULL;
    if (peer == NULL) {
        LOG_LIMITED(&control->refused, loop_now_ms(control->loop), LOG_LEVEL_WARN,
                    "control.refused", LOG_UINT("open", slab_used(&control->table)));
        stream_refuse(stream);
        return;
    }
    peer->control = control;
    peer->stream = stream;
    list_append(&control->peers, &peer->link);
    timer_start(control->idle, &peer->idle);
    stream_accept(stream, &peer_events, peer);
}

/* --- life --- */

/* Makes the folder of a path; if it cannot be made, listening will say so. */
static void make_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path || (size_t)(slash - path) >= sizeof(folder))
        return;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
    mkdir(folder, 0755);
}

enum err control_open(struct control **out, struct loop *loop, const char *path,
                      control_on_request on_request, void *owner)
{
    struct control *control = calloc(1, sizeof(*control));
    CHECK(control != NULL);
    control->loop = loop;
    control->on_request = on_request;
    control->owner = owner;
    slab_init(&control->table, sizeof(struct peer), CONTROL_CONNECTIONS_MAX);
    list_init(&control->peers);
    control->idle = timer_class_new(loop, CONTROL_IDLE_MS, on_idle, control);
    make_folder(path);
    enum err err = stream_listen_unix(&control->listener, loop, path, on_connection, control);
    if (err == ERR_OK)
        *out = control;
    else
        control_free(control);
    return err;
}

void control_close(struct control *control)
{
    if (control == NULL || control->listener == NULL)
        return;
    stream_listener_close(control->listener);
    control->listener = NULL;
    LIST_EACH(item, after, &control->peers)
        stream_close(LIST_ITEM(item, struct peer, link)->stream);
    timer_class_free(control->idle);
    control->idle = NULL;
}

void control_free(struct control *control)
{
    if (control == NULL)
        return;
    timer_class_free(control->idle);
    slab_deinit(&control->table);
    free(control);
}
