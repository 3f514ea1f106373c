/* address_problem: why an address could not be listened on, for people. */
#ifndef LOCAL53_APP_ADDRESS_PROBLEM_H
#define LOCAL53_APP_ADDRESS_PROBLEM_H

#include "local53/base/addr.h"
#include "local53/base/err.h"

/* Tells on stderr what is in the way (errno is what the kernel said) and what to do; `transport` is "UDP", "TCP" or both
 * in words. */
void address_problem_tell(const struct addr *addr, const char *transport, enum err err);

#endif
