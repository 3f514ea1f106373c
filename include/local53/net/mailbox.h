/* mailbox: the only way a message crosses to another thread's loop. Messages are detached under the
 * lock and dispatched outside it, in the order posted. */
#ifndef LOCAL53_NET_MAILBOX_H
#define LOCAL53_NET_MAILBOX_H

#include "local53/net/loop.h"

struct mailbox;

/* kind is the receiver's own numbering; the payload's ownership goes with the message. */
typedef void (*mailbox_on_message)(void *owner, int kind, void *payload);

/* Receives on this loop's thread. */
struct mailbox *mailbox_new(struct loop *loop, mailbox_on_message on_message, void *owner);

/* Any thread. Never fails: messages are few and out of memory is fatal. */
void mailbox_post(struct mailbox *mailbox, int kind, void *payload);

/* Closes it on its loop's thread after dispatching what was posted before. */
void mailbox_free(struct mailbox *mailbox);

#endif
