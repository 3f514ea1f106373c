/* reserved: addresses that every instance of AWS reaches something else by. On the node itself they would take that
 * away from all of it: the instance's credentials, its time, its resolver. Any thread. */
#ifndef LOCAL53_NODE_RESERVED_H
#define LOCAL53_NODE_RESERVED_H

#include "local53/base/addr.h"

/* Whose the address is, as words for people ("the VPC resolver"); NULL when it is free to take. The port does not
 * count. (EC2 User Guide, "Link-local addresses"; Amazon ECS and EKS developer guides for 169.254.170.) */
const char *reserved_for(const struct addr *address);

#endif
