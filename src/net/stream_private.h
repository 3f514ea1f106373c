/* stream_private: how a listener turns a waiting connection into a stream. Private to src/net. */
#ifndef LOCAL53_NET_STREAM_PRIVATE_H
#define LOCAL53_NET_STREAM_PRIVATE_H

#include "local53/base/bytes.h"
#include "local53/net/stream.h"
#include "uv_private.h"

/* Accepts from a listening handle; NULL when the connection is gone already. Nobody is told anything
 * of the stream until stream_accept. */
struct stream *stream_take(struct loop *loop, uv_stream_t *from, bool is_tcp);

#endif
