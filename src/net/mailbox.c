/* mailbox: messages from any thread to one loop. Owns the messages until they are dispatched. Posting
 * takes a mutex for a list append and wakes the loop; the loop detaches all messages under the mutex and
 * dispatches them outside it, oldest first. Unbounded, since messages are few (reload, stop, report);
 * out of memory is fatal. */
#include "local53/net/mailbox.h"

#include <stdlib.h>

#include "local53/base/check.h"
#include "uv_private.h"

struct message {
    struct message *next; /* owned; the one posted after it */
    int kind;             /* the receiver's numbering */
    void *payload;        /* goes to the receiver */
};

struct mailbox {
    uv_async_t wake;               /* data points back here */
    uv_mutex_t mutex;              /* guards inbox and inbox_tail */
    struct message *inbox;         /* owned; posted and not detached, oldest first */
    struct message **inbox_tail;   /* where the next one is linked */
    struct message *detached;      /* owned; loop's thread only; being dispatched, oldest first */
    mailbox_on_message on_message; /* told each message */
    void *owner;                   /* borrowed */
};

/* Moves what was posted to the end of an empty detached list. */
static void detach(struct mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->mutex);
    mailbox->detached = mailbox->inbox;
    mailbox->inbox = NULL;
    mailbox->inbox_tail = &mailbox->inbox;
    uv_mutex_unlock(&mailbox->mutex);
}

/* Dispatches what is detached; a nested call, from a receiver that closes, finishes the list. */
static void dispatch(struct mailbox *mailbox)
{
    while (mailbox->detached != NULL) {
        struct message *message = mailbox->detached;
        mailbox->detached = message->next;
        mailbox->on_message(mailbox->owner, message->kind, message->payload);
        free(message);
    }
}

static void on_wake(uv_async_t *wake)
{
    struct mailbox *mailbox = UV_OWNER(wake);
    detach(mailbox);
    dispatch(mailbox);
}

struct mailbox *mailbox_new(struct loop *loop, mailbox_on_message on_message, void *owner)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
    CHECK(mailbox != NULL);
    mailbox->inbox_tail = &mailbox->inbox;
    mailbox->on_message = on_message;
    mailbox->owner = owner;
    CHECK(uv_mutex_init(&mailbox->mutex) == 0);
    CHECK(uv_async_init(&loop->uv, &mailbox->wake, on_wake) == 0);
    mailbox->wake.data = mailbox;
    return mailbox;
}

void mailbox_post(struct mailbox *mailbox, int kind, void *payload)
{
    struct message *message = calloc(1, sizeof(*message));
    CHECK(message != NULL);
    message->kind = kind;
    message->payload = payload;
    uv_mutex_lock(&mailbox->mutex);
    *mailbox->inbox_tail = message;
    mailbox->inbox_tail = &message->next;
    /* Under the mutex, so that a free that saw this message also waits for its wake-up. */
    uv_async_send(&mailbox->wake);
    uv_mutex_unlock(&mailbox->mutex);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = UV_OWNER(handle);
    CHECK(mailbox->inbox == NULL);
    uv_mutex_destroy(&mailbox->mutex);
    free(mailbox);
}

void mailbox_free(struct mailbox *mailbox)
{
    if (mailbox == NULL)
        return;
    do {
        dispatch(mailbox);
        detach(mailbox);
    } while (mailbox->detached != NULL);
    uv_close((uv_handle_t *)&mailbox->wake, on_closed);
}
