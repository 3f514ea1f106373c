/* address_problem: the sentence, and who has the port. Main thread. */
#include "address_problem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "local53/net/ports.h"

void address_problem_tell(const struct addr *addr, const char *transport, enum err err)
{
    const char *reason = strerror(errno);
    char text[ADDR_TEXT_MAX];
    char owner[PORTS_OWNER_MAX];
    addr_format(addr, text);
    if (err == ERR_IN_USE)
        fprintf(stderr, "local53: %s %s is taken by %s; stop it or choose another address\n",
                transport, text, ports_owner(addr, transport, owner));
    else if (err == ERR_DENIED)
        fprintf(stderr,
                "local53: %s %s: permission denied; ports below 1024 need "
                "CAP_NET_BIND_SERVICE\n",
                transport, text);
    else if (err == ERR_UNREACHABLE)
        fprintf(stderr,
                "local53: %s %s: no interface of this machine has that address; put it there, "
                "write another, or let local53 do it: node.intercept: owner\n",
                transport, text);
    else
        fprintf(stderr, "local53: %s %s: %s (%s)\n", transport, text, err_text(err), reason);
}
