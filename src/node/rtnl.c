/* rtnl: messages by libmnl.
 * Owns: nothing. Thread: main.
 * Bounds: a message is at most REQUEST_MAX.
 * Fails: with the kernel's errno. */
#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 512
#define LIFETIME_FOREVER UINT32_MAX

/* ---- Links ----------------------------------------------------------------------------------------- */

/* Head of a message about a link; flags are of netlink(7). */
static struct nlmsghdr *start_link(struct netlink *netlink, char *octets, uint16_t type,
                                   uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(octets);

    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    message->nlmsg_seq = netlink_next(netlink);
    return message;
}

int rtnl_make_dummy(struct netlink *netlink, const char *name)
{
    _Alignas(struct nlmsghdr) char octets[REQUEST_MAX] = {0};
    struct nlmsghdr *message = start_link(netlink, octets, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
    struct nlattr *kind;

    info->ifi_family = AF_UNSPEC;
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    kind = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_str(message, IFLA_INFO_KIND, "dummy");
    mnl_attr_nest_end(message, kind);
    return netlink_ask(netlink, message, message->nlmsg_len);
}

bool rtnl_is_up(const char *name)
{
    struct ifreq request = {.ifr_flags = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up;

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
    if (fd >= 0)
        close(fd);
    return up;
}

int rtnl_set_up(struct netlink *netlink, unsigned link)
{
    _Alignas(struct nlmsghdr) char octets[REQUEST_MAX] = {0};
    struct nlmsghdr *message = start_link(netlink, octets, RTM_NEWLINK, 0);
    struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

    info->ifi_index = (int)link;
    info->ifi_flags = IFF_UP;
    info->ifi_change = IFF_UP;
    return netlink_ask(netlink, message, message->nlmsg_len);
}

int rtnl_delete_link(struct netlink *netlink, unsigned link)
{
    _Alignas(struct nlmsghdr) char octets[REQUEST_MAX] = {0};
    struct nlmsghdr *message = start_link(netlink, octets, RTM_DELLINK, 0);
    struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

    info->ifi_index = (int)link;
    return netlink_ask(netlink, message, message->nlmsg_len);
}

/* ---- Addresses ------------------------------------------------------------------------------------- */

static unsigned char scope_of(const struct addr *address)
{
    if (address->sa.sa_family == AF_INET6)
        return RT_SCOPE_UNIVERSE; /* the kernel takes it from the address */
    return (ntohl(address->v4.sin_addr.s_addr) & 0xffff0000) == 0xa9fe0000 ? RT_SCOPE_LINK
                                                                           : RT_SCOPE_HOST;
}

/* A message about an address on a link, without what only adding needs. */
static struct nlmsghdr *start_address(struct nlmsghdr *message, const struct addr *address,
                                      unsigned link)
{
    struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
    size_t size;
    const uint8_t *octets = addr_octets(address, &size);

    head->ifa_family = (unsigned char)address->sa.sa_family;
    head->ifa_prefixlen = (unsigned char)(8 * size);
    head->ifa_scope = scope_of(address);
    head->ifa_index = link;
    mnl_attr_put(message, IFA_LOCAL, size, octets);
    mnl_attr_put(message, IFA_ADDRESS, size, octets);
    return message;
}

int rtnl_add(struct netlink *netlink, const struct addr *address, unsigned link)
{
    struct ifa_cacheinfo lifetimes = {.ifa_prefered = 0, .ifa_valid = LIFETIME_FOREVER};
    _Alignas(struct nlmsghdr) char octets[REQUEST_MAX] = {0};
    struct nlmsghdr *message = start_link(netlink, octets, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);

    start_address(message, address, link);
    mnl_attr_put_u8(message, IFA_PROTO, RTNL_MARK);
    if (address->sa.sa_family == AF_INET6) {
        mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
        mnl_attr_put(message, IFA_CACHEINFO, sizeof(lifetimes), &lifetimes);
    }
    return netlink_ask(netlink, message, message->nlmsg_len);
}

int rtnl_delete(struct netlink *netlink, const struct addr *address, unsigned link)
{
    _Alignas(struct nlmsghdr) char octets[REQUEST_MAX] = {0};
    struct nlmsghdr *message = start_link(netlink, octets, RTM_DELADDR, 0);

    start_address(message, address, link);
    return netlink_ask(netlink, message, message->nlmsg_len);
}

/* Whom to tell. */
struct each {
    void (*on_address)(void *context, const struct rtnl_address *address); /* borrowed */
    void *context;                                                         /* of on_address */
};

/* What of a message is needed; attributes are borrowed and may be missing. */
struct attributes {
    const struct nlattr *local;   /* the node's own end of a point-to-point link */
    const struct nlattr *address; /* without it the address; else the other end */
    const struct nlattr *mark;    /* who put it there */
};

static int on_attribute(const struct nlattr *attribute, void *context)
{
    struct attributes *attributes = context;
    uint16_t type = mnl_attr_get_type(attribute);

    if (type == IFA_LOCAL)
        attributes->local = attribute;
    else if (type == IFA_ADDRESS)
        attributes->address = attribute;
    else if (type == IFA_PROTO)
        attributes->mark = attribute;
    return MNL_CB_OK;
}

static int on_message(const struct nlmsghdr *message, void *context)
{
    const struct each *each = context;
    const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
    struct rtnl_address found = {.link = head->ifa_index};
    struct attributes attributes = {NULL, NULL, NULL};
    const struct nlattr *own;
    size_t size;

    if (message->nlmsg_type != RTM_NEWADDR)
        return MNL_CB_OK;
    (void)mnl_attr_parse(message, sizeof(*head), on_attribute, &attributes);
    own = attributes.local != NULL ? attributes.local : attributes.address;
    size = own == NULL ? 0 : mnl_attr_get_payload_len(own);
    if (size != 4 && size != 16)
        return MNL_CB_OK;
    found.is_marked = attributes.mark != NULL && mnl_attr_get_u8(attributes.mark) == RTNL_MARK;
    found.address = addr_from_octets(mnl_attr_get_payload(own), size, 0);
    each->on_address(each->context, &found);
    return MNL_CB_OK;
}

int rtnl_each(struct netlink *netlink,
              void (*on_address)(void *context, const struct rtnl_address *address), void *context)
{
    struct each each = {on_address, context};
    _Alignas(struct nlmsghdr) char octets[REQUEST_MAX] = {0};
    struct nlmsghdr *message = mnl_nlmsg_put_header(octets);
    struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));

    head->ifa_family = AF_UNSPEC;
    message->nlmsg_type = RTM_GETADDR;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = netlink_next(netlink);
    return netlink_dump(netlink, message, on_message, &each);
}
