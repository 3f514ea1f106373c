/* reserved: the table. Owns nothing. Any thread. */
#include "local53/node/reserved.h"

#include <stddef.h>

#include "local53/base/check.h"

static const struct {
    const char *address;
    const char *whose;
} TAKEN[] = {
    {"169.254.169.253", "the VPC resolver"},
    {"fd00:ec2::253", "the VPC resolver"},
    {"169.254.169.254", "the instance metadata service"},
    {"fd00:ec2::254", "the instance metadata service"},
    {"169.254.169.123", "the Amazon Time Sync Service"},
    {"fd00:ec2::123", "the Amazon Time Sync Service"},
    {"169.254.170.2", "the credentials of ECS tasks"},
    {"169.254.170.23", "EKS Pod Identity"},
    {"fd00:ec2::23", "EKS Pod Identity"},
};

const char *reserved_for(const struct addr *address)
{
    struct addr bare = addr_with_port(*address, 0);

    for (size_t i = 0; i < sizeof(TAKEN) / sizeof(TAKEN[0]); i++) {
        struct addr taken;

        CHECK(addr_parse(&taken, TAKEN[i].address, 0) == ERR_OK);
        if (addr_same_host(&taken, &bare))
            return TAKEN[i].whose;
    }
    return NULL;
}
