/* handover: two instances on the same listen addresses, one after the other, so that an update loses nothing: the
 * newcomer's sockets join those of the instance that stands there, behind a filter that leads all to the latter; once that
 * is told to stop it leads all to the newcomer, finishes what it has, and closes its sockets one by one. Both must
 * have node.handover and the same user. Without the key an address that somebody has is refused. Main thread. */
#ifndef LOCAL53_APP_HANDOVER_H
#define LOCAL53_APP_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "local53/base/addr.h"
#include "local53/server/worker.h"

struct handover;

/* For these addresses (a copy is taken, at most LISTENER_ADDRESSES_MAX); `on` is node.handover. */
struct handover *handover_new(bool on, const struct addr *addresses, size_t count);

/* Before any listener is bound: looks whether each address is free, or is held by an instance that hands over. May wait
 * for another that is between this and handover_begin. False: told on stderr with the remedy; the process ends with
 * EXIT_ENVIRONMENT. */
bool handover_enter(struct handover *handover);

/* Once all listeners of all `loops` workers are open: nobody else gets them any more, or, with the key, only another
 * instance. `workers` is borrowed until handover_free. */
void handover_begin(struct handover *handover, struct worker *const *workers, size_t loops);

/* True while another instance, which was there first, is asked instead of us, at one of the addresses at least. */
bool handover_is_beside(const struct handover *handover);

/* While beside another: looks whether it is gone. True when it has just gone, and all comes to us. */
bool handover_look(struct handover *handover);

/* First of an ordered stop: leads clients to the instance that came after us, if there is one. True: it was there, at
 * one address at least; workers are to be drained, then stopped one by one (handover_next). */
bool handover_leave(struct handover *handover);

/* While `left` of the workers, one at least, are not told to stop: whose turn it is. What is led elsewhere is led past
 * the others', and no more to where those that have stopped were. */
size_t handover_next(const struct handover *handover, size_t left);

/* For people (static text): "off", "alone", "beside another instance, ...", "leaving, ...". */
const char *handover_tell(const struct handover *handover);

/* Gives up its claims. Accepts NULL. */
void handover_free(struct handover *handover);

#endif
