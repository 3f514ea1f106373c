/* metadata: two small HTTP requests on blocking sockets with time-outs, at start and reload only. Owns
 * nothing; an answer over METADATA_ANSWER_MAX is malformed. */
#include "metadata.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "local53/base/addr.h"
#include "local53/base/clock.h"

#define METADATA_ADDRESS "169.254.169.254:80"
#define METADATA_ANSWER_MAX 4096
#define METADATA_TOKEN_MAX 512

static enum err connect_metadata(int *out)
{
    const char *address = getenv("LOCAL53_METADATA");
    struct timeval limit = {.tv_sec = METADATA_BUDGET_MS / 1000,
                            .tv_usec = METADATA_BUDGET_MS % 1000 * 1000L};
    struct addr addr;
    if (addr_parse(&addr, address != NULL ? address : METADATA_ADDRESS, 80) != ERR_OK)
        return ERR_INVALID;
    int fd = socket(addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_SYSTEM;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, &addr.sa, addr_len(&addr)) != 0) {
        close(fd);
        return ERR_UNREACHABLE;
    }
    *out = fd;
    return ERR_OK;
}

/* Sends a request and reads the whole answer (the server closes) as text. */
static enum err exchange_text(const char *request, char answer[METADATA_ANSWER_MAX])
{
    uint64_t limit_us = clock_monotonic_us() + METADATA_BUDGET_MS * UINT64_C(2000);
    size_t len = 0;
    ssize_t got = 0;
    int fd;
    enum err err = connect_metadata(&fd);
    if (err != ERR_OK)
        return err;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        err = ERR_UNREACHABLE;
    while (err == ERR_OK && len < METADATA_ANSWER_MAX - 1 &&
           (got = recv(fd, answer + len, METADATA_ANSWER_MAX - 1 - len, 0)) > 0) {
        len += (size_t)got;
        if (clock_monotonic_us() > limit_us)
            err = ERR_TIMEOUT;
    }
    if (got < 0)
        err = ERR_TIMEOUT;
    answer[len] = '\0';
    close(fd);
    return err;
}

/* The first line of the body of a 200 answer. */
static enum err body_line(const char *answer, char *out, size_t cap)
{
    const char *body = strstr(answer, "\r\n\r\n");
    if (body == NULL || strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 8, " 200", 4) != 0)
        return ERR_MALFORMED;
    size_t len = strcspn(body + 4, "\r\n");
    if (len == 0 || len >= cap)
        return ERR_MALFORMED;
    memcpy(out, body + 4, len);
    out[len] = '\0';
    return ERR_OK;
}

enum err metadata_region(char out[PARTITION_REGION_MAX])
{
    static const char token_request[] = "PUT /latest/api/token HTTP/1.1\r\n"
                                        "Host: 169.254.169.254\r\nContent-Length: 0\r\n"
                                        "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
                                        "Connection: close\r\n\r\n";
    char answer[METADATA_ANSWER_MAX];
    char token[METADATA_TOKEN_MAX];
    char request[METADATA_TOKEN_MAX + 256];
    enum err err = exchange_text(token_request, answer);
    if (err == ERR_OK)
        err = body_line(answer, token, sizeof(token));
    if (err != ERR_OK)
        return err;
    snprintf(request, sizeof(request),
             "GET /latest/meta-data/placement/region HTTP/1.1\r\nHost: 169.254.169.254\r\n"
             "X-aws-ec2-metadata-token: %s\r\nConnection: close\r\n\r\n",
             token);
    err = exchange_text(request, answer);
    if (err == ERR_OK)
        err = body_line(answer, out, PARTITION_REGION_MAX);
    if (err == ERR_OK && !partition_is_region(out))
        err = ERR_MALFORMED;
    return err;
}
