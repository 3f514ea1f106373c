/* target: the address ranges that are surely one's own.
 * Owns nothing; any thread; pure. Bounds: one table. Cannot fail. */
#include "traffic/target.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One range: the first bits of an address. */
struct range {
    uint8_t octets[16]; /* prefix, zeros after it */
    uint8_t len;        /* of the addresses: 4 or 16 octets */
    uint8_t bits;       /* of the prefix */
};

static const struct range private_ranges[] = {
    {{127}, 4, 8},                                               /* loopback, RFC 1122 3.2.1.3 */
    {{10}, 4, 8},                                                /* RFC 1918 */
    {{172, 16}, 4, 12},                                          /* RFC 1918 */
    {{192, 168}, 4, 16},                                         /* RFC 1918 */
    {{169, 254}, 4, 16},                                         /* link-local, RFC 3927 */
    {{100, 64}, 4, 10},                                          /* shared, RFC 6598 */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 16, 128}, /* loopback, RFC 4291 2.5.3 */
    {{0xfe, 0x80}, 16, 10},                                      /* link-local, RFC 4291 2.5.6 */
    {{0xfc}, 16, 7},                                             /* unique local, RFC 4193 */
};

static bool is_within(const struct range *range, const uint8_t *octets, size_t len)
{
    size_t whole = range->bits / 8;
    unsigned shift = 8 - range->bits % 8;

    if (len != range->len || memcmp(octets, range->octets, whole) != 0)
        return false;
    return range->bits % 8 == 0 || octets[whole] >> shift == range->octets[whole] >> shift;
}

bool target_is_private(const struct addr *addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    size_t len;

    if (addr->sa.sa_family != AF_INET && addr->sa.sa_family != AF_INET6)
        return false;
    const uint8_t *octets = addr_octets(addr, &len);
    if (len == 16 && memcmp(octets, mapped, sizeof(mapped)) == 0) {
        octets += sizeof(mapped);
        len = 4;
    }
    for (size_t i = 0; i < sizeof(private_ranges) / sizeof(private_ranges[0]); i++) {
        if (is_within(&private_ranges[i], octets, len))
            return true;
    }
    return false;
}
