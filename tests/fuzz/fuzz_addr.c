/* fuzz_addr: addresses from any text. Property: what is taken is written in a form that is taken
 * again as the same address, and a host without a port agrees with inet_pton. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local53/base/addr.h"
#include "local53/base/check.h"

/* Port where none is written; not 0, so that it stands in the written form. */
#define DEFAULT_PORT 53

/* What is taken without brackets, scope and port is what the C library takes. */
static void check_plain(const char *text, enum err taken)
{
    uint8_t octets[16];
    const char *colon = strchr(text, ':');
    int family = colon == NULL ? AF_INET : AF_INET6;
    bool is_plain =
        strpbrk(text, "[]%") == NULL && (colon == NULL || strchr(colon + 1, ':') != NULL);

    CHECK(!is_plain || (inet_pton(family, text, octets) == 1) == (taken == ERR_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    char written[ADDR_TEXT_MAX];
    struct addr addr;
    struct addr again;
    enum err err;

    CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    err = addr_parse(&addr, text, DEFAULT_PORT);
    check_plain(text, err);
    if (err == ERR_OK) {
        addr_format(&addr, written);
        CHECK(strlen(written) < ADDR_TEXT_MAX);
        CHECK(addr_parse(&again, written, 0) == ERR_OK);
        CHECK(addr_equal(&addr, &again));
    }
    free(text);
    return 0;
}
