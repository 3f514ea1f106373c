/* stream_private: how a listener turns a waiting connection into a stream. Private to src/net. */
#ifndef LOCAL53_NET_STREAM_PRIVATE_H
#define LOCAL53_NET_STREAM_PRIVATE_H

#include "local53/base/bytes.h"
#include "local53/net/stream.h"
#include "uv_private.h"

/* Makes a stream of an accepted socket, which it owns from then on; NULL when the connection is gone already.
 * Nobody is told anything of the stream until stream_accept. */
struct stream *stream_take(struct loop *loop, int fd, bool is_tcp);

#endif
