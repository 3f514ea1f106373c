/* node: what the main thread does with the node it runs on: the capabilities it needs, the addresses that are put
 * there, and the rules that lead DNS here, in the order in which nothing is ever led to where nobody answers. With
 * intercept: off it only drops capabilities. Main thread; each call takes a few milliseconds at most. */
#ifndef LOCAL53_APP_NODE_H
#define LOCAL53_APP_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "local53/base/addr.h"
#include "local53/base/metrics.h"
#include "local53/config/config.h"

#define NODE_LOOK_MS 1000 /* how often what was put on the node is looked at */
#define NODE_WHY_MAX 512

struct node;

/* Takes what it needs of config, which may go away; metrics are main's. */
struct node *node_new(const struct config *config, struct metrics *metrics);

/* Before listeners are bound: raises capabilities and puts addresses there. False: told on stderr; nothing of it is
 * left, and the process ends with EXIT_ENVIRONMENT. */
bool node_prepare(struct node *node);

/* What is listened on: the configuration's addresses but those the node has refused; *count is at least 1. */
const struct addr *node_listen(const struct node *node, size_t *count);

/* Those of them whose answers are the proof that rules may stand: service addresses lead elsewhere before. */
const struct addr *node_proof(const struct node *node, size_t *count);

/* Once listeners are bound and before threads start: drops what is not needed any more, for good. `file` is told about
 * when a reload could not read it then. */
void node_settle(struct node *node, const char *file);

/* What a look has found. */
enum node_event {
    NODE_SAME,  /* nothing to be done */
    NODE_BEGUN, /* the rules stand now: all addresses of node_listen lead here */
    NODE_OVER /* refused, and on_failure is exit: told on stderr; the process stops with EXIT_ENVIRONMENT */
};

/* Once the proof has come puts the rules there; then looks every NODE_LOOK_MS whether all still stands, and repairs. */
enum node_event node_look(struct node *node, bool proven, uint64_t now_ms);

/* After a reload: rules that were refused are tried again at the next look. */
void node_retry(struct node *node);

/* True unless rules are still to come for the first time: a retry makes nothing unready. */
bool node_is_ready(const struct node *node);

/* One line for people: "off", "waiting for ...", "on, table ..., 6 rules, owned", "refused: ...". Gives out. */
const char *node_tell(const struct node *node, char out[NODE_WHY_MAX]);

/* Sets the gauges. */
void node_set_gauges(struct node *node);

/* First of an ordered stop: the rules go, questions lead elsewhere; what has come is still answered. */
void node_stand_down(struct node *node);

/* Once listeners are closed: removes addresses, and frees. Accepts NULL. */
void node_free(struct node *node);

#endif
