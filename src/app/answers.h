/* answers: what a running local53 says about itself: on the control socket and on the metrics port. */
#ifndef LOCAL53_APP_ANSWERS_H
#define LOCAL53_APP_ANSWERS_H

#include <stddef.h>
#include <stdio.h>

#include "local53/net/http.h"

/* A request of `local53 ctl`; owner is the supervisor. As control_on_request. */
int answers_control(void *owner, const char *const *words, size_t count, FILE *out);

/* GET /metrics, /healthz, /readyz; owner is the supervisor. As http_on_get. */
void answers_http(void *owner, const char *path, struct http_answer *answer);

#endif
