/* watch: tells when a file changed, however: written in place, renamed over, or behind the symlink
 * swap of a Kubernetes ConfigMap volume (..data). Watches the folder and compares what the path leads
 * to (device, inode, size, mtime), so that unrelated changes are not told. */
#ifndef LOCAL53_NET_WATCH_H
#define LOCAL53_NET_WATCH_H

#include "local53/base/err.h"
#include "local53/net/loop.h"

struct watch;

/* Calls on_change(owner) at most once per 200 ms after the file at path changed; a poll every 5 s
 * stands in where the kernel tells nothing. What others write beside it wakes the loop no more often than that. */
enum err watch_open(struct watch **out, struct loop *loop, const char *path,
                    void (*on_change)(void *owner), void *owner);
void watch_close(struct watch *watch);

#endif
